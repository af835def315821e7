"""What the edits share that restore damaged images: what they open, and the figures they print."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from diffeo.cli.edit.subject import Subject
    from diffeo.flow import Flow


def open_integers(
    run: Path, data: str | None, part: str, out: Path, *, check: "Callable[[Flow], None] | None" = None
) -> tuple["Subject", float]:
    """A run on images of integers, and their largest value; `check` refuses a flow before its data is loaded.

    Raises:
        ValueError: if the flow is another, or `out` is no .png.
    """
    from diffeo.cli.edit.subject import open_subject

    if out.suffix.lower() != ".png":
        raise ValueError(f"cannot write rows of results to {out.name}: use .png")
    if check is not None:
        from diffeo.runs import read_run

        check(read_run(run).load_flow())
    subject = open_subject(run, data, part, out)
    if subject.flow.door is None:
        raise ValueError(f"{run} is of continuous images: its results have no grey levels to be measured in")
    return subject, float(subject.flow.door.values - 1)


def report(figures: "dict[str, Tensor]", what: str, *, json: bool) -> dict[str, Any]:
    """Means over the images with their standard errors, printed unless `json`; PSNR in dB, the rest in grey levels."""
    from diffeo.cli.output import counted
    from diffeo.evaluation import estimate

    found = {name: estimate(values) for name, values in figures.items()}
    if not json:
        count = len(next(iter(figures.values())))
        print(f"{what}: mean over {counted(count, 'image')}")
        for name, value in found.items():
            unit = "dB" if name.startswith("psnr") else "grey levels"
            label = name.replace("psnr_", "PSNR, ").replace("inconsistency_", "inconsistency, ").replace("_", " ")
            error = f" ± {value.standard_error:.2f}" if count > 1 else ""
            print(f"  {label:<30}{value.mean:8.2f}{error} {unit}")
    return {name: vars(value) for name, value in found.items()}
