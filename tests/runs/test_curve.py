"""A run beside its recipe's curve."""

import json
from pathlib import Path

import pytest

from diffeo.cli import main
from diffeo.runs import compare_with_curve, read_run, write_curve


def test_a_run_lies_beside_the_curve_of_another(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, path = read_run(trained / "plane"), tmp_path / "recipe.csv"
    write_curve(read_run(trained / "plane-2"), path)
    found = compare_with_curve(run, path)
    assert [record["epoch"] for record in found] == [1, 2]
    other = read_run(trained / "plane-2").history
    for record, own, theirs in zip(found, run.history, other, strict=True):
        assert record["difference"] == pytest.approx(own["validation"] - theirs["validation"], abs=1e-5)
        assert record["seconds"] == own["seconds"]
    main(["compare", str(trained / "plane"), str(path), "--json"])
    assert json.loads(capsys.readouterr().out) == found
    main(["compare", str(trained / "plane"), str(path)])
    assert f"{found[-1]['difference']:+.4f}" in capsys.readouterr().out


def test_what_is_no_curve_is_refused(trained: Path, tmp_path: Path) -> None:
    run, path = read_run(trained / "plane"), tmp_path / "recipe.csv"
    with pytest.raises(FileNotFoundError, match=r"recipes/curves/NAME.csv"):
        compare_with_curve(run, path)
    for text in (
        "epoch,loss\n1,2\n",
        "epoch,step,seconds,validation\n1,2\n",
        "epoch,step,seconds,validation\n1,2,3,x\n",
        "epoch,step,seconds,validation\n1,2,3," + "1" * 200_000 + "\n",  # more than the csv module takes
    ):
        path.write_text(text)
        with pytest.raises(ValueError, match="needs the columns epoch, step, seconds, validation"):
            compare_with_curve(run, path)
    path.write_text("epoch,step,seconds,validation\n7,2,3,4\n")
    with pytest.raises(ValueError, match="no epoch in common"):
        compare_with_curve(run, path)
