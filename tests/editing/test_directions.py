"""Directions of the latent: found where they were planted, kept in files, followed."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import diffeo
from diffeo.editing import Direction, encode_images, find_direction, fingerprint, sweep

METHODS = ("means", "probe", "whitened")


@pytest.fixture(scope="module")
def planted() -> tuple[torch.Tensor, torch.Tensor]:
    """Latents of six numbers, of which only the third, doubled in size, tells of the attribute."""
    z = torch.randn(3000, 6, generator=torch.Generator().manual_seed(0))
    z[:, 2] *= 2
    return z, z[:, 2] + 0.1 * torch.randn(3000, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("method", METHODS)
def test_a_planted_direction_is_found(method: str, planted: tuple[torch.Tensor, torch.Tensor]) -> None:
    z, number = planted
    for target in (number > 0.5, number):
        found = find_direction(z, target, method=method)  # type: ignore[arg-type]
        assert float(torch.cosine_similarity(found.vector, torch.eye(6)[2], 0)) > 0.99
        assert found.score > 0.98
        assert 2399 <= found.rows <= 2401


@pytest.mark.parametrize("method", METHODS)
def test_strength_one_is_a_standard_deviation_or_the_way_between_both_means(
    method: str, planted: tuple[torch.Tensor, torch.Tensor]
) -> None:
    z, number = planted
    of_number = find_direction(z, number, method=method)  # type: ignore[arg-type]
    assert of_number.step == pytest.approx(float(number.std()), rel=0.05)
    assert float(of_number.vector[2]) == pytest.approx(2, rel=0.05)
    target = number > 0
    of_class = find_direction(z, target, method=method)  # type: ignore[arg-type]
    between = float(z[target, 2].mean() - z[~target, 2].mean())
    assert float(of_class.vector[2]) == pytest.approx(between, rel=0.08)


def test_a_direction_that_tells_nothing_has_the_score_of_chance() -> None:
    z = torch.randn(2000, 4, generator=torch.Generator().manual_seed(0))
    target = torch.rand(2000, generator=torch.Generator().manual_seed(1)) > 0.5
    assert 0.4 < find_direction(z, target).score < 0.6


def test_a_direction_is_kept_in_a_file(tmp_path: Path) -> None:
    found = find_direction(torch.randn(50, 3), torch.arange(50) > 20, attribute="안경")
    found.save(tmp_path / "d.safetensors")
    again = Direction.load(tmp_path / "d.safetensors")
    assert again.attribute == "안경"
    assert (again.score, again.rows, again.unit, again.step) == (found.score, found.rows, found.unit, found.step)
    assert bool((again.vector == found.vector).all())
    with pytest.raises(FileExistsError, match=r"d\.safetensors exists"):
        found.save(tmp_path / "d.safetensors")
    (tmp_path / "x.safetensors").write_bytes(b"no direction")
    with pytest.raises(ValueError, match="holds no direction"):
        Direction.load(tmp_path / "x.safetensors")
    with pytest.raises(FileNotFoundError, match="diffeo edit direction"):
        Direction.load(tmp_path / "nowhere")


def test_a_direction_belongs_to_the_flow_that_it_was_found_with(
    tmp_path: Path, flow: diffeo.Flow, digits: diffeo.data.Dataset
) -> None:
    x = digits.train.x[:60]
    found = find_direction(encode_images(flow, x), x.float().mean((1, 2, 3)), attribute="ink")
    replace(found, flow=fingerprint(flow)).save(tmp_path / "d.safetensors")
    flow.save_pretrained(tmp_path / "flow")
    kept, again = Direction.load(tmp_path / "d.safetensors"), diffeo.load(tmp_path / "flow")
    assert bool((sweep(again, x[:2], kept) == sweep(flow, x[:2], found)).all())
    with torch.no_grad():
        list(again.parameters())[-1].view(-1)[-1] += 0.01
    with pytest.raises(ValueError, match=r"direction of ink was found with another flow.*diffeo edit direction"):
        sweep(again, x[:2], kept)


def test_a_file_that_names_no_flow_is_still_a_direction(tmp_path: Path) -> None:
    found = find_direction(torch.randn(50, 3), torch.arange(50) > 20)
    about = {key: value for key, value in vars(found).items() if key not in ("vector", "flow")}
    save_file({"vector": found.vector}, tmp_path / "old.safetensors", metadata={"direction": json.dumps(about)})
    assert Direction.load(tmp_path / "old.safetensors").flow is None


def test_a_model_is_no_direction(tmp_path: Path) -> None:
    diffeo.RealNVP(2, couplings=2, width=4).save_pretrained(tmp_path / "model")
    with pytest.raises(ValueError, match="holds no direction"):
        Direction.load(tmp_path / "model" / "model.safetensors")


def test_what_tells_no_direction_is_refused() -> None:
    z = torch.randn(20, 3)
    for target, message in (
        (torch.arange(20) > 16, "3 images with it"),
        (torch.arange(20) < 17, "3 images without it"),
        (torch.ones(20), "numbers that differ"),
        (torch.full((20,), float("nan")), "finite numbers"),
        (torch.ones(19), "a target of shape"),
        ((torch.arange(20) == 7).float(), "every fifth image all have 0"),
        ((torch.arange(20) == 4).float(), "the other images all have 0"),
    ):
        with pytest.raises(ValueError, match=message):
            find_direction(z, target)
    with pytest.raises(ValueError, match=r"z holds NaN or infinity in row 3\..*z\.isfinite"):
        find_direction(torch.where(torch.arange(20)[:, None] == 3, torch.nan, z), torch.arange(20.0))
    with pytest.raises(ValueError, match="z does not vary with it"):
        find_direction(torch.zeros(20, 3), torch.arange(20.0))
    with pytest.raises(ValueError, match="method must be one of means, probe, whitened"):
        find_direction(z, torch.arange(20.0), method="guess")  # type: ignore[arg-type]


def test_a_sweep_changes_the_attribute_by_strength(flow: diffeo.Flow, digits: diffeo.data.Dataset) -> None:
    z = encode_images(flow, digits.train.x)
    bright = find_direction(z, digits.train.x.float().mean((1, 2, 3)), attribute="brightness")
    x = digits.test.x[:20]
    moved = sweep(flow, x, bright, [-2, 0, 2]).float().mean((2, 3, 4))
    assert bool((sweep(flow, x, bright, [0])[:, 0] == x).all())
    assert float((moved[:, 2] > moved[:, 0]).float().mean()) > 0.9
    with pytest.raises(ValueError, match="found with another flow"):
        sweep(flow, x, find_direction(z[:, :5], z[:, 0]))
    with pytest.raises(ValueError, match="at least one strength"):
        sweep(flow, x, bright, [])
