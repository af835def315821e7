"""``diffeo train``: a flow, a data set, a run folder."""

import re
import shlex
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cyclopts import App, CycloptsError
from cyclopts.argument import ArgumentCollection

from diffeo.cli.flows import flow_name
from diffeo.cli.model import chosen
from diffeo.cli.parse import Flag
from diffeo.cli.settings import NOTHING, Asked, TableSettings, check_condition, data_options
from diffeo.cli.signals import ending_by_signal, saying_how_to_go_on
from diffeo.system.letters import readable
from diffeo.system.proposals import path_word, without_options, word

FLAGS_OF_DATA = ("--header", "--no-header", "--skip-broken", "--no-skip-broken")
WITH_RESUME = ("--resume", "--device", "--quiet", "--json")


def train(
    asked: Asked = NOTHING,
    *,
    model: Any = None,
    resume: Path | None = None,
    quiet: Flag = False,
    json: Flag = False,
) -> None:
    """Train a flow on data, test it, and write all of it into a run folder.

    For example:
      diffeo train realnvp moons
      diffeo train glow mnist --epochs 10 --model.steps 4
      diffeo train realnvp table:sales.csv --drop id --time-budget 10m
      diffeo train --config recipe.yaml --seed 1
      diffeo train --resume runs/glow-mnist

    Parameters
    ----------
    asked
        What diffeo config takes as well.
    model
        The options of the flow.
    resume
        Go on with the run in this folder; all options are the run's own.
    quiet
        Show no progress.
    json
        Print the summary as JSON.
    """
    from diffeo.cli.output import print_json
    from diffeo.cli.results import show_summary

    def say(text: str) -> None:
        if not quiet:
            print(text, file=sys.stderr)

    if resume is not None:
        place, summary = resume, _resume(resume, asked.device, say, progress=not quiet)
    else:
        if asked.flow is None or asked.data is None:
            raise CycloptsError(msg="train needs FLOW and DATA, for example: diffeo train realnvp moons")
        name, data = flow_name(asked.flow), asked.data
        check_condition(asked.condition, conditional=asked.conditional)
        options = data_options(data, asked.folder, asked.table)
        options |= {} if asked.condition is None else {"condition": asked.condition}
        show_plan = not quiet and not json
        place, summary = _train(
            name, data, options, chosen(name, model), asked, say=say, show_plan=show_plan, progress=not quiet
        )
    if json:
        print_json({"run": str(place), **summary})
    else:
        show_summary(summary)
        print(readable(f"wrote {place}"))


@ending_by_signal()
def _resume(run: Path, device: str | None, say: Callable[[str], None], *, progress: bool) -> dict[str, Any]:
    from diffeo.runs.train import resume_run

    if device is not None:
        _check_device(device)
    with saying_how_to_go_on():
        return resume_run(run, say=say, progress=progress, device=device)


def refuse_beside_resume(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """For cyclopts: a run that goes on has its options already.

    Raises:
        CycloptsError: if others are given beside ``--resume``.
    """
    given = {argument.name: argument for argument in arguments if argument.tokens}
    extra = [name for name in given if name not in WITH_RESUME]
    if "--resume" in given and extra:
        run = given["--resume"].tokens[0].value
        shown = ", ".join({"--flow": "FLOW", "--data": "DATA"}.get(name, name) for name in extra)
        raise CycloptsError(
            msg=f"{shown} cannot be given with --resume: flow, data and options are fixed by the run. "
            f"Use diffeo train --resume {path_word(run)}"
        )


def run_name(flow: str, data: str) -> str:
    """The name of a run folder: ``FLOW-DATA``, where a path counts by its last part, without the ending.

    Example:
        >>> run_name("glow", "mnist"), run_name("realnvp", "table:~/x/sales 2024.csv"), run_name("glow", "folder:cats/")
        ('glow-mnist', 'realnvp-sales-2024', 'glow-cats')
    """
    kind, colon, path = readable(data).partition(":")
    word = Path(path).resolve().name if colon and kind == "folder" else Path(path).stem if colon else data
    safe = re.sub(r"[^\w.-]+", "-", word).strip("-.")
    return f"{flow}-{safe or kind}"


@ending_by_signal()
def _train(
    name: str,
    data: str,
    options: dict[str, Any],
    model: dict[str, Any],
    asked: Asked,
    *,
    say: Callable[[str], None],
    show_plan: bool,
    progress: bool,
) -> tuple[Path, dict[str, Any]]:
    import diffeo  # not what waits for torch yet: a name or a table may be refused

    device = asked.device or "cpu"
    if device != "cpu":
        _check_device(device)
    try:
        dataset = diffeo.data.load(data, **options)
    except ValueError as error:  # a table's ends in the options that settle it: here they become a command
        found, use, settling = str(error).rpartition("\nUse --")
        command = f"\nUse diffeo train {name} {word(readable(data))}{_other_options(name, data)} --{settling}"
        raise ValueError(found + command if use else str(error)) from error

    import torch

    from diffeo.cli.build import build_flow
    from diffeo.runs.train import free_folder, train_run

    torch.manual_seed(asked.settings.seed)
    built = build_flow(name, dataset, model, conditional=asked.conditional).to(device)
    folder = asked.out or free_folder(Path("runs") / run_name(name, data))
    if show_plan:
        print(built)
    command = "diffeo " + shlex.join(sys.argv[1:])
    with saying_how_to_go_on():
        summary = train_run(
            built, dataset, folder, command=command, say=say, progress=progress, **asdict(asked.settings)
        )
    return folder, summary


def _other_options(flow: str, data: str) -> str:
    """The options of the command that runs, but those that what settles the data says again."""
    if sys.argv[1:2] != ["train"]:
        return ""
    said_again = [f"--{name.replace('_', '-')}" for name in asdict(TableSettings()) if name != "header"]
    said_again += ["--flow", "--data", "--size", "--channels"]
    words = without_options(sys.argv[2:], said_again, FLAGS_OF_DATA)
    for given in (flow, data):
        place = next((i for i, one in enumerate(words) if given in (one, one.lower())), None)
        if place is not None:
            del words[place]
    return "".join(f" {word(readable(one))}" for one in words)


def _check_device(device: str) -> None:
    import torch

    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(f"there is no device {device!r} here: {error}") from error
