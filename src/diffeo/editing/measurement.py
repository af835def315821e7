"""How well an edit works: how often the class is reached, and how far the rest moved with it."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from diffeo.data import Part
from diffeo.editing.attributes import ATTRIBUTES, grey
from diffeo.editing.classifier import Classifier
from diffeo.editing.style import check_classes
from diffeo.evaluation import Estimate, estimate
from diffeo.flow import Flow
from diffeo.saving.options import check_seed

KEPT = ("thickness", "slant")  # what a change of class should leave alone, and is judged by
SHOWN = (*KEPT, "brightness")


@dataclass(frozen=True)
class Change:
    """How far one attribute moved, beside how far two images of the class reached are apart.

    Attributes:
        moved: mean absolute difference of an image and its edit.
        between_rows: of two random real images of the class.
        between_samples: of two random samples of the flow of the class, where it draws them.
    """

    moved: Estimate
    between_rows: Estimate
    between_samples: Estimate | None = None

    @property
    def ratio(self) -> float:
        """Moved, over the smaller of both distances between random images: below 1/2 is wanted."""
        between = [one.mean for one in (self.between_rows, self.between_samples) if one is not None]
        return self.moved.mean / min(between) if min(between) > 0 else float("inf")


@dataclass(frozen=True)
class StyleMeasurement:
    """What a change of class reached.

    Attributes:
        images: how many were edited.
        reached: share that the classifier takes for the class wanted, with its standard error.
        changes: of slant (degrees), thickness (pixels) and brightness (the images' units), by name.
        classifier_accuracy: of real test images, which bounds what `reached` can mean.
    """

    images: int
    reached: Estimate
    changes: dict[str, Change]
    classifier_accuracy: Estimate

    def meets(self, *, reached: float = 0.85, ratio: float = 0.5) -> bool:
        """Whether the class is reached so often, and slant and thickness move less than so much of what is between."""
        return self.reached.mean >= reached and all(self.changes[name].ratio < ratio for name in KEPT)

    def __str__(self) -> str:
        right = percent(self.classifier_accuracy)
        lines = [
            f"{self.images:,} images edited; the classifier gets {right} of real test images right",
            f"reached the class wanted: {percent(self.reached)}",
        ]
        for name, change in self.changes.items():
            between = f"{change.between_rows.mean:.3f} between real images of that class"
            if change.between_samples is not None:
                between += f", {change.between_samples.mean:.3f} between samples of it"
            lines.append(f"{name}: moved by {change.moved.mean:.3f}; {between}; ratio {change.ratio:.3f}")
        return "\n".join(lines)


def measure_style(
    x: Tensor,
    edited: Tensor,
    targets: Tensor,
    classifier: Classifier,
    rows: Part,
    *,
    samples: Part | None = None,
    seed: int = 0,
) -> StyleMeasurement:
    """Measure a change of class, made by whatever edit.

    For every edited image two different images of its target class are drawn at random, from real ones and from
    samples: how far their slants and thicknesses are apart is what the edit's own changes are measured by.

    Args:
        x: images before, ``(N, C, H, W)``.
        edited: images after, ``(N, C, H, W)``.
        targets: the classes to reach, ``(N,)``.
        classifier: by :func:`train_classifier`.
        rows: real images with labels, which the classifier and the flow did not learn from.
        samples: samples of the flow with the classes they were drawn for.
        seed: of the choice of pairs.

    Raises:
        ValueError: if there are no images, or a target class has fewer than two images to compare with.

    Example:
        >>> import diffeo
        >>> data = diffeo.data.load("digits")
        >>> judge = diffeo.editing.train_classifier(data, steps=100)
        >>> x, labels = data.test.x[:50], data.test.labels[:50]
        >>> unchanged = measure_style(x, x, labels, judge, data.test)
        >>> unchanged.reached.mean > 0.8, unchanged.changes["slant"].ratio
        (True, 0.0)
    """
    seed = check_seed(seed, "measure_style")
    if not len(x) or not len(x) == len(edited) == len(targets):
        raise ValueError(f"as many images, edits and targets are needed, got {len(x)}, {len(edited)}, {len(targets)}")
    references = {"rows": rows, "samples": samples}
    pairs = {name: _pairs(part, targets, name, seed) for name, part in references.items() if part is not None}
    changes = {}
    for name in SHOWN:
        measure = ATTRIBUTES[name]
        moved = measure(grey(edited.cpu())) - measure(grey(x.cpu()))
        between = {}
        for source, (first, second) in pairs.items():
            of_all = measure(grey(references[source].x.cpu()))  # type: ignore[union-attr]
            between[source] = estimate((of_all[first] - of_all[second]).abs())
        changes[name] = Change(estimate(moved.abs()), between["rows"], between.get("samples"))
    reached = estimate(classifier.classify(edited).eq(targets.cpu()))
    return StyleMeasurement(len(x), reached, changes, classifier.accuracy)


def measure_samples(
    flow: Flow,
    classifier: Classifier,
    *,
    n: int = 1000,
    temperature: float = 0.8,
    generator: torch.Generator | None = None,
) -> Estimate:
    """The share of class-conditional samples that a classifier takes for the class they were drawn for.

    Args:
        flow: conditioned on classes.
        classifier: by :func:`train_classifier`.
        n: how many samples, of every class in turn.
        temperature: of the samples.
        generator: source of the samples.

    Raises:
        ValueError: if the flow is not conditioned on classes.

    Example:
        >>> import diffeo
        >>> flow = diffeo.Glow((1, 8, 8), values=17, classes=10, steps=1, width=8)
        >>> judge = diffeo.editing.train_classifier(diffeo.data.load("digits"), steps=10)
        >>> measure_samples(flow, judge, n=20).mean < 0.5    # it was never trained
        True
    """
    drawn = class_samples(flow, n, temperature=temperature, generator=generator)
    assert drawn.labels is not None
    return estimate(classifier.classify(drawn.x).eq(drawn.labels))


def class_samples(flow: Flow, n: int, *, temperature: float = 1.0, generator: torch.Generator | None = None) -> Part:
    """`n` samples with the classes they were drawn for, every class in turn, on the CPU.

    Raises:
        ValueError: if the flow is not conditioned on classes.
    """
    labels = torch.arange(n) % check_classes(flow)
    x = flow.sample(n, labels.to(flow.device), temperature=temperature, generator=generator)
    return Part(x.cpu(), labels)


def other_classes(labels: Tensor, classes: int, *, generator: torch.Generator | None = None) -> Tensor:
    """For every label another class, all others equally likely.

    Raises:
        ValueError: if there is only one class.

    Example:
        >>> labels = torch.arange(10)
        >>> bool((other_classes(labels, 10) == labels).any())
        False
    """
    if classes < 2:
        raise ValueError(f"another class needs at least 2 classes, got {classes}")
    return (labels + torch.randint(1, classes, labels.shape, generator=generator)) % classes


def _pairs(part: Part, targets: Tensor, name: str, seed: int) -> tuple[Tensor, Tensor]:
    """For every target two different rows of its class."""
    if part.labels is None:
        raise ValueError(f"{name}: labels are needed to compare images of one class")
    generator = torch.Generator().manual_seed(seed)
    first, second = torch.empty(len(targets), dtype=torch.long), torch.empty(len(targets), dtype=torch.long)
    for label in targets.unique().tolist():
        of_class, wanted = (part.labels == label).nonzero().flatten(), (targets == label).nonzero().flatten()
        if len(of_class) < 2:
            raise ValueError(f"{name}: class {label} has {len(of_class)} images, and two are needed to compare")
        one = torch.randint(len(of_class), wanted.shape, generator=generator)
        other = (one + torch.randint(1, len(of_class), wanted.shape, generator=generator)) % len(of_class)
        first[wanted], second[wanted] = of_class[one], of_class[other]
    return first, second


def percent(share: Estimate) -> str:
    """A share with its standard error, where there is one: of a single image there is none."""
    error = f" ± {100 * share.standard_error:.1f}" if math.isfinite(share.standard_error) else ""
    return f"{100 * share.mean:.1f}{error} %"
