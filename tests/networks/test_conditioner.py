"""Networks of one's own as conditioners: of x alone, of the wrong size, or none at all."""

import pytest
import torch
from torch import nn

import diffeo
from diffeo import MLP, Additive, Affine, Chain, ConvNet, Coupling, Flatten, Flow, Split, StandardNormal, ZeroConv
from diffeo.networks.conditioner import takes_condition


class OfBoth(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 4)

    def forward(self, a, condition=None):
        return self.layer(a)


class OfAll(nn.Module):
    def forward(self, *given):
        return torch.cat([given[0], given[0]], 1) * len(given)


PLAIN = {
    "Linear": lambda: nn.Linear(2, 4),
    "Sequential": lambda: nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 4)),
    "of both": OfBoth,
}


@pytest.mark.parametrize("kind", list(PLAIN))
def test_a_network_of_x_alone_is_a_conditioner(kind: str) -> None:
    layer = Coupling(4, PLAIN[kind]())
    x = torch.randn(3, 4)
    z, log_det = layer.encode(x)
    assert not torch.equal(z, x)
    assert torch.allclose(layer.decode(z)[0], x, atol=1e-5)
    assert log_det.shape == (3,)


def test_a_compiled_network_takes_what_it_took_before() -> None:
    for network, wanted in ((nn.Linear(2, 4), False), (OfBoth(), True)):
        compiled = torch.compile(network, backend="eager")
        assert takes_condition(compiled, "Coupling: the conditioner", inputs=2, outputs=4) is wanted


def test_a_network_of_x_alone_goes_without_the_condition_that_others_take() -> None:
    layers = [Coupling(4, nn.Linear(2, 4)), Coupling(4, MLP(2, 4, condition_shape=(3,)), swap=True)]
    flow = Flow(Chain(layers), StandardNormal(4))
    assert flow.log_prob(torch.randn(5, 4), torch.randn(5, 3)).shape == (5,)


def test_a_network_of_any_arguments_gets_the_condition() -> None:
    layer = Coupling(4, OfAll(), elementwise=Affine())
    a = torch.ones(1, 2)
    assert torch.equal(layer.parameters_of(a, None), 2 * torch.ones(1, 4))


def test_convolutions_of_x_alone_are_conditioners_and_priors() -> None:
    x = torch.randn(2, 4, 3, 3)
    layer = Split((4, 3, 3), Flatten((2, 3, 3)), nn.Sequential(nn.Conv2d(2, 4, 3, padding=1)))
    assert torch.allclose(layer.decode(layer.encode(x)[0])[0], x, atol=1e-5)
    board = Coupling(4, nn.Conv2d(4, 8, 3, padding=1), partition="checkerboard")
    assert torch.allclose(board.decode(board.encode(x)[0])[0], x, atol=1e-5)


@pytest.mark.parametrize(
    ("thing", "message"),
    [
        (lambda a, condition=None: a, r"must be a network.*got a function.*class Net\(torch\.nn\.Module\)"),
        (torch.sin, r"must be a network.*class Net"),
        (MLP, r"got the class MLP\. Build it: MLP\(\.\.\)"),
        ("mlp", "must be a network.*got a str"),
        (None, "must be a network.*got a NoneType"),
        (torch.zeros(3), "must be a network.*got a list"),
        (nn.ModuleList([nn.Linear(2, 4)]), r"got a ModuleList, which has no forward\. Use torch\.nn\.Sequential"),
    ],
)
def test_what_is_no_network_is_refused_when_it_is_built(thing, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        Coupling(4, thing)
    if thing is not None:
        with pytest.raises(TypeError, match=message):
            Split((4,), diffeo.ActNorm(2), thing)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (lambda: MLP(2, 5), r"returns 5 channels, and must return 6: build it for 2 channels in and 6 out"),
        (lambda: MLP(3, 6), r"takes 3 channels, and must take 2"),
        (lambda: nn.Linear(5, 6), r"takes 5 channels, and must take 2"),
        (lambda: nn.Sequential(nn.Linear(2, 8), nn.Linear(8, 4)), r"returns 4 channels, and must return 6"),
        (lambda: ConvNet(2, 4), r"returns 4 channels, and must return 6"),
        (lambda: nn.Conv2d(1, 6, 1), r"takes 1 channels, and must take 2"),
    ],
)
def test_a_network_that_says_its_size_is_refused_when_it_is_built(network, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Coupling(5, network())


def test_a_prior_of_the_wrong_size_is_refused_when_it_is_built() -> None:
    with pytest.raises(ValueError, match="the prior returns 2 channels, and must return 4"):
        Split((4, 2, 2), Flatten((2, 2, 2)), ZeroConv(2, 2))


class Says(nn.Module):
    def __init__(self, what) -> None:
        super().__init__()
        self.what = what

    def forward(self, a):
        return self.what(a)


@pytest.mark.parametrize(
    ("what", "error", "message"),
    [
        (lambda a: a, ValueError, r"Says returned 2 channels in shape \(3, 2\), not 4 in shape \(3, 4\)"),
        (lambda a: a.sum(), ValueError, "Says returned no channels"),
        (lambda a: torch.zeros(1, 4), ValueError, r"in shape \(1, 4\), not 4 in shape \(3, 4\)"),
        (lambda a: (a, a), TypeError, "must return a tensor, got a tuple"),
    ],
)
def test_what_a_network_returns_is_checked(what, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Coupling(4, Says(what)).encode(torch.zeros(3, 4))


def test_a_vector_for_an_image_is_refused() -> None:
    """It would be spread over the places in silence, or not fit by chance."""
    layer = Coupling(4, Says(lambda a: a.mean((2, 3)).repeat(1, 2)))
    with pytest.raises(ValueError, match=r"in shape \(3, 4\), not 4 in shape \(3, 4, 2, 2\)"):
        layer.encode(torch.zeros(3, 4, 2, 2))


def test_a_network_that_names_a_condition_and_takes_none_is_refused() -> None:
    network = Says(lambda a: a)
    network.condition_shape = (3,)
    with pytest.raises(ValueError, match="forward takes no condition"):
        Coupling(4, network)


@pytest.mark.parametrize(
    ("thing", "message"),
    [
        (Additive, r"got the class Additive\. Use Additive\(\)"),
        (nn.Linear(1, 1), "Linear has no parameters_per_dimension and no encode and no decode"),
        ("affine", "str has no parameters_per_dimension"),
    ],
)
def test_what_is_no_elementwise_map_is_refused_when_it_is_built(thing, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        Coupling(4, nn.Linear(2, 4), elementwise=thing)


class Summed:
    parameters_per_dimension = 1

    def __init__(self, of_result: bool):
        self.of_result = of_result

    def encode(self, x, parameters):
        return (x.sum(1), x) if self.of_result else (x + parameters, torch.zeros(len(x)))

    decode = encode


@pytest.mark.parametrize(("of_result", "name"), [(False, "log_det"), (True, "result")])
def test_what_an_elementwise_map_returns_is_checked(of_result: bool, name: str) -> None:
    layer = Coupling(4, nn.Linear(2, 2), elementwise=Summed(of_result))
    for run in (layer.encode, layer.decode):
        with pytest.raises(ValueError, match=rf"the {name} of an elementwise map .*\(3, 2\), got \(3,\)"):
            run(torch.zeros(3, 4))


def test_networks_without_dropout_hold_no_layer_for_it() -> None:
    """One that does nothing would take a tenth of a small flow's time."""
    for shape in (4, (1, 8, 8)):
        for p, held in ((0.0, False), (0.5, True)):
            flow = (
                diffeo.RealNVP(shape, couplings=2, width=8, dropout=p)
                if shape == 4
                else diffeo.RealNVP(shape, dropout=p)
            )
            assert any(isinstance(part, diffeo.Dropout) for part in flow.modules()) is held
