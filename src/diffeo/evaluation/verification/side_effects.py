"""Does a layer keep to itself? It changes nothing that it is given, and remembers nothing of it."""

import copy
from collections.abc import Iterator

import torch
from torch import Tensor

from diffeo.bijections import Bijection
from diffeo.evaluation.verification.report import Fault
from diffeo.evaluation.verification.rounding import Run, unexplained

STATE = "Keep no state between calls, and draw nothing inside"


def impure(
    name: str, layer: Bijection, x: Tensor, condition: Tensor | None, z: Tensor, log_det: Tensor
) -> Iterator[Fault]:
    """What it changes of its arguments and its buffers, and what the same call gives again."""
    state = dict(layer.named_parameters()) | dict(layer.named_buffers())
    before = {key: tensor.clone() for key, tensor in state.items()}
    given = {"x": x.clone(), "z": z.clone()} | ({} if condition is None else {"condition": condition.clone()})
    kept = {key: tensor.clone() for key, tensor in given.items()}
    again = layer.encode(given["x"], given.get("condition"))[0]
    layer.encode(given["x"].flip(0) + 0.1, None if condition is None else condition.flip(0))
    layer.decode(given["z"], given.get("condition"))
    third = layer.encode(given["x"], given.get("condition"))[0]
    if touched := [key for key in given if not torch.equal(given[key], kept[key])]:
        what = "the condition" if touched == ["condition"] else f"the tensor {touched[0]}"
        yield Fault(name, "input", f"it changes {what} that it is given",
                    "Leave out operations in place (+=, *=, names that end in _)")  # fmt: skip
        return
    changed = [key for key, tensor in state.items() if not torch.equal(tensor, before[key])]
    if changed:
        names = [key.rpartition(".")[2] for key in changed[:3]]
        yield Fault(name, "state", f"evaluation changes {', '.join(names)}",
                    "Set what depends on data in initialize, and nowhere else")  # fmt: skip
        return
    wrong = max(_apart(layer.encode, x, condition, other, z) for other in (again, third))
    if wrong > 0:
        yield Fault(name, "state", f"the same rows give another z, by {wrong:.1e}", STATE)


def remembered(
    name: str, layer: Bijection, fresh: Bijection, x: Tensor, condition: Tensor | None, z: Tensor
) -> Iterator[Fault]:
    """Whether what it was first called with shows later: in copies of `fresh`, which has never run.

    A plain attribute that a first call sets is in no state_dict, and alike in all copies that saw the same rows.
    """
    half = max(1, len(x) // 2)
    firsts = {"encode": x.flip(0)[:half] + 0.1, "decode": z.flip(0)[:half]}
    c_first = None if condition is None else condition.flip(0)[:half]
    given, right = {"encode": x, "decode": z}, {"encode": z, "decode": layer.decode(z.clone(), condition)[0]}
    for first, then in (("encode", ("encode", "decode")), ("decode", ("decode", "encode"))):
        one = copy.deepcopy(fresh)
        try:
            getattr(one, first)(firsts[first], c_first)
        except Exception as error:
            if first == "encode":  # rows that are no data may be refused, the layer's own z may not
                continue
            yield Fault(name, "state", f"a copy whose first call is decode raised {type(error).__name__}: {error}",
                        STATE)  # fmt: skip
            return
        for way in then:
            found = getattr(one, way)(given[way].clone(), condition)[0]
            wrong = _apart(getattr(layer, way), given[way], condition, found, right[way])
            if wrong > 0:
                yield Fault(name, "state", f"its first call shows in later ones: in a copy that is first asked to "
                            f"{first} other rows, {way} differs by {wrong:.1e}", STATE)  # fmt: skip
                return


def _apart(run: Run, given: Tensor, condition: Tensor | None, found: Tensor, right: Tensor) -> float:
    zeros = right.new_zeros(len(right))

    def values(rows: Tensor, some: Tensor | None) -> tuple[Tensor, Tensor]:
        return run(rows, some)[0], zeros[: len(rows)]

    return float(unexplained(values, given, condition, (found, zeros), (right, zeros)).values.max())
