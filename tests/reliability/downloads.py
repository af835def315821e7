"""``python tests/reliability/downloads.py``: what a hostile server achieves, as a table in docs/reliability.md.

A download a row, from an empty cache, in a process of its own. Limits of time are those of the package, but for the
total, which is 30 seconds here. On Linux, which counts what a process writes.
"""

import hashlib
import multiprocessing
import os
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).parents[1]))

from data import hostile_server
from data.hostile_server import GOOD, WAYS, hostile
from diffeo.data import download
from reliability.page import put

FILE = "train-labels-idx1-ubyte"
TOTAL = 30.0  # seconds
HEAD = "| server | what diffeo does | left in the cache | bytes written | seconds |\n| --- | --- | --- | ---: | ---: |"


def main() -> None:
    """Ask every kind of server, but the one that is made for being killed."""
    hostile_server.PACE = 5.0  # seconds between bytes
    with hostile() as server:
        rows = [row(way, f"{server.address}/{quote(way)}/{{file}}.gz") for way in WAYS if way != "waits once"]
    put("downloads", "\n".join([HEAD, *rows]))
    print("\n".join(rows))


def row(way: str, address: str) -> str:
    """One line of the table."""
    with tempfile.TemporaryDirectory() as cache:
        here, there = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.get_context("fork").Process(target=fetch, args=(address, cache, there))
        since = time.monotonic()
        process.start()
        there.close()
        what, written = here.recv() if here.poll(4 * TOTAL) else ("**does not end**", 0)
        process.kill()
        process.join()
        left = ", ".join(sorted(f"`{path.name}`" for path in Path(cache).rglob("*") if path.is_file())) or "nothing"
        return f"| {way} | {what} | {left} | {written:,} | {time.monotonic() - since:.1f} |"


def fetch(address: str, cache: str, pipe: Connection) -> None:
    """Download, and tell how that ended and what was written."""
    os.environ["DIFFEO_CACHE"] = cache
    for name in ("DIFFEO_MIRROR", "DIFFEO_DATA"):
        os.environ.pop(name, None)
    download.MIRRORS["mnist"] = (address,)
    download.SHA256["mnist"] = {FILE: hashlib.sha256(GOOD).hexdigest()}
    download.BYTES["mnist"] = {FILE: len(GOOD)}
    download.AT_LEAST = TOTAL
    before = written()
    try:
        what = "read" if download.fetch("mnist", FILE).read_bytes() == GOOD else "**read, and wrong**"
    except FileNotFoundError as error:
        what = "clear error: " + str(error).splitlines()[1].partition(".gz: ")[2]
    except Exception as error:
        what = f"**{type(error).__name__}**"
    pipe.send((what, written() - before))


def written() -> int:
    """Bytes that this process wrote, to files and to the server."""
    lines = Path("/proc/self/io").read_text(encoding="utf-8").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("wchar")))


if __name__ == "__main__":
    main()
