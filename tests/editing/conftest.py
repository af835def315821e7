"""A flow with two levels, and one that takes classes, whose layers are not the identity."""

import pytest
import torch

import diffeo
from diffeo.evaluation import condition_for


def moved(flow: diffeo.Flow, **options: str) -> diffeo.Flow:
    """The flow with parameters moved away from where they start, and data that set its scales."""
    data = diffeo.data.load("digits", **options)
    flow.initialize(data.train.x, condition_for(flow, data.train))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, parameter in flow.named_parameters():
            if "raw" not in name:
                parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))
    return flow.eval()


@pytest.fixture(scope="session")
def digits() -> diffeo.data.Dataset:
    return diffeo.data.load("digits")


@pytest.fixture(scope="session", params=["glow", "realnvp"])
def flow(request: pytest.FixtureRequest) -> diffeo.Flow:
    torch.manual_seed(0)
    if request.param == "glow":
        return moved(diffeo.Glow((1, 8, 8), values=17, levels=2, steps=2, width=8))
    return moved(diffeo.RealNVP((1, 8, 8), values=17, levels=2, width=8))


@pytest.fixture(scope="session")
def with_classes() -> diffeo.Flow:
    torch.manual_seed(0)
    return moved(diffeo.Glow((1, 8, 8), values=17, classes=10, levels=2, steps=2, width=8))


@pytest.fixture(scope="session")
def with_images() -> diffeo.Flow:
    torch.manual_seed(0)
    return moved(diffeo.Glow((1, 8, 8), values=17, condition_shape=(1, 4, 4), steps=1, width=8), condition="downscaled")


@pytest.fixture(scope="session")
def continuous() -> diffeo.Flow:
    torch.manual_seed(0)
    flow = diffeo.Glow((3, 8, 8), levels=2, steps=1, width=8)
    flow.initialize(torch.rand(64, 3, 8, 8))
    return flow.eval()
