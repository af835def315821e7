"""``diffeo edit sweep``: images moved along a direction."""

from pathlib import Path

from diffeo.cli.edit.drawing import Drawn, draws
from diffeo.cli.edit.edited import EditedRun
from diffeo.cli.parameters import Chosen
from diffeo.cli.parse import Number, Whole


@draws("sweep.png")
def sweep(run: EditedRun, *, images: Chosen, direction: Path, reach: Number = 3.0, steps: Whole = 9) -> Drawn:
    """Move images along a direction, from -reach to reach: thinner to thicker, class to class.

    Of a measured attribute it prints what the images have at each strength: their mean.

    For example:
      diffeo edit sweep runs/glow-mnist --images 3,17 --direction thickness.safetensors
      diffeo edit sweep runs/glow-mnist --images 3 --direction thickness.safetensors --reach 5 --out bold.gif

    Parameters
    ----------
    direction
        A file that diffeo edit direction wrote.
    reach
        The greatest strength: of numbers in standard deviations; 1 leads from one class to the other.
    steps
        How many images a row; of an odd number the middle one is the image itself.
    """
    import math

    import torch

    from diffeo import editing
    from diffeo.cli.edit.choosing import choose

    if steps < 2:
        raise ValueError(f"--steps must be at least 2, got {steps}")
    if not math.isfinite(reach):
        raise ValueError(f"--reach must be a finite number, got {reach}")
    found = editing.Direction.load(direction)
    chosen = choose(run, images)
    strengths = torch.linspace(-reach, reach, steps).tolist()
    rows = editing.sweep(run.flow, chosen.x, found, strengths, condition=run.condition(chosen))
    described = {"numbers": images, "attribute": found.attribute, "method": found.method, "strengths": strengths}
    measure = editing.ATTRIBUTES.get(found.attribute)
    if measure is None:
        return Drawn(rows, {**described, "measured": None})
    measured = [float(measure(editing.grey(one)).mean()) for one in rows.cpu().unbind(1)]
    lines = [f"strength {s:5.2f}: {found.attribute} {m:.2f}" for s, m in zip(strengths, measured, strict=True)]
    return Drawn(rows, {**described, "measured": measured}, after=lines)
