"""A training's options as a YAML file: read into the command line, and written out of it."""

import functools
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cyclopts import App, CycloptsError
from cyclopts.argument import ArgumentCollection

from diffeo.cli.names import did_you_mean
from diffeo.system.documents import read_bytes, shortened

if TYPE_CHECKING:
    from yaml import Node, SafeLoader

LARGEST = 256 << 10  # bytes of a file of options: 10,000 names of columns
DEEPEST = 8  # blocks in each other: two are of use
UNNAMEABLE = re.compile("[\0\ud800-\udfff]")
RECIPES = Path(__file__).parents[1] / "recipes"
COMMAND_LINE_ONLY = ("config", "resume", "quiet", "json")


def fill(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """For cyclopts: take what the command line leaves open from the file that ``--config`` names.

    Raises:
        CycloptsError: if the file cannot be read, or has a key that is no option.
    """
    from cyclopts.config import Dict

    chosen = [argument for argument in arguments if argument.name == "--config"]
    if not chosen or not chosen[0].tokens:
        return
    path = config_file(chosen[0].tokens[0].value)
    known = [a.name.removeprefix("--") for a in arguments if not a.children]
    known = [name for name in known if name not in COMMAND_LINE_ONLY]
    for key, value, line in entries(path):
        name = key.replace("_", "-")
        where = f"{path}, line {line}"
        if name in COMMAND_LINE_ONLY:
            raise CycloptsError(msg=f"{where}: {key} belongs on the command line, not in a file: --{name}")
        if name not in known:
            hint = did_you_mean(name, known)
            raise CycloptsError(msg=f"{where}: there is no option {shortened(key)!r}.{hint}")
        nested: Any = value
        for part in reversed((*commands, *name.split("."))):  # below the verb: at the top a verb's name is passed over
            nested = {part: nested}
        Dict(nested, source=where)(app, commands, arguments)


def recipes() -> list[str]:
    """The recipes that come with diffeo."""
    return sorted(path.stem for path in RECIPES.glob("*.yaml"))


def config_file(text: str) -> Path:
    """The file that a person means: a path, or the name of a recipe if there is no such file.

    Raises:
        CycloptsError: if it is a name, and neither; it says which recipes there are.

    Example:
        >>> config_file("glow-mnist").name
        'glow-mnist.yaml'
    """
    path = Path(os.path.expanduser(text))  # no name is an error to it
    if os.path.exists(path) or path.suffix or path.name != text:
        return path
    if text not in recipes():
        hint = did_you_mean(text, recipes())
        raise CycloptsError(
            msg=f"--config: there is no file {text}, and no recipe of this name.{hint} The recipes are: "
            f"{', '.join(recipes())}. A file of your own is begun by: diffeo config realnvp moons > {text}.yaml"
        )
    return RECIPES / f"{text}.yaml"


def entries(path: Path) -> list[tuple[str, str | None, int]]:
    """The file's keys (``model.steps`` for a nested one), their values as they are written, and their lines.

    What a value means is left to the option it is for, so ``no`` can be the name of a column and 1e-3 a number.

    Raises:
        CycloptsError: if it is no YAML file of options.
    """
    import yaml

    try:
        root = yaml.compose(read_bytes(path, largest=LARGEST).decode("utf-8-sig"), Loader=_loader())
    except OSError as error:
        raise CycloptsError(msg=f"--config: cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CycloptsError(msg=f"--config: {path} is not UTF-8 text. Save it as UTF-8") from error
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise CycloptsError(msg=f"{path}{line}: not valid YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise CycloptsError(msg=f"{path}: not valid YAML: {' '.join(str(error).split())}") from error
    except ValueError as error:  # too large, or a pipe
        raise CycloptsError(msg=f"--config: {error}") from error
    if root is None:
        return []
    if not isinstance(root, yaml.MappingNode):
        raise CycloptsError(msg=f"{path}: expected lines such as 'epochs: 10'. See diffeo config --help")
    return _flatten(path, "", root)


@functools.cache
def _loader() -> "type[SafeLoader]":
    """YAML without what makes a short file long: no aliases, and nothing deep."""
    import yaml

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        depth = 0

        def compose_node(self, parent: "Node | None", index: int) -> "Node | None":
            mark = self.peek_event().start_mark
            if self.check_event(yaml.AliasEvent):
                raise yaml.composer.ComposerError(
                    problem="an alias (*) is not read here. Write out what it stands for", problem_mark=mark
                )
            if self.depth == DEEPEST:
                raise yaml.composer.ComposerError(
                    problem=f"blocks lie more than {DEEPEST} deep in each other", problem_mark=mark
                )
            self.depth += 1
            node = super().compose_node(parent, index)
            self.depth -= 1
            return node

    return Loader


def _flatten(path: Path, above: str, node: "Node") -> list[tuple[str, str | None, int]]:
    import yaml

    found: list[tuple[str, str | None, int]] = []
    seen: set[str] = set()
    for key_node, value in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            raise CycloptsError(msg=f"{path}, line {key_node.start_mark.line + 1}: a key must be an option's name")
        key, line = f"{above}{key_node.value}", key_node.start_mark.line + 1
        if key in seen:
            raise CycloptsError(msg=f"{path}, line {line}: {shortened(key)} is there twice")
        seen.add(key)
        if isinstance(value, yaml.MappingNode):
            found += _flatten(path, f"{key}.", value)
        elif any(UNNAMEABLE.search(one.value) for one in _scalars(value)):
            raise CycloptsError(msg=f"{path}, line {line}: {shortened(key)}: a letter in it is of no file and no name")
        elif isinstance(value, yaml.SequenceNode):
            if not all(isinstance(item, yaml.ScalarNode) for item in value.value):
                raise CycloptsError(
                    msg=f"{path}, line {line}: {shortened(key)}: expected a list of names, not of lists"
                )
            found.append((key, ",".join(_quoted(item.value) for item in value.value) if value.value else None, line))
        else:
            found.append((key, None if value.tag == "tag:yaml.org,2002:null" else value.value, line))
    return found


def _scalars(node: "Node") -> "list[Node]":
    """The texts of a value: its own, or those of its list."""
    return [one for one in (node.value if isinstance(node.value, list) else [node]) if isinstance(one.value, str)]


def _quoted(name: str) -> str:
    """A name of a list, for an option that takes names separated by commas."""
    return '"' + name.replace('"', '""') + '"' if set(name) & set(',"') else name


def write(values: dict[str, Any], notes: dict[str, str], *, ascii_only: bool) -> str:
    """The YAML of `values`, a comment beside each; a dictionary among them becomes a nested block.

    Args:
        values: by the options' names.
        notes: the comments, by the options' names (``model.steps`` for a nested one).
        ascii_only: write other letters as escapes, which YAML reads back.
    """
    lines: list[str] = []
    for key, value in values.items():
        if isinstance(value, dict):
            lines.append(f"{key}:")
            lines += [_line(f"  {name}", v, notes.get(f"{key}.{name}", ""), ascii_only) for name, v in value.items()]
        else:
            lines.append(_line(key, value, notes.get(key, ""), ascii_only))
    return "\n".join(lines) + "\n"


def _line(key: str, value: Any, note: str, ascii_only: bool) -> str:
    import yaml

    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=not ascii_only, width=10**9)
    bare = text.removesuffix("...\n").strip()  # dots: the end of a document, after a lone value
    start = f"{key}: {bare}"
    return f"{start:<26}  # {note}" if note else start
