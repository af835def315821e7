"""The wheel in the kit: that of this checkout, and the same again out of an installation."""

import base64
import csv
import hashlib
import io
import zipfile
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest

from diffeo import __version__
from diffeo.course import wheel


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wheel.make_wheel(tmp_path_factory.mktemp("바탕 화면"))


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_wheel_of_a_checkout_carries_library_models_recipes_and_course(built: Path) -> None:
    assert built.name == f"diffeo-{__version__}-py3-none-any.whl"
    names = set(contents(built))
    assert {
        "diffeo/__init__.py", "diffeo/py.typed", "diffeo/course/material/ko/setup.md",
        "diffeo/course/material/fonts/OFL.txt", "diffeo/course/messages/kit.yaml",
    } <= names  # fmt: skip
    assert any(name.startswith("diffeo/recipes/") for name in names)
    assert any(name.startswith("diffeo/models/") and name.endswith(".safetensors") for name in names)
    assert not [name for name in names if "__pycache__" in name]
    wheel.check_wheel(built)


def test_an_installation_is_packed_as_the_wheel_it_came_from(built: Path, tmp_path: Path) -> None:
    site, again = tmp_path / "site", tmp_path / "again"
    again.mkdir()
    with zipfile.ZipFile(built) as archive:
        archive.extractall(site)
    info = site / f"diffeo-{__version__}.dist-info"
    with (info / "RECORD").open("a", encoding="utf-8") as record:  # as an installer does
        record.write(f"{info.name}/INSTALLER,,\n../../bin/diffeo,,\ndiffeo/__pycache__/flow.cpython-311.pyc,,\n")
    (info / "INSTALLER").write_text("pip")
    packed = contents(wheel.repack(PathDistribution(info), again))
    before = contents(built)
    record = f"{info.name}/RECORD"
    assert {name: packed[name] for name in packed if name != record} == {
        name: before[name] for name in before if name != record
    }
    rows = list(csv.reader(io.StringIO(packed[record].decode())))
    assert {row[0] for row in rows} == set(packed)
    for name, digest, size in rows:
        if name != record:
            right = base64.urlsafe_b64encode(hashlib.sha256(packed[name]).digest()).rstrip(b"=").decode()
            assert (digest, size) == (f"sha256={right}", str(len(packed[name])))


def test_an_installation_with_a_file_gone_is_named(built: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(built) as archive:
        archive.extractall(tmp_path)
    (tmp_path / "diffeo/flow.py").unlink()
    with pytest.raises(RuntimeError, match=r"diffeo/flow\.py.*--wheel FILE"):
        wheel.repack(PathDistribution(tmp_path / f"diffeo-{__version__}.dist-info"), tmp_path)


def test_a_checkout_without_hatchling_says_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheel, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install hatchling.*--wheel FILE"):
        wheel.make_wheel(tmp_path)
