"""How long the lecture's models take and what they reach: one JSON file a run, with the command that made it.

    python course/measured/measure.py paper --data mnist --folder FOLDER    # course/measured/paper-mnist.json
    python course/measured/measure.py plan --data mnist --folder FOLDER --steps 400

Models: `listing` and `paper` of reference/realnvp.py, `glow` of reference/glow.py, and `plan`, the lecture plan's
listing as it stands. Ten epochs, or about `--steps`. A full run of seed 0 gives the slides their numbers too, in
figures/numbers/reference.json: `listing.bits_per_dim` is the plan's, `reference.paper.bits_per_dim` ours. A run with
`--steps`, `--seed` or `--out` leaves these as they are.
"""

import argparse
import json
import math
import os
import platform
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "reference"), str(HERE.parent / "figures")]

import glow
import listing
import realnvp
import torch

from diffeo.system.writing import write_atomically

KEYS = {"plan": "listing", "listing": "reference.listing", "paper": "reference.paper", "glow": "reference.glow"}


def measure(name, images, test, values, steps):
    """Train and score: what is to be told of it."""
    started = time.perf_counter()
    if name == "plan":
        model, found = listing.measure(images, test, values, steps=steps)
        return found | {
            "seconds": time.perf_counter() - started, "parameters": count(model),
            "histogram": realnvp.histogram(images, test, values),
        }  # fmt: skip
    module = glow if name == "glow" else realnvp
    epochs = module.num_epochs
    if steps is not None:
        epochs = max(1, steps // math.ceil(len(images) / module.batch_size))
    seen = images if steps is None else images[: steps * module.batch_size]
    y = module.dequantize(images[:10000], values)
    model = glow.Flow([glow.Preprocess(y), glow.Level(*y.shape[1:])]) if name == "glow" else realnvp.build(name, y)
    module.train(model, seen, values, epochs)
    trained = time.perf_counter() - started
    bits, error = module.bits_per_dim(model, test, values)
    return {
        "bits_per_dim": bits, "standard_error": error, "seconds": trained, "parameters": count(model),
        "steps": epochs * math.ceil(len(seen) / module.batch_size),
        "uniform": math.log2(values), "histogram": realnvp.histogram(images, test, values), "values": values,
    }  # fmt: skip


def count(model):
    return sum(parameter.numel() for parameter in model.parameters())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=list(KEYS))
    parser.add_argument("--data", choices=["digits", "mnist", "fashion-mnist"], default="mnist")
    parser.add_argument("--folder", help="of the IDX files; $DIFFEO_DATA/NAME if not given")
    parser.add_argument("--steps", type=int, help="stop after about this many; ten epochs if not given")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="the JSON file; beside this script if not given")
    asked = parser.parse_args()
    torch.manual_seed(asked.seed)
    folder = asked.folder or Path(os.environ.get("DIFFEO_DATA", "."), asked.data)
    images, test, values = realnvp.load(asked.data, folder)
    command = f"python course/measured/measure.py {asked.model} --data {asked.data}"
    command += f" --steps {asked.steps}" if asked.steps is not None else ""
    command += f" --seed {asked.seed}" if asked.seed else ""
    machine = f"{platform.machine()}, torch {torch.__version__}, threads: {torch.get_num_threads()}"
    found = {"command": command, "machine": machine} | measure(asked.model, images, test, values, asked.steps)
    text = json.dumps(found, indent=2) + "\n"
    print(text)
    name = f"{asked.model}-{asked.data}" + (f"-{asked.steps}-steps" if asked.steps is not None else "")
    name += f"-seed-{asked.seed}" if asked.seed else ""
    write_atomically(asked.out or HERE / f"{name}.json", text.encode())
    if asked.out is None and asked.steps is None and asked.seed == 0:
        from drawing import number

        key = KEYS[asked.model] if asked.data == "mnist" else f"{KEYS[asked.model]}.{asked.data}"
        for what in ("bits_per_dim", "standard_error", "seconds", "steps", "parameters"):
            number("reference", f"{key}.{what}", found[what], command)


if __name__ == "__main__":
    main()
