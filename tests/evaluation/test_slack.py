"""What rounding and chance may explain has an end: beyond it the verifier says what it cannot check."""

import math

import pytest
import torch
from torch import Tensor

from diffeo import MLP, ActNorm, Bijection, Chain, Coupling, Flow, StandardNormal, verify


def around(layer: Bijection) -> Flow:
    """A layer between others."""
    return Flow(Chain([ActNorm(3), layer, Coupling(3, MLP(2, 2, width=8), swap=True)]), StandardNormal(3))


class Diagonal(Bijection):
    """z = x scales, with an error of its log_det."""

    def __init__(self, *scales: float, wrong: float = 0.0):
        super().__init__()
        self.register_buffer("scales", torch.tensor(scales, dtype=torch.float64))
        self.wrong = wrong

    def log_det(self) -> Tensor:
        return self.scales.abs().log().sum() + self.wrong

    def encode(self, x, condition=None):
        return x * self.scales, self.log_det().expand(len(x))

    def decode(self, z, condition=None):
        return z / self.scales, -self.log_det().expand(len(z))


class Turned(Diagonal):
    """The same between two rotations, so that rounding of large entries reaches the small singular values."""

    def __init__(self, *scales: float, wrong: float = 0.0):
        super().__init__(*scales, wrong=wrong)
        turn = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)))[0]
        self.register_buffer("turn", turn)

    def encode(self, x, condition=None):
        return x @ self.turn * self.scales @ self.turn.T, self.log_det().expand(len(x))

    def decode(self, z, condition=None):
        return z @ self.turn / self.scales @ self.turn.T, -self.log_det().expand(len(z))


class Vague(Diagonal):
    """A tolerance that would excuse everything."""

    tolerance = 1e15


class Projection(Bijection):
    """A singular map that says it is not: the last column is lost, and remembered behind the scenes."""

    def __init__(self, log_det: float):
        super().__init__()
        self.log_det = log_det

    def encode(self, x, condition=None):
        z = torch.cat([x[:, :2], x[:, 2:].detach()], 1)  # as if z did not depend on it
        return z, x.new_full((len(x),), self.log_det)

    def decode(self, z, condition=None):
        return z, z.new_full((len(z),), -self.log_det)


def verified(layer: Bijection):
    return verify(Chain([layer]).double(), torch.randn(60, 3, dtype=torch.float64), rows=24)


@pytest.mark.parametrize("layer", [Diagonal, Turned])
def test_a_wrong_log_det_is_a_fault_however_ill_conditioned_the_layer(layer: type[Diagonal]) -> None:
    for scales in ((1.0, 2.0, 0.5), (1e4, 1.0, 1e-4)):
        right, wrong = verified(layer(*scales)), verified(layer(*scales, wrong=0.01))
        assert right.ok, str(right)
        assert [(fault.layer, fault.promise) for fault in wrong.faults] == [(f"0.{layer.__name__}", "log-det")]


@pytest.mark.parametrize("wrong", [0.01, 1.0, 20.0])
def test_where_rounding_would_hide_a_fault_the_verdict_says_so(wrong: float) -> None:
    report = verified(Turned(1e7, 1.0, 1e-9, wrong=wrong))
    assert not report.ok
    assert not report.verdict.startswith("EXACT")
    assert "0.Turned" in {fault.layer for fault in (*report.faults, *report.unchecked)}
    assert "0.Turned, log-det" in str(report)
    assert report.worst_layer == "0.Turned"


def test_a_tolerance_of_its_own_excuses_no_layer() -> None:
    report = verified(Vague(1.0, 2.0, 3.0, wrong=0.5))
    assert not report.ok
    assert report.verdict.startswith("NOT CHECKED")
    assert report.worst_layer == "0.Vague"
    assert verified(Vague(1.0, 2.0, 3.0)).ok


@pytest.mark.parametrize("log_det", [0.0, -40.0, -math.inf])
def test_a_singular_jacobian_never_passes(log_det: float) -> None:
    report = verified(Projection(log_det))
    assert not report.ok
    assert report.worst_layer == "0.Projection"
    assert "log-det" in {fault.promise for fault in (*report.faults, *report.unchecked)}


def test_an_inverse_that_rounding_might_explain_does_not_pass() -> None:
    class Steep(Turned):
        def decode(self, z, condition=None):
            x, log_det = super().decode(z)
            return x * (1 + 1e-4), log_det

    for scales in ((1e3, 1.0, 1e-3), (1e6, 1.0, 1e-6)):
        report = verified(Steep(*scales))
        assert not report.ok
        assert report.worst_layer == "0.Steep"
        assert "round trip" in {fault.promise for fault in (*report.faults, *report.unchecked)}


class Estimated(Bijection):
    """z = x scales, whose log_det is an estimate."""

    log_det_kind = "estimated"
    noise, bias, decode_bias = 0.3, 0.0, 0.0

    def __init__(self):
        super().__init__()
        self.register_buffer("scales", torch.tensor([2.0, 0.5, 3.0]))

    def guess(self, x: Tensor, bias: float) -> Tensor:
        return self.scales.log().sum() + bias + self.noise * torch.randn(len(x), dtype=x.dtype)

    def encode(self, x, condition=None):
        return x * self.scales, self.guess(x, self.bias)

    def decode(self, z, condition=None):
        return z / self.scales, -self.guess(z, self.decode_bias)


class Biased(Estimated):
    bias = decode_bias = 0.4


class BiasedInDecode(Estimated):
    decode_bias = 0.4


class NoEstimate(Estimated):
    """The same at every call, and a little wrong."""

    noise, bias, decode_bias = 0.0, 1e-4, 1e-4


class OfTheBatch(Estimated):
    """Its average depends on the other rows."""

    def guess(self, x: Tensor, bias: float) -> Tensor:
        return super().guess(x, bias) + x.mean().abs() + 0.2


@pytest.mark.parametrize("layer", [Biased, BiasedInDecode, NoEstimate, OfTheBatch])
def test_a_wrong_estimate_is_a_fault(layer: type[Bijection]) -> None:
    report = verify(around(layer()), torch.randn(60, 3), rows=24)
    assert {fault.layer for fault in report.faults} == {f"1.{layer.__name__}"}
    assert "log-det" in {fault.promise for fault in report.faults}


def test_a_right_estimate_passes_and_its_error_is_told() -> None:
    torch.manual_seed(3)
    flow, x = around(Estimated()), torch.randn(60, 3)
    before = torch.get_rng_state()
    report = verify(flow, x, rows=24)
    assert torch.equal(torch.get_rng_state(), before)
    assert report.ok, str(report)
    layer = next(layer for layer in report.layers if layer.name == "1.Estimated")
    assert layer.scatter == pytest.approx(0.3, rel=0.5)
    assert 0 < layer.log_det_error < 0.06
    assert layer.log_det < 6 * layer.log_det_error
    assert any(note.startswith("the log-det of 1.Estimated is an estimate") for note in report.notes)
    assert any("of a log density that is an estimate" in note for note in report.notes)
    assert next(layer for layer in report.layers if layer.name == "0.ActNorm").scatter is None


def test_an_estimate_that_is_no_estimate_is_held_to_rounding() -> None:
    class Certain(NoEstimate):
        bias = decode_bias = 0.0

    assert verify(around(Certain()), torch.randn(60, 3), rows=24).ok


def test_an_estimate_that_scatters_too_much_is_not_called_right() -> None:
    class Wild(Estimated):
        noise = 30.0

    report = verify(around(Wild()), torch.randn(60, 3), rows=24)
    assert report.verdict.startswith("NOT CHECKED")
    assert report.worst_layer == "1.Wild"
