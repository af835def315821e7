"""Checkpoints: all that a training needs to go on as if it had never stopped. No pickle."""

import errno
import hashlib
import itertools
import json
import os
import re
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from diffeo.flow import Flow
from diffeo.system.warning import warn
from diffeo.system.writing import remove, sync, unfinished_folder, write_atomically
from diffeo.training.ema import EMA

FORMAT = 1
LAYOUT, FLOW = "tensors of the flow", "flow"
TENSORS_FILE, STATE_FILE = "tensors.safetensors", "state.json"
NAME = re.compile(r"step-(\d+)(?:-(\d+))?")
KEPT = 2  # a damaged one still leaves the one before
DAMAGED = (OSError, ValueError, KeyError, TypeError, RecursionError)  # what reading one raises then
TIMES = ("seconds", "lost", "timings")  # of a position


@dataclass
class Position:
    """Where a training is: everything but tensors.

    Attributes:
        step: how many steps were taken.
        steps: how many there will be.
        attempt: how often it was rolled back; part of every seed, and halves the learning rate each time.
        skipped: steps without finite gradients.
        in_a_row: how many of these came last.
        since_best: evaluations since the best one.
        best: the record of the best validation loss.
        history: one record an evaluation.
        seconds: what it took so far.
        lost: how many of these went into preparation, and into steps that were rolled back.
        timings: on what.
        stopped: why it ended; empty while it goes on.
        log: how many losses of steps are in their file, and the checksum of these lines.
    """

    steps: int
    step: int = 0
    attempt: int = 0
    skipped: int = 0
    in_a_row: int = 0
    since_best: int = 0
    best: dict[str, float] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0
    lost: float = 0.0
    timings: dict[str, float] = field(default_factory=dict)
    stopped: str = ""
    log: dict[str, int] = field(default_factory=dict)


@dataclass
class Checkpoint:
    """A position and the tensors that belong to it, on the CPU; `setting` is what must not differ on resuming."""

    position: Position
    tensors: dict[str, Tensor]
    setting: dict[str, Any]


def capture(
    position: Position,
    flow: Flow,
    optimizer: torch.optim.Optimizer,
    average: EMA,
    extra: dict[str, Tensor],
    setting: dict[str, Any],
) -> Checkpoint:
    """Copies of parameters, buffers, averages, the optimiser's moments by parameter name, and `extra` tensors."""
    tensors = {f"model.{name}": tensor for name, tensor in flow.state_dict().items()}
    for (name, parameter), mean in zip(flow.named_parameters(), average.averages, strict=True):
        tensors[f"average.{name}"] = mean
        tensors |= {f"optimizer.{key}.{name}": value for key, value in optimizer.state.get(parameter, {}).items()}
    tensors |= {f"extra.{name}": tensor for name, tensor in extra.items()}
    copies = {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in tensors.items()}
    return Checkpoint(Position(**json.loads(json.dumps(asdict(position)))), copies, setting)


def restore(
    checkpoint: Checkpoint, flow: Flow, optimizer: torch.optim.Optimizer, average: EMA
) -> tuple[Position, dict[str, Tensor]]:
    """Put everything back; returns the position and the extra tensors, on the flow's device."""
    tensors = {name: tensor.to(flow.device, copy=True) for name, tensor in checkpoint.tensors.items()}
    flow.load_state_dict(_under("model.", tensors))
    moments: dict[str, dict[str, Tensor]] = {}
    for key, value in _under("optimizer.", tensors).items():
        kind, name = key.split(".", 1)
        moments.setdefault(name, {})[kind] = value
    for (name, parameter), mean in zip(flow.named_parameters(), average.averages, strict=True):
        mean.copy_(tensors[f"average.{name}"])
        optimizer.state.pop(parameter, None)
        if name in moments:
            optimizer.state[parameter] = moments[name]
    return Position(**json.loads(json.dumps(asdict(checkpoint.position)))), _under("extra.", tensors)


def write(checkpoint: Checkpoint, folder: Path) -> Path:
    """Write ``folder/step-N``, whole or not at all, and remove all but the newest two.

    None is written over, or removed before this one stands and was read again. Where one of the same content stands
    it is left as it is; one of another content, from before a rollback or damaged, makes this ``step-N-2``.

    Raises:
        OSError: if it could not be written; all others are still there then.
    """
    from safetensors.torch import save

    folder.mkdir(parents=True, exist_ok=True)
    state = {"position": asdict(checkpoint.position), "setting": checkpoint.setting}
    content = save(checkpoint.tensors)
    described = {
        "format": FORMAT,
        "sha256": {TENSORS_FILE: hashlib.sha256(content).hexdigest(), "state": _checksum(state)},
        "state": state,
    }
    target, stands = _place(folder, described)
    if not stands:
        unfinished = unfinished_folder(folder)
        try:
            write_atomically(unfinished / TENSORS_FILE, content)
            write_atomically(unfinished / STATE_FILE, (json.dumps(described, indent=1) + "\n").encode())
            sync(unfinished)
            os.replace(unfinished, target)
            sync(folder)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
        if not _is_whole(target):
            raise OSError(errno.EIO, "it is not read as it was written", str(target))
    _prune(folder, target)
    return target


def _place(folder: Path, described: dict[str, Any]) -> tuple[Path, bool]:
    """Where a checkpoint is to stand, and whether it stands there already."""
    target = first = folder / f"step-{described['state']['position']['step']:09d}"
    for number in itertools.count(2):
        if not target.exists():
            return target, False
        if _is_whole(target) and _lasting(_checked(target)[0]) == _lasting(described):
            break
        target = first.with_name(f"{first.name}-{number}")
    return target, True


def _lasting(described: dict[str, Any]) -> dict[str, Any]:
    """What of a checkpoint is the same whenever it is made."""
    position = {key: value for key, value in described["state"]["position"].items() if key not in TIMES}
    records = [{**record, "seconds": 0} for record in (position["best"], *position["history"])]
    return {
        "tensors": described["sha256"][TENSORS_FILE],
        "position": position | {"best": records[0], "history": records[1:]},
        "setting": described["state"]["setting"],
    }


def _prune(folder: Path, target: Path) -> None:
    """Remove those after `target`, from before a rollback or damaged, and of the others all but the newest two."""
    present = _present(folder)
    place = present.index(target)
    whole = [target]
    for path in reversed(present[:place]):
        if len(whole) < KEPT and _is_whole(path):
            whole.append(path)
        else:
            remove(path)
    for path in present[place + 1 :]:
        remove(path)


def any_whole(folder: Path) -> bool:
    """Whether there is a checkpoint to go on from."""
    return any(map(_is_whole, reversed(_present(folder))))


def newest(folder: Path) -> Checkpoint | None:
    """The newest checkpoint that is whole; a damaged one is passed over with a warning. None if there is none."""
    for path in reversed(_present(folder)):
        try:
            return _read(path)
        except DAMAGED as error:
            warn(f"the checkpoint {path} is damaged ({error}); looking for the one before")
    return None


def matching(folder: Path, setting: dict[str, Any]) -> Checkpoint:
    """The newest checkpoint, of a training with the same settings.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: if a setting, or the data, is another.
    """
    found = newest(folder)
    if found is None:
        raise FileNotFoundError(f"fit: there is no checkpoint in {folder} to resume from")
    was, now = found.setting.get(FLOW), setting.get(FLOW)
    options = changed_options(was, now) if was and now else []  # what differs in them explains other tensors
    differ = [name for name in setting if setting[name] != found.setting.get(name)]
    differ = [name for name in differ if name != FLOW and not (name == LAYOUT and options)]
    differ = [name for name in differ if name != "threads" or setting["threads"] is not None]  # its own, unless told
    machine = [name for name in differ if name in ("torch", "threads", "processes")]
    if options or len(differ) > len(machine):
        listed = ", ".join(
            options
            + [
                f"the {name}" if " " in name else f"{name} was {found.setting.get(name)} and is {setting[name]}"
                for name in differ
                if name not in machine
            ]
        )
        earlier = ". If an earlier version of diffeo wrote it, train anew" if LAYOUT in differ else ""
        raise ValueError(
            f"fit: to resume {folder.parent}, everything must be as it was, but these differ: {listed}{earlier}"
        )
    if machine:
        listed = ", ".join(f"{name} was {found.setting.get(name)} and is {setting[name]}" for name in machine)
        warn(f"losses will not be the same to the last digit: {listed}")
    return found


def changed_options(was: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What differs between two flows, option by option; of options that only one of them has nothing is known."""
    if was["class"] != now["class"]:
        return [f"the flow was a {was['class']} and is a {now['class']}"]
    found = []
    for name in was["options"].keys() & now["options"].keys():
        one, other = was["options"][name], now["options"][name]
        if one != other:
            short = all(value is None or isinstance(value, (bool, int, float, str)) for value in (one, other))
            found.append(f"the flow's {name} was {one} and is {other}" if short else f"the flow's {name}")
    return sorted(found)


def newest_state(folder: Path) -> dict[str, Any] | None:
    """Position and setting of the newest checkpoint that is whole but for its tensors, which are not read."""
    for path in reversed(_present(folder)):
        try:
            found: dict[str, Any] = _described(path)["state"]
            return found
        except DAMAGED:
            continue
    return None


def _described(path: Path) -> dict[str, Any]:
    described: dict[str, Any] = json.loads((path / STATE_FILE).read_text(encoding="utf-8"))
    if described["format"] != FORMAT:
        raise ValueError(f"format {described['format']} is not known here (known: {FORMAT})")
    if described["sha256"]["state"] != _checksum(described["state"]):
        raise ValueError("the checksum of state is wrong")
    return described


def _read(path: Path) -> Checkpoint:
    from safetensors.torch import load

    described, content = _checked(path)
    state = described["state"]
    return Checkpoint(Position(**state["position"]), load(content), state["setting"])


def _checked(path: Path) -> tuple[dict[str, Any], bytes]:
    """What a checkpoint says of itself, and its tensors' bytes, if both are what was written."""
    described = _described(path)
    content = (path / TENSORS_FILE).read_bytes()
    if described["sha256"][TENSORS_FILE] != hashlib.sha256(content).hexdigest():
        raise ValueError(f"the checksum of {TENSORS_FILE} is wrong")
    return described, content


def _is_whole(path: Path) -> bool:
    try:
        _checked(path)
    except DAMAGED:
        return False
    return True


def _present(folder: Path) -> list[Path]:
    """The checkpoints of a folder, oldest first: by their step, then in the order in which they were written."""
    found = {path: NAME.fullmatch(path.name) for path in folder.glob("step-*")}
    numbers = {path: (int(name[1]), int(name[2] or 1)) for path, name in found.items() if name}
    return sorted(numbers, key=numbers.__getitem__)


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _checksum(state: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()
