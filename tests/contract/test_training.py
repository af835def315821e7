"""Every flow, from any seed, at the largest learning rate of its recipes: fifty steps stay finite and help."""

import warnings

import pytest
import torch

import diffeo
from diffeo import NICE, Flow, Glow, RealNVP

pytestmark = pytest.mark.whole

SEEDS, STEPS, BATCH = 20, 50, 32
IMAGES, VECTORS = 8e-3, 4e-3  # recipes/glow-mnist.yaml and realnvp-mnist.yaml; realnvp-power.yaml

RECIPES = {
    "NICE": ("moons", lambda: NICE(2, width=16, depth=2)),
    "NICE integers": ("digits", lambda: NICE((1, 8, 8), values=17, width=32, depth=2)),
    "RealNVP": ("moons", lambda: RealNVP(2, couplings=4, width=16)),
    "RealNVP of one": ("moons", lambda: RealNVP(1, couplings=2, width=8, condition_shape=1)),
    "RealNVP classes": ("digits", lambda: RealNVP((1, 8, 8), values=17, width=4, blocks=0, classes=10)),
    "RealNVP vectors": ("moons", lambda: RealNVP(2, couplings=4, width=16, condition_shape=3)),
    "Glow": ("digits", lambda: Glow((1, 8, 8), values=17, steps=1, width=8)),
    "Glow classes": ("digits", lambda: Glow((1, 8, 8), values=17, steps=1, width=8, classes=10)),
}


@pytest.mark.point("training")
@pytest.mark.parametrize("name", list(RECIPES))
@pytest.mark.filterwarnings("ignore:RealNVP of one feature")
def test_fifty_steps_from_twenty_seeds_stay_finite_and_lower_the_loss(name: str) -> None:
    data, make = RECIPES[name]
    rows = diffeo.data.load(data).train
    for seed in range(SEEDS):
        torch.manual_seed(seed)
        flow: Flow = make()
        n = BATCH * STEPS // 5
        x = rows.x[:n] if rows.x.shape[1:] == flow.shape else rows.x[:n, :1]
        condition = None
        if flow.shape == (1,):
            condition = rows.x[:n, 1:]  # one coordinate given the other
        elif flow.conditional:
            condition = rows.labels[:n] if hasattr(flow.embedding, "classes") else torch.randn(n, *flow.embedding.shape)
        noise = None if flow.door is None else torch.rand(n, *flow.shape)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Standardize: constant")  # pixels that are always 0
            flow.initialize(x, condition, noise)
        lr = IMAGES if len(flow.shape) == 3 else VECTORS
        with torch.no_grad():
            before = float(-flow.log_prob(x, condition, noise).mean())
        result = diffeo.fit(flow, x, condition, epochs=5, batch_size=BATCH, lr=lr, seed=seed, progress=False)
        with torch.no_grad():
            after = float(-flow.log_prob(x, condition, noise).mean())
        assert result.skipped == 0, seed
        assert all(parameter.isfinite().all() for parameter in flow.parameters()), seed
        assert after < before, (seed, before, after)


def test_every_flow_has_a_recipe_here() -> None:
    from contract.registry import public_classes

    recipes = {cls for cls in public_classes() if issubclass(cls, Flow)} - {Flow}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert recipes == {type(make()) for _, make in RECIPES.values()}
