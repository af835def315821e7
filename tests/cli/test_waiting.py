"""What a command waits for: only for what it needs."""

import json
import subprocess
import sys
from pathlib import Path

from command import environment

HEAVY = ("torch", "torch._dynamo", "scipy.stats", "jinja2", "matplotlib", "sklearn")
IMPORTED = """
import json, sys
from diffeo.cli import main
for arguments in json.loads(sys.argv[1]):
    try:
        main(arguments)
    except SystemExit as end:
        assert (end.code or 0) in (0, 1, 2), end.code
    print(json.dumps([name for name in json.loads(sys.argv[2]) if name in sys.modules]), file=sys.stderr)
"""


def imported(*commands: list[str], cwd: Path) -> list[tuple[str, list[str]]]:
    """What each command printed last on stderr, and the heavy modules that are imported after it, in one process."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED, json.dumps(commands), json.dumps(HEAVY)],
        cwd=cwd, capture_output=True, text=True, encoding="utf-8", env=environment(), check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said, found = "", []
    for line in done.stderr.splitlines():
        if line.startswith("["):
            found.append((said, json.loads(line)))
        said = "" if line.startswith("[") else said + line + "\n"
    assert len(found) == len(commands)
    return found


def test_mistyped_names_and_lists_wait_for_no_torch(tmp_path: Path) -> None:
    mistakes = {
        "Did you mean glow-digits?": ["sample", "glow-digitz"],
        "models that ship are": ["score", "runs/not-here", "digits"],
        "no model that ships is called so": ["edit", "reconstruct", "glow-digitz", "--images", "1"],
        "does not exist": ["evaluate", "glow-digitz"],
        "Did you mean moons?": ["train", "realnvp", "mooons"],
        "Did you mean realnvp?": ["train", "realnpv", "moons"],
        "It belongs to glow": ["train", "realnvp", "moons", "--model.steps", "3"],
        "--epochz": ["train", "realnvp", "moons", "--epochz", "3"],
        "trian": ["trian", "realnvp", "moons"],
        "A run is made by": ["verify", "glow-digitz"],
        "mean digits?": ["score", "glow-digits", "digitz"],
        "mean mnist?": ["evaluate", "glow-mnist", "mnits"],
        "mean fashion-mnist?": ["verify", "glow-mnist", "fashion-mnits"],
        "mean power?": ["edit", "reconstruct", "glow-digits", "powr", "--images", "1"],
        "mean table:x.csv?": ["score", "realnvp-moons", "tabel:x.csv"],
        "exist": ["train", "realnvp", "folder:not-here"],
    }
    lists = [["data"], ["models"], ["models", "glow-digits"], ["--help"], ["train", "--help"], ["sample", "--help"],
             ["train", "glow", "mnist", "--help"], ["config", "--config", "realnvp-moons", "--help"]]  # fmt: skip
    found = imported(*mistakes.values(), *lists, cwd=tmp_path)
    for (said, modules), (expected, arguments) in zip(found, mistakes.items(), strict=False):
        assert expected in said, (arguments, said)
        assert modules == [], arguments
    for (said, modules), arguments in zip(found[len(mistakes) :], lists, strict=True):
        assert said == "", arguments
        assert modules == [], arguments


def test_the_refusal_of_a_table_waits_for_no_torch(tmp_path: Path) -> None:
    lines = ["price,kind,rooms", *(f"{number / 7},{'ab'[number % 2]},{number % 4}" for number in range(200))]
    (tmp_path / "bad.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "short.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    (refused, modules), (short, after), (absent, last) = imported(
        ["train", "realnvp", "table:bad.csv"],
        ["train", "realnvp", "table:short.csv"],
        ["train", "realnvp", "table:no.csv"],
        cwd=tmp_path,
    )
    assert "Use diffeo train realnvp table:bad.csv --" in refused
    assert "a density needs more" in short
    assert "no.csv does not exist" in absent
    assert modules == after == last == []


def test_samples_of_a_model_wait_for_torch_alone(tmp_path: Path) -> None:
    found = imported(
        ["sample", "glow-mnist-classes", "--condition", "7", "-n", "2"],
        ["sample", "realnvp-power", "-n", "2"],
        ["sample", "realnvp-digits", "-n", "2", "--out", "digits.png"],
        cwd=tmp_path,
    )
    for said, modules in found:
        assert said == ""
        assert modules == ["torch"]
