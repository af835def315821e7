"""``diffeo sample``: draw from a trained flow."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from diffeo.cli.parameters import Cores, Count, Force, Model
from diffeo.cli.parse import Flag, MaybeNumber, MaybeNumbers, Seed

if TYPE_CHECKING:
    from torch import Tensor

    from diffeo.data.grid import Grid
    from diffeo.flow import Flow


def sample(
    run: Model,
    /,
    *,
    n: Count = 64,
    temperature: MaybeNumber = None,
    seed: Seed = 0,
    condition: MaybeNumbers = None,
    beyond: Flag = False,
    out: Path | None = None,
    force: Force = False,
    threads: Cores = None,
    json: Flag = False,
) -> None:
    """Draw samples from a run and write them to a file.

    Columns of a table that were dequantized get values that they can have, inside the range of the training rows; how
    many had to be moved into it is said. Other columns are written as they are drawn.

    For example:
      diffeo sample glow-digits
      diffeo sample runs/glow-mnist -n 100 --temperature 0.7
      diffeo sample runs/realnvp-sales -n 10000 --out made-up.parquet

    Parameters
    ----------
    n
        How many.
    temperature
        Multiplies the latent; below 1 gives safer, less varied samples. If not given, what is recommended for the
        model (diffeo models MODEL says it); 1, the flow's own density, where nothing is.
    seed
        The same seed gives the same samples.
    condition
        What to draw: a class, or several in turn (--condition 1,2,3), of a run with --conditional; of one conditioned
        on numbers, these, in their own units; of one with --condition downscaled, test rows by number. All
        classes, or test rows, in turn, if not given.
    beyond
        Of dequantized columns of a table, also values outside the range of the training rows.
    out
        A picture (.png, for images and points of the plane), a table (.csv or .parquet) or an array (.npy);
        samples.png or samples.csv, or the next name that is free, if not given.
    json
        Print what was written as JSON.
    """
    import torch

    import diffeo
    from diffeo.cli.files import check_ending, destination, write_samples
    from diffeo.cli.output import counted, print_json
    from diffeo.system.threads import computing_with

    place = diffeo.models.find(run)
    recommended = diffeo.models.temperature(place) if temperature is None else None
    temperature = (recommended if recommended is not None else 1.0) if temperature is None else temperature
    if n < 1:
        raise ValueError(f"-n must be at least 1, got {n}")
    flow = diffeo.load(place)
    default = "samples.png" if len(flow.shape) == 3 else "samples.csv"
    out = destination(out, default, force=force)
    check_ending(out, flow.shape)
    given = _condition(run, place, flow, n, condition)
    generator = torch.Generator().manual_seed(seed)
    with computing_with(threads):
        x = flow.sample(n, given, temperature=temperature, generator=generator)
    classes = getattr(flow.embedding, "classes", None)
    columns = _columns(place, flow.shape)
    moved = write_samples(
        out,
        x,
        256 if flow.door is None else flow.door.values,
        per_row=classes if condition is None else len(condition) if len(condition) > 1 else None,
        columns=columns,
        grids=None if columns is None else _grids(place),
        beyond=beyond,
    )
    if json:
        print_json({"file": str(out), "samples": n, "shape": list(flow.shape), "temperature": temperature,
                    "seed": seed, "condition": _told(condition), "moved": moved})  # fmt: skip
        return
    why = "" if recommended is None else ", as its card recommends"
    print(f"wrote {out}: {counted(n, 'sample')} at temperature {temperature:g}{why}")
    if moved:
        what = ", ".join(f"{count:,} of {name}" for name, count in moved.items())
        print(f"moved into the range of the training rows: {what} (--beyond leaves them where they are)")


def _condition(run: Path, place: Path, flow: "Flow", n: int, given: Sequence[float] | None) -> "Tensor | None":
    """What the samples are conditioned on: what is given, in turn, or else every class or test row in turn."""
    import torch

    if not flow.conditional:
        if given is not None:
            raise ValueError(f"{run} takes no condition: leave --condition out")
        return None
    if hasattr(flow.embedding, "classes"):
        classes: int = getattr(flow.embedding, "classes", 0)
        chosen = range(classes) if given is None else given
        if not all(number in range(classes) for number in chosen):
            raise ValueError(
                f"{run} takes classes, from 0 to {classes - 1}, such as --condition {classes - 1}; several "
                f"in turn are --condition 0,{classes - 1}. Got {_written(chosen)}"
            )
        return torch.tensor([int(number) for number in chosen])[torch.arange(n) % len(chosen)]
    shape = tuple(getattr(flow.embedding, "shape", flow.bijection.condition_shape or ()))
    if len(shape) != 1:
        return _of_test_rows(run, flow, n, given)
    example = ",".join(str(number) for number in range(1, min(shape[0], 3) + 1)) + ",.." * (shape[0] > 3)
    form = f"{shape[0]} numbers, in their own units" if shape[0] > 1 else "a number, in its own unit"
    if given is None and not _is_run(place):
        raise ValueError(f"{run} is conditioned on {form}: give them, such as --condition {example}")
    if given is None:
        return _of_test_rows(run, flow, n, None)
    row = torch.tensor(given, dtype=flow.dtype)
    if tuple(row.shape) != shape or not bool(row.isfinite().all()):
        raise ValueError(f"{run} is conditioned on {form}, such as --condition {example}. Got {_written(given)}")
    return row[None]


def _of_test_rows(run: Path, flow: "Flow", n: int, numbers: Sequence[float] | None) -> "Tensor | None":
    """The conditions of test rows of the run's data, by number, or of all; in turn."""
    import torch

    from diffeo.runs import read_run, sample_condition

    test = read_run(run).load_data().test
    if numbers is None:
        return sample_condition(flow, n, test)
    if not all(number in range(len(test)) for number in numbers):
        raise ValueError(
            f"{run} is conditioned on images, which are those of test rows by number, from 0 to {len(test) - 1}: for "
            f"example --condition 0. Got {_written(numbers)}"
        )
    rows = sample_condition(flow, len(test), test)
    return None if rows is None else rows[torch.tensor([int(i) for i in numbers])[torch.arange(n) % len(numbers)]]


def _told(given: Sequence[float] | None) -> float | list[float] | None:
    """What was given, as JSON has it: whole numbers as such, and one number by itself."""
    numbers = [int(number) if number.is_integer() else number for number in given or ()]
    return numbers[0] if len(numbers) == 1 else numbers or None


def _written(numbers: Sequence[float]) -> str:
    return ",".join(f"{number:g}" for number in numbers)


def _grids(place: Path) -> "dict[str, Grid]":
    """The values that dequantized columns can have, of a run."""
    from diffeo.runs import read_run

    if not _is_run(place):
        return {}
    try:
        return read_run(place).grids()
    except (OSError, ValueError) as error:
        print(
            f"note: columns that had noise are written as drawn, since their data is needed: {error}", file=sys.stderr
        )
        return {}


def _is_run(place: Path) -> bool:
    return any((place / name).is_file() for name in ("run.json", "summary.json"))


def _columns(place: Path, shape: tuple[int, ...]) -> list[str] | None:
    """The names of a table's columns, where the run knows them."""
    from diffeo.runs import read_run

    if len(shape) != 1 or not _is_run(place):
        return None
    names = read_run(place).record.get("columns")
    return list(names) if names and len(names) == shape[0] else None
