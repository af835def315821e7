"""``diffeo sample``: pictures, tables and arrays of samples."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from command import diffeo, together
from PIL import Image

import diffeo as library


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with flows as runs hold them: of points, of a table, and, conditional, of images."""
    folder = tmp_path_factory.mktemp("place")
    torch.manual_seed(0)
    library.RealNVP(2, couplings=2, width=4).save_pretrained(folder / "points")
    library.RealNVP(3, couplings=2, width=4).save_pretrained(folder / "table")
    (folder / "table" / "run.json").write_text(json.dumps({"columns": ["가격", "a, b", "c"]}), encoding="utf-8")
    library.Glow((1, 8, 8), values=17, classes=10, steps=1, width=4).save_pretrained(folder / "digits")
    return folder


def rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.reader(file))


def test_pictures_are_drawn_by_seed_and_nothing_is_overwritten(place: Path) -> None:
    run = ("sample", "digits", "-n", 20, "--temperature", 0.7, "--out")
    one, other, third, refused, points = together(
        (*run, "one.png", "--seed", 1), (*run, "other.png", "--seed", 1), (*run, "third.png", "--seed", 2),
        (*run, "one.png", "--seed", 3), ("sample", "points", "-n", 60, "--out", "points.png"), cwd=place,
    )  # fmt: skip
    assert {one.status, other.status, third.status, points.status} == {0}
    assert one.out == "wrote one.png: 20 samples at temperature 0.7\n"
    first = (place / "one.png").read_bytes()
    assert first == (place / "other.png").read_bytes()
    assert first != (place / "third.png").read_bytes()
    assert refused.status == 1
    assert "one.png exists" in refused.errors
    with Image.open(place / "points.png") as image:
        assert image.size[0] > 300


def test_a_model_that_ships_is_drawn_at_the_temperature_of_its_card(tmp_path: Path) -> None:
    recommended, given, own = together(
        ("sample", "glow-mnist-classes", "-n", 2, "--condition", 7, "--out", "a.npy"),
        ("sample", "glow-mnist-classes", "-n", 2, "--condition", 7, "--temperature", 0.75, "--out", "b.npy"),
        ("sample", "glow-mnist-classes", "-n", 2, "--condition", 7, "--temperature", 1, "--out", "c.npy", "--json"),
        cwd=tmp_path,
    )
    assert recommended.out == "wrote a.npy: 2 samples at temperature 0.75, as its card recommends\n"
    assert given.out == "wrote b.npy: 2 samples at temperature 0.75\n"
    assert own.json["temperature"] == 1.0
    a, b, c = (np.load(tmp_path / name) for name in ("a.npy", "b.npy", "c.npy"))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


def test_a_class_can_be_chosen(place: Path) -> None:
    done, none, beyond = together(
        ("sample", "digits", "-n", 3, "--condition", 7, "--out", "seven.npy", "--json"),
        ("sample", "points", "--condition", 1, "--out", "c.csv"),
        ("sample", "digits", "--condition", 10, "--out", "ten.npy"), cwd=place,
    )  # fmt: skip
    assert done.json == {"file": "seven.npy", "samples": 3, "shape": [1, 8, 8], "temperature": 1.0, "seed": 0,
                         "condition": 7}  # fmt: skip
    seven = np.load(place / "seven.npy")
    assert (seven.shape, seven.dtype) == ((3, 1, 8, 8), np.uint8)
    assert "points was trained without --conditional" in none.errors
    assert "from 0 to 9" in beyond.errors
    assert not (place / "ten.npy").exists()


def test_tables_have_the_names_of_their_columns(place: Path) -> None:
    import pyarrow.parquet

    done = together(
        ("sample", "table", "-n", 6),
        ("sample", "table", "-n", 6, "--out", "t.parquet"),
        ("sample", "table", "-n", 6, "--out", "t.npy"),
        ("sample", "points", "-n", 6, "--out", "p.csv"),
        cwd=place,
    )
    assert {one.status for one in done} == {0}
    header, *written = rows(place / "samples.csv")
    assert header == ["가격", "a, b", "c"]
    table = pyarrow.parquet.read_table(place / "t.parquet")
    assert table.column_names == header
    array = np.load(place / "t.npy")
    assert array.shape == (6, 3)
    np.testing.assert_array_equal(np.column_stack([column.to_numpy() for column in table.columns]), array)
    np.testing.assert_array_equal(np.array(written, np.float32), array)
    assert rows(place / "p.csv")[0] == ["x0", "x1"]


def test_an_ending_that_cannot_be_written_is_refused_before_drawing(place: Path) -> None:
    cases = (
        ("points", "x.txt", "cannot write points of the plane to x.txt: use .csv, .parquet, .npy or .png"),
        ("table", "x.png", "cannot write rows of a table to x.png: use .csv, .parquet or .npy"),
        ("digits", "x.csv", "cannot write images to x.csv: use .png or .npy"),
        ("table", "nowhere/x.csv", "there is no folder nowhere"),
    )
    found = together(*(("sample", run, "--out", out, "-n", 10**9) for run, out, _ in cases), cwd=place)
    for one, (_, _, message) in zip(found, cases, strict=True):
        assert (one.status, one.errors) == (1, f"diffeo: {message}\n")
    (negative,) = together(("sample", "table", "-n", -1, "--out", "n.csv"), cwd=place)
    assert "-n must be at least 1" in negative.errors


def test_samples_come_in_a_process_of_their_own(place: Path) -> None:
    assert "5 samples" in diffeo("sample", "table", "-n", 5, "--out", "five.csv", cwd=place).stdout
