"""The wheels in the kit: those of this checkout, and the same again out of an installation."""

import ast
import base64
import csv
import hashlib
import io
import re
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import PathDistribution, packages_distributions
from pathlib import Path

import pytest

from diffeo import __version__
from diffeo_course import wheel
from diffeo_course.material import material
from handmade import handmade_wheels

CODE = {"diffeo_course", "tests", "tools"}  # beside the material, in a checkout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("바탕 화면")
    return {name: wheel.make_wheel(name, folder) for name in wheel.ROOTS}


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_wheel_of_the_library_holds_models_and_recipes_and_no_course(built: dict[str, Path]) -> None:
    assert built["diffeo"].name == f"diffeo-{__version__}-py3-none-any.whl"
    names = set(contents(built["diffeo"]))
    assert {"diffeo/__init__.py", "diffeo/py.typed"} <= names
    assert any(name.startswith("diffeo/recipes/") for name in names)
    assert any(name.startswith("diffeo/models/") and name.endswith(".safetensors") for name in names)
    assert {name.partition("/")[0] for name in names} == {"diffeo", f"diffeo-{__version__}.dist-info"}
    assert not [name for name in names if "course" in name or "__pycache__" in name]


def test_the_source_distribution_of_the_library_holds_no_course(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", str(tmp_path)]
    subprocess.run(command, cwd=wheel.ROOTS["diffeo"], check=True, capture_output=True)
    with tarfile.open(tmp_path / f"diffeo-{__version__}.tar.gz") as archive:
        names = archive.getnames()
    assert {f"diffeo-{__version__}/{name}" for name in ("conftest.py", "tests/saving/test_io.py")} <= set(names)
    assert not [name for name in names if "course" in name]


def test_the_wheel_of_the_course_holds_its_tools_and_all_of_the_material(built: dict[str, Path]) -> None:
    assert built["diffeo-course"].name == f"diffeo_course-{__version__}-py3-none-any.whl"
    packed = contents(built["diffeo-course"])
    assert {name.partition("/")[0] for name in packed} == {"diffeo_course", f"diffeo_course-{__version__}.dist-info"}
    assert {"diffeo_course/messages/kit.yaml", "diffeo_course/grading/report.html.j2"} <= set(packed)
    inside = {name.removeprefix("diffeo_course/material/") for name in packed if "/material/" in name}
    here = {path.relative_to(material()) for path in material().rglob("*") if path.is_file()}
    wanted = {path for path in here if path.parts[0] not in CODE and "__pycache__" not in path.parts}
    assert inside == {path.as_posix() for path in wanted} - {"pyproject.toml", "LICENSE"}


def test_both_wheels_have_one_version_and_the_course_asks_for_that_of_the_library(built: dict[str, Path]) -> None:
    said = contents(built["diffeo-course"])[f"diffeo_course-{__version__}.dist-info/METADATA"].decode()
    assert f"\nVersion: {__version__}\n" in said
    assert f"\nRequires-Dist: diffeo=={__version__}\n" in said


def test_both_wheels_have_the_licences_that_they_name(built: dict[str, Path]) -> None:
    library, course = (contents(built[name]) for name in ("diffeo", "diffeo-course"))
    place = f"-{__version__}.dist-info/licenses/"
    assert course[f"diffeo_course{place}LICENSE"] == library[f"diffeo{place}LICENSE"]
    assert b"creativecommons.org" in course[f"diffeo_course{place}LICENSE.md"]


def test_the_course_asks_for_every_package_that_it_imports(built: dict[str, Path]) -> None:
    said = contents(built["diffeo-course"])[f"diffeo_course-{__version__}.dist-info/METADATA"].decode()
    named = set(re.findall(r"^Requires-Dist: ([\w-]+)", said, re.MULTILINE))
    imports = set()
    files = list((material() / "diffeo_course").rglob("*.py"))
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imports |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imports.add(node.module.partition(".")[0])
    owners = packages_distributions()
    beside = {path.stem for path in files}  # a submission's process has the sandbox's files as modules
    others = imports - sys.stdlib_module_names - {"diffeo_course"} - beside
    assert {name for name in others if not {owner.lower() for owner in owners.get(name, [name])} & named} == set()


def test_wheels_that_are_given_are_told_apart(built: dict[str, Path], tmp_path: Path) -> None:
    assert wheel.told_apart(list(built.values())[::-1]) == built
    assert wheel.told_apart([built["diffeo-course"]]) == {"diffeo-course": built["diffeo-course"]}
    older = handmade_wheels(tmp_path, version="0.0.9")[0]
    with pytest.raises(ValueError, match=r"both wheels of diffeo\. Give one of each"):
        wheel.told_apart([built["diffeo"], older])


@pytest.mark.parametrize("name", wheel.ROOTS)
def test_an_installation_is_packed_as_the_wheel_it_came_from(name: str, built: dict[str, Path], tmp_path: Path) -> None:
    site, again = tmp_path / "site", tmp_path / "again"
    again.mkdir()
    with zipfile.ZipFile(built[name]) as archive:
        archive.extractall(site)
    (info,) = site.glob("*.dist-info")
    with (info / "RECORD").open("a", encoding="utf-8") as record:  # as an installer does
        record.write(f"{info.name}/INSTALLER,,\n../../bin/diffeo,,\ndiffeo/__pycache__/flow.cpython-311.pyc,,\n")
    (info / "INSTALLER").write_text("pip")
    made = wheel.repack(PathDistribution(info), again)
    assert made.name == built[name].name
    packed, before = contents(made), contents(built[name])
    record = f"{info.name}/RECORD"
    assert {file: packed[file] for file in packed if file != record} == {
        file: before[file] for file in before if file != record
    }
    rows = list(csv.reader(io.StringIO(packed[record].decode())))
    assert {row[0] for row in rows} == set(packed)
    for file, digest, size in rows:
        if file != record:
            right = base64.urlsafe_b64encode(hashlib.sha256(packed[file]).digest()).rstrip(b"=").decode()
            assert (digest, size) == (f"sha256={right}", str(len(packed[file])))


def test_an_installation_with_a_file_gone_is_named(built: dict[str, Path], tmp_path: Path) -> None:
    with zipfile.ZipFile(built["diffeo"]) as archive:
        archive.extractall(tmp_path)
    (tmp_path / "diffeo/flow.py").unlink()
    with pytest.raises(RuntimeError, match=r"diffeo/flow\.py.*--wheel FILE"):
        wheel.repack(PathDistribution(tmp_path / f"diffeo-{__version__}.dist-info"), tmp_path)


def test_a_checkout_without_hatchling_says_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheel, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install hatchling.*--wheel FILE"):
        wheel.make_wheel("diffeo-course", tmp_path)
