"""``diffeo edit measure``: how often a change of class reaches its class, and what else it changes."""

from pathlib import Path

from diffeo.cli.parameters import AnyData, Count, Force, Hold, MeanRows, RunFolder, Strength
from diffeo.cli.parse import Flag, MaybeNumber, Number, Seed


def measure(
    run: RunFolder,
    data: AnyData = None,
    /,
    *,
    n: Count = 1000,
    hold: Hold = None,
    temperature: MaybeNumber = None,
    strength: Strength = None,
    rows: MeanRows = 2000,
    sample_temperature: Number = 0.8,
    seed: Seed = 0,
    out: Path | None = None,
    force: Force = False,
    json: Flag = False,
) -> None:
    """Measure the change of class: test images, each to another class at random.

    A classifier trained on the real images (1,200 steps, which come first; its own accuracy is stated) says how often
    the class is reached. How far slant and thickness move is measured by how far two random images of that class are
    apart. Of runs trained with --conditional it also says how many samples the classifier recognises.

    For example:
      diffeo edit measure runs/glow-mnist-classes
      diffeo edit measure runs/glow-mnist-classes -n 5000 --hold nothing --json

    Parameters
    ----------
    n
        How many test images, from the first; and how many samples.
    temperature
        Of runs with classes: multiplies the latent of images.
    sample_temperature
        Of the samples to recognise.
    seed
        Of the choice of classes, the samples and the classifier.
    out
        A file to write the JSON to.
    json
        Print JSON instead of text.
    """
    from dataclasses import asdict

    import torch

    from diffeo import editing
    from diffeo.bases import check_temperature
    from diffeo.cli.edit.choosing import choose
    from diffeo.cli.edit.edited import open_run
    from diffeo.cli.edit.restyling import held_attributes, restyler
    from diffeo.cli.files import check_free
    from diffeo.cli.output import as_json, print_json
    from diffeo.data import Part
    from diffeo.editing.measurement import percent
    from diffeo.editing.style import check_classes
    from diffeo.system.writing import write_atomically

    if n < 1:
        raise ValueError(f"-n must be at least 1, got {n}")
    check_temperature(sample_temperature)
    check_free(out, force=force)
    held = held_attributes(hold)
    edited = open_run(run, data, "test")
    count = edited.check_classes()
    if edited.part.labels is not None:
        edited.check_examples(edited.part.labels, 2, "the test images")
    restyle = restyler(edited, held, temperature=temperature, strength=strength, rows=rows)
    chosen = choose(edited, range(min(n, len(edited.part))))
    assert chosen.labels is not None
    targets = editing.other_classes(chosen.labels, count, generator=torch.Generator().manual_seed(seed))
    classifier = editing.train_classifier(edited.data, seed=seed)
    flow, recognised, samples = edited.flow, None, None
    if hasattr(flow.embedding, "classes"):
        generator = torch.Generator().manual_seed(seed)
        recognised = editing.measure_samples(flow, classifier, n=n, temperature=sample_temperature, generator=generator)
        at_least = 2 * check_classes(flow)  # two of every class, to compare
        samples = editing.class_samples(flow, max(n, at_least), generator=generator)
    found = editing.measure_style(
        chosen.x, restyle(Part(chosen.x, chosen.labels), targets), targets, classifier, edited.part,
        samples=samples, seed=seed,
    )  # fmt: skip
    described = {"run": str(run), "hold": held, "temperature": temperature, "strength": strength, "seed": seed,
                 "sample_temperature": sample_temperature, **asdict(found),
                 "recognised": None if recognised is None else asdict(recognised)}  # fmt: skip
    if out is not None:
        write_atomically(out, (as_json(described) + "\n").encode())
    if json:
        print_json(described)
        return
    print(found)
    if recognised is not None:
        print(f"samples at temperature {sample_temperature:g} recognised as their class: {percent(recognised)}")
    if out is not None:
        print(f"wrote {out}")
