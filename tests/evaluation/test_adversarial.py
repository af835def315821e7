"""Inputs that an ascent finds decide the verdict where they are as likely as data, and are a caution elsewhere."""

import math

import torch

from diffeo import Bijection, Chain, Flow, StandardNormal, verify


class Cliff(Bijection):
    """x -> 1 + x^3 + 1e-6 x: near 0 its inverse is steep, and so its density is low."""

    def encode(self, x, condition=None):
        return 1 + x**3 + 1e-6 * x, (3 * x**2 + 1e-6).log().sum(1)

    def decode(self, z, condition=None):
        x = torch.ones_like(z)
        for _ in range(80):
            x = x - (x**3 + 1e-6 * x - (z - 1)) / (3 * x**2 + 1e-6)
        return x, -(3 * x**2 + 1e-6).log().sum(1)


class Ripples(Bijection):
    """z = (x, y + sin(1e5 x^12)): volume and likelihood stay what they are where the ripples, and errors of y, grow."""

    def ripple(self, x):
        return torch.cat([torch.zeros_like(x[:, :1]), (1e5 * x[:, :1] ** 12).sin()], 1)

    def encode(self, x, condition=None):
        return x + self.ripple(x), x.new_zeros(len(x))

    def decode(self, z, condition=None):
        return z - self.ripple(z), z.new_zeros(len(z))


class Scale(Bijection):
    """z = 1.3 x, which is rounded."""

    def encode(self, x, condition=None):
        return 1.3 * x, x.new_full((len(x),), 2 * math.log(1.3))

    def decode(self, z, condition=None):
        return z / 1.3, z.new_full((len(z),), -2 * math.log(1.3))


def test_inputs_that_no_data_is_like_are_a_caution_and_no_verdict() -> None:
    torch.manual_seed(0)
    x = 0.3 + torch.rand(200, 2)
    flow = Flow(Chain([Cliff()]), StandardNormal(2))
    report = verify(flow, x, rows=128, radius=2.0)
    errors = {check.name: check.relative for check in report.sources}
    assert errors["data"] < 1e-3 < errors["unlikely"]
    assert errors["adversarial"] < 1e-3
    assert len(report.cautions) == 1
    assert "flow.double()" in report.cautions[0]
    assert not any("unlikely" in weakness.found for weakness in report.weaknesses)


def test_inputs_as_likely_as_data_are_held_to_the_same_bar() -> None:
    torch.manual_seed(0)
    x = torch.stack([0.5 * torch.rand(200), torch.randn(200)], 1)
    report = verify(Flow(Chain([Ripples(), Scale()]), StandardNormal(2)), x, rows=64, radius=2.0)
    assert not report.faults
    assert any(weakness.found.startswith("adversarial come back") for weakness in report.weaknesses)
