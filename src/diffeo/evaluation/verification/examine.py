"""Every layer, on the rows that reach it."""

from torch import Tensor

from diffeo.bijections import Bijection, Split, Step
from diffeo.evaluation.verification.bounds import matrix_condition, nearness
from diffeo.evaluation.verification.drift import Tally
from diffeo.evaluation.verification.few_rows import suspicious, telling
from diffeo.evaluation.verification.inverses import inverse_faults
from diffeo.evaluation.verification.layers import alone, structural_faults
from diffeo.evaluation.verification.log_det import volume_faults
from diffeo.evaluation.verification.report import Doubt, Fault
from diffeo.evaluation.verification.subject import Condition, Rows, Subject, raised

FATAL = ("error", "shape", "dtype", "finite")  # after these, the whole flow cannot be run
BASIC = (*FATAL, "input", "state", "rows")  # after these, other numbers mean little


def close_look(subject: Subject, rows: Rows, tally: Tally, exact_up_to: int, *, most: int, seed: int) -> list[Fault]:
    """All promises, on a few rows chosen to be telling; whole Jacobians on up to `most` of them."""
    few = rows.take(telling(rows.y, rows.condition, max(4, min(32, 2**15 // max(1, subject.features))), seed))
    steps, broken = subject.steps(subject.wide, few)
    jacobians = max(1, min(most, exact_up_to // max(1, subject.features)))
    faults: list[Fault] = []
    for step in steps:
        if not bool(step.x.isfinite().all()):
            break
        tally.add(step.name)
        layer, condition, x = alone(step), subject.embedded(subject.wide, few), step.x.detach()
        found = list(structural_faults(step.name, layer, _fresh(subject, step), x, condition))
        if not any(fault.promise in BASIC for fault in found):
            found += list(inverse_faults(step.name, layer, x, condition))
        if not any(fault.promise in FATAL for fault in found):
            which = telling(x, condition, jacobians, seed)
            c = None if condition is None else condition[which]
            try:
                check, wrong = volume_faults(step.name, layer, x[which], c, exact_up_to=exact_up_to)
                tally.add(step.name, log_det=check.log_det, log_det_error=check.log_det_error,
                          scatter=check.scatter, condition=matrix_condition(step.layer) or check.condition,
                          nearness=nearness(step.layer, step.x, condition))  # fmt: skip
                found += wrong
            except Exception as error:  # a user's layer may raise anything
                found += [] if found else [raised(step.name, "encode", error)]
        faults += sorted(found, key=lambda fault: isinstance(fault, Doubt))[:2]
    if broken is not None and not any(fault.promise in FATAL for fault in faults):
        faults.append(broken)  # unless an earlier layer handed it something impossible
    return faults


def every_row(subject: Subject, rows: Rows, exact_up_to: int, *, beyond: bool = False) -> list[Fault]:
    """Round trip and log_det of all rows in both directions and, in few dimensions, log_det against autograd.

    `beyond` the data a layer may refuse rows, or send them to infinity.
    """
    faults: list[Fault] = []
    for part in subject.chunks(rows):
        steps, broken = subject.steps(subject.wide, part)
        if broken is not None and not beyond:
            faults.append(broken)
        for step in steps:
            usable = step.x.isfinite().flatten(1).all(1)
            if beyond:
                usable &= step.log_det.isfinite()
            if not bool(usable.any()) or not (beyond or bool(usable.all())):
                break
            condition = subject.embedded(subject.wide, part)
            c = None if condition is None else condition[usable]
            faults += _of_rows(step, step.x[usable].detach(), c, exact_up_to, beyond)
        if not all(isinstance(fault, Doubt) for fault in faults):
            break
    return faults


def _of_rows(step: Step, x: Tensor, condition: Condition, exact_up_to: int, beyond: bool) -> list[Fault]:
    layer = alone(step)
    try:
        found = list(inverse_faults(step.name, layer, x, condition, beyond=beyond))
        if beyond:  # what does not come back has left the range
            back = layer.decode(layer.encode(x, condition)[0], condition)[0].isfinite().flatten(1).all(1)
            x, condition = x[back], None if condition is None else condition[back]
        which = suspicious(layer, x, condition)
        if len(which) and not found:
            c = None if condition is None else condition[which]
            found += volume_faults(step.name, layer, x[which], c, exact_up_to=exact_up_to)[1]
    except Exception as error:  # a user's layer may raise anything
        if beyond:
            return []
        found = [Fault(step.name, "error", f"decode raised {type(error).__name__}: {error}",
                       "Run it by itself on its own z")]  # fmt: skip
    return found


def _fresh(subject: Subject, step: Step) -> Bijection:
    """The layer of a step as it was before anything was run."""
    paths = {id(module): path for path, module in subject.bijection(subject.wide).named_modules()}
    if id(step.layer) not in paths:  # kept where torch does not see it
        return alone(step)
    layer: Bijection = subject.bijection(subject.fresh).get_submodule(paths[id(step.layer)])  # type: ignore[assignment]
    return alone(step._replace(layer=layer)) if type(layer) is Split else layer
