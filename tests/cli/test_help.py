"""Help: what a newcomer reads first, on any terminal."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from command import DIFFEO, environment, together

from diffeo.cli.app import app

VERBS = [name for name in app if not name.startswith("-")]


def test_help_needs_neither_torch_nor_other_heavy_libraries(tmp_path: Path) -> None:
    code = """
import sys
from diffeo.cli.app import app
for arguments in (["--help"], ["train", "--help"], []):
    app(arguments, exit_on_error=False, result_action="return_value")
print([name for name in ("torch", "numpy", "matplotlib", "pyarrow", "sklearn", "yaml") if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environment(), check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("[]\n")


def test_every_verb_says_what_it_does_and_gives_an_example(tmp_path: Path) -> None:
    whole, bare, *each = together(("--help",), (), *((verb, "--help") for verb in VERBS), cwd=tmp_path)
    assert bare.out == whole.out
    assert "diffeo demo" in whole.out
    assert "Exit status" in whole.out
    for verb, one in zip(VERBS, each, strict=True):
        assert one.status == 0
        assert f"\u2502 {verb} " in whole.out
        usage, _, what, *more = one.out.splitlines()
        assert usage.startswith(f"Usage: diffeo {verb}")
        assert what.endswith(".")
        assert any(f"diffeo {verb}" in line for line in more if line.startswith("  "))


def test_help_breaks_lines_where_the_terminal_ends_and_not_where_the_source_does(tmp_path: Path) -> None:
    verbs = [(verb,) for verb in VERBS] + [("edit", name) for name in app["edit"]]
    for one in together(*((*verb, "--help") for verb in verbs if verb[-1][0] != "-"), cwd=tmp_path, COLUMNS="900"):
        assert one.status == 0
        assert re.findall(r"^\u2502 {8,}[^ \u2502].*", one.out, re.MULTILINE) == []
        text = [line for line in one.out.splitlines() if line and not line.startswith(("\u2502", "\u256d", "\u2570"))]
        assert [line for line in text if line[0] not in " UF" and not line.rstrip().endswith((".", ":"))] == [], one.out


def test_the_first_help_fits_a_terminal_of_80_columns(tmp_path: Path) -> None:
    wide, narrow = (together(("--help",), cwd=tmp_path, COLUMNS=width)[0].out for width in ("200", "80"))
    examples = [line for line in wide.splitlines() if line.startswith("  diffeo")]
    assert len(examples) == 4
    assert set(examples) <= set(narrow.splitlines())


def test_train_explains_every_option(tmp_path: Path) -> None:
    (done,) = together(("train", "--help"), cwd=tmp_path, COLUMNS="250")
    rows = [line for line in done.out.splitlines() if line.startswith("\u2502 --")]
    assert len(rows) > 30
    for row in rows:
        assert len(row.split("  ", 1)[1].strip(" \u2502").split()) > 2, row


@pytest.mark.parametrize("encoding", ["ascii", "cp949", "utf-8"])
def test_any_terminal_shows_help_and_errors(encoding: str, tmp_path: Path) -> None:
    code = DIFFEO[2]
    script = f"import sys\nsys.argv[1:] = {['train', '--help']}\n{code}"
    narrow = environment(PYTHONIOENCODING=encoding, PYTHONUTF8="0", COLUMNS="60", NO_COLOR="1")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, cwd=tmp_path, env=narrow, check=False)
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode(encoding)
    assert max(len(line.encode("ascii", "replace")) for line in text.splitlines()) <= 60
    assert "\x1b" not in text
    script = f"import sys\nsys.argv[1:] = ['train', '\ub9e4\ucd9c', 'x']\n{code}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, cwd=tmp_path, env=narrow, check=False)
    assert done.returncode == 1
    assert b"no flow is called" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_reader_that_stops_early_is_no_error(tmp_path: Path) -> None:
    for arguments in (["train", "--help"], ["completion", "bash"]):
        reading, writing = os.pipe()
        os.close(reading)
        done = subprocess.run(
            [*DIFFEO, *arguments], stdout=writing, stderr=subprocess.PIPE, cwd=tmp_path, env=environment(), check=False
        )
        os.close(writing)
        assert done.stderr == b""
        assert done.returncode in (1, 141)
