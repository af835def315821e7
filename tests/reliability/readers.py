"""Every reader of the library: its row in the table, its share of the inputs, and how an input of it is drawn."""

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from reliability import packed, seeds
from reliability.forked import Given
from reliability.mutations import changed, changed_json, changed_text
from reliability.words import command_line, name

Draw = Callable[[Random, Path, Path], Given]


@dataclass(frozen=True)
class Reader:
    """A row of the table.

    Attributes:
        title: of its row.
        share: of the inputs, as a weight.
        draw: makes an input in a folder, from the folder of seeds.
        heavy: whether it draws pictures and fits classifiers, whose imports would slow the others.
    """

    title: str
    share: int
    draw: Draw
    heavy: bool = False


ADDED: dict[str, Reader] = {}  # of packages beside the library


def written(place: Path, name: str, content: bytes) -> Path:
    (place / name).write_bytes(content)
    return place / name


# tables


def table(path: Path, rng: Random) -> Given:
    """Load it as data, or read it whole, with options of all kinds."""
    import diffeo.data

    options: dict[str, Any] = rng.choice(
        ({}, {}, {"missing": "drop"}, {"missing": "drop"}, {"decimal": ","}, {"drop": ["id", "when"]})
    )
    if path.name.partition(".")[2].startswith(("csv", "tsv", "txt")) and rng.random() < 0.3:
        options = {**options, "header": rng.random() < 0.5}
    take = rng.choice((diffeo.data.load, diffeo.data.read))
    return Given(lambda: take(f"table:{path}", **options), (path.name,))


def csv(rng: Random, place: Path, good: Path) -> Given:
    content = changed_text(rng, seeds.of(good, "csv"))
    ending = rng.choice(("", "", "", "", ".gz", ".bz2", ".zst"))
    if ending:
        content = packed.packed(content, ending)
        content = changed(rng, [content]) if rng.random() < 0.5 else content
    return table(written(place, f"t{rng.choice(('.csv', '.csv', '.tsv', '.txt'))}{ending}", content), rng)


def parquet(rng: Random, place: Path, good: Path) -> Given:
    if rng.random() < 0.2:
        return table(written(place, "t.feather", changed(rng, seeds.of(good, "feather"))), rng)
    return table(written(place, "t.parquet", packed.footer(rng, seeds.of(good, "parquet"))), rng)


def npy(rng: Random, place: Path, good: Path) -> Given:
    return table(written(place, "t.npy", packed.npy(rng, seeds.of(good, "npy"))), rng)


def npz(rng: Random, place: Path, good: Path) -> Given:
    return table(written(place, "t.npz", packed.zipped(packed.npy)(rng, seeds.of(good, "npz"))), rng)


def power(rng: Random, place: Path, good: Path) -> Given:
    import diffeo.data

    text = rng.random() < 0.5
    name = "household_power_consumption.txt" if text else "power_raw.npz"
    change = changed_text if text else packed.zipped(packed.npy)
    (place / "power").mkdir()
    written(place, f"power/{name}", change(rng, seeds.of(good, f"power-{'txt' if text else 'npz'}")))
    os.environ["DIFFEO_DATA"] = str(place)
    return Given(lambda: diffeo.data.load("power"), (name,))


# images


def pictures(place: Path, rng: Random, *names: str, **options: Any) -> Given:
    """Read a folder of images, with options of all kinds; broken ones may be skipped."""
    import diffeo.data

    chosen = options or rng.choice(
        ({}, {}, {"size": 8}, {"channels": 1}, {"size": 8, "channels": 3}, {"skip_broken": True})
    )
    take = rng.choice((diffeo.data.read, diffeo.data.read, diffeo.data.load))
    return Given(lambda: take(f"folder:{place / 'pictures'}", **chosen), ("pictures", *names))


def image(kind: str, change: packed.Change, *endings: str) -> Draw:
    def draw(rng: Random, place: Path, good: Path) -> Given:
        (place / "pictures").mkdir()
        name = f"a{rng.choice((*3 * endings, '.png', '.jpg', '.bmp'))}"
        written(place, f"pictures/{name}", change(rng, seeds.of(good, kind)))
        if rng.random() < 0.3:
            written(place, "pictures/b.png", (good / "png" / "RGB").read_bytes())
        return pictures(place, rng)

    return draw


def idx(rng: Random, place: Path, good: Path) -> Given:
    from diffeo.data.mnist import read_idx

    content = seeds.of(good, "idx")
    if rng.random() < 0.4:
        path = written(place, "images.gz", packed.gzipped(changed)(rng, content))
    else:
        path = written(place, "images", changed(rng, content))
    return Given(lambda: read_idx(path), (path.name,))


def mat(rng: Random, place: Path, good: Path) -> Given:
    from diffeo.data.olivetti import read_faces

    content = packed.matlab(rng, seeds.of(good, "mat"))
    path = written(place, "olivettifaces.mat", packed.packed(content, rng.choice(("", "", ".gz"))))
    return Given(lambda: read_faces(path), (path.name,))


# models


def _model(rng: Random, place: Path, good: Path) -> Path:
    chosen = rng.choice(sorted((good / "models").iterdir()))
    return Path(shutil.copytree(chosen, place / "model"))


def opened(folder: Path, *names: str) -> Given:
    """Open a model."""
    import diffeo.saving.io

    return Given(lambda: diffeo.saving.io.load(folder), names)


def config(rng: Random, place: Path, good: Path) -> Given:
    folder = _model(rng, place, good)
    content = changed_json(rng, [(folder / "config.json").read_bytes()])
    written(folder, "config.json", content)
    return opened(folder, "config.json", "model.safetensors")


def tensors(rng: Random, place: Path, good: Path) -> Given:
    folder = _model(rng, place, good)
    written(folder, "model.safetensors", packed.safetensors(rng, [(folder / "model.safetensors").read_bytes()]))
    return opened(folder, "model.safetensors")


def card(rng: Random, place: Path, good: Path) -> Given:
    import diffeo.models.places

    shipped = Path(shutil.copytree(good / "shipped", place / "shipped"))
    name = rng.choice(("realnvp-moons", "glow-digits"))
    written(shipped / name, "card.json", changed_json(rng, [(shipped / name / "card.json").read_bytes()]))
    diffeo.models.places.SHIPPED = shipped
    words = rng.choice((["models"], ["models", name], ["models", "--json"], ["models", name, "--json"], ["info", name]))
    return Given(tuple(words), ("card.json",))


# runs


def _run(place: Path, good: Path, kind: str) -> Path:
    """A copy of a run beside a copy of its table."""
    run = Path(shutil.copytree(good / "runs" / kind, place / "run"))
    data = Path(shutil.copy(good / "runs" / "t.csv", place / "t.csv"))
    record = (run / "run.json").read_text(encoding="utf-8")
    (run / "run.json").write_text(record.replace(str(good / "runs" / "t.csv"), str(data)), encoding="utf-8")
    return run


def record(name: str, change: packed.Change) -> Draw:
    """A file of a run changed, and a command that looks at the run."""

    def draw(rng: Random, place: Path, good: Path) -> Given:
        kinds = ("ended",) if name == "summary.json" else ("ended", "stopped")
        run = _run(place, good, rng.choice(kinds))
        path = run / name
        lines = path.read_bytes().splitlines(keepends=True)
        if name == "metrics.jsonl" and rng.random() < 0.6:
            at = rng.randrange(len(lines))
            lines[at] = changed_json(rng, [lines[at]]) + b"\n"
            path.write_bytes(b"".join(lines))
        else:
            path.write_bytes(change(rng, [path.read_bytes()]))
        return looked_at(rng, run, name)

    return draw


def looked_at(rng: Random, run: Path, *names: str) -> Given:
    words = rng.choice(
        (["info", str(run)], ["info", str(run), "--json"], ["watch", str(run), "--once"], ["compare", str(run),
        str(run)],
         ["evaluate", str(run)], ["sample", str(run), "-n", "3", "--out", str(run / "s.csv")])
    )  # fmt: skip
    return Given(tuple(words), names)


def resumed(rng: Random, place: Path, good: Path) -> Given:
    """A stopped run with one or two files damaged or removed, resumed."""
    run = _run(place, good, "stopped")
    files = [*sorted(path for path in run.rglob("*") if path.is_file()), place / "t.csv"]
    damaged = rng.sample(files, rng.choice((1, 1, 2)))
    for path in damaged:
        content = path.read_bytes()
        kind = rng.random()
        if kind < 0.15:
            path.unlink()
        elif path.suffix in (".json", ".jsonl", ".csv") and kind < 0.7:
            change = changed_json if path.suffix == ".json" else changed_text
            path.write_bytes(change(rng, [content]))
        else:
            path.write_bytes(
                packed.safetensors(rng, [content]) if path.suffix == ".safetensors" else changed(rng, [content])
            )
    return Given(("train", "--resume", str(run), "--quiet"), (*(path.name for path in damaged), "run"))


# words


def parsed(*words: str) -> Given:
    """A command line that is understood, but not done; it names the last word's file."""
    import diffeo.cli.app  # noqa: F401

    verbs: Any = sys.modules["diffeo.cli.app"].app  # type: ignore[attr-defined]
    return Given(lambda: verbs.parse_args(list(words), exit_on_error=False, print_error=False), (Path(words[-1]).name,))


def options(rng: Random, place: Path, good: Path) -> Given:
    """A file of options, as ``diffeo train --config`` takes it, up to the training itself."""
    path = written(place, "options.yaml", changed_text(rng, seeds.of(good, "yaml")))
    return parsed("train", "--config", str(path))


def curve(rng: Random, place: Path, good: Path) -> Given:
    path = written(place, "curve.csv", changed_text(rng, seeds.of(good, "curve")))
    if rng.random() < 0.5:
        return Given(("compare", str(_run(place, good, "ended")), str(path)), (path.name,))
    from diffeo.runs.curve import read_curve

    return Given(lambda: read_curve(path), (path.name,))


def readers() -> dict[str, Reader]:
    """By the names that ``--reader`` takes, in the order of the table."""
    text_or_bytes = packed.any_of(changed_text, changed_text, changed)
    return {
        "csv": Reader("CSV, packed too", 1100, csv),
        "parquet": Reader("Parquet", 1000, parquet),
        "npy": Reader("npy", 350, npy),
        "npz": Reader("npz", 350, npz),
        "idx": Reader("IDX", 300, idx),
        "mat": Reader(".mat", 900, mat),
        "power": Reader("POWER (npz, txt)", 200, power),
        "png": Reader("PNG", 350, image("png", packed.png, ".png")),
        "jpeg": Reader("JPEG", 250, image("jpeg", changed, ".jpg", ".jpeg")),
        "tiff": Reader("TIFF", 650, image("tiff", changed, ".tif", ".tiff")),
        "webp": Reader("WebP", 200, image("webp", changed, ".webp")),
        "other": Reader("GIF, BMP, EPS and others", 800, image("other", changed, ".gif", ".bmp", ".eps", ".ppm",
        ".ico")),
        "config": Reader("config.json", 900, config),
        "tensors": Reader("model.safetensors", 700, tensors),
        "card": Reader("card.json (ships with diffeo)", 150, card),
        "run": Reader("run.json", 200, record("run.json", changed_json), heavy=True),
        "metrics": Reader("metrics.jsonl", 220, record("metrics.jsonl", text_or_bytes), heavy=True),
        "summary": Reader("summary.json", 150, record("summary.json", changed_json), heavy=True),
        "steps": Reader("steps.csv", 150, record("steps.csv", text_or_bytes), heavy=True),
        "resume": Reader("a stopped run, resumed", 120, resumed, heavy=True),
        "yaml": Reader("YAML", 400, options),
        "names": Reader("names of data / of models / hf://", 370, name),
        "curve": Reader("a recipe's curve", 150, curve),
        "commands": Reader("command lines", 450, command_line, heavy=True),
        **ADDED,
    }  # fmt: skip
