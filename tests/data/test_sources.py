"""Names of data sets: what there is, what is near, what may be asked."""

from pathlib import Path

import pytest

import diffeo
from diffeo.data import SOURCES
from diffeo.data.typed_names import existing


@pytest.mark.parametrize("name", ["digits", "moons"])
def test_what_is_listed_is_what_is_loaded(name: str) -> None:
    data, source = diffeo.data.load(name), SOURCES[name]
    assert (len(data.train), len(data.validation), len(data.test)) == source.rows
    assert data.shape == source.shape
    assert source.where() == ("embedded", None)


def test_every_source_says_what_it_is() -> None:
    assert {"digits", "mnist", "fashion-mnist", "olivetti", "power", "moons"} <= set(SOURCES)
    assert all(source.about and source.licence for source in SOURCES.values())


@pytest.mark.parametrize(
    ("name", "options", "text"),
    [
        ("moon", {}, r"Did you mean moons\?"),
        ("digits", {"size": 3}, "digits takes no option 'size'. It takes none"),
        ("table:x.csv", {"colums": ["a"]}, r"table: takes no option 'colums'. Did you mean columns\?"),
        ("folder:x", {"seize": 3}, r"Did you mean size\?"),
        ("table:", {}, "table: needs a path"),
        ("tabel:x.csv", {}, r"Did you mean table:x\.csv\?"),
    ],
)  # fmt: skip
def test_a_wrong_name_or_option_says_what_is_near(name: str, options: dict[str, object], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        diffeo.data.load(name, **options)


def test_options_that_are_none_are_not_given() -> None:
    assert diffeo.data.load("digits", size=None, columns=None).values == 17


def test_a_bare_path_says_which_word_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").touch()
    (tmp_path / "pictures").mkdir()
    with pytest.raises(ValueError, match=r"Did you mean table:a\.csv\?"):
        diffeo.data.load("a.csv")
    with pytest.raises(ValueError, match=r"Did you mean folder:pictures\?"):
        diffeo.data.load("pictures")


def test_only_tables_and_folders_are_read_whole() -> None:
    with pytest.raises(ValueError, match=r"use diffeo\.data\.load\('moons'\)"):
        diffeo.data.read("moons")


def test_a_path_that_is_not_there_says_what_is_near(tmp_path: Path) -> None:
    (tmp_path / "sales.csv").touch()
    with pytest.raises(FileNotFoundError, match=r"Did you mean sales\.csv\?"):
        existing(str(tmp_path / "sale.csv"))
    with pytest.raises(FileNotFoundError, match="no 'nowhere'"):
        existing(str(tmp_path / "nowhere" / "x.csv"))


@pytest.mark.parametrize("name", ["x" * 5_000, "moons/" * 3_000, "~nobody-of-this-name/x", "a\0b"])
def test_a_name_that_no_system_can_hold_is_a_wrong_name(name: str) -> None:
    with pytest.raises(ValueError, match=r"no data set is called '(xxx|moons/|~nobody|a.x00b)"):
        diffeo.data.load(name)
