"""``diffeo sample``: pictures, tables and arrays of samples."""

import csv
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from command import diffeo, together
from PIL import Image

import diffeo as library
from diffeo.data.grid import Grid


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with flows as runs hold them: of points, of a table, and, conditional, of images."""
    folder = tmp_path_factory.mktemp("place")
    torch.manual_seed(0)
    library.RealNVP(2, couplings=2, width=4).save_pretrained(folder / "points")
    library.RealNVP(3, couplings=2, width=4).save_pretrained(folder / "table")
    data = {"data": {"name": "table:nowhere.csv", "options": {}}}
    (folder / "table" / "run.json").write_text(json.dumps({**data, "columns": ["가격", "a, b", "c"]}), encoding="utf-8")
    told = {
        "digits": library.Glow((1, 8, 8), values=17, classes=10, steps=1, width=4),
        "given": library.RealNVP(2, couplings=2, width=4, condition_shape=3),
    }
    for name, flow in told.items():
        with torch.no_grad():
            for parameter in flow.parameters():  # a new flow does not yet heed its condition
                parameter.add_(0.1 * torch.randn_like(parameter))
        flow.save_pretrained(folder / name)
    library.RealNVP(3, couplings=2, width=4).save_pretrained(folder / "people")
    grids = {"age": asdict(Grid(0.0, 1.0, 1.0, 0)), "mark": asdict(Grid(-1.0, 0.5, 0.1, 1))}
    record = {**data, "columns": ["age", "height", "mark"], "grids": grids}
    (folder / "people" / "run.json").write_text(json.dumps(record))
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
                         "condition": 7, "moved": {}}  # fmt: skip
    seven = np.load(place / "seven.npy")
    assert (seven.shape, seven.dtype) == ((3, 1, 8, 8), np.uint8)
    assert none.errors == "diffeo: points takes no condition: leave --condition out\n"
    assert "from 0 to 9" in beyond.errors
    assert not (place / "ten.npy").exists()


def test_several_classes_are_drawn_in_turn(place: Path) -> None:
    run = ("sample", "digits", "--seed", 3, "-n")
    several, ones, sevens, half, many = together(
        (*run, 4, "--condition", "1,7", "--out", "turn.npy"), (*run, 4, "--condition", 1, "--out", "ones.npy"),
        (*run, 4, "--condition", 7, "--out", "sevens.npy"), (*run, 4, "--condition", 1.5, "--out", "half.npy"),
        (*run, 30, "--condition", "1,2,3", "--out", "turn.png"), cwd=place,
    )  # fmt: skip
    assert {several.status, ones.status, sevens.status, many.status} == {0}
    turn, one, seven = (np.load(place / f"{name}.npy") for name in ("turn", "ones", "sevens"))
    np.testing.assert_array_equal(turn[::2], one[::2])
    np.testing.assert_array_equal(turn[1::2], seven[1::2])
    assert (one[1::2] != seven[1::2]).any()
    assert "digits takes classes, from 0 to 9, such as --condition 9; several in turn are --condition 0,9. Got 1.5" in (
        half.errors
    )
    with Image.open(place / "turn.png") as image:
        assert image.height > 2 * image.width  # ten rows of one image a class


def test_numbers_are_the_condition_of_a_flow_that_is_conditioned_on_them(place: Path) -> None:
    run = ("sample", "given", "-n", 5, "--out")
    done, negative, none, few, word = together(
        (*run, "g.npy", "--condition", "1,2.5,3"), (*run, "n.npy", "--condition", "-1,2,3"), (*run, "no.npy"),
        (*run, "few.npy", "--condition", 7), (*run, "word.npy", "--condition", "1,x,3"), cwd=place,
    )  # fmt: skip
    flow = library.load(place / "given")
    assert (np.load(place / "g.npy") != np.load(place / "n.npy")).any()
    for one, name, numbers in ((done, "g.npy", [1.0, 2.5, 3.0]), (negative, "n.npy", [-1.0, 2.0, 3.0])):
        assert one.status == 0, one.errors
        expected = flow.sample(5, torch.tensor(numbers), generator=torch.Generator().manual_seed(0))
        np.testing.assert_array_equal(np.load(place / name), expected.numpy())
    form = "given is conditioned on 3 numbers, in their own units"
    assert f"{form}: give them, such as --condition 1,2,3" in none.errors
    assert f"{form}, such as --condition 1,2,3. Got 7" in few.errors
    assert word.status == 2
    assert 'expected numbers such as 0.7 or 0,0.5,1, got "x"' in word.errors


def test_a_second_file_takes_the_next_free_name_and_none_is_lost(tmp_path: Path, place: Path) -> None:
    run = ("sample", place / "points", "-n", 3)
    first, second, third, refused, forced, again, folder = together(
        run, (*run, "--seed", 1), (*run, "--seed", 2), (*run, "--out", "samples.csv"),
        (*run, "--out", "samples.csv", "--force", "--seed", 4), (*run, "--force"), (*run, "--out", ".", "--force"),
        cwd=tmp_path,
    )  # fmt: skip
    assert [one.out.split(":")[0] for one in (first, second, third)] == [
        "wrote samples.csv", "wrote samples-2.csv", "wrote samples-3.csv",
    ]  # fmt: skip
    assert refused.errors == "diffeo: samples.csv exists. Choose another name, or write over it with --force\n"
    assert (refused.status, forced.status, again.status, folder.status) == (1, 0, 0, 1)
    assert again.out.startswith("wrote samples.csv: ")
    assert len(list(tmp_path.iterdir())) == 3  # nothing half-written beside them


def test_columns_that_had_noise_are_written_as_the_values_that_they_can_have(place: Path) -> None:
    import pyarrow.parquet

    run = ("sample", "people", "-n", 400, "--out")
    done = together(
        (*run, "people.csv"),
        (*run, "people.parquet", "--json"),
        (*run, "people.npy"),
        (*run, "beyond.npy", "--beyond"),
        cwd=place,
    )
    text, parquet, _, beyond = done
    assert {one.status for one in done} == {0}
    _, *written = rows(place / "people.csv")
    assert {row[0] for row in written} == {"0", "1"}
    assert {row[2] for row in written} <= {f"{number / 10:g}" for number in range(-10, 6)}
    array, far = np.load(place / "people.npy"), np.load(place / "beyond.npy")
    np.testing.assert_array_equal(np.array(written, np.float64).astype(np.float32), array.astype(np.float32))
    table = pyarrow.parquet.read_table(place / "people.parquet")
    assert [str(kind) for kind in table.schema.types] == ["int64", "float", "double"]
    assert table["mark"].to_pylist() == array[:, 2].tolist()
    assert set(np.unique(array[:, 2])) <= {number / 10 for number in range(-10, 6)}  # 0.3, not 0.30000001
    moved = {name: int((array[:, i] != far[:, i]).sum()) for i, name in ((0, "age"), (2, "mark"))}
    assert min(moved.values()) > 10
    assert parquet.json["moved"] == moved
    said = f"moved into the range of the training rows: {moved['age']:,} of age, {moved['mark']:,} of mark (--beyond "
    assert said in text.out
    assert "moved" not in beyond.out
    np.testing.assert_array_equal(array[:, 0], far[:, 0].clip(0, 1))


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
