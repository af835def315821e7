"""Words that a person types: names of data, models and repositories, and whole command lines."""

import os
import re
import shutil
from pathlib import Path
from random import Random

from reliability.forked import Given
from reliability.mutations import NUMBERS, TEXTS

NAMES = ("moons", "digits", "power", "mnist", "table:t.csv", "folder:pictures", "realnvp-moons", "glow-digits", "run",
"t.csv",
         "hf://someone/glow", "hf://someone/glow@main", "hf:/x", "recipes/glow", "table:", "folder:",
         "table:t.npz#X")  # fmt: skip
SUBVERBS: dict[str, tuple[str, ...]] = {"edit": ("neighbours", "mix", "levels", "inpaint", "x", "--help")}
VERBS = ["train", "config", "watch", "evaluate", "compare", "sample", "score", "verify", "info", "edit", "data",
"models", "completion"]  # fmt: skip
STARTING = {("demo",)}  # commands that start processes of their own, or ask a person
OPTIONS = ("--epochs", "--seed", "--lr", "--batch-size", "--model.couplings", "--model.width", "--model.dropout",
"--patience", "--out",
           "--time-budget", "--columns", "--drop", "--missing", "--missing-values", "--dequantize", "--split",
           "--decimal", "--header",
           "--condition", "--device", "--precision", "--ema", "--clip", "--warmup", "--weight-decay", "--threads",
           "-n", "--temperature",
           "--size", "--channels", "--json", "--quiet", "--config", "--resume", "--every", "--force", "--lang",
           "--tracker")  # fmt: skip
AMOUNTS = ("--epochs", "--batch-size", "--model.couplings", "--model.width", "--patience", "--threads", "-n", "--size")
FEW = (
    "1",
    "3",
    "0",
    "-1",
    "-0",
    "2.5",
    "1e999",
    "NaN",
    "x",
    "",
    "9" * 400,
    str(2**200),
    "００3",
)  # more is honest work


def _text(rng: Random, given: str) -> str:
    """A name with something wrong; what no argument can hold is left out."""
    kind = rng.randrange(8)
    at = rng.randrange(len(given) + 1)
    piece = rng.choice((rng.choice(TEXTS), rng.choice(NUMBERS), rng.choice("aé한/:@# .~*?"), "\udcff", "../" * 50))
    if kind == 0:
        given = given[:at] + piece + given[at:]
    elif kind == 1:
        given = given[:at] + given[at + 1 :]
    elif kind == 2:
        given = given.swapcase()
    elif kind == 3:
        given = given * rng.choice((2, 300))
    elif kind == 4:
        given = f"{given.partition(':')[0]}:{piece}"
    elif kind == 5:
        given = f"hf://{piece}/{given}"
    elif kind == 6:
        given = piece
    return given


def _said(given: str) -> tuple[str, ...]:
    """What an error has to say of a name: the longest words of it, or anything where it has none."""
    found = [word[:20] for word in re.findall(r"[A-Za-z0-9가-힣]{3,}", given.partition(":")[2] or given)]
    return tuple(sorted(found, key=len)[-3:])


def _of_others(given: str, place: Path) -> bool:
    """Whether it names a folder of this machine's, of which there may be no end."""
    path = os.path.expanduser(given.partition(":")[2] or given)
    return os.path.isdir(path) and not Path(path).resolve().is_relative_to(place)


def name(rng: Random, place: Path, good: Path) -> Given:
    """A name of data, of a model or of a repository, with no way out to the network."""
    import diffeo.data
    import diffeo.saving.io

    os.environ.update(
        DIFFEO_CACHE=str(place / "cache"), DIFFEO_MIRROR="https://127.0.0.1:9", HF_HUB_OFFLINE="1", HF_HOME=str(place)
    )
    os.environ.pop("DIFFEO_DATA", None)
    os.chdir(place)
    shutil.copy(good / "csv" / "plain", place / "t.csv")
    shutil.copytree(good / "models" / "nice-1", place / "run")
    given = _text(rng, rng.choice(NAMES))
    if _of_others(given, place):
        given += "x"
    take = rng.choice((diffeo.data.load, diffeo.data.read, diffeo.saving.io.load, "info"))
    if take == "info":
        return Given(("info", given.replace("\0", "")), _said(given))
    return Given(lambda: take(given), _said(given))  # type: ignore[operator]


def command_line(rng: Random, place: Path, good: Path) -> Given:
    """A command with wrong words, options and values; what it trains is small."""
    os.environ.update(
        DIFFEO_CACHE=str(place / "cache"), DIFFEO_MIRROR="https://127.0.0.1:9", HF_HUB_OFFLINE="1", HF_HOME=str(place)
    )
    os.environ["DIFFEO_DATA"] = str(place)
    os.chdir(place)
    shutil.copy(good / "csv" / "plain", place / "t.csv")
    shutil.copytree(good / "runs" / "ended", place / "run")
    shutil.copy(good / "runs" / "t.csv", place / "u.csv")
    verb = rng.choice(VERBS)
    words = [verb]
    if verb in ("train", "config"):
        words += ["realnvp", "table:t.csv", "--epochs", "1", "--model.width", "4", "--model.couplings", "2"]
    elif verb in SUBVERBS:
        words += [rng.choice(SUBVERBS[verb])]
    elif verb not in ("data", "models", "completion"):
        slow = verb in ("evaluate", "verify", "score")  # on what was trained on thousands of rows
        words += [rng.choice(("run", "run" if slow else "realnvp-moons", "nothing", "t.csv"))]
    if verb in ("score", "evaluate", "verify") and rng.random() < 0.5:
        words += ["table:u.csv"]
    for _ in range(rng.choice((0, 1, 1, 1, 2, 3))):
        value = rng.choice((rng.choice(NUMBERS), rng.choice(TEXTS), rng.choice(NAMES), _text(rng, rng.choice(words))))
        kind = rng.randrange(6)
        if kind == 0:
            words[rng.randrange(len(words))] = value
        elif kind == 1:
            words.insert(rng.randrange(len(words) + 1), rng.choice(OPTIONS))
        else:
            option = rng.choice(OPTIONS)
            words += [option, rng.choice(FEW) if option in AMOUNTS else value]
    words = [word.replace("\0", "") for word in words]
    if any(tuple(words[: len(start)]) == start for start in STARTING):
        words[1:2] = ["nothing.py"]
    return Given(tuple(words))
