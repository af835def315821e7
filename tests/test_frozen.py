"""Frozen inverses are right whatever happens inside: copies, training, loading, threads."""

import copy
import io
import pickle
import threading
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

import diffeo
from diffeo import Chain, Flow, Glow, Inverse, InvertibleConv1x1, StandardNormal


def make() -> Flow:
    torch.manual_seed(0)
    return Glow((1, 4, 4), levels=1, steps=2, width=4).eval()


def error(flow: Flow) -> float:
    """Of the round trip, as samples are drawn."""
    x = torch.randn(7, *flow.shape, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return float((flow.decode(flow.encode(x)[0])[0] - x).abs().max())


def train(flow: Flow) -> None:
    """Away from the weights that it had."""
    optimizer = torch.optim.Adam(flow.parameters(), lr=0.05)
    for _ in range(5):
        optimizer.zero_grad()
        (-flow.log_prob(2 + torch.randn(8, *flow.shape)).mean()).backward()
        optimizer.step()


def saved_whole(flow: Flow) -> Flow:
    file = io.BytesIO()
    torch.save(flow, file)
    file.seek(0)
    loaded: Flow = torch.load(file, weights_only=False)
    return loaded


COPIES: dict[str, Callable[[Flow], Flow]] = {
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    "pickle": lambda flow: pickle.loads(pickle.dumps(flow)),
    "torch.save": saved_whole,
    "deepcopy of a copy": lambda flow: copy.deepcopy(copy.deepcopy(flow)),
}


@pytest.mark.parametrize("way", list(COPIES))
def test_a_copy_made_inside_decodes_rightly_after_training(way: str) -> None:
    flow = make()
    with flow.frozen(), flow.frozen():
        twin = COPIES[way](flow)
        if way != "copy":  # which has the same layers
            assert all(getattr(layer, "_frozen_inverse", None) is None for layer in twin.modules())
        assert error(twin) < 1e-4
        train(twin)
        assert error(twin) < 1e-4
    assert twin._frozen == 0
    assert error(twin) < 1e-4
    with twin.frozen():
        assert error(twin) < 1e-4
    assert error(twin) < 1e-4
    assert error(flow) < 1e-4


def loaded_by_copy(flow: Flow, other: Flow) -> None:
    flow.load_state_dict(other.state_dict())


def loaded_by_assignment(flow: Flow, other: Flow) -> None:
    flow.load_state_dict(other.state_dict(), assign=True)


def stepped(flow: Flow, other: Flow) -> None:
    train(flow)


def swapped(flow: Flow, other: Flow) -> None:
    """As averaged weights are."""
    with torch.no_grad():
        for parameter, new in zip(flow.parameters(), other.parameters(), strict=True):
            parameter.copy_(new)


def made_data(flow: Flow, other: Flow) -> None:
    for parameter, new in zip(flow.parameters(), other.parameters(), strict=True):
        parameter.data = new.data


def fitted(flow: Flow, other: Flow) -> None:
    diffeo.fit(flow, 2 + torch.randn(64, *flow.shape), epochs=1, lr=0.05, progress=False)


@pytest.mark.parametrize("change", [loaded_by_copy, loaded_by_assignment, stepped, swapped, made_data, fitted])
def test_what_changes_the_weights_inside_is_seen_by_the_next_decode(change: Callable[[Flow, Flow], None]) -> None:
    flow, other = make(), make()
    train(other)
    with flow.frozen():
        before = flow.sample(5, noise=torch.ones(5, 16))
        change(flow, other)
        assert error(flow) < 1e-3
        assert not torch.allclose(flow.sample(5, noise=torch.ones(5, 16)), before, atol=1e-3)
        with flow.frozen():
            assert error(flow) < 1e-3
    assert error(flow) < 1e-3


def test_a_change_of_precision_inside_is_seen_by_the_next_decode() -> None:
    flow = make()
    with torch.no_grad(), flow.frozen():
        flow.double()
        x = torch.randn(3, 1, 4, 4, dtype=torch.float64)
        assert float((flow.decode(flow.encode(x)[0])[0] - x).abs().max()) < 1e-10


def test_gradients_reach_the_matrix_inside() -> None:
    """A training that samples, in one thread, while another thread holds the flow frozen."""
    layer = InvertibleConv1x1(4)
    flow = Flow(Chain([layer]), StandardNormal(4))
    z = torch.randn(6, 4)

    def gradients() -> list[Tensor]:
        return list(torch.autograd.grad(flow.decode(z)[0].square().sum(), list(layer.parameters())))

    expected = gradients()
    with flow.frozen():
        found = gradients()
        layer.requires_grad_(False)
        z.requires_grad_()
        assert layer._inverse_if_frozen() is not None  # nothing of the matrix is to be learned
        flow.decode(z)[0].sum().backward()
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))
    assert z.grad is not None


def test_the_inverse_is_computed_once_inside_and_used() -> None:
    flow = Flow(Chain([InvertibleConv1x1(4), Inverse(InvertibleConv1x1(4))]), StandardNormal(4)).eval()
    layer = next(iter(flow.bijection))
    with torch.no_grad(), flow.frozen():
        kept = layer._inverse_if_frozen()
        flow.sample(3)
        assert kept is not None
        assert layer._inverse_if_frozen() is kept
    assert layer._inverse_if_frozen() is None


def test_a_thread_that_leaves_does_not_thaw_what_another_uses() -> None:
    flow = make()
    layer = next(module for module in flow.modules() if isinstance(module, InvertibleConv1x1))
    inside, leave, left = threading.Event(), threading.Event(), threading.Event()

    def hold() -> None:
        with flow.frozen():
            inside.set()
            leave.wait(10)
        left.set()

    thread = threading.Thread(target=hold)
    thread.start()
    assert inside.wait(10)
    with flow.frozen():
        leave.set()
        assert left.wait(10)
        assert layer._frozen_inverse is not None
    thread.join()
    assert layer._frozen_inverse is None
    assert flow._frozen == 0


def test_weights_made_in_inference_mode_are_never_taken_for_what_they_were() -> None:
    """Their changes are not counted, so nothing is kept."""
    with torch.inference_mode():
        flow = make()
        with flow.frozen():
            for parameter in flow.parameters():
                parameter.mul_(0.5)
            assert error(flow) < 1e-4


def test_an_inverse_prepared_in_inference_mode_takes_part_in_gradients_of_the_latent() -> None:
    flow = Flow(Chain([InvertibleConv1x1(4)]), StandardNormal(4)).requires_grad_(False)
    with torch.inference_mode():
        frozen = flow.frozen()
        frozen.__enter__()
    z = torch.randn(2, 4, requires_grad=True)
    flow.decode(z)[0].sum().backward()
    frozen.__exit__(None, None, None)
    assert z.grad is not None


def test_what_fails_while_it_freezes_leaves_nothing_frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    flow = make()

    def fail(self: InvertibleConv1x1) -> None:
        raise KeyError

    with monkeypatch.context() as patched:
        patched.setattr(InvertibleConv1x1, "freeze", fail)
        with pytest.raises(KeyError), flow.frozen():
            pass
    assert flow._frozen == 0
    with flow.frozen():
        assert error(flow) < 1e-4
