"""The verifier finds faults that only some rows, some dimensions or some calls show, and names their layer."""

import math

import pytest
import torch
from torch import Tensor

from diffeo import MLP, ActNorm, Bijection, Chain, Coupling, Flow, InvertibleConv1x1, Logit, RealNVP, Split, verify

from diffeo import Flatten, Inverse, NICE, StandardNormal  # isort: skip


class Affine(Bijection):
    """A user's own layer that declares nothing: z = 2 x + 1."""

    def encode(self, x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return 2 * x + 1, x.new_full((len(x),), x[:1].numel() * math.log(2))

    def decode(self, z: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        return (z - 1) / 2, z.new_full((len(z),), -z[:1].numel() * math.log(2))


class FarLogDetOfDecode(Affine):
    """Wrong beyond three standard deviations."""

    def decode(self, z, condition=None):
        x, log_det = super().decode(z)
        return x, log_det + 0.1 * (x.abs() > 3).any(1)


class FarLogDet(Affine):
    """Wrong in both directions beyond three standard deviations: only autograd tells."""

    def encode(self, x, condition=None):
        z, log_det = super().encode(x)
        return z, log_det + 0.1 * (x.abs() > 3).any(1)

    def decode(self, z, condition=None):
        x, log_det = super().decode(z)
        return x, log_det - 0.1 * (x.abs() > 3).any(1)


class FarInverse(Affine):
    """Clamped, as by a careful author."""

    def decode(self, z, condition=None):
        x, log_det = super().decode(z)
        return x.clamp(-3.2, 3.2), log_det


class OneRow(Affine):
    """Wrong for the row that the test marks."""

    def decode(self, z, condition=None):
        x, log_det = super().decode(z)
        return torch.where((x[:, :1] * 1e6).round() == 123457, x + 1e-5, x), log_det


class FirstCall(Affine):
    """Its first call sets a shift that no state_dict has."""

    shift: Tensor | None = None

    def encode(self, x, condition=None):
        if self.shift is None:
            self.shift = x.mean(0)
        return super().encode(x - self.shift)

    def decode(self, z, condition=None):
        if self.shift is None:
            self.shift = z.mean(0)
        x, log_det = super().decode(z)
        return x + self.shift, log_det


class EncodeFirst(FirstCall):
    """Cannot decode before it has encoded."""

    def decode(self, z, condition=None):
        x, log_det = Affine.decode(self, z)
        return x + self.shift, log_det


class BatchStatistics(Affine):
    """Whitens every batch, and decodes with what the last batch left."""

    mean: Tensor | float = 0.0

    def encode(self, x, condition=None):
        self.mean = x.mean(0)
        return super().encode(x - self.mean)

    def decode(self, z, condition=None):
        x, log_det = super().decode(z)
        return x + self.mean, log_det


class Cached(Affine):
    """Hands back what it has just encoded, and is no inverse."""

    kept: tuple[Tensor, Tensor] | None = None

    def encode(self, x, condition=None):
        z, log_det = super().encode(x)
        self.kept = x, z
        return z, log_det

    def decode(self, z, condition=None):
        x, log_det = super().decode(z)
        if self.kept is not None and z.shape == self.kept[1].shape and torch.equal(z, self.kept[1]):
            return self.kept[0].clone(), log_det
        return x + 1e-3, log_det


class FrozenWrong(Affine):
    """Samples come from another map than the one that is scored."""

    frozen = False

    def freeze(self):
        self.frozen = True

    def thaw(self):
        self.frozen = False

    def decode(self, z, condition=None):
        x, log_det = super().decode(z)
        return x + 1e-4 * self.frozen, log_det


class NeverThaws(FrozenWrong):
    """Right inside flow.frozen(), and wrong behind it."""

    thawed = False

    def thaw(self):
        self.thawed = True

    def decode(self, z, condition=None):
        x, log_det = Affine.decode(self, z)
        return x + 1e-4 * self.thawed, log_det


FAULTS = [
    (FarLogDetOfDecode, "log-det"),
    (FarLogDet, "log-det"),
    (FarInverse, "round trip"),
    (OneRow, "round trip"),
    (FirstCall, "state"),
    (EncodeFirst, "error"),
    (BatchStatistics, "rows"),
    (Cached, "state"),
    (FrozenWrong, "state"),
    (NeverThaws, "state"),
]


def around(layer: Bijection) -> Flow:
    torch.manual_seed(0)
    layers = [ActNorm(3), layer, Coupling(3, MLP(2, 2, width=8), swap=True)]
    return Flow(Chain(layers), StandardNormal(3))


@pytest.mark.parametrize(("layer", "promise"), FAULTS, ids=[layer.__name__ for layer, _ in FAULTS])
def test_a_fault_that_few_rows_or_calls_show_is_found_and_named(layer: type[Bijection], promise: str) -> None:
    x = torch.randn(256, 3, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    x[77, 0] = 0.123457
    report = verify(around(layer()).double(), x)
    assert {fault.layer for fault in report.faults} == {f"1.{layer.__name__}"}, str(report)
    assert report.faults[0].promise == promise


def test_an_inverse_that_is_wrong_only_where_noise_leads_is_found() -> None:
    """Narrow data never reaches where decode is clamped; samples of the base do."""

    class Clamped(Affine):
        def decode(self, z, condition=None):
            x, log_det = super().decode(z)
            return x.clamp(max=0.6), log_det

    x = 0.02 * torch.randn(200, 3, generator=torch.Generator().manual_seed(0))
    report = verify(around(Clamped()).double(), x.double())
    assert report.worst_layer == "1.Clamped", str(report)
    assert "on noise" in report.faults[0].found


def test_a_layer_that_changes_the_condition_is_named() -> None:
    class Clips(Affine):
        condition_shape = (2,)

        def encode(self, x, condition=None):
            condition.clamp_(min=0)
            return super().encode(x)

    flow = Flow(Chain([Coupling(3, MLP(1, 4, width=8, condition_shape=(2,))), Clips()]), StandardNormal(3)).double()
    x, condition = torch.randn(60, 3).double(), torch.randn(60, 2).double()
    before = condition.clone()
    report = verify(flow, x, condition, rows=32)
    assert [(fault.layer, fault.promise) for fault in report.faults] == [("1.Clips", "input")]
    assert "the condition" in report.faults[0].found
    assert torch.equal(condition, before)


def test_a_log_det_that_is_wrong_for_one_condition_is_found_by_jacobians_of_every_condition() -> None:
    class WrongForTheLast(Affine):
        condition_shape = (5,)

        def encode(self, x, condition=None):
            return super().encode(x)[0], super().encode(x)[1] + 0.01 * condition[:, 4]

        def decode(self, z, condition=None):
            return super().decode(z)[0], super().decode(z)[1] - 0.01 * condition[:, 4]

    x = torch.randn(200, 60)
    condition = torch.nn.functional.one_hot(torch.arange(200) // 50, 5).float()
    condition[150] = torch.tensor([0.0, 0, 0, 0, 1])
    layer = WrongForTheLast()
    assert verify(layer, x[:150], condition[:150]).ok
    assert [fault.promise for fault in verify(layer, x, condition).faults] == ["log-det"]


@pytest.mark.parametrize("wrong", [0, 1])
def test_a_column_of_small_scale_has_a_bar_of_its_own(wrong: int) -> None:
    class Slightly(Affine):
        def decode(self, z, condition=None):
            x, log_det = super().decode(z)
            factor = torch.ones_like(x[0])
            factor[wrong] += 1e-7
            return x * factor, log_det

    x = torch.randn(200, 2, dtype=torch.float64) * torch.tensor([1e3, 1e-3])
    assert verify(Affine(), x).ok
    assert [fault.promise for fault in verify(Slightly(), x).faults] == ["round trip"]


def test_layers_that_mix_columns_of_different_scale_pass() -> None:
    class Mixing(Bijection):
        """An orthogonal matrix: rounding of the large column arrives in the small one."""

        def __init__(self):
            super().__init__()
            self.register_buffer("matrix", torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64))[0])

        def encode(self, x, condition=None):
            return x @ self.matrix.T, x.new_zeros(len(x))

        def decode(self, z, condition=None):
            return z @ self.matrix, z.new_zeros(len(z))

    torch.manual_seed(0)
    x = torch.randn(200, 3, dtype=torch.float64) * torch.tensor([1e6, 1.0, 1e-6])
    report = verify(Mixing(), x)
    assert not report.faults, str(report)


def test_a_bijection_onto_an_interval_passes_by_itself() -> None:
    class Sigmoid(Bijection):
        def encode(self, x, condition=None):
            return x.sigmoid(), -(torch.nn.functional.softplus(x) + torch.nn.functional.softplus(-x)).sum(1)

        def decode(self, z, condition=None):
            return z.log() - (-z).log1p(), -(z.log() + (-z).log1p()).sum(1)

    for layer in (Sigmoid(), Inverse(Logit(4.0))):
        report = verify(layer, torch.randn(200, 3))
        assert report.ok, str(report)
    assert {source.name for source in report.sources} == {"data", "samples", "adversarial"}


def test_a_layer_that_refuses_or_ends_beyond_the_data_passes() -> None:
    class Log(Bijection):
        def encode(self, x, condition=None):
            return x.log(), -x.log().sum(1)

        def decode(self, z, condition=None):
            return z.exp(), z.sum(1)

    class Refuses(Affine):
        def encode(self, x, condition=None):
            if bool((x.abs() > 4.5).any()):
                raise ValueError("out of range")
            return super().encode(x)

    x = torch.rand(200, 2, dtype=torch.float64)
    assert verify(Chain([Log(), Affine()]), x + 0.5).ok
    assert verify(Chain([Logit(), Affine()]), x).ok
    assert not verify(Refuses(), 4 * x - 2).faults


@pytest.mark.parametrize(
    "flow",
    [
        lambda: Flow(Chain([InvertibleConv1x1(20), ActNorm(20), InvertibleConv1x1(20)]), StandardNormal(20)),
        lambda: Flow(Split((4, 3, 2), Chain([InvertibleConv1x1(2), Flatten((2, 3, 2))])), StandardNormal(24)),
        lambda: RealNVP((1, 4, 4), values=17, width=4),
        lambda: NICE(20, width=8, depth=1, classes=4),
    ],
    ids=["frozen", "split", "integers", "classes"],
)
def test_samples_of_a_right_flow_agree_with_decode_and_log_prob(flow) -> None:
    torch.manual_seed(0)
    flow = flow()
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    report = verify(flow, rows=64)
    assert not report.faults, str(report)


@pytest.mark.parametrize("way", ["sample", "sample_and_log_prob"])
def test_a_sample_of_its_own_is_found(way: str) -> None:
    class Own(Flow):
        def sample(self, *arguments, **options):
            return super().sample(*arguments, **options) * (0.9 if way == "sample" else 1)

        def sample_and_log_prob(self, *arguments, **options):
            x, log_p = super().sample_and_log_prob(*arguments, **options)
            return x, log_p + (0.1 if way == "sample_and_log_prob" else 0)

    report = verify(Own(Chain([ActNorm(20)]), StandardNormal(20)), rows=16)
    assert [(fault.layer, fault.promise) for fault in report.faults] == [("flow", "composition")]
    assert way in report.faults[0].found


def test_data_that_lies_outside_the_support_altogether_does_not_pass() -> None:
    assert not verify(Logit(), 2 + torch.rand(50, 2)).ok
