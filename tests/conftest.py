"""What all tests share."""

from collections.abc import Iterator

import pytest
import torch

torch.set_num_threads(1)  # small tensors; the test processes share the machine


@pytest.fixture(autouse=True)
def _seeded() -> Iterator[None]:
    torch.manual_seed(0)
    yield
    assert torch.get_default_dtype() == torch.float32
