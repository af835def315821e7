"""The course uses public names of diffeo alone: what a few packages hand on, and two modules of functions."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import diffeo
from diffeo_course.material import material

SOURCE = Path(diffeo.__file__).parent
PACKAGES = ("", ".data", ".editing", ".evaluation", ".models", ".runs")  # public is what their __init__ hands on
MODULES = (".saving.tensors", ".system.writing")  # public is what has no underscore
FILES = [path for path in sorted(material().rglob("*.py")) if path.relative_to(material()).parts[0] != "tests"]


def handed_on(package: str) -> set[str]:
    """The names of an ``__init__``: ``X as X``, in the stub where there is one; ``__version__`` besides."""
    place = SOURCE.joinpath(*package.split("."))
    stub = place / "__init__.pyi"
    tree = ast.parse((stub if stub.exists() else place / "__init__.py").read_text(encoding="utf-8"))
    aliases = [alias for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    return {alias.name for alias in aliases if alias.asname == alias.name} | {"__version__", "__file__"}


def defined(module: str) -> set[str]:
    """The functions, classes and constants of a module that have no underscore."""
    tree = ast.parse(SOURCE.joinpath(*module.split(".")).with_suffix(".py").read_text(encoding="utf-8"))
    names = {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
    return {name for name in names if not name.startswith("_")}


PUBLIC = {f"diffeo{name}": handed_on(name) for name in PACKAGES} | {f"diffeo{name}": defined(name) for name in MODULES}


def private(source: str) -> Iterator[str]:
    """What a program uses of diffeo that is not public."""
    tree = ast.parse(source)
    known = {}  # what a name of the program stands for
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.partition(".")[0] == "diffeo":
                    known[alias.asname or "diffeo"] = alias.name if alias.asname else "diffeo"
                    if alias.name not in PUBLIC:
                        yield f"import {alias.name}"
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == "diffeo":
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                if whole in PUBLIC:
                    known[alias.asname or alias.name] = whole
                elif alias.name not in PUBLIC.get(node.module, ()):
                    yield f"from {node.module} import {alias.name}"
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and re.fullmatch(r"diffeo(\.\w+)+", node.value)
            and node.value not in PUBLIC
        ):
            yield f"the name {node.value!r}, which an import can be made of"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (chain := _dotted(node)) and chain[0] in known:
            place = known[chain[0]]
            for name in chain[1:]:
                if place not in PUBLIC:
                    break  # of a public object
                if f"{place}.{name}" not in PUBLIC and name not in PUBLIC[place]:
                    yield f"{place}.{name}"
                    break
                place = f"{place}.{name}"


def _dotted(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Attribute):
        before = _dotted(node.value)
        return [*before, node.attr] if before else []
    return [node.id] if isinstance(node, ast.Name) else []


def test_there_is_python_in_every_part_of_the_course() -> None:
    parts = {path.relative_to(material()).parts[0] for path in FILES}
    assert parts >= {"diffeo_course", "labs", "figures", "assignment", "reference", "measured", "tools"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(material()).as_posix())
def test_only_public_names_of_the_library_are_used(path: Path) -> None:
    assert sorted(set(private(path.read_text(encoding="utf-8")))) == []


@pytest.mark.parametrize(
    "program",
    [
        "import diffeo.saving.io",
        "from diffeo.data.download import folder_of",
        "from diffeo.data import mnist",
        "from diffeo import flow",
        "from diffeo.cli import main",
        "from diffeo.system.writing import _removed",
        "import diffeo\ndiffeo.saving.io.load('x')",
        "import diffeo.data as d\nd.download.cache()",
        "from diffeo import editing\nediting.posterior.mode",
        "def f():\n    import diffeo.runs.train as t",
        "from diffeo import *",
        "import importlib\nimportlib.import_module('diffeo.saving.io')",
    ],
)
def test_a_private_name_is_seen(program: str) -> None:
    assert list(private(program))


def test_public_names_are_not_taken_for_private_ones() -> None:
    program = "import diffeo\nfrom diffeo import data\nfrom diffeo.system.writing import write_atomically\n"
    program += "diffeo.load('x').sample(3); diffeo.editing.interpolate; data.load('digits').train.x"
    assert list(private(program)) == []
