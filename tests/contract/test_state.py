"""Point 7: evaluation is pure, and data enters by ``initialize`` alone, once."""

import math
import warnings

import pytest
import torch

from contract.drawn import both_ways, inside, rows_of
from contract.registry import ROWS, Case, bijection_of
from diffeo import ActNorm, Flow, Gaussianize, Standardize

pytestmark = [pytest.mark.filterwarnings("ignore:RealNVP of one feature"), pytest.mark.point(7)]


def state_of(item: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in item.state_dict().items()}


def assert_state(item: torch.nn.Module, before: dict[str, torch.Tensor]) -> None:
    assert all(torch.equal(tensor, before[name]) for name, tensor in item.state_dict().items())


def test_evaluation_changes_no_state(case: Case, make, dtype: torch.dtype) -> None:
    item = make(case, dtype).train()
    before = state_of(item)
    for run, point, condition in both_ways(case, item, dtype):
        run(point, condition)
    assert_state(item, before)


@pytest.mark.filterwarnings("ignore:.*is not set yet")  # said of flows in training mode that saw no data
def test_scoring_changes_no_state_and_keeps_the_mode(flow_case: Case, make) -> None:
    flow: Flow = make(flow_case).train()
    x, condition, noise = rows_of(flow_case, flow)
    next(flow.children()).eval()  # a part that its owner keeps in evaluation mode
    before, modes = state_of(flow), [module.training for module in flow.modules()]
    z, _ = flow.encode(x, condition, noise)
    flow.log_prob(x, condition, noise)
    flow.decode(z, condition)
    flow.sample(ROWS, condition)
    flow.sample_and_log_prob(ROWS, condition)
    if flow.door is not None:
        flow.bits_per_dim(x, condition)
    assert_state(flow, before)
    assert [module.training for module in flow.modules()] == modes


def test_training_mode_changes_no_sample_and_no_code(flow_case: Case, make) -> None:
    """Dropout is for training's log_prob alone."""
    flow: Flow = make(flow_case)
    x, condition, noise = rows_of(flow_case, flow)
    z = flow.base.draw(ROWS)

    def all_ways() -> list[torch.Tensor]:
        found = [
            flow.sample(ROWS, condition, noise=z),
            flow.rsample(ROWS, condition, noise=z),
            *flow.sample_and_log_prob(ROWS, condition, noise=z),
            *flow.encode(x, condition, noise),
            *flow.decode(z, condition),
        ]
        if flow.door is not None:
            found.append(flow.bits_per_dim(x, condition, generator=torch.Generator().manual_seed(0)))
        return found

    expected = all_ways()
    flow.train()
    for found, wanted in zip(all_ways(), expected, strict=True):
        assert torch.equal(found, wanted)


def test_initialize_returns_what_encode_returns_afterwards(case: Case, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    item = case.make().to(dtype)
    bijection = bijection_of(item)
    with torch.no_grad():
        x, condition = inside(case, item, dtype, rows=40)
        given = bijection.initialize(x, condition)
        assert torch.allclose(bijection.encode(x, condition)[0], given, atol=1e-5)
    assert all(buffer for name, buffer in bijection.named_buffers() if name.endswith("initialized"))


def test_what_is_initialized_comes_out_with_mean_zero_and_variance_one(case: Case) -> None:
    torch.manual_seed(0)
    item = case.make().double()
    with torch.no_grad():
        x, condition = inside(case, item, torch.float64, rows=64)
        x = 3 * x + 5 if case.uniform is None else x
        bijection_of(item).initialize(x, condition)
        steps = list(bijection_of(item).steps(x, condition))
    for step in steps:
        if isinstance(step.layer, (ActNorm, Standardize)):
            z = step.z if isinstance(step.layer, Standardize) else step.z.transpose(0, 1).flatten(1).T
            assert torch.allclose(z.mean(0), torch.zeros_like(z[0]), atol=1e-9)
            assert torch.allclose(z.std(0, correction=0), torch.ones_like(z[0]), atol=1e-9)


def test_a_layer_leaves_rows_that_are_not_finite_out(case: Case) -> None:
    torch.manual_seed(0)
    layer = case.make().double()
    if not isinstance(layer, (ActNorm, Gaussianize, Standardize)):
        return
    x = case.x(torch.float64, rows=20)
    x[3] = math.nan
    x[7] = math.inf
    with torch.no_grad(), pytest.warns(UserWarning, match="2 of 20 rows are not finite"):
        layer.initialize(x)
    clean = case.make().double()
    with torch.no_grad():
        clean.initialize(x[x.isfinite().flatten(1).all(1)])
    assert_state(layer, state_of(clean))


def test_the_noise_of_initialize_comes_from_its_generator(flow_case: Case) -> None:
    states = []
    for seed in (1, 1, 2):
        torch.manual_seed(0)
        flow: Flow = flow_case.make()
        if flow.door is None:
            return
        x, condition, _ = rows_of(flow_case, flow)
        torch.manual_seed(len(states))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Standardize: constant")
            flow.initialize(x, condition, generator=torch.Generator().manual_seed(seed))
        states.append(state_of(flow))
    assert all(torch.equal(tensor, states[1][name]) for name, tensor in states[0].items())
    assert not all(torch.equal(tensor, states[2][name]) for name, tensor in states[0].items())


def test_a_second_initialize_is_refused_and_changes_nothing(flow_case: Case) -> None:
    torch.manual_seed(0)
    flow: Flow = flow_case.make()
    x, condition, noise = rows_of(flow_case, flow)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Standardize: constant")
        flow.initialize(x, condition, noise)
        before = state_of(flow)
        assert flow.initialized
        if any(isinstance(module, (ActNorm, Gaussianize, Standardize)) for module in flow.modules()):
            with pytest.raises(RuntimeError, match="force=True"):
                flow.initialize(x.flip(1), condition, noise)
            assert_state(flow, before)
            loaded = flow_case.make()
            loaded.load_state_dict(before)
            with pytest.raises(RuntimeError, match="force=True"):
                loaded.initialize(x, condition, noise)
        flow.initialize(x, condition, noise, force=True)


def test_an_initialize_that_fails_on_the_way_leaves_the_flow_as_it_was(flow_case: Case, monkeypatch) -> None:
    torch.manual_seed(0)
    flow: Flow = flow_case.make()
    x, condition, noise = rows_of(flow_case, flow)
    last = [module for module in flow.bijection.modules() if hasattr(module, "initialized")]
    if len(last) < 2:
        return
    before = state_of(flow)

    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(last[-1], "initialize", fail)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Standardize: constant")
        with pytest.raises(KeyboardInterrupt):
            flow.initialize(x, condition, noise)
    assert_state(flow, before)


def test_an_error_inside_frozen_leaves_nothing_frozen(flow_case: Case, make) -> None:
    flow: Flow = make(flow_case)
    with pytest.raises(KeyError), flow.frozen():
        raise KeyError
    assert not any(getattr(module, "_frozen_inverse", None) is not None for module in flow.modules())
    assert flow._frozen == 0
