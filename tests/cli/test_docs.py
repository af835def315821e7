"""docs/cli.md says what the command does."""

import re
import shlex
from pathlib import Path

import pytest

from diffeo.cli.app import app

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")


def test_every_verb_is_on_the_page_with_an_example() -> None:
    for verb in app:
        if not verb.startswith("-"):
            assert re.search(rf"^\| `{verb}` \|.*`[^`]*diffeo {verb}\b", PAGE, re.MULTILINE), verb


def test_the_commands_on_the_page_are_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("recipe.yaml").write_text(PAGE.split("```yaml\n")[1].split("```")[0], encoding="utf-8")
    commands = [re.split(r" [>|] ", line.strip())[0] for line in PAGE.splitlines() if line.startswith("    diffeo ")]
    examples = [line.split("`")[-2] for line in PAGE.splitlines() if line.startswith("| `")]
    commands += [line.split(" > ")[0] for line in examples if line.startswith("diffeo ")]
    tried = 0
    for command in commands:
        words = shlex.split(command, comments=True)[1:]
        if words[0] in list(app) and "[options]" not in words:
            app.parse_args(words, exit_on_error=False, print_error=False)
            tried += 1
    assert tried > 15


def test_the_commands_on_the_page_of_models_are_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    page = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    commands = [shlex.split(line)[1:] for line in page.splitlines() if line.startswith("    diffeo ")]
    assert len(commands) > 8
    for words in commands:
        app.parse_args(words, exit_on_error=False, print_error=False)
