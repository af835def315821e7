"""A budget for constructors that run on options of others: what they may make follows from what the file holds.

A file of 113 bytes can ask for a layer of a billion features, or a billion layers. Constructors are Python and make
what they like, so they are watched while they do: what one call of torch would make, before it makes it; what becomes
a parameter or a buffer, which the file must hold; and the steps that Python takes.
"""

import copy
import importlib
import math
import sys
import threading
from collections import Counter
from collections.abc import Iterable
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import (
    register_module_buffer_registration_hook,
    register_module_parameter_registration_hook,
)
from torch.nn.parameter import is_lazy
from torch.overrides import TorchFunctionMode
from torch.utils.hooks import RemovableHandle

from diffeo.saving.options import MOST_SIZES

FREE = 1 << 23  # numbers that constructors may hold beside what the file holds: 34 MB of float32
FREE_TENSORS = 1000
WORK, WORK_A_NUMBER = 1 << 26, 64  # numbers that they may compute
STEPS, STEPS_A_TENSOR, NUMBERS_A_STEP = 1_000_000, 5_000, 8  # calls and returns, beside tensors that the file holds
CUBIC = 64.0  # multiplications of matrices that take as long as one number

STOPS = {nn.Module.__init__.__code__, copy.deepcopy.__code__}  # elsewhere torch's own state might be left half set
IMPORTING = importlib._bootstrap._find_and_load.__code__  # type: ignore[attr-defined]


class Budget(TorchFunctionMode):
    """Inside, in this thread, constructors that make more than the file's tensors warrant are stopped.

    Args:
        shapes: of the tensors that the file holds.

    Raises:
        ValueError: inside, from the call that goes beyond.

    Example:
        >>> with Budget([(3, 2), (3,)]):
        ...     layer = nn.Linear(2, 3)
        >>> with Budget([(3, 2), (3,)]):
        ...     layer = nn.Linear(2, 10**8)
        Traceback (most recent call last):
        ValueError: these options ask for a tensor of 200,000,000 numbers, and the file holds 9 in 2 tensors
    """

    def __init__(self, shapes: Iterable[Iterable[int]]):
        super().__init__()
        self.left = Counter(tuple(shape) for shape in shapes)
        sizes = [math.prod(shape) for shape in self.left.elements()]
        self.holds = f"the file holds {sum(sizes):,} in {len(sizes):,} tensor{'' if len(sizes) == 1 else 's'}"
        self.largest = 2 * max(sizes, default=0) + FREE
        self.beside, self.tensors_beside = sum(sizes) // 5 + FREE, len(sizes) // 5 + FREE_TENSORS
        self.work: float = WORK + WORK_A_NUMBER * sum(sizes)
        self.steps = STEPS
        self.importing = 0  # imports in imports, whose steps do not count
        self.hooks: list[RemovableHandle] = []
        self.profile: Any = None

    def __enter__(self) -> "Budget":
        self.thread = threading.get_ident()
        self.hooks = [
            register_module_parameter_registration_hook(self._registered),
            register_module_buffer_registration_hook(self._registered),
        ]
        self.profile = sys.getprofile()
        if self.profile is None or isinstance(getattr(self.profile, "__self__", None), Budget):  # not a profiler
            sys.setprofile(self._step)
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *raised: Any) -> None:
        super().__exit__(*raised)  # type: ignore[no-untyped-call]
        if sys.getprofile() in (None, self._step):
            sys.setprofile(self.profile)
        for hook in self.hooks:
            hook.remove()

    def __torch_function__(self, function: Any, types: Any, given: Any = (), options: Any = None) -> Any:
        options, name = options or {}, getattr(function, "__name__", "")
        if not name.endswith("_"):  # in place
            self._allow(function, name, given, options)
        if name.startswith("linalg_"):
            self._spend(max((t.numel() for t in given if isinstance(t, Tensor)), default=0) ** 1.5 / CUBIC)
        result = function(*given, **options)
        if isinstance(result, Tensor) and not is_lazy(result):
            self._spend(result.numel())
        return result

    def _allow(self, function: Any, name: str, given: Any, options: dict[str, Any]) -> None:
        """Refuse a call whose result would be too large."""
        if name == "tensor":  # as large as the list that it is made of
            return
        at_most = sum(map(_log_size, (*given, *options.values())))  # of products, broadcasts and repetitions
        if name == "eye":
            asked = math.prod(n for n in (given * 2)[:2] if isinstance(n, int))
        elif at_most > math.log(self.largest):
            self.importing += 1  # as that may do
            asked = _asked(torch.empty if name in ("rand", "randn") else function, given, options)
            self.importing -= 1
        else:
            return
        if asked > self.largest:
            raise ValueError(f"these options ask for a tensor of {asked:,} numbers, and {self.holds}")

    def _spend(self, numbers: float) -> None:
        self.work -= numbers
        if self.work < 0:
            raise ValueError(f"these options take too much computing, and {self.holds}")

    def _registered(self, part: nn.Module, name: str, tensor: Tensor | None) -> None:
        if threading.get_ident() != self.thread or tensor is None or is_lazy(tensor):
            return
        shape = tuple(tensor.shape)
        if self.left[shape] > 0:
            self.left[shape] -= 1
            self.steps += STEPS_A_TENSOR + tensor.numel() // NUMBERS_A_STEP
            return
        self.beside -= tensor.numel()
        self.tensors_beside -= 1
        if self.beside < 0 or self.tensors_beside < 0:
            raise ValueError(
                f"these options make other layers: {name} of shape {shape} is one too many, and {self.holds}"
            )

    def _step(self, frame: FrameType, event: str, argument: object) -> None:
        if frame.f_code is IMPORTING:
            self.importing += {"call": 1, "return": -1}.get(event, 0)
        elif not self.importing:
            self.steps -= 1
            if self.steps < 0 and event == "call" and frame.f_code in STOPS:
                raise ValueError(f"these options take too long to build, and {self.holds}")


def _log_size(value: object) -> float:
    """The logarithm of how large a value may make a result: a tensor's size, or a whole number's."""
    if isinstance(value, Tensor):
        return 0.0 if is_lazy(value) else math.log(max(1, value.numel()))
    if isinstance(value, int):
        return math.log(max(1, abs(value)))
    return sum(map(_log_size, value)) if isinstance(value, (list, tuple)) and len(value) <= MOST_SIZES else 0.0


def _asked(function: Any, given: Any, options: dict[str, Any]) -> int:
    """How many numbers a call would make: asked of the meta device, which makes none."""

    def there(value: Any) -> Any:
        if isinstance(value, Tensor):
            return torch.empty_like(value, device="meta")
        return type(value)(map(there, value)) if type(value) in (list, tuple) else value

    options = {key: there(value) for key, value in options.items() if key not in ("generator", "device", "out")}
    try:
        with torch.device("meta"):
            result = function(*map(there, given), **options)
    except Exception:  # the call itself will say what is wrong
        return 0
    return result.numel() if isinstance(result, Tensor) else 0
