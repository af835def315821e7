"""What the records of a run folder hold, so that whoever reads them may rely on it."""

from typing import Any, TypedDict


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
