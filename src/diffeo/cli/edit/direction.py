"""``diffeo edit direction``: find the direction of the latent along which an attribute changes."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from diffeo.cli.parameters import AnyData, Force, RunFolder
from diffeo.cli.parse import Flag, MaybeWhole, Whole
from diffeo.system.proposals import path_word


def direction(
    run: RunFolder,
    data: AnyData = None,
    /,
    *,
    attribute: Literal["thickness", "slant", "brightness", "lighting"] | None = None,
    class_: Annotated[MaybeWhole, Parameter(name="--class")] = None,
    against: MaybeWhole = None,
    method: Literal["means", "probe", "whitened"] = "means",
    rows: Whole = 5000,
    out: Path | None = None,
    force: Force = False,
    json: Flag = False,
) -> None:
    """Find the direction of the latent along which an attribute or the class changes, and keep it in a file.

    For example:
      diffeo edit direction runs/glow-mnist --attribute thickness --out thickness.safetensors
      diffeo edit direction runs/glow-mnist --class 7 --against 1 --method probe

    Parameters
    ----------
    attribute
        A measured attribute.
    class_
        Or a class, against all others. Of data without classes, a label: a person of olivetti, by number.
    against
        Or against this one.
    method
        Difference of means, a linear probe's normal, or the same of whitened latents.
    rows
        How many training rows to find it from, at most.
    out
        The file, for diffeo edit sweep; direction.safetensors, or the next free name, if not given.
    json
        Print what was found as JSON.
    """
    from dataclasses import replace

    from diffeo import editing
    from diffeo.cli.edit.edited import open_run, some_rows
    from diffeo.cli.files import destination
    from diffeo.cli.output import print_json
    from diffeo.editing.directions import check_target

    if (attribute is None) == (class_ is None):
        raise ValueError("give either --attribute or --class, for example: diffeo edit direction RUN --attribute slant")
    if against is not None and (class_ is None or class_ == against):
        raise ValueError("--against needs another class beside it, for example: --class 7 --against 1")
    if out is not None and out.suffix != ".safetensors":
        raise ValueError(f"a direction is kept as .safetensors, not {out.name}")
    if rows < 10:
        raise ValueError(f"--rows must be at least 10, got {rows}")
    out = destination(out, "direction.safetensors", force=force)
    edited = open_run(run, data, "train")
    if class_ is not None:
        kind = edited.check_labels(class_, *([] if against is None else [against]))
        if hasattr(edited.flow.embedding, "classes"):
            raise ValueError(
                f"{run} is conditioned on classes, so its latent says little of them. "
                f"Use diffeo edit class {path_word(run)} --images 0 --to {class_}"
            )
    part = edited.part
    if against is not None and part.labels is not None:
        both = (part.labels == class_) | (part.labels == against)
        part = some_rows(part, both)
    part = some_rows(part, slice(rows))
    if attribute is not None:
        name, target = str(attribute), editing.ATTRIBUTES[attribute](editing.grey(part.x))
    else:
        assert part.labels is not None
        assert class_ is not None
        name = f"{kind} {class_}" + ("" if against is None else f" against {against}")
        target = part.labels.eq(class_)
    check_target(target, name)
    z = editing.encode_images(edited.flow, part.x, edited.condition(part))
    found = editing.find_direction(z, target, method=method, attribute=name)
    found = replace(found, flow=editing.fingerprint(edited.flow))
    found.save(out)
    if json:
        print_json({"file": str(out), "run": str(run), "attribute": name, "method": method, "unit": found.unit,
                    "rows": found.rows, "score": found.score})  # fmt: skip
    else:
        what = "correlation" if attribute is not None else "area under the ROC curve"
        print(f"wrote {out}: {name}, from {found.rows:,} images; on images held out: {what} {found.score:.3f}")
