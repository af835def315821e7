"""Verbs that other packages add to the command line."""

import re
from pathlib import Path

import pytest
from command import together

from diffeo.cli.app import OWN

ABSENT = """
import diffeo.cli.verbs as verbs
verbs.entry_points = lambda **_: ()
"""
BELLS = '''
from cyclopts import App

bells = App(name="bells", help="Bells of all sizes.")

@bells.command
def toll(times: int, /):
    """Toll a bell."""
    print("bong " * times)

def ring(name: str, /, *, twice: bool = False):
    """Ring a bell
    that has a name.

    Parameters
    ----------
    name
        Of the bell.
    twice
        And again.
    """
    print(f"{name} rings" + " twice" * twice)
'''


def installed(place: Path, package: str, verbs: dict[str, str], code: str = "") -> None:
    """A package with a module of its own name, as an installer leaves it."""
    (place / f"{package}.py").write_text(code, encoding="utf-8")
    info = place / f"{package}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    lines = [f"{verb} = {package}:{name}\n" for verb, name in verbs.items()]
    (info / "entry_points.txt").write_text("".join(["[diffeo.verbs]\n", *lines]))


def test_a_function_and_a_group_of_functions_become_verbs(tmp_path: Path) -> None:
    installed(tmp_path, "bells", {"ring": "ring", "bells": "bells"}, BELLS)
    help_, ring, explained, toll, wrong, script = together(
        ("--help",), ("ring", "Tom", "--twice"), ("ring", "--help"), ("bells", "toll", "2"), ("rong", "Tom"),
        ("completion", "bash"), cwd=tmp_path, PYTHONPATH=str(tmp_path),
    )  # fmt: skip
    assert re.search(r"│ ring +Ring a bell that has a name\. ", help_.out)
    assert re.search(r"│ bells +Bells of all sizes\. ", help_.out)
    assert (ring.out, ring.errors) == ("Tom rings twice\n", "")
    assert "Ring a bell that has a name." in explained.out
    assert "Of the bell." in explained.out
    assert toll.out == "bong bong \n"
    assert wrong.status == 2
    assert "Did you mean ring?" in wrong.errors
    assert {"ring", "bells", "--twice", "toll"} <= set(re.findall(r"[\w-]+", script.out))


@pytest.mark.parametrize(
    ("verbs", "code", "cause"),
    [
        ({"ring": "ring"}, "import no_such_thing", "No module named 'no_such_thing'"),
        ({"ring": "rung"}, BELLS, "has no attribute 'rung'"),
        ({"ring": "ring"}, "raise RuntimeError('cracked')", "cracked"),
        ({"ring": "ring"}, "import sys\nsys.exit('no licence')", "no licence"),
        ({"ring": "ring"}, "ring = 3", "bells:ring is neither a function nor an App of cyclopts"),
        ({"train": "ring"}, BELLS, "there is a verb of this name already"),
    ],
)
def test_a_verb_that_cannot_be_had_is_one_line_and_breaks_nothing(
    tmp_path: Path, verbs: dict[str, str], code: str, cause: str
) -> None:
    installed(tmp_path, "bells", verbs, code)
    (verb,) = verbs
    help_, own, models, ring = together(
        ("--help",), ("train", "--help"), ("models",), ("ring", "Tom"), cwd=tmp_path, PYTHONPATH=str(tmp_path)
    )
    (line,) = help_.errors.splitlines()
    assert line.startswith(f"diffeo: warning: bells adds no verb {verb}: ")
    assert cause in line
    assert help_.status == own.status == models.status == 0
    assert "Usage: diffeo train FLOW DATA" in own.out
    assert own.errors == models.errors == ""
    assert "there is no verb 'ring'" in ring.errors


def test_of_two_packages_with_a_verb_of_one_name_the_second_is_named(tmp_path: Path) -> None:
    installed(tmp_path, "bells", {"ring": "ring"}, BELLS)
    installed(tmp_path, "chimes", {"ring": "ring"}, BELLS)
    (help_,) = together(("--help",), cwd=tmp_path, PYTHONPATH=str(tmp_path))
    assert len(re.findall(r"│ ring ", help_.out)) == 1
    assert re.fullmatch(r"diffeo: warning: (bells|chimes) adds no verb ring: .* already\n", help_.errors)


def test_verbs_of_others_are_not_looked_for_where_one_of_diffeos_own_will_do(tmp_path: Path) -> None:
    installed(tmp_path, "bells", {"ring": "ring"}, "raise RuntimeError('imported')")
    for one in together(*((verb, "--help") for verb in OWN), cwd=tmp_path, PYTHONPATH=str(tmp_path)):
        assert one.status == 0
        assert one.errors == ""


def test_a_verb_of_a_package_that_is_not_here_names_the_package(tmp_path: Path) -> None:
    course, grade, cours, other = together(
        ("course", "check"), ("grade", "x.zip"), ("cours",), ("zzz",), cwd=tmp_path, before=ABSENT
    )
    assert course.errors == "diffeo: diffeo course is in another package: pip install diffeo-course\n"
    assert grade.errors == "diffeo: diffeo grade is in another package: pip install diffeo-course\n"
    assert course.status == grade.status == cours.status == other.status == 2
    assert "Did you mean course?" in cours.errors
    assert "there is no verb 'zzz'. The verbs are" in other.errors
