"""The kit: all that a lesson without a network needs, and nothing of anybody's written over."""

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from command import diffeo

from diffeo.data import load, read_idx
from diffeo_course import kit
from diffeo_course.kit_data import write_data
from diffeo_course.messages import LANGUAGES, Language
from diffeo_course.slides import VERSIONS, Deck
from handmade import handmade_wheels, small_mnist

pytestmark = pytest.mark.whole

STUDENT = {
    "README.md", "setup.md", "terms.md", "LICENSE.md", "slides/slides.pdf", "slides/handout.pdf", "slides/print.pdf",
    "notebooks/lab.ipynb", "notebooks/home_glow.ipynb", "notebooks/home_editing.ipynb", "notebooks/home_density.ipynb",
    "reference/realnvp.py", "reference/glow.py", "assignment/assignment.md", "assignment/rubric.md",
    "assignment/writeup.md", "assignment/report.md", "assignment/submission.py", "assignment/run.py",
    "data/digits.npz", "data/LICENCES.md", "fonts/NanumGothic.ttf", "fonts/NanumGothicBold.ttf", "fonts/OFL.txt",
}  # fmt: skip
LECTURER = {
    "instructor/guide.md", "instructor/exam.md", "instructor/notebooks/lab-solution.ipynb",
    "instructor/notebooks/home_glow-solution.ipynb", "instructor/assignment/solution.py",
    "instructor/assignment/sample-answers.md",
}  # fmt: skip


@dataclass(frozen=True)
class Written:
    """A lecturer's kit, and what write_kit said of it."""

    language: Language
    folder: Path
    sizes: dict[str, int]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return handmade_wheels(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module", autouse=True)
def _quick_slides() -> Iterator[None]:
    """Slides are compiled in test_slides.py; and there is no MNIST here unless a test says so."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Deck, "pdf", lambda deck, version: f"%PDF {deck.language} {version}".encode())
        patch.delenv("DIFFEO_DATA", raising=False)
        patch.setenv("DIFFEO_CACHE", "nothing-here")
        patch.setenv("XDG_DATA_DIRS", "nothing-here")
        yield


@pytest.fixture(scope="module", params=LANGUAGES)
def written(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, wheels: list[Path], _quick_slides: None
) -> Written:
    folder = tmp_path_factory.mktemp("바탕 화면") / "10주차 과제"
    return Written(request.param, folder, kit.write_kit(folder, language=request.param, instructor=True, wheels=wheels))


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_a_kit_in_a_korean_folder_holds_what_the_lesson_needs(written: Written, wheels: list[Path]) -> None:
    folder = written.folder
    there = files(folder)
    assert there == set(written.sizes)
    assert there >= STUDENT | LECTURER
    assert {name for name in there if name.startswith("wheel/")} == {f"wheel/{wheel.name}" for wheel in wheels}
    assert all((folder / name).stat().st_size == size > 0 for name, size in written.sizes.items())
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    for version in VERSIONS:
        assert (folder / "slides" / f"{version}.pdf").read_text() == f"%PDF {written.language} {version}"
    assert ("한" in (folder / "README.md").read_text(encoding="utf-8")) == (written.language == "ko")


def test_the_texts_name_the_wheels_that_are_in_the_kit(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    wheels = handmade_wheels(tmp_path / "wheels", version="0.7.2")
    kit.write_kit(tmp_path / "kit", language="ko", wheels=wheels)
    page = (tmp_path / "kit" / "setup.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\S+\.whl", page)) == {f"wheel/{wheel.name}" for wheel in wheels}


def test_answers_are_in_the_lecturers_folder_only(written: Written) -> None:
    for name in written.sizes:
        answers = any(word in name for word in ("solution", "answer", "exam", "guide"))
        assert answers == name.startswith("instructor/"), name
    solved = (written.folder / "instructor/notebooks/lab-solution.ipynb").read_text(encoding="utf-8")
    open_ = (written.folder / "notebooks/lab.ipynb").read_text(encoding="utf-8")
    assert "NotImplementedError" in open_
    assert "NotImplementedError" not in solved


def test_every_file_that_the_readme_names_is_there(written: Written) -> None:
    page = (written.folder / "README.md").read_text(encoding="utf-8")
    rows = [re.findall(r"`([^`]+)`", row.rsplit("|", 2)[1]) for row in page.splitlines() if row.startswith("| ")]
    named = [name for row in rows for name in row]
    assert len(named) > 12
    for name in named:
        assert list(written.folder.glob(name)) or (written.folder / "notebooks" / name).exists(), name


def test_what_is_there_is_not_written_over(tmp_path: Path, wheels: list[Path]) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    with pytest.raises(FileExistsError, match="not empty"):
        kit.write_kit(tmp_path / "mine", language="en", wheels=wheels)
    with pytest.raises(FileExistsError, match="is a file"):
        kit.write_kit(tmp_path / "mine" / "notes.txt", language="en", wheels=wheels)
    with pytest.raises(FileNotFoundError, match="no folder"):
        kit.write_kit(tmp_path / "no" / "kit", language="en", wheels=wheels)
    assert files(tmp_path) == {"mine/notes.txt"}


def test_an_empty_folder_is_filled_with_what_a_student_may_see(
    tmp_path: Path, wheels: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    student = kit.write_kit(Path("."), language="en", wheels=wheels)
    assert files(tmp_path) == set(student) >= STUDENT
    assert not [name for name in student if name.startswith("instructor") or "solution" in name or "exam" in name]


def test_a_kit_that_fails_leaves_nothing_behind(
    tmp_path: Path, wheels: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> bytes:
        raise RuntimeError("slides that cannot be built")

    monkeypatch.setattr(Deck, "pdf", fail)
    (tmp_path / "empty").mkdir()
    for name in ("new", "empty"):
        with pytest.raises(RuntimeError, match="cannot be built"):
            kit.write_kit(tmp_path / name, language="en", wheels=wheels)
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]
    assert not list((tmp_path / "empty").iterdir())


def test_what_makes_slides_is_asked_for_before_any_work(
    tmp_path: Path, wheels: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kit, "find_spec", lambda name: None if name == "typst" else name)
    with pytest.raises(ImportError, match=r'typst.*pip install "diffeo-course\[build\]"'):
        kit.write_kit(tmp_path / "kit", language="en", wheels=wheels)
    assert not list(tmp_path.iterdir())


def test_the_digits_are_those_of_the_library(written: Written) -> None:
    data = load("digits")
    with np.load(io.BytesIO((written.folder / "data/digits.npz").read_bytes())) as read:
        assert read["images"].shape == (1797, 8, 8)
        for part in ("train", "validation", "test"):
            rows = read["part"] == part
            assert np.array_equal(read["images"][rows], getattr(data, part).x[:, 0].numpy())
            assert np.array_equal(read["labels"][rows], getattr(data, part).labels.numpy())
    licences = (written.folder / "data/LICENCES.md").read_text(encoding="utf-8")
    assert "CC BY 4.0" in licences
    assert "MNIST" not in licences


def test_a_part_of_mnist_comes_from_the_lecturers_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = small_mnist(tmp_path / "data" / "mnist", 6000, 1200)
    monkeypatch.setenv("DIFFEO_DATA", str(tmp_path / "data"))
    for language in LANGUAGES:
        write_data(tmp_path / language, language)
        folder = tmp_path / language / "mnist-subset"
        assert len(list(folder.iterdir())) == 4
        for part, count in (("train", 5000), ("t10k", 1000)):
            read = read_idx(folder / f"{part}-images-idx3-ubyte.gz")
            assert np.array_equal(read.numpy(), images[part][:count])
            assert len(read_idx(folder / f"{part}-labels-idx1-ubyte.gz")) == count
        licences = (tmp_path / language / "LICENCES.md").read_text(encoding="utf-8")
        assert "CC BY-SA 3.0" in licences
        assert "mnist-subset" in licences
        names = {f"data/{path}": 1 for path in files(tmp_path / language)}
        assert "DIFFEO_DATA" not in kit.in_words(tmp_path / "kit", names, language)


def test_what_was_written_is_listed_with_sizes() -> None:
    text = kit.in_words(Path("10주차"), {"README.md": 2_000, "fonts/a.ttf": 4_700_000, "fonts/b.ttf": 100_000}, "ko")
    assert text.splitlines()[0].split() == ["README.md", "2.0", "kB"]
    assert text.splitlines()[1].split()[:3] == ["fonts/", "4.8", "MB,"]
    assert "4.8 MB" in text.splitlines()[2]
    assert "DIFFEO_DATA" in text


def test_a_file_that_is_no_wheel_is_refused(tmp_path: Path) -> None:
    (tmp_path / "diffeo-0.1.0-py3-none-any.whl").write_text("no zip")
    with zipfile.ZipFile(tmp_path / "numpy-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr("numpy/__init__.py", "")
    for name in ("diffeo-0.1.0-py3-none-any.whl", "numpy-1.0-py3-none-any.whl"):
        with pytest.raises(ValueError, match="no wheel of diffeo"):
            kit.write_kit(tmp_path / "kit", language="en", wheels=[tmp_path / name])
    with pytest.raises(FileNotFoundError, match="no file"):
        kit.write_kit(tmp_path / "kit", language="en", wheels=[tmp_path / "no.whl"])
    assert not (tmp_path / "kit").exists()


def test_a_user_is_told_in_one_line_why_nothing_was_written(tmp_path: Path) -> None:
    (tmp_path / "10주차 과제").mkdir()
    (tmp_path / "10주차 과제" / "내 파일.txt").write_text("keep")
    done = diffeo("course", "init", "10주차 과제", cwd=tmp_path, status=1)
    assert done.stderr.strip() == "diffeo: 10주차 과제 is not empty, and nothing is written over. Name a new folder"
    done = diffeo("course", "init", "new", "--lang", "fr", cwd=tmp_path, status=2)
    assert "ko" in done.stderr


def test_a_user_writes_a_kit_by_the_command_line(tmp_path: Path, wheels: list[Path]) -> None:
    done = diffeo(
        "course", "init", "10주차 과제", "--lang", "en", *(f"--wheel={wheel}" for wheel in wheels), cwd=tmp_path
    )
    folder = tmp_path / "10주차 과제"
    assert files(folder) >= STUDENT
    assert all((folder / "slides" / f"{version}.pdf").read_bytes().startswith(b"%PDF-") for version in VERSIONS)
    said = done.stdout.splitlines()
    assert "Begin with README.md there." in said[-2]
    assert "so the kit has none" in said[-1]
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]
