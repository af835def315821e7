"""Networks that know where in the image they are, and that work on squares of pixels."""

import pytest
import torch
from torch import Tensor, nn

from diffeo import ConvNet, Glow, PlaceBias, RealNVP, ResidualConvNet


def end_in_ones(network: nn.Module) -> nn.Module:
    with torch.no_grad():
        network.output.weight.fill_(1.0)  # type: ignore[operator, union-attr]
    return network


@pytest.mark.parametrize("network", [ConvNet(1, 1, width=4, places=(6, 6)), ResidualConvNet(1, 1, places=(6, 6))])
def test_a_network_with_places_tells_two_corners_apart(network: nn.Module) -> None:
    end_in_ones(network)
    x = torch.zeros(1, 1, 6, 6)
    turned = network(x).flip((2, 3))
    torch.manual_seed(0)
    nn.init.normal_(network.places.bias)  # type: ignore[union-attr, arg-type]
    assert not torch.allclose(network(x).flip((2, 3)), turned)


def test_another_size_of_image_is_named() -> None:
    with pytest.raises(ValueError, match=r"built for 4x4 places, got 5x4\. .*places=\(5, 4\)"):
        PlaceBias(2, (4, 4))(torch.zeros(1, 2, 5, 4))


def test_squares_that_do_not_fill_the_image_are_refused() -> None:
    with pytest.raises(ValueError, match="Use patch=1"):
        ResidualConvNet(1, 1, patch=2, places=(6, 5))


def reach(network: nn.Module) -> Tensor:
    """The pixels that the output's pixel (8, 8) depends on."""
    torch.manual_seed(0)
    x = torch.randn(1, 1, 16, 16, requires_grad=True)
    end_in_ones(network)(x)[0, 0, 8, 8].backward()
    assert x.grad is not None
    return (x.grad[0, 0] != 0).any(0).nonzero().flatten()


def test_squares_of_pixels_reach_twice_as_far() -> None:
    pixels, squares = (reach(ResidualConvNet(1, 1, width=8, blocks=0, patch=patch)) for patch in (1, 2))
    assert len(pixels) == 5
    assert len(squares) == 10


def test_recipes_let_their_networks_know_places() -> None:
    for flow in (RealNVP((1, 8, 8), width=4), Glow((1, 8, 8), steps=1, width=4)):
        assert any(isinstance(module, PlaceBias) for module in flow.modules())
