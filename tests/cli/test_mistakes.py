"""Mistakes on the command line: one line that says what was given, what was expected, and what to do."""

from pathlib import Path

import pytest
from command import together
from hypothesis import given
from hypothesis import strategies as st

from diffeo.cli.parse import names, seconds, written

NOT_UNDERSTOOD = [
    (("trian",), "there is no verb 'trian'. Did you mean train? The verbs are: train, config, "),
    (("Sample", "glow-digits"), "Did you mean sample?"),
    (("nonsense",), "models, completion"),
    (("edit", "reconstruct", "glow-digits", "--images", ""), "expected numbers of images such as 3,17, or files"),
    (("edit", "levle"), "there is no verb 'levle'. Did you mean levels? The verbs of edit are: "),
    (("edit", "nonsense"), "class, measure. See diffeo edit --help"),
    (("edit", "--images", 3), "the option --images goes after a verb. The verbs of edit are: "),
    (("--hlep",), "Did you mean --help?"),
    (("help",), "Did you mean --help?"),
    (("--model.steps",), "the option --model.steps goes after a verb. The verbs are: train, "),
    (("train",), "train needs FLOW and DATA, for example: diffeo train realnvp moons"),
    (("train", "realnvp"), "train needs FLOW and DATA"),
    (("train", "glow", "mnist", "cifar"), "train does not know what to do with 'cifar'. See diffeo train --help"),
    (("train", "glow", "mnist", "--epohcs", 3), "Did you mean --epochs?"),
    (("train", "glow", "mnist", "--model.stesp", 3), "Did you mean --model.steps?"),
    (("train", "glow", "mnist", "--model", 3), "Unknown option: --model. Did you mean --model."),
    (("train", "glow", "mnist", "--epochs"), "--epochs requires an argument"),
    (("train", "glow", "mnist", "--epochs", "many"), '--epochs: expected a whole number, got "many"'),
    (("train", "glow", "mnist", "--epochs", "1.5"), '--epochs: expected a whole number, got "1.5"'),
    (("train", "glow", "mnist", "--epochs", 1, "--epochs", 2), "--epochs specified multiple times"),
    (("train", "glow", "mnist", "--lr", "fast"), '--lr: expected a number, got "fast"'),
    (("train", "glow", "mnist", "--precision", "bf61"), 'Did you mean "bf16"?'),
    (("train", "glow", "mnist", "--tracker", "tensorbord"), 'Did you mean "tensorboard"?'),
    (("train", "glow", "mnist", "--time-budget", "10x"), 'expected a time such as 90s, 10m or 1h30m, got "10x"'),
    (("train", "glow", "folder:x", "--channels", 2), "Choose from: 1, 3"),
    (("train", "glow", "table:x", "--columns", "a,,b"), "--columns: expected names of columns"),
    (("train", "glow", "table:x", "--missing", "dorp"), 'Did you mean "drop"?'),
    (("config", "realnvp"), "config needs FLOW and DATA"),
    (("sample", "run", "-n", "x"), '-n: expected a whole number, got "x"'),
    (("sample", "run", "-n", 10**20), "-n: expected a whole number, of less than 20 digits"),
    (
        ("edit", "levels", "run", "--images", 1, "--keep", 10**20),
        "--keep: expected whole numbers such as 3 or 3,17, of ",
    ),
    (("sample", "run", "--seed", -1), "--seed: expected a whole number from 0 to 4,294,967,295, got -1"),
    (("train", "realnvp", "moons", "--seed", 2**32), "--seed: expected a whole number from 0 to 4,294,967,295"),
    (("edit", "neighbours", "run", "--seed", -1), "--seed: expected a whole number from 0"),
    (("verify", "run", "--seed", -1), "--seed: expected a whole number from 0"),
    (("info",), "RUN requires an argument"),
    (("completion", "bsh"), 'Did you mean "bash"?'),
]

DOES_NOT_WORK = [
    (("train", "realnpv", "digits"), "Did you mean realnvp?"),
    (("train", "realnvp", "digit"), "Did you mean digits?"),
    (("train", "realnvp", "moons", "--conditional"), "no classes"),
    (("train", "realnvp", "moons", "--epochs", 0), "epochs must be at least 1"),
    (("train", "glow", "moons"), "RealNVP(2)"),
    (("train", "realnvp", "moons", "--device", "nowhere"), "no device 'nowhere'"),
    (("train", "realnvp", "moons", "--size", 32), "--size: for folder:PATH only, and the data is moons"),
    (("train", "realnvp", "mnist", "--drop", "a", "--missing", "drop"), "--drop, --missing: for table:PATH only"),
    (("train", "realnvp", "moons", "--model.steps", 4), "realnvp has no option 'steps'. It belongs to glow."),
    (("train", "glow", "digits", "--model.steps", 0), "steps must be at least 1"),
    (("train", "glow", "digits", "--model.levels", 4), "allows 3 levels"),
    (("train", "realnvp", "moons", "--out", "file/x"), "not a folder"),
    (("config", "glwo", "mnist"), "Did you mean glow?"),
    (("config", "glow", "mnits"), "Did you mean mnist?"),
    (("config", "glow", "fodler:x"), "Did you mean folder:x?"),
    (("config", "nice", "moons", "--model.blocks", 2), "nice has no option 'blocks'. It belongs to realnvp."),
    (("info", "nowhere"), "nowhere"),
    (("compare",), "compare needs at least two runs: diffeo compare RUN RUN"),
    (("score", "glow-digits", "table.csv"), "no data set is called 'table.csv'."),
    (("sample", "glow-digits", "--out", "."), ". is a folder, not a file to write"),
    (("sample", "nowhere"), "nowhere does not exist, and no model that ships is called so."),
]


def test_a_mistake_ends_in_a_line_that_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cases = [(2, *case) for case in NOT_UNDERSTOOD] + [(1, *case) for case in DOES_NOT_WORK]
    found = together(*(arguments for _, arguments, _ in cases), cwd=tmp_path)
    for (status, arguments, message), one in zip(cases, found, strict=True):
        assert message in one.errors, (arguments, one)
        assert one.status == status, (arguments, one)
        assert one.errors.startswith("diffeo: ")
        assert one.errors.count("\n") == 1
    assert not (tmp_path / "runs").exists()


@given(st.floats(min_value=0.01, max_value=10**6))
def test_a_written_time_is_read_as_itself(time: float) -> None:
    assert seconds(written(time)) == pytest.approx(time, rel=1e-12)


@pytest.mark.parametrize("text", ["", "0", "0s", "-5s", "10 minutes", "1h30", "m", "1s1m", "nan", "inf", "1e3"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a time such as 90s, 10m or 1h30m"):
        seconds(text)


@given(
    st.lists(
        st.text(st.characters(exclude_categories=("Cc", "Cs", "Z"), exclude_characters='"'), min_size=1), min_size=1
    )
)
def test_names_are_read_from_quotes_as_they_are(listed: list[str]) -> None:
    assert names([",".join(f'"{name}"' for name in listed)]) == listed
