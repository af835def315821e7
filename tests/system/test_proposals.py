"""Commands that errors propose, pasted into a shell and into diffeo's own parser."""

import csv
import random
import shlex
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diffeo.cli.app import app
from diffeo.cli.settings import Asked
from diffeo.cli.train import train
from diffeo.system.proposals import option, options_of, path_word, quoted, word

AWFUL = (
    "-log10p", "--fold", "-x", "--", "-1", "a,b", '"quoted', 'say "hi"', "it's", "two words", "=x", "a=1", "-a=0.5",
    "line\nbreak", "$HOME", "`id`", "몸무게 (kg)", "-몸무게", "none", "NULL", "*", "~", "!x", "#x", "x;y", "%", "\\",
    "2019",
)  # fmt: skip


def parsed(command: str) -> Asked:
    """What diffeo understands of a pasted command."""
    words = shlex.split(command)
    assert words[0] == "diffeo"
    _, bound, _ = app.parse_args(words[1:], exit_on_error=False, print_error=False)
    return bound.arguments["asked"]


@pytest.mark.parametrize("name", AWFUL)
def test_an_awful_name_comes_out_of_the_parser_as_it_went_in(name: str) -> None:
    names = options_of({"drop": [name], "dequantize": [f"{name}=0.5", "b"], "split": f"time:{name}"})
    table = parsed(f"diffeo train realnvp table:t.csv {names}").table
    assert (table.drop, table.dequantize, table.split) == ([name], [f"{name}=0.5", "b"], f"time:{name}")


@pytest.mark.whole
@settings(deadline=None, max_examples=30)
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), min_size=1), min_size=1, max_size=3))
def test_any_names_come_out_of_the_parser_as_they_went_in(names: list[str]) -> None:
    names = [name.strip() or "x" for name in names]
    table = parsed(f"diffeo train realnvp table:t.csv {option('drop', quoted(*names))} --no-header").table
    assert table.drop == names
    assert table.header is False


def test_the_command_that_a_refusal_proposes_trains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    random.seed(0)
    names = [name for name in AWFUL if "\n" not in name]
    with (tmp_path / "my t.csv").open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow([*names, "good"])
        lines.writerows([["text"] * len(names) + [f"{random.gauss(0, 1):.5f}"] for _ in range(100)])
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="need a decision") as refused:
        train(Asked("realnvp", "table:my t.csv"))
    given = parsed(str(refused.value).splitlines()[-1].removeprefix("Use "))
    assert given.data == "table:my t.csv"
    assert given.table.drop == names


def test_words_are_quoted_only_where_a_shell_needs_it() -> None:
    assert word("table:/tmp/매출.csv") == "table:/tmp/매출.csv"
    assert shlex.split(word("it's $5")) == ["it's $5"]
    assert path_word("-run") == "./-run"
    assert (
        options_of({"header": True, "skip_broken": True, "missing": "drop"}) == "--header --skip-broken --missing drop"
    )
