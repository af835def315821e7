"""A small table, made by hand."""

import torch

from diffeo.data import Dataset, Part

COLUMNS = ("키 <cm>", "price $", "a & b")


def table() -> Dataset:
    x = torch.randn(700, 3, generator=torch.Generator().manual_seed(0)) @ torch.tensor(
        [[1.0, 0.5, 0.0], [0.0, 2.0, 0.0], [0.3, 0.0, 0.1]]
    )
    parts = Part(x[:400]), Part(x[400:550], rows=torch.arange(400, 550)), Part(x[550:], rows=torch.arange(550, 700))
    return Dataset("table:판매.csv", *parts, columns=COLUMNS, scale=(2.0, 1.0, 1.0), notes=("3 rows were left out",))
