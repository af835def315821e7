"""The plan's listing in the course: line for line the plan's, and how its density is measured."""

import hashlib
import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from reference_code import REFERENCE, reference

pytestmark = pytest.mark.whole

listing = reference("listing")
FILE = REFERENCE / "listing.py"
# Of the plan's listing: its lines, without indentation and empty lines.
PLAN = "8408ebf556597b1acfbf1ff42450bbac6ae3448a481b0dc7a89a356e4e97d529"


def plan_lines(text: str) -> list[str]:
    """The plan's lines between the double lines: what is marked [instead] left out, what is marked [plan] put back."""
    inside = text.split("# " + "=" * 118 + "\n")[1]
    lines = [
        line.strip().removeprefix("# [plan] ").strip() for line in inside.splitlines() if "# [instead]" not in line
    ]
    return [line for line in lines if line]


def test_every_line_is_the_plans_or_is_marked() -> None:
    lines = plan_lines(FILE.read_text(encoding="utf-8"))
    assert lines[0] == "import torch"
    assert lines[-1] == "plt.show()"
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest() == PLAN


def test_only_data_imports_and_the_picture_are_replaced() -> None:
    gone = [
        line.strip() for line in FILE.read_text(encoding="utf-8").splitlines() if line.strip().startswith("# [plan]")
    ]
    for line in gone:
        assert any(word in line for word in ("import", "transform", "Normalize", "train_", "input_dim = 28", "sample",
                                             "grid", "plt.show", "])")), line  # fmt: skip
    assert not any(word in line for line in gone for word in ("scale_net", "loss", "log_det", "criterion", "exp"))


def plan_model(dimensions: int) -> torch.nn.Module:
    model = listing.RealNVP(dimensions, 8, 3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn(parameter.shape))
    return model


def test_its_density_is_scored_with_autograds_determinant() -> None:
    model = plan_model(4)
    images, values = torch.tensor([3, 0, 16, 9, 1, 1, 7, 12]).view(2, 1, 2, 2), 17
    torch.manual_seed(5)
    points = (images + torch.rand(images.shape)) / values
    torch.manual_seed(5)
    bits, error = listing.bits_per_dim(model, images, values)

    def to_noise(y: torch.Tensor) -> torch.Tensor:
        return model(listing.transform(y)[None])[0][0]

    expected = []
    for y in points.flatten(1):
        jacobian = torch.autograd.functional.jacobian(to_noise, y)
        nats = torch.distributions.Normal(0, 1).log_prob(to_noise(y)).sum() + torch.linalg.slogdet(jacobian)[1]
        expected.append(math.log2(17) - nats.item() / (4 * math.log(2)))
    assert bits == pytest.approx(sum(expected) / 2, rel=1e-4)
    assert error == pytest.approx(abs(expected[0] - expected[1]) / 2, rel=1e-3)


def test_the_points_it_was_trained_on_lie_in_the_cells_it_is_scored_on() -> None:
    for values in (17, 256):
        k = torch.arange(values)
        assert (k / (values - 1) * values).clamp(max=values - 1).floor().equal(k.float())


def test_a_few_steps_show_what_is_wrong(tmp_path: Path) -> None:
    command = [sys.executable, str(FILE), "--steps", "120", "--picture", str(tmp_path / "grid.png")]
    said = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True, cwd=tmp_path).stdout
    assert "Epoch [4/5] Batch 0/23 Loss: " in said  # 1,437 images are 23 batches
    found = json.loads(said[said.index("{") :])
    assert found["largest_change_of_the_first_half"] == 0
    assert found["samples_first_half_minus_noise"] == 0
    assert found["log_det_bound_of_a_full_batch"] == 5 * 32 * 64
    assert 0 < found["log_det_of_the_batch"] < found["log_det_bound"]
    assert found["bits_per_dim"] > 2 * found["uniform"] > 2 * found["histogram"]
    assert (tmp_path / "grid.png").stat().st_size > 1000
    assert listing.batch_size * 5 * 392 == 125_440


def test_a_picture_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "mine.png").write_bytes(b"mine")
    command = [sys.executable, str(FILE), "--picture", "mine.png"]
    tried = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", cwd=tmp_path)
    assert tried.returncode == 2
    assert "mine.png is there already" in tried.stderr
    assert (tmp_path / "mine.png").read_bytes() == b"mine"
