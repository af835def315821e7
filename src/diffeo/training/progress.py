"""What the terminal shows while a flow trains."""

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress
from torch import Tensor

SHOW_EVERY = 0.25  # seconds


class Progress:
    """A bar with loss and rows a second, and a line an epoch where the terminal is not interactive.

    Args:
        rows_a_step: for the speed.
        unit: of the loss.
        quiet: show nothing at all.
    """

    def __init__(self, *, rows_a_step: int, unit: str, quiet: bool = False):
        self.console = Console(stderr=True, quiet=quiet, emoji=False)
        self.rows_a_step, self.unit = rows_a_step, unit
        self.bar = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(),
            console=self.console,
            disable=quiet or not self.console.is_terminal,
        )
        self.task = self.bar.add_task("training", total=None, speed="")
        self.done, self.shown = 0, 0.0

    def begin(self, steps: int, done: int) -> None:
        """What is prepared now is to be trained: so many steps in all, so many of which were taken before."""
        self.done = done
        self.bar.update(self.task, total=steps, completed=done)

    def __enter__(self) -> "Progress":
        self.started = time.perf_counter()
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()

    def step(self, step: int, losses: Tensor) -> None:
        """Show where training is, a few times a second; `losses` holds the epoch's sum, and how many."""
        now = time.perf_counter()
        if self.bar.disable or now - self.shown < SHOW_EVERY:
            return
        self.shown = now
        speed = (step + 1 - self.done) * self.rows_a_step / (now - self.started)
        loss = float(losses[0] / losses[1])
        self.bar.update(
            self.task, completed=step + 1, description=f"{loss:.3f} {self.unit}", speed=f"{speed:,.0f} rows/s"
        )

    def expect(self, steps: int) -> None:
        """The training will have another number of steps."""
        self.bar.update(self.task, total=steps)

    def epoch(self, record: dict[str, float], better: bool) -> None:
        """A line for the record."""
        speed = record["step"] * self.rows_a_step / record["seconds"]
        best = " (best)" if better else ""
        self.say(
            f"epoch {record['epoch']:>4.4g}  train {record['train']:.4f}  validation {record['validation']:.4f} "
            f"{self.unit}  {speed:,.0f} rows/s{best}"
        )

    def say(self, text: str) -> None:
        """A line above the bar."""
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)
