"""Whether two runs are the same, and which checkpoints stand: not by diffeo's own readers."""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

OF_THE_DAY = {"seconds", "timings", "evaluation_seconds", "peak_memory", "command", "started", "versions"}


def compared(run: Path, whole: Path) -> tuple[str, str]:
    """Whether two runs are the same, but for what the clock says."""
    ours, theirs = (
        {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()} for folder in (run, whole)
    )
    if ours.keys() != theirs.keys():
        return "other digits", f"files: {sorted(ours.keys() ^ theirs.keys())}"
    differ = [name for name in ours if _content(ours[name]) != _content(theirs[name])]
    shown = "".join(f"\n{name}: {_first(_content(ours[name]), _content(theirs[name]))}" for name in differ)
    return ("other digits", f"differ: {differ}{shown}") if differ else ("exact", "")


def _first(one: Any, other: Any) -> str:
    """Where two contents differ first."""
    if isinstance(one, dict) and isinstance(other, dict):
        where = next(key for key in [*one, *other] if one.get(key) != other.get(key))
        return f"{where}: {_first(one.get(where), other.get(where))}"
    if isinstance(one, (list, bytes)) and isinstance(other, (list, bytes)):
        at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
        return f"{at}: {_first(one[at], other[at])}" if isinstance(one, list) and at < len(one) else f"at {at}"
    return f"{one!r:.200} for {other!r:.200}"


def _content(path: Path) -> object:
    if path.name == "report.html":
        return path.stat().st_size > 1000
    if path.suffix in (".json", ".jsonl"):
        readers: dict[str, Callable[[str], Any]] = {".json": lambda text: [json.loads(text)]}
        lines = readers.get(path.suffix, lambda text: list(map(json.loads, text.splitlines())))
        text = re.sub(r"table:[^\"]*toy[.]csv", "table:toy.csv", path.read_text(encoding="utf-8"))
        return [_lasting(record) for record in lines(text)]
    return path.read_bytes()


def _lasting(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key not in OF_THE_DAY}


def best(place: Path) -> int:
    """The step of the newest checkpoint that is whole; -1 if there is none. Not by diffeo's own reader."""
    steps = [-1]
    for path in (place / "run" / "checkpoints").glob("step-*"):
        try:
            described = json.loads((path / "state.json").read_bytes())
            content = (path / "tensors.safetensors").read_bytes()
            state = json.dumps(described["state"], sort_keys=True).encode()
            hashes = [hashlib.sha256(one).hexdigest() for one in (content, state)]
            if hashes == [described["sha256"]["tensors.safetensors"], described["sha256"]["state"]]:
                steps.append(described["state"]["position"]["step"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return max(steps)


def damage(place: Path, how: str) -> None:
    """Damage a file of the newest checkpoint."""
    name, way, *where = how.split()
    path = max((place / "run" / "checkpoints").glob("step-*")) / name
    content = bytearray(path.read_bytes())
    if way == "removed":
        path.unlink()
    elif way == "emptied":
        path.write_bytes(b"")
    elif way == "cut":
        path.write_bytes(content[: len(content) // 2])
    else:
        content[(2 * int(where[0]) + 1) * len(content) // 8] ^= 4
        path.write_bytes(content)
