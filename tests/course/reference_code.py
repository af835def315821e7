"""The course's reference code as modules; scripts of course/figures have the same names, so by path."""

import importlib.util
from pathlib import Path
from typing import Any

REFERENCE = Path(__file__).parents[2] / "course" / "reference"


def reference(name: str) -> Any:
    """The file of course/reference, run as a module of another name."""
    spec = importlib.util.spec_from_file_location(f"reference_{name}", REFERENCE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
