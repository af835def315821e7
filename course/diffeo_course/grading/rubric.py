"""The rubric: 50 points for code, 30 for the analysis, 20 for the write-up, a line for each thing that is asked."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class RubricLine:
    """A line of the rubric.

    Args:
        key: its title is the message ``rubric-KEY``.
        part: what it belongs to; the write-up is scored by hand.
        possible: points at most.
    """

    key: str
    part: Literal["code", "analysis", "writeup"]
    possible: int


RUBRIC = (
    RubricLine("coupling-forward", "code", 5),
    RubricLine("coupling-log-det", "code", 5),
    RubricLine("coupling-inverse", "code", 5),
    RubricLine("checkerboard-mask", "code", 2),
    RubricLine("channel-mask", "code", 2),
    RubricLine("squeeze", "code", 3),
    RubricLine("unsqueeze", "code", 2),
    RubricLine("split", "code", 2),
    RubricLine("dequantize", "code", 4),
    RubricLine("bits-per-dim", "code", 4),
    RubricLine("actnorm-initialize", "code", 3),
    RubricLine("actnorm-forward", "code", 3),
    RubricLine("conv1x1-forward", "code", 4),
    RubricLine("conv1x1-inverse", "code", 2),
    RubricLine("loss", "code", 4),
    RubricLine("model", "analysis", 4),
    RubricLine("claimed-bits", "analysis", 10),
    RubricLine("density", "analysis", 6),
    RubricLine("curves", "analysis", 6),
    RubricLine("own-weights", "analysis", 4),
    RubricLine("principles", "writeup", 6),
    RubricLine("applications", "writeup", 4),
    RubricLine("reading", "writeup", 6),
    RubricLine("ablation", "writeup", 4),
)
