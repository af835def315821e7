"""The course's scripts as modules: those of course/reference and course/figures have the same names, so by path."""

import importlib.util
from pathlib import Path
from typing import Any

REFERENCE = Path(__file__).parents[1] / "reference"


def reference(name: str) -> Any:
    """The file of course/reference."""
    return script(REFERENCE / f"{name}.py")


def script(path: Path) -> Any:
    """A file, run as a module of another name."""
    spec = importlib.util.spec_from_file_location(f"{path.parent.name}_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
