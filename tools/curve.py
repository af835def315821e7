"""Keep a run's validation losses as the expected curve of the recipe that made it.

    python tools/curve.py runs/glow-mnist-hour glow-mnist-hour

writes recipes/curves/glow-mnist-hour.csv. ``tools/ship.py`` does the same for a model that ships.
"""

import argparse
import sys
from pathlib import Path

from recipe_of import RECIPES, differences

from diffeo.runs import read_run, write_curve


def main() -> int:
    """Write the curve; exit status 1 if the run departs from the recipe."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="a finished run")
    parser.add_argument("name", help="of the recipe")
    options = parser.parse_args()
    run = read_run(options.run)
    if found := differences(run.record, options.name):
        print(f"{options.run} was not made by recipes/{options.name}.yaml: {'; '.join(found)}", file=sys.stderr)
        return 1
    path = RECIPES / "curves" / f"{options.name}.csv"
    write_curve(run, path)
    print(f"wrote {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
