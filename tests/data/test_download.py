"""Downloads: whole and of the published content, or not kept at all."""

import gzip
import hashlib
import struct
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import diffeo
from diffeo.data import download
from diffeo.data.mnist import FILES

NAMES = [name for names in FILES.values() for name in names]


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    """A small MNIST."""
    rng = np.random.default_rng(0)
    return {
        name: idx(
            rng.integers(0, 10, (60_000 if "train" in name else 20, *((2, 2) if "idx3" in name else ())), np.uint8)
        )
        for name in NAMES
    }


@pytest.fixture
def mirrors(files: dict[str, bytes], server: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Two mirrors, /one and /other, of which /other has all of it."""
    monkeypatch.delenv("DIFFEO_MIRROR")
    monkeypatch.setitem(
        download.MIRRORS, "mnist", (f"{server.address}/one/{{file}}.gz", f"{server.address}/other/{{file}}.gz")
    )
    monkeypatch.setitem(
        download.SHA256, "mnist", {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    )
    monkeypatch.setitem(download.BYTES, "mnist", {name: len(content) for name, content in files.items()})
    for name, content in files.items():
        server.give(f"/other/{name}.gz", content)
    return server


def kept(tmp_path: Path) -> set[str]:
    return {path.name for path in (tmp_path / "cache").rglob("*") if path.is_file()}


def partly(handler: BaseHTTPRequestHandler, content: bytes) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content[: len(content) // 2])
    handler.wfile.flush()


def test_a_data_set_is_downloaded_once_and_then_found_in_the_cache(mirrors: Any, tmp_path: Path) -> None:
    assert diffeo.data.SOURCES["mnist"].where() == ("download", None)
    first = diffeo.data.load("mnist")
    assert diffeo.data.SOURCES["mnist"].where() == ("cached", tmp_path / "cache" / "mnist")
    asked = len(mirrors.asked)
    again = diffeo.data.load("mnist")
    assert len(mirrors.asked) == asked
    assert torch.equal(first.test.x, again.test.x)
    assert kept(tmp_path) == set(NAMES)


def test_a_mirror_without_the_file_is_followed_by_the_next(mirrors: Any) -> None:
    assert len(diffeo.data.load("mnist").train) == 55_000
    assert mirrors.asked[:2] == [f"/one/{NAMES[0]}.gz", f"/other/{NAMES[0]}.gz"]


def test_other_content_is_refused_and_the_next_mirror_asked(mirrors: Any, files: dict[str, bytes]) -> None:
    mirrors.give(f"/one/{NAMES[0]}.gz", files[NAMES[0]][:-1] + b"\xff")
    assert np.array_equal(
        diffeo.data.load("mnist").test.x.numpy()[:, 0].reshape(-1), np.frombuffer(files[NAMES[2]], np.uint8)[16:]
    )
    mirrors.give(f"/other/{NAMES[0]}.gz", files[NAMES[0]])


@pytest.mark.parametrize("name", NAMES[:1])
def test_a_wrong_hash_leaves_nothing_behind(mirrors: Any, files: dict[str, bytes], tmp_path: Path, name: str) -> None:
    for mirror in ("one", "other"):
        mirrors.give(f"/{mirror}/{name}.gz", b"x" + files[name][1:])
    with pytest.raises(FileNotFoundError, match="SHA-256 differs") as caught:
        diffeo.data.load("mnist")
    assert f"{mirrors.address}/one" in str(caught.value)
    assert f"{mirrors.address}/other" in str(caught.value)
    assert f"set DIFFEO_DATA to a folder that holds mnist/{name}.gz" in str(caught.value)
    assert kept(tmp_path) == set()


def test_a_body_that_ends_early_leaves_nothing_behind(mirrors: Any, tmp_path: Path) -> None:
    path = f"/other/{NAMES[0]}.gz"
    packed = mirrors.answers[path]
    mirrors.answers[path] = lambda handler: partly(handler, packed)
    with pytest.raises(FileNotFoundError, match="only a part"):
        diffeo.data.load("mnist")
    mirrors.answers[path] = packed[: len(packed) // 2]  # all that is announced, but cut off before
    with pytest.raises(FileNotFoundError, match="only a part"):
        diffeo.data.load("mnist")
    assert kept(tmp_path) == set()


@pytest.mark.parametrize("after_a_part", [False, True])
def test_a_silent_server_is_given_up(
    mirrors: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after_a_part: bool
) -> None:
    monkeypatch.setattr(download, "TIMEOUT", 0.2)
    path = f"/other/{NAMES[0]}.gz"
    packed = mirrors.answers[path]

    def silent(handler: Any) -> None:
        if after_a_part:
            partly(handler, packed)
        handler.wait()

    mirrors.answers[path] = silent
    with pytest.raises(FileNotFoundError, match=r"silent for 0\.2 seconds"):
        diffeo.data.load("mnist")
    assert kept(tmp_path) == set()


def test_a_dead_mirror_is_followed_by_the_next(mirrors: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        download.MIRRORS, "mnist", ("http://127.0.0.1:9/mnist/{file}.gz", f"{mirrors.address}/other/{{file}}.gz")
    )
    assert len(diffeo.data.load("mnist").train) == 55_000


def test_a_damaged_file_of_the_cache_is_fetched_again(mirrors: Any, tmp_path: Path) -> None:
    diffeo.data.load("mnist")
    path = tmp_path / "cache" / "mnist" / NAMES[0]
    content = path.read_bytes()
    path.write_bytes(content[:-10])
    with pytest.warns(UserWarning, match=f"{NAMES[0]} was damaged, and was downloaded again"):
        assert len(diffeo.data.load("mnist").train) == 55_000
    assert path.read_bytes() == content


def test_a_damaged_file_of_the_cache_is_named_where_it_cannot_be_fetched(mirrors: Any, tmp_path: Path) -> None:
    diffeo.data.load("mnist")
    path = tmp_path / "cache" / "mnist" / NAMES[0]
    path.write_bytes(b"x")
    mirrors.answers.clear()
    with pytest.raises(FileNotFoundError, match=f"^{path} is damaged, and {NAMES[0]}.gz could not be downloaded"):
        diffeo.data.load("mnist")


def test_a_mirror_of_ones_own_is_the_only_one_asked(
    mirrors: Any, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIFFEO_MIRROR", f"{mirrors.address}/school/")
    for name, content in files.items():
        mirrors.answers[f"/school/mnist/{name}.gz"] = content  # the content counts, packed or not
    diffeo.data.load("mnist")
    assert all(path.startswith("/school/mnist/") for path in mirrors.asked)


def test_without_a_network_the_error_says_what_else_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="cannot be reached") as caught:
        diffeo.data.load("fashion-mnist")
    assert "apt install dataset-fashion-mnist" in str(caught.value)
    monkeypatch.setenv("DIFFEO_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="which has no folder mnist"):
        diffeo.data.load("mnist")


def test_the_systems_files_are_found(files: dict[str, bytes], tmp_path: Path) -> None:
    folder = tmp_path / "share" / "datasets" / "fashion-mnist"
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(content, 1))
    assert diffeo.data.SOURCES["fashion-mnist"].where() == ("found", folder)
    data = diffeo.data.load("fashion-mnist")
    assert len(data.test) == 20
    assert data.class_names is not None
    assert len(data.class_names) == data.classes
