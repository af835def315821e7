"""The records of a run folder, as whoever reads them may rely on them: whole, or refused by the file's name."""

import json
import math
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict, Union, get_args, get_origin, get_type_hints, is_typeddict

from diffeo.documents import json_object, read_json, shortened
from diffeo.warning import warn
from diffeo.writing import write_atomically

LARGEST, LONGEST_LINE = 64 << 20, 1 << 20  # bytes of a record, of a line of metrics.jsonl
KINDS = {int: "a whole number", float: "a number", str: "text", bool: "true or false", type(None): "null"}


class DataOptions(TypedDict, total=False):
    """What data sets are loaded with: there are no others."""

    condition: str | None
    columns: list[str] | None
    drop: list[str] | None
    missing: str | None
    missing_values: list[str | float] | str | float | None
    dequantize: list[str] | None
    split: str | None
    header: bool | None
    decimal: str | None
    size: int | None
    channels: int | None
    skip_broken: bool | None
    part_by: str | None
    memory: int | None
    largest: str | None


class _DataRecord(TypedDict):
    name: str


class DataRecord(_DataRecord, total=False):
    """What a run was trained on."""

    options: DataOptions | None
    rows: dict[str, str] | None


FlowRecord = TypedDict("FlowRecord", {"class": str, "options": dict[str, Any]})


class SettingsRecord(TypedDict, total=False):
    """What :func:`diffeo.fit` was told."""

    epochs: int | None
    batch_size: int
    accumulate: int
    lr: float
    weight_decay: float
    warmup: int | None
    clip: float
    ema: float
    patience: int | None
    precision: str
    threads: int | None
    time_budget: float | None
    checkpoint_every: float
    tracker: str | None


class GridRecord(TypedDict):
    """Values of a dequantized column."""

    low: float
    high: float
    step: float
    places: int
    listed: list[float]


class _RunRecord(TypedDict):
    data: DataRecord


class RunRecord(_RunRecord, total=False):
    """``run.json``; what is not required was not written by every version."""

    format: int
    flow: FlowRecord
    dtype: str
    device: str
    columns: list[str] | None
    grids: dict[str, GridRecord]
    class_names: list[str] | None
    settings: SettingsRecord
    seed: int
    command: str
    weights: str
    versions: dict[str, Any]


class _DensityRecord(TypedDict):
    mean: float | None
    standard_error: float | None


class DensityRecord(_DensityRecord, total=False):
    """A simple density's figure."""

    median: float | None
    note: str | None


class _SummaryRecord(TypedDict):
    flow: str
    data: str
    standard_error: float | None
    test_rows: int
    baselines: dict[str, DensityRecord]
    round_trip_error: float | None
    wrong_values: int | None
    log_det_error: float | None
    integral: float | None
    best_epoch: float
    stopped: str
    seconds: float
    steps: int
    parameters: int
    seed: int
    command: str


class SummaryRecord(_SummaryRecord, total=False):
    """``summary.json``; what is not required was not written by every version."""

    test_bits_per_dim: float | None
    test_log_likelihood: float | None
    data_options: DataOptions | None
    round_trip_error_standardised: float | None
    median: float | None
    far_rows: int
    worse_than: list[str]
    still_improving: bool
    train_longer: str | None
    settings: SettingsRecord
    versions: dict[str, Any]
    peak_memory: dict[str, float | None]
    timings: dict[str, float]


class _EpochRecord(TypedDict):
    step: int
    epoch: float
    train: float | None
    validation: float | None
    seconds: float


class EpochRecord(_EpochRecord, total=False):
    """A line of ``metrics.jsonl``."""

    lr: float | None
    gradient_norm: float | None
    attempt: int


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


def misfit(value: Any, kind: Any, where: str = "") -> str:
    """What keeps a value from being of a kind, by the types of its parts; empty where it is.

    Example:
        >>> misfit({"mean": 1, "standard_error": "0.5"}, DensityRecord)
        "standard_error is text ('0.5'), not a number or null"
        >>> misfit({"mean": 1, "standard_error": None}, DensityRecord)
        ''
    """
    if kind is Any:
        return ""
    if is_typeddict(kind):
        if not isinstance(value, dict):
            return _wrong(value, "an object", where)
        missing = sorted(kind.__required_keys__ - value.keys())
        if missing:
            return f"{'.'.join(filter(None, (where, missing[0])))} is missing"
        hints = get_type_hints(kind)
        if kind is DataOptions and (others := value.keys() - hints):
            return f"{where} has the unknown key {shortened(min(others))!r}"
        problems = (misfit(value[key], hints[key], f"{where}.{key}".lstrip(".")) for key in hints if key in value)
        return next(filter(None, problems), "")
    if get_origin(kind) is dict:
        if not isinstance(value, dict):
            return _wrong(value, "an object", where)
        inner = get_args(kind)[1]
        return next(filter(None, (misfit(v, inner, f"{where}.{k}".lstrip(".")) for k, v in value.items())), "")
    if get_origin(kind) is list:
        if not isinstance(value, list):
            return _wrong(value, "a list", where)
        inner = get_args(kind)[0]
        return next(filter(None, (misfit(v, inner, f"{where}[{i}]") for i, v in enumerate(value))), "")
    kinds = get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)
    for one in kinds:
        if one in KINDS:
            if _is(value, one):
                return ""
            continue
        problem = misfit(value, one, where)
        if not problem or isinstance(value, get_origin(one) or dict):
            return problem  # of the right kind, so that what is wrong lies within
    return _wrong(value, " or ".join(_name(one) for one in kinds), where)


def _is(value: Any, kind: type) -> bool:
    if isinstance(value, bool) or kind is bool:
        return kind is bool and isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and abs(value) < 2**63
    if kind is float:
        return isinstance(value, float) or (isinstance(value, int) and abs(value) < 2**63)
    return isinstance(value, kind)


def _name(kind: Any) -> str:
    origin = get_origin(kind) or kind
    return KINDS.get(kind, "a list" if origin is list else "an object")


def _wrong(value: Any, expected: str, where: str) -> str:
    names = {dict: "an object", list: "a list", type(None): "null", bool: "true or false", str: "text"}
    said = names.get(type(value), "a number")
    shown = f" ({shortened(repr(value))})" if isinstance(value, (str, int, float)) else ""
    return f"{where or 'it'} is {said}{shown}, not {expected}"


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
