"""``diffeo score``: how likely a data set is under a trained flow."""

from pathlib import Path
from typing import Literal


def score(
    run: Path,
    data: str,
    /,
    *,
    part: Literal["train", "validation", "test"] = "test",
    seed: int = 0,
    out: Path | None = None,
) -> None:
    """Score the rows of a data set with a run.

    Parameters
    ----------
    run
        The run folder.
    data
        The name of a data set.
    part
        Which part of it.
    seed
        Of the noise that integers get.
    out
        A .csv file to write, a line a row: its number, log_prob (nats) and, for integers, bits per dimension.
    """
    import math

    import torch

    import diffeo
    from diffeo.cli.files import refuse_existing
    from diffeo.evaluation import estimate, labels_for
    from diffeo.io import write_atomically

    if out is not None:
        refuse_existing(out)
        if out.suffix.lower() != ".csv":
            raise ValueError(f"cannot write {out.name}: use .csv")
    flow = diffeo.load(run)
    dataset = diffeo.data.load(data)
    rows = getattr(dataset, part)
    if dataset.shape != flow.shape:
        raise ValueError(f"{run} is of rows of shape {flow.shape}, {data} has {dataset.shape}")
    labels = labels_for(flow, rows)
    flow.check(rows.x, labels)
    generator = None if flow.door is None else torch.Generator().manual_seed(seed)
    with torch.no_grad():
        size = max(1, 2**19 // dataset.features)
        log_prob = flow.log_prob(rows.x, labels, generator=generator, batch_size=size)
    found = estimate(log_prob)
    print(f"{data}, {part}: {len(rows):,} rows, log-likelihood {found} nats a row")
    per_bit = -1 / (dataset.features * math.log(2))
    if flow.door is not None:
        print(f"bits/dim {estimate(log_prob * per_bit)} (an upper bound, by one draw of noise a row)")
    if out is not None:
        head = "row,log_prob" + (",bits_per_dim" if flow.door is not None else "")
        lines = [
            f"{i},{value:.9g}" + (f",{value * per_bit:.6g}" if flow.door is not None else "")
            for i, value in enumerate(log_prob.tolist())
        ]
        write_atomically(out, ("\n".join([head, *lines]) + "\n").encode())
        print(f"wrote {out}")
