"""Files that commands write: never over another, never in part."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa
    from torch import Tensor


def refuse_existing(path: Path) -> None:
    """Raise FileExistsError if there is something at `path`, before any work is done."""
    if path.exists():
        raise FileExistsError(f"{path} exists. Choose another with --out, or remove it")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.parent}")


def check_ending(path: Path, shape: tuple[int, ...]) -> None:
    """Raise ValueError if samples of this shape cannot be written to such a file, before any work is done."""
    image, ending = len(shape) == 3, path.suffix.lower()
    wanted = [".png", ".npy"] if image else [".csv", ".parquet", ".npy"] + ([".png"] if shape == (2,) else [])
    if ending not in wanted:
        what = "images" if image else "rows of a table" if shape != (2,) else "points of the plane"
        raise ValueError(f"cannot write {what} to {path.name}: use {', '.join(wanted[:-1])} or {wanted[-1]}")


def write_samples(
    path: Path, x: "Tensor", values: int, *, per_row: int | None = None, columns: Sequence[str] | None = None
) -> None:
    """Write samples as the file's ending says.

    Args:
        path: see :func:`check_ending`.
        x: ``(N, *shape)``.
        values: how many integer values a pixel has.
        per_row: images in a row of the picture.
        columns: names of the numbers in a row; x0, x1, .. if not given.
    """
    import numpy as np

    from diffeo.evaluation import image_grid, save_figure, scatter_picture
    from diffeo.io import write_atomically

    ending = path.suffix.lower()
    if ending in (".csv", ".parquet"):
        import pyarrow as pa

        arrays = [pa.array(column) for column in np.ascontiguousarray(x.cpu().numpy().T)]
        write_table(path, pa.table(arrays, names=list(columns or [f"x{i}" for i in range(x.shape[1])])))
        return
    buffer = io.BytesIO()
    if ending == ".png" and x.dim() == 4:
        image_grid(x, values, columns=per_row).save(buffer, format="PNG")
    elif ending == ".png":
        save_figure(scatter_picture(x), buffer)
    else:
        np.save(buffer, x.cpu().numpy())
    write_atomically(path, buffer.getvalue())


def write_table(path: Path, table: "pa.Table") -> None:
    """Write a table as CSV or Parquet, as the file's ending says."""
    import pyarrow.csv
    import pyarrow.parquet

    from diffeo.io import write_atomically

    buffer = io.BytesIO()
    if path.suffix.lower() == ".parquet":
        pyarrow.parquet.write_table(table, buffer)
    else:
        pyarrow.csv.write_csv(table, buffer)
    write_atomically(path, buffer.getvalue())
