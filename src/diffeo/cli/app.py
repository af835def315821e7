"""The ``diffeo`` command: its verbs, and how errors reach a person."""

import functools
import os
import signal
import sys
import warnings
from typing import NoReturn

from cyclopts import App, CycloptsError, Group, Parameter

from diffeo import __version__
from diffeo.cli import recipe
from diffeo.cli.compare import compare
from diffeo.cli.completion import completion_of
from diffeo.cli.config import config
from diffeo.cli.data import data
from diffeo.cli.demo import demo
from diffeo.cli.edit import edit
from diffeo.cli.evaluate import evaluate
from diffeo.cli.info import info
from diffeo.cli.memory import out_of_memory
from diffeo.cli.model import flow_in, options_of, refuse_others, with_options
from diffeo.cli.models import models
from diffeo.cli.names import of_runs
from diffeo.cli.output import accept_any_letter, each_warning_once, in_words
from diffeo.cli.prose import let_lines_flow
from diffeo.cli.sample import sample
from diffeo.cli.score import score
from diffeo.cli.train import refuse_beside_resume, train
from diffeo.cli.usage import explain
from diffeo.cli.verbs import add_verbs
from diffeo.cli.verify import NotVerified, verify
from diffeo.cli.watch import watch
from diffeo.system.shortage import ran_out

HELP = """Exact-likelihood generative models: train a flow, sample from it, score data with it.

Begin with:
  diffeo demo                               a whole training, on data that ships
  diffeo sample glow-digits                 draw from a model that ships
  diffeo train realnvp table:sales.csv      your own table, or folder:photos
  diffeo sample runs/realnvp-sales -n 1000  draw from what it learnt

diffeo VERB --help explains a verb.
Exit status: 0 done; 1 it failed, or what was given does not work; 2 the command
was not understood, or verify had nothing to judge; 130 interrupted."""

TRAIN = Group("Train", sort_key=1)
USE = Group("Use a run", sort_key=2)
OTHER = Group("Other", sort_key=3)


def program(flow: str | None) -> App:
    """The command with the verbs that take a flow's options: this one's, or all where it is not known."""
    app = App(
        name="diffeo",
        version=__version__,
        usage="Usage: diffeo VERB ...",
        help=HELP,
        help_format="plaintext",
        default_parameter=Parameter(negative_iterable=()),
        suppress_keyboard_interrupt=False,
    )
    model = options_of(flow)
    app.command(
        with_options(train, model),
        group=TRAIN,
        sort_key=1,
        usage="Usage: diffeo train FLOW DATA [OPTIONS]",
        config=[refuse_beside_resume, recipe.fill, refuse_others],
    )
    app.command(
        with_options(config, model),
        group=TRAIN,
        sort_key=2,
        usage="Usage: diffeo config FLOW DATA [OPTIONS]",
        config=[recipe.fill, refuse_others],
    )
    let_lines_flow(app)
    return app


app = program(None)
edit.group = USE
app["--help"].group = app["--version"].group = OTHER

app.command(demo, group=TRAIN, sort_key=3)
app.command(of_runs(watch), group=TRAIN, sort_key=4)
app.command(of_runs(evaluate), group=USE, usage="Usage: diffeo evaluate RUN [DATA] [OPTIONS]")
app.command(of_runs(compare), group=USE, usage="Usage: diffeo compare RUN RUN .. [OPTIONS]")
app.command(of_runs(sample), group=USE)
app.command(of_runs(score), group=USE)
app.command(verify, group=USE, usage="Usage: diffeo verify RUN [DATA] [OPTIONS]")
app.command(edit)
app.command(of_runs(info), group=USE)
app.command(data, group=OTHER)
app.command(models, group=OTHER)


@functools.cache
def with_verbs_of_others() -> App:
    """All verbs. Those of other packages are looked for only where one of diffeo's own will not do."""
    add_verbs(app, OTHER)
    let_lines_flow(app)
    return app


app.command(completion_of(with_verbs_of_others), group=OTHER)
let_lines_flow(app)
OWN = frozenset(name for name in app if not name.startswith("-"))


def main(arguments: list[str] | None = None) -> None:
    """Run a command; a mistake of the user's ends in one line and exit status 1 or 2, not in a traceback."""
    accept_any_letter()
    words = sys.argv[1:] if arguments is None else arguments
    try:
        with warnings.catch_warnings():
            warnings.showwarning = each_warning_once()
            verbs = _of_flow(words) if words and words[0] in OWN else with_verbs_of_others()
            verbs(words, exit_on_error=False, print_error=False, verbose=False, result_action="return_value")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever read has stopped: no error at exit
        sys.exit(141)
    except CycloptsError as error:
        _end(explain(error, _flow(words)), 2, error)
    except NotVerified as error:
        _end(str(error), 2, error)
    except OSError as error:
        _end(in_words(error), 1, error)
    except (ValueError, RuntimeError, ImportError, MemoryError) as error:
        _end(str(error), 1, error)
    except KeyboardInterrupt as error:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is ending already
        _end("interrupted", 130, error)


def _of_flow(words: list[str]) -> App:
    """The command as it is for the flow that the words are about."""
    flow = _flow(words)
    return app if flow is None else program(flow)


def _flow(words: list[str]) -> str | None:
    return flow_in(app, words) if words[:1] in (["train"], ["config"]) else None


def _end(message: str, status: int, error: BaseException) -> NoReturn:
    if os.environ.get("DIFFEO_TRACEBACK"):
        raise error
    cause = error.__cause__ or error if isinstance(error, NotVerified) else error
    if ran_out(cause):
        message = out_of_memory(cause)
    print(f"diffeo: {message}", file=sys.stderr)
    sys.exit(status)
