"""Files that commands write: never over another, never in part."""

import io
import json
import math
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


def write_samples(path: Path, x: "Tensor", values: int, columns: int | None) -> None:
    """Write samples as the file's ending says."""
    import numpy as np

    from diffeo.evaluation import image_grid, save_figure, scatter_picture
    from diffeo.io import write_atomically

    buffer = io.BytesIO()
    image = x.dim() == 4
    ending = path.suffix.lower()
    if ending == ".png" and image:
        image_grid(x, values, columns=columns).save(buffer, format="PNG")
    elif ending == ".png" and x.shape[1] == 2:
        save_figure(scatter_picture(x), buffer)
    elif ending == ".npy":
        np.save(buffer, x.cpu().numpy())
    elif ending == ".csv" and not image:
        header = ",".join(f"x{i}" for i in range(x.shape[1]))
        np.savetxt(buffer, x.cpu().numpy(), delimiter=",", header=header, comments="", fmt="%.9g")
    else:
        wanted = (
            ".png or .npy for images" if image else ".csv or .npy for vectors (.png where they are points of the plane)"
        )
        raise ValueError(f"cannot write {path.name}: use {wanted}")
    write_atomically(path, buffer.getvalue())


def as_json(value: object) -> str:
    """JSON for people and scripts; JSON has no NaN, so what is not finite becomes null."""
    return json.dumps(_finite(value), indent=2, ensure_ascii=False, allow_nan=False)


def _finite(value: object) -> object:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


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
