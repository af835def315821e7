"""Config files: written by ``diffeo config``, read by ``diffeo train --config``."""

from pathlib import Path

import pytest
import yaml
from command import TOLD, diffeo, together

TRAINED = (
    "train", "glow", "digits", "--epochs", 2, "--batch-size", 32, "--lr", "2e-3", "--patience", "none", "--conditional",
    "--precision", "float32", "--model.steps", 3, "--model.levels", 2, "--seed", 9, "--time-budget", "90s",
)  # fmt: skip


def test_a_printed_config_trains_identically(tmp_path: Path) -> None:
    plain = ("train", "nice", "moons")
    shown = together(("config", *TRAINED[1:]), ("config", *plain[1:]), cwd=tmp_path)
    for one, name in zip(shown, ("full.yaml", "plain.yaml"), strict=True):
        assert one.status == 0
        (tmp_path / name).write_text(one.out, encoding="utf-8")
    again = together(("config", "--config", "full.yaml"), ("config", "--config", "plain.yaml"), cwd=tmp_path)
    assert [one.out for one in again] == [one.out for one in shown]
    commands = (TRAINED, ("train", "--config", "full.yaml"), plain, ("train", "--config", "plain.yaml"))
    told = [one.json for one in together(*((*c, "--json", "--quiet") for c in commands), cwd=tmp_path, before=TOLD)]
    for one in told:
        del one["command"]
    assert told[0]["lr"] == 0.002
    # What a config states and the command left open is the flow's own default: written or not, it is the same flow.
    assert told[1] == told[0]
    assert told[3] == told[2]


def test_a_config_holds_every_option_with_a_comment(tmp_path: Path) -> None:
    (done,) = together(("config", "realnvp", "table:매출.csv", "--columns", '가격,"a, b",no'), cwd=tmp_path)
    (tmp_path / "t.yaml").write_text(done.out, encoding="utf-8")
    (again,) = together(("config", "--config", "t.yaml"), cwd=tmp_path)
    assert again.out == done.out
    values = yaml.safe_load(done.out)
    assert values["columns"] == ["가격", "a, b", "no"]
    assert values["model"]["couplings"] == 12
    assert "steps" not in values["model"]
    assert "size" not in values
    assert {"flow", "data", "out", "epochs", "batch-size", "time-budget", "missing", "split"} <= set(values)
    for line in done.out.splitlines()[1:]:
        assert line == "model:" or len(line.partition("  # ")[2]) > 5, line


def test_a_config_survives_a_terminal_without_its_letters(tmp_path: Path) -> None:
    done = diffeo("config", "realnvp", "table:매출.csv", "--drop", "번호", cwd=tmp_path, PYTHONIOENCODING="ascii",
                  PYTHONUTF8="0")  # fmt: skip
    assert done.stdout.isascii()
    assert yaml.safe_load(done.stdout)["data"] == "table:매출.csv"
    assert yaml.safe_load(done.stdout)["drop"] == ["번호"]


def test_the_command_line_comes_before_the_file_and_the_file_before_defaults(tmp_path: Path) -> None:
    (tmp_path / "내 것.yaml").write_text(
        "\ufeffflow: glow  # 주석\ndata: digits\nepochs: 7\nbatch_size: 16\nlr: 5e-4\nconditional: yes\n"
        "model: {steps: 2, width: 8}\n",
        encoding="utf-8",
    )
    read = ("train", "--config", "내 것.yaml", "--json", "--quiet", "--precision", "float32")
    file, over, other = (
        one.json
        for one in together(
            read,
            (*read, "--epochs", 3, "--model.steps", 5, "--no-conditional", "--seed", 4),
            (*read, "realnvp", "--data", "moons", "--no-conditional", "--model.steps", "none"),
            cwd=tmp_path,
            before=TOLD,
        )
    )
    assert [file[name] for name in ("epochs", "batch_size", "lr", "seed", "data")] == [7, 16, 5e-4, 0, "digits"]
    assert [file["flow"][name] for name in ("steps", "width", "classes")] == [2, 8, 10]
    assert [over[name] for name in ("epochs", "batch_size", "lr", "seed")] == [3, 16, 5e-4, 4]
    assert [over["flow"][name] for name in ("steps", "width", "classes")] == [5, 8, None]
    assert [other["data"], other["flow"]["width"]] == ["moons", 8]


MISTAKES = [
    ("epohcs: 3", "line 1: there is no option 'epohcs'. Did you mean epochs?"),
    ("seed: 1\nmodel:\n  stesp: 3", "line 3: there is no option 'model.stesp'. Did you mean model.steps?"),
    ("epochs: ten", 'line 1: invalid value for epochs: expected a whole number, got "ten"'),
    ("epochs: 1.5", 'line 1: invalid value for epochs: expected a whole number, got "1.5"'),
    ("epochs: [1, 2]", 'line 1: invalid value for epochs: expected a whole number, got "1,2"'),
    ("lr: fast", 'line 1: invalid value for lr: expected a number, got "fast"'),
    ("model: {depth: x}", 'line 1: invalid value for model.depth: expected a whole number, got "x"'),
    ("model: {steps: x}", "line 1: realnvp has no option 'steps'. It belongs to glow."),
    ("model: 3", "line 1: there is no option 'model'"),
    ("conditional: maybe", 'line 1: invalid value for conditional: expected yes or no, got "maybe"'),
    ("precision: bf61", 'line 1: invalid value "bf61" for precision. Choose from: "auto", "float32", "bf16". Did you'),
    ("tracker: wandd", 'Did you mean "wandb"?'),
    ("time_budget: soon", 'time-budget: expected a time such as 90s, 10m or 1h30m, got "soon"'),
    ("columns: [a, [b]]", "line 1: columns: expected a list of names"),
    ("seed: 1\nseed: 2", "line 2: seed is there twice"),
    ("resume: x", "line 1: resume belongs on the command line"),
    ("epochs: [3", "not valid YAML"),
    ("- 3", "expected lines such as 'epochs: 10'"),
    ("help: 3", "there is no option 'help'"),
]


def test_a_mistake_in_a_file_names_the_file_the_line_and_the_key(tmp_path: Path) -> None:
    for i, (text, _) in enumerate(MISTAKES):
        (tmp_path / f"{i}.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "korean.yaml").write_bytes("out: 매출".encode("cp949"))
    where = ("config", "realnvp", "moons", "--config")
    *found, encoding, missing, folder = together(
        *((*where, f"{i}.yaml") for i in range(len(MISTAKES))),
        (*where, "korean.yaml"), (*where, "nowhere.yaml"), (*where, "."), cwd=tmp_path,
    )  # fmt: skip
    for i, (one, (text, message)) in enumerate(zip(found, MISTAKES, strict=True)):
        assert one.status == 2, text
        assert one.out == ""
        assert one.errors.startswith(f"diffeo: {i}.yaml")
        assert message in one.errors
        assert one.errors.count("\n") == 1
    assert "not UTF-8" in encoding.errors
    assert "cannot read nowhere.yaml" in missing.errors
    assert "--config: . is a folder" in folder.errors


@pytest.mark.parametrize("text", ["", "# nothing\n"])
def test_an_empty_file_leaves_all_as_it_is(text: str, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(text, encoding="utf-8")
    bare, read = together(("config", "nice", "moons"), ("config", "nice", "moons", "--config", "c.yaml"), cwd=tmp_path)
    assert read.out == bare.out
