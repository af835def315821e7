"""``diffeo edit class``: images as another class, in their own style."""

from diffeo.cli.edit.drawing import Drawn, draws
from diffeo.cli.edit.edited import EditedRun
from diffeo.cli.parameters import Chosen, Hold, MeanRows, Strength
from diffeo.cli.parse import MaybeNumber, MaybeWholes


@draws("classes.png")
def class_(
    run: EditedRun,
    *,
    images: Chosen,
    to: MaybeWholes = None,
    labels: MaybeWholes = None,
    hold: Hold = None,
    temperature: MaybeNumber = None,
    strength: Strength = None,
    rows: MeanRows = 2000,
) -> Drawn:
    """Draw images as another class: a row begins with the image, then one for each class.

    A run that was trained with --conditional is told another class to decode than to encode; of any other the latents
    are moved by the difference of both classes' means.

    For example:
      diffeo edit class runs/glow-mnist-classes --images 3,16
      diffeo edit class runs/glow-mnist-classes --images 3,16 --to 8 --hold nothing
      diffeo edit class glow-mnist-classes --images my7.png --to 8
      diffeo edit class runs/glow-mnist --images 3 --to 8 --strength 1.5

    Parameters
    ----------
    to
        The classes; all, if not given.
    labels
        The classes of your own pictures; of a run with --conditional what the flow takes them for, if not given.
    temperature
        Of runs with classes: multiplies the latent; below 1 the class is reached more often, and less is kept.
    """
    import torch

    from diffeo.cli.edit.choosing import choose
    from diffeo.cli.edit.restyling import held_attributes, restyler

    held = held_attributes(hold)
    own = any(isinstance(image, str) for image in images)
    if labels is not None and not own:
        raise ValueError("--labels is for pictures of your own, and the images of a data set have theirs")
    if labels is None and own and not run.takes_classes:
        raise ValueError(f"{run.folder} takes no classes, so say which each picture is of: --labels 7, or 7,3 for two")
    count = run.check_classes(*(to or []))
    chosen = choose(run, images, labels=labels)
    classes = list(range(count)) if to is None else to
    restyle = restyler(run, held, temperature=temperature, strength=strength, rows=rows, from_samples=own)
    edited = [restyle(chosen, torch.full((len(chosen),), target)) for target in classes]
    described = {"numbers": images, "classes": classes, "hold": held, "temperature": temperature, "strength": strength}
    return Drawn(torch.stack([chosen.x.to(run.flow.device), *edited], 1), described)
