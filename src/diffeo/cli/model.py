"""A flow's options on the command line and in its config file: ``--model.NAME``, typed as in its constructor."""

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import field, make_dataclass
from typing import Annotated, Any

from cyclopts import App, CycloptsError, Group, Parameter
from cyclopts.argument import ArgumentCollection

from diffeo.cli import recipe
from diffeo.cli.flows import Option, choices, every_option, flows, not_of, options, plain
from diffeo.cli.parse import MaybeNumber, MaybeSwitch, MaybeText, MaybeWhole, MaybeWholes, text_of

PREFIX = "--model."
HIDDEN = Group("Options of other flows", show=False)  # from help: they complete all the same
PARSED = {int: MaybeWhole, float: MaybeNumber, bool: MaybeSwitch, str: MaybeText, tuple[int, ...]: MaybeWholes}


def options_of(flow: str | None) -> type:
    """What a verb takes for `model`: the options of this flow, or of all flows where it is not known.

    Help shows a flow's own only. Those of other flows are taken as well, so that :func:`refuse_others` can say whose
    they are. An option of None is left to the flow.
    """
    own = {option.name: option for option in (options(flow) if flow else ())}
    shown = Group(f"Options of {flow}", sort_key=2)
    fields = [(name, *_field(option, option.default, shown)) for name, option in own.items()]
    fields += [(name, *_field(o, None, HIDDEN)) for name, o in every_option().items() if name not in own]
    model = make_dataclass("Model", fields, frozen=True, kw_only=True, namespace={"__module__": __name__})
    return Parameter(name="*", name_transform=lambda name: f"model.{name.replace('_', '-')}")(model)


def _field(option: Option, default: Any, group: Group) -> tuple[Any, Any]:
    kind: Any = option.kind | None if choices(option.kind) else PARSED[plain(option.kind)]
    said = option.text[:1].upper() + option.text[1:]
    return Annotated[kind, Parameter(group=group, help=said, show_default=default is not None)], field(default=default)


def with_options(verb: Callable[..., None], model: type) -> Callable[..., None]:
    """A verb whose parameter `model` is of this class."""

    @functools.wraps(verb)
    def typed(*arguments: Any, **given: Any) -> None:
        verb(*arguments, **given)

    signature, kind = inspect.signature(verb), model | None
    parameters = [p.replace(annotation=kind) if p.name == "model" else p for p in signature.parameters.values()]
    typed.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    typed.__annotations__ = verb.__annotations__ | {"model": kind}
    return typed


def chosen(flow: str, model: Any) -> dict[str, Any]:
    """What was given of a flow's options, by their names, where it is not the default anyway."""
    found = {}
    for option in options(flow):
        value = getattr(model, option.name, None)
        value = tuple(value) if isinstance(value, list) else value
        if value not in (None, option.default):
            found[option.name] = value
    return found


class _Seen(Exception):
    """The words of a command are bound: what they name is known."""

    def __init__(self, flow: str | None):
        super().__init__()
        self.flow = flow


def flow_in(app: App, words: Sequence[str]) -> str | None:
    """The flow that a command of `app` is about, by its words in whatever order, or by the file that they name.

    The words are bound as they will be, and not converted. None where no flow is named, or it is not understood: the
    mistake is found again.
    """
    verb = app[words[0]]

    def look(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
        if _flow(arguments) is None:
            recipe.fill(app, commands, arguments)
        raise _Seen(_flow(arguments))

    binding = App(default_command=verb.default_command, default_parameter=app.default_parameter, config=look)
    try:
        binding.parse_known_args([word for word in words[1:] if word not in verb.help_flags])
    except _Seen as seen:
        return seen.flow
    except CycloptsError:
        return None
    return None


def refuse_others(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """For cyclopts: a flow has no options of other flows, on the command line or in a file.

    Raises:
        ValueError: naming the option, and whose it is.
        CycloptsError: if it stands in a file; with its line.
    """
    flow = _flow(arguments)
    if flow is None:
        return
    own = [PREFIX + option.word for option in options(flow)]
    for argument in arguments:
        if argument.name.startswith(PREFIX) and argument.name not in own and argument.tokens:
            source = argument.tokens[0].source
            if text_of(argument.tokens).lower() not in ("none", "null"):
                said = not_of(flow, argument.name.removeprefix(PREFIX))
                raise ValueError(said) if source in ("", "cli") else CycloptsError(msg=f"{source}: {said}")


def _flow(arguments: ArgumentCollection) -> str | None:
    """The flow that is named, if there is one of this name."""
    for argument in arguments:
        if argument.name == "--flow" and argument.tokens:
            name = argument.tokens[0].value.lower()
            return name if name in flows() else None
    return None
