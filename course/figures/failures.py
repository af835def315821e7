"""The failure gallery: the lecture's RealNVP with one mistake at a time, of the same seed and as many steps.

    python course/figures/failures.py                   all of them: figures/ko/failures.svg, figures/en/failures.svg
    python course/figures/failures.py --bug wrong-sign  this and the right one, into failure-wrong-sign.png

The model is reference/realnvp.py's (--model listing, digits). The mistake is in the training alone: every model is
scored by the right formula, on dequantized test images.
"""

import argparse
import math
import sys
from functools import cache
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from drawing import PALETTE, drawing, figure, number, text

sys.path.insert(0, str(Path(__file__).parents[1] / "reference"))  # a realnvp.py is in this folder too
import realnvp

EPOCHS, SEED = 20, 0
COMMAND = "python course/figures/failures.py"


def base(z):
    """-log N(z; 0, I) of every image."""
    return (0.5 * z.square() + 0.5 * math.log(2 * math.pi)).sum(1)


def wrong_sign(model, y):
    z, log_det = model(y)
    return base(z) + log_det


def no_dequant(model, y):
    values = 17
    return realnvp.loss(model, ((y * values).floor() + 0.5) / values)  # always the middle of the cell


def batch_sum(model, y):
    z, log_det = model(y)
    return base(z).mean() - log_det.sum()  # one number for 64 images, as the plan's


def mse(model, y):
    z, log_det = model(y)
    x, _ = model[0](y)
    return F.mse_loss(z, x) - log_det.mean()


LOSSES = {"right": realnvp.loss, "wrong-sign": wrong_sign, "one-mask": realnvp.loss, "no-dequant": no_dequant,
          "batch-sum": batch_sum, "mse": mse}  # fmt: skip
TITLES = {
    "right": ("오류 없음", "no mistake"),
    "wrong-sign": ("로그 행렬식의 부호", "sign of the log-det"),
    "one-mask": ("마스크 하나뿐", "one mask only"),
    "no-dequant": ("역양자화 없음", "no dequantization"),
    "batch-sum": ("로그 행렬식을 배치로 합산", "log-det summed over the batch"),
    "mse": ("기저 분포 대신 MSE", "MSE in place of the base"),
}


def batches(images):
    return math.ceil(len(images) / realnvp.batch_size)


@cache
def train(bug, epochs):
    """Losses of the full batches, the picture of 16 samples, bits/dim and its standard error."""
    images, test, values = realnvp.load("digits", None)
    torch.manual_seed(SEED)
    model = realnvp.build("listing", realnvp.dequantize(images, values))
    if bug == "one-mask":
        for layer in list(model)[1:]:
            layer.order = 1
    losses = realnvp.train(model, images, values, epochs, loss=LOSSES[bug])
    losses = [loss for i, loss in enumerate(losses) if i % batches(images) < len(images) // realnvp.batch_size]
    torch.manual_seed(SEED)
    grid = realnvp.generate(model, test, values)[:32, :32]
    return losses, grid.nan_to_num(0).numpy() / (values - 1), realnvp.bits_per_dim(model, test, values)


def gallery(bugs, epochs=EPOCHS):
    """A case a cell: its bits/dim, its loss and its samples."""
    columns = min(len(bugs), 3)
    rows = math.ceil(len(bugs) / columns)
    fig = plt.figure(figsize=(4 * columns, 2.5 * rows))
    cells = fig.subfigures(rows, columns, squeeze=False).flatten()
    for bug, cell in zip(bugs, cells, strict=False):
        losses, grid, (bits, error) = train(bug, epochs)
        colour = PALETTE["blue"] if bug == "right" else PALETTE["orange"]
        shown = f"{bits:.2f} ± {error:.2f}" if bits < 100 else f"{bits:,.0f} ± {error:,.0f}"
        title = text(ko=TITLES[bug][0], en=TITLES[bug][1])
        cell.suptitle(f"{title}\n{shown} bits/dim", fontsize=15, fontweight="bold", color=colour)
        curve, picture = cell.subplots(1, 2, width_ratios=(1.5, 1))
        curve.plot(losses, color=colour, lw=1.2)
        curve.locator_params(nbins=4)
        curve.tick_params(labelsize=12)
        curve.set_xlabel(text(ko="학습 단계", en="step"), fontsize=13)
        curve.set_ylabel(text(ko="손실", en="loss"), fontsize=13)
        picture.imshow(np.kron(grid, np.ones((5, 5))), cmap="gray", vmin=0, vmax=1, interpolation="none")
        picture.axis("off")
    return fig


def publish():
    """Both languages' figure, and its numbers."""
    print(*figure("failures", lambda: gallery(list(LOSSES))))
    images, test, values = realnvp.load("digits", None)
    for bug in LOSSES:
        losses, _, (bits, error) = train(bug, EPOCHS)
        found = {"bits_per_dim": bits, "standard_error": error, "first_loss": losses[0], "last_loss": losses[-1]}
        for what, value in found.items():
            number("reference", f"failures.{bug}.{what}", value, COMMAND)
    number("reference", "failures.steps", EPOCHS * batches(images), COMMAND)
    number("reference", "failures.values", values, COMMAND)
    number("reference", "failures.uniform", math.log2(values), COMMAND)
    number("reference", "failures.histogram", realnvp.histogram(images, test, values), COMMAND)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bug", choices=[bug for bug in LOSSES if bug != "right"])
    parser.add_argument("--lang", choices=["ko", "en"], default="ko")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="only with --bug")
    asked = parser.parse_args()
    if asked.bug is None:
        return publish()
    path = Path(f"failure-{asked.bug}.png")
    if path.exists():
        parser.error(f"{path} is there already. Move it, or run this in another folder")
    for bug in ("right", asked.bug):
        losses, _, (bits, error) = train(bug, asked.epochs)
        print(
            f"{bug:10}  loss {losses[0]:,.1f} -> {losses[-1]:,.1f}, test {bits:,.2f} ± {error:.2f} bits/dim (17 values)"
        )
    with drawing(asked.lang):
        gallery(["right", asked.bug], asked.epochs).savefig(path)
    return None


if __name__ == "__main__":
    main()
