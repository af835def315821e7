"""Pictures of one's own for an edit: read, said what was done to them, and labelled where the flow needs it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from diffeo.cli.edit.subject import Subject
    from diffeo.data import Part
    from diffeo.flow import Flow


def own_images(subject: "Subject", files: Sequence[str], labels: Sequence[int] | None) -> "Part":
    """The pictures as the flow takes them, with a label or a condition where it is conditioned.

    Raises:
        ValueError: if there are not as many labels, a file is no picture, or the flow takes none.
        FileNotFoundError: if a file is not there.
    """
    import torch

    from diffeo import editing
    from diffeo.cli.edit.subject import tell
    from diffeo.data import Part
    from diffeo.data.conditions import with_condition

    flow = subject.flow
    x, notes = editing.read_pictures(flow, files)
    if labels is not None and len(labels) != len(x):
        raise ValueError(f"--labels needs a class for each of the {len(x)} images, got {len(labels)}")
    for note in notes:
        tell(note)
    if labels is not None:
        subject.check_classes(*labels)
        return Part(x, torch.tensor(list(labels)))
    if subject.takes_classes:
        found = likeliest_class(flow, x)
        tell(f"the flow takes them for class {', '.join(map(str, found.tolist()))}: there they are likeliest")
        return Part(x, found)
    condition = subject.opened.data_options.get("condition")
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
