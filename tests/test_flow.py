"""What a Flow promises beyond its bijection."""

import copy
import math
import warnings

import pytest
import torch

import diffeo
from diffeo import (
    MLP,
    ActNorm,
    Chain,
    Coupling,
    Flow,
    Glow,
    InvertibleConv1x1,
    Logit,
    Quantizer,
    RealNVP,
    StandardNormal,
)


def test_bits_per_dim_of_a_model_computed_by_hand() -> None:
    """One pixel of three values: P(x) is a difference of the normal's cdf at the logits of the cell's edges."""
    flow = Flow(Chain([Logit(3, alpha=0.0)]), StandardNormal(1), door=Quantizer(3)).double()
    x = torch.tensor([[0], [1], [2]])
    edge = torch.logit(torch.tensor([0.0, 1 / 3, 2 / 3, 1.0], dtype=torch.float64))
    cdf = torch.special.ndtr(edge)
    exact = -(cdf[1:] - cdf[:-1]).log2()
    generator = torch.Generator().manual_seed(0)
    found = flow.bits_per_dim(x, samples=20_000, generator=generator)
    assert torch.allclose(found, exact, atol=0.03)
    one = torch.stack([flow.bits_per_dim(x, generator=generator) for _ in range(500)]).mean(0)
    assert (one > found + 1e-3).all()  # one draw bounds from above


def test_the_uniform_density_costs_log2_of_the_values() -> None:
    """A flow whose density is constant over the range must cost exactly log2 n."""

    class ToNormal(diffeo.Bijection):
        """The normal quantile of x / n: its pull-back of N(0, 1) is uniform on (0, n)."""

        def encode(self, x, condition=None):
            z = torch.special.ndtri(x / 256)
            return z, (-math.log(256) - StandardNormal(1).log_prob(z.flatten()[:, None])).view(z.shape).sum(1)

    flow = Flow(ToNormal(), StandardNormal(4), door=Quantizer(256)).double()
    x = torch.randint(0, 256, (10, 4))
    assert torch.allclose(flow.bits_per_dim(x), torch.full((10,), 8.0, dtype=torch.float64), atol=1e-6)


def test_the_density_of_a_trained_shape_integrates_to_one() -> None:
    flow = RealNVP(2, couplings=4, width=16).double()
    flow.initialize(torch.randn(500, 2, dtype=torch.float64) * 3 + 1)
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    axis = torch.linspace(-40, 40, 1200, dtype=torch.float64)
    grid = torch.cartesian_prod(axis, axis)
    total = flow.log_prob(grid, batch_size=2**18).exp().sum() * (axis[1] - axis[0]) ** 2
    assert abs(float(total.detach()) - 1) < 0.01


def test_classes_are_marginalised_by_the_sum_over_them() -> None:
    flow = RealNVP(2, couplings=2, width=8, classes=3).eval()
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    x = torch.randn(6, 2)
    by_class = torch.stack([flow.log_prob(x, torch.full((6,), c)) for c in range(3)], 1)
    prior = torch.tensor([0.2, 0.3, 0.5])
    assert torch.allclose(flow.class_log_prob(x), by_class)
    assert torch.allclose(flow.marginal_log_prob(x), by_class.exp().mean(1).log(), atol=1e-5)
    assert torch.allclose(flow.marginal_log_prob(x, prior=prior), (by_class.exp() @ prior).log(), atol=1e-5)
    posterior = flow.class_posterior(x, prior=prior)
    assert torch.allclose(posterior, by_class.exp() * prior / (by_class.exp() @ prior)[:, None], atol=1e-5)
    with pytest.raises(ValueError, match="add up to 1"):
        flow.class_posterior(x, prior=torch.ones(3))
    with pytest.raises(ValueError, match="classes="):
        RealNVP(2, couplings=1).class_posterior(x)


def test_initialize_whitens_behind_every_actnorm() -> None:
    flow = Glow((1, 8, 8), values=17, steps=2, width=8)
    x = torch.randint(0, 17, (200, 1, 8, 8), dtype=torch.uint8)
    assert not flow.initialized
    noise = torch.rand(x.shape)
    flow.initialize(x, noise=noise)
    assert flow.initialized
    for step in flow.bijection.steps(flow.door.encode(x, noise)):
        if isinstance(step.layer, ActNorm):
            z = step.z.detach().transpose(0, 1).flatten(1)
            assert torch.allclose(z.mean(1), torch.zeros(len(z)), atol=1e-3)
            assert torch.allclose(z.std(1, correction=0), torch.ones(len(z)), atol=1e-3)


def test_standardize_sees_all_rows_and_actnorm_a_batch() -> None:
    flow = RealNVP(2, couplings=2, width=8)
    x = torch.randn(5000, 2) * torch.tensor([3.0, 0.1]) + 7
    flow.initialize(x)
    standardize = next(iter(flow.bijection))
    assert torch.allclose(standardize.mean, x.mean(0), atol=1e-4)
    assert torch.allclose(standardize.scale, x.std(0, correction=0), rtol=1e-3)


def test_a_second_initialize_is_refused_and_a_loaded_flow_remembers_the_first(tmp_path) -> None:
    flow = RealNVP(2, couplings=2, width=8)
    x = torch.randn(50, 2)
    flow.initialize(x)
    flow.save_pretrained(tmp_path / "flow")
    loaded = Flow.from_pretrained(tmp_path / "flow")
    before = {name: tensor.clone() for name, tensor in loaded.state_dict().items()}
    for item in (flow, loaded):
        with pytest.raises(RuntimeError, match="force=True"):
            item.initialize(5 * x)
    assert all(torch.equal(tensor, before[name]) for name, tensor in loaded.state_dict().items())
    loaded.train().log_prob(5 * x)  # training mode does not initialize either
    assert all(torch.equal(tensor, before[name]) for name, tensor in loaded.state_dict().items())
    loaded.initialize(5 * x, force=True)
    assert not torch.equal(loaded.state_dict()["bijection.layers.0.scale"], before["bijection.layers.0.scale"])


def test_rows_that_are_not_finite_are_left_out_and_counted() -> None:
    x = torch.randn(100, 2)
    broken = torch.cat([x, torch.full((3, 2), math.nan)])
    clean, other = RealNVP(2, couplings=1, width=8), RealNVP(2, couplings=1, width=8)
    clean.initialize(x)
    with pytest.warns(UserWarning, match="3 of 103 rows are not finite"):
        other.initialize(broken)
    assert torch.equal(clean.state_dict()["bijection.layers.0.mean"], other.state_dict()["bijection.layers.0.mean"])
    with pytest.raises(ValueError, match="none of 3 rows is finite"):
        RealNVP(2, couplings=1).initialize(broken[100:])


def test_a_constant_column_keeps_scale_one_with_a_warning() -> None:
    flow = RealNVP(3, couplings=2, width=8)
    x = torch.randn(50, 3)
    x[:, 1] = 1e4
    with pytest.warns(UserWarning, match=r"constant in 1 of 3 channels \(1\)"):
        flow.initialize(x)
    assert flow.log_prob(x).isfinite().all()


def test_a_failed_initialize_changes_nothing() -> None:
    flow = RealNVP(2, couplings=2, width=8, classes=3)
    before = {name: tensor.clone() for name, tensor in flow.state_dict().items()}
    with pytest.raises(ValueError, match="from 0 to 2"):
        flow.initialize(torch.randn(5, 2), torch.tensor([0, 1, 2, 3, 0]))
    assert all(torch.equal(tensor, before[name]) for name, tensor in flow.state_dict().items())


def test_a_flow_that_was_never_initialized_says_so_once_in_a_loop_of_ones_own() -> None:
    flow, x = RealNVP(2, couplings=2, width=8, condition_shape=1), torch.randn(30, 2)
    c = torch.rand(30, 1)
    flow.sample(3, c[:3])
    flow.eval().log_prob(x, c)
    with torch.no_grad():
        flow.train().log_prob(x, c)  # nobody trains like that
    with pytest.warns(UserWarning, match=r"ActNorm and Standardize and .*flow\.initialize\(x, cond"):
        (-flow.log_prob(x, c).mean()).backward()
    flow.log_prob(x, c).mean().backward()
    copy.deepcopy(flow).log_prob(x, c).mean().backward()


@pytest.mark.parametrize("how", ["initialized", "loaded", "nothing to set", "a state dict"])
def test_a_flow_that_is_ready_says_nothing_in_a_loop_of_ones_own(how: str, tmp_path) -> None:
    flow, x = RealNVP(2, couplings=2, width=8), torch.randn(30, 2)
    flow.initialize(x)
    if how == "loaded":
        flow.save_pretrained(tmp_path)
        flow = diffeo.load(tmp_path).train()
    elif how == "nothing to set":
        flow = Flow(Chain([Coupling(2, MLP(1, 2))]), StandardNormal(2))
    elif how == "a state dict":
        other = RealNVP(2, couplings=2, width=8)
        other.load_state_dict(flow.state_dict())
        flow = other
    assert flow.training
    flow.log_prob(x).mean().backward()


def test_that_a_flow_is_not_initialized_stops_no_transform() -> None:
    flow = RealNVP(2, couplings=2, width=8)
    x = torch.randn(5, 2)
    torch.compile(flow, fullgraph=True, backend="eager")(x)
    torch.export.export(flow, (x,))
    state = {name: torch.stack([tensor, tensor]) for name, tensor in flow.state_dict().items()}
    several = torch.func.vmap(lambda tensors: torch.func.functional_call(flow, tensors, (x,)))(state)
    assert torch.equal(several[0], flow.eval()(x))


def test_frozen_gives_the_same_samples_and_ends() -> None:
    flow = Glow((1, 4, 4), steps=2, width=8)
    noise = torch.randn(3, 16)
    plain = flow.decode(noise)[0]
    convolution = next(module for module in flow.modules() if isinstance(module, InvertibleConv1x1))
    with flow.frozen():
        assert not convolution._frozen_inverse.inverse.requires_grad
        with torch.no_grad():
            assert torch.allclose(flow.decode(noise)[0], plain, atol=1e-5)
    assert convolution._frozen_inverse is None
    assert not any("frozen" in name for name in flow.state_dict())


def test_dropout_does_not_break_the_inverse_in_training_mode() -> None:
    flow = RealNVP(6, couplings=4, width=16, dropout=0.5)
    x = torch.randn(20, 6)
    flow.initialize(x)
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    assert flow.training
    assert torch.allclose(flow.decode(flow.encode(x)[0])[0], x, atol=1e-4)
    assert flow.training
    assert all(module.training for module in flow.modules())
    assert not torch.equal(flow.log_prob(x), flow.log_prob(x))  # which is what training wants


def test_outside_its_support_a_flow_has_no_density_and_finite_gradients() -> None:
    flow = Flow(Chain([Logit(1.0), ActNorm(2)]), StandardNormal(2)).eval()
    x = torch.tensor([[0.5, 0.5], [1.5, 0.5], [0.5, -0.2]], requires_grad=True)
    log_prob = flow.log_prob(x)
    assert log_prob[0].isfinite()
    assert torch.equal(log_prob[1:], torch.full((2,), -math.inf))
    log_prob[1:].clamp(min=-1e6).sum().backward()
    assert x.grad.isfinite().all()
    flow.zero_grad()
    flow.log_prob(x.detach())[0].backward()
    assert all(parameter.grad.isfinite().all() for parameter in flow.parameters())


def test_huge_inputs_stay_finite() -> None:
    flow = RealNVP(4, couplings=8, width=32)
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter.mul_(3).add_(0.3 * torch.randn_like(parameter))
    x = 1e6 * torch.randn(20, 4)
    z, log_det = flow.encode(x)
    assert z.isfinite().all()
    assert log_det.isfinite().all()
    assert flow.sample(20, temperature=100.0).isfinite().all()


def test_conditions_may_be_numbers_lists_or_tensors() -> None:
    flow = RealNVP(2, couplings=2, width=8, classes=3).eval()
    x = torch.randn(3, 2)
    assert torch.equal(flow.log_prob(x, 1), flow.log_prob(x, torch.tensor([1, 1, 1])))
    assert torch.equal(flow.log_prob(x, [0, 1, 2]), flow.log_prob(x, torch.tensor([0, 1, 2])))
    assert flow.sample(4, 2).shape == (4, 2)
    for wrong, message in ((3, "out of range|from 0 to 2"), (torch.tensor([0.5]), "integers")):
        with pytest.raises(ValueError, match=message):
            flow.log_prob(x, wrong)
        with pytest.raises(ValueError, match=message):
            flow.sample(2, wrong)


def test_half_precision_is_refused() -> None:
    for dtype in (torch.float16, torch.bfloat16):
        flow = RealNVP(2, couplings=1, width=8).to(dtype)
        with pytest.raises(TypeError, match=r"flow\.float\(\)"):
            flow.log_prob(torch.randn(2, 2, dtype=dtype))


def test_bad_shapes_say_what_was_expected() -> None:
    flow = RealNVP(3, couplings=1, width=8)
    with pytest.raises(ValueError, match=r"expected shape \(B, 3\), got \(3,\).*x\[None\]"):
        flow.log_prob(torch.zeros(3))
    with pytest.raises(ValueError, match=r"got \(2, 4\)"):
        flow.log_prob(torch.zeros(2, 4))
    with pytest.raises(ValueError, match="ends in rows of shape"):
        Flow(Chain([diffeo.Flatten((1, 2, 2))]), StandardNormal(5))
    with pytest.raises(ValueError, match="returns 3 channels, and must return 4"):
        Coupling(4, MLP(2, 3)).encode(torch.zeros(1, 4))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Glow((1, 28, 28), levels=3),
            r"28x28 allows 2 levels, not 3 \(28 = 4 \* 7\)\. Use levels=2, or pad to 32x32",
        ),
        (lambda: Glow((1, 27, 28)), r"27x28 allows 0 levels, not 1 \(27 is odd, 28 = 4 \* 7\)\. Pad to 28x28"),
        (lambda: RealNVP((1, 28, 28), levels=4), "allows 3 levels"),
        (lambda: RealNVP((28, 28)), r"\(channels, height, width\)"),
        (lambda: Glow(64), r"RealNVP\(64\)"),
        (lambda: RealNVP(0), "number of features"),
        (lambda: RealNVP(4, classes=3, condition_shape=2), "not both"),
        (lambda: RealNVP(4, condition_shape=(1, 2)), "condition_shape must be"),
        (lambda: RealNVP((1, 8, 8), values=1), "values must be between"),
    ],
)
def test_an_impossible_recipe_is_an_error_with_its_fix(make, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_one_feature_says_that_it_is_gaussian() -> None:
    with pytest.warns(UserWarning, match="Gaussian"):
        RealNVP(1)


def test_the_recipes_of_the_readme_work() -> None:
    for flow, x in (
        (RealNVP(64), torch.randn(3, 64)),
        (RealNVP((1, 28, 28), values=256), torch.randint(0, 256, (3, 1, 28, 28), dtype=torch.uint8)),
        (
            Glow((3, 32, 32), values=256, levels=3, steps=8, width=96),
            torch.randint(0, 256, (3, 3, 32, 32), dtype=torch.uint8),
        ),
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            flow.initialize(x)
        assert flow.log_prob(x).isfinite().all()
        assert torch.allclose(flow.decode(flow.encode(x)[0])[0].float(), x.float(), atol=1e-3)
        assert flow.sample(2).dtype == x.dtype


def test_standardize_sees_all_rows_behind_a_nested_chain() -> None:
    x = torch.cat([torch.randn(512, 2), 100 + torch.randn(512, 2)])
    flow = Flow(Chain([Chain([diffeo.Flip()]), diffeo.Standardize((2,)), ActNorm(2)]), StandardNormal(2))
    flow.initialize(x)
    assert torch.allclose(flow.bijection.layers[1].mean, x.mean(0).flip(0), atol=1e-3)
    with_condition = Flow(
        Chain([Chain([Coupling(2, MLP(1, 2, condition_shape=(3,)))]), diffeo.Standardize((2,))]), StandardNormal(2)
    )
    with_condition.initialize(x, torch.randn(1024, 3))


def test_standardize_copes_with_extreme_units() -> None:
    for unit in (1e20, 1e-24):
        flow = RealNVP(2, couplings=2, width=8)
        x = torch.randn(500, 2) * unit
        flow.initialize(x)
        assert flow.log_prob(x).isfinite().all()


def test_an_actnorm_inside_an_inverse_stays_the_identity_and_counts_as_set() -> None:
    flow = Flow(Chain([ActNorm(2), diffeo.Inverse(ActNorm(2))]), StandardNormal(2))
    x = 5 + torch.randn(50, 2)
    flow.initialize(x)
    assert flow.initialized
    assert torch.allclose(flow.encode(x)[0].mean(0), torch.zeros(2), atol=1e-4)


def test_a_chain_takes_any_iterable() -> None:
    assert len(Chain(layer for layer in [diffeo.Flip(), ActNorm(2)])) == 2


def test_an_embedding_that_no_layer_takes_is_refused() -> None:
    with pytest.raises(ValueError, match="condition_shape="):
        Flow(Chain([Coupling(2, MLP(1, 2))]), StandardNormal(2), embedding=diffeo.ClassEmbedding(3))


def test_a_sample_inside_frozen_does_not_end_it() -> None:
    flow = Glow((1, 4, 4), steps=1, width=4)
    convolution = next(module for module in flow.modules() if isinstance(module, InvertibleConv1x1))
    with flow.frozen():
        flow.sample(1)
        assert convolution._frozen_inverse is not None
    assert convolution._frozen_inverse is None


def test_what_is_no_tensor_or_no_row_of_z_is_refused() -> None:
    flow = RealNVP(2, couplings=1, width=8)
    with pytest.raises(TypeError, match=r"torch\.as_tensor"):
        flow.log_prob([[0.0, 1.0]])
    with pytest.raises(ValueError, match=r"expected z of shape \(B, 2\)"):
        flow.decode(torch.zeros(2, 3))
    with pytest.raises(ValueError, match="batch_size"):
        flow.sample(2, batch_size=0)
    for method in (lambda f: f.sample(1), lambda f: f.decode(torch.zeros(1, 2).half())):
        with pytest.raises(TypeError, match=r"flow\.float\(\)"):
            method(RealNVP(2, couplings=1, width=8).half())


def test_a_base_of_the_users_needs_no_more_than_log_prob_and_sample() -> None:
    class Laplace(torch.nn.Module):
        features, shape = 2, (2,)

        def log_prob(self, z):
            return (-z.abs() - math.log(2)).sum(1)

        def sample(self, n, *, temperature=1.0, noise=None, generator=None):
            noise = torch.randn(n, 2, generator=generator) if noise is None else noise
            return temperature * torch.distributions.Laplace(0.0, 1.0).icdf(torch.special.ndtr(noise))

    flow = Flow(Chain([ActNorm(2)]), Laplace()).eval()
    assert flow.dtype == torch.float32
    assert flow.log_prob(torch.zeros(3, 2)).detach().tolist() == pytest.approx(3 * [-2 * math.log(2)])
    assert flow.sample(5).shape == (5, 2)
    with pytest.raises(ValueError, match="nothing says its precision"):
        _ = Flow(Chain([diffeo.Flip()]), Laplace()).dtype
