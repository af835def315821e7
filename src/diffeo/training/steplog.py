"""The loss of every step, in a file that grows while the training runs."""

import csv
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from diffeo.io import write_atomically

HEADER = ("step", "loss", "gradient_norm", "lr")
FLUSH_EVERY = 5.0  # seconds


class StepLog:
    """Collects numbers where they are computed, on the device, and writes them now and then in one go.

    Args:
        path: the file, CSV; None to keep nothing.
        step: the step that comes first; later lines, of a training that was cut off, are dropped.
        track: called with ``{"loss": .., "gradient_norm": ..}`` and ``step=`` of the last step that was written.
    """

    def __init__(self, path: Path | None, step: int = 0, track: Callable[..., None] | None = None):
        self.path, self.track = path, track
        self.waiting: list[tuple[int, Tensor, Tensor, float]] = []
        self.flushed = time.monotonic()
        if path is not None:
            self.truncate(step)

    def truncate(self, step: int) -> None:
        """Forget what was logged of `step` and later ones."""
        self.waiting = []
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self.path, ("\n".join([",".join(HEADER), *_until(self.path, step)]) + "\n").encode())

    def add(self, step: int, loss: Tensor, norm: Tensor, lr: float) -> None:
        """Take in a step; nothing is read from the device yet, most of the time."""
        if self.path is None:
            return
        self.waiting.append((step, loss, norm, lr))
        if time.monotonic() - self.flushed > FLUSH_EVERY:
            self.flush()

    def flush(self) -> None:
        """Write what is waiting, every digit of it."""
        if self.path is None or not self.waiting:
            return
        numbers = torch.stack([torch.stack([loss, norm.to(loss)]) for _, loss, norm, _ in self.waiting]).tolist()
        with self.path.open("a", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(
                [step, repr(loss), repr(norm), repr(lr)]
                for (step, _, _, lr), (loss, norm) in zip(self.waiting, numbers, strict=True)
            )
        if self.track is not None:
            self.track({"loss": numbers[-1][0], "gradient_norm": numbers[-1][1]}, step=self.waiting[-1][0])
        self.waiting, self.flushed = [], time.monotonic()


def _until(path: Path, step: int) -> list[str]:
    if not path.is_file():
        return []
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines()[1:]:
        number, _, rest = line.partition(",")
        if not number.isdigit() or rest.count(",") != 2 or int(number) >= step:  # the last line may be half written
            break
        kept.append(line)
    return kept
