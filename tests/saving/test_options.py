"""What can be an option of a class: what cannot be saved is refused when it is built."""

import dataclasses
from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import diffeo
from diffeo import (
    MLP,
    ActNorm,
    Affine,
    Chain,
    Coupling,
    Flatten,
    Flip,
    Flow,
    Glow,
    Logit,
    Permutation,
    RealNVP,
    Split,
    StandardNormal,
)

X = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))


def again(flow: Flow, folder, x: Tensor = X) -> Flow:
    """Saved and loaded: the same densities to the last bit."""
    flow.eval().save_pretrained(folder / "model", overwrite=True)
    loaded = diffeo.load(folder / "model")
    assert torch.equal(loaded.log_prob(x), flow.log_prob(x))
    return loaded


def around(*layers: diffeo.Bijection) -> Flow:
    return Flow(Chain(layers), StandardNormal(4))


# ---- numbers and arrays

SCALARS = [
    np.float32(0.25),
    np.float64(0.25),
    torch.tensor(0.25),
    torch.tensor(0.25, dtype=torch.float64),
    np.array(0.25),
]


@pytest.mark.parametrize("value", SCALARS, ids=lambda value: type(value).__name__)
def test_scalars_of_numpy_and_torch_are_numbers(value, tmp_path) -> None:
    flow = RealNVP(4, couplings=2, width=8, dropout=value)
    assert type(flow._options["dropout"]) is float
    assert again(flow, tmp_path)._options["dropout"] == 0.25
    assert type(again(around(Coupling(4, MLP(2, 4), elementwise=Affine(bound=value))), tmp_path)) is Flow


@pytest.mark.parametrize(
    "value", [np.int64(8), np.uint8(8), torch.tensor(8), np.array(8)], ids=lambda v: type(v).__name__
)
def test_whole_numbers_of_numpy_and_torch_are_whole_numbers(value, tmp_path) -> None:
    flow = RealNVP(4, couplings=2, width=value)
    assert type(flow._options["width"]) is int
    again(flow, tmp_path)


ORDER = [2, 0, 3, 1]
ORDERS = {
    "tensor": torch.tensor(ORDER),
    "int32 tensor": torch.tensor(ORDER, dtype=torch.int32),
    "array": np.array(ORDER),
    "tuple": tuple(ORDER),
    "list of array's entries": list(np.array(ORDER)),
    "list of tensors": list(torch.tensor(ORDER)),
    "map": map(int, ORDER),
}


@pytest.mark.parametrize("kind", list(ORDERS))
def test_a_permutation_is_given_as_any_sequence(kind: str, tmp_path) -> None:
    layer = Permutation(ORDERS[kind])
    assert torch.equal(layer.encode(X)[0], X[:, ORDER])
    assert again(around(layer), tmp_path).bijection.layers[0]._options == {"order": ORDER}
    with pytest.raises(ValueError, match=r"each of 0 \.\. 3 once"):
        Permutation(torch.tensor([0, 0, 1, 2]))


def test_ranges_generators_and_sizes_are_lists(tmp_path) -> None:
    again(around(Permutation(range(3, -1, -1))), tmp_path)
    again(Flow(Chain(ActNorm(4) for _ in range(2)), StandardNormal(4)), tmp_path)
    again(Flow(Chain({"a": ActNorm(4), "b": Flip()}.values()), StandardNormal(4)), tmp_path)
    again(Flow(Chain(nn.ModuleList([ActNorm(4), Flip()])), StandardNormal(4)), tmp_path)
    image = torch.randn(2, 1, 4, 4)
    for shape in (image.shape[1:], [1, 4, 4], np.array([1, 4, 4])):
        again(Flow(Chain([Flatten(shape)]), StandardNormal(16)), tmp_path, image)
    again(Glow(image.shape[1:], levels=np.int64(1), steps=1, width=4), tmp_path, image)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: RealNVP(4, width=16.0), r"RealNVP: width must be a whole number, got 16\.0\. Use 16"),
        (lambda: RealNVP(4, width=np.float32(16)), r"width must be a whole number, got 16\.0"),
        (lambda: MLP(2, 4, depth=2.5), r"MLP: depth must be a whole number, got 2\.5"),
        (lambda: MLP(2, 4, width="16"), "MLP: width must be a whole number, got '16'"),
        (lambda: RealNVP(4, couplings=True), "couplings must be a whole number, got True"),
        (lambda: RealNVP(4, dropout="a lot"), "dropout must be a number, got 'a lot'"),
        (lambda: RealNVP(4, dropout=torch.tensor([0.1])), r"dropout must be a number, got \[0\.1"),
        (lambda: ActNorm(None), "channels must be a whole number, got None"),
    ],
)
def test_what_is_no_number_is_refused_when_it_is_built(make, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        make()


@pytest.mark.parametrize("value", [float("inf"), float("nan"), np.float32("inf")])
def test_numbers_that_are_not_finite_are_refused_when_it_is_built(value) -> None:
    with pytest.raises(ValueError, match=r"dropout must be in \[0, 1\)"):
        RealNVP(4, dropout=value)
    for make in (lambda: Affine(bound=value), lambda: Logit(value), lambda: OptionTaker([value])):
        with pytest.raises(ValueError, match=r"must be (a finite number|positive)"):
            make()


# ---- options of classes of one's own


@diffeo.register
class OptionTaker(nn.Module):
    def __init__(self, option=None):
        super().__init__()
        self.option = option


@dataclasses.dataclass
class Settings:
    width: int = 8


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (torch.relu, "OptionTaker: option: a builtin_function_or_method cannot be saved as an option. Give a name"),
        (lambda x: x, "a function cannot be saved"),
        (nn.ReLU, "the class ReLU cannot be saved as an option. Give an object"),
        (torch.float64, "a dtype cannot be saved"),
        (Settings(), r"a Settings cannot be saved as an option\. Decorate its class with @diffeo\.register"),
        ([1, [Settings()]], r"option\[1\]\[0\]: a Settings cannot"),
        ({"a": torch.relu}, r"option\['a'\]: a builtin"),
        ({1: 2}, "keys of a dict must be strings"),
        ({"class": 2}, "and not 'class'"),
        ({3, 1}, r"a set has no order.*sorted"),
        (b"bytes", "a bytes cannot be saved"),
        (1j, "a complex cannot be saved"),
    ],
)
def test_what_no_file_holds_is_refused_when_it_is_built(option, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        OptionTaker(option)


def test_the_constructor_gets_what_a_file_would_give() -> None:
    assert OptionTaker(np.eye(2)).option == [[1.0, 0.0], [0.0, 1.0]]
    assert OptionTaker({"a": torch.ones(2)}).option == {"a": [1.0, 1.0]}
    assert OptionTaker((4, (1, 2))).option == [4, [1, 2]]
    assert OptionTaker({"a": torch.Size([4])}).option == {"a": [4]}
    assert OptionTaker(np.bool_(True)).option is True
    given = [1, 2]
    taker = OptionTaker(given)
    given.append(3)
    assert taker._options == {"option": [1, 2]}


# ---- one layer in several places


def coupling() -> Coupling:
    return Coupling(4, MLP(2, 4, width=8))


def two_with_one_network() -> list[Coupling]:
    network = MLP(2, 4, width=8)
    return [Coupling(4, network), Coupling(4, network, swap=True)]


def in_a_chain_of_its_own() -> list[diffeo.Bijection]:
    layer = ActNorm(4)
    return [Chain([layer]), Chain([Flip(), layer])]


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (
            lambda: [ActNorm(4), coupling(), Flip()] * 3,
            "layer 0 and layer 3 are one ActNorm object.*Build one for each",
        ),
        (lambda: [coupling(), Flip()] * 2, "layer 0 and layer 2 are one Coupling object"),
        (lambda: [diffeo.Standardize((4,))] * 2, "layer 0 and layer 1 are one Standardize object"),
        (two_with_one_network, r"layer 0 and layer 1 share parameters \(conditioner.hidden.0.weight is"),
        (in_a_chain_of_its_own, r"share parameters \(layers.0.shift is layers.1.shift\)"),
    ],
)
def test_a_layer_in_two_places_is_refused_when_the_chain_is_built(layers, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Chain(layers())


def test_a_split_and_a_flow_refuse_shared_parts() -> None:
    network = MLP(2, 4, width=8)
    with pytest.raises(ValueError, match="Split: rest and prior share parameters"):
        Split((4,), Chain([Inside(network)]), network)
    embedding = diffeo.ClassEmbedding(3, 4)
    with pytest.raises(ValueError, match="Flow: bijection and embedding share parameters"):
        Flow(Chain([Inside(embedding, (4,))]), StandardNormal(4), embedding=embedding)


class Inside(diffeo.Bijection):
    """The identity, around a network that it does not use."""

    def __init__(self, network: nn.Module, condition_shape: tuple[int, ...] | None = None):
        super().__init__()
        self.network, self.condition_shape = network, condition_shape

    def encode(self, x, condition=None):
        return x, x.new_zeros(len(x))

    decode = encode


def test_a_layer_without_parameters_may_be_used_again(tmp_path) -> None:
    flip, order = Flip(), Permutation(ORDER)
    again(around(flip, order, ActNorm(4), flip, order, flip), tmp_path)


def test_the_advice_for_repeated_layers_works(tmp_path) -> None:
    layers = [layer for _ in range(3) for layer in (diffeo.ActNorm(4), diffeo.Flip())]
    flow = around(*layers)
    flow.initialize(X)
    again(flow, tmp_path)


# ---- networks and maps of one's own


class Squared:
    """A map without __repr__."""

    parameters_per_dimension = 1

    def __init__(self, factor: float = 1.0):
        self.factor = factor

    def encode(self, x, parameters):
        return x + self.factor * parameters.square(), torch.zeros_like(x)

    def decode(self, z, parameters):
        return z - self.factor * parameters.square(), torch.zeros_like(z)


@diffeo.register
class SquaredOnce(Squared):
    pass


def test_an_elementwise_map_without_repr_is_saved(tmp_path) -> None:
    flow = around(Coupling(4, MLP(2, 2, width=8), elementwise=SquaredOnce(0.5)))
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter.add_(0.3)
    assert again(flow, tmp_path).bijection.layers[0].elementwise.factor == 0.5
    assert "SquaredOnce" in repr(flow)
    assert " at 0x" not in repr(flow)
    flow.bijection.layers[0].elementwise = SquaredOnce(0.25)
    with pytest.raises(ValueError, match="changed after it was built"):
        flow.save_pretrained(tmp_path / "changed")


def test_what_is_not_registered_works_and_is_refused_by_name_when_saved(tmp_path) -> None:
    flow = around(Coupling(4, MLP(2, 2, width=8), elementwise=Squared()))
    diffeo.fit(flow, X.repeat(10, 1), epochs=1, batch_size=20, progress=False)
    with pytest.raises(TypeError, match="Squared cannot be saved: its class is not registered"):
        flow.save_pretrained(tmp_path / "model")


def test_a_network_that_was_trained_unregistered_is_saved_as_the_error_says(tmp_path) -> None:
    class LateNet(nn.Module):
        def __init__(self, width: int = 3):
            super().__init__()
            self.layers = nn.Sequential(nn.Linear(2, width), nn.Tanh(), nn.Linear(width, 4))

        def forward(self, a, condition=None):
            return self.layers(a)

    old = around(Coupling(4, LateNet()))
    diffeo.register(LateNet)
    with pytest.raises(
        TypeError, match=r"built before its class was registered.*new\.load_state_dict\(old\.state_dict"
    ):
        old.save_pretrained(tmp_path / "old")
    new = around(Coupling(4, LateNet()))
    new.load_state_dict(old.state_dict())
    assert torch.equal(again(new, tmp_path).log_prob(X), old.log_prob(X))


@diffeo.register
class WeightNormed(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.utils.parametrizations.weight_norm(nn.Linear(2, 4))

    def forward(self, a):
        return self.net(a)


def test_a_layer_that_torch_made_over_is_saved_as_the_error_says(tmp_path) -> None:
    old = around(Coupling(4, nn.utils.parametrizations.weight_norm(nn.Linear(2, 4))))
    with pytest.raises(TypeError, match=r"made by torch.*new_part\.net\.load_state_dict\(old_part\.state_dict\(\)\)"):
        old.save_pretrained(tmp_path / "old")
    new = around(Coupling(4, WeightNormed()))
    new_part, old_part = (flow.bijection.layers[0].conditioner for flow in (new, old))
    new_part.net.load_state_dict(old_part.state_dict())
    assert torch.equal(again(new, tmp_path).log_prob(X), old.log_prob(X))


PLAIN = {
    "Linear": lambda: nn.Linear(2, 4),
    "Linear without bias": lambda: nn.Linear(2, 4, bias=False),
    "Sequential": lambda: nn.Sequential(nn.Linear(2, 8), nn.LeakyReLU(0.2), nn.LayerNorm(8), nn.Linear(8, 4)),
    "nested": lambda: nn.Sequential(nn.Sequential(nn.Linear(2, 8), nn.GELU("tanh")), nn.Dropout(0.1), nn.Linear(8, 4)),
    "named": lambda: nn.Sequential(OrderedDict(first=nn.Linear(2, 8), act=nn.Softplus(2.0), last=nn.Linear(8, 4))),
}


@pytest.mark.parametrize("kind", list(PLAIN))
def test_torchs_own_layers_are_saved_as_conditioners(kind: str, tmp_path) -> None:
    flow = around(Coupling(4, PLAIN[kind]()), Flip(), Coupling(4, PLAIN[kind]()))
    loaded = again(flow, tmp_path)
    assert repr(loaded.bijection.layers[0].conditioner) == repr(flow.bijection.layers[0].conditioner)


def test_torchs_own_convolutions_are_saved_as_conditioners(tmp_path) -> None:
    network = nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1, padding_mode="circular"), nn.ELU(), nn.Conv2d(4, 4, 1, bias=False)
    )
    flow = Flow(Chain([Coupling(4, network), Flatten((4, 2, 2))]), StandardNormal(16))
    again(flow, tmp_path, torch.randn(3, 4, 2, 2))


def test_a_file_that_names_what_torch_has_not_is_refused() -> None:
    for name in ("torch.nn.Parameter", "torch.nn.functional", "torch.nn.Nothing", "torch.nn.init.normal_"):
        with pytest.raises(ValueError, match=r"torch\.nn has no layer"):
            diffeo.saving.configuration.build({"class": name, "options": {}})
    with pytest.raises(ValueError, match=r"torch\.nn\.Linear: "):
        diffeo.saving.configuration.build({"class": "torch.nn.Linear", "options": {"sise": 3}})


@diffeo.register
class Tied(nn.Module):
    """Two layers with one weight."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(2, 2), nn.Linear(2, 2)
        self.second.weight = self.first.weight
        self.again = self.first

    def forward(self, a):
        a = self.again(self.second(self.first(a)))
        return torch.cat([a, a], 1)


def test_a_network_that_ties_its_own_weights_is_saved_and_stays_tied(tmp_path) -> None:
    network = again(around(Coupling(4, Tied())), tmp_path).bijection.layers[0].conditioner
    assert network.first.weight is network.second.weight
    assert network.again is network.first


def test_a_run_that_could_not_be_saved_is_refused_before_it_starts(tmp_path) -> None:
    from diffeo.runs import train_run

    class Nameless(nn.Module):
        def forward(self, a):
            return torch.cat([a, a], 1)

    data = diffeo.data.load("moons")
    unregistered = Flow(Chain([Coupling(2, Nameless())]), StandardNormal(2))
    changed = RealNVP(2, couplings=2, width=8)
    changed.bijection.layers.append(ActNorm(2))
    for flow, error in ((unregistered, TypeError), (changed, ValueError)):
        with pytest.raises(error, match="cannot be saved"):
            train_run(flow, data, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_what_is_no_option_is_named_with_the_class_and_its_options() -> None:
    with pytest.raises(
        TypeError, match=r"NICE: got an unexpected keyword argument 'dept'. Its options are shape, .*depth"
    ):
        diffeo.NICE(4, dept=2)
    with pytest.raises(TypeError, match="Flatten: missing a required argument: 'shape'"):
        diffeo.Flatten()
