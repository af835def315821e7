"""A file of options that is hostile is refused in one line that names it, and no short one takes long."""

from pathlib import Path

import pytest
from cyclopts import CycloptsError

from diffeo.cli import recipe
from diffeo.cli.recipe import entries
from reliability.limited import limited

ALIASES = "a0: &a0 {x: 1}\n" + "".join(f"a{i}: &a{i} {{x: *a{i - 1}, y: *a{i - 1}}}\n" for i in range(1, 27))
HOSTILE: dict[str, tuple[str | bytes, str]] = {
    "aliases 26 deep": (ALIASES, "line 2: not valid YAML: an alias (*) is not read here"),
    "an alias of itself": ("model: &a {steps: *a}", "an alias (*) is not read here"),
    "a merge": ("a: &a {x: 1}\nmodel:\n  <<: *a", "line 3: not valid YAML: an alias (*) is not read here"),
    "deep lists": ("a: " + "[" * 100_000, "more than 8 deep"),
    "deep blocks": ("".join(" " * i + "a:\n" for i in range(300)), "line 8: not valid YAML: blocks lie more than 8"),
    "a list for a key": ("? [a, b]\n: 1", "a key must be an option's name"),
    "a block for a key": ("{a: 1}: 2", "a key must be an option's name"),
    "the same key twice": ("epochs: 1\nepochs: 2", "line 2: epochs is there twice"),
    "two documents": ("a: 1\n---\nb: 2", "another document"),
    "a control character": ("flow: a\x01b", "unacceptable character #x0001"),
    "half of a letter": ('flow: "\\ud800"', "line 1: flow: a letter in it is of no file"),
    "a NUL in a list": ('drop: [a, "b\\0"]', "line 1: drop: a letter in it is of no file"),
    "UTF-16": ("epochs: 1".encode("utf-16"), "is not UTF-8 text"),
    "a tag of Python's": ("!!python/object/apply:os.system [x]", "expected lines such as"),
    "300,000 bytes": ("# " + "x" * 300_000, "has 300,002 bytes, and at most 262,144 are read"),
    "a key of 200,000 letters": ('? "' + "k" * 200_000 + '"\n: [[1]]', "kk.. (200,000 letters): expected a list"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_file_of_options_is_refused_in_one_line(tmp_path: Path, what: str) -> None:
    content, said = HOSTILE[what]
    path = tmp_path / "recipe.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    ended = limited(entries, path)
    assert (ended.how, ended.error, ended.own) == ("raised", "CycloptsError", True), ended
    assert str(path) in ended.message
    assert said in ended.message
    assert "\n" not in ended.message
    assert len(ended.message) < 500 + len(str(path))
    assert ended.grown < 100 << 20


def test_values_are_what_is_written(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("\ufefftime: 1:30:30\nday: 2020-01-01\nno: no\nmodel:\n  steps: 007\n", "utf-8")
    assert entries(tmp_path / "a.yaml") == [
        ("time", "1:30:30", 1), ("day", "2020-01-01", 2), ("no", "no", 3), ("model.steps", "007", 5)
    ]  # fmt: skip


def test_the_largest_file_that_is_read_is_read(tmp_path: Path) -> None:
    names = ", ".join(f"column_{i:05}" for i in range(10_000))
    (tmp_path / "a.yaml").write_text(f"drop: [{names}]")
    ((key, value, _),) = entries(tmp_path / "a.yaml")
    assert (key, str(value).count(",")) == ("drop", 9_999)
    with pytest.raises(CycloptsError, match=r"cannot read .*gone"):
        recipe.entries(tmp_path / "gone.yaml")
