"""Good files of every kind, small, made by the library and by the libraries that others write them with."""

import io
import os
import re
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "contract" / "fixtures"
ROWS = 60
PICTURES = ("png", "jpeg", "tiff", "webp", "other")
ADDED: list[Callable[[Path], None]] = []  # of packages beside the library
OTHERS = ("GIF", "BMP", "DIB", "EPS", "PPM", "TGA", "ICO", "PCX", "SGI", "JPEG2000", "DDS", "IM", "XBM", "ICNS",
"MSP", "SPIDER",
          "MPO", "PDF", "AVIF", "QOI", "BLP")  # fmt: skip


def make(folder: Path) -> None:
    """Fill the folder with a folder of seeds for each kind."""
    for kind in (_tables, _arrays, _bytes, _images, _models, _runs, _options, *ADDED):
        kind(folder)


def of(folder: Path, kind: str) -> list[bytes]:
    """The seeds of a kind, always in the same order."""
    return [path.read_bytes() for path in sorted((folder / kind).iterdir())]


def write(folder: Path, kind: str, name: str, content: bytes | str) -> None:
    path = folder / kind / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def numbers(rng: Random, rows: int = ROWS) -> list[tuple[float, float, float]]:
    """Rows of three columns that a flow can be trained on."""
    return [(round(rng.gauss(0, 1), 4), round(rng.gauss(5, 2), 3), round(rng.gauss(40, 9), 2)) for _ in range(rows)]


def _tables(folder: Path) -> None:
    rng = Random(1)
    rows = numbers(rng)
    plain = "length,width,age\n" + "".join(f"{a},{b},{c}\n" for a, b, c in rows)
    comma = "길이;폭;나이\n" + "".join(f"{a};{b};{c}\n".replace(".", ",") for a, b, c in rows)
    tab = "".join(f"{a}\t{b}\t{c}\n" for a, b, c in rows)
    mixed = "id,when,city,price,ok\n" + "".join(
        f'{i},2024-01-{1 + i % 28:02} 12:00:00,"{rng.choice(("Seoul", "Busan, KR"))}","{1000 * b:,.2f}",'
        f"{rng.choice(('yes', 'no', 'NA'))}\n"
        for i, (_, b, _c) in enumerate(rows)
    )
    for name, text in (("plain", plain), ("comma", comma), ("tab", tab), ("mixed", mixed)):
        write(folder, "csv", name, text)

    import numpy as np
    import pyarrow as pa
    import pyarrow.feather
    import pyarrow.parquet

    a, b, c = (np.array(column) for column in zip(*rows, strict=True))
    stamp = pa.array(range(ROWS), pa.timestamp("ms", tz="Europe/Paris"))
    many = pa.table(
        {"a": a, "b": pa.array(b, pa.float32()), "n": pa.array(range(ROWS), pa.int64()), "when": stamp,
         "text": [f"x{i % 3}" for i in range(ROWS)], "kind": pa.array(["u", "v"] * (ROWS // 2)).dictionary_encode(),
         "yes": [i % 3 == 0 for i in range(ROWS)], "list": [[i] for i in range(ROWS)],
         "money": pa.array(range(ROWS), pa.int32()).cast(pa.decimal128(12, 2))}
    )  # fmt: skip
    few = pa.table({"length": a, "width": b, "age": c})
    for name, table in (("few", few), ("many", many)):
        for packing in ("none", "snappy", "zstd"):
            buffer = io.BytesIO()
            pyarrow.parquet.write_table(table, buffer, compression=packing)
            write(folder, "parquet", f"{name}-{packing}", buffer.getvalue())
        buffer = io.BytesIO()
        pyarrow.feather.write_feather(table, buffer, compression="uncompressed")
        write(folder, "feather", name, buffer.getvalue())


def _arrays(folder: Path) -> None:
    import numpy as np

    rows = np.array(numbers(Random(2)))
    fields = np.zeros(ROWS, [("a", "f8"), ("b", "<i4"), ("name", "U5")])
    fields["a"], fields["b"] = rows[:, 0], range(ROWS)
    arrays = {
        "floats": rows, "order": np.asfortranarray(rows), "single": rows.astype("f4"),
        "whole": (100 * rows).astype("i2"),
        "fields": fields, "column": rows[:, 0], "text": rows.astype("U8"), "bytes": rows.astype("S8"),
        "complex": rows + 1j,
        "times": np.arange(ROWS).astype("M8[s]"), "yes": rows > 0,
    }  # fmt: skip
    for name, array in arrays.items():
        buffer = io.BytesIO()
        np.save(buffer, array)
        write(folder, "npy", name, buffer.getvalue())
    groups: dict[str, dict[str, Any]] = {
        "one": {"X": rows}, "columns": {"a": rows[:, 0], "b": rows[:, 1]}, "several": {"X": rows, "y": rows[:, 0],
        "name": "text"},
    }  # fmt: skip
    for name, group in groups.items():
        for save in (np.savez, np.savez_compressed):
            buffer = io.BytesIO()
            save(buffer, **group)
            write(folder, "npz", f"{name}-{save.__name__}", buffer.getvalue())
    rows = np.array(numbers(Random(2), 2 * ROWS))  # fewer than 100 are no POWER
    power = {"gap": (1000 * np.abs(rows[:, 0])).astype("i4"), "voltage": (24_000 + 100 * rows[:, 1]).astype("i4"),
             "sub_metering": np.abs(rows).astype("i1"), "minute": np.arange(len(rows), dtype="i2")}  # fmt: skip
    for save in (np.savez, np.savez_compressed):
        buffer = io.BytesIO()
        save(buffer, **power)
        write(folder, "power-npz", save.__name__, buffer.getvalue())
    head = "Date;Time;Global_active_power;Global_reactive_power;Voltage;Global_intensity"
    head += ";Sub_metering_1;Sub_metering_2;Sub_metering_3\n"
    lines = [
        f"16/12/2006;17:{i % 60:02}:00;{abs(a):.3f};0.4;{240 + b:.2f};1.8;0.0;1.0;17.0\n"
        for i, (a, b, _) in enumerate(rows)
    ]
    write(folder, "power-txt", "text", head + "".join(lines) + "16/12/2006;18:00:00;?;?;?;?;?;?;\n")


def _bytes(folder: Path) -> None:
    import numpy as np
    import scipy.io

    write(
        folder,
        "idx",
        "images",
        b"\0\0\x08\x03" + b"".join(n.to_bytes(4, "big") for n in (20, 8, 8)) + bytes(range(256)) * 5,
    )
    write(folder, "idx", "labels", b"\0\0\x08\x01" + (30).to_bytes(4, "big") + bytes(range(30)))
    faces = np.arange(60, dtype=np.uint8).reshape(6, 10)
    held: dict[str, dict[str, Any]] = {
        "plain": {"faces": faces}, "cell": {"faces": np.array([[faces, "x"]], dtype=object)},
        "struct": {"faces": {"a": faces, "b": 1.5}},
        "sparse": {"faces": scipy.sparse.csc_matrix(np.eye(5))}, "text": {"faces": "abc"}, "two": {"other": faces,
        "faces": faces},
    }  # fmt: skip
    for name, content in held.items():
        for packed in (False, True):
            buffer = io.BytesIO()
            scipy.io.savemat(buffer, content, do_compression=packed)
            write(folder, "mat", f"{name}-{packed}", buffer.getvalue())
    buffer = io.BytesIO()
    scipy.io.savemat(buffer, {"faces": faces}, format="4")
    write(folder, "mat", "old", buffer.getvalue())
    buffer = io.BytesIO()
    scipy.io.savemat(buffer, {"faces": np.zeros((4096, 400), np.uint8)}, do_compression=True)
    write(folder, "mat", "whole", buffer.getvalue())


def _images(folder: Path) -> None:
    import numpy as np
    from PIL import Image

    Image.init()
    draw = np.random.default_rng(0)
    colour = Image.fromarray(draw.integers(0, 256, (12, 10, 3), dtype=np.uint8))
    modes = {mode: colour.convert(mode) for mode in ("L", "RGB", "RGBA", "LA", "P", "1", "CMYK", "I", "F", "YCbCr")}
    modes["deep"] = Image.fromarray(draw.integers(0, 65536, (12, 10), dtype=np.uint16))
    turned = Image.Exif()
    turned[0x0112] = 6

    def put(kind: str, name: str, image: Image.Image, form: str, **options: Any) -> None:
        buffer = io.BytesIO()
        try:
            image.save(buffer, format=form, **options)
        except (OSError, ValueError, KeyError, RuntimeError, ImportError):  # not every format takes every mode
            return
        write(folder, kind, name, buffer.getvalue())

    for mode, image in modes.items():
        put("png", mode, image, "PNG")
        put("jpeg", mode, image, "JPEG", exif=turned)
        put("jpeg", f"{mode}-progressive", image, "JPEG", progressive=True)
        put("webp", mode, image, "WEBP")
        for packing in (None, "tiff_lzw", "tiff_deflate", "packbits", "jpeg", "group4"):
            put("tiff", f"{mode}-{packing}", image, "TIFF", compression=packing)
        for form in OTHERS:
            put("other", f"{form}-{mode}", image, form)
    put("png", "transparent", modes["P"], "PNG", transparency=3)
    put("png", "animated", colour, "PNG", save_all=True, append_images=[colour.rotate(90), colour.rotate(180)])
    put("webp", "animated", colour, "WEBP", save_all=True, append_images=[colour.rotate(180)])
    put("webp", "lossless", modes["RGBA"], "WEBP", lossless=True)
    put("other", "GIF-animated", modes["P"], "GIF", save_all=True, append_images=[modes["P"].rotate(180)])
    put("tiff", "pages", colour, "TIFF", save_all=True, append_images=[modes["L"]])


def _models(folder: Path) -> None:
    import diffeo.models.places

    for fixture in sorted(FIXTURES.iterdir()):
        for name in ("config.json", "model.safetensors"):
            write(folder, f"models/{fixture.name}", name, (fixture / name).read_bytes())
    for name in ("realnvp-moons", "glow-digits"):
        shutil.copytree(diffeo.models.places.SHIPPED / name, folder / "shipped" / name)
    rng = Random(3)
    epochs = [f"{i},{10 * i},{i * 1.5:.1f},{3 - 0.1 * i + rng.random() / 50:.5f}\n" for i in range(1, 7)]
    write(folder, "curve", "curve.csv", "epoch,step,seconds,validation\n" + "".join(epochs))


def _runs(folder: Path) -> None:
    """A run that has ended and one that was stopped, of a table; and one of images."""
    from torch.optim.optimizer import register_optimizer_step_post_hook

    place = folder / "runs"
    place.mkdir()
    text = "length,width,age\n" + "".join(f"{a},{b},{c}\n" for a, b, c in numbers(Random(4)))
    (place / "t.csv").write_text(text)
    small = ["--model.couplings", "2", "--model.width", "4", "--model.depth", "1", "--quiet"]
    table = ["train", "realnvp", f"table:{place}/t.csv", "--epochs", "6", *small]
    _command(*table, "--out", f"{place}/ended")
    steps = 0

    def stop(*_: object) -> None:
        nonlocal steps
        steps += 1
        if steps == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    hook = register_optimizer_step_post_hook(stop)
    _command(*table, "--out", f"{place}/stopped")
    hook.remove()
    if not list((place / "stopped").rglob("state.json")):
        raise RuntimeError("the training was not stopped on its way")
    for run in ("ended", "stopped"):
        for path in (place / run / name for name in ("run.json", "metrics.jsonl", "summary.json")):
            if path.is_file():
                path.write_text(_timeless(path.read_text(encoding="utf-8")), encoding="utf-8")


def _timeless(text: str) -> str:
    """Records without what differs from one training to the next, so that an input's number makes the same input."""
    text = re.sub(r'("timings": \{)[^}]*', r'\1"preparation": 0.5, "forward": 0.25', text)
    text = re.sub(r'("(?:evaluation_)?seconds": )[\d.e-]+', r"\g<1>1.5", text)
    text = re.sub(r'("process": )[\d.]+', r"\g<1>300.5", text)
    return re.sub(r'("started": ")[^"]*', r"\g<1>2026-01-01T00:00:00+00:00", text)


def _command(*words: str) -> None:
    from diffeo.cli import main

    before, sys.argv = sys.argv, ["diffeo", *words]
    try:
        main(list(words))
    except SystemExit as ended:
        if ended.code not in (0, 128 + signal.SIGTERM):
            raise RuntimeError(f"diffeo {' '.join(words)} ended with {ended.code}") from ended
    finally:
        sys.argv = before


def _options(folder: Path) -> None:
    for path in sorted((ROOT / "recipes").glob("*.yaml")):
        write(folder, "yaml", path.name, path.read_bytes())
    text = "flow: realnvp\ndata: 'table:sales.csv'\nepochs: 3\ndrop: [id, \"a,b\"]\nheader: yes\nlr: 1e-3\n"
    text += "model:\n  couplings: 4\n  width: 8\ntime-budget: 10m\n"
    write(folder, "yaml", "own.yaml", text)
