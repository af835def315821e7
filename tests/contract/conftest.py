"""Cases as parameters."""

from typing import Any

import pytest
import torch

from contract.registry import BIJECTIONS, FLOWS, Case, embedded, redraw, small_terms

CASES = {**BIJECTIONS, **FLOWS}


@pytest.fixture(params=[torch.float32, torch.float64], ids=["float32", "float64"])
def dtype(request: pytest.FixtureRequest) -> torch.dtype:
    return request.param


@pytest.fixture(params=list(CASES))
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture(params=list(FLOWS))
def flow_case(request: pytest.FixtureRequest) -> Case:
    return FLOWS[request.param]


@pytest.fixture
def make() -> Any:
    """Build a case's object with redrawn parameters."""

    def build(case: Case, dtype: torch.dtype = torch.float32) -> Any:
        torch.manual_seed(0)
        item = case.make().eval().double()
        x, condition = case.x(torch.float64), case.condition(item, torch.float64)
        for seed in range(200):
            redraw(item, seed)
            if case.volume_preserving or not small_terms(item, x, embedded(item, condition)):
                break
        return item.to(dtype)

    return build
