"""Dropout as a function of the step, with the global generator left alone wherever that can be."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from diffeo.flow import Flow
from diffeo.networks.dropout import dropout_from

KNOWN = ("diffeo.", "torch.nn.modules.", "torch.nn.utils.")  # where classes are made that draw nothing, but for these:
DRAWING = (nn.modules.dropout._DropoutNd, nn.RReLU, nn.MultiheadAttention, nn.RNNBase)

_one_at_a_time = threading.RLock()


def draws_globally(flow: Flow) -> bool:
    """Whether a part of a flow may draw from torch's global generator while it trains.

    Example:
        >>> import diffeo
        >>> chain = diffeo.Chain([diffeo.Coupling(2, nn.Sequential(diffeo.MLP(1, 2), nn.Dropout(0.1)))])
        >>> draws_globally(diffeo.RealNVP(2, dropout=0.1)), draws_globally(Flow(chain, diffeo.StandardNormal(2)))
        (False, True)
    """
    return any(
        isinstance(part, DRAWING)
        or not type(part).__module__.startswith(KNOWN)
        or getattr(part, "_compiled_call_impl", None) is not None
        for part in flow.modules()
    )


@contextmanager
def drawn_from(seed: int, device: torch.device, *, globally: bool) -> Iterator[None]:
    """Inside, dropout is a function of `seed`.

    Random numbers of other kinds are too if `globally` is set: then the global generator is seeded, and put back at
    the end, by one thread at a time.
    """
    with dropout_from(torch.Generator(device).manual_seed(seed)):
        if not globally:
            yield
            return
        with _one_at_a_time, torch.random.fork_rng([device] if device.type == "cuda" else []):
            torch.manual_seed(seed)
            yield
