"""Comparing what a function returned with what is right, and with what known mistakes would have returned."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from diffeo_course.grading.tasks.task import Mistake, Output, Task
from diffeo_course.sandbox.calling import Answer
from diffeo_course.sandbox.gradients import reached


@dataclass(frozen=True)
class Finding:
    """Something to say about one output: a message's key and values, and the share of the points that is left."""

    key: str
    values: Mapping[str, object]
    share: float


@dataclass(frozen=True)
class Verdict:
    """What is to be said of one output of a function; nothing if it is right."""

    output: Output
    findings: tuple[Finding, ...] = ()

    @property
    def share(self) -> float:
        """The part of the points that is left."""
        return min((finding.share for finding in self.findings), default=1.0)


Cases = Sequence[tuple[Any, ...]]
HALF = 0.5  # right numbers in the wrong form: a shape, a type, an input that was changed


def judge(task: Task, cases: Cases, answers: Sequence[Answer], gradient: Answer | None = None) -> list[Verdict]:
    """A verdict on every output of a function, from its answers to all cases; of gradients, in the first case."""
    bad = next((answer for answer in answers if answer.fault), None)
    if bad is not None:
        finding = _fault(task, bad)
        return [Verdict(output, (finding,)) for output in task.outputs]
    if any(_nothing(answer, 0) for answer in answers):
        nothing = Finding("nothing-returned", {"signature": task.signature}, 0.0)
        return [Verdict(output, (nothing,)) for output in task.outputs]
    verdicts = []
    right = [task.right(*case) for case in cases]
    for index, output in enumerate(task.outputs):
        if any(_nothing(answer, index) for answer in answers):
            values = {"name": output.name, "signature": task.signature}
            verdicts.append(Verdict(output, (Finding("too-few-returned", values, 0.0),)))
            continue
        given = [answer.values[index] for answer in answers]
        expected = [each[index] for each in right]
        form = _form(task, output, answers, index, expected)
        found = [*_numbers(task, cases, index, given, expected), *form]
        if not found and gradient is not None:
            found = _gradient(task, cases[0], index, gradient)
        verdicts.append(Verdict(output, tuple(found)))
    return verdicts


def _nothing(answer: Answer, index: int) -> bool:
    return index >= len(answer.values) or answer.kinds[index] == "NoneType"


def _fault(task: Task, answer: Answer) -> Finding:
    values: dict[str, object] = {"name": task.function, "signature": task.signature, "detail": answer.detail}
    if answer.fault == "raised" and answer.detail.startswith("NotImplementedError"):
        return Finding("fault-empty", values, 0.0)
    if answer.fault == "raised" and answer.detail.startswith("Refused"):
        return Finding("fault-refused", values, 0.0)
    return Finding(f"fault-{answer.fault}", {**values, "line": _line(answer.line)}, 0.0)


def _line(number: int) -> object:
    return number or "?"


def _form(task: Task, output: Output, answers: Sequence[Answer], index: int, expected: list[Tensor]) -> list[Finding]:
    findings = []
    kind = answers[0].kinds[index]
    tensor = kind in ("Tensor", "Parameter")
    if not tensor and not (output.shape == "()" and kind in ("float", "int")):
        findings.append(Finding("form-type", {"name": output.name, "kind": kind}, HALF))
    dtype = answers[0].values[index].dtype
    if tensor and task.keeps_dtype and dtype != expected[0].dtype:
        values = {"name": output.name, "given": _name(dtype), "expected": _name(expected[0].dtype)}
        findings.append(Finding("form-dtype", values, HALF))
    if any(answer.changed for answer in answers):
        findings.append(Finding("form-changed", {"name": task.function}, HALF))
    return findings


def _gradient(task: Task, case: tuple[Any, ...], index: int, answer: Answer) -> list[Finding]:
    """What is wrong with an output, of which the numbers are right, where it is differentiated."""
    name: dict[str, object] = {"name": task.outputs[index].name}
    if answer.fault:
        return [Finding("form-gradient-failed", name | {"detail": answer.detail}, HALF)]
    (right,), (given,) = reached(task.right, case).values, answer.values
    fine = index < len(given) and bool((given[index] >= right[index]).all())
    return [] if fine else [Finding("form-no-gradient", name, HALF)]


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _numbers(task: Task, cases: Cases, index: int, given: list[Tensor], expected: list[Tensor]) -> list[Finding]:
    """What is wrong with the numbers and their shape; nothing if they are right."""
    output = task.outputs[index]
    short = all(each.dtype in (torch.float16, torch.bfloat16) for each in given)
    tolerance = 2e-2 if short else task.tolerance  # of few digits, which the form says
    if _agree(given, expected, tolerance, loose=output.loose):
        return []
    shapes: dict[str, object] = {
        "name": output.name,
        "given": tuple(given[0].shape),
        "expected": f"{output.shape} = {tuple(expected[0].shape)}",
    }
    if _agree(given, expected, tolerance, loose=True):
        return [Finding("form-shape", shapes, HALF)]
    mistake = fitting(task.mistakes, cases, index, given, tolerance, loose=output.loose)
    if mistake is not None:
        return [Finding(f"mistake-{mistake.key}", {"name": output.name}, mistake.share)]
    plain = [(a, b.reshape(a.shape)) for a, b in zip(given, expected, strict=True) if _alike(a, b, output.loose)]
    if len(plain) < len(given):
        return [Finding("wrong-shape", shapes, 0.0)]
    if task.explain is not None and (key := task.explain(cases, given)):
        return [Finding(f"mistake-{key}", {"name": output.name}, HALF)]
    return [_otherwise(output, cases, given, [b for _, b in plain], tolerance)]


def fitting(
    mistakes: Sequence[Mistake], cases: Cases, index: int, given: list[Tensor], tolerance: float, *, loose: bool
) -> Mistake | None:
    """The first known mistake that would have returned this, in every case."""
    for mistake in mistakes:
        wrong = [_value(mistake.function, case, index) for case in cases]
        if all(each is not None for each in wrong) and _agree(given, wrong, tolerance, loose=loose):  # type: ignore[arg-type]
            return mistake
    return None


def _value(function: Callable[..., tuple[Tensor, ...]], case: tuple[Any, ...], index: int) -> Tensor | None:
    try:
        return function(*case)[index]
    except (RuntimeError, IndexError, ValueError):  # it does not apply to this case, or not to this output
        return None


def _agree(given: list[Tensor], expected: list[Tensor], tolerance: float, *, loose: bool) -> bool:
    for one, other in zip(given, expected, strict=True):
        if not _alike(one, other, loose):
            return False
        one = one.reshape(other.shape).double()
        if not torch.allclose(one, other.double(), rtol=tolerance, atol=tolerance, equal_nan=True):
            return False
    return True


def _alike(one: Tensor, other: Tensor, loose: bool) -> bool:
    return one.shape == other.shape or (loose and _plain_shape(one) == _plain_shape(other))


def _plain_shape(x: Tensor) -> tuple[int, ...]:
    return tuple(size for size in x.shape if size != 1)


def _otherwise(output: Output, cases: Cases, given: list[Tensor], expected: list[Tensor], tolerance: float) -> Finding:
    """No known mistake: what can be said of the numbers all the same."""
    name: dict[str, object] = {"name": output.name}
    if any(not torch.isfinite(each.double()).all() for each in given):
        return Finding("not-finite", name, 0.0)
    still = _still(cases, given, expected)
    if still:
        return Finding("never-changes", name | {"places": still}, 0.0)
    varied = all(bool((each != each.flatten()[0]).any()) for each in expected)
    if varied and all(bool((each == each.flatten()[0]).all()) for each in given):
        return Finding("answer-constant", name, 0.0)
    ratios = [_constant(a.double() / b.double(), tolerance) for a, b in zip(given, expected, strict=True)]
    if all(ratio is not None for ratio in ratios) and len({round(float(ratio), 3) for ratio in ratios if ratio}) == 1:
        return Finding("off-by-factor", name | {"factor": f"{ratios[0]:.4g}"}, 0.0)
    if varied and all(
        _constant(a.double() - b.double(), tolerance) is not None for a, b in zip(given, expected, strict=True)
    ):
        by = (given[0].double() - expected[0].double()).flatten()[0]
        return Finding("off-by-constant", name | {"constant": f"{by:.4g}"}, 0.0)
    far = (given[0].double() - expected[0].double()).abs()
    place = tuple(int(each) for each in torch.unravel_index(far.argmax(), far.shape))
    values = {"place": list(place), "given": f"{given[0][place]:.4g}", "expected": f"{expected[0][place]:.4g}"}
    return Finding("answer-differs" if place else "number-differs", name | values, 0.0)


def _constant(x: Tensor, tolerance: float) -> float | None:
    if not x.numel() or not torch.isfinite(x).all():
        return None
    first = x.flatten()[0]
    return float(first) if torch.allclose(x, first.expand_as(x), rtol=10 * tolerance, atol=10 * tolerance) else None


def _still(cases: Cases, given: list[Tensor], expected: list[Tensor]) -> str:
    """Places of ``(B, D)`` that come out as they went in, though they should change, in the last case."""
    x, out, right = cases[-1][0], given[-1], expected[-1]
    if not isinstance(x, Tensor) or x.ndim != 2 or x.shape != out.shape:
        return ""
    stuck = (out == x).all(0) & (right != x).any(0)
    return ranges(stuck)


def ranges(chosen: Tensor) -> str:
    """Where a row of truth values is true, as ``0..391, 400``; at most five ranges.

    Example:
        >>> ranges(torch.tensor([True, True, True, False, True]))
        '0..2, 4'
    """
    found: list[tuple[int, int]] = []
    for place in torch.nonzero(chosen).flatten().tolist():
        if found and found[-1][1] == place - 1:
            found[-1] = (found[-1][0], place)
        else:
            found.append((place, place))
    shown = [f"{first}..{last}" if last > first else str(first) for first, last in found[:5]]
    return ", ".join([*shown, ".."] if len(found) > 5 else shown)
