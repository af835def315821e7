"""The flows and their options, read from the source: no list of them is kept, and none waits for torch.

A flow is a public name that ``__init__.pyi`` takes from a file of ``flows/``. Its options are the keywords of its
constructor, with what ``Args`` of its docstring says of them.
"""

import ast
import builtins
import functools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal, get_args, get_origin, get_type_hints

from diffeo.cli.names import did_you_mean

PACKAGE = Path(__file__).parents[1]
FROM_DATA = ("self", "shape", "values", "classes", "condition_shape")
KINDS = "int, float, bool, str, Literal of strings and tuple[int, ...], each with or without None"


@dataclass(frozen=True)
class Option:
    """A keyword of a flow's constructor.

    Attributes:
        name: as the constructor has it.
        kind: the annotation, as :func:`inspect.signature` gives it.
        default: the constructor's.
        text: what the docstring says of it.
    """

    name: str
    kind: Any
    default: Any
    text: str

    @property
    def word(self) -> str:
        """The name as it is typed."""
        return self.name.replace("_", "-")


@functools.cache
def flows() -> dict[str, str]:
    """The flows: as typed on the command line, the class in diffeo.

    Example:
        >>> flows()["nice"]
        'NICE'
    """
    return {name.lower(): name for name in _files()}


def flow_name(name: str) -> str:
    """The flow as it is listed.

    Raises:
        ValueError: if there is none of this name; it says which there are.
    """
    if name.lower() not in flows():
        hint = did_you_mean(name.lower(), flows())
        raise ValueError(f"no flow is called {name!r}.{hint} There are: {', '.join(flows())}")
    return name.lower()


@functools.cache
def options(flow: str) -> tuple[Option, ...]:
    """The options of a flow besides what the data gives, in the constructor's order.

    Raises:
        ValueError: if there is no such flow, or its file cannot be read so; it says why.

    Example:
        >>> [(option.name, option.default) for option in options("nice")]
        [('couplings', 4), ('width', 256), ('depth', 3)]
    """
    name = flows()[flow_name(flow)]
    path = _files()[name]
    try:
        return tuple(read(path, name))
    except (OSError, SyntaxError, ValueError) as error:
        raise ValueError(f"{path}: the options of {name} cannot be read: {error}") from error


def every_option() -> dict[str, Option]:
    """The options of all flows by their names; of those that share one, the first flow's.

    A flow that cannot be read has none here, so that the commands about other flows work: who asks for it is told.

    Raises:
        ValueError: if one is a switch in one flow and takes a word in another: which words are its own is not known.
    """
    found: dict[str, Option] = {}
    for flow in flows():
        for option in _options_if_read(flow):
            other = found.setdefault(option.name, option)
            if (plain(option.kind) is bool) != (plain(other.kind) is bool):
                raise ValueError(
                    f"{option.name} of {flow} is a switch here or in another flow only: rename one of them"
                )
    return found


def not_of(flow: str, word: str) -> str:
    """What to say of an option that a flow does not have: whose it is, and which there are."""
    known = [option.word for option in options(flow)]
    others = [other for other in flows() if any(option.word == word for option in _options_if_read(other))]
    hint = f" It belongs to {' and '.join(others)}." if others else did_you_mean(word, known)
    return f"{flow} has no option {word!r}.{hint} There are: {', '.join(known)}"


def read(path: Path, name: str) -> Iterator[Option]:
    """The options of the class `name` in a file.

    Raises:
        ValueError: if it is written in a way that is not understood here.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    cls = _only((node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name), f"class {name}")
    constructor = _only(
        (node for node in cls.body if isinstance(node, ast.FunctionDef) and node.name == "__init__"), "__init__"
    )
    texts = _texts(ast.get_docstring(cls) or "")
    given = constructor.args
    for argument in (*given.posonlyargs, *given.args):
        if argument.arg not in FROM_DATA:
            raise ValueError(f"{argument.arg} must be given by its name: put it after the *")
    for argument, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        option = argument.arg
        if option in FROM_DATA:
            continue
        if argument.annotation is None or default is None or option not in texts:
            raise ValueError(f"{option} needs an annotation, a default, and a line among the Args of the docstring")
        kind = _kind(argument.annotation, tree)
        if plain(kind) not in (int, float, bool, str, tuple[int, ...]) and not choices(kind):
            raise ValueError(f"{option} is {ast.unparse(argument.annotation)}, and options are {KINDS}")
        try:
            yield Option(option, kind, ast.literal_eval(default), texts[option])
        except ValueError:
            raise ValueError(f"the default of {option} is no constant: {ast.unparse(default)}") from None


def plain(kind: Any) -> Any:
    """A kind without its None."""
    kinds = [one for one in get_args(kind) if one is not type(None)]
    return kinds[0] if type(None) in get_args(kind) and len(kinds) == 1 else kind


def choices(kind: Any) -> tuple[str, ...]:
    """The words that an option takes; none if it takes others."""
    found = get_args(plain(kind)) if get_origin(plain(kind)) is Literal else ()
    return found if all(isinstance(word, str) for word in found) else ()


def _options_if_read(flow: str) -> tuple[Option, ...]:
    try:
        return options(flow)
    except ValueError:
        return ()


@functools.cache
def _files() -> dict[str, Path]:
    """The file of every flow, by its class."""
    found = {}
    for node in ast.parse((PACKAGE / "__init__.pyi").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("flows."):
            for public in node.names:
                found[public.name] = PACKAGE.joinpath(*(node.module or "").split(".")).with_suffix(".py")
    return found


def _only(found: Iterable[Any], what: str) -> Any:
    for node in found:
        return node
    raise ValueError(f"there is no {what} in it")


def _kind(annotation: ast.expr, tree: ast.Module) -> Any:
    """What an annotation means; a name in it is one of this file, or of the file it is imported from."""
    known: dict[str, Any] = {"Literal": Literal}
    for node in ast.walk(annotation):
        if isinstance(node, ast.Name) and node.id != "Literal" and not hasattr(builtins, node.id):
            known[node.id] = _meaning(node.id, tree)
    return get_type_hints(SimpleNamespace(__annotations__={"it": ast.unparse(annotation)}), localns=known)["it"]


def _meaning(name: str, tree: ast.Module) -> Any:
    for node in tree.body:
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == [name]:
            return _kind(node.value, tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("diffeo."):
            for alias in node.names:
                if name == (alias.asname or alias.name):
                    path = PACKAGE.parent.joinpath(*(node.module or "").split(".")).with_suffix(".py")
                    return _meaning(alias.name, ast.parse(path.read_text(encoding="utf-8")))
    raise ValueError(f"it is not seen what {name} is. Options are {KINDS}")


def _texts(doc: str) -> dict[str, str]:
    """What the ``Args`` of a docstring say, by name, each in one line."""
    block = re.search(r"^Args:\n((?: .*\n|\n(?= ))*)", doc + "\n", re.MULTILINE)
    entries = re.findall(r"^    (\w+): +((?:.|\n(?=\n* {5}))*)", block[1] if block else "", re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in entries}
