"""The loss of every step, in a file that grows while the training runs."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from diffeo.system.warning import warn
from diffeo.system.writing import DiskFull, append, write_atomically
from diffeo.training.losses import HEADER, checksum, read_losses

FLUSH_EVERY = 5.0  # seconds


class StepLog:
    """Collects numbers where they are computed, on the device, and writes them now and then in one go.

    Args:
        path: the file, CSV; None to keep nothing.
        step: the step that comes first; later lines, of a training that was cut off, are dropped.
        track: called with ``{"loss": .., "gradient_norm": ..}`` and ``step=`` of the last step that was written.
        written: what a checkpoint at `step` says of the lines before it, see :attr:`written`.

    Attributes:
        written: how many lines there are, and their running checksum: what a checkpoint can vouch for.
    """

    def __init__(
        self,
        path: Path | None,
        step: int = 0,
        track: Callable[..., None] | None = None,
        *,
        written: Mapping[str, int] | None = None,
    ):
        self.path, self.track = path, track
        self.written: dict[str, int] = {}
        self.waiting: list[tuple[int, Tensor, Tensor, float]] = []
        self.flushed = time.monotonic()
        if path is not None:
            self.truncate(step, written)

    def truncate(self, step: int, written: Mapping[str, int] | None = None) -> None:
        """Forget what was logged of `step` and later ones, and lines that are damaged, which is said.

        Args:
            step: the step that comes next.
            written: what the checkpoint at `step` says of the lines before it.
        """
        self.waiting = [row for row in self.waiting if row[0] < step]
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        found = read_losses(self.path, until=step)
        _compare(self.path, found.lines, found.wrong, dict(written or {"lines": step - len(self.waiting)}))
        self._begin(self.path, found.lines)

    def _begin(self, path: Path, lines: list[str]) -> None:
        content = ("\n".join([HEADER, *lines]) + "\n").encode()
        write_atomically(path, content)
        self.whole = len(content)  # bytes of lines that are known to be whole
        self.written = {"lines": len(lines), "crc32": checksum(lines)}

    def add(self, step: int, loss: Tensor, norm: Tensor, lr: float) -> None:
        """Take in a step; nothing is read from the device yet, most of the time."""
        if self.path is None:
            return
        self.waiting.append((step, loss, norm, lr))
        if time.monotonic() - self.flushed > FLUSH_EVERY:
            try:
                self.flush()
            except OSError as error:  # tried again in a while, and with the next checkpoint
                self.flushed = time.monotonic()
                warn(f"losses wait to be written: {error.said if isinstance(error, DiskFull) else error}")

    def flush(self) -> None:
        """Write what is waiting, every digit of it.

        Raises:
            OSError: if it could not be written; it goes on waiting then, and none of it is in the file.
        """
        if self.path is None or not self.waiting:
            return
        numbers = torch.stack([torch.stack([loss, norm.to(loss)]) for _, loss, norm, _ in self.waiting]).tolist()
        if not self.path.exists():
            warn(f"{self.path} was removed while it was written; it goes on from step {self.waiting[0][0]}")
            self._begin(self.path, [])
        lines = [
            f"{step},{loss!r},{norm!r},{lr!r}"
            for (step, _, _, lr), (loss, norm) in zip(self.waiting, numbers, strict=True)
        ]
        self.whole = append(self.path, "".join(f"{line}\n" for line in lines).encode(), self.whole)
        self.written = {
            "lines": self.written["lines"] + len(lines), "crc32": checksum(lines, self.written["crc32"])
        }  # fmt: skip
        if self.track is not None:
            self.track({"loss": numbers[-1][0], "gradient_norm": numbers[-1][1]}, step=self.waiting[-1][0])
        self.waiting, self.flushed = [], time.monotonic()


def _compare(path: Path, lines: list[str], wrong: str, written: dict[str, int]) -> None:
    """Say what is not there any more of the lines that were written."""
    expected = written["lines"]
    if len(lines) < expected:
        why = f"is damaged ({wrong})" if wrong else "was cut off" if lines else "has lost its lines"
        gone = expected - len(lines)
        warn(
            f"{path} {why}: the loss{'es of' * (gone > 1)} {'of one step' if gone == 1 else f'{gone:,} steps'} "
            f"cannot be had again. Only the curve of single steps lacks them"
        )
    elif written.get("crc32", 0) != (checksum(lines[:expected]) if "crc32" in written else 0):
        warn(f"{path} is damaged: its numbers are not those that were written. Only the curve of single steps has them")
