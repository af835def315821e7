"""What a bijection is, and what it declares."""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

Shape = tuple[int, ...]
INVERSES = ("closed", "passes", "iterative")  # from strong to weak


def expected_bijection(thing: object) -> str:
    """How to call what is no bijection in an error."""
    return f"the class {thing.__name__}" if isinstance(thing, type) else f"a {type(thing).__name__}"


class Step(NamedTuple):
    """One layer's work on a batch; the steps' log-dets add up to the whole chain's."""

    name: str
    layer: "Bijection"
    x: Tensor
    z: Tensor
    log_det: Tensor


class Bijection(nn.Module):
    r"""An invertible map between data and noise that knows its log-determinant.

    :meth:`encode` goes from data to noise, :meth:`decode` back. Both return the result and
    :math:`\log |\det J|` of the direction that was run, one number a row, in nats.

    To write one, give these two methods; override :meth:`output_shape` and :meth:`input_shape` if the
    shape changes, and the declarations below where yours differ. What is not declared is held to the
    strictest: an exact log-det, a closed inverse, both directions traceable.

    Declarations:
        log_det_kind: ``"exact"`` or ``"estimated"``.
        inverse_kind: ``"closed"``, ``"iterative"`` or ``"passes"`` (as many as dimensions).
        traces: which directions ``torch.compile(fullgraph=True)`` and ``torch.export`` take.
        tolerance: the round trip holds to this times eps, the largest intermediate and the conditioning.
        domain, codomain: ``"real"``, or in words.
        condition_shape: shape of a row of the (embedded) condition; None where none is taken.
        encode_passes, decode_passes: cost, in evaluations of a conditioner network.

    Shapes:
        x: ``(B, *shape)``; z: ``(B, *output_shape(shape))``; log_det: ``(B,)``.

    Example:
        >>> import diffeo
        >>> chain = diffeo.Chain([diffeo.Flip(), diffeo.ActNorm(3)])
        >>> z, log_det = chain.encode(torch.tensor([[1.0, 2.0, 3.0]]))
        >>> z, log_det
        (tensor([[3., 2., 1.]], grad_fn=<MulBackward0>), tensor([0.], grad_fn=<...>))
    """

    log_det_kind: Literal["exact", "estimated"] = "exact"
    inverse_kind: Literal["closed", "iterative", "passes"] = "closed"
    traces: tuple[str, ...] = ("encode", "decode")
    tolerance: float = 32.0
    domain: str = "real"
    codomain: str = "real"
    condition_shape: Shape | None = None
    encode_passes: int = 0
    decode_passes: int = 0
    fits_all_rows: bool = False  # initialize wants the whole training split, not a batch

    def encode(self, x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Data to noise: ``(z, log_det)``."""
        raise NotImplementedError

    def decode(self, z: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Noise to data: ``(x, log_det)``."""
        raise NotImplementedError

    def forward(self, x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """The same as :meth:`encode`."""
        return self.encode(x, condition)

    def output_shape(self, shape: Shape) -> Shape:
        """Shape of a row of z for rows of `shape`; raises ValueError where `shape` cannot be."""
        return shape

    def input_shape(self, shape: Shape) -> Shape:
        """The inverse of :meth:`output_shape`."""
        return shape

    def level_shapes(self, shape: Shape) -> list[Shape]:
        """Shapes of the parts of z, coarsest first; one part, unless the map has several scales."""
        return [self.output_shape(shape)]

    def initialize(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Set what depends on data from a batch, and return what the batch becomes."""
        self.set_from(x)
        return self.encode(x, condition)[0]

    def set_from(self, x: Tensor) -> None:
        """Set what depends on data from a batch, where that is all that :meth:`initialize` does besides encoding."""

    def steps(self, x: Tensor, condition: Tensor | None = None, name: str = "") -> Iterator[Step]:
        """Encode and show every intermediate; the last step's `z` is the result."""
        z, log_det = self.encode(x, condition)
        yield Step(name or type(self).__name__, self, x, z, log_det)

    def declare_as(self, parts: "Sequence[Bijection]") -> None:
        """Declare what a composition of `parts` can promise: of each declaration the weakest."""
        self.log_det_kind = "estimated" if any(part.log_det_kind == "estimated" for part in parts) else "exact"
        self.inverse_kind = max((part.inverse_kind for part in parts), key=INVERSES.index, default="closed")
        self.traces = tuple(way for way in ("encode", "decode") if all(way in part.traces for part in parts))
        self.tolerance = max((part.tolerance for part in parts), default=type(self).tolerance)
        self.encode_passes = sum(part.encode_passes for part in parts)
        self.decode_passes = sum(part.decode_passes for part in parts)
        self.fits_all_rows = any(part.fits_all_rows for part in parts)

    def freeze(self) -> None:
        """Prepare what decode needs inside :meth:`diffeo.Flow.frozen`; it must not outlive a change, or be copied."""

    def thaw(self) -> None:
        """Drop what :meth:`freeze` prepared."""

    def expect(self, x: Tensor, like: Tensor | None, *shapes: Shape) -> None:
        """Refuse a tensor of another dtype than `like`, or whose rows have none of `shapes` (-1: any size)."""
        row = x.shape[1:]
        if shapes and not any(
            len(row) == len(shape) and all(want in (-1, got) for got, want in zip(row, shape, strict=True))
            for shape in shapes
        ):
            wanted = " or ".join("(" + ", ".join(["B", *("_" if n < 0 else str(n) for n in s)]) + ")" for s in shapes)
            raise ValueError(f"{type(self).__name__}: expected shape {wanted}, got {tuple(x.shape)}")
        if like is not None and x.dtype != like.dtype and not torch.is_autocast_enabled(x.device.type):
            raise TypeError(
                f"{type(self).__name__}: parameters are {like.dtype}, input is {x.dtype}. "
                f"Use x.to({like.dtype})" + (f", or .to({x.dtype}) on the model" if x.is_floating_point() else "")
            )

    def expect_condition(self, condition: Tensor | None) -> None:
        """Refuse a missing condition, or one of another shape than declared."""
        shape = self.condition_shape
        if shape is None:
            return
        if condition is None:
            raise ValueError(f"{type(self).__name__}: a condition of shape {('B', *shape)} is needed, got none")
        if condition.shape[1:] != shape:
            wanted = "(" + ", ".join(["B", *map(str, shape)]) + ")"
            raise ValueError(
                f"{type(self).__name__}: expected a condition of shape {wanted}, got {tuple(condition.shape)}"
            )
