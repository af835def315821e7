"""z of held-out rows: drawn as the latent is, and drawn in pictures."""

import pytest
import torch

import diffeo
from diffeo.data import Part
from diffeo.evaluation import draw_latents, latent_map_picture, latents_picture


def test_integers_get_drawn_noise_and_other_rows_are_encoded_as_they_are() -> None:
    flow = diffeo.NICE((1, 4, 4), values=4, width=8)
    same = torch.full((50, 1, 4, 4), 2, dtype=torch.uint8)
    z = draw_latents(flow, Part(same))
    assert z.shape == (50, 16)
    assert len(z.unique(dim=0)) == 50  # the middle of the cell would give one
    assert torch.equal(z, draw_latents(flow, Part(same)))
    assert not torch.equal(z, draw_latents(flow, Part(same), seed=1))
    plane = diffeo.RealNVP(2, couplings=2, width=8)
    x = torch.randn(30, 2)
    found = draw_latents(plane, Part(x))
    expected = plane.encode(x)[0].detach()
    assert torch.equal(found.sort(0).values, expected.sort(0).values)
    assert len(draw_latents(plane, Part(x), rows=7)) == 7


def test_every_row_keeps_its_own_label() -> None:
    flow = diffeo.RealNVP(2, couplings=2, width=8, classes=3)
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    x, labels = torch.randn(40, 2), torch.randint(0, 3, (40,))
    found = draw_latents(flow, Part(x, labels))
    expected = flow.encode(x, labels)[0].detach()
    assert torch.allclose(found.sort(0).values, expected.sort(0).values, atol=1e-5)
    with pytest.raises(ValueError, match="no labels"):
        draw_latents(flow, Part(x))


def test_pictures_are_drawn_for_few_and_for_many_dimensions_and_leave_out_what_is_not_finite() -> None:
    for features in (1, 6, 100):
        z = torch.randn(300, features)
        z[0] = torch.nan
        found = latents_picture(z)
        assert set(found) == {"histogram", "quantiles", "norm"}
        labels = found["histogram"].axes[0].get_legend_handles_labels()[1]
        assert ("single dimensions" in labels) == (features > 6)
        assert f"chi, {features} dimensions" in found["norm"].axes[0].get_legend_handles_labels()[1]


@pytest.mark.parametrize(
    "flow",
    [
        diffeo.NICE((1, 4, 4), values=4, width=8),
        diffeo.Glow((3, 8, 8), values=4, steps=1, width=8, levels=2),
        diffeo.RealNVP((1, 8, 8), values=4, width=4, blocks=1),
    ],
    ids=lambda flow: type(flow).__name__,
)
def test_the_mean_latent_image_shows_every_number_of_z(flow) -> None:
    z = torch.randn(20, flow.base.features)
    axes = latent_map_picture(flow, z).axes
    levels = len(flow.level_shapes)
    means = torch.cat(
        [torch.as_tensor(panel.images[0].get_array().filled(torch.nan)).flatten() for panel in axes[:levels]]
    )
    means = means[means.isfinite()].sort().values
    assert torch.allclose(means, z.mean(0).double().sort().values, atol=1e-6)
