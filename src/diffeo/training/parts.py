"""Which rows a training learns from, and which choose the best weights."""

import hashlib
from typing import Any

import torch
from torch import Tensor

from diffeo.data import Dataset, Part
from diffeo.evaluation import condition_for
from diffeo.flow import Flow
from diffeo.saving.configuration import config
from diffeo.training.given import rows_and_conditions
from diffeo.training.order import generator


def parts(
    flow: Flow,
    data: Any,
    condition: Any,
    validation: Any,
    seed: int,
) -> tuple[Part, Part]:
    """Training and validation rows, checked: of a data set its own, of a tensor a tenth by seed unless given.

    Raises:
        ValueError: if rows or conditions do not fit, are empty, or hold NaN or infinity.
        TypeError: if the data is of a type that has no rows to take.
    """
    flow._check_precision()
    if isinstance(data, Dataset):
        if condition is not None or validation is not None:
            raise ValueError(
                "fit: a data set brings its own condition and validation part; give tensors to choose them"
            )
        train, held = (Part(p.x, condition_for(flow, p)) for p in (data.train, data.validation))
        return _checked(flow, train, "training "), _checked(flow, held, "validation ")
    x, given = rows_and_conditions(flow, data, condition)
    flow._check_shape(x)
    if len(x) < 2:
        raise ValueError(f"fit: at least two rows are needed, got {len(x)}")
    if validation is not None:
        held_x, held_given = validation if isinstance(validation, tuple) else (validation, None)
        held = Part(*rows_and_conditions(flow, held_x, held_given))
        return _checked(flow, Part(x, given), "training "), _checked(flow, held, "validation ")
    whole = _checked(flow, Part(x, given), "")  # before it is divided: errors name rows and shapes as they were given
    order = torch.randperm(len(x), generator=generator("validation split", seed)).to(x.device)
    held_rows, kept = order[: max(1, len(x) // 10)], order[max(1, len(x) // 10) :]
    train, held = (
        Part(whole.x[rows], None if whole.labels is None else whole.labels[rows]) for rows in (kept, held_rows)
    )
    return train, held


def _checked(flow: Flow, part: Part, name: str) -> Part:
    """The part, with one row of conditions a row, as the flow's embedding takes it."""
    flow.check(part.x, part.labels)
    part = Part(part.x, flow._condition(part.labels, len(part)))
    if not len(part):
        raise ValueError(f"fit: the {name}part has no rows")
    _check_finite(part.x, f"{name}rows", "x", also=None if part.labels is None else "condition")
    if part.labels is not None:
        _check_finite(part.labels, f"{name}conditions", "condition", also="x")
    return part


def _check_finite(x: Tensor, part: str, name: str, *, also: str | None) -> None:
    if x.is_floating_point():
        bad = (~x.isfinite().view(len(x), -1).all(1)).nonzero().flatten().tolist()
        if bad:
            some = ", ".join(map(str, bad[:5])) + (", .." if len(bad) > 5 else "")
            both = [one for one in ("x", "condition") if one in (name, also)]
            raise ValueError(
                f"fit: {len(bad)} of {len(x)} {part} hold NaN or infinity (rows {some}). "
                f"Drop them: kept = {name}.isfinite().view(len({name}), -1).all(1); "
                f"{', '.join(both)} = {', '.join(f'{one}[kept]' for one in both)}"
            )


def fingerprint(part: Part) -> str:
    """A hash of all rows and conditions: other data is not taken for the same."""
    found = hashlib.sha256()
    for tensor in (part.x, part.labels):
        if tensor is not None:
            found.update(f"{tuple(tensor.shape)} {tensor.dtype}".encode())
            found.update(tensor.detach().cpu().contiguous().numpy().data)  # its bytes, without a copy
    return found.hexdigest()


def architecture(flow: Flow) -> dict[str, Any] | None:
    """What a flow is constructed from, as a file holds it; None if a file cannot."""
    try:
        return config(flow)
    except TypeError:  # of a class that is not registered, say
        return None


def layout(flow: Flow) -> str:
    """A hash of the names, shapes and types of a flow's tensors: resuming with another architecture is refused."""
    described = [(name, tuple(tensor.shape), str(tensor.dtype)) for name, tensor in flow.state_dict().items()]
    return hashlib.sha256(repr(described).encode()).hexdigest()
