"""``diffeo sample``: draw from a trained flow."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def sample(
    run: Path,
    /,
    *,
    n: Annotated[int, Parameter(name=["-n", "--n"])] = 64,
    temperature: float = 1.0,
    seed: int = 0,
    condition: int | None = None,
    out: Path | None = None,
) -> None:
    """Draw samples from a run and write them to a file.

    Parameters
    ----------
    run
        The run folder.
    n
        How many.
    temperature
        Multiplies the latent; below 1 gives safer, less varied samples.
    seed
        The same seed gives the same samples.
    condition
        The class to draw; every class in turn if not given. For flows trained with --conditional.
    out
        A picture (.png, for images and points of the plane), numbers (.csv, for vectors) or an array (.npy);
        samples.png or samples.csv if not given. An existing file is never overwritten.
    """
    import torch

    import diffeo
    from diffeo.cli.files import refuse_existing, write_samples
    from diffeo.runs import sample_labels

    flow = diffeo.load(run)
    out = out or Path("samples.png" if len(flow.shape) == 3 else "samples.csv")
    refuse_existing(out)
    labels = sample_labels(flow, n) if condition is None else torch.tensor([condition])
    generator = torch.Generator().manual_seed(seed)
    x = flow.sample(n, labels, temperature=temperature, generator=generator)
    columns = flow.embedding.classes if labels is not None and condition is None else None
    write_samples(out, x, 256 if flow.door is None else flow.door.values, columns)
    print(f"wrote {out}: {n} samples at temperature {temperature:g}")
