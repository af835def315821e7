"""The ``diffeo`` command: its verbs, and how errors reach a person."""

import os
import sys

from cyclopts import App

from diffeo import __version__
from diffeo.cli.compare import compare
from diffeo.cli.demo import demo
from diffeo.cli.evaluate import evaluate
from diffeo.cli.info import info
from diffeo.cli.sample import sample
from diffeo.cli.score import score
from diffeo.cli.train import train
from diffeo.cli.watch import watch

app = App(
    name="diffeo",
    version=__version__,
    help="Exact-likelihood generative models: train a flow, sample from it, score data with it.",
)
for verb in (train, watch, evaluate, compare, sample, score, info, demo):
    app.command(verb)


def main(arguments: list[str] | None = None) -> None:
    """Run a command; a mistake of the user's ends in one line and exit status 1, not in a traceback."""
    try:
        app(arguments)
    except (ValueError, OSError, RuntimeError) as error:
        if os.environ.get("DIFFEO_TRACEBACK"):
            raise
        print(f"diffeo: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("diffeo: interrupted", file=sys.stderr)
        sys.exit(130)
