"""What an earlier version saved loads for ever, and gives the same numbers.

The fixtures were written by ``python -m contract.test_fixtures`` in ``tests/``, in the format of the day. That
command writes those that are not there and never touches one that is: when the format changes, new fixtures
stand beside the old, and ``io.load`` must read both.
"""

import json
from pathlib import Path

import pytest
import torch

import diffeo
from contract.registry import BIJECTIONS, FLOWS, Case, bijection_of, embedded, redraw

FIXTURES = Path(__file__).parent / "fixtures"
NAMES = {
    "chain-1": BIJECTIONS["Chain"],
    "inverse-1": BIJECTIONS["Inverse"],
    "flow-1": FLOWS["Flow"],
    "nice-1": FLOWS["NICE conditional"],
    "realnvp-1": FLOWS["RealNVP of 5"],
    "realnvp-integers-1": FLOWS["RealNVP integers"],
    "glow-integers-1": FLOWS["Glow integers"],
    "glow-given-an-image-1": FLOWS["Glow given an image"],
}


def numbers(item: torch.nn.Module, case: Case) -> dict[str, list[float]]:
    """What the fixture must give: z and log_det of the case's rows."""
    x, condition = case.x(torch.float64), case.condition(item, torch.float64)
    with torch.no_grad():
        z, log_det = bijection_of(item).encode(x, embedded(item, condition))
    return {"z": [round(v, 9) for v in z.flatten().tolist()], "log_det": [round(v, 9) for v in log_det.tolist()]}


@pytest.mark.point(12)
@pytest.mark.parametrize("name", sorted(path.name for path in FIXTURES.iterdir() if path.is_dir()))
def test_what_was_saved_loads_and_gives_the_same_numbers(name: str) -> None:
    item = diffeo.load(FIXTURES / name)
    expected = json.loads((FIXTURES / name / "expected.json").read_text(encoding="utf-8"))
    found = numbers(item, NAMES[name])
    for key, values in expected.items():
        assert torch.allclose(torch.tensor(found[key]), torch.tensor(values), rtol=1e-6, atol=1e-9)


@pytest.mark.point(12)
def test_no_fixture_is_missing_or_large() -> None:
    assert {path.name for path in FIXTURES.iterdir()} == set(NAMES)
    assert sum(path.stat().st_size for path in FIXTURES.rglob("*") if path.is_file()) < 300_000


def write() -> None:
    """Write the fixtures that are not there."""
    for name, case in NAMES.items():
        if (FIXTURES / name).exists():
            continue
        torch.manual_seed(0)
        item = case.make().double().eval()
        redraw(item, 1)
        diffeo.io.save(item, FIXTURES / name)
        text = json.dumps(numbers(item, case)) + "\n"
        (FIXTURES / name / "expected.json").write_text(text, encoding="utf-8")
        print(f"wrote {name}")


if __name__ == "__main__":
    write()
