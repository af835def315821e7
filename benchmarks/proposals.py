"""What the options that diffeo proposes for a refused table are worth: AUROC of anomalies. For docs/data.md.

    python benchmarks/proposals.py ADBENCH --steps 2000

ADBENCH is a folder of ADBench's files (NAME.npz with X and y, where y is 1 for an anomaly). A flow is trained on the
rows that are none, in as many epochs as make so many steps, by `diffeo train` with the options of the error's last
line, and all rows are scored. Prints Markdown. A row without a score counts as the most anomalous.
"""

import argparse
import math
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow.csv
from sklearn.metrics import roc_auc_score

import diffeo

TABLES = ("23_mammography", "6_cardio", "18_Ionosphere", "47_yeast", "2_annthyroid")
BATCH = 64


def proposed(table: str) -> list[str]:
    """The options that the refusal of a table ends in."""
    try:
        diffeo.data.load(table)
    except ValueError as error:
        return shlex.split(str(error).rpartition("Use ")[2])
    return []


def command(*words: str) -> None:
    """Run a verb of diffeo."""
    done = subprocess.run([sys.executable, "-c", "from diffeo.cli import main; main()", *words], capture_output=True)
    if done.returncode:
        raise SystemExit(f"diffeo {shlex.join(words)}: {done.stderr.decode()}")


def measure(file: Path, steps: int) -> str:
    """A line of the table."""
    with np.load(file) as arrays:
        x, anomaly = arrays["X"], arrays["y"]
    with tempfile.TemporaryDirectory() as place:
        here = Path(place)
        np.save(here / "normal.npy", x[anomaly == 0])
        np.save(here / "all.npy", x)
        options = proposed(f"table:{here / 'normal.npy'}")
        epochs = math.ceil(steps * BATCH / (0.8 * (anomaly == 0).sum()))
        command("train", "realnvp", f"table:{here / 'normal.npy'}", *options, "--epochs", str(epochs),
                "--batch-size", str(BATCH), "--out", str(here / "run"), "--quiet")  # fmt: skip
        command("score", str(here / "run"), f"table:{here / 'all.npy'}", "--out", str(here / "scores.csv"))
        scores = pyarrow.csv.read_csv(here / "scores.csv")
        columns = diffeo.load(here / "run").shape[0]
    surprise = np.full(len(x), np.inf)
    surprise[scores["row"].to_numpy()] = -np.nan_to_num(scores["log_prob"].to_numpy(), nan=-1e30, neginf=-1e30)
    surprise = np.minimum(surprise, 1e30)
    return f"| {file.stem.partition('_')[2]} | {columns} of {x.shape[1]} | {roc_auc_score(anomaly, surprise):.3f} |"


def main() -> None:
    """Print a line a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--tables", nargs="+", default=TABLES)
    given = parser.parse_args()
    print("| table | columns kept | AUROC |\n| --- | --- | --- |")
    for name in given.tables:
        print(measure(given.folder / f"{name}.npz", given.steps), flush=True)


if __name__ == "__main__":
    main()
