"""The README: the same commands in both languages, which the command line understands. tools/readme.py runs them."""

import re
import shlex
from pathlib import Path

import pytest
import readme

from diffeo.cli.app import OWN, app

PAGES = {name: (readme.ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.ko.md")}
WORDS = {  # what a Korean reader calls files and columns
    "table:매출.csv": "table:sales.csv", "--drop 번호": "--drop id", "folder:사진": "folder:photos",
    "runs/realnvp-매출": "runs/realnvp-sales", "표본.csv": "made-up.csv", "새자료.csv": "new.csv",
    "점수.csv": "scores.csv", "비교.png": "compared.png", "여덟.png": "eights.png", "채운그림.png": "filled.png",
}  # fmt: skip


def lines(page: str, kind: str) -> list[str]:
    return [code for which, code in readme.commands(PAGES[page]) if which == kind]


def test_both_pages_have_the_same_commands() -> None:
    korean = "\n".join(lines("README.ko.md", "sh"))
    for word, english in WORDS.items():
        assert word in korean
        korean = korean.replace(word, english)
    assert korean.splitlines() == lines("README.md", "sh")
    assert len(korean.splitlines()) > 12


def statements(page: str) -> list[str]:
    """Lines of Python without comments and texts."""
    code = "\n".join(lines(page, "python"))
    return [re.sub(r'\s+#.*|"[^"]*[가-힣 ][^"]*"', "", line) for line in code.splitlines() if "print(" not in line]


def test_both_pages_have_the_same_python() -> None:
    assert statements("README.md") == statements("README.ko.md")


@pytest.mark.parametrize("page", PAGES)
def test_the_command_line_understands_every_command(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    commands = [shlex.split(line) for line in lines(page, "sh") if line.startswith("diffeo ")]
    commands += [shlex.split(re.split(r"\s{2,}", line.strip())[0]) for line in PAGES[page].splitlines()
                 if line.startswith("    diffeo ")]  # fmt: skip
    assert len(commands) > 15
    for command in commands:
        if command[1] in OWN:
            app.parse_args(command[1:], exit_on_error=False, print_error=False)


def test_what_the_script_shortens_is_on_the_page() -> None:
    for start in (*readme.SHORTER, *readme.BEFORE):
        for page in PAGES:
            assert any(line.startswith(start) for line in lines(page, "sh")), start
    for long in readme.IN_PYTHON:
        assert all(long in "\n".join(lines(page, "python")) for page in PAGES)
    text, shown = readme.shortened("sh", "diffeo train glow mnist --epochs 10")
    assert text.startswith("diffeo train glow mnist --epochs 1 --model.levels 2")
    assert f"shortened: {text}" in shown
