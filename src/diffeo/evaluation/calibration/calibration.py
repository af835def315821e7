"""Calibration: whether a flow's probability means what it says, on held-out data."""

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from diffeo.data import Part
from diffeo.evaluation.calibration.coverage import Coverage, coverage, quantile_text
from diffeo.evaluation.calibration.normality import Normality, normality
from diffeo.evaluation.calibration.two_sample import Classifier, Discrepancy, classifier_test, discrepancy
from diffeo.evaluation.likelihood import labels_for
from diffeo.flow import Flow

FEWEST_ROWS = 20


@dataclass(frozen=True)
class Calibration:
    """Four looks at how a flow fits held-out rows; ``print`` shows them in words.

    Attributes:
        rows: how many rows of data, and as many samples.
        normality: latents of the data beside the standard normal.
        coverage: highest-density regions.
        classifier: whether trees can tell samples from data.
        discrepancy: whether a kernel can.
    """

    rows: int
    normality: Normality
    coverage: Coverage
    classifier: Classifier
    discrepancy: Discrepancy

    def summary(self) -> dict[str, float]:
        """The figures for a table, by name."""
        return {
            "latent_dimensions_rejected": self.normality.rejected,
            "latent_largest_distance": max(self.normality.distance),
            "latent_radius_distance": self.normality.radius_distance,
            "latent_radius_p_value": self.normality.radius_p_value,
            "coverage_largest_difference": self.coverage.worst,
            "classifier_accuracy": self.classifier.accuracy,
            "classifier_error": self.classifier.error,
            "classifier_p_value": self.classifier.p_value,
            "mmd_squared": self.discrepancy.value,
            "mmd_p_value": self.discrepancy.p_value,
        }

    def to_dict(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return dataclasses.asdict(self)

    def lines(self) -> list[str]:
        """One sentence a look."""
        latent, apart, kernel = self.normality, self.classifier, self.discrepancy
        return [
            f"Latents: {latent.rejected:.1%} of dimensions differ from the normal at p < 0.01 (1% by chance); the "
            f"largest distance is {max(latent.distance):.3f}, of dimension {latent.worst}; of the squared length "
            f"{latent.radius_distance:.3f} (p = {latent.radius_p_value:.2g}).",
            f"Coverage: {quantile_text(self.coverage)}.",
            f"Classifier: tells samples from data in {apart.accuracy:.1%} ± {apart.error:.1%} of {apart.rows:,} rows "
            f"(50% by chance, p = {apart.p_value:.2g}).",
            f"MMD squared: {kernel.value:.2g} (p = {kernel.p_value:.2g}, {kernel.rows:,} rows of each).",
        ]

    def __str__(self) -> str:
        return "\n".join(self.lines())


@torch.no_grad()
def calibration(flow: Flow, part: Part, *, rows: int = 2000, seed: int = 0) -> Calibration:
    """Compare a flow with held-out data: latents, regions of high density, and samples.

    Integers get drawn noise, for latents and densities alike. A flow that takes classes is given the labels, and
    samples are drawn with the same ones.

    Args:
        flow: the flow.
        part: held-out rows, of a test or validation part.
        rows: at most this many, chosen by the seed.
        seed: of the choice, noise and samples.

    Raises:
        ValueError: if there are fewer than 20 rows, they do not fit the flow, or it is conditioned and they have
            no labels.

    Example:
        >>> import diffeo
        >>> flow = diffeo.RealNVP(2, couplings=2, width=8)
        >>> found = calibration(flow, diffeo.data.Part(torch.randn(500, 2)), rows=300)
        >>> found.coverage.worst < 0.2
        True
    """
    if len(part) < FEWEST_ROWS:
        raise ValueError(f"calibration: at least {FEWEST_ROWS} rows are needed, got {len(part)}")
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(len(part), generator=generator)[:rows]
    labels = labels_for(flow, part)
    x, labels = part.x[chosen].to(flow.device), None if labels is None else labels[chosen.to(labels.device)]
    flow.check(x, labels)
    samples = flow.sample(len(x), labels, generator=generator)
    z, density = _encoded(flow, x, labels, generator)
    _, density_of_samples = _encoded(flow, samples, labels, generator)
    return Calibration(
        len(x),
        normality(z),
        coverage(density, density_of_samples),
        classifier_test(x, samples, seed=seed),
        discrepancy(x, samples, seed=seed),
    )


def _encoded(flow: Flow, x: Tensor, condition: Tensor | None, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Latents, and the log density at the same noise."""
    noise = None if flow.door is None else flow.draw_noise(x, generator)
    size = max(1, 2**19 // math.prod(flow.shape))
    latents, densities = [], []
    for start in range(0, len(x), size):
        some = slice(start, start + size)
        c = None if condition is None else condition[some]
        z, log_det = flow.encode(x[some], c, None if noise is None else noise[some])
        latents.append(z)
        densities.append(flow.base.log_prob(z) + log_det)
    return torch.cat(latents), torch.cat(densities)
