"""What a command says when there is not enough memory: what was being done, and what would need less."""

import traceback
from pathlib import Path

from diffeo.system.shortage import OutOfMemory

SOURCE = Path(__file__).parents[1]
DOING = {  # by where in the source it was, from the outside
    "data": (
        "reading the data",
        "A file with fewer rows or columns needs less (--columns), or smaller images (--size)",
    ),
    "training": (
        "training",
        "Less is needed with --accumulate 4 or a smaller --batch-size, with fewer rows, or by a smaller flow "
        "(--model.width)",
    ),
    "saving/io.py": ("opening the model", "It takes as much as its file is large, so close other programs"),
    "evaluation/verification": ("verifying", "Less is needed with --rows 64 and --exact-up-to 64"),
    "editing": ("editing", "Fewer images, or fewer samples of each, need less"),
    "runs/html_report.py": ("writing the report", "Fewer rows, or a smaller flow, need less"),
    "evaluation": ("evaluating", "Less is needed with --samples 1 and by fewer rows"),
    "flow.py": ("drawing samples", "Fewer need less, such as -n 100"),
}
STARTING = ("starting", "It takes about 1 GB to start, so close other programs")


def out_of_memory(error: BaseException) -> str:
    """One sentence or two: what was being done when it ran out, what needs less, and how a training goes on."""
    doing, less = _doing(error)
    words = [f"out of memory while {doing}. {less}"]
    if isinstance(error, OutOfMemory):
        words.append(str(error))
    return ". ".join(words)


def _doing(error: BaseException) -> tuple[str, str]:
    root = error
    while root.__cause__ is not None:
        root = root.__cause__
    for frame in (frame for one in (error, root) for frame in traceback.extract_tb(one.__traceback__)):
        if not Path(frame.filename).is_relative_to(SOURCE):
            continue
        if frame.name == "<module>":  # it is being imported
            return STARTING
        place = Path(frame.filename).relative_to(SOURCE).as_posix()
        for start, told in DOING.items():
            if place == start or place.startswith(f"{start}/"):
                return told
    return STARTING
