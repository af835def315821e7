"""Rows of a file or folder that a run was not trained on: score, evaluate and verify them."""

import csv
import json
import random
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from command import Done, together
from PIL import Image

from diffeo.cli.app import app

pytestmark = pytest.mark.whole

HEAD = "age,mark,income"
GOOD = ["40,6.5,21000.5", "33,7,18000.25", "51,2.5,30000.75"]
TRAIN = ("--epochs", 1, "--quiet", "--batch-size", 50)


def photos(folder: Path, count: int, seed: int, size: int = 8) -> None:
    rng = np.random.default_rng(seed)
    for kind in ("cat", "dog"):
        (folder / kind).mkdir(parents=True)
        for i in range(count):
            Image.fromarray(rng.integers(0, 256, (size, size), dtype=np.uint8)).save(folder / kind / f"{i}.png")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run on a table, of which a column was dropped, and one on images with classes."""
    folder = tmp_path_factory.mktemp("place")
    draw = random.Random(0)
    lines = [
        f"n{i},{draw.randint(18, 69)},{draw.randint(0, 20) / 2},{draw.lognormvariate(10, 0.5):.2f}" for i in range(300)
    ]
    (folder / "old.csv").write_text("\n".join([f"name,{HEAD}", *lines]) + "\n")
    photos(folder / "old", 25, seed=1)
    shutil.copytree(folder / "old", folder / "other")
    small = ("--model.width", 8)
    done = together(
        ("train", "realnvp", "table:old.csv", "--drop", "name", "--dequantize", "age,mark", "--out", "run",
         "--model.couplings", 2, *small, *TRAIN),
        ("train", "nice", "folder:old", "--conditional", "--out", "images", *small, *TRAIN),
        cwd=folder,
    )  # fmt: skip
    assert {one.status for one in done} == {0}, done
    return folder


def write(path: Path, *lines: str, head: str = HEAD) -> None:
    path.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")


def scores(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_every_row_gets_a_row_in_its_order_with_the_reason_where_it_has_no_score(place: Path) -> None:
    write(
        place / "holes.csv", GOOD[0], "40,,21000", "old,7,x; y", GOOD[1], ",,", "41,3,inf", "41,3,1e300", "41,3,1e30",
        GOOD[2],
    )  # fmt: skip
    write(place / "whole.csv", GOOD[0], *GOOD[:2], GOOD[1], *GOOD, "41,3,1e30", GOOD[2])  # the same at rows 0, 3 and 8
    run = ("score", "run", "--threshold", 0.05)
    holes, whole, told = together(
        (*run, "table:holes.csv", "--out", "holes-scores.csv"), (*run, "table:whole.csv", "--out", "whole-scores.csv"),
        (*run, "table:holes.csv", "--json"), cwd=place,
    )  # fmt: skip
    rows, plain = scores(place / "holes-scores.csv"), scores(place / "whole-scores.csv")
    assert list(rows[0]) == ["row", "log_prob", "quantile", "marked", "reason"]
    assert [row["row"] for row in rows] == list("012345678")
    large = "income: infinite, or beyond 3.4e+38"
    assert [row["reason"] for row in rows] == [
        "", "mark: missing", "age: not a number: 'old'; income: not a number: 'x; y'", "",
        "age: missing; mark: missing; income: missing", large, large,
        "the flow gives no finite log-likelihood so far from the training rows", "",
    ]  # fmt: skip
    for i in (0, 3, 8):
        assert rows[i] == plain[i]
        assert float(rows[i]["log_prob"]) == pytest.approx(-15, abs=15)
    for i in (1, 2, 4, 5, 6):
        assert (rows[i]["log_prob"], rows[i]["quantile"], rows[i]["marked"]) == ("", "", "")
    assert (rows[7]["log_prob"], rows[7]["quantile"], rows[7]["marked"]) == ("-inf", "0", "true")
    assert (
        "table:holes.csv: 5 of 9 rows have no score: mark: missing (2), income: infinite, or beyond 3.4e+38 (2)"
        in holes.out
    )
    assert whole.out.startswith("table:whole.csv: 9 rows, log-likelihood ")
    found = told.json
    assert (found["rows"], found["scored_rows"], found["rows_without_score"]) == (9, 4, 5)
    assert found["reasons"]["income: not a number"] == 1
    marked = [row["row"] for row in rows if row["marked"] == "true"]
    assert [str(row) for row in found["marked_rows"]] == marked
    finite = [float(rows[i]["log_prob"]) for i in (0, 3, 8)]
    assert found["log_likelihood"]["mean"] == pytest.approx(np.mean(finite))
    assert found["log_likelihood"]["median"] == pytest.approx(np.median([-np.inf, *finite]))
    assert found["log_likelihood"]["far"] == 1
    assert "1 of these rows has no finite log-likelihood, and no part in the mean" in holes.out
    assert "so far from the held-out rows" not in holes.out


def test_a_file_of_which_no_row_can_be_scored_still_gives_its_rows(place: Path) -> None:
    write(place / "one.csv", "40,unknown,21000")
    write(place / "mostly.csv", "40,high,21000", "40,low,21000", GOOD[0])
    write(place / "dates.csv", "40,2024-01-01,21000")
    one, mostly, dates = together(
        *(("score", "run", f"table:{name}.csv", "--out", f"{name}-out.csv") for name in ("one", "mostly", "dates")),
        cwd=place,
    )
    assert (one.status, dates.status) == (0, 0)
    assert "no row has a score" in one.out
    assert [row["reason"] for row in scores(place / "one-out.csv")] == ["mark: not a number: 'unknown'"]
    assert "1 rows, log-likelihood" in mostly.out
    assert [bool(row["log_prob"]) for row in scores(place / "mostly-out.csv")] == [False, False, True]
    assert scores(place / "dates-out.csv")[0]["reason"].startswith("mark: ")


def test_all_rows_of_a_new_file_are_evaluated_and_it_needs_only_the_columns_of_the_run(place: Path) -> None:
    swapped = [",".join([*reversed(line.split(",")), "new"]) for line in GOOD]
    write(place / "swapped.csv", *swapped, ",1,40,hole", head="income,mark,age,remark")
    shutil.copy(place / "old.csv", place / "copy.csv")
    text, told, scored, own, copied, verified = together(
        ("evaluate", "run", "table:swapped.csv"), ("evaluate", "run", "table:swapped.csv", "--json"),
        ("score", "run", "table:swapped.csv", "--json"), ("evaluate", "run", "table:./old.csv", "--json"),
        ("evaluate", "run", "table:copy.csv", "--json"), ("verify", "run", "table:swapped.csv", "--json"), cwd=place,
    )  # fmt: skip
    assert "table:swapped.csv: all 3 rows (nats" in text.out
    assert "1 of 4 rows were left out: income: missing (1)" in text.out
    assert "columns that are not used: remark" in text.errors
    found = told.json
    assert (found["part"], found["rows"], found["left_out"], found["also_trained_on"]) == ("all", 3, 1, 0)
    assert found["log_likelihood"]["mean"] == pytest.approx(scored.json["log_likelihood"]["mean"])
    assert (own.json["part"], own.json["rows"]) == ("test", json.loads(summary(place))["test_rows"])
    assert copied.json["rows"] == 300
    assert 200 < copied.json["also_trained_on"] < 260
    assert verified.status in (0, 1)
    assert "columns that are not used: remark" in verified.errors
    assert "1 rows were left out: income: missing" in verified.errors


def summary(place: Path) -> str:
    return (place / "run" / "summary.json").read_text(encoding="utf-8")


def test_a_new_file_has_no_parts(place: Path) -> None:
    write(place / "parts.csv", *GOOD)
    done = together(
        *((verb, "run", "table:parts.csv", "--part", "train") for verb in ("evaluate", "verify")), cwd=place
    )
    assert all("table:parts.csv has no parts" in one.errors for one in done)


def test_files_that_are_no_images_of_the_run_get_a_row_with_the_reason(place: Path) -> None:
    photos(place / "new", 2, seed=5)
    (place / "new" / "cat" / "2.png").write_bytes(b"no image")
    (place / "new" / "cat" / "3.txt").write_text("notes")
    Image.new("L", (9, 8)).save(place / "new" / "dog" / "2.png")
    (place / "new" / "bird").mkdir()
    Image.new("L", (8, 8)).save(place / "new" / "bird" / "0.png")
    scored, told, verified = together(
        ("score", "images", "folder:new", "--out", "images.csv"), ("evaluate", "images", "folder:new", "--json"),
        ("verify", "images", "folder:new", "--rows", 4, "--json"), cwd=place,
    )  # fmt: skip
    assert scored.status == 0, scored.errors
    rows = scores(place / "images.csv")
    reasons = {row["file"]: row["reason"] for row in rows}
    assert [row["file"] for row in rows] == sorted(reasons)
    assert {file for file, reason in reasons.items() if not reason} == {f"{k}/{i}.png" for k in ("cat", "dog")
                                                                       for i in (0, 1)}  # fmt: skip
    assert reasons["bird/0.png"] == "in no folder called cat or dog"
    assert reasons["cat/2.png"] == reasons["cat/3.txt"] == "no image"
    assert reasons["dog/2.png"] == "9x8 pixels, not 8x8"
    assert all(bool(row["log_prob"]) != bool(row["reason"]) for row in rows)
    assert (told.json["rows"], told.json["left_out"]) == (4, 4)
    assert "4 rows were left out" in verified.errors


def options(command: tuple[object, ...]) -> set[str]:
    verb = app["edit"][str(command[1])] if command[0] == "edit" else app[str(command[0])]
    return {name for argument in verb.assemble_argument_collection() for name in argument.names}


BAD = {
    "text.csv": f"{HEAD}\na,b,c\nd,e,f\n",
    "dates.csv": f"{HEAD}\n" + "2024-01-01,2024-01-02,2024-01-03\n" * 12,
    "empty.csv": "",
    "header.csv": f"{HEAD}\n",
    "missing.csv": "age,mark\n1,2\n",
    "others.csv": "a,b\n1,2\n",
    "ragged.csv": f"{HEAD}\n1,2,3\n1,2\n",
    "holes.csv": f"{HEAD}\n,,\n,,\n",
    "numbers.csv": "1,2\n3,4\n",
    "table.xyz": "no",
}


def test_errors_of_bad_data_name_only_options_of_the_verb_at_hand(place: Path) -> None:
    bad = place / "bad"
    bad.mkdir()
    for name, content in BAD.items():
        (bad / name).write_text(content)
    photos(bad / "sizes", 2, seed=3, size=5)
    photos(bad / "mixed", 2, seed=3, size=8)
    (bad / "mixed" / "cat" / "no.png").write_bytes(b"no")
    Image.new("RGB", (4, 6)).save(bad / "mixed" / "dog" / "4.png")
    (bad / "nothing").mkdir()
    sources = [f"table:bad/{name}" for name in [*BAD, "nowhere.csv"]]
    sources += [f"folder:bad/{name}" for name in ("sizes", "mixed", "nothing", "nowhere")]
    commands: list[tuple[object, ...]] = [
        (verb, run, source)
        for verb in ("score", "evaluate", "verify")
        for run in ("run", "images")
        for source in sources
    ]
    shutil.copytree(place / "run", place / "alone")
    for name in ("run.json", "summary.json"):
        (place / "alone" / name).unlink()
    commands += [("verify", "alone", source) for source in sources]
    named = check(commands, together(*commands, cwd=place))
    assert "has no column 'income'" in named["score", "run", "table:bad/missing.csv"]
    assert "has no columns 'age', 'mark', 'income'" in named["evaluate", "run", "table:bad/others.csv"]
    assert "of no row there is a value in each column" in named["verify", "run", "table:bad/holes.csv"]


def test_a_run_whose_data_has_changed_says_so_whatever_is_wrong_with_it_now(place: Path) -> None:
    write(place / "parts-again.csv", *GOOD)
    changed = place / "changed"
    changed.mkdir()
    shutil.copytree(place / "run", changed / "run")
    shutil.copytree(place / "images", changed / "images")
    for run, name in (("run", "table:" + str(changed / "old.csv")), ("images", "folder:" + str(changed / "old"))):
        record = json.loads((changed / run / "run.json").read_text())
        record["data"]["name"] = name
        record.pop("grids")
        (changed / run / "run.json").write_text(json.dumps(record))
    commands = [
        ("score", "run", "table:../parts-again.csv"), ("evaluate", "run"), ("verify", "run"),
        ("compare", "run", "../run"), ("compare", "run", "run"), ("sample", "run", "--out", "s.npy", "--force"),
        ("score", "images", "folder:../old"), ("evaluate", "images"), ("verify", "images"),
        ("edit", "reconstruct", "images", "--images", 0), ("edit", "measure", "images"),
    ]  # fmt: skip
    rows = (place / "old.csv").read_text().splitlines()
    spoilt = ("\n".join([*rows[:5], "x,,1,2", *rows[5:]]), "\n".join(f"{row},a b" for row in rows), "a,b\n1,2\n")
    for text in spoilt:
        (changed / "old.csv").write_text(text)
        if not (changed / "old").exists():
            photos(changed / "old", 3, seed=1, size=5)
            Image.new("L", (8, 8)).save(changed / "old" / "cat" / "9.png")
        named = check(commands, together(*commands, cwd=changed))
        assert "is not what it was when run was trained" in named["score", "run", "table:../parts-again.csv"]
        assert "is not what it was when images was trained" in named["edit", "reconstruct", "images", "--images", 0]


def check(commands: list[tuple[object, ...]], done: list[Done]) -> dict[tuple[object, ...], str]:
    """The errors by command, which name no option that the verb lacks."""
    for command, one in zip(commands, done, strict=True):
        said = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", one.errors))
        assert said <= options(command), (command, one.errors)
    return {command: one.errors for command, one in zip(commands, done, strict=True)}
