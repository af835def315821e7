"""``diffeo models``, and commands that are given a model's name."""

import subprocess
import sys
from pathlib import Path

import pytest
from command import environment, together

from diffeo.models import places

pytestmark = pytest.mark.whole


def test_models_lists_what_ships_and_shows_a_card(tmp_path: Path) -> None:
    listed, as_json, shown, one, unknown = together(
        ("models",),
        ("models", "--json"),
        ("models", "realnvp-moons"),
        ("models", "realnvp-moons", "--json"),
        ("models", "realnvp-mons"),
        cwd=tmp_path,
    )
    names = [card["name"] for card in as_json.json]
    assert {"realnvp-digits", "glow-digits", "realnvp-moons", "realnvp-pinwheel"} <= set(names)
    assert [line.split()[0] for line in listed.out.splitlines()[1:]] == names
    card = one.json
    figures = f"{card['test']['mean']:.4f}", f"{card['test']['standard_error']:.4f}", card["versions"]["torch"]
    command = "diffeo train --config recipes/realnvp-moons.yaml"
    for text in (*figures, command, "EXACT", "Licence of the data: MIT"):
        assert text in shown.out, text
    assert unknown.status == 1
    assert "Did you mean realnvp-moons? There are: " in unknown.errors


def lines_of(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines()]


@pytest.mark.parametrize("width", [30, 40, 60, 80, 120, 250])
def test_the_lists_have_a_line_for_each_name_at_any_width(width: int, tmp_path: Path) -> None:
    listed, data = together(("models",), ("data",), cwd=tmp_path, COLUMNS=str(width))
    assert max(map(len, lines_of(listed.out) + lines_of(data.out))) <= width
    names = [line.split()[0] for line in lines_of(listed.out)[1:]]
    assert names[: len(places.names())] == places.names()  # none is wrapped or cut off
    if width >= 60:
        (classes,) = [line for line in lines_of(listed.out) if line.startswith("glow-mnist-classes")]
        assert classes.split()[1:8] == ["1x28x28", "1.0", "MB", "0", "to", "9", "0.75"]
        (points,) = [line for line in lines_of(listed.out) if line.startswith("realnvp-moons")]
        assert points.split()[1:6] == ["2", "0.2", "MB", "no", "1"]
    if width >= 80:
        assert lines_of(data.out)[1].split()[:6] == ["digits", "1,797", "of", "1x8x8", "embedded", "scikit-learn's"]


def test_models_needs_no_torch(tmp_path: Path) -> None:
    code = "import sys\nfrom diffeo.cli import main\nmain(['models'])\nprint('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environment(), check=False
    )
    assert done.stdout.endswith("False\n"), done.stderr


def test_a_models_name_stands_for_a_run(tmp_path: Path) -> None:
    sampled, verified, evaluated, told, compared, wrong = together(
        ("sample", "glow-digits", "-n", 4, "--json"),
        ("verify", "realnvp-moons", "--rows", 16, "--json"),
        ("evaluate", "realnvp-digits", "--json"),
        ("info", "realnvp-digits", "--json"),
        ("compare", "realnvp-digits", "glow-digits", "--json"),
        ("sample", "glow-digit"),
        cwd=tmp_path,
    )
    assert sampled.json["shape"] == [1, 8, 8]
    assert (tmp_path / "samples.png").is_file()
    assert verified.json["ok"]
    assert evaluated.json["wrong_values"] == 0
    assert told.json["asked"]["command"] == "diffeo train --config recipes/realnvp-digits.yaml"
    first, second = compared.json
    assert first["mean"] == evaluated.json["bits_per_dim"]["mean"]
    assert second["difference"] is not None
    assert wrong.status == 1
    assert "Did you mean glow-digits?" in wrong.errors
    assert first["run"] == "realnvp-digits"
