"""A bijection as text: its layers, the shapes between them, parameters and cost."""

from torch import nn

from diffeo.bijections import Bijection, Chain, Split

Row = tuple[str, str, int]  # layer, shape after it, parameters


def describe(title: str, bijection: Bijection, embedding: nn.Module | None, shape: tuple[int, ...]) -> str:
    """The shape plan that ``print(flow)`` shows."""
    rows = [(f"condition {type(embedding).__name__}", "", _count(embedding))] if embedding is not None else []
    rows += _rows(bijection, shape, 0)
    lines = [
        (f"{layer}", after, f"{parameters:,}" if parameters else "-") for layer, after, parameters in _repeated(rows)
    ]
    widths = [max((len(line[i]) for line in lines), default=0) for i in range(3)]
    total = _count(bijection) + (0 if embedding is None else _count(embedding))
    text = [f"{title}: {total:,} parameters"]
    text += [f"  {a:{widths[0]}}  {b:{widths[1]}}  {c:>{widths[2]}}".rstrip() for a, b, c in lines]
    text.append(f"cost in network passes: log_prob {bijection.encode_passes}, sample {bijection.decode_passes}")
    return "\n".join(text)


def _count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _rows(bijection: Bijection, shape: tuple[int, ...], depth: int) -> list[Row]:
    if isinstance(bijection, Chain):
        rows = []
        for layer in bijection:
            rows += _rows(layer, shape, depth)
            shape = layer.output_shape(shape)
        return rows
    after = str(bijection.output_shape(shape))
    indent = "  " * depth
    if isinstance(bijection, Split):
        prior = bijection.prior
        judged = "N(0, I)" if prior is None else f"{type(prior).__name__} prior"
        name = f"{indent}Split: {bijection.half_shape} leaves, {judged}"
        own: Row = (name, f"{bijection.half_shape} goes on", 0 if prior is None else _count(prior))
        return [own, *_rows(bijection.rest, bijection.half_shape, depth + 1)]
    detail = bijection.extra_repr()
    name = f"{indent}{type(bijection).__name__}" + (f"({detail})" if detail else "")
    return [(name, after, _count(bijection))]


def _repeated(rows: list[Row]) -> list[Row]:
    """Collapse blocks that repeat into one, marked with how often."""
    result: list[Row] = []
    at = 0
    while at < len(rows):
        best = (1, 1)
        for size in range(1, 9):
            block, times = rows[at : at + size], 1
            while rows[at + times * size : at + (times + 1) * size] == block:
                times += 1
            if times > 1 and size * times > best[0] * best[1]:
                best = (size, times)
        size, times = best
        for i, (layer, after, parameters) in enumerate(rows[at : at + size]):
            mark = "" if times == 1 else f"{times} x " if i == 0 else " " * len(f"{times} x ")
            indent = len(layer) - len(layer.lstrip())
            result.append((layer[:indent] + mark + layer[indent:], after, parameters * times))
        at += size * times
    return result
