"""Completion, as the shell asks for it."""

import contextlib
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from command import environment, together

ASK = """
source ./script || exit 1
ask() {{
  COMP_WORDS=(diffeo "$@"); COMP_CWORD=$#; COMP_LINE="diffeo $*"; COMP_POINT=${{#COMP_LINE}}; COMPREPLY=()
  _diffeo; echo "${{COMPREPLY[*]}}"
}}
complete -p diffeo
{questions}
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here to complete in")
def test_bash_completes_verbs_names_options_and_choices(tmp_path: Path) -> None:
    (script,) = together(("completion", "bash"), cwd=tmp_path)
    (tmp_path / "script").write_text(script.out, encoding="utf-8")
    (tmp_path / "recipe.yaml").touch()
    expected = {
        "tra": "train",
        "train gl": "glow",
        "train glow fash": "fashion-mnist",
        "train glow mnist --model.st": "--model.steps",
        "train glow mnist --precision b": "bf16",
        "train glow mnist --tracker ''": "tensorboard wandb",
        "config realnvp checker": "checkerboard",
        "train nice moons --model.coup": "--model.couplings",
        "config realnvp digits --model.bl": "--model.blocks",
        "train --config rec": "recipe.yaml",
        "sample runs/x --temp": "--temperature",
        "completion z": "zsh",
    }
    asked = ASK.format(questions="\n".join(f"ask {question}" for question in expected))
    done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.stderr == ""
    first, *answers = done.stdout.splitlines()
    assert first.split()[-1] == "diffeo"
    assert dict(zip(expected, answers, strict=True)) == expected


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here to complete in")
def test_bash_completes_paths_after_table_and_folder(tmp_path: Path) -> None:
    (script,) = together(("completion", "bash"), cwd=tmp_path)
    (tmp_path / "script").write_text(script.out, encoding="utf-8")
    (tmp_path / "sales.csv").touch()
    (tmp_path / "my file.csv").touch()
    (tmp_path / "photos" / "cats").mkdir(parents=True)
    expected = {  # bash ends words at colons, unless it was told not to
        "train realnvp table : sa": "sales.csv",
        "train realnvp table:sa": "table:sales.csv",
        "train realnvp table : my": r"my\ file.csv",
        r"train realnvp table : 'my\ '": r"my\ file.csv",
        "train realnvp folder :": "photos/",
        "train realnvp folder : photos/c": "photos/cats/",
        "train realnvp folder : sa": "",
        "train --data folder : ph": "photos/",
        "score runs/x table : sal": "sales.csv",
        "train gl": "glow",
    }
    asked = ASK.format(questions="\n".join(f"ask {question}" for question in expected))
    done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.stderr == ""
    assert dict(zip(expected, done.stdout.splitlines()[1:], strict=True)) == expected


@pytest.mark.skipif(shutil.which("zsh") is None, reason="there is no zsh here to complete in")
def test_zsh_completes_paths_after_table_and_folder(tmp_path: Path) -> None:
    import pty

    (script,) = together(("completion", "zsh"), cwd=tmp_path)
    (tmp_path / "script").write_text(script.out, encoding="utf-8")
    (tmp_path / "sales.csv").touch()
    (tmp_path / "photos").mkdir()
    keyboard, terminal = pty.openpty()
    shell = subprocess.Popen(
        ["zsh", "-f", "-i"], cwd=tmp_path, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True,
        env=environment(TERM="dumb", PS1="$ "),
    )  # fmt: skip
    lines = (
        "autoload -Uz compinit && compinit -u -d dump && source ./script",
        'diffeo() { print -r -- "$@" >> answers }',
        "diffeo train realnvp table:sa\t",
        "diffeo train realnvp folder:ph\t",
        "diffeo train --data=table:sa\t",
        "diffeo train gl\t",
        "exit",
    )
    os.write(keyboard, "".join(f"{line}\n" for line in lines).encode())
    reader = threading.Thread(target=drain, args=(keyboard,), daemon=True)
    reader.start()
    try:
        shell.wait(timeout=60)
    finally:
        shell.kill()
        os.close(terminal)
    assert (tmp_path / "answers").read_text().split("\n")[:-1] == [
        "train realnvp table:sales.csv",
        "train realnvp folder:photos",
        "train --data=table:sales.csv",
        "train glow",
    ]


def drain(terminal: int) -> None:
    """Read what a shell prints, which would wait otherwise."""
    with contextlib.suppress(OSError):  # it has ended
        while os.read(terminal, 65536):
            pass


def test_fish_is_told_of_paths_after_table_and_folder(tmp_path: Path) -> None:
    (script,) = together(("completion", "fish"), cwd=tmp_path)
    assert "complete -c diffeo -n '__fish_diffeo_using_command score' -l json" in script.out
    assert script.out.rstrip().endswith("-a '(__fish_diffeo_path)'")
    for option in ("steps", "couplings", "blocks"):  # of any flow
        assert f"-l model.{option} " in script.out
    if shutil.which("fish") is not None:
        (tmp_path / "script").write_text(script.out, encoding="utf-8")
        (tmp_path / "sales.csv").touch()
        asked = 'source script; complete -C "diffeo train realnvp table:sa"'
        done = subprocess.run(["fish", "-c", asked], capture_output=True, text=True, cwd=tmp_path, check=False)
        assert "table:sales.csv" in done.stdout


@pytest.mark.skipif(shutil.which("zsh") is None, reason="there is no zsh here to read the script")
def test_zsh_reads_its_script(tmp_path: Path) -> None:
    (script,) = together(("completion", "zsh"), cwd=tmp_path)
    (tmp_path / "_diffeo").write_text(script.out, encoding="utf-8")
    start = "autoload -Uz compinit && compinit -u -d dump"
    for load in (f"{start} && source ./_diffeo", f"fpath=($PWD $fpath) && {start}"):
        asked = f"{load} && print $_comps[diffeo] && [[ -n $functions[$_comps[diffeo]] ]]"
        done = subprocess.run(["zsh", "-fc", asked], capture_output=True, text=True, cwd=tmp_path, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert "diffeo" in done.stdout


def test_completion_needs_no_torch(tmp_path: Path) -> None:
    code = "import sys; from diffeo.cli import main; main(['completion', 'zsh']); sys.exit('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environment(), check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("#compdef diffeo")


def test_the_names_that_complete_are_the_names_there_are() -> None:
    import diffeo
    from diffeo.cli.names import DATA

    assert set(DATA) == {*diffeo.data.SOURCES, "power"}
