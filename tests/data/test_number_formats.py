"""Numbers as people write them: what the cells of a column, and of its file, say about points and commas."""

import random
from pathlib import Path

import pytest

import diffeo
from diffeo.data.tables.column import Column
from diffeo.data.tables.files import Table, read_file


def written(folder: Path, text: str, **options: object) -> Table:
    (folder / "t.csv").write_text(text, encoding="utf-8")
    return read_file(str(folder / "t.csv"), **options)  # type: ignore[arg-type]


def column(folder: Path, cells: list[str], beside: str = "1", separator: str = ";", **options: object) -> Column:
    """A column of these cells, beside another that has one cell everywhere."""
    lines = "".join(f'"{cell}"{separator}"{beside}"\n' for cell in cells)
    return written(folder, f"x{separator}y\n{lines}", **options).columns[0]


@pytest.mark.parametrize(
    ("cells", "right", "note"),
    [
        (["1.234,50", "999"], [1234.5, 999], "decimal commas; the points in x were read as thousands separators"),
        (["1,234.50", "999"], [1234.5, 999], "the commas in x were read as thousands separators"),
        (["1'234.50", "12\u2019999.00"], [1234.5, 12999], "the apostrophes in x were read as thousands separators"),
        (["1 234,50", "12\u00a0999,00", "1\u202f000,5"], [1234.5, 12999, 1000.5], "the spaces in x were read as"),
        (["12,34,567", "1,00,000"], [1234567, 100000], "the commas in x were read as thousands separators"),
        (["1_000", "2_500"], [1000, 2500], "the underscores in x were read as thousands separators"),
        (["$1,234.50", "-$5", "($7.25)", "$-8"], [1234.5, -5, -7.25, -8], "the signs $ in x were left out"),
        (["1.234 kr", "999 kr.", "5,- kr", "5,50 kr"], [1234, 999, 5, 5.5], "the signs kr in x were left out"),
        (["EUR 1.5", "2 EUR"], [1.5, 2], "the signs eur in x were left out"),
        (["₩1,200,000", "￦5"], [1200000, 5], "the signs ₩ in x were left out"),
        (["300원", "1,250,000원"], [300, 1250000], "the signs 원 in x were left out"),
        (["52 %", "12.5%"], [52, 12.5], "the signs % in x were left out: 52% is 52"),
        (["1,5e3", "2,5E-1"], [1500, 0.25], "the commas in x were read as decimal commas"),
        (["１２３", "٣٫٥"], [123, 3.5], ""),
        (["\u22120.5", "\u20132", "\uff0d3", "\ufe634", "5-", "(6.5)", "+7"], [-0.5, -2, -3, -4, -5, -6.5, 7], ""),
        (["-inf", "1.5"], [-float("inf"), 1.5], ""),
    ],
)  # fmt: skip
def test_numbers_are_read_as_they_are_written(tmp_path: Path, cells: list[str], right: list[float], note: str) -> None:
    found = column(tmp_path, cells)
    assert found.values.tolist() == right
    assert found.kind == "number"
    assert note in found.note
    assert bool(note) == bool(found.note)


@pytest.mark.parametrize("separator", [";", "\t", ","])
def test_points_stand_between_thousands_where_other_columns_have_decimal_commas(tmp_path: Path, separator: str) -> None:
    found = column(tmp_path, ["546", "2.155", "999"], beside="0,25", separator=separator)
    assert found.values.tolist() == [546, 2155, 999]
    assert found.note == "the points in x were read as thousands separators, as other columns have decimal commas"


def test_round_thousands_are_no_small_numbers(tmp_path: Path) -> None:
    assert column(tmp_path, ["1.000", "12.000"], beside="0,5").values.tolist() == [1000, 12000]
    assert column(tmp_path, ["1.000", "12.000"], beside="0.5").values.tolist() == [1, 12]


def test_a_lone_column_with_three_decimals_stays_what_it_is_and_that_is_noted(tmp_path: Path) -> None:
    found = written(tmp_path, "x,y\n1.234,5\n2.345,6\n").columns[0]
    assert found.values.tolist() == [1.234, 2.345]
    assert "--decimal , reads them the other way" in found.note
    assert written(tmp_path, "x,y\n1.234,0.5\n2.345,6\n").columns[0].note == ""


def test_one_contrary_cell_does_not_turn_a_column_against_its_file(tmp_path: Path) -> None:
    rows = "".join(f"{'3.5' if i == 7 else f'{2 + i}.155'};{i},25\n" for i in range(40))
    assert written(tmp_path, f"x;y\n{rows}").columns[0].doubt is not None


def test_places_on_a_map_keep_their_points_beside_prices_with_commas(tmp_path: Path) -> None:
    rows = "".join(f"{52 + i / 7:.5f};{i},25\n" for i in range(40))
    found = written(tmp_path, f"x;y\n{rows}").columns[0]
    assert found.values.max() == pytest.approx(52 + 39 / 7, abs=1e-5)
    assert found.doubt is None


@pytest.mark.parametrize("cells", [["1.234", "2.345"], ["1,234", "2,345"], ["1.234", "999"], ["1,234", "999"]])
def test_what_nothing_decides_is_asked_and_the_option_decides(tmp_path: Path, cells: list[str]) -> None:
    assert column(tmp_path, cells).doubt is not None
    thousands = [float(cell.replace(".", "").replace(",", "")) for cell in cells]
    decimals = [float(cell.replace(",", ".")) for cell in cells]
    for sign in (".", ","):
        found = column(tmp_path, cells, decimal=sign)
        assert found.values.tolist() == (decimals if sign in cells[0] else thousands)
        assert found.doubt is None


def test_a_table_in_doubt_is_refused_with_a_command_that_works(tmp_path: Path) -> None:
    random.seed(0)
    counts = random.sample(range(300, 9000), 200)
    text = "faelle;z\n" + "".join(f"{n:,};{n**2 % 10007}\n" for n in counts).replace(",", ".")
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(ValueError, match="can be read in two ways") as refused:
        diffeo.data.load(f"table:{tmp_path / 't.csv'}")
    assert str(refused.value).endswith("Use --decimal ,")
    data = diffeo.data.load(f"table:{tmp_path / 't.csv'}", decimal=",")
    assert sorted(int(x) for part in (data.train, data.validation, data.test) for x in part.x[:, 0]) == sorted(counts)
    assert data.options["decimal"] == ","


def test_new_rows_are_read_as_the_file_of_the_run(tmp_path: Path) -> None:
    random.seed(0)
    old = "".join(f"{random.randint(300, 9000):,};".replace(",", ".") + f"{i},25\n" for i in range(100))
    (tmp_path / "old.csv").write_text("x;y\n" + old)
    data = diffeo.data.load(f"table:{tmp_path / 'old.csv'}", columns=["x", "y"], dequantize=["x"])
    (tmp_path / "new.csv").write_text("x;y\n2.155;3\n")
    new = diffeo.data.read(f"table:{tmp_path / 'new.csv'}", **{**data.options, "columns": data.columns})
    assert 2155 <= float(new.x[0, 0]) < 2156


def test_a_column_in_which_the_whole_file_is_one_decimal_comma(tmp_path: Path) -> None:
    table = written(tmp_path, "preis\n1,5\n2,25\n1234\n1.000,5\n")
    assert [(c.name, c.values.tolist()) for c in table.columns] == [("preis", [1.5, 2.25, 1234, 1000.5])]


@pytest.mark.parametrize(("cells", "stray"), [(["€5", "€6", "$7"], "$7"), (["52%", "51%", "0.4"], "0.4")])
def test_cells_in_another_unit_are_no_numbers_of_the_column(tmp_path: Path, cells: list[str], stray: str) -> None:
    assert column(tmp_path, cells).strays == {2: stray}


@pytest.mark.parametrize(
    "cells",
    [["2024-01-05x", "b"], ["s0", "s1"], ["1.2.3.4"] * 2, ["010-1234-5678"] * 2, ["5²", "m²"], ["1 2", "3 4"]]
)  # fmt: skip
def test_what_only_looks_like_a_number_is_text(tmp_path: Path, cells: list[str]) -> None:
    assert column(tmp_path, cells).kind == "text"


def test_cells_that_cannot_be_read_are_not_called_missing(tmp_path: Path) -> None:
    random.seed(0)
    rows = "".join(f"{'..x' if i < 45 else random.gauss(0, 1)},{random.gauss(0, 1)}\n" for i in range(100))
    (tmp_path / "t.csv").write_text("a,b\n" + rows)
    with pytest.raises(ValueError, match=r"a: 45 cells that are no numbers, such as '\.\.x'") as refused:
        diffeo.data.load(f"table:{tmp_path / 't.csv'}")
    assert "missing" not in str(refused.value)
