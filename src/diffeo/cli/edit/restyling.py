"""Images brought to another class: what a run lets one say of it."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from diffeo.cli.edit.edited import EditedRun, some_rows

if TYPE_CHECKING:
    from torch import Tensor

    from diffeo.data import Part
    from diffeo.flow import Flow


def restyler(
    run: EditedRun,
    held: Sequence[str],
    *,
    temperature: float | None,
    strength: float | None,
    rows: int,
    from_samples: bool = False,
) -> "Callable[[Part, Tensor], Tensor]":
    """How this run's images are brought to other classes: from images with labels and the classes wanted to images.

    The directions of what is held are found from training images, or `from_samples` of the flow, which need no data.

    Raises:
        ValueError: if no edit can change the class of such a run's images, or an option does not belong to it.
    """
    from diffeo import editing
    from diffeo.bases import check_temperature
    from diffeo.editing.style import check_class_edit, check_strength

    flow, with_classes = run.flow, run.takes_classes
    check_class_edit(flow)
    if with_classes and strength is not None:
        raise ValueError(f"--strength is for runs without classes, and {run.folder} has them: use --temperature")
    if not with_classes and temperature is not None:
        raise ValueError(f"--temperature is for runs trained with --conditional, unlike {run.folder}: use --strength")
    if temperature is not None:
        check_temperature(temperature)
    if strength is not None:
        check_strength(strength)
    if rows < 10:
        raise ValueError(f"--rows must be at least 10, got {rows}")
    train = _drawn(flow, rows) if with_classes and from_samples else run.data.train
    if not with_classes:
        run.check_examples(_labels(train)[:rows], 1, f"the first {rows} training rows")
    options: dict[str, Any] = {"hold": editing.attribute_directions(flow, train, held, rows=rows) if held else []}
    if with_classes:
        options |= {} if temperature is None else {"temperature": temperature}
        return lambda images, targets: editing.change_class(flow, images.x, _labels(images), targets, **options)
    some = some_rows(train, slice(rows))
    means = editing.class_means(editing.encode_images(flow, some.x), _labels(some), run.check_classes())
    options |= {"means": means} | ({} if strength is None else {"strength": strength})
    return lambda images, targets: editing.move_to_class(flow, images.x, _labels(images), targets, **options)


def _drawn(flow: "Flow", rows: int) -> "Part":
    """Samples of a flow with classes, in place of training images."""
    import torch

    from diffeo.data import Part
    from diffeo.runs import sample_labels

    labels = sample_labels(flow, rows)
    return Part(flow.sample(rows, labels, generator=torch.Generator().manual_seed(0)), labels)


def held_attributes(hold: Sequence[str] | None) -> list[str]:
    """What ``--hold`` names: slant and thickness if it was not given, nothing for ``nothing``.

    Raises:
        ValueError: if ``nothing`` stands beside another.
    """
    if hold is None:
        return ["slant", "thickness"]
    if "nothing" in hold and len(hold) > 1:
        raise ValueError("--hold nothing cannot stand beside another --hold")
    return [name for name in hold if name != "nothing"]


def _labels(images: "Part") -> "Tensor":
    if images.labels is None:
        raise ValueError("the images have no labels, and a change of class needs them")
    return images.labels
