"""A model is opened within what its tensors warrant, and whatever its config.json says is read or refused in a line."""

import json
import os
import random
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

import diffeo
from diffeo import Flip, Flow, RealNVP, StandardNormal
from diffeo.saving import building, configuration, tensors
from diffeo.saving.building import Budget
from reliability.limited import limited

SLACK = 100 << 20  # bytes that opening takes whatever the size: what constructors may make beside, and Python's own


def part(name: str, **options: Any) -> dict[str, Any]:
    return {"class": name, "options": options}


def layer(name: str, **options: Any) -> dict[str, Any]:
    return part(f"torch.nn.{name}", **options)


def inside(depth: int) -> dict[str, Any]:
    found = part("Flip")
    for _ in range(depth):
        found = part("Inverse", bijection=found)
    return found


def flow_inside(depth: int) -> dict[str, Any]:
    found: dict[str, Any] = part("Flip")
    for _ in range(depth):
        found = part("Flow", bijection=found, base=part("StandardNormal", features=2))
    return found


BILLION = 10**9
HOSTILE: dict[str, dict[str, Any]] = {
    "a row of 10^8": part("RealNVP", shape=10**8),
    "a row of 10^300": part("RealNVP", shape=10**300),
    "an image of 3 x 2^20 x 2^20": part("Glow", shape=[3, 2**20, 2**20]),
    "10^5 dimensions": part("RealNVP", shape=[2] * 100_000),
    "10^5 dimensions of a layer": part("Standardize", shape=[2] * 100_000),
    "10^4 huge dimensions": part("Flatten", shape=[10**300] * 10_000),
    "10^6 dimensions of ones": part("Gaussianize", shape=[1] * 1_000_000, values=2),
    "a shape of nothing": part("RealNVP", shape=[]),
    "a shape of 0": part("RealNVP", shape=[0]),
    "a shape of -1": part("RealNVP", shape=-1),
    "a shape that is true": part("Standardize", shape=True),
    "a shape that is a text": part("RealNVP", shape="two"),
    "a shape that is a model": part("RealNVP", shape=part("RealNVP", shape=2)),
    "couplings": part("RealNVP", shape=2, couplings=BILLION),
    "depth": part("RealNVP", shape=2, depth=BILLION),
    "depth of an MLP": part("MLP", features=1, outputs=1, depth=BILLION),
    "depth of NICE": part("NICE", shape=2, depth=10**18),
    "width": part("RealNVP", shape=2, width=BILLION),
    "steps": part("Glow", shape=[1, 8, 8], steps=BILLION),
    "levels": part("Glow", shape=[1, 8, 8], levels=BILLION),
    "levels of RealNVP": part("RealNVP", shape=[1, 8, 8], levels=10**18),
    "blocks": part("RealNVP", shape=[1, 8, 8], blocks=BILLION),
    "places": part("ConvNet", channels=1, outputs=1, places=[10**5, 10**5]),
    "a place": part("ConvNet", channels=1, outputs=1, places=[1]),
    "classes": part("RealNVP", shape=2, classes=BILLION),
    "an image as a condition": part("RealNVP", shape=2, condition_shape=[10**5] * 3),
    "a condition that is a text": part("RealNVP", shape=2, condition_shape="x"),
    "values of 2.5": part("RealNVP", shape=2, values=2.5),
    "values of 2^200": part("Gaussianize", shape=[2], values=2**200),
    "values of 10^399": part("Gaussianize", shape=[2], values=10**399),
    "a million logs": part("Gaussianize", shape=[10**7], values=10**18),
    "channels of a 1x1 convolution": part("InvertibleConv1x1", channels=20_000),
    "-3 channels": part("InvertibleConv1x1", channels=-3),
    "a patch": part("ResidualConvNet", channels=1, outputs=1, patch=BILLION),
    "a text for a bijection": part("Flow", bijection="x", base=part("StandardNormal", features=2)),
    "nothing for a bijection": part("Flow", bijection=None, base=None),
    "a text for a base": part("Flow", bijection=part("Flip"), base="x"),
    "a text for the rest": part("Split", shape=[2, 2], rest="x"),
    "no dimension to split": part("Split", shape=[], rest=part("Flip")),
    "a text for dropout": part("RealNVP", shape=2, dropout="x"),
    "texts in an order": part("Permutation", order=["a", "b"]),
    "a name of a million letters": part("A" * 10**6),
    "a layer's name of a million letters": layer("A" * 10**6),
    "an option of a million letters": part("RealNVP", **{"x" * 10**6: 1}),
    "a value of a million letters": part("RealNVP", shape=2, values=4, preprocessing="x" * 10**6),
    "a hundred thousand options": part("RealNVP", **{f"o{i}": i for i in range(100_000)}),
    "a class that is a list": {"class": ["RealNVP"], "options": {}},
    "options that are a list": {"class": "RealNVP", "options": []},
    "a function for a class": part("load"),
    "a list of numbers": part("Chain", layers=[1, 2]),
    "80,000 layers without tensors": part("Chain", layers=[part("Flip")] * 80_000),
    "50,000 layers of torch's": part("Chain", layers=[layer("Identity")] * 50_000),
    "torch's Linear": layer("Linear", in_features=BILLION, out_features=BILLION),
    "torch's Linear elsewhere": layer("Linear", in_features=2, out_features=2, device="meta"),
    "torch's LSTM": layer("LSTM", input_size=1, hidden_size=1, num_layers=BILLION),
    "torch's Transformer": layer("Transformer", d_model=2, nhead=1, num_encoder_layers=BILLION),
    "torch's clones of nothing": layer("TransformerEncoder", encoder_layer=layer("Identity"), num_layers=BILLION),
    "torch's Conv2d": layer("Conv2d", in_channels=1, out_channels=1, kernel_size=[3] * 100_000),
    "torch's lazy Linear": layer("LazyLinear", out_features=3),
    "a list for a Sequential": layer("Sequential", layers=[1]),
    "a name with a dot": layer("Sequential", layers={"a.b": layer("Identity")}),
    "no layer": layer("functional"),
    "flows 300 deep": flow_inside(300),
    "layers 40 deep": inside(40),
}


def model(folder: Path, described: dict[str, Any], held: dict[str, torch.Tensor] | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"format": 1, **described, "versions": {}}))
    save_file({"some": torch.zeros(5)} if held is None else held, folder / "model.safetensors")
    return folder


@pytest.mark.parametrize("what", HOSTILE)
def test_a_config_that_asks_for_what_the_tensors_do_not_hold_is_refused_at_once(tmp_path: Path, what: str) -> None:
    folder = model(tmp_path / "model", HOSTILE[what])
    ended = limited(diffeo.load, folder)
    assert (ended.how, ended.error, ended.own) == ("raised", "ValueError", True), ended
    assert ended.message.startswith(str(folder / "config.json"))
    assert "\n" not in ended.message
    assert len(ended.message) < 1000 + len(str(folder))
    assert ended.grown < SLACK, f"{ended.grown / 1e6:.0f} MB"


def _opened(folder: Path) -> int:
    return sum(tensor.numel() for tensor in diffeo.load(folder).state_dict().values())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_opening_takes_the_tensors_once(tmp_path: Path, dtype: torch.dtype) -> None:
    flow = Flow(diffeo.Chain([diffeo.Coupling(2, diffeo.MLP(1, 2, width=5000, depth=3))]), StandardNormal(2))
    flow.to(dtype).save_pretrained(tmp_path / "model")
    size = (tmp_path / "model/model.safetensors").stat().st_size
    ended = limited(_opened, tmp_path / "model", seconds=60)
    assert int(ended.value) * torch.finfo(dtype).bits // 8 <= size + 100
    assert ended.grown < 1.2 * size + (50 << 20), f"{ended.grown / size:.2f} times"


@pytest.mark.parametrize(
    "described",
    [
        part("RealNVP", shape=2, width=6000),
        part("RealNVP", shape=2, width=5000, couplings=10**9),
        part("MLP", features=1, outputs=1, width=5000, depth=10**9),
        part("Gaussianize", shape=[10**7], values=256),
    ],
)
def test_a_config_that_does_not_fit_takes_no_more_than_its_tensors(tmp_path: Path, described: dict[str, Any]) -> None:
    held = {"some": torch.zeros(5000, 5000), "more": torch.zeros(5000)}
    ended = limited(diffeo.load, model(tmp_path / "model", described, held), seconds=60)
    assert (ended.how, ended.own) == ("raised", True), ended
    assert ended.grown < 1.2 * 4 * 5000**2 + SLACK, f"{ended.grown / 1e6:.0f} MB"


def test_a_file_of_more_tensors_than_a_model_has_is_refused_before_it_is_parsed(tmp_path: Path) -> None:
    folder = model(tmp_path / "model", part("RealNVP", shape=2))
    entry = '"{}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}'
    for many, said in ((1_500_000, "a header of"), (tensors.MOST_TENSORS + 1, "holds 20,001 tensors")):
        header = ("{" + ",".join(entry.format(i) for i in range(many)) + "}").encode()
        (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
        ended = limited(diffeo.load, folder)
        assert (ended.how, ended.own) == ("raised", True), ended
        assert f"{folder / 'model.safetensors'} " in ended.message
        assert said in ended.message
        assert ended.grown < SLACK


HEADERS = {
    "empty": b"",
    "shorter than its length": b"\x01\x02",
    "of length 0": struct.pack("<Q", 0),
    "of an endless length": struct.pack("<Q", 2**63) + b"{}",
    "longer than the file": struct.pack("<Q", 100) + b"{}",
    "no JSON": struct.pack("<Q", 2) + b"{]",
    "deep": struct.pack("<Q", 100_000) + b"[" * 100_000,
    "not of tensors": struct.pack("<Q", 9) + b'{"a": 1} ',
}
ENTRY = '{"some": %s}'
for named, entry in {
    "an unknown type": '{"dtype": "F7", "shape": [1], "data_offsets": [0, 4]}',
    "a size of 10^18": '{"dtype": "F32", "shape": [1000000000000000000], "data_offsets": [0, 4]}',
    "a size of -1": '{"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}',
    "a million sizes": '{"dtype": "F32", "shape": [' + "1," * 999_999 + '1], "data_offsets": [0, 4]}',
    "nothing, of 2^62 rows": '{"dtype": "F32", "shape": [0, 4611686018427387904, 8], "data_offsets": [0, 0]}',
    "numbers outside of the file": '{"dtype": "F32", "shape": [3], "data_offsets": [0, 12]}',
    "offsets that are texts": '{"dtype": "F32", "shape": [1], "data_offsets": ["0", "4"]}',
}.items():
    text = (ENTRY % entry).encode()
    HEADERS[named] = struct.pack("<Q", len(text)) + text + (b"\0" * 4 if "0, 0" not in entry else b"")


@pytest.mark.parametrize("what", HEADERS)
def test_a_damaged_header_is_refused_in_one_sentence(tmp_path: Path, what: str) -> None:
    folder = model(tmp_path / "model", part("Flip"))
    (folder / "model.safetensors").write_bytes(HEADERS[what])
    ended = limited(diffeo.load, folder)
    assert (ended.how, ended.error, ended.own) == ("raised", "ValueError", True), ended
    assert str(folder) in ended.message
    assert ended.grown < SLACK


def mutated(value: Any, rng: random.Random) -> Any:
    """A value of JSON with one thing in it changed."""
    others = [None, True, -1, 0, 2.5, 10**9, 10**30, "x", [], {}, [1, 2], "RealNVP", {"class": "Flip", "options": {}}]
    if isinstance(value, dict) and value and rng.random() < 0.8:
        key = rng.choice(sorted(value))
        if (what := rng.random()) < 0.1:
            return {k: v for k, v in value.items() if k != key}
        return {**value, (key + "s" if what < 0.2 else key): mutated(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.8:
        i = rng.randrange(len(value))
        return [*value[:i], mutated(value[i], rng), *value[i + 1 :]]
    if isinstance(value, (int, float)) and rng.random() < 0.5:
        return rng.choice([value + 1, value * 10**4, -value, str(value), [value]])
    return rng.choice(others)


def _open_all(folders: list[Path]) -> list[str]:
    """What opening said that it should not have said."""
    wrong = []
    for folder in folders:
        try:
            diffeo.load(folder)
        except ValueError as error:
            if not str(error).startswith(str(folder)) or "\n" in str(error):
                wrong.append(f"{folder.name}: {error}")
        except Exception as error:
            wrong.append(f"{folder.name}: {type(error).__name__}: {error}")
    return wrong


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["realnvp-moons", "glow-digits", "chain"])
def test_a_config_changed_at_random_is_read_or_refused(tmp_path: Path, name: str) -> None:
    own = Path(__file__).parents[1] / "contract/fixtures/flow-1"
    place = own if name == "chain" else diffeo.models.folder(name)
    described, rng = json.loads((place / "config.json").read_text()), random.Random(0)
    folders = []
    for i in range(100):
        changed: Any = described
        for _ in range(rng.randrange(1, 3)):
            changed = mutated(changed, rng)
        folders.append(tmp_path / str(i))
        folders[-1].mkdir()
        (folders[-1] / "config.json").write_text(json.dumps(changed))
        os.link(place / "model.safetensors", folders[-1] / "model.safetensors")
    ended = limited(_open_all, folders, seconds=120)
    assert (ended.how, ended.value) == ("returned", "[]"), ended


@diffeo.register
class Kernel(nn.Module):
    """One of a user's own, whose constructor computes: a buffer that no file holds, and one that is part of another."""

    def __init__(self, size: int):
        super().__init__()
        points = torch.linspace(0, 1, size)
        distances = (points[:, None] - points[None]).square()
        self.register_buffer("kernel", torch.exp(-distances), persistent=False)
        self.register_buffer("root", torch.linalg.cholesky(torch.exp(-distances) + torch.eye(size)))
        self.net = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 2))
        self.net[2] = nn.Linear(8, 2)  # another in its place
        self.names = ["a"] * size

    def forward(self, x: torch.Tensor, condition: torch.Tensor | None = None) -> torch.Tensor:
        return self.net(x) + self.kernel[0, -1] + self.root[-1, 0]


def test_a_class_of_a_users_own_whose_constructor_computes_opens_to_the_last_bit(tmp_path: Path) -> None:
    layers: list[Any] = [
        diffeo.Coupling(2, Kernel(600)),
        diffeo.Permutation(list(range(2))),
        diffeo.Coupling(2, Kernel(5)),
    ]
    flow = Flow(diffeo.Chain(layers), StandardNormal(2)).eval()
    flow.save_pretrained(tmp_path / "model")
    again, x = diffeo.load(tmp_path / "model"), torch.randn(4, 2)
    assert torch.equal(again.log_prob(x), flow.log_prob(x))
    kernel = again.bijection.layers[0].conditioner.kernel
    assert torch.equal(kernel, layers[0].conditioner.kernel)


def test_long_lists_of_numbers_are_options_like_others(tmp_path: Path) -> None:
    order = list(range(20_000))
    random.Random(0).shuffle(order)
    flow = Flow(diffeo.Chain([diffeo.Permutation(order) for _ in range(5)]), StandardNormal(20_000))
    flow.save_pretrained(tmp_path / "model")
    assert torch.equal(diffeo.load(tmp_path / "model").bijection.layers[4].order, flow.bijection.layers[4].order)


def test_what_could_not_be_opened_is_not_saved(tmp_path: Path) -> None:
    deep: Any = Flip()
    for _ in range(200):
        deep = diffeo.Inverse(deep)
    with pytest.raises(ValueError, match=r"Flow cannot be saved, since it could not be opened: .* deep in each other"):
        Flow(deep, StandardNormal(2)).save_pretrained(tmp_path / "model")
    with pytest.raises(ValueError, match=r"cannot be saved, since it could not be opened: .* bytes, and at most"):
        Flow(diffeo.Permutation(list(range(300_000))), StandardNormal(300_000)).save_pretrained(tmp_path / "model")
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("layers", [[Flip() for _ in range(300)], 40], ids=["beside each other", "in each other"])
def test_many_layers_are_saved_and_opened(layers: Any, tmp_path: Path) -> None:
    if isinstance(layers, int):
        inner: Any = Flip()
        for _ in range(layers):
            inner = diffeo.Chain([inner])
        layers = [inner]
    Flow(diffeo.Chain(layers), StandardNormal(2)).save_pretrained(tmp_path / "model")
    assert diffeo.load(tmp_path / "model").bijection is not None


def test_a_shipped_model_opens_to_the_bytes_of_its_file() -> None:
    from safetensors.torch import load_file

    for name in ("glow-mnist-classes", "realnvp-power"):
        flow, held = diffeo.load(name), load_file(diffeo.models.folder(name) / "model.safetensors")
        state = flow.state_dict()
        assert set(state) == set(held)
        assert all(torch.equal(state[key], tensor) for key, tensor in held.items())
        assert all(tensor.data_ptr() % 64 == 0 and tensor.is_contiguous() for tensor in state.values())
        assert all(parameter.requires_grad for parameter in flow.parameters())


def test_a_constructors_budget_is_of_its_thread_alone() -> None:
    made: list[nn.Module] = []
    other = threading.Thread(target=lambda: made.append(nn.Linear(4000, 4000)))
    with Budget([(2, 2)]):
        other.start()
        other.join()
        with pytest.raises(
            ValueError, match=r"ask for a tensor of 16,000,000 numbers, and the file holds 4 in 1 tensor"
        ):
            nn.Linear(4000, 4000)
    assert len(made) == 1
    nn.Linear(4000, 4000)


def test_a_profiler_of_the_users_goes_on(tmp_path: Path) -> None:
    import sys

    seen: list[str] = []
    sys.setprofile(lambda frame, event, argument: seen.append(event))
    try:
        diffeo.load("realnvp-moons")
        before = len(seen)
        diffeo.load("realnvp-moons")
        assert len(seen) > before > 0
    finally:
        sys.setprofile(None)
    diffeo.load("realnvp-moons")
    assert sys.getprofile() is None


@pytest.mark.parametrize(
    "make",
    [
        lambda: torch.eye(10**6),
        lambda: torch.zeros(1).repeat(10**4, 10**4),
        lambda: torch.ones(10**4)[:, None] * torch.ones(10**4),
        lambda: torch.zeros(3).new_zeros(10**9),
        lambda: torch.randperm(10**9),
        lambda: [torch.zeros(10**6) for _ in range(10**3)],
        lambda: torch.linalg.qr(torch.zeros(2800, 2800)),
        lambda: [nn.Identity() for _ in range(10**6)],
        lambda: [nn.Linear(1, 1) for _ in range(10**5)],
    ],
)
def test_whatever_makes_much_is_stopped(make: Callable[[], Any]) -> None:
    with Budget([(2, 2)]), pytest.raises(ValueError, match="and the file holds 4 in 1 tensor"):
        make()
    assert building.torch.zeros(2).sum() == 0  # torch is as before


def test_a_model_is_built_as_its_seed_has_it_where_its_tensors_are_not_needed() -> None:
    flow = configuration.build(part("Glow", shape=[1, 4, 4], steps=1, width=4))
    assert isinstance(flow, diffeo.Glow)
    torch.manual_seed(0)
    first = diffeo.InvertibleConv1x1(4).weight()
    torch.manual_seed(0)
    assert torch.equal(configuration.build(part("InvertibleConv1x1", channels=4)).weight(), first)
    with pytest.raises(ValueError, match="RealNVP: these options ask for a tensor"):
        configuration.build(part("RealNVP", shape=10**8), holds=[(2,)])
    assert isinstance(configuration.build(part("RealNVP", shape=2), holds=[(2,)] * 10_000), RealNVP)
