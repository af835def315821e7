"""The reference code of the lecture: short, free-standing, and the same densities as the library's."""

import ast
import json
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import Tensor, nn

import diffeo
from diffeo.cli.flows import options
from diffeo.elementwise import unbounded
from reference_code import REFERENCE, reference

pytestmark = pytest.mark.whole

realnvp, glow = reference("realnvp"), reference("glow")
RECIPES = Path(__file__).parents[2] / "recipes"
GAIN = 3.0  # of the library's last convolutions; the reference's have none


@pytest.mark.parametrize("name", ["realnvp", "glow"])
def test_a_file_has_under_200_lines_and_needs_no_diffeo(name: str) -> None:
    text = (REFERENCE / f"{name}.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) < 200
    nodes = list(ast.walk(ast.parse(text)))
    imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in imported} <= {
        "argparse", "gzip", "math", "os", "pathlib", "matplotlib", "torch", "safetensors", "sklearn",
    }  # fmt: skip


def shaken(model: nn.Module, seed: int = 0) -> nn.Module:
    """In float64, every parameter moved: zeros would hide a layer that is wrong."""
    model.double()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.05 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
    return model


def images(side: int, values: int) -> tuple[Tensor, Tensor]:
    """Integers, and their noise in the middles of the parts that the library rounds to."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randint(values, (6, 1, side, side), generator=generator, dtype=torch.uint8)
    parts = torch.randint(2**15, x.shape, generator=generator, dtype=torch.float64)
    return x, (parts + 0.5) / 2**15


def recipe(name: str, side: int, values: int) -> diffeo.Flow:
    """The library's model, from the recipe; every option of its family for images must be named there."""
    said = yaml.safe_load((RECIPES / f"{name}.yaml").read_text(encoding="utf-8"))
    assert set(said["model"]) == {option.name for option in options(said["flow"])} - {
        "couplings",
        "depth",
    }  # those are of vectors
    cls = {"realnvp": diffeo.RealNVP, "glow": diffeo.Glow}[said["flow"]]
    return cls((1, side, side), values=values, **said["model"])


def load(flow: diffeo.Flow, tensors: dict[str, Tensor]) -> diffeo.Flow:
    """Into the library's model: what the reference does not have is zero, and nothing it has is left over."""
    flow.double()
    state = flow.state_dict()
    extra = (
        ("places.bias", "shift", "raw_log_scale") if not any("shift" in name for name in tensors) else ("places.bias",)
    )
    absent = [name for name in state if name not in tensors]
    fixed = ("initialized", "origin", "order")
    assert all(name.endswith((*extra, *fixed)) for name in absent), absent
    assert set(tensors) <= set(state)
    zeros = {name: torch.zeros_like(state[name]) for name in absent if name.endswith(extra)}
    flow.load_state_dict({**state, **zeros, **tensors})
    return flow.eval()


def standardize(model: nn.Module) -> dict[str, Tensor]:
    return {"bijection.layers.1.mean": model.mean, "bijection.layers.1.scale": model.std}


def same_log_prob(model: nn.Module, flow: diffeo.Flow, x: Tensor, noise: Tensor, values: int) -> None:
    y = (x + noise) / values
    nats = -realnvp.loss(model, y) - x[0].numel() * math.log(values)  # the library's cells have volume one
    torch.testing.assert_close(flow.log_prob(x, noise=noise), nats, rtol=1e-9, atol=1e-7)
    z = torch.randn(4, x[0].numel(), dtype=torch.float64)
    latents = z.view(4, *model(y)[0].shape[1:])
    points = model.inverse(latents).view(4, *x.shape[1:]) * values
    torch.testing.assert_close(flow.bijection.decode(z)[0], points, rtol=1e-7, atol=1e-7)


def masked_coupling(layer: realnvp.MaskedCoupling) -> Iterator[tuple[str, Tensor]]:
    """A coupling's networks, without what the mask makes idle: the library's see and say only what matters."""
    first, last, bias = layer.first.weight, layer.last.weight, layer.last.bias
    if layer.mask.shape[1:] == (1, 1):  # halves of the channels
        kept = layer.mask.flatten().bool()
        first, changed = first[:, kept], torch.cat([~kept, ~kept])
        last, bias = last[changed], bias[changed]
    yield from (("first.weight", first), ("first.bias", layer.first.bias))
    for name in ("narrow", "wide"):
        part = getattr(layer, name)
        yield from ((f"{name}.0.weight", part.weight), (f"{name}.0.bias", part.bias))
    yield from (("output.weight", last / GAIN), ("output.bias", bias / GAIN))


@pytest.mark.parametrize(("side", "values"), [(8, 17), (28, 256)])
def test_the_papers_realnvp_is_the_librarys(side: int, values: int) -> None:
    x, noise = images(side, values)
    model: Any = shaken(realnvp.build("paper", (x + noise) / values))
    preprocess, scales = model
    tensors = standardize(preprocess)
    places = (
        [f"layers.{i}" for i in (1, 3, 5)],
        [f"layers.{i}" for i in (8, 10, 12)],
        [f"layers.13.rest.layers.{i}" for i in (1, 3, 5, 7)],
    )
    for part, names in zip((scales.fine, scales.squeezed, scales.coarse), places, strict=True):
        for layer, place in zip(part, names, strict=True):
            tensors |= {f"bijection.layers.2.{place}.conditioner.{name}": t for name, t in masked_coupling(layer)}
    same_log_prob(model, load(recipe("lecture-realnvp", side, values), tensors), x, noise, values)


def test_glow_is_the_librarys() -> None:
    x, noise = images(8, 17)
    y = (x + noise) / 17
    torch.manual_seed(3)
    model: Any = glow.Flow([glow.Preprocess(y), glow.Level(1, 8, 8)])
    model.double()(y)  # sets ActNorm
    model = shaken(model)
    flow = recipe("lecture-glow", 8, 17).double()
    tensors = standardize(model[0])
    level, place = model[1], "bijection.layers.2"
    while level is not None:
        mixing = dict(flow.named_modules())
        for i, layer in enumerate(level.steps):
            name = f"{place}.layers.{i + 1}"
            if isinstance(layer, glow.ActNorm):
                log_scale = unbounded(layer.log_scale.flatten(), 10.0)
                tensors |= {f"{name}.shift": layer.bias.flatten(), f"{name}.raw_log_scale": log_scale}
            elif isinstance(layer, glow.InvertibleConv1x1):
                below = unbounded(layer.lower, 2.0).tril(-1)
                above = unbounded(layer.upper, mixing[name].upper_bound).triu(1)
                tensors |= {
                    f"{name}.order": layer.p.argmax(1), f"{name}.inverse_order": layer.p.argmax(0),
                    f"{name}.sign": layer.sign, f"{name}.raw_triangles": below + above,
                    f"{name}.raw_log_diagonal": unbounded(layer.log_diagonal, 4.0),
                }  # fmt: skip
            else:
                for part in ("first", "second"):
                    net = getattr(layer, part)
                    tensors |= {
                        f"{name}.conditioner.{part}.weight": net.weight,
                        f"{name}.conditioner.{part}.bias": net.bias,
                    }
                tensors[f"{name}.conditioner.output.weight"] = layer.last.weight / GAIN
                tensors[f"{name}.conditioner.output.bias"] = layer.last.bias / GAIN
        place = f"{place}.layers.{len(level.steps) + 1}"
        if level.rest is not None:
            tensors |= {
                f"{place}.prior.output.weight": level.prior.weight,
                f"{place}.prior.output.bias": level.prior.bias,
            }
        level, place = level.rest, f"{place}.rest"
    same_log_prob(model, load(flow, tensors), x, noise, 17)


def test_the_corrected_listing_is_a_chain_of_the_librarys_layers() -> None:
    x, noise = images(8, 17)
    model: Any = shaken(realnvp.build("listing", (x + noise) / 17))
    layers: list[Any] = [diffeo.Logit(17, alpha=1e-6), diffeo.Standardize((1, 8, 8)), diffeo.Flatten((1, 8, 8))]
    for i in range(5):
        network = diffeo.MLP(
            32, 64, width=512, depth=1, dropout=0.0, condition_shape=None
        )  # both networks, side by side
        bounded = diffeo.Affine(bound=1.0)  # the listing's tanh
        layers.append(diffeo.Coupling(64, network, elementwise=bounded, partition="halves", swap=i % 2 == 1))
    flow = diffeo.Flow(diffeo.Chain(layers), diffeo.StandardNormal(64), door=diffeo.Quantizer(17), embedding=None)
    tensors = {name: tensor.view(1, 8, 8) for name, tensor in standardize(model[0]).items()}
    for i, layer in enumerate(list(model)[1:]):
        scale, shift = layer.scale_net, layer.translation_net
        name = f"bijection.layers.{i + 3}.conditioner"
        tensors |= {
            f"{name}.hidden.0.weight": torch.cat([scale[0].weight, shift[0].weight]),
            f"{name}.hidden.0.bias": torch.cat([scale[0].bias, shift[0].bias]),
            f"{name}.output.weight": torch.block_diag(scale[2].weight, shift[2].weight),
            f"{name}.output.bias": torch.cat([scale[2].bias, shift[2].bias]),
        }
    same_log_prob(model, load(flow, tensors), x, noise, 17)


def test_it_is_tested_on_the_librarys_test_set() -> None:
    train, test, values = realnvp.load("digits", None)
    data = diffeo.data.load("digits")
    rows = {tuple(row.flatten().tolist()) for row in data.test.x}
    assert values == data.values
    assert {tuple(row.flatten().tolist()) for row in test} == rows
    assert len(train) + len(test) == 1797
    found = realnvp.histogram(train, test, values)
    assert found == pytest.approx(diffeo.evaluation.baselines(data)["histogram"].mean, abs=0.05)


@pytest.mark.parametrize("arguments", [["realnvp.py"], ["realnvp.py", "--model", "paper"], ["glow.py"]], ids=" ".join)
def test_it_runs_and_leaves_a_picture_and_weights(arguments: list[str], tmp_path: Path) -> None:
    command = [sys.executable, str(REFERENCE / arguments[0]), *arguments[1:], "--epochs", "1", "--out"]
    done = subprocess.run([*command, "run"], capture_output=True, text=True, encoding="utf-8", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Epoch [0/1] Batch 0/23 Loss: " in done.stdout
    assert "uniform 4.087, histogram 2.43" in done.stdout
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == ["generated.png", "weights.safetensors"]


@pytest.mark.parametrize("name", ["realnvp.py", "glow.py"])
def test_a_folder_that_is_there_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    command = [sys.executable, str(REFERENCE / name), "--out", "run"]
    again = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", cwd=tmp_path)
    assert again.returncode == 2
    assert "run is there already" in again.stderr
    assert not list((tmp_path / "run").iterdir())


def test_missing_images_are_named_with_what_to_do(tmp_path: Path) -> None:
    for load_images in (realnvp.load, glow.load):
        with pytest.raises(
            SystemExit, match=r"no train-images-idx3-ubyte.gz and no t10k-.* Name the folder .*--folder DIR"
        ):
            load_images("mnist", tmp_path)


def test_a_measurement_says_how_it_was_made(tmp_path: Path) -> None:
    measure = REFERENCE.parent / "measured" / "measure.py"
    command = [sys.executable, str(measure), "listing", "--data", "digits", "--steps", "20", "--out", "found.json"]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    assert found["command"] == "python course/measured/measure.py listing --data digits --steps 20"
    assert found["steps"] == 20
    assert found["bits_per_dim"] < found["uniform"]
    assert {"standard_error", "seconds", "parameters", "machine", "histogram", "values"} <= set(found)


MEASURED_AT_ONCE = """
import sys
sys.path.insert(0, sys.argv[1])
import measure
import drawing
from pathlib import Path
measure.HERE = Path()
found = ("bits_per_dim", "standard_error", "seconds", "steps", "parameters")
measure.measure = lambda *_: dict.fromkeys(found, 1.0)
for more in (["--steps", "400"], ["--seed", "1"], []):
    def number(part, key, value, command, more=more):
        print(more, part, key, file=sys.stderr)
    drawing.number = number
    sys.argv = ["measure.py", "listing", "--data", "digits", *more]
    measure.main()
"""


def test_only_a_full_run_of_seed_0_gives_the_slides_their_numbers(tmp_path: Path) -> None:
    measured = REFERENCE.parent / "measured"
    done = subprocess.run(
        [sys.executable, "-c", MEASURED_AT_ONCE, str(measured)], capture_output=True, encoding="utf-8", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    keys = ("bits_per_dim", "standard_error", "seconds", "steps", "parameters")
    assert done.stderr.splitlines() == [f"[] reference reference.listing.digits.{key}" for key in keys]
    written = {path.name for path in tmp_path.iterdir()}
    assert written == {"listing-digits.json", "listing-digits-400-steps.json", "listing-digits-seed-1.json"}


def test_every_measurement_kept_names_its_command_and_its_baselines() -> None:
    files = sorted((REFERENCE.parent / "measured").glob("*.json"))
    assert all(json.loads(path.read_text(encoding="utf-8"))["command"] for path in files)
    of_models = [path for path in files if path.name.startswith(("plan-", "listing-", "paper-", "glow-"))]
    assert of_models
    for path in of_models:
        found = json.loads(path.read_text(encoding="utf-8"))
        assert found["command"].startswith("python course/measured/measure.py "), path.name
        assert {"bits_per_dim", "standard_error", "seconds", "steps", "parameters", "machine", "values"} <= set(found)
        assert found["histogram"] < found["uniform"] == math.log2(found["values"])
