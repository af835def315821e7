"""What the course adds to ``diffeo``: it is in the help and on the pages, and waits for nothing heavy."""

import re
import shlex
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from command import environment, together

from diffeo_course.material import material

VERBS = ("course", "grade")
COMMANDS = ("init", "check", "pack")
ROOT = material().parent
PAGES = ("README.md", "README.ko.md", "docs/cli.md", "docs/grading.md", "course/README.md")


def test_the_distribution_adds_these_verbs() -> None:
    assert {entry.name for entry in entry_points(group="diffeo.verbs") if entry.module.startswith("diffeo_course")} == {
        *VERBS
    }


def test_help_of_the_course_needs_neither_torch_nor_other_heavy_libraries(tmp_path: Path) -> None:
    code = """
import sys
from diffeo.cli import main
for arguments in (["--help"], ["course", "init", "--help"], ["grade", "--help"]):
    main(arguments)
print([name for name in ("torch", "numpy", "matplotlib", "yaml", "jinja2", "nbformat") if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environment(), check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.endswith("[]\n")


def test_each_says_what_it_does_and_gives_an_example(tmp_path: Path) -> None:
    whole, *each = together(("--help",), *((verb, "--help") for verb in VERBS), cwd=tmp_path)
    for verb, one in zip(VERBS, each, strict=True):
        assert f"\u2502 {verb} " in whole.out
        usage, _, what, *more = one.out.splitlines()
        assert usage.startswith(f"Usage: diffeo {verb}")
        assert what.endswith(".")
        assert any(f"diffeo {verb}" in line for line in more if line.startswith("  "))


def test_help_breaks_lines_where_the_terminal_ends(tmp_path: Path) -> None:
    verbs = [("grade",), ("course",), *(("course", name) for name in COMMANDS)]
    for one in together(*((*verb, "--help") for verb in verbs), cwd=tmp_path, COLUMNS="900"):
        assert re.findall(r"^\u2502 {8,}[^ \u2502].*", one.out, re.MULTILINE) == []
        text = [line for line in one.out.splitlines() if line and not line.startswith(("\u2502", "\u256d", "\u2570"))]
        assert [line for line in text if line[0] not in " UF" and not line.rstrip().endswith((".", ":"))] == [], one.out


def test_each_is_on_the_page_of_the_command_line_with_an_example() -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    for verb in VERBS:
        assert re.search(rf"^\| `{verb}` \|.*`[^`]*diffeo {verb}\b", page, re.MULTILINE), verb


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_on_the_pages_are_understood(page: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from diffeo_course.verbs.course import course
    from diffeo_course.verbs.grade import grade_app

    monkeypatch.chdir(tmp_path)
    text = (ROOT / page).read_text(encoding="utf-8")
    lines = [re.split(r"\s{2,}", line.strip())[0] for line in text.splitlines() if line.startswith("    diffeo ")]
    lines += [found for line in text.splitlines() for found in re.findall(r"`(diffeo [^`]+)`", line)]
    commands = [shlex.split(line, comments=True)[1:] for line in lines if re.match(r"diffeo (course|grade) ", line)]
    assert commands
    for verb, *words in commands:
        if words[:1] != ["pack"]:  # it asks for a name
            app = {"course": course, "grade": grade_app}[verb]
            app.parse_args(words, exit_on_error=False, print_error=False)


def test_a_mistyped_command_is_recognized(tmp_path: Path) -> None:
    (one,) = together(("course", "chek"), cwd=tmp_path)
    assert one.status == 2
    assert "Did you mean check? The verbs of course are: init, check, pack." in one.errors
