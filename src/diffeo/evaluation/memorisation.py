"""Whether an image flow has learned its training images by heart: its samples, and its likelihoods."""

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from diffeo.data import Dataset, Part
from diffeo.evaluation.copying import Copying, copying
from diffeo.evaluation.grids import image_grid
from diffeo.evaluation.likelihood import Estimate, bits_per_nat, condition_for, estimate, row_log_probs
from diffeo.evaluation.neighbours import Neighbours
from diffeo.flow import Flow
from diffeo.saving.options import check_seed

if TYPE_CHECKING:
    from PIL.Image import Image

SAMPLES = 200
ROWS = 1000  # of each part whose likelihoods are compared
PAIRS_SHOWN = 12  # in a picture


@dataclass(frozen=True)
class Memorisation:
    """Samples' distances from training images, and the likelihood of training images beside that of test images.

    Attributes:
        copying: what the distances say.
        train, test: bits a dimension by one draw of noise; the standard errors are over groups.
        grouped: whether there are groups; otherwise every row is one.
        samples: ``(N, C, H, W)``, at temperature 1.
    """

    copying: Copying
    train: Estimate
    test: Estimate
    grouped: bool
    samples: Tensor

    @property
    def gap(self) -> Estimate:
        """By how much test images cost more than training images, in bits a dimension."""
        return Estimate(
            self.test.mean - self.train.mean, math.hypot(self.train.standard_error, self.test.standard_error)
        )

    def summary(self) -> dict[str, Any]:
        """The figures, for JSON."""
        found = self.copying
        of_samples, of_test = found.samples.distances[:, 0], found.test.distances[:, 0]
        return {
            "samples": len(self.samples),
            "test_groups": found.groups,
            "distance_of_samples": float(of_samples.mean()),
            "distance_of_test_rows": float(of_test.mean()),
            "least_distance_of_samples": float(of_samples.min()),
            "least_distance_of_test_rows": float(of_test.min()),
            **{name: value for name, value in vars(found).items() if isinstance(value, float) or value is None},
            "train_bits_per_dim": vars(self.train),
            "test_bits_per_dim": vars(self.test),
            "gap": vars(self.gap),
        }

    def lines(self) -> list[str]:
        """One sentence a look."""
        found, gap = self.copying, self.gap
        of_samples, of_test = found.samples.distances[:, 0], found.test.distances[:, 0]
        whose = f"in {found.groups} groups, each of which counts once" if self.grouped else "each by itself"
        return [
            f"Memorisation, distances: samples are {of_samples.mean():.3f} from their nearest training image (least "
            f"{of_samples.min():.3f}), test images {of_test.mean():.3f} ({of_test.min():.3f}); a sample is nearer than "
            f"a test image in {found.nearer:.1%} of pairs (50% by chance, p = {found.nearer_p_value:.2g}; test images "
            f"{whose}). {_notice(found.nearer_detectable)}",
            f"Memorisation, parts: {found.at_training:.1%} of {len(self.samples)} samples are nearer to a training "
            f"image than to any test image ({found.at_training_expected:.1%} by chance, p = "
            f"{found.at_training_p_value:.2g}). {_notice(found.at_training_detectable)}",
            f"Memorisation, likelihood: training images cost {self.train.mean:.4f} bits/dim, test images "
            f"{self.test.mean:.4f}, a difference of {gap.mean:+.4f} ± {gap.standard_error:.4f}.",
        ]


def _notice(share: float | None) -> str:
    if share is None:
        return "It would not be noticed if all samples were copies."
    return f"It would be noticed, four times in five, if {share:.0%} of the samples were copies."


@torch.no_grad()
def memorisation(flow: Flow, data: Dataset, *, samples: int = SAMPLES, seed: int = 0) -> Memorisation:
    """Look for copies of training images, with :func:`~diffeo.evaluation.copying.copying`, and for a gap.

    Where a data set has labels, no classes, and no label in both parts, rows of one label are a group: images of one
    person are alike, whether anything was memorised or not. A conditioned flow is asked for samples of the conditions
    of test rows.

    Args:
        flow: a flow of images of integers.
        data: what it was trained on.
        samples: how many.
        seed: of samples and noise, and of the choice of rows where there are many.

    Raises:
        ValueError: if the flow is not of images, or the data set not of its shape.

    Example:
        >>> import diffeo
        >>> data = diffeo.data.load("digits")
        >>> flow = diffeo.NICE(data.shape, values=data.values, width=8)
        >>> flow.initialize(data.train.x)
        >>> found = memorisation(flow, data, samples=50)
        >>> found.copying.copies, len(found.lines())
        (0.0, 3)
    """
    seed = check_seed(seed, "memorisation")
    if flow.door is None or len(flow.shape) != 3:
        raise ValueError(f"memorisation is looked for in images of integers, this flow is of rows of {flow.shape}")
    if data.shape != flow.shape:
        raise ValueError(f"this flow is of rows of shape {flow.shape}, but {data.name} has rows of shape {data.shape}")
    if samples < 1:
        raise ValueError(f"samples must be at least 1, got {samples}")
    generator = torch.Generator().manual_seed(seed)
    conditions = condition_for(flow, data.test)
    if conditions is not None:
        conditions = conditions[torch.randint(len(data.test), (samples,), generator=generator).to(conditions.device)]
    drawn = flow.sample(samples, conditions, generator=generator).cpu()
    groups = _groups(data)
    found = copying(drawn, data.train.x, data.test.x, groups=groups, seed=seed)
    of_train, of_test = groups or (None, None)
    train, test = _bits(flow, data.train, of_train, seed), _bits(flow, data.test, of_test, seed)
    return Memorisation(found, train, test, groups is not None, drawn)


def _groups(data: Dataset) -> tuple[Tensor, Tensor] | None:
    """The groups of training and test rows; None where labels are something else, such as conditions."""
    train, test = data.train.labels, data.test.labels
    if data.classes is not None or train is None or test is None:
        return None
    if train.dim() != 1 or train.is_floating_point() or bool(torch.isin(test, train).any()):
        return None
    return train, test


def _bits(flow: Flow, part: Part, groups: Tensor | None, seed: int) -> Estimate:
    """Bits a dimension of at most 1,000 rows; with groups, over the groups' means."""
    chosen = torch.from_numpy(np.random.default_rng(seed % 2**64).permutation(len(part))[:ROWS])
    taken: dict[str, Any] = {name: rows[chosen] for name, rows in vars(part).items() if isinstance(rows, Tensor)}
    some = replace(part, **taken, files=None)
    bits = row_log_probs(flow, some, seed=seed) * bits_per_nat(flow)
    if groups is None:
        return estimate(bits)
    names, at = groups[chosen].unique(return_inverse=True)
    return estimate(bits.new_zeros(len(names)).index_add(0, at, bits) / at.bincount())


def pairs_picture(images: Tensor, found: Neighbours, train: Tensor, values: int = 256) -> "Image":
    """Images beside their nearest training images, the twelve nearest pairs first: left the image, right the other.

    Args:
        images: ``(N, C, H, W)``, integers.
        found: their neighbours.
        train: the training rows.
        values: how many integer values a pixel has.
    """
    first = found.distances[:, 0].argsort()[:PAIRS_SHOWN]
    pairs = torch.cat([images[first], train[found.indices[first, 0]]], 3)
    return image_grid(pairs, values, columns=4)
