"""Saving and loading without pickle: options as JSON, tensors as safetensors, a registry of classes."""

import functools
import importlib
import inspect
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from diffeo import models, tensors
from diffeo.building import Budget
from diffeo.documents import json_object, read_json, shortened
from diffeo.options import check_number, only, plain, refuse, torch_layer, torch_options
from diffeo.seal import check_seal, sealed
from diffeo.writing import write_atomically as write_atomically

FORMAT = 1
CONFIG_FILE = "config.json"
TENSORS_FILE = "model.safetensors"
LARGEST_CONFIG = 4 << 20  # bytes of config.json: what is large belongs into a buffer, not into an option
DRAWING = {  # functions of torch that draw random numbers, by a generator that may be given
    "rand", "randn", "randint", "randperm", "normal", "bernoulli", "multinomial", "poisson",
    "uniform_", "normal_", "trunc_normal_", "random_", "bernoulli_", "exponential_", "geometric_", "log_normal_",
    "cauchy_", "kaiming_uniform_", "kaiming_normal_", "xavier_uniform_", "xavier_normal_", "orthogonal_", "sparse_",
}  # fmt: skip

TORCH = "torch.nn."  # before the names of torch's own layers

T = TypeVar("T", bound=type)
Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

_classes: dict[str, type] = {}
_from_file: ContextVar[bool] = ContextVar("built to take the tensors of a file", default=False)


def register(cls: T) -> T:
    """Admit a class to configurations: its constructor's options are remembered, so it can be saved.

    Use it as a decorator on your own bijections, conditioners, bases or flows. Options may be numbers,
    strings, booleans, None, lists or dicts of these, and objects of registered classes or of torch's own
    layers. The constructor gets them as a file would hold them: NumPy's and torch's scalars as numbers, arrays,
    tensors and tuples as lists. Anything else is refused when the object is built, not when it is saved.

    Raises:
        TypeError: if the constructor takes ``*args`` or ``**kwargs`` (they cannot be named in a file); when an
            object is built, if an option cannot be saved.
        ValueError: if another class is registered under the same name.

    Example:
        >>> import diffeo
        >>> @diffeo.register
        ... class Double(diffeo.Bijection):
        ...     def encode(self, x, condition=None):
        ...         return 2 * x, x.new_full((x.shape[0],), x[0].numel() * math.log(2))
        ...
        ...     def decode(self, z, condition=None):
        ...         return z / 2, -z.new_full((z.shape[0],), z[0].numel() * math.log(2))
        >>> config(Double())
        {'class': 'Double', 'options': {}}
    """
    kind: Any = cls
    constructor: Callable[..., None] = kind.__init__
    signature = inspect.signature(constructor)
    unnamed = [p.name for p in signature.parameters.values() if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    if unnamed and "__init__" in cls.__dict__:
        raise TypeError(f"{cls.__name__}: options must have names, not *{unnamed[0]}")
    options = [] if unnamed else list(signature.parameters)[1:]  # without one of its own, nn.Module's takes none
    other = _classes.get(cls.__name__)
    ours = cls.__name__ in getattr(sys.modules.get("diffeo"), "__all__", ()) and not cls.__module__.startswith(
        "diffeo."
    )
    if ours or (other and (other.__module__, other.__qualname__) != (cls.__module__, cls.__qualname__)):
        owner = "diffeo" if ours or other is None else other.__module__
        raise ValueError(f"{cls.__name__} is already registered by {owner}: give the class another name")
    _classes[cls.__name__] = cls
    own = cls.__module__.startswith("diffeo.")  # whose annotations are to be held to, and which take tuples or lists

    @functools.wraps(constructor)
    def remember(self: Any, *args: Any, **kwargs: Any) -> None:
        if "_options" in self.__dict__:  # of the outermost constructor: a recipe, not what it calls
            constructor(self, *args, **kwargs)
            return
        bound = signature.bind(self, *args, **kwargs)
        bound.apply_defaults()
        for name in options:
            bound.arguments[name] = plain(bound.arguments[name], tuples=own)
            if own:
                check_number(bound.arguments[name], signature.parameters[name].annotation, f"{cls.__name__}: {name}")
        object.__setattr__(self, "_options", {name: _copied(bound.arguments[name]) for name in options})
        constructor(*bound.args, **bound.kwargs)
        for name, value in self._options.items():  # after the constructor, which knows better what is wrong
            refuse(value, f"{cls.__name__}: {name}")

    kind.__init__ = remember
    return cls


def registered() -> dict[str, type]:
    """The registered classes by name."""
    return dict(_classes)


def config(item: Any) -> dict[str, Json]:
    """What is needed to construct `item` again: ``{"class": name, "options": {...}}``.

    Raises:
        TypeError: if `item`, or something among its options, is of no registered class.
    """
    cls = type(item)
    if isinstance(item, nn.Module) and (found := torch_options(item)) is not None:
        name = TORCH + cls.__name__
        return {"class": name, "options": {k: _encode(v, f"{name}.{k}") for k, v in found.items()}}
    known = _classes.get(cls.__name__) is cls
    if cls.__module__.partition(".")[0] == "torch":
        raise TypeError(
            f"{cls.__name__} cannot be saved: it is made by torch, and a file cannot say how. Make it in the "
            "constructor of a class of your own, decorate that with @diffeo.register, and build the model anew; such a "
            "part may have the weights of this one: new_part.net.load_state_dict(old_part.state_dict())"
        )
    if not known or "_options" not in item.__dict__:
        raise TypeError(
            f"{cls.__name__} cannot be saved: "
            + ("it was built before its class was registered. " if known else "its class is not registered. ")
            + "Decorate the class with @diffeo.register and build the model anew; it may have the weights of this one: "
            "new.load_state_dict(old.state_dict()). Then the new one can be saved"
        )
    return {
        "class": cls.__name__,
        "options": {k: _encode(v, f"{cls.__name__}.{k}") for k, v in item._options.items()},
    }


def build(data: Json, *, holds: Iterable[Iterable[int]] | None = None) -> Any:
    """The inverse of :func:`config`: construct the object again.

    Args:
        data: what :func:`config` gave.
        holds: the shapes of the tensors that the object is to hold. Options that ask for much more are refused before
            it takes memory or time (:mod:`diffeo.building`).

    Raises:
        ValueError: if the class or an option is unknown, a key does not belong there, or the constructor fails.
    """
    with Budget(holds) if holds is not None else nullcontext():
        return _build(data)


def _build(data: Json) -> Any:
    if not isinstance(data, dict) or set(data) != {"class", "options"}:
        found = f"{_listed(data)}" if isinstance(data, dict) else shortened(repr(data))
        raise ValueError(f"expected the keys 'class' and 'options', got {found}")
    name, options = data["class"], data["options"]
    if not isinstance(name, str):
        raise ValueError(f"the class must be a name, got {shortened(repr(name))}")
    if not isinstance(options, dict):
        raise ValueError(f"{shortened(name)}: options must be a JSON object, got {type(options).__name__}")
    cls = None if name.startswith(TORCH) else _find(name)
    if cls is not None:
        known = inspect.signature(cls).parameters
        if unknown := set(options) - set(known):
            raise ValueError(f"{name}: unknown option {_listed(unknown)} (known: {', '.join(known) or 'none'})")
    given = {key: _decode(value) for key, value in options.items()}
    try:
        if cls is None:
            return torch_layer(name.removeprefix(TORCH), given)
        earlier = getattr(cls, "earlier_options", {})  # what an option meant before files held it
        return cls(**{**earlier, **given})
    except Exception as error:  # constructors are Python: whatever is wrong with an option, they may raise
        raise ValueError(_told(name, error)) from error


def _told(name: str, error: Exception) -> str:
    """What a constructor raised, in one line that begins with its class."""
    said = str(error).partition("\nException raised from")[0]  # in C++
    text = shortened(" ".join(said.split()), most=500)
    if isinstance(error, (ValueError, TypeError)):
        return text if text.startswith(f"{name}:") else f"{shortened(name)}: {text}"
    why = {MemoryError: "more memory than there is", RecursionError: "parts too deep in each other"}.get(type(error))
    return f"{shortened(name)}: its options do not fit: " + (
        f"they ask for {why}" if why else text or "no reason given"
    )


def _listed(names: Iterable[object]) -> str:
    """Names of others, a few of them."""
    ordered = sorted(map(str, names))
    return shortened(", ".join(map(shortened, ordered[:10])), most=200) + (", .." if len(ordered) > 10 else "")


def describe(item: nn.Module) -> dict[str, Json]:
    """What ``config.json`` will hold of a model, once it is certain that the model can be built from it again.

    Raises:
        TypeError: if the model cannot be described by its options (see :func:`register`).
        ValueError: if it is not what its options say: it was changed, or two of its parts share parameters.
    """
    import diffeo

    described: dict[str, Json] = {
        "format": FORMAT,
        **config(item),
        "versions": {"diffeo": diffeo.__version__, "torch": torch.__version__},
    }
    state = item.state_dict()
    try:
        json_object(_text(described), "its description", largest=LARGEST_CONFIG)
        skeleton = _skeleton(described, state)
    except ValueError as error:
        raise ValueError(f"{type(item).__name__} cannot be saved, since it could not be opened: {error}") from error
    _same_tensors(skeleton, state, "cannot be saved: its options do not describe it")
    if _tied(skeleton) != _tied(item):
        raise ValueError(
            f"{type(item).__name__} cannot be saved: two of its parts share parameters. Build one for each place"
        )
    if _structure(skeleton) != _structure(item):
        raise ValueError(f"{type(item).__name__} cannot be saved: it was changed after it was built. Build it anew")
    return described


def save(item: nn.Module, folder: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
    """Write ``config.json`` and ``model.safetensors`` into `folder`, each whole or not at all.

    The tensors carry a checksum, in the metadata of their own file, which :func:`load` compares.

    Raises:
        TypeError, ValueError: if the model cannot be built from its options again (see :func:`describe`).
        FileExistsError: if a model lies there already and `overwrite` is not set.
    """
    folder = Path(folder)
    present = [name for name in (CONFIG_FILE, TENSORS_FILE) if (folder / name).exists()]
    if present and not overwrite:
        raise FileExistsError(
            f"{folder} already holds {' and '.join(present)}. Choose another folder, or pass overwrite=True."
        )
    described = describe(item)
    tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in item.state_dict().items()}
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / TENSORS_FILE, sealed(tensors))
    write_atomically(folder / CONFIG_FILE, _text(described).encode())
    return folder


def load(where: str | os.PathLike[str], *, device: torch.device | str | None = None) -> Any:
    """Open a saved model: the one that was saved, to the last bit, in evaluation mode.

    Args:
        where: a folder; or the name of a model that ships (``diffeo models`` lists them), if there is no such folder;
            or ``hf://USER/NAME``, a repository of the Hugging Face hub.
        device: where the model is wanted.

    Raises:
        FileNotFoundError: if there is no such model, or the folder holds none.
        ValueError: if the files do not fit together: an unknown class, option or key, a missing or
            extra tensor, a wrong shape; or if the tensors are not those that were saved, by their checksum.
    """
    folder = models.find(where)
    for name in (CONFIG_FILE, TENSORS_FILE):
        if not (folder / name).is_file():
            hides = f". It hides the model that ships as {where}" if os.fspath(where) in models.names() else ""
            raise FileNotFoundError(f"{folder} holds no saved model: {name} is missing{hides}")
    described = read_json(folder / CONFIG_FILE, largest=LARGEST_CONFIG)
    outline = tensors.outline(folder / TENSORS_FILE)
    try:
        item = _skeleton(described, outline.tensors)
        added = _earlier_tensors(item, outline.tensors)
        _same_tensors(item, outline.tensors | added, f"does not fit {folder / TENSORS_FILE}")
    except ValueError as error:
        raise ValueError(f"{folder / CONFIG_FILE}: {error}") from error
    check_seal(folder / TENSORS_FILE)
    tied = _tied(item)
    _let_go(item)
    item.load_state_dict(tensors.read(folder / TENSORS_FILE, outline) | added, strict=True, assign=True)
    for first, *others in tied:
        for other in others:
            owner, _, leaf = other.rpartition(".")
            setattr(item.get_submodule(owner), leaf, item.get_parameter(first))
    return item.to(device).eval() if device is not None else item.eval()


def _copied(value: Any) -> Any:
    """Options as they were given: what the caller does with a list afterwards is not the model's."""
    if only(value, bool, str, int, float):
        return list(value)
    if isinstance(value, (list, tuple, nn.ModuleList)):
        return [_copied(v) for v in value]
    return {k: _copied(v) for k, v in value.items()} if isinstance(value, dict) else value


def _encode(value: Any, where: str) -> Json:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple, nn.ModuleList, torch.Size)):
        return [_encode(v, f"{where}[{i}]") for i, v in enumerate(value)]
    if isinstance(value, dict):
        return {str(k): _encode(v, f"{where}.{k}") for k, v in value.items()}
    if hasattr(value, "__dict__") and not inspect.isroutine(value):
        return config(value)
    raise TypeError(f"{where}: a {type(value).__name__} cannot be saved as an option")


def _decode(value: Json) -> Any:
    if isinstance(value, dict):
        return _build(value) if "class" in value else {k: _decode(v) for k, v in value.items()}
    if isinstance(value, list):
        return value if only(value, bool, str, int, float) else [_decode(v) for v in value]
    return value


def _find(name: str) -> type:
    if name not in _classes and "diffeo" in sys.modules:
        getattr(importlib.import_module("diffeo"), name, None)  # a public name registers itself when it is imported
    if name not in _classes:
        raise ValueError(
            f"unknown class {shortened(name)!r}. If it is your own, import the module that registers it "
            f"with @diffeo.register first"
        )
    return _classes[name]


def _tied(item: nn.Module) -> list[list[str]]:
    """The names of each parameter that has several, in order."""
    names: dict[int, list[str]] = {}
    for name, parameter in item.named_parameters(remove_duplicate=False):
        names.setdefault(id(parameter), []).append(name)
    return [several for several in names.values() if len(several) > 1]


def _structure(item: nn.Module) -> list[tuple[object, ...]]:
    """Every part: its name, class, what it prints of itself (but no addresses), and its parts that are no modules."""
    found: list[tuple[object, ...]] = []
    for name, part in item.named_modules(remove_duplicate=False):
        said = re.sub(r" at 0x[0-9a-fA-F]+", "", part.extra_repr())
        others = {
            key: config(value)
            for key, value in vars(part).items()
            if not isinstance(value, nn.Module) and "_options" in getattr(value, "__dict__", ())
        }
        kind = type(part)  # by name: torch makes a class for each layer that it parametrizes
        found.append((name, kind.__module__, kind.__qualname__, said, others))
    return found


class _Drawing(TorchFunctionMode):
    """Inside, constructors draw from a generator of their own: the global one is the user's, in other threads too."""

    def __init__(self) -> None:
        super().__init__()
        self.generator = torch.Generator().manual_seed(0)

    def __torch_function__(self, function: Any, types: Any, given: Any = (), options: Any = None) -> Any:
        options = dict(options or {})
        if getattr(function, "__name__", "") in DRAWING and options.get("generator") is None:
            options["generator"] = self.generator
        return function(*given, **options)


def from_file() -> bool:
    """Whether a constructor runs only to take the tensors of a file: what parameters start from is then not needed."""
    return _from_file.get()


@contextmanager
def _for_a_file() -> Iterator[None]:
    before = _from_file.set(True)
    try:
        yield
    finally:
        _from_file.reset(before)


def _skeleton(described: object, held: dict[str, Tensor]) -> nn.Module:
    """The model with parameters that mean nothing yet, made within what the tensors that it is to hold warrant."""
    expected = {"format", "class", "options", "versions"}
    if not isinstance(described, dict) or set(described) != expected:
        keys = _listed(described) if isinstance(described, dict) else type(described).__name__
        raise ValueError(f"expected the keys {', '.join(sorted(expected))}, got {keys}")
    if described["format"] != FORMAT:
        raise ValueError(
            f"format {shortened(str(described['format']))} is not known here (known: {FORMAT}). Update diffeo."
        )
    with _for_a_file(), _Drawing():  # not on the meta device, where simple sums would import the compiler
        item = build(
            {"class": described["class"], "options": described["options"]},
            holds=[tensor.shape for tensor in held.values()],
        )
    if not isinstance(item, nn.Module):
        raise ValueError(f"{described['class']} is no model")
    return item


def _let_go(item: nn.Module) -> None:
    """Give back the memory of what a file's tensors will take the place of; shapes and types stay."""
    for part in item.modules():
        for name, parameter in part._parameters.items():
            if parameter is not None:
                empty = parameter.data.new_zeros(()).expand(parameter.shape)
                part._parameters[name] = nn.Parameter(empty, requires_grad=parameter.requires_grad)
        for name, buffer in part._buffers.items():
            if buffer is not None and name not in part._non_persistent_buffers_set:
                part._buffers[name] = buffer.new_zeros(()).expand(buffer.shape)


def _text(described: dict[str, Json]) -> str:
    return json.dumps(described, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def _earlier_tensors(item: nn.Module, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """What parts are set to that files of before they were there hold nothing of: their `earlier_tensors`."""
    floating = next((tensor.dtype for tensor in tensors.values() if tensor.is_floating_point()), torch.float32)
    added: dict[str, Tensor] = {}
    for place, part in item.named_modules():
        state = {f"{place}.{name}".lstrip("."): value for name, value in getattr(part, "earlier_tensors", {}).items()}
        if not state.keys() & tensors.keys():  # else the file is of later, or damaged
            for name, value in state.items():
                dtype = torch.bool if isinstance(value, bool) else floating
                added[name] = torch.full(item.state_dict()[name].shape, value, dtype=dtype)
    return added


def _same_tensors(item: nn.Module, tensors: dict[str, Tensor], problem: str) -> None:
    wanted = item.state_dict()
    faults = [f"missing {name}" for name in wanted if name not in tensors]
    faults += [f"extra {name}" for name in tensors if name not in wanted]
    faults += [
        f"{name} has shape {tuple(tensors[name].shape)}, not {tuple(wanted[name].shape)}"
        for name in wanted
        if name in tensors and tensors[name].shape != wanted[name].shape
    ]
    floating = {str(tensor.dtype) for tensor in tensors.values() if tensor.is_floating_point()}
    if len(floating) > 1 or floating & {"torch.float16", "torch.bfloat16"}:
        faults.append(f"tensors are {' and '.join(sorted(floating))}, not all float32 or all float64")
    faults += [
        f"{name} is {tensors[name].dtype}, not {wanted[name].dtype}"
        for name in wanted
        if name in tensors
        and (tensors[name].is_floating_point(), wanted[name].is_floating_point()) != (True, True)
        and tensors[name].dtype != wanted[name].dtype
    ]
    if faults:
        more = f" and {len(faults) - 5} more" if len(faults) > 5 else ""
        raise ValueError(f"{type(item).__name__} {problem}: {'; '.join(faults[:5])}{more}")
