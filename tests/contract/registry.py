"""Everything that keeps the contract: a name, a constructor with small sizes, what it takes and what it declares."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

import diffeo
from diffeo import (
    MLP,
    NICE,
    ActNorm,
    Additive,
    Affine,
    Bijection,
    Chain,
    ClassEmbedding,
    ConvNet,
    Coupling,
    Flatten,
    Flip,
    Flow,
    Gaussianize,
    Glow,
    ImageEmbedding,
    Inverse,
    InvertibleConv1x1,
    Logit,
    Permutation,
    Quantizer,
    RealNVP,
    ResidualConvNet,
    Split,
    Squeeze,
    Standardize,
    StandardNormal,
    VectorEmbedding,
    ZeroConv,
)
from diffeo.networks import OutputConv, PlaceBias

ROWS = 5


@dataclass(frozen=True)
class Declared:
    """What a bijection declares, written here a second time: a class that promises less than before fails a test.

    The defaults are the strictest, and what an entry gives differs from them. The tests hold to this, and not
    to what the class says of itself.
    """

    log_det: str = "exact"
    inverse: str = "closed"
    traces: frozenset[str] = frozenset({"encode", "decode"})
    tolerance: float = 32.0

    @classmethod
    def by(cls, bijection: Bijection) -> "Declared":
        """What the class itself says."""
        return cls(bijection.log_det_kind, bijection.inverse_kind, frozenset(bijection.traces), bijection.tolerance)


MIXING = Declared(tolerance=128.0)  # two triangular solves


@dataclass(frozen=True)
class Case:
    """A bijection or flow, the shape of its rows, how to draw input for it, and what it declares."""

    make: Callable[[], Any]
    shape: tuple[int, ...]
    classes: int | None = None
    volume_preserving: bool = False
    uniform: float | None = None  # the domain is (0, this), not the real line
    margin: float = 0.0  # beside the domain's ends
    any_shape: bool = False  # rows of every shape are taken
    idle: tuple[str, ...] = ()  # parameters that nothing depends on at this size
    declares: Declared = Declared()

    def x(self, dtype: torch.dtype, rows: int = ROWS, seed: int = 1) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        if self.uniform is not None:
            u = torch.rand(rows, *self.shape, dtype=torch.float64, generator=generator)
            return (self.uniform * (0.05 + 0.9 * u)).to(dtype)
        return torch.randn(rows, *self.shape, dtype=torch.float64, generator=generator).to(dtype)

    def condition(self, item: Any, dtype: torch.dtype, rows: int = ROWS) -> Tensor | None:
        generator = torch.Generator().manual_seed(2)
        if self.classes is not None:
            return torch.randint(self.classes, (rows,), generator=generator)
        embedding = getattr(item, "embedding", None)
        shape = bijection_of(item).condition_shape if embedding is None else embedding.shape
        if shape is None:
            return None
        return torch.randn(rows, *shape, dtype=torch.float64, generator=generator).to(dtype)


def resnet(channels: int, outputs: int, **options: Any) -> ResidualConvNet:
    return ResidualConvNet(channels, outputs, width=4, **options)


def image_net(channels: int, outputs: int, **options: Any) -> ConvNet:
    return ConvNet(channels, outputs, width=6, **options)


BIJECTIONS: dict[str, Case] = {
    "Standardize": Case(lambda: Standardize((3,)), (3,)),
    "Standardize image": Case(lambda: Standardize((2, 4, 4)), (2, 4, 4)),
    "Logit": Case(lambda: Logit(1.0, 0.01), (3,), uniform=1.0, margin=0.01 / 0.98, any_shape=True),
    "Logit 256": Case(lambda: Logit(256), (1, 2, 2), uniform=256.0, margin=256e-6 / (1 - 2e-6), any_shape=True),
    "Logit without margin": Case(lambda: Logit(3, alpha=0.0), (2,), uniform=3.0, any_shape=True),
    "Gaussianize": Case(lambda: Gaussianize((3,), 5), (3,), uniform=5.0),
    "Gaussianize 256": Case(lambda: Gaussianize((1, 2, 2), 256), (1, 2, 2), uniform=256.0),
    "ActNorm": Case(lambda: ActNorm(3), (3,)),
    "ActNorm image": Case(lambda: ActNorm(2), (2, 4, 4)),
    "InvertibleConv1x1": Case(lambda: InvertibleConv1x1(4), (4,), declares=MIXING),
    "InvertibleConv1x1 one channel": Case(
        lambda: InvertibleConv1x1(1), (1, 2, 2), declares=MIXING, idle=("raw_triangles",)
    ),
    "InvertibleConv1x1 eight channels": Case(lambda: InvertibleConv1x1(8), (8,), declares=MIXING),
    "InvertibleConv1x1 image": Case(lambda: InvertibleConv1x1(4), (4, 2, 3), declares=MIXING),
    "Permutation": Case(lambda: Permutation([2, 0, 3, 1]), (4,), volume_preserving=True),
    "Permutation image": Case(lambda: Permutation.random(4, seed=3), (4, 2, 2), volume_preserving=True),
    "Flip": Case(lambda: Flip(), (3,), volume_preserving=True, any_shape=True),
    "Squeeze": Case(lambda: Squeeze(), (2, 4, 6), volume_preserving=True),
    "Squeeze checkerboard": Case(lambda: Squeeze("checkerboard"), (2, 4, 6), volume_preserving=True),
    "Flatten": Case(lambda: Flatten((2, 2, 3)), (2, 2, 3), volume_preserving=True),
    "Coupling": Case(lambda: Coupling(4, MLP(2, 4, width=8)), (4,)),
    "Coupling odd swapped": Case(lambda: Coupling(5, MLP(3, 4, width=8), swap=True), (5,)),
    "Coupling one feature": Case(lambda: Coupling(1, MLP(0, 2, width=8)), (1,)),
    "Coupling additive": Case(
        lambda: Coupling(4, MLP(2, 2, width=8), elementwise=Additive()), (4,), volume_preserving=True
    ),
    "Coupling conditional": Case(lambda: Coupling(4, MLP(2, 4, width=8, condition_shape=(3,))), (4,)),
    "Coupling of one layer": Case(lambda: Coupling(4, MLP(2, 4, width=8, depth=1, dropout=0.3)), (4,)),
    "Coupling of torch's layers": Case(
        lambda: Coupling(4, nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 4))), (4,)
    ),
    "Coupling of torch's convolution": Case(lambda: Coupling(3, nn.Conv2d(1, 4, 3, padding=1)), (3, 3, 2)),
    "Coupling channels": Case(lambda: Coupling(4, image_net(2, 4)), (4, 4, 4)),
    "Coupling channels swapped": Case(
        lambda: Coupling(3, image_net(2, 2), swap=True, elementwise=Affine(bound=1.0)), (3, 4, 4)
    ),
    "Coupling checkerboard": Case(
        lambda: Coupling(2, ResidualConvNet(2, 4, width=6), partition="checkerboard"), (2, 4, 4)
    ),
    "Coupling checkerboard swapped odd": Case(
        lambda: Coupling(1, image_net(1, 2), partition="checkerboard", swap=True), (1, 3, 5)
    ),
    "Coupling on a map": Case(lambda: Coupling(2, image_net(1, 2, condition_shape=(3, 2, 2))), (2, 4, 4)),
    "Coupling on a vector, by places": Case(
        lambda: Coupling(2, image_net(1, 2, places=(2, 3), condition_shape=(3,))), (2, 2, 3)
    ),
    "Coupling of squares": Case(
        lambda: Coupling(1, resnet(1, 2, blocks=0, patch=2, places=(4, 2), dropout=0.3), partition="checkerboard"),
        (1, 4, 2),
    ),
    "Coupling of squares on a map": Case(
        lambda: Coupling(2, resnet(1, 2, patch=2, blocks=1, condition_shape=(2, 1, 3))), (2, 2, 4)
    ),
    "Coupling residual on a vector": Case(lambda: Coupling(2, resnet(1, 2, condition_shape=(3,))), (2, 2, 2)),
    "Split": Case(lambda: Split((4, 2, 2), Chain([ActNorm(2), Flatten((2, 2, 2))]), ZeroConv(2, 4)), (4, 2, 2)),
    "Split without prior": Case(lambda: Split((4, 2, 2), Flatten((2, 2, 2))), (4, 2, 2), volume_preserving=True),
    "Split conditional": Case(
        lambda: Split((4, 2, 2), Chain([ActNorm(2), Flatten((2, 2, 2))]), ZeroConv(2, 4, condition_shape=(3,))),
        (4, 2, 2),
    ),
    "Split on a map": Case(
        lambda: Split((2, 2, 2), Flatten((1, 2, 2)), ZeroConv(1, 2, condition_shape=(3, 4, 4))), (2, 2, 2)
    ),
    "Split of torch's layer": Case(lambda: Split((4,), ActNorm(2), nn.Linear(2, 4)), (4,)),
    "Split of a vector": Case(lambda: Split((4,), ActNorm(2), MLP(2, 4, width=8)), (4,)),
    "Chain": Case(
        lambda: Chain([ActNorm(4), Flip(), Coupling(4, MLP(2, 4, width=8)), InvertibleConv1x1(4)]),
        (4,),
        declares=MIXING,
    ),
    "Chain conditional": Case(lambda: Chain([ActNorm(4), Coupling(4, MLP(2, 4, width=8, condition_shape=(3,)))]), (4,)),
    "Chain empty": Case(lambda: Chain([]), (3,), volume_preserving=True, any_shape=True),
    "Inverse": Case(lambda: Inverse(Chain([ActNorm(4), Coupling(4, MLP(2, 4, width=8))])), (4,)),
    "Inverse conditional": Case(lambda: Inverse(Coupling(4, MLP(2, 4, width=8, condition_shape=(3,)))), (4,)),
}


def with_classes_and_without(
    name: str, flow: Callable[..., Flow], shape: tuple[int, ...], *, declares: Declared = Declared(), **options: Any
) -> dict[str, Case]:
    """Cases of a flow of these options, without a condition and with classes: enough for a new flow."""
    given = shape if len(shape) > 1 else shape[0]
    return {
        name: Case(lambda: flow(given, **options), shape, declares=declares),
        f"{name} classes": Case(lambda: flow(given, classes=3, **options), shape, classes=3, declares=declares),
    }


FLOWS: dict[str, Case] = {
    "Flow": Case(lambda: Flow(Chain([ActNorm(2), Coupling(2, MLP(1, 2, width=8))]), StandardNormal(2)), (2,)),
    "Flow conditional": Case(
        lambda: Flow(Chain([ActNorm(2), Coupling(2, MLP(1, 2, width=8, condition_shape=(3,)))]), StandardNormal(2)),
        (2,),
    ),
    "Flow of classes": Case(
        lambda: Flow(
            Coupling(2, MLP(1, 2, width=8, condition_shape=(4,))), StandardNormal(2), embedding=ClassEmbedding(3, 4)
        ),
        (2,),
        classes=3,
    ),
    "Flow given a vector": Case(
        lambda: Flow(
            Coupling(2, MLP(1, 2, width=8, condition_shape=(5,))), StandardNormal(2), embedding=VectorEmbedding((2,), 5)
        ),
        (2,),
    ),
    "Flow given an image": Case(
        lambda: Flow(
            Coupling(2, MLP(1, 2, width=8, condition_shape=(5,))),
            StandardNormal(2),
            embedding=ImageEmbedding((1, 2, 2), 5, vector=True),
        ),
        (2,),
    ),
    "NICE": Case(lambda: NICE(5, width=8, depth=2), (5,)),
    "NICE conditional": Case(lambda: NICE(2, width=8, depth=1, classes=3), (2,), classes=3),
    "RealNVP of 1": Case(lambda: RealNVP(1, couplings=2, width=8), (1,)),
    "RealNVP of 1 conditional": Case(lambda: RealNVP(1, couplings=2, width=8, condition_shape=2), (1,)),
    "RealNVP of 2": Case(lambda: RealNVP(2, couplings=4, width=8), (2,)),
    "RealNVP of 5": Case(lambda: RealNVP(5, couplings=3, width=8, dropout=0.3), (5,)),
    "RealNVP classes": Case(lambda: RealNVP(4, couplings=2, width=8, classes=3), (4,), classes=3),
    "RealNVP of a vector given an image": Case(
        lambda: RealNVP(4, couplings=2, width=8, condition_shape=(1, 3, 3)), (4,)
    ),
    **with_classes_and_without("RealNVP image", RealNVP, (1, 4, 4), levels=2, width=4, blocks=1, dropout=0.3),
    "RealNVP integers": Case(lambda: RealNVP((1, 4, 4), values=7, levels=1, width=4, blocks=1), (1, 4, 4), uniform=7.0),
    "RealNVP integers by the logit": Case(
        lambda: RealNVP((1, 4, 4), values=7, levels=1, width=4, blocks=0, preprocessing="logit"),
        (1, 4, 4),
        uniform=7.0,
        margin=7e-6 / (1 - 2e-6),
    ),
    "Glow": Case(lambda: Glow((2, 4, 4), levels=2, steps=2, width=4), (2, 4, 4), declares=MIXING),
    "Glow given an image": Case(
        lambda: Glow((1, 4, 4), levels=2, steps=1, width=4, condition_shape=(1, 2, 2)),
        (1, 4, 4),
        declares=MIXING,
    ),
    "Glow integers": Case(
        lambda: Glow((3, 4, 4), values=256, levels=2, steps=1, width=4, classes=3),
        (3, 4, 4),
        classes=3,
        uniform=256.0,
        declares=MIXING,
    ),
}

ELEMENTWISE: dict[str, Any] = {"Affine": Affine(), "Affine wide": Affine(bound=6.0), "Additive": Additive()}

BASES: dict[str, Callable[[], Any]] = {"StandardNormal": lambda: StandardNormal(3)}

DOORS: dict[str, Callable[[], Any]] = {"Quantizer": lambda: Quantizer(17), "Quantizer 256": lambda: Quantizer(256)}

VOLUME_PRESERVING = (Permutation, Flip, Squeeze, Flatten)


def redraw(item: torch.nn.Module, seed: int = 0) -> None:
    """Draw every parameter and fitted buffer, so that no log-det term is near zero."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in item.parameters():
            spread, mean = (0.7 / max(1, parameter[0].numel()) ** 0.5, 0.0) if parameter.dim() > 1 else (0.2, 0.4)
            parameter.copy_(spread * torch.randn(parameter.shape, dtype=torch.float64, generator=generator) + mean)
        for module in item.modules():
            if isinstance(module, (OutputConv, PlaceBias)):
                for parameter in module.parameters():
                    parameter /= 3.0  # their gain, which would take every scale to its bound
            if isinstance(module, Standardize):
                module.mean.copy_(torch.randn(module.shape, dtype=torch.float64, generator=generator))
                module.scale.copy_(torch.rand(module.shape, dtype=torch.float64, generator=generator) + 1.5)


@torch.no_grad()
def small_terms(item: Any, x: Tensor, condition: Tensor | None) -> list[str]:
    """The steps whose log-det is within 0.1 of zero for some row, of those that change volume."""
    small = []
    for step in bijection_of(item).steps(x, condition):
        layer = step.layer
        preserving = (
            isinstance(layer, VOLUME_PRESERVING)
            or (isinstance(layer, Split) and layer.prior is None)
            or (isinstance(layer, Coupling) and isinstance(layer.elementwise, Additive))
        )
        if not preserving and not (step.log_det.abs() > 0.1).all():
            small.append(step.name)
    return small


def bijection_of(item: Any) -> Bijection:
    return item.bijection if isinstance(item, Flow) else item


def embedded(item: Any, condition: Tensor | None, rows: int = ROWS) -> Tensor | None:
    """What the bijection takes for a condition."""
    return item.embed(condition, rows) if isinstance(item, Flow) else condition


def public_classes() -> set[type]:
    """Every bijection, elementwise map, base, door and flow that the package hands out."""
    classes = {thing for thing in (getattr(diffeo, name) for name in diffeo.__all__) if isinstance(thing, type)}
    return {thing for thing in classes if issubclass(thing, (Bijection, Flow)) or looks_like_a_part(thing)}


def looks_like_a_part(thing: type) -> bool:
    """Whether a class has the methods of an elementwise map, a base or a door."""
    if getattr(thing, "_is_protocol", False):
        return False
    shapes = (("encode", "decode", "parameters_per_dimension"), ("log_prob", "sample"), ("encode", "decode", "values"))
    names = set(dir(thing)) | set(getattr(thing, "__annotations__", {})) | set(inspect.signature(thing).parameters)
    return any(names.issuperset(shape) for shape in shapes)
