"""Which rows a training learns from, and which choose the best weights."""

import hashlib

import torch
from torch import Tensor

from diffeo.data import Dataset, Part
from diffeo.evaluation import condition_for
from diffeo.flow import Flow
from diffeo.training.order import generator


def parts(
    flow: Flow,
    data: Tensor | Dataset,
    condition: Tensor | None,
    validation: tuple[Tensor, Tensor | None] | Tensor | None,
    seed: int,
) -> tuple[Part, Part]:
    """Training and validation rows, checked: of a data set its own, of a tensor a tenth by seed unless given.

    Raises:
        ValueError: if rows or conditions do not fit, are empty, or hold NaN or infinity.
        TypeError: if the data is of another type.
    """
    train, held_out = _divided(flow, data, condition, validation, seed)
    flow.check(train.x, train.labels)
    flow.check(held_out.x, held_out.labels)
    if not len(held_out):
        raise ValueError("fit: the validation part has no rows")
    for part, name in ((train, "training"), (held_out, "validation")):
        _check_finite(part.x, f"{name} rows")
        if part.labels is not None:
            _check_finite(part.labels, f"{name} conditions")
    return train, held_out


def _divided(
    flow: Flow,
    data: Tensor | Dataset,
    condition: Tensor | None,
    validation: tuple[Tensor, Tensor | None] | Tensor | None,
    seed: int,
) -> tuple[Part, Part]:
    if isinstance(data, Dataset):
        if condition is not None or validation is not None:
            raise ValueError(
                "fit: a data set brings its own condition and validation part; give tensors to choose them"
            )
        train, held = (Part(p.x, condition_for(flow, p)) for p in (data.train, data.validation))
        return train, held
    if not isinstance(data, Tensor):
        raise TypeError(f"fit: expected a torch.Tensor or a data set, got {type(data).__name__}. Use torch.as_tensor")
    if len(data) < 2:
        raise ValueError(f"fit: at least two rows are needed, got {len(data)}")
    if condition is not None and len(condition) != len(data):
        raise ValueError(f"fit: {len(data)} rows of data, but {len(condition)} of conditions")
    if validation is not None:
        x, c = validation if isinstance(validation, tuple) else (validation, None)
        return Part(data, condition), Part(x, c)
    order = torch.randperm(len(data), generator=generator("validation split", seed)).to(data.device)
    held_rows, kept = order[: max(1, len(data) // 10)], order[max(1, len(data) // 10) :]
    return (
        Part(data[kept], None if condition is None else condition[kept]),
        Part(data[held_rows], None if condition is None else condition[held_rows]),
    )


def _check_finite(x: Tensor, part: str) -> None:
    if x.is_floating_point():
        bad = (~x.isfinite().flatten(1).all(1)).nonzero().flatten().tolist()
        if bad:
            some = ", ".join(map(str, bad[:5])) + (", .." if len(bad) > 5 else "")
            raise ValueError(
                f"fit: {len(bad)} of {len(x)} {part} hold NaN or infinity (rows {some}). "
                f"Drop them: x[x.isfinite().flatten(1).all(1)]"
            )


def fingerprint(part: Part) -> str:
    """A hash of all rows and conditions: other data is not taken for the same."""
    found = hashlib.sha256()
    for tensor in (part.x, part.labels):
        if tensor is not None:
            found.update(f"{tuple(tensor.shape)} {tensor.dtype}".encode())
            found.update(tensor.detach().cpu().contiguous().numpy().data)  # its bytes, without a copy
    return found.hexdigest()


def layout(flow: Flow) -> str:
    """A hash of the names, shapes and types of a flow's tensors: resuming with another architecture is refused."""
    described = [(name, tuple(tensor.shape), str(tensor.dtype)) for name, tensor in flow.state_dict().items()]
    return hashlib.sha256(repr(described).encode()).hexdigest()
