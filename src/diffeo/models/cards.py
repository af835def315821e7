"""Model cards: what a model was made from and what it is worth, as data; and in words."""

from pathlib import Path
from typing import Any

from diffeo.models.places import folder, names
from diffeo.system.documents import read_json

CARD_FILE, CONFIG_FILE = "card.json", "config.json"


def card(name: str) -> dict[str, Any]:
    """The card of a model that ships, which ``tools/ship.py`` measures and writes; with what its files say beside it.

    That are their size in bytes, and how many classes the model takes, None if it takes none.

    Raises:
        ValueError: if none of this name ships, or its files are damaged.

    Example:
        >>> card("realnvp-moons")["data"]["licence"]
        'MIT'
        >>> card("glow-mnist-classes")["classes"]
        10
    """
    place = folder(name)
    options = read_json(place / CONFIG_FILE).get("options")
    size = sum(file.stat().st_size for file in place.iterdir() if file.is_file())
    classes = options.get("classes") if isinstance(options, dict) else None
    found = read_json(place / CARD_FILE) | {"bytes": size, "classes": classes}
    try:
        in_words(found)
        [int(n) for n in found["data"]["shape"]]
    except (LookupError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        raise ValueError(f"{place / CARD_FILE} is no card of a model: {error!r}. Install diffeo again") from error
    return found


def temperature(place: Path) -> float | None:
    """The temperature that is recommended for drawing from the model of a folder; None if its card says none.

    Example:
        >>> temperature(folder("glow-mnist-classes"))
        0.75
    """
    try:
        found = read_json(place / CARD_FILE)
        return float(found["temperature"]["value"])
    except (OSError, ValueError, KeyError, TypeError):  # no card, an older one, or another program's
        return None


def figure(found: dict[str, Any]) -> str:
    """A card's test figure with its standard error and unit."""
    test = found["test"]
    return f"{test['mean']:.4f} ± {test['standard_error']:.4f} {test['unit']}"


def table() -> str:
    """What ships, as a table in Markdown."""
    lines = [
        "| model | of | parameters | test figure | verify | trained in |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| `{one['name']}` | {one['about']} | {one['parameters']:,} | {figure(one)} | "
        f"{one['verify']['verdict'].partition(':')[0]} | {duration(one['trained']['seconds'])} |"
        for one in map(card, names())
    ]
    return "\n".join(lines)


def in_words(found: dict[str, Any]) -> str:
    """A card in Markdown."""
    data, test, trained, verified = found["data"], found["test"], found["trained"], found["verify"]
    bits = test["unit"] == "bits/dim"
    better = "lower is better; an upper bound by one draw of noise a row" if bits else "higher is better"
    simple = ", ".join(f"{name} {value['mean']:.4f}" for name, value in found["baselines"].items())
    wrong = "" if found["wrong_values"] is None else f", {found['wrong_values']} wrong values"
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    return "\n".join(
        [
            f"# {found['name']}",
            "",
            f"{found['about']}. {found['parameters']:,} parameters, {found['bytes'] / 1e6:.1f} MB on disk.",
            "",
            "## Use",
            "",
            f"    diffeo sample {found['name']}"
            + ("" if found["classes"] is None else f" --condition {found['classes'] - 1}"),
            "",
            "or in Python:",
            "",
            f'    flow = diffeo.load("{found["name"]}")',
            "",
            "## Data",
            "",
            f"{data['name']} ({data['about']}): {data['rows'][0]:,} training rows, {data['rows'][1]:,} for validation, "
            f"{data['rows'][2]:,} for the test.",
            "",
            f"Source: {data['source']}. Licence of the data: {data['licence']}.",
            "",
            "## Figures",
            "",
            f"- test ({test['rows']:,} rows): {figure(found)} ({better})",
            f"- simple densities on the same rows: {simple}",
            f"- round trip of the test rows: error {_trip(found)}{wrong}",
            f"- `diffeo verify {found['name']}`: {verified['verdict']}",
            f"- drawn at temperature {found['temperature']['value']:g}, if none is given{_measured(found)}",
            "",
            "## Training",
            "",
            f"    {found['command']}",
            "",
            f"{trained['steps']:,} steps, {duration(trained['seconds'])} on {trained['device']} "
            f"({trained['threads']} {'thread' if trained['threads'] == 1 else 'threads'}), {trained['precision']}. "
            f"With {versions}.",
        ]
    )


def _trip(found: dict[str, Any]) -> str:
    standard = found.get("round_trip_error_standardised")
    return f"{found['round_trip_error']:.2g} grey levels" if standard is None else f"{standard:.2g} standard deviations"


def _measured(found: dict[str, Any]) -> str:
    distances = found["temperature"]["distances"]
    if distances is None:
        return ": the density itself"
    best = distances[f"{found['temperature']['value']:g}"]
    return f": there samples are most like test images (Frechet distance {best:g}; at temperature 1 {distances['1']:g})"


def duration(seconds: float) -> str:
    """A training's time.

    Example:
        >>> duration(59.4), duration(895), duration(3700)
        ('59 s', '15 min', '1 h 2 min')
    """
    if seconds < 120:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
