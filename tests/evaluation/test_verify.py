"""The verifier finds what is wrong, names the layer, and passes what is right."""

import json
import math
import subprocess
import sys

import pytest
import torch
from torch import Tensor

import diffeo
from diffeo import MLP, NICE, ActNorm, Bijection, Chain, Coupling, Flow, Glow, RealNVP, StandardNormal, verify


class Affine(Bijection):
    """A user's own layer that declares nothing: z = 2 x + 1."""

    def encode(self, x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return 2 * x + 1, x.new_full((len(x),), x[:1].numel() * math.log(2))

    def decode(self, z: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return (z - 1) / 2, z.new_full((len(z),), -z[:1].numel() * math.log(2))


class WrongSign(Affine):
    def encode(self, x, condition=None):
        return super().encode(x)[0], -super().encode(x)[1]

    def decode(self, z, condition=None):
        return super().decode(z)[0], -super().decode(z)[1]


class WrongSignOfDecode(Affine):
    def decode(self, z, condition=None):
        return super().decode(z)[0], -super().decode(z)[1]


class ForgottenTerm(Affine):
    """Scales the last column a little more than it says."""

    def encode(self, x, condition=None):
        return super().encode(x * x.new_tensor([1, 1, 1.001]))

    def decode(self, z, condition=None):
        x, log_det = super().decode(z)
        return x / x.new_tensor([1, 1, 1.001]), log_det


class NoInverse(Affine):
    def decode(self, z, condition=None):
        return z / 2 - 1, super().decode(z)[1]


class ClosestInverse(Affine):
    """An inverse that is nearly right: a fixed-point iteration that stops early."""

    def decode(self, z, condition=None):
        x, log_det = super().decode(z)
        return x * (1 + 1e-6), log_det


class CoupledRows(Affine):
    def encode(self, x, condition=None):
        return super().encode(x - x.mean(0))


class ScaleOfTheBatch(Affine):
    def decode(self, z, condition=None):
        x, log_det = super().decode(z)
        return x + 1e-3 * z.abs().max(), log_det


class NaNReachesLogDet(Affine):
    def encode(self, x, condition=None):
        z, log_det = super().encode(x)
        return z, log_det + 0 * x.sum()


class NaNReachesX(Affine):
    def decode(self, z, condition=None):
        x, log_det = super().decode(z)
        return x + 0 * z.sum(), log_det


class NaNReachesLogDetOfDecode(Affine):
    def decode(self, z, condition=None):
        x, log_det = super().decode(z)
        return x, log_det + 0 * z.sum()


class SummedLogDet(Affine):
    def encode(self, x, condition=None):
        return super().encode(x)[0], super().encode(x)[1].sum()


class RunningMean(Affine):
    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(3))

    def encode(self, x, condition=None):
        self.mean.lerp_(x.mean(0), 0.1)
        return super().encode(x)


class InitializesInEvaluation(Affine):
    """As ActNorm in some libraries: the first batch that it sees sets its shift, in evaluation mode too."""

    def __init__(self):
        super().__init__()
        self.register_buffer("shift", torch.zeros(3))
        self.register_buffer("seen", torch.tensor(False))

    def encode(self, x, condition=None):
        if not self.seen:
            self.shift.copy_(x.mean(0))
            self.seen.fill_(True)
        return super().encode(x - self.shift)

    def decode(self, z, condition=None):
        x, log_det = super().decode(z)
        return x + self.shift, log_det


class HiddenState(Affine):
    calls = 0

    def encode(self, x, condition=None):
        self.calls += 1
        return super().encode(x + 1e-3 * self.calls)


class InPlace(Affine):
    def encode(self, x, condition=None):
        return x.mul_(2).add_(1), super().encode(x)[1]


class SinglePrecision(Affine):
    def encode(self, x, condition=None):
        return super().encode(x)[0], super().encode(x)[1].float()


class Raises(Affine):
    def encode(self, x, condition=None):
        raise RuntimeError("no such thing")


class DecodeRaises(Affine):
    def decode(self, z, condition=None):
        raise KeyError("no such thing")


class Overflows(Affine):
    def encode(self, x, condition=None):
        return super().encode(x)[0] / 0, super().encode(x)[1]


class Detached(Affine):
    def encode(self, x, condition=None):
        return super().encode(x)[0].detach(), super().encode(x)[1]


class Surjection(Affine):
    def encode(self, x, condition=None):
        return super().encode(x[:, :2])


FAULTS = [
    (WrongSign, "log-det"),
    (WrongSignOfDecode, "log-det"),
    (ForgottenTerm, "log-det"),
    (NoInverse, "round trip"),
    (ClosestInverse, "round trip"),
    (CoupledRows, "rows"),
    (ScaleOfTheBatch, "rows"),
    (NaNReachesLogDet, "rows"),
    (NaNReachesX, "rows"),
    (NaNReachesLogDetOfDecode, "rows"),
    (SummedLogDet, "shape"),
    (RunningMean, "state"),
    (InitializesInEvaluation, "state"),
    (HiddenState, "state"),
    (InPlace, "input"),
    (SinglePrecision, "dtype"),
    (Raises, "error"),
    (DecodeRaises, "error"),
    (Overflows, "finite"),
    (Detached, "log-det"),
    (Surjection, "shape"),
]


def around(layer: Bijection) -> Flow:
    layers = [ActNorm(3), Coupling(3, MLP(1, 4, width=8)), layer, Coupling(3, MLP(2, 2, width=8), swap=True)]
    return Flow(Chain(layers), StandardNormal(3))


@pytest.mark.parametrize("given", [True, False], ids=["data", "samples"])
@pytest.mark.parametrize(("layer", "promise"), FAULTS, ids=[layer.__name__ for layer, _ in FAULTS])
def test_a_planted_fault_is_found_and_its_layer_is_named(layer: type[Bijection], promise: str, given: bool) -> None:
    report = verify(around(layer()), torch.randn(100, 3) if given else None, rows=32)
    assert not report.ok
    assert report.verdict.startswith("NOT EXACT")
    assert report.worst_layer == f"2.{layer.__name__}"
    assert {fault.layer for fault in report.faults} == {f"2.{layer.__name__}"}
    assert report.faults[0].promise == promise
    assert f"2.{layer.__name__}" in str(report)


def test_a_layer_that_declares_nothing_passes_if_it_is_right() -> None:
    x = torch.randn(100, 3)
    for item in (around(Affine()), Affine(), Affine().double()):
        report = verify(item, x, rows=32)
        assert report.ok, str(report)
        assert report.verdict.startswith("EXACT")
        assert {check.name for check in report.sources} == {"data", "samples", "adversarial"}
    with pytest.raises(ValueError, match="Pass x="):
        verify(Affine())


def test_a_fault_inside_a_split_is_named_there() -> None:
    rest = Chain([ActNorm(2), WrongSign(), diffeo.Flatten((2, 2, 2))])
    flow = Flow(diffeo.Split((4, 2, 2), rest, diffeo.ZeroConv(2, 4)), StandardNormal(16))
    report = verify(flow, torch.randn(20, 4, 2, 2), rows=16)
    assert [fault.layer for fault in report.faults] == ["rest.1.WrongSign"]


@pytest.mark.parametrize(
    "flow",
    [
        lambda: RealNVP(2, couplings=4, width=16),
        lambda: RealNVP(5, couplings=4, width=16, condition_shape=2).double(),
        lambda: NICE(3, width=8, depth=1, classes=4),
        lambda: RealNVP((1, 4, 4), values=17, width=4, classes=3),
        lambda: Glow((1, 8, 8), values=256, steps=2, width=8),
        lambda: Glow((2, 4, 4), steps=1, width=4, condition_shape=(1, 2, 2)),
    ],
    ids=["plane", "vector condition", "classes", "image classes", "integers", "image condition"],
)
def test_every_kind_of_flow_is_verified(flow) -> None:
    torch.manual_seed(0)
    flow = flow()
    generator = torch.Generator().manual_seed(0)
    n = 60
    if flow.door is None:
        x = torch.randn(n, *flow.shape, generator=generator, dtype=flow.dtype)
    else:
        x = torch.randint(0, flow.door.values, (n, *flow.shape), generator=generator).to(torch.uint8)
    condition = None
    if flow.conditional and getattr(flow.embedding, "classes", None):
        condition = torch.arange(n) % flow.embedding.classes
    elif flow.conditional:
        condition = torch.randn(n, *flow.embedding.shape, dtype=flow.dtype)
    flow.initialize(x, condition)
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    before = {name: tensor.clone() for name, tensor in flow.state_dict().items()}
    report = verify(flow.train(), x, condition, rows=24)
    assert report.ok, str(report)
    assert flow.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in flow.state_dict().items())
    assert report.log_det is not None
    assert report.log_det < 1e-9
    assert all(line == line[:100] for line in str(report).splitlines())
    names = [step.name for step in flow.bijection.steps(torch.zeros(1, *flow.shape, dtype=flow.dtype), flow.embed(
        None if condition is None else condition[:1], 1))]  # fmt: skip
    assert [layer.name for layer in report.layers] == names
    if flow.door is not None:
        assert all(check.wrong_values == 0 for check in report.sources)
        assert report.mass is None
    else:
        assert all(check.relative < 1e-4 for check in report.sources)
    if flow.shape in ((2,), (3,), (5,)):
        assert report.mass == pytest.approx(1, abs=0.05)


def test_a_conditioned_flow_asks_for_its_condition_and_takes_classes_in_turn() -> None:
    assert verify(NICE(3, width=8, depth=1, classes=4), rows=8).ok
    flow = NICE(3, width=8, depth=1, condition_shape=2)
    with pytest.raises(ValueError, match="Pass condition="):
        verify(flow, rows=8)
    assert verify(flow, condition=torch.zeros(2), rows=8).ok
    with pytest.raises(ValueError, match="condition is needed"):
        verify(flow, torch.zeros(9, 3), rows=8)


def test_rows_that_are_not_finite_are_named() -> None:
    x = torch.randn(10, 3)
    x[4, 1] = math.nan
    with pytest.raises(ValueError, match=r"1 of 10 rows hold NaN or infinity \(the first: 4\)"):
        verify(Affine(), x)


def test_rounding_that_grows_too_much_is_no_fault_but_does_not_pass() -> None:
    """Ill-conditioned beyond float32, and right: the verdict says which, and float64 passes."""

    class Steep(Bijection):
        """x -> A x with a condition number of 1e10."""

        def __init__(self):
            super().__init__()
            turn = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64))[0]
            scale = torch.tensor([1e5, 1.0, 1e-5], dtype=torch.float64)
            self.register_buffer("matrix", turn @ torch.diag(scale) @ turn.T)

        def encode(self, x, condition=None):
            return x @ self.matrix.T, torch.linalg.slogdet(self.matrix)[1].expand(len(x))

        def decode(self, z, condition=None):
            x = torch.linalg.solve(self.matrix, z.T).T
            return x, -torch.linalg.slogdet(self.matrix)[1].expand(len(z))

        def weight(self):
            return self.matrix

    torch.manual_seed(0)
    layer, x = Steep(), torch.randn(100, 3)
    report = verify(Chain([layer]).float(), x, rows=32)
    assert not report.faults
    assert not report.ok
    assert report.verdict.startswith("NOT PRECISE ENOUGH")
    assert report.worst_layer == "0.Steep"
    assert report.layers[0].condition > 1e7
    torch.manual_seed(0)
    assert verify(Chain([Steep()]), x.double(), rows=32).ok


def test_integers_that_come_back_wrong_are_counted() -> None:
    class Coarse(Bijection):
        """Exact in float64; in float32 it throws away a few bits: x + 1e6 - 1e6."""

        def encode(self, x, condition=None):
            return x + 2e7, x.new_zeros(len(x))

        def decode(self, z, condition=None):
            return z - 2e7, z.new_zeros(len(z))

    flow = Flow(Chain([Coarse()]), StandardNormal(4), door=diffeo.Quantizer(256))
    x = torch.randint(0, 256, (50, 4), dtype=torch.uint8)
    report = verify(flow, x, rows=50)
    assert not report.faults, str(report)
    data = next(check for check in report.sources if check.name == "data")
    assert data.wrong_values == int((flow.decode(flow.encode(x)[0])[0] != x).sum()) > 0
    assert f"{data.wrong_values} values of 50 rows (data) come back wrong" in str(report).replace("\n  ", " ")


def test_the_ascent_finds_what_data_does_not_show() -> None:
    class Cliff(Bijection):
        """x -> 1 + x^3 + 1e-4 x: near 0, beside the data, its inverse is steep."""

        def encode(self, x, condition=None):
            return 1 + x**3 + 1e-4 * x, (3 * x**2 + 1e-4).log().sum(1)

        def decode(self, z, condition=None):
            x = torch.ones_like(z)
            for _ in range(60):
                x = x - (x**3 + 1e-4 * x - (z - 1)) / (3 * x**2 + 1e-4)
            return x, -(3 * x**2 + 1e-4).log().sum(1)

    x = 0.2 + torch.rand(100, 2)
    report = verify(Cliff(), x, rows=64, radius=1.0)
    errors = {check.name: check.round_trip for check in report.sources}
    assert errors["adversarial"] > 10 * errors["data"]


def test_log_dets_beyond_whole_jacobians_are_estimated_with_an_error_bar() -> None:
    torch.manual_seed(0)
    flow = Glow((1, 8, 8), steps=1, width=8)
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    x = torch.randn(20, 1, 8, 8)
    exact, estimated = verify(flow, x, rows=8), verify(flow, x, rows=8, exact_up_to=16)
    assert exact.ok
    assert estimated.ok, str(estimated)
    assert any("exact_up_to=64" in note for note in estimated.notes)
    assert 0 < estimated.log_det_error < 10
    assert estimated.log_det < 6 * estimated.log_det_error
    wrong = verify(Chain([WrongSign(), ActNorm(1)]), x, rows=8, exact_up_to=16)
    assert [fault.promise for fault in wrong.faults] == ["log-det"]


def test_a_density_that_does_not_integrate_to_one_is_found_where_layers_are_right() -> None:
    class Heavy(StandardNormal):
        """No Gaussian, and not normalised: the mean of two densities, and half a nat."""

        def log_prob(self, z: Tensor) -> Tensor:
            far = super().log_prob(z - 3)
            return torch.logaddexp(super().log_prob(z), far) - math.log(2) + 0.5

        def sample(self, n: int, **options) -> Tensor:
            z = super().sample(n, **options)
            return z + 3.0 * (torch.arange(n) % 2)[:, None]

    for features in (1, 2, 4):
        report = verify(Flow(Chain([ActNorm(features)]), Heavy(features)), rows=16)
        assert [(fault.layer, fault.promise) for fault in report.faults] == [("flow", "mass")]
        assert report.mass == pytest.approx(math.exp(0.5), rel=0.03)


def test_a_log_prob_of_its_own_is_found() -> None:
    class Doubled(Flow):
        def log_prob(self, *arguments, **options) -> Tensor:
            return 2 * super().log_prob(*arguments, **options)

    report = verify(Doubled(Chain([ActNorm(20)]), StandardNormal(20)), rows=16)
    assert [(fault.layer, fault.promise) for fault in report.faults] == [("flow", "composition")]


def test_the_report_is_also_json() -> None:
    found = json.loads(verify(around(Overflows()), torch.randn(100, 3), rows=8).to_json())
    assert found["ok"] is False
    assert found["faults"][0]["layer"] == "2.Overflows"
    assert json.loads(verify(RealNVP(2, couplings=2, width=8), rows=8).to_json())["mass"] == pytest.approx(1, abs=0.01)


def test_the_command_gives_the_verdict_by_its_exit_status(tmp_path) -> None:
    torch.manual_seed(0)
    flow = Glow((1, 8, 8), values=17, steps=1, width=8, classes=10, preprocessing="logit")
    data = diffeo.data.load("digits")
    flow.initialize(data.train.x, data.train.labels)
    flow.save_pretrained(tmp_path / "good")
    with torch.no_grad():
        flow.bijection.layers[1].scale.fill_(1e-9)  # the next float32 is far away: every value comes back wrong
        flow.bijection.layers[1].mean.fill_(1e3)
    flow.save_pretrained(tmp_path / "bad")
    for name, arguments, status in (
        ("good", ["digits"], 0),
        ("bad", ["digits", "--json"], 1),
        ("missing", ["digits"], 2),
        ("good", ["moons"], 2),
        ("good", ["digits", "--no-such-option"], 2),
    ):
        code = f"from diffeo.cli import main; main(['verify', {name!r}, *{arguments!r}, '--rows', '16'])"
        done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        if status == 2:
            assert done.stderr.startswith("diffeo: ")
            assert not done.stdout
        elif status == 1:
            assert json.loads(done.stdout)["ok"] is False
        else:
            assert "EXACT: every layer is invertible" in done.stdout
