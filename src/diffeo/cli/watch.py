"""``diffeo watch``: a training in the terminal."""

from pathlib import Path

from diffeo.cli.parse import Flag


def watch(run: Path, /, *, every: float = 2.0, once: Flag = False) -> None:
    """Watch a training: its curves and its newest samples, until it ends or you press Ctrl-C.

    Only files are read, so a training on another machine can be watched through a shared folder.

    For example:
      diffeo watch runs/glow-mnist

    Parameters
    ----------
    run
        The run folder.
    every
        Seconds between two looks.
    once
        Show it as it is now and end. The same happens where the output is no terminal.
    """
    from rich.console import Console

    from diffeo.runs import read_run
    from diffeo.runs.watch import frame, watch_run

    if every <= 0:
        raise ValueError(f"every must be positive, got {every:g}. Use --every 2")
    console = Console(emoji=False)
    if once or not console.is_terminal:
        console.print(frame(read_run(run), console))
    else:
        watch_run(run, console, every=every)
