"""What is given to fit, as tensors; what cannot be is refused, with a way that works."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data import Dataset as TorchDataset

from diffeo.bijections import Bijection
from diffeo.data import Part
from diffeo.flow import Flow


def check_flow(flow: object) -> None:
    """Refuse what is no flow that can be trained.

    Raises:
        TypeError: if it is a wrapper of a flow, or something else.
        ValueError: if its tensors were made in inference mode, so that they cannot change.
    """
    if isinstance(flow, Flow):
        if any(tensor.is_inference() for tensor in (*flow.parameters(), *flow.buffers())):
            raise ValueError(
                "fit: the flow was built or loaded inside torch.inference_mode(), so its weights cannot be trained. "
                "Build or load it outside; fit itself may be called inside"
            )
        return
    kind = type(flow).__name__
    inside = (
        [name for name, part in flow.named_modules() if isinstance(part, Flow)] if isinstance(flow, nn.Module) else []
    )
    if inside:
        instead = ""
        if "module" in inside[0].split("."):
            instead += (
                ". To train in several processes start the program with torchrun: fit shares the batches by itself"
            )
        if "_orig_mod" in inside[0].split("."):
            instead += ". To train compiled call flow.compile(), which changes it in place"
        raise TypeError(f"fit: expected the flow itself, got a {kind} around it. Pass flow.{inside[0]}{instead}")
    if isinstance(flow, Bijection):
        raise TypeError(
            f"fit: expected a flow, got a {kind}, which has no density. "
            f"Give it a base: diffeo.Flow(layers, diffeo.StandardNormal(features))"
        )
    raise TypeError(f"fit: expected a flow first, then the data, got a {kind} first")


def rows_and_conditions(flow: Flow, data: Any, condition: Any) -> tuple[Tensor, Tensor | None]:
    """Rows and conditions as tensors without a graph, of arrays and of a TensorDataset too.

    Raises:
        TypeError: if they are something else.
        ValueError: if they carry a graph, or do not belong together.
    """
    if isinstance(data, TensorDataset):
        if condition is not None:
            raise ValueError(
                "fit: a TensorDataset brings its own conditions; to choose them pass fit(flow, x, condition)"
            )
        if len(data.tensors) > 2 or (len(data.tensors) == 2 and not flow.conditional):
            raise ValueError(
                f"fit: the TensorDataset holds {len(data.tensors)} tensors, and this flow takes rows"
                f"{' and conditions' if flow.conditional else ' alone'}. Pass those: fit(flow, "
                f"dataset.tensors[0]{', dataset.tensors[1]' if flow.conditional else ''})"
            )
        data, condition = data.tensors[0], data.tensors[1] if len(data.tensors) == 2 else None
    x = _tensor(data, "rows", "x", flow, integers=flow.door is not None)
    if condition is None:
        return x, None
    of_classes = not getattr(flow.embedding, "shape", flow.bijection.condition_shape)
    given = _tensor(condition, "conditions", "condition", flow, integers=of_classes)
    if given.dim() == 0 or len(given) != (len(x) if x.dim() else 1):
        raise ValueError(
            f"fit: {len(x) if x.dim() else 1} rows of data, but {len(given) if given.dim() else 1} of conditions. "
            f"Every row needs one: condition.expand(len(x), ..) for the same"
        )
    return x, given


def _tensor(given: Any, what: str, name: str, flow: Flow, *, integers: bool) -> Tensor:
    if isinstance(given, Tensor):
        if given.grad_fn is not None:
            raise ValueError(
                f"fit: the {what} were computed from something that is itself trained, such as an encoder, and fit "
                f"trains the flow alone. Pass {name}.detach(); to train both, minimise -flow.log_prob(x).mean() in a "
                f"loop of your own"
            )
        if given.layout is not torch.strided:
            raise TypeError(f"fit: the {what} are a tensor of layout {given.layout}. Use {name}.to_dense()")
        return given.detach()
    if type(given).__module__.partition(".")[0] == "numpy" and hasattr(given, "dtype"):
        return _from_numpy(given, what, name, flow, integers=integers)
    raise TypeError(f"fit: expected the {what} as a torch.Tensor, got a {type(given).__name__}. {_advice(given, name)}")


def _from_numpy(array: Any, what: str, name: str, flow: Flow, *, integers: bool) -> Tensor:
    import numpy as np

    if np.ma.is_masked(array):
        raise ValueError(f"fit: some of the {what} are masked. Drop them, or fill them: {name}.filled(0)")
    kind, floats = array.dtype.kind, str(flow.dtype).removeprefix("torch.")
    if kind == "f" and not integers:
        return torch.tensor(np.ascontiguousarray(array, dtype=floats))
    if kind in "iu" and integers:
        return torch.tensor(np.ascontiguousarray(array, dtype="uint8" if array.dtype == np.uint8 else "int64"))
    wanted, use = ("integers", "int64") if integers else ("floating-point numbers", floats)
    raise TypeError(f"fit: expected the {what} as {wanted}, got an array of {array.dtype}. Use {name}.astype('{use}')")


def _advice(given: Any, name: str) -> str:
    """How to make a tensor of it."""
    if isinstance(given, DataLoader):
        if isinstance(given.dataset, TensorDataset):
            return "fit makes its own batches: pass loader.dataset"
        pairs = _has_pairs(given.dataset)
        return f"fit makes its own batches: {name} = torch.cat([batch{'[0]' if pairs else ''} for batch in loader])"
    if isinstance(given, TorchDataset):
        row = "dataset[i][0]" if _has_pairs(given) else "dataset[i]"
        return f"Pass all rows as one: {name} = torch.stack([{row} for i in range(len(dataset))])"
    if isinstance(given, Part):
        return "Pass the data set that it is of, or part.x, and part.labels as the condition"
    if isinstance(given, str):
        return f"For a data set by its name: diffeo.data.load({given!r})"
    if isinstance(given, nn.Module):
        return "The flow comes first, then the data"
    if hasattr(given, "to_numpy"):  # of pandas, polars and pyarrow
        return f"Use torch.tensor({name}.to_numpy().astype('float32'))"
    if isinstance(given, (list, tuple)) and given and isinstance(given[0], Tensor):
        return f"Use torch.stack({name}) of rows, torch.cat({name}) of batches"
    return f"Use torch.tensor({name})"


def _has_pairs(dataset: Any) -> bool:
    try:
        return isinstance(dataset[0], (tuple, list))
    except Exception:  # one that can only be iterated, or is empty
        return False
