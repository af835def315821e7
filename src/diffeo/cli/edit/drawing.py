"""The order of work of an edit that draws: the file that it goes to, the run, the edit itself, the picture."""

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Concatenate, ParamSpec

from diffeo.cli.edit.edited import EditedRun, open_run
from diffeo.cli.parameters import Force, OfImages, PartOfNumbers, RunFolder, explained
from diffeo.cli.parse import Flag

if TYPE_CHECKING:
    from torch import Tensor

Own = ParamSpec("Own")
Verb = Callable[..., None]


@dataclass(frozen=True)
class Drawn:
    """What an edit made.

    Attributes:
        rows: images ``(B, S, C, H, W)``: each row of the picture.
        described: what is said of them in JSON.
        before: lines for a person.
        after: lines for a person, below the name of the file.
    """

    rows: "Tensor"
    described: dict[str, Any]
    before: Sequence[str] = ()
    after: Sequence[str] = ()


def draws(
    default: str,
    *,
    animated: bool = True,
    part: str | None = None,
    run: Any = RunFolder,
    data: Any = OfImages,
    json: str = "what was written",
) -> Callable[[Callable[Concatenate[EditedRun, Own], Drawn]], Verb]:
    """Make a verb of an edit: it is given an open run and its own options, and the verb has those of all edits as well.

    Args:
        default: the file that is written where the user names none.
        animated: whether the picture may be an animation.
        part: the part of the data that is used; if None, the user says which.
        run: what the run must be, as help says it.
        data: the same of the data.
        json: what is printed as JSON.
    """
    endings = ".png, or .gif or .apng for an animation" if animated else ".png"
    of_all = {
        "part": (PartOfNumbers, "test"),
        "out": (Annotated[Path | None, explained(f"The picture: {endings}; {default}, or the next free name, if not "
                                                 "given.")], None),
        "force": (Force, False),
        "json": (Annotated[Flag, explained(f"Print {json} as JSON.")], False),
    }  # fmt: skip
    if part is not None:
        del of_all["part"]

    def made(edit: Callable[Concatenate[EditedRun, Own], Drawn]) -> Verb:
        @functools.wraps(edit)
        def verb(
            run: Path,
            data: str | None = None,
            /,
            *,
            part: str = part or "test",
            out: Path | None = None,
            force: bool = False,
            json: bool = False,
            **own: Any,
        ) -> None:
            from diffeo.cli.files import destination
            from diffeo.evaluation import check_picture

            to = destination(out, default, force=force)
            if not animated and to.suffix.lower() != ".png":
                raise ValueError(f"cannot write rows of results to {to.name}: use .png")
            check_picture(to)
            opened = open_run(run, data, part)
            _write(edit(opened, **own), edit.__name__.rstrip("_"), opened, to, json=json)  # type: ignore[call-arg]

        parameters = [
            inspect.Parameter("run", inspect.Parameter.POSITIONAL_ONLY, annotation=run),
            inspect.Parameter("data", inspect.Parameter.POSITIONAL_ONLY, default=None, annotation=data),
            *list(inspect.signature(edit).parameters.values())[1:],
            *(
                inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=value, annotation=kind)
                for name, (kind, value) in of_all.items()
            ),
        ]
        verb.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        verb.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return verb

    return made


def _write(drawn: Drawn, edit: str, run: EditedRun, out: Path, *, json: bool) -> None:
    """Write the rows of images as a picture or an animation, and say so."""
    from diffeo.cli.output import counted, print_json
    from diffeo.evaluation import strip_picture
    from diffeo.system.writing import write_atomically

    down, across = drawn.rows.shape[:2]
    if not json:
        print("".join(f"{line}\n" for line in drawn.before), end="")
    shown, values = drawable(drawn.rows, None if run.flow.door is None else run.flow.door.values)
    write_atomically(out, strip_picture(shown, values, out.suffix.lower()))
    if json:
        print_json(
            {"file": str(out), "run": str(run.folder), "edit": edit, **drawn.described, "images": [down, across]}
        )
        return
    print(f"wrote {out}: {counted(down, 'row')} of {counted(across, 'image')}", *drawn.after, sep="\n")


def drawable(images: "Tensor", values: int | None) -> tuple["Tensor", int]:
    """Images as integers that a picture can show, and how many values they have; continuous ones from least to most."""
    if values is not None:
        return images, values
    low, high = float(images.min()), float(images.max())
    return ((images - low) * (255 / max(high - low, 1e-12))).round(), 256
