"""Rows that are on every machine, to try a shipped model on where its own test data is not."""

import torch

import diffeo
from diffeo.data import Part
from diffeo.evaluation import Estimate, likelihood
from diffeo.flow import Flow

ROWS = 256
SEED = 0


def check_rows(flow: Flow) -> tuple[str, Part]:
    """What they are, in words, and the rows.

    For images of 28x28 pixels, scikit-learn's digits, enlarged: handwritten, with labels, though no test data of any
    model's. For other flows, their own samples.
    """
    if flow.shape == (1, 28, 28) and flow.door is not None:
        digits = diffeo.data.load("digits").test
        x = digits.x[:ROWS].repeat_interleave(3, 2).repeat_interleave(3, 3).int() * 255 // 16  # 24x24 pixels
        x = torch.nn.functional.pad(x, (2, 2, 2, 2)).to(torch.uint8)
        return "scikit-learn's digits, enlarged to 28x28 pixels", Part(x, digits.labels[:ROWS])
    if flow.conditional:
        raise ValueError("there are no rows on every machine for a flow with conditions, other than images of digits")
    generator = torch.Generator().manual_seed(SEED)
    return "the model's own samples", Part(flow.sample(ROWS, generator=generator))


def check(flow: Flow) -> tuple[str, Estimate]:
    """What the rows are, and the flow's figure on them."""
    about, rows = check_rows(flow)
    return about, likelihood(flow, rows, seed=SEED)
