"""``diffeo sample``: draw from a trained flow."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from diffeo.cli.parse import Flag, MaybeNumber, MaybeWhole, Threads, Whole

if TYPE_CHECKING:
    from torch import Tensor

    from diffeo.flow import Flow


def sample(
    run: Path,
    /,
    *,
    n: Annotated[Whole, Parameter(name=["-n", "--n"])] = 64,
    temperature: MaybeNumber = None,
    seed: Whole = 0,
    condition: MaybeWhole = None,
    out: Path | None = None,
    threads: Threads = None,
    json: Flag = False,
) -> None:
    """Draw samples from a run and write them to a file.

    For example:
      diffeo sample glow-digits
      diffeo sample runs/glow-mnist -n 100 --temperature 0.7
      diffeo sample runs/realnvp-sales -n 10000 --out made-up.parquet

    Parameters
    ----------
    run
        A run folder, or the name of a model that ships (diffeo models lists them).
    n
        How many.
    temperature
        Multiplies the latent; below 1 gives safer, less varied samples. If not given, what is recommended for the
        model (diffeo models MODEL says it); 1, the flow's own density, where nothing is.
    seed
        The same seed gives the same samples.
    condition
        The class to draw, of a run with --conditional; of one with --condition, the test row whose condition to
        take. Every class, or every test row, in turn if not given.
    out
        A picture (.png, for images and points of the plane), a table (.csv or .parquet) or an array (.npy);
        samples.png or samples.csv if not given. An existing file is never overwritten.
    threads
        Threads to compute with; if not given, nor OMP_NUM_THREADS, one for little work, else as many as are fastest.
    json
        Print what was written as JSON.
    """
    import torch

    import diffeo
    from diffeo.cli.files import check_ending, refuse_existing, write_samples
    from diffeo.cli.output import print_json
    from diffeo.threads import computing_with

    place = diffeo.models.find(run)
    recommended = diffeo.models.temperature(place) if temperature is None else None
    temperature = (recommended if recommended is not None else 1.0) if temperature is None else temperature
    if n < 1:
        raise ValueError(f"-n must be at least 1, got {n}")
    flow = diffeo.load(place)
    out = out or Path("samples.png" if len(flow.shape) == 3 else "samples.csv")
    check_ending(out, flow.shape)
    refuse_existing(out)
    if condition is not None and not flow.conditional:
        raise ValueError(f"{run} was trained without --conditional: leave --condition out")
    classes = getattr(flow.embedding, "classes", None)
    given = _condition(run, flow, n, condition)
    generator = torch.Generator().manual_seed(seed)
    with computing_with(threads):
        x = flow.sample(n, given, temperature=temperature, generator=generator)
    per_row = classes if condition is None else None
    write_samples(
        out, x, 256 if flow.door is None else flow.door.values, per_row=per_row, columns=_columns(place, x.shape[1])
    )
    if json:
        print_json({"file": str(out), "samples": n, "shape": list(flow.shape), "temperature": temperature,
                    "seed": seed, "condition": condition})  # fmt: skip
    else:
        why = "" if recommended is None else ", as its card recommends"
        print(f"wrote {out}: {n:,} samples at temperature {temperature:g}{why}")


def _condition(run: Path, flow: "Flow", n: int, which: int | None) -> "Tensor | None":
    """What the samples are conditioned on: one class or all in turn; one test row's condition, or all in turn."""
    import torch

    from diffeo.runs import read_run, sample_condition, sample_labels

    if not flow.conditional or hasattr(flow.embedding, "classes"):
        return sample_labels(flow, n) if which is None else torch.tensor([which])
    test = read_run(run).load_data().test
    if which is None:
        return sample_condition(flow, n, test)
    if not 0 <= which < len(test):
        raise ValueError(f"--condition {which}: the test part has rows 0 to {len(test) - 1}")
    rows = sample_condition(flow, len(test), test)
    return None if rows is None else rows[which : which + 1]


def _columns(run: Path, count: int) -> list[str] | None:
    """The names of a table's columns, where the run knows them."""
    import json

    path = run / "run.json"
    names = json.loads(path.read_text(encoding="utf-8")).get("columns") if path.is_file() else None
    return list(names) if names and len(names) == count else None
