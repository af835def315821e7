"""What a layer hands back in a form that nothing can be done with is a fault of that layer, and named."""

import math

import pytest
import torch
from torch import Tensor

from diffeo import MLP, ActNorm, Bijection, Chain, Coupling, Flow, StandardNormal, verify


class Affine(Bijection):
    """A user's own layer that declares nothing: z = 2 x + 1."""

    def encode(self, x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return 2 * x + 1, x.new_full((len(x),), x[:1].numel() * math.log(2))

    def decode(self, z: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return (z - 1) / 2, z.new_full((len(z),), -z[:1].numel() * math.log(2))


class NoLogDet(Affine):
    def encode(self, x, condition=None):
        return super().encode(x)[0]


class NothingFromDecode(Affine):
    def decode(self, z, condition=None):
        pass


class NumberAsLogDet(Affine):
    def encode(self, x, condition=None):
        return super().encode(x)[0], 3 * math.log(2)


class RowLost(Affine):
    def decode(self, z, condition=None):
        return super().decode(z)[0][: max(1, len(z) - 1)], super().decode(z)[1]


class RowsFlattened(Affine):
    def decode(self, z, condition=None):
        return super().decode(z)[0].flatten(), super().decode(z)[1]


class ColumnOfLogDets(Affine):
    def decode(self, z, condition=None):
        return super().decode(z)[0], super().decode(z)[1][:, None]


class Squeezed(Affine):
    """Its log_det of one row has no dimension left."""

    def encode(self, x, condition=None):
        return super().encode(x)[0], super().encode(x)[1].squeeze()


class RefusesOneRow(Affine):
    def encode(self, x, condition=None):
        if len(x) == 1:
            raise ValueError("more than one row is needed")
        return super().encode(x)


class NoGradients(Affine):
    def decode(self, z, condition=None):
        return torch.from_numpy(super().decode(z)[0].numpy()), super().decode(z)[1]


FAULTS = [
    (NoLogDet, "shape", "encode returned (Tensor), not two tensors"),
    (NothingFromDecode, "shape", "decode returned (NoneType), not two tensors"),
    (NumberAsLogDet, "shape", "encode returned (Tensor, float), not two tensors"),
    (RowLost, "shape", "decode made (31, 3) of 32 rows of shape (3,)"),
    (RowsFlattened, "shape", "decode made (96,) of 32 rows of shape (3,)"),
    (ColumnOfLogDets, "shape", "decode's log_det has shape (32, 1), not (32,)"),
    (Squeezed, "shape", "encode's log_det has shape () of a batch of 1"),
    (RefusesOneRow, "rows", "of a batch of 1, not of 32: encode raised ValueError: more than one row is needed"),
    (NoGradients, "error", "asked for gradients, decode raised RuntimeError"),
]


@pytest.mark.parametrize("bare", [True, False], ids=["bare", "in a flow"])
@pytest.mark.parametrize(("layer", "promise", "found"), FAULTS, ids=[layer.__name__ for layer, *_ in FAULTS])
def test_what_is_no_pair_of_rows_and_log_dets_is_named(layer, promise: str, found: str, bare: bool) -> None:
    chain = Chain([ActNorm(3), layer(), Coupling(3, MLP(2, 2, width=8), swap=True)])
    report = verify(layer() if bare else Flow(chain, StandardNormal(3)), torch.randn(40, 3), rows=32)
    fault = report.faults[0]
    assert (fault.layer, fault.promise) == (layer.__name__ if bare else f"1.{layer.__name__}", promise)
    assert fault.found.startswith(found)
    assert fault.layer in str(report)


def test_samples_that_are_not_finite_tell_whose_decode_made_them_so() -> None:
    class Tanh(Bijection):
        def encode(self, x, condition=None):
            return x.tanh(), (1 - x.tanh().square()).log().sum(1)

        def decode(self, z, condition=None):
            return z.atanh(), -(1 - z.square()).log().sum(1)

    report = verify(Flow(Chain([ActNorm(3), Tanh(), Affine()]), StandardNormal(3)), torch.randn(40, 3), rows=32)
    assert [fault.promise for fault in report.faults] == ["finite"]
    assert report.faults[0].found.endswith("from 1.Tanh on")


def test_derivatives_that_are_not_finite_are_told_as_such() -> None:
    class NaNBesides(Affine):
        """Right values, and NaN from the side of torch.where that is left out."""

        def encode(self, x, condition=None):
            z, log_det = super().encode(x)
            return torch.where(x == 0, 0 * x.abs().sqrt() + z, z), log_det

    x = torch.randn(40, 3)
    x[::2] = 0
    report = verify(NaNBesides(), x, rows=32)
    assert [fault.promise for fault in report.faults] == ["log-det"]
    assert "derivatives of encode are not finite" in report.faults[0].found
