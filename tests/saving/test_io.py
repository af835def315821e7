"""Saving and loading: strict, without pickle, never half."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

import diffeo
from diffeo import MLP, ActNorm, Chain, Coupling, Flow, Glow, RealNVP, StandardNormal


@pytest.fixture
def saved(tmp_path):
    flow = RealNVP(3, couplings=2, width=8)
    flow.initialize(torch.randn(20, 3))
    return flow.eval(), flow.save_pretrained(tmp_path / "model")


def rewrite(folder, **changes) -> None:
    path = folder / "config.json"
    data = json.loads(path.read_text())
    data.update(changes)
    path.write_text(json.dumps(data))


def test_a_fresh_process_scores_the_same(tmp_path) -> None:
    flows = {
        "realnvp": RealNVP((1, 8, 8), values=17, width=8, classes=3),
        "glow": Glow((1, 8, 8), values=17, steps=1, width=8, classes=3).double(),
        "own": Flow(Chain([ActNorm(64), Coupling(64, MLP(32, 64, condition_shape=(32,)))]), StandardNormal(64),
                    embedding=diffeo.ClassEmbedding(3)),
    }  # fmt: skip
    x = torch.randint(0, 17, (4, 1, 8, 8), dtype=torch.uint8)
    torch.save((x, x.flatten(1).float()), tmp_path / "x.pt")
    expected = []
    for name, flow in flows.items():
        if flow.door is not None:
            flow.initialize(x, 1)
        flow.eval().save_pretrained(tmp_path / name)
        rows = x if flow.door is not None else x.flatten(1).float()
        expected.append(flow.log_prob(rows, 2, generator=torch.Generator().manual_seed(0)).tolist())
    code = f"""
import torch, diffeo
torch.set_num_threads(1)
integers, numbers = torch.load({str(tmp_path / "x.pt")!r})
for name in {list(flows)}:
    flow = diffeo.load({str(tmp_path)!r} + "/" + name)
    x = integers if flow.door is not None else numbers
    print(flow.log_prob(x, 2, generator=torch.Generator().manual_seed(0)).tolist())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert [json.loads(line) for line in done.stdout.splitlines()] == expected


def test_every_registered_class_is_found_by_a_process_that_only_loads() -> None:
    code = """
import sys, diffeo
from diffeo.saving import registry
for name in sys.argv[1:]:
    registry.find(name)
"""
    for name in dir(diffeo):
        getattr(diffeo, name)
    ours = [name for name, cls in diffeo.saving.registry.registered().items() if cls.__module__.startswith("diffeo.")]
    assert len(ours) > 25
    subprocess.run([sys.executable, "-c", code, *ours], check=True)


def test_a_folder_with_a_model_is_not_overwritten(saved) -> None:
    flow, folder = saved
    before = (folder / "model.safetensors").read_bytes()
    with pytest.raises(FileExistsError, match="overwrite=True"):
        flow.save_pretrained(folder)
    assert (folder / "model.safetensors").read_bytes() == before
    flow.save_pretrained(folder, overwrite=True)
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"more": 1}, "expected the keys .* got class, format, more, options"),
        ({"format": 2}, "Update diffeo"),
        ({"class": "Nobody"}, "unknown class 'Nobody'"),
        ({"options": {"shape": 3, "sise": 4}}, "unknown option sise"),
        ({"options": {"shape": 4, "couplings": 2, "width": 8}}, "has shape"),
        ({"options": {"shape": 3, "couplings": 3, "width": 8}}, "missing"),
        ({"options": {"shape": 3, "couplings": 1, "width": 8}}, "extra"),
        ({"options": {}}, "RealNVP"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(saved, changes: dict, message: str) -> None:
    _, folder = saved
    rewrite(folder, **changes)
    with pytest.raises(ValueError, match=message):
        diffeo.load(folder)


def test_damaged_or_missing_files_are_named(saved, tmp_path) -> None:
    _, folder = saved
    with pytest.raises(FileNotFoundError, match="nowhere does not exist, and no model that ships is called so"):
        diffeo.load(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"config\.json is missing"):
        diffeo.load(tmp_path)
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match="damaged"):
        diffeo.load(folder)
    (folder / "config.json").write_text("{")
    with pytest.raises(ValueError, match="not valid JSON"):
        diffeo.load(folder)


class Unknown(nn.Module):
    def forward(self, x, condition=None):
        return torch.cat([x, x], 1)


def test_what_is_not_registered_is_refused_when_saving(tmp_path) -> None:
    flow = Flow(Chain([Coupling(2, Unknown())]), StandardNormal(2))
    with pytest.raises(
        TypeError, match=r"Unknown cannot be saved: its class is not.*@diffeo\.register.*load_state_dict"
    ):
        flow.save_pretrained(tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_what_its_options_do_not_describe_is_refused_when_saving(tmp_path) -> None:
    flow = RealNVP(2, couplings=2, width=8)
    flow.bijection.layers.append(ActNorm(2))
    with pytest.raises(ValueError, match="extra"):
        flow.save_pretrained(tmp_path / "model")


def test_a_users_own_class_saves_once_registered(tmp_path) -> None:
    @diffeo.register
    class Doubled(nn.Module):
        def __init__(self, factor: float):
            super().__init__()
            self.scale = nn.Parameter(torch.tensor(factor))

        def forward(self, x, condition=None):
            return self.scale * torch.cat([x, x], 1)

    flow = Flow(Chain([Coupling(2, Doubled(0.25))]), StandardNormal(2))
    flow.save_pretrained(tmp_path / "model")
    x = torch.randn(3, 2)
    assert torch.equal(diffeo.load(tmp_path / "model").log_prob(x), flow.log_prob(x))


def test_names_must_be_unique_and_options_named() -> None:
    with pytest.raises(ValueError, match="already registered"):
        diffeo.register(type("RealNVP", (nn.Module,), {"__module__": "somewhere"}))

    class Loose(nn.Module):
        def __init__(self, *sizes: int):
            super().__init__()

    with pytest.raises(TypeError, match="options must have names"):
        diffeo.register(Loose)


def test_from_pretrained_checks_the_class(saved) -> None:
    _, folder = saved
    assert isinstance(Flow.from_pretrained(folder), RealNVP)
    with pytest.raises(ValueError, match="holds a RealNVP, not a Glow"):
        Glow.from_pretrained(folder)


def test_a_list_of_layers_may_be_used_on_by_its_owner(tmp_path) -> None:
    layers = [Coupling(3, MLP(1, 4)), ActNorm(3)]
    flow = Flow(Chain(layers), StandardNormal(3))
    layers.append(diffeo.Flip())
    flow.save_pretrained(tmp_path / "model")
    x = torch.randn(4, 3)
    assert torch.equal(diffeo.load(tmp_path / "model").encode(x)[0], flow.encode(x)[0])


def test_a_model_changed_after_it_was_built_is_refused_when_saving(tmp_path) -> None:
    appended = Flow(Chain([ActNorm(3)]), StandardNormal(3))
    appended.bijection.layers.append(diffeo.Flip())
    exchanged = Flow(Chain([Coupling(3, MLP(1, 4))]), StandardNormal(3))
    exchanged.bijection.layers[0].elementwise = diffeo.Affine(bound=1.0)
    shared = Flow(Chain([Coupling(2, MLP(1, 2)), Coupling(2, MLP(1, 2), swap=True)]), StandardNormal(2))
    shared.bijection.layers[1].conditioner = shared.bijection.layers[0].conditioner
    for flow, message in ((appended, "changed"), (exchanged, "changed"), (shared, "share parameters")):
        with pytest.raises(ValueError, match=message):
            flow.save_pretrained(tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_tensors_of_mixed_or_half_precision_are_refused(saved) -> None:
    from safetensors.torch import load_file, save_file

    _, folder = saved
    tensors = load_file(folder / "model.safetensors")
    name = next(name for name, tensor in tensors.items() if tensor.is_floating_point())
    for dtype in (torch.float64, torch.float16):
        save_file({**tensors, name: tensors[name].to(dtype)}, folder / "model.safetensors")
        with pytest.raises(ValueError, match="not all float32"):
            diffeo.load(folder)
    save_file({**tensors, "bijection.layers.0.initialized": torch.tensor(1)}, folder / "model.safetensors")
    with pytest.raises(ValueError, match=r"torch\.int64, not torch\.bool"):
        diffeo.load(folder)


def test_a_model_is_loaded_and_saved_without_a_look_at_the_global_generator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = torch.get_rng_state()
    monkeypatch.setattr(torch, "set_rng_state", None)  # for a moment it would be another for all threads
    for name in ("glow-mnist-classes", "realnvp-digits", "realnvp-moons"):
        diffeo.load(name).save_pretrained(tmp_path / name)
        assert torch.equal(torch.get_rng_state(), before)


def flipped(path, at: int, bit: int = 0) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1 << bit
    path.write_bytes(bytes(content))


def test_a_flipped_bit_in_the_weights_is_noticed_and_the_file_is_named(saved) -> None:
    _, folder = saved
    path = folder / "model.safetensors"
    content = path.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    for at in (start, (start + len(content)) // 2, len(content) - 1):
        for bit in (0, 6):
            flipped(path, at, bit)
            with pytest.raises(ValueError, match=r"model\.safetensors is damaged: its numbers are not those"):
                diffeo.load(folder)
            path.write_bytes(content)
    diffeo.load(folder)


def test_tensors_that_have_changed_places_are_noticed(saved) -> None:
    _, folder = saved
    path = folder / "model.safetensors"
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    one, other = (name for name in header if header[name].get("shape") == [8, 8])
    header[one], header[other] = header[other], header[one]
    text = json.dumps(header, separators=(",", ":")).encode().ljust(length)
    assert len(text) == length
    path.write_bytes(content[:8] + text + content[8 + length :])
    with pytest.raises(ValueError, match="not those that were saved"):
        diffeo.load(folder)


def test_a_run_with_checkpoints_says_how_to_get_its_model_back(saved) -> None:
    _, folder = saved
    flipped(folder / "model.safetensors", -1)
    with pytest.raises(ValueError, match="Put back a copy of it"):
        diffeo.load(folder)
    (folder / "checkpoints" / "step-000000001").mkdir(parents=True)
    with pytest.raises(ValueError, match=f"diffeo train --resume .*{folder.name}"):
        diffeo.load(folder)


def test_files_without_a_checksum_and_weights_that_were_replaced_load(saved) -> None:
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    _, folder = saved
    path = folder / "model.safetensors"
    with safe_open(path, "pt") as file:
        assert set(file.metadata()) == {"sha256"}
    changed = {name: tensor + 1 if tensor.is_floating_point() else tensor for name, tensor in load_file(path).items()}
    save_file(changed, path)  # as other programs and earlier versions do
    loaded = diffeo.load(folder)
    assert all(torch.equal(tensor, changed[name]) for name, tensor in loaded.state_dict().items())
    loaded.save_pretrained(folder, overwrite=True)
    assert all(torch.equal(tensor, changed[name]) for name, tensor in diffeo.load(folder).state_dict().items())


def test_a_kill_between_the_two_files_leaves_a_model_that_opens(saved, monkeypatch) -> None:
    flow, folder = saved
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter.add_(1.0)

    def killed(path, content) -> None:
        if path.name == "config.json":
            raise KeyboardInterrupt
        path.write_bytes(content)

    monkeypatch.setattr("diffeo.saving.io.write_atomically", killed)
    with pytest.raises(KeyboardInterrupt):
        flow.save_pretrained(folder, overwrite=True)
    assert all(torch.equal(p, q) for p, q in zip(diffeo.load(folder).parameters(), flow.parameters(), strict=True))
