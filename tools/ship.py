"""Make a model that ships out of a run: measure it on its whole test set, verify it, write its card.

    diffeo train --config recipes/glow-digits.yaml --out runs/glow-digits
    python tools/ship.py runs/glow-digits glow-digits

The name is the recipe's. Written are src/diffeo/models/shipped/NAME, the recipe's curve, and the table in
docs/models.md; no figure of them by hand. ``--replace`` takes the place of a model that ships already; without a run,
``python tools/ship.py --table`` writes the table alone, and ``python tools/ship.py --baselines`` computes the simple
densities beside the models that ship again, and the round trips of continuous rows, where their data is on the machine.
"""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from check_rows import ROWS, check
from recipe_of import RECIPES, differences
from temperatures import recommended

import diffeo
from diffeo.data import SOURCES
from diffeo.evaluation import condition_for, deviations, likelihood, round_trip, simple_densities
from diffeo.evaluation.part import described
from diffeo.models.cards import CARD_FILE
from diffeo.models.places import SHIPPED
from diffeo.runs import Run, read_run, write_curve
from diffeo.runs.folder import METRICS_FILE, RUN_FILE, SUMMARY_FILE
from diffeo.system.writing import write_atomically

PAGE = Path(__file__).parents[1] / "docs" / "models.md"
BEGIN, END = "<!-- table of models: python tools/ship.py --table -->\n", "<!-- end of table -->\n"
MOST_BYTES, MOST_BYTES_IN_ALL = 3_000_000, 12_000_000
FORMAT = 1


def main() -> int:
    """Ship a model; exit status 1 if it cannot be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, nargs="?", help="a finished run of a recipe")
    parser.add_argument("name", nargs="?", help="of the recipe, and of the model")
    parser.add_argument("--replace", action="store_true", help="take the place of the model that ships already")
    parser.add_argument("--table", action="store_true", help="write the table in docs/models.md alone")
    parser.add_argument("--baselines", action="store_true", help="compute the simple densities of all cards again")
    options = parser.parse_args()
    if options.baselines:
        for name in diffeo.models.names():
            compare_again(name)
    elif not options.table:
        if options.run is None or options.name is None:
            parser.error("RUN and NAME are needed, for example: python tools/ship.py runs/glow-digits glow-digits")
        try:
            ship(options.run, options.name, replace=options.replace)
        except (ValueError, OSError) as error:
            print(f"not shipped: {error}", file=sys.stderr)
            return 1
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    content = f"{before}{BEGIN}{diffeo.models.table()}\n{END}{rest.partition(END)[2]}"
    write_atomically(PAGE, content.encode())
    return 0


def ship(place: Path, name: str, *, replace: bool) -> None:
    """Measure the run, and write its folder and its curve.

    Raises:
        ValueError: if the run has not ended, is not of the recipe, is too large, or is found not to be exact.
    """
    run, target = read_run(place), SHIPPED / name
    if target.exists() and not replace:
        raise ValueError(f"{name} ships already. Give --replace to take its place")
    if run.summary is None:
        raise ValueError(f"the training of {place} has not ended. Go on with: diffeo train --resume {place}")
    if found := differences(run.record, name):
        raise ValueError(f"{place} was not made by recipes/{name}.yaml: {'; '.join(found)}")
    size = (place / diffeo.saving.io.TENSORS_FILE).stat().st_size
    others = sum(file.stat().st_size for file in SHIPPED.rglob("*") if file.is_file() and target not in file.parents)
    if size > MOST_BYTES or size + others > MOST_BYTES_IN_ALL:
        raise ValueError(
            f"it takes {size:,} bytes, all others {others:,}: at most {MOST_BYTES:,} and {MOST_BYTES_IN_ALL:,} in all"
        )
    found = card(run, name)
    if not found["verify"]["ok"]:
        raise ValueError(f"{place} is not exact: {found['verify']['verdict']}. See: diffeo verify {place}")
    with tempfile.TemporaryDirectory(dir=SHIPPED) as made:
        folder = Path(made) / name
        folder.mkdir()
        for file in (diffeo.saving.io.CONFIG_FILE, diffeo.saving.io.TENSORS_FILE, METRICS_FILE):
            shutil.copyfile(place / file, folder / file)
        for file, content in (
            (RUN_FILE, run.record | {"command": found["command"]}),
            (SUMMARY_FILE, run.summary | {"command": found["command"]}),
            (CARD_FILE, found),
        ):
            _write(folder / file, content)
        if target.exists():
            shutil.rmtree(target)
        folder.rename(target)
    write_curve(run, RECIPES / "curves" / f"{name}.csv")
    print(
        f"wrote {target}: {found['test']['mean']:.4f} ± {found['test']['standard_error']:.4f} {found['test']['unit']}"
    )


def compare_again(name: str) -> None:
    """Compute what stands beside a shipped model's figure again, in its card and its summary."""
    run = read_run(SHIPPED / name)
    try:
        data = run.load_data()
    except (OSError, ValueError) as error:
        print(f"{name}: left as it was, for want of its data: {str(error).splitlines()[0]}")
        return
    simple = described(simple_densities(data))
    found: dict[str, Any] = {"baselines": simple}
    if data.values is None:
        flow = run.load_flow()
        trip = round_trip(flow, data.test.x, condition_for(flow, data.test), deviation=deviations(data.train.x))
        found["round_trip_error_standardised"] = trip.standardised
    for file in (CARD_FILE, SUMMARY_FILE):
        path = SHIPPED / name / file
        before = json.loads(path.read_text(encoding="utf-8"))
        _write(path, before | found)
    for key, value in simple.items():
        print(f"{name}: {key} {before['baselines'][key]['mean']:.4f}, now {value['mean']:.4f}")


def _write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False) + "\n", encoding="utf-8")


def card(run: Run, name: str) -> dict[str, Any]:
    """Everything that is said of the model, measured now."""
    flow, data, source = run.load_flow(), run.load_data(), SOURCES[run.data_name]
    summary, seed = run.summary or {}, int(run.record["seed"])
    labels = condition_for(flow, data.test)
    test = likelihood(flow, data.test, seed=seed)
    trip = round_trip(flow, data.test.x, labels, deviation=deviations(data.train.x))
    report = diffeo.verify(flow, data.test.x, labels)
    rows, checked = check(flow)
    given = ", given the class" if flow.conditional else ""
    return {
        "format": FORMAT,
        "name": name,
        "about": f"{type(flow).__name__} on {source.about.removeprefix('toy: ')}{given}",
        "flow": type(flow).__name__,
        "data": {
            "name": data.name,
            "about": source.about,
            "source": data.source,
            "licence": source.licence,
            "rows": [len(data.train), len(data.validation), len(data.test)],
            "shape": list(data.shape),
        },
        "recipe": name,
        "command": f"diffeo train --config recipes/{name}.yaml",
        "trained": {
            "seconds": summary["seconds"],
            "steps": summary["steps"],
            "precision": summary["precision"],
            "device": run.record.get("device", "cpu"),
            "threads": run.record["versions"]["threads"],
            "seed": seed,
        },
        "parameters": sum(parameter.numel() for parameter in flow.parameters()),
        "test": {
            "unit": run.unit if run.in_bits else "nats" if data.scale is None else "nats, standardised columns",
            "mean": test.mean,
            "standard_error": test.standard_error,
            "rows": len(data.test),
            "samples": 1 if run.in_bits else None,
            "seed": seed if run.in_bits else None,
        },
        "temperature": recommended(flow, data, seed=seed),
        "check": {"rows": rows, "count": ROWS, "mean": checked.mean, "standard_error": checked.standard_error},
        "baselines": described(simple_densities(data)),
        "round_trip_error": trip.error,
        "round_trip_error_standardised": trip.standardised,
        "wrong_values": trip.wrong_values,
        "verify": {"ok": report.ok, "verdict": report.verdict},
        "versions": {key: value for key, value in run.record["versions"].items() if key != "threads"},
    }


if __name__ == "__main__":
    sys.exit(main())
