"""The records of a run folder as files: read whole, or refused by the file's name; and written."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from diffeo.runs.misfit import misfit
from diffeo.runs.records import EpochRecord
from diffeo.system.documents import json_object, read_json
from diffeo.system.warning import warn
from diffeo.system.writing import write_atomically

LARGEST, LONGEST_LINE = 64 << 20, 1 << 20  # bytes of a record, of a line of metrics.jsonl


def read_record(path: Path, kind: type, *, meaning: str) -> dict[str, Any] | None:
    """A record that is one JSON object; None where there is no such file.

    Args:
        path: the file.
        kind: what it must hold.
        meaning: what it says, and what to do without it, for the error.

    Raises:
        ValueError: naming the file, if it is damaged.
    """
    try:
        found = read_json(path, largest=LARGEST)
        if problem := misfit(found, kind):
            raise ValueError(f"{path} is damaged: {problem}")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as error:
        raise ValueError(f"{error}. {meaning}") from error
    return found


def is_whole(path: Path, kind: type) -> bool:
    """Whether a record is there, and is what it must be."""
    try:
        return read_record(path, kind, meaning="") is not None
    except ValueError:
        return False


def read_epochs(path: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """The whole lines of ``metrics.jsonl``, and what is wrong with the others; none where there is no such file.

    A last line without its end is being written, and nothing is wrong with it.
    """
    found: list[dict[str, Any]] = []
    wrong: list[str] = []
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(LONGEST_LINE):
                number += 1
                if not line.endswith(b"\n"):
                    if len(line) < LONGEST_LINE:
                        break
                    while line and not line.endswith(b"\n"):
                        line = file.readline(LONGEST_LINE)
                    wrong.append(f"line {number} has more than {LONGEST_LINE:,} bytes")
                    continue
                try:
                    record = json_object(line, f"line {number}")
                    if problem := misfit(record, EpochRecord):
                        raise ValueError(f"line {number} is damaged: {problem}")
                    if found and record["step"] <= found[-1]["step"]:
                        if len(found) > 1 and record["step"] <= found[-2]["step"]:
                            raise ValueError(f"line {number} is damaged: step {record['step']} is out of its order")
                        wrong.append(f"line {number - 1} is damaged: step {found.pop()['step']} is out of its order")
                    found.append(record)
                except ValueError as error:
                    wrong.append(str(error))
    except (FileNotFoundError, NotADirectoryError):
        pass
    return found, wrong


def plain(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record as JSON has it, where what is not finite is null."""

    def finite(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: finite(v) for key, v in value.items()}
        return None if isinstance(value, float) and not math.isfinite(value) else value

    return {key: finite(value) for key, value in record.items()}


def mend_history(path: Path, history: list[dict[str, float]]) -> None:
    """Write ``metrics.jsonl`` again from a checkpoint, where it has not the same epochs, and say so."""
    kept = [plain(record) for record in history]
    there, wrong = read_epochs(path)
    if there[: len(kept)] != kept or wrong:
        what = f"was damaged ({wrong[0]})" if wrong else "had other epochs" if path.is_file() else "was missing"
        warn(f"{path} {what}: it is written again from the checkpoint")
        write_atomically(path, lines(history))


def document(record: dict[str, Any]) -> bytes:
    """A record as the content of its file."""
    return (json.dumps(plain(record), indent=2, allow_nan=False, ensure_ascii=False) + "\n").encode()


def lines(records: list[dict[str, float]]) -> bytes:
    """Records of epochs as the content of their file, one a line."""
    return "".join(json.dumps(plain(record), allow_nan=False) + "\n" for record in records).encode()
