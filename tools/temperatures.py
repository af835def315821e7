"""Find the temperature at which a model that ships draws best, and write it into its card.

    python tools/temperatures.py glow-mnist glow-digits     or all, without names

Best is where samples are most like test images: a small classifier is trained on the real images
(diffeo.editing.train_classifier), and its features of 2,000 samples are held against those of test images by the
Frechet distance (Heusel et al., GANs trained by a two time-scale update rule, 2017, https://arxiv.org/abs/1706.08500).
It counts what is misshapen, so that a low temperature wins, and what is missing, so that a high one does. Points,
tables and images without classes are drawn from the density itself, at temperature 1.
"""

import json
import sys
from typing import Any

import torch
from torch import Tensor

import diffeo
from diffeo.data import Dataset
from diffeo.editing import Classifier, train_classifier
from diffeo.flow import Flow
from diffeo.models.cards import CARD_FILE
from diffeo.models.places import SHIPPED
from diffeo.runs import sample_labels
from diffeo.system.writing import write_atomically

TEMPERATURES = tuple(step / 20 for step in range(10, 21))  # 0.5, 0.55, .. 1
SAMPLES, TESTED = 2000, 5000


def main() -> int:
    """Measure the models named, and write what was found into their cards."""
    for name in sys.argv[1:] or diffeo.models.names():
        file = SHIPPED / name / CARD_FILE
        card = json.loads(file.read_text(encoding="utf-8"))
        card["temperature"] = recommended(diffeo.load(name), diffeo.data.load(card["data"]["name"]))
        text = json.dumps(card, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
        write_atomically(file, text.encode())
        print(f"{name}: {card['temperature']}", flush=True)
    return 0


def recommended(flow: Flow, data: Dataset, *, seed: int = 0) -> dict[str, Any]:
    """The temperature to draw at, and the distances that say so, None where there is no classifier to measure with."""
    if len(data.shape) != 3 or data.classes is None:
        return {"value": 1.0, "distances": None}
    judge = train_classifier(data, seed=seed)
    real, labels = features(judge, data.test.x[:TESTED]), sample_labels(flow, SAMPLES)
    found = {}
    for temperature in TEMPERATURES:
        generator = torch.Generator().manual_seed(seed)
        x = flow.sample(SAMPLES, labels, temperature=temperature, generator=generator)
        found[f"{temperature:g}"] = round(frechet(features(judge, x), real), 2)
    return {"value": float(min(found, key=found.__getitem__)), "distances": found}


@torch.no_grad()
def features(judge: Classifier, x: Tensor) -> Tensor:
    """What the classifier's last layer sees of images: ``(B, 128)``."""
    layers = judge.network[:-1]
    return torch.cat([layers(rows.cpu() / judge.scale) for rows in x.split(1000)]).double()


def frechet(a: Tensor, b: Tensor) -> float:
    r"""The squared distance :math:`|m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^{1/2})` of two normals fitted to rows."""
    covariance, other = torch.cov(a.T), torch.cov(b.T)
    root = torch.linalg.eigvals(covariance @ other).real.clamp(min=0).sqrt().sum()
    return float((a.mean(0) - b.mean(0)).square().sum() + covariance.trace() + other.trace() - 2 * root)


if __name__ == "__main__":
    sys.exit(main())
