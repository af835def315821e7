"""A view computes with the same tensors, and leaves the module as it is."""

import torch
from torch import nn

from diffeo import Glow, Inverse, InvertibleConv1x1, RealNVP
from diffeo.bijections import Bijection
from diffeo.view import view


class Look(Bijection):
    """The identity; tells when it is decoded."""

    def __init__(self, seen):
        super().__init__()
        self.seen = seen

    def encode(self, x, condition=None):
        return x, x.new_zeros(len(x))

    def decode(self, z, condition=None):
        self.seen()
        return z, z.new_zeros(len(z))


def test_a_view_has_modes_of_its_own_at_every_depth_and_all_tensors_in_common() -> None:
    shared = nn.Dropout(0.5)
    module = nn.Sequential(nn.Sequential(shared, nn.BatchNorm1d(2)), shared)
    seen = view(module, training=False)
    assert all(part.training for part in module.modules())
    assert not any(part.training for part in seen.modules())
    assert seen[0][0] is seen[1]
    mine, theirs = dict(seen.named_parameters()), dict(module.named_parameters())
    assert all(tensor is theirs[name] for name, tensor in mine.items())
    assert seen[0][1].running_mean is module[0][1].running_mean
    seen.register_buffer("own", torch.zeros(1))
    seen.extra = nn.Linear(1, 1)
    assert "own" not in module.state_dict()
    assert len(list(module.modules())) == 4


def test_while_a_flow_is_sampled_it_stays_in_training_mode() -> None:
    modes: list[bool] = []
    flow = RealNVP(2, couplings=2, width=8, dropout=0.5)
    flow.bijection.layers.append(Look(lambda: modes.append(all(part.training for part in flow.modules()))))
    flow.sample(3)
    flow.rsample(3)
    flow.sample_and_log_prob(3)
    flow.decode(torch.zeros(1, 2))
    assert modes == [True] * 4


def test_while_a_flow_is_sampled_its_training_keeps_every_gradient() -> None:
    """An inverse that samples use is detached: it must not be what another thread trains with."""
    torch.manual_seed(0)
    flow = Glow((1, 4, 4), steps=2, width=4)
    flow.bijection = Inverse(Glow((1, 4, 4), steps=1, width=4, levels=1).bijection)
    convolutions = [part for part in flow.modules() if isinstance(part, InvertibleConv1x1)]
    z = torch.randn(2, 16)

    def gradients() -> list[torch.Tensor]:
        flow.zero_grad()
        flow.bijection.encode(z)[0].square().sum().backward()
        return [part.raw_triangles.grad.clone() for part in convolutions]

    expected, found = gradients(), []
    for mode in (True, False):
        flow.train(mode)
        with torch.no_grad():
            inside = view(flow, training=False)
            with inside.frozen(), torch.enable_grad():
                found.append(gradients())
    assert all(torch.equal(a, b) for grads in found for a, b in zip(grads, expected, strict=True))
    assert float(expected[0].abs().max()) > 0
