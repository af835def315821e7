"""A classifier of real images: the judge of whether an edit reached its class."""

import math
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from diffeo.data import Dataset
from diffeo.evaluation import Estimate, estimate
from diffeo.networks.dropout import Dropout, dropout_from
from diffeo.saving.options import check_seed

BATCH, STEPS = 100, 1200  # MNIST: half a minute on one thread
PASSES = 20  # over the training rows, at most


@dataclass(frozen=True)
class Classifier:
    """A network that tells classes apart, and how well.

    Attributes:
        network: ``(B, C, H, W)``, from 0 to 1, to ``(B, classes)``.
        scale: what divides images first.
        accuracy: share of the test rows that it gets right, with its standard error.
    """

    network: nn.Module
    scale: float
    accuracy: Estimate

    @torch.no_grad()
    def classify(self, x: Tensor) -> Tensor:
        """The class of every image, ``(B,)``, on the CPU."""
        return torch.cat([self.network(rows.cpu() / self.scale).argmax(1) for rows in x.split(1000)])


def train_classifier(data: Dataset, *, steps: int | None = None, seed: int = 0) -> Classifier:
    """A small convolutional network, trained on the training rows.

    It knows nothing of the flow. Images are shifted by up to a pixel while it trains.

    Args:
        data: images with classes.
        steps: of 100 images; 1,200, but at most 20 passes over the training rows, if not given.
        seed: of weights, order and dropout. The global generator is left alone.

    Raises:
        ValueError: if the data has no classes, is not of images, or a class has no training row.

    Example:
        >>> import diffeo
        >>> judge = train_classifier(diffeo.data.load("digits"), steps=100)
        >>> judge.accuracy.mean > 0.8
        True
    """
    seed = check_seed(seed, "train_classifier")
    if data.classes is None or data.train.labels is None:
        raise ValueError(f"{data.name} has no classes, so there is nothing for a classifier to learn")
    if len(data.shape) != 3:
        raise ValueError(f"a classifier of images needs rows (C, H, W), and those of {data.name} are {data.shape}")
    missing = sorted(set(range(data.classes)) - set(data.train.labels.tolist()))
    if missing:
        raise ValueError(f"class {missing[0]} of {data.name} has no training row")
    x, labels = data.train.x, data.train.labels
    steps = min(STEPS, math.ceil(PASSES * len(x) / BATCH)) if steps is None else steps
    scale = float(x.max()) if data.values is None else data.values - 1.0
    generator = torch.Generator().manual_seed(seed)
    with dropout_from(generator), torch.enable_grad():
        network = _network(data.shape, data.classes, generator)
        optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: 0.5 * (1 + math.cos(math.pi * min(1.0, step / steps)))
        )
        for _ in range(steps):
            rows = torch.randint(len(x), (BATCH,), generator=generator)
            loss = F.cross_entropy(network(_shifted(x[rows] / scale, generator)), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    judge = Classifier(network.eval().requires_grad_(False), scale, Estimate(math.nan, math.nan))
    right = judge.classify(data.test.x).eq(cast(Tensor, data.test.labels))
    return Classifier(judge.network, scale, estimate(right))


def _network(shape: tuple[int, ...], classes: int, generator: torch.Generator) -> nn.Sequential:
    """The network, its weights drawn as torch draws them."""
    with torch.device("meta"):  # where nothing is drawn
        network = _layers(shape, classes)
    network.to_empty(device="cpu")
    for part in network:
        if isinstance(part, nn.BatchNorm2d):
            part.reset_parameters()
        elif isinstance(part, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_uniform_(part.weight, a=math.sqrt(5), generator=generator)
            bound = part.weight[0].numel() ** -0.5
            nn.init.uniform_(cast(Tensor, part.bias), -bound, bound, generator=generator)
    return network


def _layers(shape: tuple[int, ...], classes: int) -> nn.Sequential:
    channels, height, width = shape
    layers: list[nn.Module] = []
    features = 16
    while True:
        layers += [nn.Conv2d(channels, features, 3, stride=2, padding=1), nn.BatchNorm2d(features), nn.ReLU()]
        channels, height, width = features, (height + 1) // 2, (width + 1) // 2
        if min(height, width) <= 4:
            break
        features = min(2 * features, 64)
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * height * width, 128), nn.ReLU(), Dropout(0.3),
                         nn.Linear(128, classes))  # fmt: skip


def _shifted(x: Tensor, generator: torch.Generator) -> Tensor:
    """All images of a batch moved by the same -1, 0 or 1 pixels, down and across."""
    down, across = torch.randint(-1, 2, (2,), generator=generator).tolist()
    return F.pad(x, (across, -across, down, -down))
