"""Downloads from servers that do everything wrong: one sentence each, within bounds, and nothing is left."""

import errno
import hashlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from data.hostile_server import FINE, GOOD, WAYS, hostile
from diffeo.data import download, transfer

FILE = "train-labels-idx1-ubyte"
SAYS = {
    "another file": "another file than the published one",
    "HTML": "another file than the published one",
    "empty": "sent nothing",
    "cut off before its length": "only a part",
    "cut off within its length": "only a part",
    "404": "answered 404",
    "500": "answered 500",
    "redirect loop": "redirects more than 5 times",
    "redirect to a file": "without",
    "redirect to http elsewhere": "without",
    "bad chunks": "only a part",
    "endless size of a chunk": "part|not HTTP",
    "bad header": "part|another file|nothing",
    "endless header": "not HTTP|reached",
    "garbage": "not HTTP",
    "silent": r"silent for 0\.3 seconds",
    "silent in the body": r"silent for 0\.3 seconds",
    "a byte at a time": "has not sent the file after 1 seconds",
    "a byte of the header at a time": "has not sent the file after 1 seconds",
    "never ends": "sends more than 68,544 bytes",
    "gz bomb": "unpacks to more than 68,544 bytes",
    "gz bomb as Content-Encoding": "unpacks to more than 68,544 bytes",
    "gz bomb, packed twice": "unpacks to more than 68,544 bytes",
}
SETTINGS = f"""
import hashlib, sys
from data.hostile_server import GOOD
from diffeo.data import download
download.SHA256["mnist"] = {{"{FILE}": hashlib.sha256(GOOD).hexdigest()}}
download.BYTES["mnist"] = {{"{FILE}": len(GOOD)}}
download.MIRRORS["mnist"] = (sys.argv[1],)
print(download.fetch("mnist", "{FILE}").read_bytes() == GOOD)
"""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.delenv("DIFFEO_MIRROR")
    monkeypatch.setitem(download.SHA256, "mnist", {FILE: hashlib.sha256(GOOD).hexdigest()})
    monkeypatch.setitem(download.BYTES, "mnist", {FILE: len(GOOD)})
    monkeypatch.setattr(download, "TIMEOUT", 0.3)
    monkeypatch.setattr(download, "AT_LEAST", 1.0)
    with hostile() as running:
        yield running


def use(server: Any, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(download.MIRRORS, "mnist", (f"{server.address}/{quote(way)}/{{file}}.gz",))


def left(tmp_path: Path) -> list[str]:
    return [path.name for path in (tmp_path / "cache").rglob("*") if path.is_file()]


@pytest.mark.parametrize("way", sorted(FINE))
def test_a_good_file_is_kept_however_it_comes(
    way: str, server: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use(server, way, monkeypatch)
    assert download.fetch("mnist", FILE).read_bytes() == GOOD
    assert left(tmp_path) == [FILE]


@pytest.mark.parametrize("way", sorted(set(WAYS) - FINE - {"waits once"}))
def test_a_bad_server_gives_one_sentence_and_leaves_nothing(
    way: str, server: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use(server, way, monkeypatch)
    if "bomb" in way or way in ("never ends", "HTML", "endless header", "endless size of a chunk"):
        monkeypatch.setattr(download, "AT_LEAST", 30.0)  # it is its size that ends it
    with pytest.raises(FileNotFoundError) as caught:
        download.fetch("mnist", FILE)
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert re.search(SAYS[way], lines[1]), lines[1]
    assert left(tmp_path) == []


def test_a_server_that_never_ends_is_read_no_further_than_the_file_can_be(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces = transfer.arriving(f"{server.address}/never%20ends/f", largest=10**6, silent=5, seconds=30, trusted=False)
    taken = [len(next(pieces))]
    with pytest.raises(transfer.Refused, match="sends more than 1,000,000 bytes"):
        taken.extend(map(len, pieces))
    assert sum(taken) <= 10**6


def test_plain_http_is_for_this_machine_and_a_mirror_that_the_user_names(monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = "http://mirror.invalid/mnist"
    for address in (elsewhere, "http://127.0.0.1.mirror.invalid/f", "ftp://127.0.0.1/f", "file:///etc/passwd"):
        with pytest.raises(transfer.Refused, match="no address with https"):
            next(transfer.arriving(address, largest=9, silent=1, seconds=9, trusted=False))
    with pytest.raises(transfer.Refused, match="cannot be reached"):
        next(transfer.arriving(elsewhere, largest=9, silent=1, seconds=9, trusted=True))
    assert all(mirror.startswith("https://") for mirrors in download.MIRRORS.values() for mirror in mirrors)


def test_time_follows_from_the_size() -> None:
    assert download.AT_LEAST >= 60
    assert len(GOOD) / download.SLOWEST < 1
    assert download.BYTES["mnist"]["train-images-idx3-ubyte"] == 47_040_016


def test_a_full_disk_is_said_with_the_file_and_what_it_needs(
    server: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use(server, "good", monkeypatch)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(download, "unpacked", full)
    with pytest.raises(OSError, match=rf"no room for {FILE} in .*: up to 0\.0 MB are needed"):
        download.fetch("mnist", FILE)
    assert left(tmp_path) == []
    (tmp_path / "cache").rename(tmp_path / "other")
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(OSError, match=r"cannot be written: .*set DIFFEO_CACHE"):
        download.fetch("mnist", FILE)


def start(address: str) -> "subprocess.Popen[str]":
    paths = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
    return subprocess.Popen(
        [sys.executable, "-c", SETTINGS, address],
        env=os.environ | {"PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_three_processes_download_once(server: Any, tmp_path: Path) -> None:
    address = f"{server.address}/good/{{file}}.gz"
    processes = [start(address) for _ in range(3)]
    assert [process.communicate(timeout=60)[0] for process in processes] == ["True\n"] * 3
    assert server.asked == ["good"]
    assert left(tmp_path) == [FILE]


def test_what_a_killed_process_left_is_removed_by_the_next(server: Any, tmp_path: Path) -> None:
    address = f"{server.address}/waits%20once/{{file}}.gz"
    with start(address) as first:
        until = time.monotonic() + 60
        while not (server.asked and left(tmp_path)) and time.monotonic() < until:
            time.sleep(0.01)
        first.send_signal(signal.SIGKILL)
    assert [name for name in left(tmp_path) if name.endswith(".part")]
    (tmp_path / "cache" / "mnist" / "notes.part").touch()  # somebody else's
    with start(address) as second:
        assert second.communicate(timeout=60)[0] == "True\n"
    assert sorted(left(tmp_path)) == ["notes.part", FILE]
