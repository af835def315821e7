"""What part 3 says of editing and of memorising, measured on real images: course/measured/glow.json.

    diffeo train --config recipes/glow-olivetti.yaml --out runs/glow-olivetti
    python course/figures/glow_measured.py runs/glow-olivetti

MNIST and the Olivetti faces are looked for where DIFFEO_DATA says. Ten minutes on one core. The figures are drawn by
glow.py, from what this leaves behind, and need no data.
"""

import argparse
import json
from pathlib import Path

import torch
from torch import Tensor

import diffeo
from diffeo import editing
from diffeo.evaluation import estimate, image_grid, memorisation
from diffeo.system.writing import write_atomically

MEASURED = Path(__file__).parents[1] / "measured"
STRENGTHS = (-2.0, 0.0, 2.0, 6.0)
ROWS = 200


def share(right: Tensor) -> dict[str, float]:
    """A share and its standard error."""
    return dict(vars(estimate(right.double())))


def sweeps(flow: diffeo.Flow, data: diffeo.data.Dataset, judge: editing.Classifier) -> dict[str, object]:
    """How far an attribute moves along its direction, and how often the digit stays what it was."""
    found: dict[str, object] = {"rows": ROWS, "strengths": STRENGTHS}
    x, labels = data.test.x[:ROWS], data.test.labels[:ROWS]
    for direction in editing.attribute_directions(flow, data.train, rows=1000):
        moved = editing.sweep(flow, x, direction, STRENGTHS, condition=labels)
        measure = editing.ATTRIBUTES[direction.attribute]
        found[direction.attribute] = {
            "correlation": direction.score,
            "mean": [float(measure(editing.grey(moved[:, s])).mean()) for s in range(len(STRENGTHS))],
            "same_class": [share(judge.classify(moved[:, s]).eq(labels)) for s in range(len(STRENGTHS))],
        }
    return found


def mixing(flow: diffeo.Flow, data: diffeo.data.Dataset, judge: editing.Classifier) -> dict[str, object]:
    """Whose class a digit has when its coarsest level, or the others, are another digit's."""
    x, labels = data.test.x[:ROWS], data.test.labels[:ROWS]
    generator = torch.Generator().manual_seed(0)
    wanted = editing.other_classes(labels, 10, generator=generator)
    other = torch.stack([data.test.x[ROWS:][data.test.labels[ROWS:] == label][0] for label in wanted])
    found: dict[str, object] = {"rows": ROWS}
    for name, take in {"coarse": [0], "fine": [1]}.items():
        mixed = judge.classify(editing.mix_levels(flow, x, other, take))
        found[name] = {"own_class": share(mixed.eq(labels)), "class_of_other": share(mixed.eq(wanted))}
    return found


def copies(flow: diffeo.Flow, data: diffeo.data.Dataset) -> dict[str, object]:
    """Whether samples are training images."""
    found = memorisation(flow, data)
    return {**found.summary(), "lines": found.lines()}


def main() -> None:
    """All of it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("faces", type=Path, help="the run of recipes/glow-olivetti.yaml")
    options = parser.parse_args()
    mnist, faces = diffeo.data.load("mnist"), diffeo.data.load("olivetti")
    judge = editing.train_classifier(mnist)
    plain, classes, of_faces = diffeo.load("glow-mnist"), diffeo.load("glow-mnist-classes"), diffeo.load(options.faces)
    found = {
        "command": "python course/figures/glow_measured.py runs/glow-olivetti",
        "accuracy_of_judge": dict(vars(judge.accuracy)),
        "sweeps": sweeps(classes, mnist, judge),
        "mixing": mixing(plain, mnist, judge),
        "mnist_copies": copies(plain, mnist),
        "faces": {
            key: value
            for key, value in json.loads((options.faces / "summary.json").read_text()).items()
            if key in ("test_bits_per_dim", "standard_error", "baselines", "seconds", "parameters", "peak_memory")
        },
        "faces_copies": copies(of_faces, faces),
    }
    MEASURED.mkdir(exist_ok=True)
    write_atomically(MEASURED / "glow.json", (json.dumps(found, indent=1) + "\n").encode())
    drawn = of_faces.sample(12, temperature=0.7, generator=torch.Generator().manual_seed(0))
    image_grid(drawn, columns=6).save(MEASURED / "glow-faces.png", optimize=True)


if __name__ == "__main__":
    main()
