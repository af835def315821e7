"""The kit: all that a lesson without a network needs, and nothing of anybody's written over."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from command import diffeo
from handmade import handmade_wheel, small_mnist

from diffeo.course import kit
from diffeo.course.messages import LANGUAGES
from diffeo.course.slides import VERSIONS, Deck
from diffeo.data.mnist import read_idx

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


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return handmade_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(autouse=True)
def _quick_slides(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slides are compiled in test_slides.py; and there is no MNIST here unless a test says so."""
    monkeypatch.setattr(Deck, "pdf", lambda deck, version: f"%PDF {deck.language} {version}".encode())
    monkeypatch.delenv("DIFFEO_DATA", raising=False)
    monkeypatch.setenv("DIFFEO_CACHE", "nothing-here")
    monkeypatch.setenv("XDG_DATA_DIRS", "nothing-here")


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_kit_in_a_korean_folder_holds_what_the_lesson_needs(
    language: kit.Language, tmp_path: Path, wheel: Path
) -> None:
    folder = tmp_path / "바탕 화면" / "10주차 과제"
    folder.parent.mkdir()
    written = kit.write_kit(folder, language=language, wheel=wheel)
    there = files(folder)
    assert there == set(written)
    assert there >= STUDENT
    assert f"wheel/{wheel.name}" in there
    assert all((folder / name).stat().st_size == size > 0 for name, size in written.items())
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
    for version in VERSIONS:
        assert (folder / "slides" / f"{version}.pdf").read_text() == f"%PDF {language} {version}"
    assert ("한" in (folder / "README.md").read_text(encoding="utf-8")) == (language == "ko")


@pytest.mark.parametrize("language", LANGUAGES)
def test_answers_are_in_the_lecturers_folder_only(language: kit.Language, tmp_path: Path, wheel: Path) -> None:
    written = kit.write_kit(tmp_path / "kit", language=language, instructor=True, wheel=wheel)
    assert set(written) >= STUDENT | LECTURER
    for name in written:
        answers = any(word in name for word in ("solution", "answer", "exam", "guide"))
        assert answers == name.startswith("instructor/"), name
    student = kit.write_kit(tmp_path / "student", language=language, wheel=wheel)
    assert set(student) == {name for name in written if not name.startswith("instructor/")}
    solved = (tmp_path / "kit/instructor/notebooks/lab-solution.ipynb").read_text(encoding="utf-8")
    open_ = (tmp_path / "kit/notebooks/lab.ipynb").read_text(encoding="utf-8")
    assert "NotImplementedError" in open_
    assert "NotImplementedError" not in solved


def test_every_file_that_the_readme_names_is_there(tmp_path: Path, wheel: Path) -> None:
    import re

    for language in LANGUAGES:
        folder = tmp_path / language
        kit.write_kit(folder, language=language, wheel=wheel)  # type: ignore[arg-type]
        page = (folder / "README.md").read_text(encoding="utf-8")
        rows = [re.findall(r"`([^`]+)`", row.rsplit("|", 2)[1]) for row in page.splitlines() if row.startswith("| ")]
        named = [name for row in rows for name in row]
        assert len(named) > 12
        for name in named:
            assert (folder / name).exists() or (folder / "notebooks" / name).exists(), name


def test_what_is_there_is_not_written_over(tmp_path: Path, wheel: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep")
    with pytest.raises(FileExistsError, match="not empty"):
        kit.write_kit(tmp_path / "mine", language="en", wheel=wheel)
    with pytest.raises(FileExistsError, match="is a file"):
        kit.write_kit(tmp_path / "mine" / "notes.txt", language="en", wheel=wheel)
    with pytest.raises(FileNotFoundError, match="no folder"):
        kit.write_kit(tmp_path / "no" / "kit", language="en", wheel=wheel)
    assert files(tmp_path) == {"mine/notes.txt"}


def test_an_empty_folder_is_filled(tmp_path: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    written = kit.write_kit(Path("."), language="en", wheel=wheel)
    assert files(tmp_path) == set(written)


def test_a_kit_that_fails_leaves_nothing_behind(tmp_path: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> bytes:
        raise RuntimeError("slides that cannot be built")

    monkeypatch.setattr(Deck, "pdf", fail)
    (tmp_path / "empty").mkdir()
    for name in ("new", "empty"):
        with pytest.raises(RuntimeError, match="cannot be built"):
            kit.write_kit(tmp_path / name, language="en", wheel=wheel)
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]
    assert not list((tmp_path / "empty").iterdir())


def test_what_makes_slides_is_asked_for_before_any_work(
    tmp_path: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kit, "find_spec", lambda name: None if name == "typst" else name)
    with pytest.raises(ImportError, match=r'typst.*pip install "diffeo\[course\]"'):
        kit.write_kit(tmp_path / "kit", language="en", wheel=wheel)
    assert not list(tmp_path.iterdir())


def test_the_digits_are_those_of_the_library(tmp_path: Path, wheel: Path) -> None:
    from diffeo.data import load

    kit.write_kit(tmp_path / "kit", language="en", wheel=wheel)
    data = load("digits")
    with np.load(io.BytesIO((tmp_path / "kit/data/digits.npz").read_bytes())) as read:
        assert read["images"].shape == (1797, 8, 8)
        for part in ("train", "validation", "test"):
            rows = read["part"] == part
            assert np.array_equal(read["images"][rows], getattr(data, part).x[:, 0].numpy())
            assert np.array_equal(read["labels"][rows], getattr(data, part).labels.numpy())
    assert "CC BY 4.0" in (tmp_path / "kit/data/LICENCES.md").read_text(encoding="utf-8")
    assert "MNIST" not in (tmp_path / "kit/data/LICENCES.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_part_of_mnist_comes_from_the_lecturers_machine(
    language: kit.Language, tmp_path: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = small_mnist(tmp_path / "data" / "mnist", 6000, 1200)
    monkeypatch.setenv("DIFFEO_DATA", str(tmp_path / "data"))
    written = kit.write_kit(tmp_path / "kit", language=language, wheel=wheel)
    folder = tmp_path / "kit/data/mnist-subset"
    assert len(list(folder.iterdir())) == 4
    for part, count in (("train", 5000), ("t10k", 1000)):
        read = read_idx(folder / f"{part}-images-idx3-ubyte.gz")
        assert np.array_equal(read.numpy(), images[part][:count])
        assert len(read_idx(folder / f"{part}-labels-idx1-ubyte.gz")) == count
    licences = (tmp_path / "kit/data/LICENCES.md").read_text(encoding="utf-8")
    assert "CC BY-SA 3.0" in licences
    assert "mnist-subset" in licences
    assert "DIFFEO_DATA" not in kit.in_words(tmp_path / "kit", written, language)


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
            kit.write_kit(tmp_path / "kit", language="en", wheel=tmp_path / name)
    with pytest.raises(FileNotFoundError, match="no file"):
        kit.write_kit(tmp_path / "kit", language="en", wheel=tmp_path / "no.whl")
    assert not (tmp_path / "kit").exists()


def test_a_user_is_told_in_one_line_why_nothing_was_written(tmp_path: Path) -> None:
    (tmp_path / "10주차 과제").mkdir()
    (tmp_path / "10주차 과제" / "내 파일.txt").write_text("keep")
    done = diffeo("course", "init", "10주차 과제", cwd=tmp_path, status=1)
    assert done.stderr.strip() == "diffeo: 10주차 과제 is not empty, and nothing is written over. Name a new folder"
    done = diffeo("course", "init", "new", "--lang", "fr", cwd=tmp_path, status=2)
    assert "ko" in done.stderr
