"""How much memory a training took at its peak."""

import sys

import torch

UNIT = 2**20  # MiB


def peak_memory(device: torch.device) -> dict[str, float | None]:
    """The most that was held at once, in MiB: ``process`` since it started, ``device`` by torch on a GPU.

    None where there is no GPU, and for the process on Windows, which does not say.

    Example:
        >>> peak_memory(torch.device("cpu"))["device"] is None
        True
    """
    process: float | None = None
    if sys.platform != "win32":
        import resource

        bytes_a_unit = 1 if sys.platform == "darwin" else 1024
        process = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * bytes_a_unit / UNIT
    return {
        "process": process,
        "device": torch.cuda.max_memory_allocated(device) / UNIT if device.type == "cuda" else None,
    }
