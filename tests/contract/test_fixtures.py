"""What an earlier version saved loads for ever, and gives the same numbers.

The fixtures were written by ``python -m contract.test_fixtures`` in ``tests/``, in the format of the day. That
command writes the files that are not there and never touches one that is: when the format changes, new fixtures
stand beside the old, and ``io.load`` must read both. ``numbers.json`` holds what goes in and what comes out, so
that no generator of random numbers has to stay as it is; ``expected.json``, of the first fixtures, only the latter.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import diffeo
from contract.registry import BIJECTIONS, FLOWS, Case, bijection_of, embedded, redraw
from diffeo import Flow

FIXTURES = Path(__file__).parent / "fixtures"
ROWS = 3
NAMES = {
    "chain-1": (BIJECTIONS["Chain"], torch.float64),
    "inverse-1": (BIJECTIONS["Inverse"], torch.float64),
    "flow-1": (FLOWS["Flow"], torch.float64),
    "nice-1": (FLOWS["NICE conditional"], torch.float64),
    "realnvp-1": (FLOWS["RealNVP of 5"], torch.float64),
    "realnvp-classes-1": (FLOWS["RealNVP classes"], torch.float32),
    "realnvp-integers-1": (FLOWS["RealNVP integers"], torch.float64),
    "glow-1": (FLOWS["Glow"], torch.float32),
    "glow-integers-1": (FLOWS["Glow integers"], torch.float64),
    "glow-given-an-image-1": (FLOWS["Glow given an image"], torch.float64),
}
CLOSE = {torch.float32: 1e-3, torch.float64: 1e-9}  # relative to the largest number


def results(item: Any, given: dict[str, Tensor], dtype: torch.dtype) -> dict[str, Tensor]:
    """What comes out of a bijection, or of a flow, for what goes in."""
    given = {name: tensor.to(dtype) if tensor.is_floating_point() else tensor for name, tensor in given.items()}
    condition = embedded(item, given.get("condition"), ROWS)
    found = {}
    found["z"], found["log_det"] = bijection_of(item).encode(given["x"], condition)
    found["decoded"], found["decoded_log_det"] = bijection_of(item).decode(given["noise"], condition)
    if isinstance(item, Flow):
        found["log_prob"] = item.log_prob(
            given.get("integers", given["x"]), given.get("condition"), given.get("inside")
        )
        found["sample"] = item.sample(ROWS, given.get("condition"), noise=given["noise"])
    return {name: tensor.detach() for name, tensor in found.items()}


@pytest.mark.point(12)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@pytest.mark.parametrize("name", list(NAMES))
def test_what_was_saved_loads_and_gives_the_same_numbers(name: str, dtype: torch.dtype) -> None:
    item = diffeo.load(FIXTURES / name)
    assert {tensor.dtype for tensor in item.state_dict().values() if tensor.is_floating_point()} == {NAMES[name][1]}
    numbers = json.loads((FIXTURES / name / "numbers.json").read_text(encoding="utf-8"))
    given = {
        key: torch.tensor(value) if key in ("integers", "labels") else torch.tensor(value, dtype=torch.float64)
        for key, value in numbers["given"].items()
    }
    if "labels" in given:
        given["condition"] = given.pop("labels")
    found = results(item.to(dtype), given, dtype)
    assert set(found) == set(numbers["found"])
    for key, values in numbers["found"].items():
        expected = torch.tensor(values, dtype=torch.float64)
        if not found[key].is_floating_point() and dtype == torch.float32:
            continue  # a point on the edge of a cell may fall either way
        assert found[key].shape == expected.shape
        close = CLOSE[dtype] * float(expected.abs().max().clamp(min=1.0))
        assert torch.allclose(found[key].double(), expected, rtol=0, atol=close), key


@pytest.mark.point(12)
@pytest.mark.parametrize("name", [path.parent.name for path in sorted(FIXTURES.glob("*/expected.json"))])
def test_the_first_fixtures_give_what_they_gave(name: str) -> None:
    item, case = diffeo.load(FIXTURES / name), NAMES[name][0]
    expected = json.loads((FIXTURES / name / "expected.json").read_text(encoding="utf-8"))
    x, condition = case.x(torch.float64), case.condition(item, torch.float64)
    found = dict(zip(("z", "log_det"), bijection_of(item).encode(x, embedded(item, condition)), strict=True))
    for key, values in expected.items():
        assert torch.allclose(found[key].flatten(), torch.tensor(values, dtype=torch.float64), rtol=1e-6, atol=1e-8)


@pytest.mark.point(12)
def test_no_fixture_is_missing_or_large() -> None:
    assert {path.name for path in FIXTURES.iterdir()} == set(NAMES)
    assert sum(path.stat().st_size for path in FIXTURES.rglob("*") if path.is_file()) < 400_000


def drawn(case: Case, item: Any) -> dict[str, Tensor]:
    """What goes in: points, noise, a condition, and for integers also values and noise inside their cells."""
    x = case.x(torch.float64, ROWS)
    given = {"x": x, "noise": torch.randn(ROWS, *bijection_of(item).output_shape(case.shape), dtype=torch.float64)}
    condition = case.condition(item, torch.float64, ROWS)
    if condition is not None:
        given["condition"] = condition
    if isinstance(item, Flow) and item.door is not None:
        given["integers"], given["inside"] = x.long(), torch.rand(x.shape, dtype=torch.float64)
    return {name: tensor.round(decimals=4) if tensor.is_floating_point() else tensor for name, tensor in given.items()}


def write() -> None:
    """Write the files that are not there."""
    for name, (case, dtype) in NAMES.items():
        torch.manual_seed(0)
        if not (FIXTURES / name).exists():
            item = case.make().double().eval()
            redraw(item, 1)
            diffeo.saving.io.save(item.to(dtype), FIXTURES / name)
        if (FIXTURES / name / "numbers.json").exists():
            continue
        item = diffeo.load(FIXTURES / name).double()
        given = drawn(case, item)
        found = results(item, given, torch.float64)
        if case.classes is not None:
            given["labels"] = given.pop("condition")
        numbers = {
            "given": {key: tensor.tolist() for key, tensor in given.items()},
            "found": {key: tensor.tolist() for key, tensor in found.items()},
        }
        (FIXTURES / name / "numbers.json").write_text(json.dumps(numbers) + "\n", encoding="utf-8")
        print(f"wrote {name}")


if __name__ == "__main__":
    write()
