"""Saving and loading without pickle: options as JSON, tensors as safetensors, a registry of classes."""

import functools
import importlib
import inspect
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from diffeo import models
from diffeo.options import check_number, plain, refuse, torch_layer, torch_options
from diffeo.seal import check_seal, sealed

FORMAT = 1
CONFIG_FILE = "config.json"
TENSORS_FILE = "model.safetensors"
DRAWING = {  # functions of torch that draw random numbers, by a generator that may be given
    "rand", "randn", "randint", "randperm", "normal", "bernoulli", "multinomial", "poisson",
    "uniform_", "normal_", "trunc_normal_", "random_", "bernoulli_", "exponential_", "geometric_", "log_normal_",
    "cauchy_", "kaiming_uniform_", "kaiming_normal_", "xavier_uniform_", "xavier_normal_", "orthogonal_", "sparse_",
}  # fmt: skip

TORCH = "torch.nn."  # before the names of torch's own layers

T = TypeVar("T", bound=type)
Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

_classes: dict[str, type] = {}


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


def build(data: Json) -> Any:
    """The inverse of :func:`config`: construct the object again.

    Raises:
        ValueError: if the class or an option is unknown, or a key does not belong there.
    """
    if not isinstance(data, dict) or set(data) != {"class", "options"}:
        keys = sorted(data) if isinstance(data, dict) else data
        raise ValueError(f"expected the keys 'class' and 'options', got {keys}")
    name, options = str(data["class"]), data["options"]
    if not isinstance(options, dict):
        raise ValueError(f"{name}: options must be a JSON object, got {type(options).__name__}")
    if name.startswith(TORCH):
        try:
            return torch_layer(name.removeprefix(TORCH), {k: _decode(v) for k, v in options.items()})
        except (TypeError, KeyError) as error:
            raise ValueError(f"{name}: {error}") from error
    cls = _find(name)
    known = inspect.signature(cls).parameters
    earlier = getattr(cls, "earlier_options", {})  # what an option meant before files held it
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise ValueError(f"{name}: unknown option {', '.join(unknown)} (known: {', '.join(known) or 'none'})")
    try:
        return cls(**{**earlier, **{k: _decode(v) for k, v in options.items()}})
    except TypeError as error:
        text = str(error)
        raise ValueError(text if text.startswith(f"{name}:") else f"{name}: {text}") from error


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
    skeleton = _skeleton(described)
    _same_tensors(skeleton, item.state_dict(), "cannot be saved: its options do not describe it")
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
    text = json.dumps(described, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / TENSORS_FILE, sealed(tensors))
    write_atomically(folder / CONFIG_FILE, text.encode())
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
    from safetensors.torch import load_file

    folder = models.find(where)
    for name in (CONFIG_FILE, TENSORS_FILE):
        if not (folder / name).is_file():
            hides = f". It hides the model that ships as {where}" if os.fspath(where) in models.names() else ""
            raise FileNotFoundError(f"{folder} holds no saved model: {name} is missing{hides}")
    try:
        described = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{folder / CONFIG_FILE} is not valid JSON: {error}") from error
    try:
        item = _skeleton(described)
    except ValueError as error:
        raise ValueError(f"{folder / CONFIG_FILE}: {error}") from error
    check_seal(folder / TENSORS_FILE)
    try:
        # cloned, since where a tensor lies in a file decides how it is aligned, and that the last bit of a sum
        tensors = {name: tensor.clone() for name, tensor in load_file(folder / TENSORS_FILE).items()}
    except Exception as error:  # safetensors has an error class of its own
        raise ValueError(f"{folder / TENSORS_FILE} is damaged: {error}") from error
    tensors |= _earlier_tensors(item, tensors)
    _same_tensors(item, tensors, f"does not fit {folder / TENSORS_FILE}")
    tied = _tied(item)
    item.load_state_dict(tensors, strict=True, assign=True)
    for first, *others in tied:
        for other in others:
            owner, _, leaf = other.rpartition(".")
            setattr(item.get_submodule(owner), leaf, item.get_parameter(first))
    return item.to(device).eval() if device is not None else item.eval()


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a reader, or a crash, sees the old one or the whole new one.

    Raises:
        OSError: naming `path`, if its folder cannot be written to.
    """
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:  # it names the temporary file
        raise type(error)(error.errno, error.strerror, str(path)) from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _copied(value: Any) -> Any:
    """Options as they were given: what the caller does with a list afterwards is not the model's."""
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
        return build(value) if "class" in value else {k: _decode(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_decode(v) for v in value]
    return value


def _find(name: str) -> type:
    if name not in _classes and "diffeo" in sys.modules:
        getattr(importlib.import_module("diffeo"), name, None)  # a public name registers itself when it is imported
    if name not in _classes:
        raise ValueError(
            f"unknown class {name!r}. If it is your own, import the module that registers it "
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


def _skeleton(described: object) -> nn.Module:
    expected = {"format", "class", "options", "versions"}
    if not isinstance(described, dict) or set(described) != expected:
        keys = sorted(described) if isinstance(described, dict) else type(described).__name__
        raise ValueError(f"expected the keys {sorted(expected)}, got {keys}")
    if described["format"] != FORMAT:
        raise ValueError(f"format {described['format']} is not known here (known: {FORMAT}). Update diffeo.")
    with _Drawing():  # not on the meta device, where simple sums would import the compiler
        item = build({"class": described["class"], "options": described["options"]})
    if not isinstance(item, nn.Module):
        raise ValueError(f"{described['class']} is no model")
    return item


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
