"""Every lab runs from top to bottom, with holes and without, as a student would run it."""

import json
from pathlib import Path
from typing import Any

import pytest

from diffeo_course.notebooks import build, run

pytestmark = pytest.mark.whole

# The other language differs in text alone (test_notebooks.py), and holes are the lab's own matter.
RUNS = [
    ("lab", "ko", "solution"),
    ("lab", "en", "student"),
    ("home_glow", "en", "solution"),
    ("home_editing", "ko", "solution"),
    ("home_density", "en", "solution"),
]
HOLES = ["coupling_forward", "coupling_inverse", "dequantize", "bits_per_dim", "loss"]
NOT_YET = {"ko": "아직 통과하지 못한 함수: ", "en": "not right yet: "}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYTHONIOENCODING", "cp949")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.delenv("DIFFEO_DATA", raising=False)
    return tmp_path / "바탕 화면" / "10주차 과제"


def outputs(path: Path) -> tuple[dict[str, str], int, int]:
    """What each code cell printed, by id; and how many pictures and animations there are."""
    printed, pictures, animations = {}, 0, 0
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        found: list[dict[str, Any]] = cell.get("outputs", [])
        printed[cell["id"]] = "".join("".join(output.get("text", "")) for output in found)
        pictures += sum("image/png" in output.get("data", {}) for output in found)
        animations += sum("image/gif" in output.get("data", {}) for output in found)
    return printed, pictures, animations


@pytest.mark.parametrize(("name", "language", "version"), RUNS)
def test_a_lab_runs_from_top_to_bottom(folder: Path, tmp_path: Path, name: str, language: Any, version: Any) -> None:
    path = next(path for path in build(folder, language, version=version) if path.stem.partition("-")[0] == name)
    executed = tmp_path / "executed.ipynb"
    assert run(path, fast=True, epochs=1, executed=executed)
    printed, pictures, animations = outputs(executed)
    text = "\n".join(printed.values())
    assert pictures >= 2
    assert animations == (3 if name == "lab" else 0)
    assert "Warning" not in text
    if version == "student":
        for function in HOLES:
            assert function in text
        assert NOT_YET[language] in text
        return
    assert NOT_YET[language] not in text
    if name == "lab":
        assert float(printed["bugs-bits"].split()[1].replace(",", "")) > 8
        assert "sample[:, :392] == noise[:, :392]: True" in printed["bugs-clues"]
        assert "wrong values: 0" in printed["glow-digits"]
        assert "(17 values)" in printed["read-numbers"]
    if name == "home_glow":
        z, log_det = (float(word) for word in printed["whole-walk"].split() if "e-" in word or word == "0.0e+00")
        assert z < 1e-3
        assert log_det < 1e-2
    if name == "home_density":
        assert {"ko": "맞습니다.", "en": "Right."}[language] in printed["units-check"]
