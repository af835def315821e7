"""The Olivetti faces: split by person, downloaded or found."""

import gzip
import hashlib
import io
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.io import savemat

import diffeo
from diffeo.data import SOURCES, Dataset, download
from diffeo.data.olivetti import FILE, read_faces

REAL = Path(os.environ.get("DIFFEO_DATA", "")) / "olivetti" / FILE  # before the place of the tests is set
PICTURES = np.random.default_rng(0).integers(0, 256, (400, 64, 64), dtype=np.uint8)


def content(faces: np.ndarray, name: str = "faces") -> bytes:
    buffer = io.BytesIO()
    savemat(buffer, {name: faces}, do_compression=True)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def file() -> bytes:
    """As it is published: a column an image, whose pixels go down the columns first."""
    return content(PICTURES.transpose(0, 2, 1).reshape(400, 4096).T)


@pytest.fixture(autouse=True)
def _published(request: pytest.FixtureRequest, file: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file of these tests counts as the published one."""
    if "published_faces" not in request.node.name:
        monkeypatch.setitem(download.SHA256, "olivetti", {FILE: hashlib.sha256(file).hexdigest()})
        monkeypatch.setitem(download.BYTES, "olivetti", {FILE: len(file)})


@pytest.fixture
def folder(file: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DIFFEO_DATA", str(tmp_path))
    (tmp_path / "olivetti").mkdir()
    (tmp_path / "olivetti" / FILE).write_bytes(file)
    return tmp_path / "olivetti"


def check_parts(data: Dataset) -> None:
    source = SOURCES["olivetti"]
    parts = data.train, data.validation, data.test
    assert tuple(map(len, parts)) == source.rows
    assert (data.shape, data.values, data.classes) == (source.shape, 256, None)
    people = [set(part.labels.tolist()) for part in parts]
    assert [len(some) for some in people] == [30, 4, 6]
    assert set.union(*people) == set(range(40))  # 40 in all, so no person is in two parts
    assert sorted(torch.cat([part.rows for part in parts]).tolist()) == list(range(400))
    for part in parts:
        assert torch.equal(part.labels, part.rows // 10)
        assert part.x.dtype == torch.uint8


def test_no_person_is_in_two_parts_and_images_stand_upright(folder: Path) -> None:
    data = diffeo.data.load("olivetti")
    check_parts(data)
    for part in (data.train, data.validation, data.test):
        assert torch.equal(part.x[:, 0], torch.from_numpy(PICTURES)[part.rows])
    assert SOURCES["olivetti"].where() == ("found", folder)
    assert torch.equal(diffeo.data.load("olivetti").test.x, data.test.x)


def test_people_are_no_classes_to_condition_on(folder: Path) -> None:
    from diffeo.cli.build import build_flow

    with pytest.raises(ValueError, match="olivetti has no classes"):
        build_flow("glow", diffeo.data.load("olivetti"), {}, conditional=True)


def test_it_is_downloaded_once_and_checked_by_its_content(
    file: bytes, server: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("DIFFEO_MIRROR")
    monkeypatch.setitem(download.MIRRORS, "olivetti", (f"{server.address}/files/1", f"{server.address}/files/2"))
    server.answers["/files/1"] = file[:-1] + b"x"
    server.answers["/files/2"] = file
    assert SOURCES["olivetti"].where() == ("download", None)
    check_parts(diffeo.data.load("olivetti"))
    assert SOURCES["olivetti"].where() == ("cached", tmp_path / "cache" / "olivetti")
    asked = list(server.asked)
    assert asked == ["/files/1", "/files/2"]
    diffeo.data.load("olivetti")
    assert server.asked == asked


def test_a_mirror_of_ones_own_has_it_under_its_name(file: bytes, server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIFFEO_MIRROR", server.address)
    server.answers[f"/olivetti/{FILE}"] = file
    check_parts(diffeo.data.load("olivetti"))


def test_without_a_network_the_error_says_where_the_file_may_lie() -> None:
    with pytest.raises(FileNotFoundError, match=f"set DIFFEO_DATA to a folder that holds olivetti/{FILE}$"):
        diffeo.data.load("olivetti")


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (b"", "another file than the published one"),
        (b"no MATLAB file at all", "another file than the published one"),
        (content(PICTURES.reshape(400, 4096).T)[:-5000], "another file"),
        (gzip.compress(b"abc")[:-2], "damaged"),
        (gzip.compress(bytes(100_000_000)), "another file"),
        (content(PICTURES, "other"), "another file"),
        (content(PICTURES[:10].reshape(10, 4096).T), "another file"),
    ],
    ids=["empty", "text", "cut off", "cut off gzip", "bomb", "another array", "fewer images"],
)
def test_a_file_that_cannot_be_used_is_named(folder: Path, broken: bytes, message: str) -> None:
    (folder / FILE).write_bytes(broken)
    with pytest.raises(ValueError, match=rf"{FILE}.*{message}"):
        diffeo.data.load("olivetti")


def test_another_file_is_never_parsed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def parsed(*_: object, **__: object) -> None:
        raise AssertionError("scipy's reader ends the interpreter on some files")

    monkeypatch.setattr("scipy.io.loadmat", parsed)
    for file in (folder / FILE, folder / f"{FILE}.gz"):
        file.write_bytes(b"MATLAB 5.0 MAT-file" + bytes(261))
        with pytest.raises(ValueError, match="SHA-256 differs"):
            diffeo.data.load("olivetti")


def test_a_packed_file_is_read_too(folder: Path, file: bytes) -> None:
    (folder / f"{FILE}.gz").write_bytes(gzip.compress(file, 1))
    (folder / FILE).unlink()
    check_parts(diffeo.data.load("olivetti"))


@pytest.mark.skipif(
    not REAL.is_file(), reason="the faces are not here: DIFFEO_DATA names no folder with olivetti in it"
)
def test_the_published_faces_are_read_as_scikit_learn_does() -> None:
    faces = read_faces(REAL)
    documented = [0.30991736, 0.3677686, 0.41735536]  # the first three numbers of fetch_olivetti_faces().data
    assert np.allclose(faces.reshape(400, -1)[0, :3] / faces.max(), documented)
    assert len(np.unique(faces.reshape(400, -1), axis=0)) == 400
