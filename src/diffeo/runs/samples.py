"""The picture of a flow's samples: images as a grid, points of the plane beside their data."""

import io

import torch

from diffeo.data import Dataset, Part
from diffeo.evaluation import (
    Memorisation,
    condition_for,
    density_picture,
    image_grid,
    pairs_picture,
    save_figure,
)
from diffeo.flow import Flow

SHOWN = 64  # images in the picture
TEMPERATURE = 0.8  # of images


def samples_picture(flow: Flow, data: Dataset, *, seed: int = 0) -> bytes | None:
    """Samples as PNG; None where they are neither images nor points of the plane.

    The same `seed` gives the same latents, so that pictures of one training can be compared.
    """
    generator, buffer = torch.Generator().manual_seed(seed), io.BytesIO()
    if flow.door is not None and shows_images(flow):
        classes = getattr(flow.embedding, "classes", None) or 1
        n = max(classes, SHOWN - SHOWN % classes)  # every class as often as the others
        condition = sample_condition(flow, n, data.test)
        x = flow.sample(n, condition, temperature=TEMPERATURE, generator=generator)
        image_grid(x, flow.door.values, columns=classes if classes > 1 else None).save(buffer, format="PNG")
    elif on_the_plane(flow):
        save_figure(density_picture(flow, flow.sample(5000, generator=generator), data.test.x), buffer)
    else:
        return None
    return buffer.getvalue()


def sample_pairs(found: Memorisation, data: Dataset) -> bytes:
    """Samples beside their nearest training images, as PNG."""
    buffer = io.BytesIO()
    pairs_picture(found.samples, found.copying.samples, data.train.x, data.values or 256).save(buffer, format="PNG")
    return buffer.getvalue()


def held_out_pairs(found: Memorisation, data: Dataset) -> bytes:
    """The same of test images, which nothing was learned from."""
    buffer = io.BytesIO()
    near = found.copying
    pairs_picture(data.test.x[near.test_rows], near.test, data.train.x, data.values or 256).save(buffer, format="PNG")
    return buffer.getvalue()


def sample_labels(flow: Flow, n: int) -> torch.Tensor | None:
    """Labels for `n` samples of a flow that takes classes: every class in turn; None otherwise."""
    classes = getattr(flow.embedding, "classes", None)
    return None if classes is None else torch.arange(n, device=flow.device) % classes


def sample_condition(flow: Flow, n: int, part: Part) -> torch.Tensor | None:
    """What `n` samples are conditioned on: every class in turn, or else what the rows of a part are, in turn."""
    if hasattr(flow.embedding, "classes"):
        return sample_labels(flow, n)
    condition = condition_for(flow, part)
    return None if condition is None else condition[torch.arange(n, device=condition.device) % len(condition)]


def shows_images(flow: Flow) -> bool:
    """Whether samples are images that a picture can show: integers, grey or colour."""
    return len(flow.shape) == 3 and flow.shape[0] in (1, 3) and flow.door is not None


def on_the_plane(flow: Flow) -> bool:
    """Whether it is a density of two continuous numbers, without a condition."""
    return flow.shape == (2,) and flow.door is None and not flow.conditional
