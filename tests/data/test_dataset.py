"""What a data set prints as."""

import torch

import diffeo
from diffeo.data import Dataset, Part


def test_a_data_set_is_printed_in_a_few_lines() -> None:
    text = str(diffeo.data.load("digits"))
    assert text.splitlines()[:2] == [
        "digits: 1,257 training, 180 validation and 360 test rows",
        "of shape (1, 8, 8), integers with 17 values (uint8), 10 classes",
    ]
    assert len(text.splitlines()) == 3
    part = Part(torch.zeros(12_000, 400))
    wide = Dataset("table:w.csv", part, part, part, columns=tuple(f"c{i}" for i in range(400)),
                   options={"drop": ["a", "b"]}, notes=tuple(f"note {i}" for i in range(50)))  # fmt: skip
    lines = str(wide).splitlines()
    assert lines[0] == "table:w.csv: 12,000 training, 12,000 validation and 12,000 test rows"
    assert "columns: c0, c1, c2, c3, c4, c5, and 394 more" in lines
    assert "options: drop a, b" in lines
    assert lines[-1] == "and 44 more notes"
    assert len(lines) < 15


def test_a_part_is_printed_in_a_line() -> None:
    part = Part(torch.zeros(2000, 3), torch.zeros(2000), condition=torch.zeros(2000, 2))
    assert repr(part) == "Part(2,000 rows of shape (3,), float32, labels, condition of shape (2,))"
