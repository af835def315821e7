"""Which flow something was found with: a hash of its weights."""

import hashlib

import torch

from diffeo.flow import Flow


def fingerprint(flow: Flow) -> str:
    """A hash of a flow's weights, 12 hex digits: the same after saving and loading, on another device or as float64.

    Example:
        >>> import diffeo
        >>> flow, other = (diffeo.RealNVP(2, couplings=2, width=4) for _ in range(2))
        >>> fingerprint(flow) == fingerprint(flow.double()), fingerprint(flow) == fingerprint(other)
        (True, False)
    """
    found = hashlib.sha256()
    for name, tensor in sorted(flow.state_dict().items()):
        numbers = tensor.detach().to("cpu", torch.float32 if tensor.is_floating_point() else tensor.dtype)
        found.update(f"{name} {tuple(tensor.shape)}".encode())
        found.update(numbers.contiguous().flatten().view(torch.uint8).numpy())
    return found.hexdigest()[:12]
