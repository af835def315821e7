"""What all tests and the examples in docstrings share."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch

torch.set_num_threads(1)  # small tensors; the test processes share the machine


@pytest.fixture(autouse=True)
def _seeded(doctest_namespace: dict[str, Any]) -> Iterator[None]:
    doctest_namespace["torch"] = torch
    torch.manual_seed(0)
    yield
    assert torch.get_default_dtype() == torch.float32
