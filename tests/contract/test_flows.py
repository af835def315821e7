"""The contract of every flow: densities, samples, conditions, integers."""

import math

import pytest
import torch
from torch import Tensor

from contract.drawn import rows_of
from contract.registry import FLOWS, ROWS, Case
from diffeo import Flow

pytestmark = pytest.mark.filterwarnings("ignore:RealNVP of one feature")


@pytest.mark.point(2)
def test_log_prob_is_base_plus_log_det(flow_case: Case, make, dtype: torch.dtype) -> None:
    flow = make(flow_case, dtype)
    x, condition, noise = rows_of(flow_case, flow, dtype)
    z, log_det = flow.encode(x, condition, noise)
    expected = torch.distributions.Normal(0.0, 1.0).log_prob(z.double()).sum(1) + log_det
    log_prob = flow.log_prob(x, condition, noise)
    assert log_prob.dtype == dtype
    assert torch.allclose(log_prob.double(), expected, rtol=1e-5)
    assert torch.equal(flow(x, condition, noise), log_prob)


@pytest.mark.point(11)
def test_sampling_is_seeded_and_does_not_depend_on_the_chunk(flow_case: Case, make) -> None:
    flow = make(flow_case)
    _, condition, _ = rows_of(flow_case, flow)
    draw = [
        flow.sample(ROWS, condition, temperature=9, generator=torch.Generator().manual_seed(seed), batch_size=size)
        for seed, size in ((4, None), (4, None), (4, 2), (5, None))
    ]
    assert torch.equal(draw[0], draw[1])
    if flow.door is None:
        assert torch.allclose(draw[0], draw[2], atol=1e-4, rtol=1e-4)
    else:
        assert (draw[0] != draw[2]).float().mean() < 0.05  # a value on a cell's edge may fall either way
    assert not torch.equal(draw[0], draw[3])
    assert draw[0].shape == (ROWS, *flow.shape)


@pytest.mark.point(11)
def test_samples_have_the_flows_type_and_one_row_of_condition_is_for_all(
    flow_case: Case, make, dtype: torch.dtype
) -> None:
    flow = make(flow_case, dtype)
    _, condition, _ = rows_of(flow_case, flow, dtype)
    noise = flow.base.draw(ROWS)
    kind = torch.uint8 if flow.door is not None else dtype
    assert flow.sample(ROWS, condition, noise=noise).dtype == kind
    assert all(tensor.dtype == dtype for tensor in flow.sample_and_log_prob(ROWS, condition, noise=noise))
    if condition is None:
        return
    repeated = condition[:1].expand(ROWS, *condition.shape[1:])
    for draw in (flow.sample, flow.rsample):
        shared = draw(ROWS, condition[:1], temperature=5, noise=noise)
        assert torch.equal(shared, draw(ROWS, repeated, temperature=5, noise=noise))
        assert not torch.equal(shared, draw(ROWS, condition, temperature=5, noise=noise))
    with pytest.raises(ValueError, match="rows of conditions"):
        flow.sample(ROWS, condition[:2])


@pytest.mark.point(11)
def test_sampling_leaves_no_state_and_takes_none(flow_case: Case, make) -> None:
    flow = make(flow_case).train()
    before = {name: tensor.clone() for name, tensor in flow.state_dict().items()}
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    _, condition, _ = rows_of(flow_case, flow)
    flow.sample(ROWS, condition, temperature=0.5, generator=torch.Generator().manual_seed(1))
    assert torch.equal(torch.rand(3), expected)
    assert flow.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in flow.state_dict().items())
    assert not any(getattr(module, "_frozen_inverse", None) is not None for module in flow.modules())


@pytest.mark.point(11)
def test_a_sample_has_the_log_density_that_it_is_given(flow_case: Case, make) -> None:
    flow = make(flow_case, torch.float64)
    _, condition, _ = rows_of(flow_case, flow, torch.float64)
    x, log_prob = flow.sample_and_log_prob(ROWS, condition, temperature=0.7)
    c = flow.embed(condition, ROWS)
    z, log_det = flow.bijection.encode(x, c)
    assert torch.allclose(flow.base.log_prob(z) + log_det, log_prob, rtol=1e-6, atol=1e-6)


@pytest.mark.point(11)
def test_temperature_multiplies_z(flow_case: Case, make) -> None:
    flow = make(flow_case, torch.float64)
    _, condition, _ = rows_of(flow_case, flow, torch.float64)
    noise = torch.randn(ROWS, *flow.base.shape, dtype=torch.float64)
    x = flow.sample(ROWS, condition, temperature=0.3, noise=noise)
    assert torch.allclose(x.double(), flow.decode(0.3 * noise, condition)[0].double())


@pytest.mark.point(11)
def test_samples_have_gradients_where_asked_for(flow_case: Case, make) -> None:
    flow = make(flow_case)
    _, condition, _ = rows_of(flow_case, flow)
    assert not flow.sample(ROWS, condition).requires_grad
    x = flow.rsample(ROWS, condition)
    assert x.is_floating_point()
    x.sum().backward()
    assert any(p.grad is not None and bool((p.grad != 0).any()) for p in flow.parameters())


@pytest.mark.point(6)
def test_classes_are_compared_on_the_same_noise_and_weighted_by_their_prior(flow_case: Case, make) -> None:
    if flow_case.classes is None:
        return
    flow = make(flow_case, torch.float64)
    x, _, noise = rows_of(flow_case, flow, torch.float64)
    by_class = torch.stack([flow.log_prob(x, c, noise) for c in range(flow_case.classes)], 1)
    assert torch.allclose(flow.class_log_prob(x, noise), by_class)
    prior = torch.tensor([0.2, 0.3, 0.5], dtype=torch.float64)
    assert torch.allclose(flow.marginal_log_prob(x, noise, prior=prior), (by_class + prior.log()).logsumexp(1))
    assert torch.allclose(flow.marginal_log_prob(x, noise), by_class.logsumexp(1) - math.log(3))
    assert torch.allclose(flow.class_posterior(x, noise, prior=prior), (by_class + prior.log()).softmax(1))
    if flow.door is not None:
        drawn = flow.draw_noise(x, torch.Generator().manual_seed(6))
        found = flow.class_log_prob(x, generator=torch.Generator().manual_seed(6))
        assert torch.allclose(found, flow.class_log_prob(x, drawn))


@pytest.mark.point(9)
def test_one_row_of_condition_is_for_all(flow_case: Case, make) -> None:
    flow = make(flow_case)
    x, condition, noise = rows_of(flow_case, flow)
    if condition is None:
        with pytest.raises(ValueError, match="takes none"):
            flow.log_prob(x, torch.zeros(ROWS, 1), noise)
        return
    shared = flow.log_prob(x, condition[:1], noise)
    repeated = flow.log_prob(x, condition[:1].expand(ROWS, *condition.shape[1:]), noise)
    assert torch.equal(shared, repeated)
    assert not torch.allclose(flow.log_prob(x, condition, noise), shared)
    with pytest.raises(ValueError, match="a condition is needed"):
        flow.log_prob(x, None, noise)
    with pytest.raises(ValueError, match="rows of conditions"):
        flow.log_prob(x, condition[:2], noise)


@pytest.mark.point(1)
def test_integers_come_back_and_need_noise_only_for_likelihoods(flow_case: Case, make, dtype: torch.dtype) -> None:
    flow = make(flow_case, dtype)
    if flow.door is None:
        return
    x, condition, _ = rows_of(flow_case, flow, dtype)
    z, _ = flow.encode(x, condition)
    assert torch.equal(flow.decode(z, condition)[0], x)
    middle = torch.full(x.shape, 0.5, dtype=dtype)
    assert torch.equal(z, flow.encode(x, condition, middle)[0])
    one, other = (flow.log_prob(x, condition, generator=torch.Generator().manual_seed(s)) for s in (1, 2))
    assert not torch.equal(one, other)
    assert torch.equal(one, flow.log_prob(x, condition, generator=torch.Generator().manual_seed(1)))


@pytest.mark.point(5)
def test_levels_are_views_of_z_that_put_it_together_again(flow_case: Case, make) -> None:
    flow = make(flow_case)
    z = flow.base.draw(ROWS)
    levels = flow.levels(z)
    assert torch.equal(torch.cat([level.flatten(1) for level in levels], 1), z)
    assert [tuple(level.shape[1:]) for level in levels] == flow.level_shapes


@pytest.mark.point(10)
def test_log_prob_compiles_in_one_graph(flow_case: Case, make) -> None:
    flow = make(flow_case)
    x, condition, noise = rows_of(flow_case, flow)
    torch._dynamo.reset()
    compiled = torch.compile(flow, fullgraph=True, backend="eager")
    assert torch.allclose(compiled(x, condition, noise), flow(x, condition, noise), atol=1e-4)


@pytest.mark.point(10)
def test_scores_of_single_rows_come_from_vmap(flow_case: Case, make) -> None:
    flow = make(flow_case, torch.float64)
    x, condition, noise = rows_of(flow_case, flow, torch.float64)
    parameters = dict(flow.named_parameters())

    def log_prob(parameters, *row: Tensor | None) -> Tensor:
        single = tuple(None if value is None else value[None] for value in row)
        return torch.func.functional_call(flow, parameters, single)[0]

    in_dims = (None, *(None if value is None else 0 for value in (x, condition, noise)))
    scores = torch.func.vmap(torch.func.grad(log_prob), in_dims)(parameters, x, condition, noise)
    total = torch.autograd.grad(flow(x, condition, noise).sum(), list(parameters.values()))
    for score, gradient in zip(scores.values(), total, strict=True):
        assert torch.allclose(score.sum(0), gradient, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(
    "name",
    ["RealNVP of 5", "RealNVP classes", "NICE", "RealNVP integers", "Glow", "Glow given an image", "Glow integers"],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.point(10)
def test_log_prob_exports_with_any_number_of_rows(name: str, make) -> None:
    case = FLOWS[name]
    flow = make(case).requires_grad_(False)
    inputs = rows_of(case, flow)
    batch = torch.export.Dim("batch", min=0)
    dynamic = tuple(None if value is None else {0: batch} for value in inputs)
    program = torch.export.export(flow, inputs, dynamic_shapes=dynamic).module()
    for rows in (0, 1, ROWS):
        some = tuple(None if value is None else value[:rows] for value in inputs)
        assert torch.allclose(program(*some), flow(*some), atol=1e-4)


def test_the_plan_is_printed(flow_case: Case, make) -> None:
    flow = make(flow_case)
    text = repr(flow)
    parameters = sum(parameter.numel() for parameter in flow.parameters())
    assert text.startswith(f"{type(flow).__name__} {flow.shape}")
    assert f"{parameters:,} parameters" in text
    assert f"log_prob {flow.bijection.encode_passes}, sample {flow.bijection.decode_passes}" in text


@pytest.mark.parametrize("temperature", [-1.0, math.nan, math.inf])
@pytest.mark.point(11)
def test_an_impossible_temperature_is_refused(temperature: float, make) -> None:
    with pytest.raises(ValueError, match="temperature"):
        make(FLOWS["RealNVP of 2"]).sample(1, temperature=temperature)


@pytest.mark.point(8)
def test_every_output_depends_on_other_inputs_than_its_own(flow_case: Case, make) -> None:
    """So couplings alternate: a half that is always kept would be scaled and shifted at most."""
    flow = make(flow_case, torch.float64)
    if flow.base.features == 1 or type(flow) is Flow:
        return
    x, condition = flow_case.x(torch.float64, rows=1), flow_case.condition(flow, torch.float64, rows=1)
    c = flow.embed(condition, 1)
    jacobian = torch.func.jacrev(lambda row: flow.bijection.encode(row[None], c)[0][0])(x[0]).flatten(1)
    assert ((jacobian.abs() > 1e-12).sum(1) > 1).all()
    assert ((jacobian.abs() > 1e-12).sum(0) > 1).all()
