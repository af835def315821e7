"""The parts of a report that are computed from the flow and its data: samples, columns, latents."""

import base64
import math
from dataclasses import dataclass
from typing import Any

import torch

from diffeo.data import Dataset
from diffeo.evaluation import (
    calibration,
    calibration_picture,
    column_picture,
    compare_columns,
    condition_for,
    correlation_picture,
    draw_latents,
    latent_map_picture,
    latents_picture,
    memorisation,
    pair_picture,
)
from diffeo.evaluation.calibration import TooFewRows
from diffeo.evaluation.columns import Column, chance_distance, correlation_difference
from diffeo.evaluation.figures import svg
from diffeo.evaluation.fonts import has_glyphs, labels
from diffeo.evaluation.memorisation import PAIRS_SHOWN
from diffeo.flow import Flow
from diffeo.runs.folder import Run
from diffeo.runs.samples import held_out_pairs, sample_pairs, shows_images

FRAMES = 24  # pictures of samples in a page
PAIRS = 6  # columns in the pair plot
HISTOGRAMS = 24  # columns with a histogram
ROWS = 10_000  # of data and of samples that are compared


def png_data(picture: bytes) -> str:
    """A PNG as an address that holds it."""
    return "data:image/png;base64," + base64.b64encode(picture).decode()


def sample_section(run: Run) -> list[dict[str, Any]]:
    """At most 24 of the run's pictures of samples, evenly spread, the first and the last among them."""
    pictures = run.sample_pictures()
    if len(pictures) < 2:
        return []
    shown = min(FRAMES, len(pictures))
    chosen = [pictures[round(i * (len(pictures) - 1) / (shown - 1))] for i in range(shown)]
    return [{"epoch": picture.stem.lstrip("0") or "0", "source": png_data(picture.read_bytes())} for picture in chosen]


@dataclass(frozen=True)
class Columns:
    """A table's columns, in the order of their distance, and their pictures."""

    table: list[Column]
    rows: int
    chance: float
    histograms: list[str]
    pairs: str | None
    pair_names: list[str]
    correlation: str | None
    correlation_text: str
    legend: list[str]


@torch.no_grad()
def column_section(flow: Flow, data: Dataset, seed: int) -> Columns | None:
    """Test rows beside as many samples, column by column; None for images.

    A flow that takes classes is asked for samples of the test rows' classes.
    """
    if len(data.shape) != 1:
        return None
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(len(data.test), generator=generator)[:ROWS]
    real = data.test.x[chosen].double()
    condition = condition_for(flow, data.test)
    condition = None if condition is None else condition[chosen.to(condition.device)]
    drawn = flow.sample(len(real), condition, generator=generator).double().cpu()
    drawn = drawn[drawn.isfinite().all(1)]
    if not len(drawn):
        return None
    names = list(data.columns or (f"x{i + 1}" for i in range(data.features)))
    found = compare_columns(real, drawn, names)
    order = sorted(range(len(names)), key=lambda i: -found[i].distance)
    short = labels(names)
    pairs = sorted(order[:PAIRS])
    difference = correlation_difference(real, drawn)
    return Columns(
        table=[found[i] for i in order],
        rows=len(real),
        chance=chance_distance(len(real), len(drawn)),
        histograms=[svg(column_picture(real[:, i], drawn[:, i], short[i])) for i in order[:HISTOGRAMS]],
        pairs=svg(pair_picture(real[:, pairs], drawn[:, pairs], [short[i] for i in pairs])) if len(pairs) > 1 else None,
        pair_names=[names[i] for i in pairs] if len(names) > PAIRS else [],
        correlation=svg(correlation_picture(difference, short)) if len(names) > 2 else None,
        correlation_text=_worst_pair(difference, names),
        legend=[] if has_glyphs("".join(names)) else names,
    )


@torch.no_grad()
def latent_section(flow: Flow, data: Dataset, seed: int) -> dict[str, Any]:
    """Z of test rows, in pictures and in numbers."""
    z = draw_latents(flow, data.test, seed=seed)
    finite = z[z.isfinite().all(1)].double()
    norms, features = finite.norm(dim=1), finite.shape[1]
    expected = math.sqrt(2) * math.exp(math.lgamma((features + 1) / 2) - math.lgamma(features / 2))  # mean of chi
    image = len(flow.shape) == 3
    return {
        "rows": len(finite),
        "pictures": {name: svg(figure) for name, figure in latents_picture(finite).items()},
        "map": svg(latent_map_picture(flow, finite.to(flow.dtype))) if image else None,
        "mean": float(finite.mean()),
        "deviation": float(finite.std()),
        "norm": float(norms.mean()),
        "norm_deviation": float(norms.std()),
        "expected_norm": expected,
        "expected_deviation": math.sqrt(max(0.0, features - expected**2)),
        "features": features,
        "integers": flow.door is not None,
    }


def calibration_section(flow: Flow, data: Dataset, seed: int) -> dict[str, Any]:
    """Whether probabilities mean what they say, on the test rows; without a picture where there are too few of them."""
    try:
        found = calibration(flow, data.test, seed=seed)
    except TooFewRows as error:
        return {"lines": [str(error)], "picture": None, "conditional": flow.conditional}
    return {"lines": found.lines(), "picture": svg(calibration_picture(found)), "conditional": flow.conditional}


def memorisation_section(flow: Flow, data: Dataset, seed: int) -> dict[str, Any] | None:
    """Whether training images were learned by heart, with samples and test images beside them; None but for images."""
    if not shows_images(flow):
        return None
    found = memorisation(flow, data, seed=seed)
    return {
        "lines": found.lines(),
        "drawn": len(found.samples),
        "pairs": PAIRS_SHOWN,
        "samples": png_data(sample_pairs(found, data)),
        "test": png_data(held_out_pairs(found, data)),
    }


def _worst_pair(difference: torch.Tensor, names: list[str]) -> str:
    size = difference.abs()
    if len(names) < 2:
        return ""
    at = int(size.flatten().argmax())
    row, column = divmod(at, len(names))
    return f"largest difference {float(difference[row, column]):+.3f}, between {names[column]} and {names[row]}"
