"""Calibration: whether a flow's probability means what it says, on held-out data."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import torch

from diffeo.data import Part
from diffeo.evaluation.calibration.condition_columns import condition_features
from diffeo.evaluation.calibration.coverage import Coverage, coverage, quantile_text
from diffeo.evaluation.calibration.draws import draw_for_rows, encoded
from diffeo.evaluation.calibration.normality import Normality, normality
from diffeo.evaluation.calibration.two_sample import Classifier, Discrepancy, classifier_test, discrepancy
from diffeo.evaluation.likelihood import condition_for
from diffeo.flow import Flow
from diffeo.saving.options import check_seed

FEWEST_ROWS = 20


class TooFewRows(ValueError):
    """There are not enough rows to say anything."""


@dataclass(frozen=True)
class Calibration:
    """Four looks at how a flow fits held-out rows; ``print`` shows them in words.

    Attributes:
        rows: how many rows of data, and as many samples.
        normality: latents of the data beside the standard normal.
        coverage: highest-density regions.
        classifier: whether trees can tell samples from data.
        discrepancy: whether a kernel can.
        rows_not_finite: rows left out because they, or their conditions, hold NaN or infinity.
        rows_outside: rows whose log density is -inf: in no region, and without latents.
        rows_failed: rows for which the flow gives NaN or infinity: without density and latents.
        samples_not_finite: samples left out for that.
    """

    rows: int
    normality: Normality
    coverage: Coverage
    classifier: Classifier
    discrepancy: Discrepancy
    rows_not_finite: int = 0
    rows_outside: int = 0
    rows_failed: int = 0
    samples_not_finite: int = 0

    def summary(self) -> dict[str, float]:
        """The figures for a table, by name."""
        return {
            "rows": self.rows,
            "rows_not_finite": self.rows_not_finite,
            "rows_outside": self.rows_outside,
            "rows_failed": self.rows_failed,
            "samples_not_finite": self.samples_not_finite,
            "latent_dimensions_rejected": self.normality.rejected,
            "latent_p_value": self.normality.overall_p_value,
            "latent_largest_distance": max(self.normality.distance),
            "latent_radius_distance": self.normality.radius_distance,
            "latent_radius_p_value": self.normality.radius_p_value,
            "coverage_largest_difference": self.coverage.worst,
            "coverage_rows": self.coverage.rows,
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
        """One sentence a look, and one for each kind of row that could not be looked at."""
        latent, apart, kernel, cover = self.normality, self.classifier, self.discrepancy, self.coverage
        return [
            f"Latents: {latent.rejected:.1%} of {len(latent.distance):,} dimensions differ from the normal at p < 0.01 "
            f"(1% by chance), all together p = {latent.overall_p_value:.2g} (the smallest, corrected for many); "
            f"largest distance {max(latent.distance):.3f}, of dimension {latent.worst}; of the squared length "
            f"{latent.radius_distance:.3f} (p = {latent.radius_p_value:.2g}).",
            f"Coverage: {quantile_text(cover)} ({cover.rows:,} rows, each beside at least {cover.draws:,} samples).",
            f"Classifier: tells samples from data in {apart.accuracy:.1%} ± {apart.error:.1%} of {apart.rows:,} rows "
            f"(50% by chance, p = {apart.p_value:.2g}).",
            f"MMD squared: {kernel.value:.2g} (p = {kernel.p_value:.2g}, {kernel.rows:,} rows of each).",
            *(
                f"{count:,} {what}"
                for count, what in (
                    (self.rows_not_finite, "rows hold NaN or infinity and were left out."),
                    (self.rows_outside, f"of {self.rows:,} rows have density 0: in no region, and without latents."),
                    (self.rows_failed, f"of {self.rows:,} rows have no finite latents or density: left out of both."),
                    (self.samples_not_finite, "samples, or their densities, are not finite: left out."),
                )
                if count
            ),
        ]

    def __str__(self) -> str:
        return "\n".join(self.lines())


@torch.no_grad()
def calibration(flow: Flow, part: Part, *, rows: int = 2000, seed: int = 0) -> Calibration:
    """Compare a flow with held-out data: latents, regions of high density, and samples.

    Integers get drawn noise, for latents and densities alike. Of a flow that is conditioned, everything is given the
    conditions of the rows (classes, vectors or images, which a part holds as its labels): samples are drawn with
    them, regions are those of each row's own condition, and the two-sample tests are shown them.

    Rows with NaN or infinity, rows outside the flow's support and samples that are not finite are counted.

    Args:
        flow: the flow.
        part: held-out rows, of a test or validation part.
        rows: at most this many, chosen by the seed.
        seed: of the choice, noise and samples.

    Raises:
        TooFewRows: if fewer than 20 rows can be looked at. It is a ValueError.
        ValueError: if the rows do not fit the flow, or it is conditioned and they have no labels.

    Example:
        >>> import diffeo
        >>> flow = diffeo.RealNVP(2, couplings=2, width=8)
        >>> found = calibration(flow, diffeo.data.Part(torch.randn(500, 2)), rows=300)
        >>> found.coverage.worst < 0.2
        True
    """
    seed = check_seed(seed, "calibration")
    generator = torch.Generator().manual_seed(seed)
    condition = condition_for(flow, part)
    usable = part.x.isfinite().flatten(1).all(1).cpu()
    if condition is not None:
        usable &= condition.isfinite().reshape(len(condition), -1).all(1).cpu()
    not_finite = len(part) - int(usable.sum())
    _enough(int(usable.sum()), len(part), "are finite")
    places = usable.nonzero().flatten()
    chosen = places[torch.randperm(len(places), generator=generator)[:rows]]
    x = part.x[chosen.to(part.x.device)].to(flow.device)
    condition = None if condition is None else condition[chosen.to(condition.device)]
    n = len(x)
    flow.check(x, condition)

    drawn = draw_for_rows(flow, condition, n, generator)
    z, density = encoded(flow, x, condition, generator)
    outside = density == -torch.inf
    seen = z.isfinite().all(1) & density.isfinite()
    _enough(int(seen.sum()), n, "have a finite density")
    compared = (seen | outside) & drawn.compared
    _enough(int(compared.sum()), n, "have samples of their condition")
    pairs = drawn.finite[:n]
    _enough(int(pairs.sum()), n, "have a finite sample")
    shown = None if condition is None else condition_features(condition[pairs])
    data, samples = x[pairs], drawn.x[:n][pairs]
    return Calibration(
        n,
        normality(z[seen]),
        coverage(
            density[compared],
            drawn.density[drawn.finite],
            data_group=drawn.group[:n][compared.cpu()],
            sample_group=drawn.group[drawn.finite.cpu()],
            seed=seed,
        ),
        classifier_test(data, samples, shown, seed=seed),
        discrepancy(data, samples, shown, seed=seed),
        rows_not_finite=not_finite,
        rows_outside=int(outside.sum()),
        rows_failed=int((~seen & ~outside).sum()),
        samples_not_finite=int((~drawn.finite).sum()),
    )


def _enough(rows: int, total: int, which: str) -> None:
    """Refuse to go on with fewer than 20 rows."""
    if rows < FEWEST_ROWS:
        left = f"{rows:,}" if rows == total else f"{rows:,} of {total:,} {which}"
        raise TooFewRows(f"calibration: too few rows ({left}): needs {FEWEST_ROWS}")
