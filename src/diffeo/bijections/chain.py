"""Chain: bijections one after the other."""

from collections.abc import Iterable, Iterator

from torch import Tensor, nn

from diffeo.bijections.bijection import Bijection, Shape, Step, expected_bijection
from diffeo.bijections.sharing import refuse_shared
from diffeo.saving.registry import register

INITIAL_ROWS = 512  # rows that data-dependent layers see, behind those that are fitted on everything


@register
class Chain(Bijection):
    r"""Composition, :math:`f = f_n \circ .. \circ f_1`; log-dets add up.

    Args:
        layers: bijections, from the data's side to the noise's.

    Shapes:
        x: ``(B, *shape)``; z: ``(B, *output_shape(shape))``; log_det: ``(B,)``.

    Raises:
        TypeError: if a layer is no bijection.
        ValueError: if two layers take conditions of different shapes, or are one object or share parameters.

    Example:
        >>> import diffeo
        >>> chain = Chain([diffeo.Squeeze(), diffeo.Flatten((4, 2, 2))])
        >>> chain.output_shape((1, 4, 4))
        (16,)
        >>> [step.name for step in chain.steps(torch.zeros(1, 1, 4, 4))]
        ['0.Squeeze', '1.Flatten']
    """

    def __init__(self, layers: Iterable[Bijection]):
        super().__init__()
        if isinstance(layers, Bijection):
            raise TypeError(f"Chain: expected a list of layers, got one {type(layers).__name__}. Use Chain([layer])")
        layers = list(layers)
        wrong = [expected_bijection(layer) for layer in layers if not isinstance(layer, Bijection)]
        if wrong:
            raise TypeError(f"Chain: every layer must be a Bijection, got {', '.join(wrong)}")
        refuse_shared("Chain", [(f"layer {i}", layer) for i, layer in enumerate(layers)])
        self.layers = nn.ModuleList(layers)
        conditions = {layer.condition_shape for layer in layers} - {None}
        if len(conditions) > 1:
            raise ValueError(f"Chain: layers take conditions of different shapes: {sorted(map(str, conditions))}")
        self.condition_shape = conditions.pop() if conditions else None
        self.declare_as(layers)
        if layers:
            self.domain, self.codomain = layers[0].domain, layers[-1].codomain

    def __iter__(self) -> Iterator[Bijection]:
        return iter(self.layers)  # type: ignore[arg-type]

    def __len__(self) -> int:
        return len(self.layers)

    def encode(self, x: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        self.expect_condition(condition)
        total: Tensor | None = None
        for layer in self:
            x, log_det = layer.encode(x, condition)
            total = log_det if total is None else total + log_det
        return x, x.new_zeros(x.shape[:1]) if total is None else total

    def decode(self, z: Tensor, condition: Tensor | None = None) -> tuple[Tensor, Tensor]:
        self.expect_condition(condition)
        total: Tensor | None = None
        for layer in reversed(list(self)):
            z, log_det = layer.decode(z, condition)
            total = log_det if total is None else total + log_det
        return z, z.new_zeros(z.shape[:1]) if total is None else total

    def output_shape(self, shape: Shape) -> Shape:
        for layer in self:
            shape = layer.output_shape(shape)
        return shape

    def input_shape(self, shape: Shape) -> Shape:
        for layer in reversed(list(self)):
            shape = layer.input_shape(shape)
        return shape

    def level_shapes(self, shape: Shape) -> list[Shape]:
        levels = [shape]
        for layer in self:
            levels = layer.level_shapes(shape)
            shape = layer.output_shape(shape)
        return levels

    def initialize(
        self, x: Tensor, condition: Tensor | None = None, *, keep_rows: bool = False, rows: int = INITIAL_ROWS
    ) -> Tensor:
        """Initialize layer by layer; behind the last that wants all rows on the first few (not with `keep_rows`)."""
        last = max((i for i, layer in enumerate(self) if layer.fits_all_rows), default=-1)
        for i, layer in enumerate(self):
            if i == last + 1 > 0 and not keep_rows:
                x = x[:rows]
            condition = None if condition is None else condition[: len(x)]
            if isinstance(layer, Chain):
                x = layer.initialize(x, condition, keep_rows=keep_rows or i < last, rows=rows)
            elif i == last and not keep_rows and type(layer).initialize is Bijection.initialize:
                layer.set_from(x)
                x = layer.encode(x[:rows], None if condition is None else condition[:rows])[0]  # others go no further
            else:
                x = layer.initialize(x, condition)
        return x

    def steps(self, x: Tensor, condition: Tensor | None = None, name: str = "") -> Iterator[Step]:
        for i, layer in enumerate(self):
            for step in layer.steps(x, condition, f"{name}{'.' if name else ''}{i}.{type(layer).__name__}"):
                yield step
                x = step.z
