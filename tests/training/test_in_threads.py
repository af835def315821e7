"""Trainings in threads: none disturbs another, nor whoever draws random numbers meanwhile."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from torch import nn

import diffeo
from diffeo import MLP, ActNorm, Chain, Coupling, Flow, Glow, RealNVP, StandardNormal, fit


class Rough(nn.Module):
    """A network of a user's, with torch's dropout in one of its two ways."""

    def __init__(self, functional: bool):
        super().__init__()
        self.functional = functional
        self.first, self.last = nn.Linear(2, 16), MLP(16, 4, width=16)
        self.drop = nn.Identity() if functional else nn.Dropout(0.3)

    def forward(self, x, condition=None):
        h = self.drop(torch.relu(self.first(x)))
        return self.last(nn.functional.dropout(h, 0.3, self.training) if self.functional else h)


def ours(seed: int) -> Flow:
    torch.manual_seed(seed)
    return RealNVP(4, couplings=4, width=16, dropout=0.3)


def of_a_user(seed: int, functional: bool = False) -> Flow:
    torch.manual_seed(seed)
    layers = [ActNorm(4), Coupling(4, Rough(functional)), Coupling(4, Rough(functional), swap=True)]
    return Flow(Chain(layers), StandardNormal(4))


def rows() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(300, 4, generator=generator) @ torch.randn(4, 4, generator=generator)


def losses(flow: Flow) -> list[float]:
    return [record["train"] for record in fit(flow, rows(), epochs=3, batch_size=50, progress=False).history]


@pytest.mark.parametrize("make", [ours, of_a_user, lambda seed: of_a_user(seed, functional=True)])
def test_fits_in_threads_have_the_losses_of_fits_one_after_the_other(make) -> None:
    alone = [losses(make(seed)) for seed in range(4)]
    assert len({tuple(found) for found in alone}) == 4
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(losses, [make(seed) for seed in range(4)])) == alone


def test_dropout_of_every_step_is_another_one() -> None:
    """Were the generator the same at every step, so would be what is dropped."""
    seen: list[torch.Tensor] = []
    flow = ours(0)
    network = next(part for part in flow.modules() if isinstance(part, MLP))

    def note(module, given, out) -> None:
        if module.training:
            seen.append((out / given[0]).nan_to_num()[:, 0] == 0)

    network.dropout.register_forward_hook(note)
    losses(flow)
    assert len(seen) == 2 * 15  # two hidden layers
    assert len({tuple(zeros.tolist()) for zeros in seen}) == len(seen)


def test_the_global_generator_is_left_alone_while_a_fit_runs() -> None:
    flow, inside = ours(0), []
    plain = flow.log_prob

    def log_prob(*given):
        found = plain(*given)
        inside.append(torch.get_rng_state())
        return found

    flow.forward = log_prob
    torch.manual_seed(3)
    before = torch.get_rng_state()
    fit(flow, rows(), epochs=2, batch_size=50, progress=False, on_epoch=lambda *_: inside.append(torch.get_rng_state()))
    assert len(inside) == 2 * (5 + 1)
    assert all(torch.equal(state, before) for state in [*inside, torch.get_rng_state()])


def test_where_a_network_of_the_users_draws_from_it_the_global_generator_is_put_back() -> None:
    torch.manual_seed(3)
    flow = of_a_user(0)
    before = torch.get_rng_state()
    losses(flow)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_flow_that_is_sampled_elsewhere_trains_to_the_same_losses() -> None:
    torch.manual_seed(0)
    make = lambda: Glow((1, 4, 4), steps=2, width=8)  # noqa: E731
    x = torch.randn(200, 1, 4, 4)

    def trained(disturb: bool) -> list[float]:
        torch.manual_seed(1)
        flow, done = make(), threading.Event()

        def sample() -> None:
            while not done.is_set():
                assert flow.sample(3).isfinite().all()

        other = threading.Thread(target=sample)
        if disturb:
            other.start()
        found = fit(flow, x, epochs=3, batch_size=30, progress=False, precision="bf16").history
        done.set()
        if disturb:
            other.join()
        return [record["train"] for record in found]

    assert trained(False) == trained(True)


def test_a_fit_in_a_thread_keeps_a_folder_and_leaves_signals_to_the_main_thread(tmp_path: Path) -> None:
    flows = {name: ours(0) for name in ("one", "other", "main")}

    def run(name: str) -> list[float]:
        found = fit(flows[name], rows(), epochs=2, batch_size=50, progress=False, folder=tmp_path / name)
        assert found.interrupted is None
        return [record["train"] for record in found.history]

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(run, ["one", "other"])
    assert one == other == run("main")


def test_dropout_of_diffeo_draws_from_the_generator_of_its_thread() -> None:
    from diffeo.networks.dropout import dropout_from

    layer, x = diffeo.Dropout(0.5), torch.ones(40, 3)
    torch.manual_seed(7)
    expected, at = layer(x), torch.get_rng_state()
    with dropout_from(torch.Generator().manual_seed(7)), ThreadPoolExecutor(1) as pool:
        assert torch.equal(layer(x), expected)
        assert torch.equal(torch.get_rng_state(), at)
        pool.submit(layer, x).result()
        assert not torch.equal(torch.get_rng_state(), at)  # elsewhere it is torch's
    with pytest.raises(ValueError, match=r"\[0, 1\), got 1"):
        diffeo.Dropout(1)


@pytest.mark.parametrize("shape", [(50, 8), (6, 8, 5, 5)])
def test_dropout_of_diffeo_is_torchs_to_the_bit(shape: tuple[int, ...]) -> None:
    from diffeo.networks.dropout import dropout_from

    x = torch.randn(shape)
    torch.manual_seed(7)
    expected = nn.functional.dropout(x, 0.3) if x.dim() == 2 else nn.functional.dropout2d(x, 0.3)
    with dropout_from(torch.Generator().manual_seed(7)):
        assert torch.equal(diffeo.Dropout(0.3)(x), expected)
