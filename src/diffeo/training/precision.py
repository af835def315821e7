"""bfloat16 for conditioners, while training only: everything that is exact stays in float32."""

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from diffeo.bijections import Bijection
from diffeo.flow import Flow
from diffeo.view import view

PRECISIONS = ("float32", "bf16")


def resolve(precision: str, flow: Flow) -> str:
    """``"float32"`` or ``"bf16"``; of ``"auto"``, bf16 for float32 flows on images where the device computes in it.

    Raises:
        ValueError: if the name is not known, or bf16 is asked for a flow in float64.

    Example:
        >>> import diffeo
        >>> resolve("auto", diffeo.RealNVP(2))
        'float32'
    """
    if precision == "auto":
        return "bf16" if len(flow.shape) == 3 and flow.dtype == torch.float32 and _native(flow.device) else "float32"
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be auto, float32 or bf16, got {precision!r}")
    if precision == "bf16" and flow.dtype != torch.float32:
        raise ValueError(f"precision bf16 is for flows in float32, and this one is in {flow.dtype}. Use float32")
    return precision


def _native(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    supported: Callable[[], bool] = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return device.type == "cpu" and bool(supported())


def computing_in(flow: Flow, precision: str) -> Flow:
    """With ``"bf16"`` a view of the flow, in training mode, whose conditioners compute in bfloat16; else the flow.

    A conditioner hands over float32, but may be wrong in its third digit, so encode and decode are inverse to each
    other no longer: this is for gradients. The weights are the flow's own, in float32.
    """
    if precision != "bf16":
        return flow
    rough = view(flow, training=True)
    for network in conditioners(rough):
        network.forward = _in_bfloat16(network.forward, flow.device.type)
    return rough


def conditioners(flow: Flow) -> list[nn.Module]:
    """The networks that bijections call: those of their parts that are no bijections themselves."""
    return [
        part
        for module in flow.modules()
        if isinstance(module, Bijection)
        for part in module.children()
        if not isinstance(part, (Bijection, nn.ModuleList))
    ]


def _in_bfloat16(forward: Callable[..., Any], device: str) -> Callable[..., Any]:
    @functools.wraps(forward)
    def run(*args: Any, **kwargs: Any) -> Any:
        with torch.autocast(device, torch.bfloat16):
            return forward(*args, **kwargs).float()

    return run
