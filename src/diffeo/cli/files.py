"""Files that commands write: over another only when told to, never in part."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray
    from torch import Tensor

    from diffeo.data.grid import Grid


def check_free(*paths: Path | None, force: bool = False) -> None:
    """Refuse what cannot be written, before any work is done; None is no file.

    Args:
        paths: the files.
        force: write over files that are there.

    Raises:
        FileExistsError: if there is something at one of them: a file, unless `force`, or a folder.
        FileNotFoundError: if there is no folder to write it to.
    """
    for path in paths:
        if path is None:
            continue
        if path.is_dir():
            raise FileExistsError(f"{path} is a folder, not a file to write. Give the name of a file")
        if path.exists() and not force:
            raise FileExistsError(f"{path} exists. Choose another name, or write over it with --force")
        if not path.parent.is_dir():
            raise FileNotFoundError(f"there is no folder {path.parent}")


def destination(out: Path | None, default: str, *, force: bool) -> Path:
    """The file to write: what was asked for, or else the first of NAME, NAME-2, .. that is not there.

    Raises:
        FileExistsError: as :func:`check_free`.
        FileNotFoundError: as :func:`check_free`.
    """
    wanted = out or (Path(default) if force else free_file(Path(default)))
    check_free(wanted, force=force)
    return wanted


def free_file(wanted: Path) -> Path:
    """`wanted`, or the first of ``NAME-2.END``, ``NAME-3.END``, .. that is not there."""
    path, n = wanted, 2
    while path.exists():
        path, n = wanted.with_name(f"{wanted.stem}-{n}{wanted.suffix}"), n + 1
    return path


def check_ending(path: Path, shape: tuple[int, ...]) -> None:
    """Raise ValueError if samples of this shape cannot be written to such a file, before any work is done."""
    image, ending = len(shape) == 3, path.suffix.lower()
    wanted = [".png", ".npy"] if image else [".csv", ".parquet", ".npy"] + ([".png"] if shape == (2,) else [])
    if ending not in wanted:
        what = "images" if image else "rows of a table" if shape != (2,) else "points of the plane"
        raise ValueError(f"cannot write {what} to {path.name}: use {', '.join(wanted[:-1])} or {wanted[-1]}")


def write_samples(
    path: Path,
    x: "Tensor",
    values: int,
    *,
    per_row: int | None = None,
    columns: Sequence[str] | None = None,
    grids: "Mapping[str, Grid] | None" = None,
    beyond: bool = False,
) -> dict[str, int]:
    """Write samples as the file's ending says; how many values were moved into the range of the training rows.

    Args:
        path: see :func:`check_ending`.
        x: ``(N, *shape)``.
        values: how many integer values a pixel has.
        per_row: images in a row of the picture.
        columns: names of the numbers in a row; x0, x1, .. if not given.
        grids: the values that some of the columns can have.
        beyond: also outside the range of the training rows.
    """
    import numpy as np

    from diffeo.data.grid import quantized
    from diffeo.evaluation import image_grid, save_figure, scatter_picture
    from diffeo.system.writing import write_atomically

    ending, array, moved = path.suffix.lower(), x.cpu().numpy(), dict[str, int]()
    names = list(columns or [f"x{i}" for i in range(x.shape[1])])
    if grids:
        rows, moved = quantized(array, names, grids, beyond=beyond)
    if ending in (".csv", ".parquet"):
        import pyarrow as pa

        cells: list[NDArray[Any]] = [np.ascontiguousarray(column) for column in array.T]
        for i, name in enumerate(names):
            if grids and name in grids:
                cells[i] = _whole(rows[:, i]) if grids[name].places == 0 else rows[:, i]
        write_table(path, pa.table([pa.array(np.ascontiguousarray(column)) for column in cells], names=names))
        return moved
    buffer = io.BytesIO()
    if ending == ".png" and x.dim() == 4:
        image_grid(x, values, columns=per_row).save(buffer, format="PNG")
    elif ending == ".png":
        save_figure(scatter_picture(x), buffer)
    else:
        np.save(buffer, rows if grids else array)
    write_atomically(path, buffer.getvalue())
    return moved


def _whole(numbers: "NDArray[np.float64]") -> "NDArray[Any]":
    """Whole numbers as such, where they can be."""
    import numpy as np

    fit = np.isfinite(numbers).all() and (np.abs(numbers) < 2**53).all()
    return numbers.astype(np.int64) if fit else numbers


def write_table(path: Path, table: "pa.Table") -> None:
    """Write a table as CSV or Parquet, as the file's ending says."""
    import pyarrow.csv
    import pyarrow.parquet

    from diffeo.system.writing import write_atomically

    buffer = io.BytesIO()
    if path.suffix.lower() == ".parquet":
        pyarrow.parquet.write_table(table, buffer)
    else:
        pyarrow.csv.write_csv(table, buffer)
    write_atomically(path, buffer.getvalue())
