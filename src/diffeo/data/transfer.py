"""One download within bounds: of bytes, packed and unpacked, of time, and of where it may come from."""

import gzip
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any
from urllib.parse import urljoin, urlsplit

CHUNK = 2**16  # bytes
SLACK = 2**16  # bytes that a file may be larger packed than unpacked
REDIRECTS = 5
LOCAL = ("localhost", "127.0.0.1", "::1")
OTHER = "sent another file than the published one (its SHA-256 differs)"
PART = "sent only a part of the file"


class Refused(Exception):
    """A server does not give what is wanted; the text says what it did."""


def arriving(address: str, *, largest: int, silent: float, seconds: float, trusted: bool) -> Iterator[bytes]:
    """What a server sends, as it sends it: packed if it is packed.

    A thread waits for the server, so that no wait is longer than is left, whatever the server does.

    Args:
        address: of the file.
        largest: bytes.
        silent: seconds without a byte.
        seconds: in all.
        trusted: whether plain http is allowed to this server, as the user named it.

    Raises:
        Refused: if it sends more, is slower, answers with an error, or leads to another server without https.
    """
    came: SimpleQueue[bytes | Exception | None] = SimpleQueue()
    stopped = threading.Event()
    answers: list[Any] = []

    def ask() -> None:
        try:
            with _session(address, trusted=trusted) as session:
                answers.append(_answer(session, address, silent))
                with answers[-1] as response:
                    response.raise_for_status()
                    left = largest
                    while not stopped.is_set() and (piece := response.raw.read(CHUNK, decode_content=False)):
                        left -= len(piece)
                        if left < 0:
                            raise Refused(f"sends more than {largest:,} bytes, which the file cannot have")
                        came.put(piece)
            came.put(None)
        except Exception as error:  # it is raised where it is waited for
            came.put(error)

    threading.Thread(target=ask, daemon=True).start()
    until = time.monotonic() + seconds
    try:
        while True:
            try:
                piece = came.get(timeout=max(0.0, until - time.monotonic()))
            except Empty:
                raise Refused(f"has not sent the file after {seconds:.0f} seconds") from None
            if isinstance(piece, Exception):
                raise Refused(_reason(piece, silent)) from piece
            if piece is None:
                return
            yield piece
    finally:
        stopped.set()
        for response in answers:
            with suppress(Exception):  # it has ended, or this urllib3 cannot
                response.raw.shutdown()


def _session(address: str, *, trusted: bool) -> Any:
    """Of requests, with https to anywhere, and plain http to this server alone if it is the user's own."""
    import requests

    session = requests.Session()
    session.adapters.clear()
    session.mount("https://", requests.adapters.HTTPAdapter())
    named = urlsplit(address)
    if named.scheme == "http" and (trusted or named.hostname in LOCAL):
        session.mount(f"http://{named.netloc}/", requests.adapters.HTTPAdapter())
    session.headers["Accept-Encoding"] = "identity"
    return session


def _answer(session: Any, address: str, silent: float) -> Any:
    """The answer after redirects, which are followed here, as requests would first read their bodies to the end."""
    import requests

    for _ in range(REDIRECTS + 1):
        asked = session.prepare_request(requests.Request("GET", address))
        settings = session.merge_environment_settings(asked.url, {}, True, None, None)
        response = session.get_adapter(asked.url).send(asked, timeout=silent, **settings)
        target = session.get_redirect_target(response)
        if target is None:
            return response
        response.close()
        address = urljoin(asked.url, target)
    raise Refused(f"redirects more than {REDIRECTS} times")


def _reason(error: Exception, silent: float) -> str:
    import requests
    import urllib3

    if isinstance(error, Refused):
        return str(error)
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"answered {error.response.status_code} {error.response.reason}"[:200]
    if isinstance(error, (requests.Timeout, urllib3.exceptions.TimeoutError)) or "timed out" in str(error):
        return f"silent for {silent:g} seconds"
    if isinstance(error, requests.exceptions.InvalidSchema):
        return "is no address with https, or leads to one without"
    if isinstance(error, urllib3.exceptions.IncompleteRead | urllib3.exceptions.ProtocolError):
        return PART
    if isinstance(error, requests.ConnectionError):
        return "answered something that is not HTTP" if _garbled(error) else "cannot be reached"
    return f"{type(error).__name__}: {error}"[:200]


def _garbled(error: Exception) -> bool:
    return any(word in str(error) for word in ("BadStatusLine", "LineTooLong", "HTTPException", "RemoteDisconnected"))


def unpacked(parts: list[Path], largest: int) -> Path:
    """The file among `parts` that holds the content: the first is what was sent, packed with gzip up to twice.

    A server that declares ``Content-Encoding: gzip`` may have packed what is packed.

    Raises:
        Refused: if it is cut off, or unpacks to more than `largest` bytes.
    """
    for packed, plain in pairwise(parts):
        with packed.open("rb") as file:
            if file.read(2) != b"\x1f\x8b":
                return packed
        try:
            with gzip.open(packed) as source, plain.open("wb") as target:
                left = largest
                while piece := source.read(CHUNK):
                    left -= len(piece)
                    if left < 0:
                        raise Refused(f"sent a file that unpacks to more than {largest:,} bytes")
                    target.write(piece)
        except (EOFError, zlib.error):
            raise Refused(PART) from None
        except gzip.BadGzipFile:
            raise Refused(OTHER) from None
    return parts[-1]
