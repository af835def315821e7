"""The images of an edit: rows of the data by number, or pictures of one's own."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from diffeo.cli.edit.edited import EditedRun, some_rows, tell

if TYPE_CHECKING:
    from torch import Tensor

    from diffeo.data import Part
    from diffeo.flow import Flow


def choose(run: EditedRun, images: "Sequence[int | str]", *, labels: Sequence[int] | None = None) -> "Part":
    """The images of these numbers, or in these files, in this order.

    What is on a picture of one's own is for the flow to say, if it takes classes: the class under which it is
    likeliest. `labels` are what the user says.

    Raises:
        ValueError: if there is no such image, or labels of another count.
        FileNotFoundError: if there is no such file.
    """
    files = [image for image in images if isinstance(image, str)]
    if not files:
        try:
            return _rows(run, [image for image in images if isinstance(image, int)])
        except FileNotFoundError as error:
            raise FileNotFoundError(f"{error}\nPictures of your own need no data: --images mine.png") from error
    if len(files) < len(images):
        raise ValueError("give numbers of images, or files, not both")
    return _own_images(run, files, labels)


def _rows(run: EditedRun, numbers: Sequence[int]) -> "Part":
    import torch

    for number in numbers:
        if not 0 <= number < len(run.part):
            raise ValueError(
                f"there is no image {number}: the {run.part_name} part of {run.data.name} has images 0 to "
                f"{len(run.part) - 1}"
            )
    return some_rows(run.part, torch.tensor(list(numbers)))


def _own_images(run: EditedRun, files: Sequence[str], labels: Sequence[int] | None) -> "Part":
    """Pictures as the flow takes them, with a label or a condition where it is conditioned."""
    import torch

    from diffeo import editing
    from diffeo.data import Part
    from diffeo.data.conditions import with_condition

    flow = run.flow
    x, notes = editing.read_pictures(flow, files)
    if labels is not None and len(labels) != len(x):
        raise ValueError(f"--labels needs a class for each of the {len(x)} images, got {len(labels)}")
    for note in notes:
        tell(note)
    if labels is not None:
        run.check_classes(*labels)
        return Part(x, torch.tensor(list(labels)))
    if run.takes_classes:
        found = likeliest_class(flow, x)
        tell(f"the flow takes them for class {', '.join(map(str, found.tolist()))}: there they are likeliest")
        return Part(x, found)
    condition = run.opened.data_options.get("condition")
    if condition is None or flow.door is None:
        return Part(x)
    return with_condition(Part(x), condition, values=flow.door.values, source=", ".join(files))


def likeliest_class(flow: "Flow", x: "Tensor") -> "Tensor":
    """The class of each image by Bayes' rule, all classes being as likely beforehand: the one of the largest log p."""
    import torch

    from diffeo.editing.style import check_classes

    classes = check_classes(flow)
    noise = None if flow.door is None else flow.draw_noise(x, torch.Generator().manual_seed(0))
    with torch.no_grad():
        scores = [flow.log_prob(x, torch.full((len(x),), label), noise=noise) for label in range(classes)]
    return torch.stack(scores, 1).argmax(1).cpu()
