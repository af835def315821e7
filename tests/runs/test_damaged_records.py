"""Records that are damaged: what a checkpoint holds is made again, what is gone is named, and nothing ends."""

import contextlib
import io
import json
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest
import torch

import diffeo
import diffeo.runs.conclusion
import diffeo.runs.html_report
from diffeo.cli import main
from diffeo.data.image_folder import FOLDER_OPTIONS
from diffeo.data.tables import TABLE_OPTIONS
from diffeo.runs import read_run, resume_run, train_run
from diffeo.runs.misfit import misfit
from diffeo.runs.records import DataOptions, RunRecord
from diffeo.training import checkpoint
from runs.damage import VALUES, WAYS, damage, exchanged, keys

COMMAND = "diffeo train realnvp table:t.csv --epochs 4"
MAY_BE_NULL = (  # in what was asked for: what was not given, or was not written at first
    "rows", "options", "threads", "time_budget", "tracker", "warmup", "epochs", "patience", "missing_values", "values",
    "classes", "levels", "condition_shape",
)  # fmt: skip
STOPPED_AT = 10  # steps: two epochs


class Stop(BaseException):
    pass


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table, and two runs on it: `done`, and `stopped` after two epochs."""
    folder = tmp_path_factory.mktemp("damaged")
    rows = np.random.default_rng(0).normal(size=(300, 2))
    np.savetxt(folder / "t.csv", rows, delimiter=",", header="a,b", comments="", fmt="%.5f")
    data = diffeo.data.load(f"table:{folder / 't.csv'}")

    def train(name: str) -> None:
        torch.manual_seed(0)
        train_run(
            diffeo.RealNVP(2, couplings=2, width=4), data, folder / name, command=COMMAND, epochs=4, batch_size=40,
            progress=False, threads=1,
        )  # fmt: skip

    train("done")
    write = checkpoint.write

    def until(one: checkpoint.Checkpoint, place: Path) -> Path:
        written = write(one, place)
        if one.position.step == STOPPED_AT:
            raise Stop
        return written

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "write", until)
        with pytest.raises(Stop):
            train("stopped")
    return folder


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A report that does no more than read what a report reads."""

    def write_report(folder: Path, flow: Any, data: Any, summary: Any, history: Any) -> None:
        diffeo.runs.html_report._record(folder, summary)
        read_run(folder).step_losses()

    monkeypatch.setattr(diffeo.runs.conclusion, "write_report", write_report)


def copied(run: Path, to: Path) -> Path:
    shutil.rmtree(to, ignore_errors=True)
    return Path(shutil.copytree(run, to))


def command(*arguments: object) -> tuple[int, str, str]:
    out, errors, status = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors), warnings.catch_warnings():
        warnings.simplefilter("default")
        try:
            main([str(one) for one in arguments])
        except SystemExit as end:
            status = int(end.code or 0)
    return status, out.getvalue(), errors.getvalue()


@contextlib.contextmanager
def told() -> Iterator[list[str]]:
    """What was warned of inside."""
    lines: list[str] = []
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        yield lines
    lines += [str(one.message) for one in shown]


def without_times(text: bytes) -> list[dict[str, Any]]:
    return [{**json.loads(line), "seconds": 0} for line in text.splitlines()]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("file", ["run.json", "summary.json", "metrics.jsonl", "steps.csv"])
def test_looking_at_a_run_reads_it_or_names_the_damaged_file(runs: Path, tmp_path: Path, file: str, way: str) -> None:
    run = copied(runs / "done", tmp_path / "run")
    damage(run / file, way)
    for verb in (("info", run), ("watch", run, "--once"), ("info", run, "--json")):
        status, out, errors = command(*verb)
        assert status == 0 or f"{run / file} is damaged" in errors, (verb, errors)
        assert status == 0 or errors.count("\n") == 1, errors
        assert status == 1 or out
        if way in ("a line of nonsense", "zeros", "a number", "another type") and (
            file != "steps.csv" or "watch" in verb
        ):
            assert file in errors, (verb, errors)  # a damage that is certain is said


@pytest.mark.parametrize("way", WAYS)
def test_a_damaged_history_is_written_again_from_the_checkpoint(runs: Path, tmp_path: Path, short, way: str) -> None:
    run = copied(runs / "stopped", tmp_path / "run")
    damage(run / "metrics.jsonl", way)
    with told() as lines:
        resume_run(run, progress=False)
    assert without_times((run / "metrics.jsonl").read_bytes()) == without_times(
        (runs / "done" / "metrics.jsonl").read_bytes()
    )
    said = [line for line in lines if "metrics.jsonl" in line]
    assert len(said) == (0 if way in ("a byte order mark", "lines of Windows") else 1)
    assert all(line.endswith("it is written again from the checkpoint") for line in said)


@pytest.mark.parametrize("way", WAYS)
def test_damaged_losses_of_steps_end_no_training(runs: Path, tmp_path: Path, short, way: str) -> None:
    run, whole = copied(runs / "stopped", tmp_path / "run"), (runs / "done" / "steps.csv").read_text().splitlines()
    damage(run / "steps.csv", way)
    with told() as lines:
        summary = resume_run(run, progress=False)
    kept = (run / "steps.csv").read_text().splitlines()
    assert (kept[0], kept[-10:], summary["steps"]) == (whole[0], whole[-10:], 20)
    assert set(kept) <= set(whole)
    if len(kept) < len(whole):
        gone = len(whole) - len(kept)
        words = "the loss of one step" if gone == 1 else f"the losses of {gone} steps"
        assert any("steps.csv" in line and words in line for line in lines), lines
    else:
        assert lines == []


@pytest.mark.parametrize("way", [way for way in WAYS if way not in ("a bit flipped", "a digit a letter")])
def test_what_was_asked_for_is_mended_from_its_copy(runs: Path, tmp_path: Path, short, way: str) -> None:
    run = copied(runs / "stopped", tmp_path / "run")
    before = json.loads((run / "run.json").read_bytes())
    damage(run / "run.json", way)
    with told() as lines:
        resume_run(run, progress=False)
    assert json.loads((run / "run.json").read_text(encoding="utf-8-sig")) == before
    changed = way not in ("a byte order mark", "lines of Windows")
    assert (len([line for line in lines if "its copy in checkpoints is taken" in line]) == 1) == changed
    assert (run / "steps.csv").read_bytes() == (runs / "done" / "steps.csv").read_bytes()


def test_a_damaged_checksum_of_rows_names_the_file_that_it_stands_in(runs: Path, tmp_path: Path) -> None:
    run = copied(runs / "stopped", tmp_path / "run")
    record = json.loads((run / "run.json").read_text())
    rows = record["data"]["rows"]
    (run / "run.json").write_text(json.dumps(exchanged(record, ("data", "rows", "test"), rows["test"][:-1] + "O")))
    with pytest.raises(ValueError, match=r"If it is as it was, .*run\.json is damaged"):
        resume_run(run, progress=False)


@pytest.mark.parametrize("file", ["run.json", "summary.json"])
def test_a_value_of_another_type_is_read_or_named(runs: Path, tmp_path: Path, file: str) -> None:
    run = copied(runs / "done", tmp_path / "run")
    record = json.loads((run / file).read_text())
    refused = 0
    for i, place in enumerate(keys(record)):
        for value in list(VALUES.values())[i % 2 :: 2]:
            (run / file).write_text(json.dumps(exchanged(record, place, value)))
            for verb in (("watch", run, "--once"), ("info", run, "--json")):
                status, _, errors = command(*verb)
                assert status == 0 or f"{run / file} is damaged" in errors, (place, value, errors)
                refused += status
    assert refused > 50


def test_a_value_of_another_type_in_what_was_asked_for_is_named_at_resume(runs: Path, tmp_path: Path, short) -> None:
    run = copied(runs / "stopped", tmp_path / "run")
    record = json.loads((run / "run.json").read_text())
    (run / "checkpoints" / "run.json").unlink()  # a run of before, which has no copy
    for place in keys(record):
        if place[0] in ("columns", "class_names", "command", "started", "versions", "grids", "weights"):
            continue  # what a resumed training does not follow
        for value in ("0.5x", [1], None):
            if value is None and place[-1] in MAY_BE_NULL:
                continue
            (run / "run.json").write_text(json.dumps(exchanged(record, place, value)))
            with pytest.raises(
                (ValueError, TypeError, OSError), match=r"run\.json|fit: |precision|tracker|does not exist|data"
            ):
                resume_run(run, progress=False)


@pytest.mark.parametrize(
    ("key", "value"),
    [("step", "5"), ("step", None), ("epoch", [1]), ("validation", "0.5"), ("train", {}), ("seconds", None)],
)
def test_an_epoch_of_another_type_is_left_out_and_named(runs: Path, tmp_path: Path, key: str, value: Any) -> None:
    run = copied(runs / "done", tmp_path / "run")
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    lines[1][key] = value
    (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.warns(UserWarning, match=rf"metrics\.jsonl is damaged \(line 2: {key} is .* lack what is"):
        found = read_run(run)
    assert [record["epoch"] for record in found.history] == [1, 3, 4]


def test_a_damaged_record_ends_no_verb_that_does_without_it(runs: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = copied(runs / "done", tmp_path / "run")
    damage(run / "metrics.jsonl", "a line of nonsense")
    damage(run / "steps.csv", "a digit a letter")
    table = f"table:{runs / 't.csv'}"
    for verb in (("evaluate", run), ("compare", run, runs / "done"), ("sample", run, "-n", 3), ("score", run, table),
                 ("verify", run, "--rows", 20)):  # fmt: skip
        status, out, errors = command(*verb)
        assert (status, bool(out)) == (0, True), errors
    damage(run / "run.json", "cut in half")
    for verb in (("evaluate", run), ("compare", run, runs / "done"), ("sample", run), ("score", run, table)):
        status, _, errors = command(*verb)
        assert status == 1
        assert f"{run / 'run.json'} is damaged" in errors
        assert "put back a copy of it, or remove it: what summary.json says of it is taken then" in errors
    assert command("verify", run)[0] == 2
    (run / "run.json").unlink()
    assert command("evaluate", run)[0] == 0


def test_a_run_that_is_resumed_with_all_records_damaged_ends_with_a_whole_report(runs: Path, tmp_path: Path) -> None:
    run = copied(runs / "stopped", tmp_path / "run")
    damage(run / "metrics.jsonl", "a digit a letter")
    damage(run / "steps.csv", "a digit a letter")
    damage(run / "run.json", "emptied")
    status, _, errors = command("train", "--resume", run, "--quiet")
    assert status == 0, errors
    assert (run / "report.html").is_file()
    assert (run / "model.safetensors").read_bytes() == (runs / "done" / "model.safetensors").read_bytes()


def test_test_rows_that_have_changed_are_noticed_at_resume(runs: Path, tmp_path: Path) -> None:
    run = copied(runs / "stopped", tmp_path / "run")
    record = json.loads((run / "run.json").read_text())
    table = tmp_path / "t.csv"
    lines = (runs / "t.csv").read_text().splitlines()
    record["data"]["name"] = f"table:{table}"
    (run / "run.json").write_text(json.dumps(record))
    own = diffeo.data.load(f"table:{runs / 't.csv'}")
    for number in range(100):  # a row that falls into the test part
        table.write_text("\n".join([*lines, f"0.5,{number / 64:.5f}"]) + "\n")
        found = diffeo.data.load(f"table:{table}")
        if len(found.test) > len(own.test):
            break
    assert (len(found.train), len(found.test)) == (len(own.train), len(own.test) + 1)
    for verb in (("train", "--resume", run), ("evaluate", run)):
        status, _, errors = command(*verb)
        assert status == 1
        assert f"table:{table} is not what it was when {run} was trained" in errors
    del record["data"]["rows"]  # a run of before, which does not say
    (run / "run.json").write_text(json.dumps(record))
    assert command("train", "--resume", run, "--quiet")[0] == 0


def test_another_dropout_in_run_json_is_refused_at_resume(runs: Path, tmp_path: Path) -> None:
    run = copied(runs / "stopped", tmp_path / "run")
    record = json.loads((run / "run.json").read_text())
    for name, value, was in (("dropout", 0.25, "0.0"), ("width", 10**9, "4")):
        changed = exchanged(record, ("flow", "options", name), value)
        (run / "run.json").write_text(json.dumps(changed))
        status, _, errors = command("train", "--resume", run)
        assert status == 1
        assert f"{run / 'run.json'} is not what it was" in errors
        assert f"the flow's {name} was {was} and is {value}" in errors


def test_another_precision_in_run_json_is_named_at_resume(runs: Path, tmp_path: Path) -> None:
    run = copied(runs / "stopped", tmp_path / "run")
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps(record | {"dtype": "float64"}))
    status, _, errors = command("train", "--resume", run)
    assert status == 1
    assert f"{run / 'run.json'} is damaged: dtype is 'float64', and table:" in errors


def test_verify_names_a_folder_in_place_of_run_json(runs: Path, tmp_path: Path) -> None:
    run = copied(runs / "done", tmp_path / "run")
    (run / "run.json").unlink()
    (run / "run.json").mkdir()
    status, _, errors = command("verify", run)
    assert status == 2
    assert f"{run / 'run.json'} is damaged (is a folder, no file" in errors


def test_a_run_can_have_every_option_of_its_data() -> None:
    options = {*FOLDER_OPTIONS, *TABLE_OPTIONS, "condition"}
    assert get_type_hints(DataOptions).keys() == options


def test_a_run_on_a_table_with_a_limit_of_its_own_is_read(runs: Path, tmp_path: Path) -> None:
    data = diffeo.data.load(f"table:{runs / 't.csv'}", largest="1MB", decimal=".", header=True)
    train_run(diffeo.RealNVP(2, couplings=1, width=4), data, tmp_path / "run", epochs=1, batch_size=240, progress=False)
    assert read_run(tmp_path / "run").load_data().options.items() >= {("largest", data.options["largest"])}


def test_what_is_wrong_within_an_object_that_may_be_null_is_named() -> None:
    record = {"data": {"name": "digits", "options": {"size": "small"}}}
    assert misfit(record, RunRecord) == "data.options.size is text ('small'), not a whole number or null"
