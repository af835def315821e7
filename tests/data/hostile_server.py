"""A download server on this machine that does everything wrong, one way for each path."""

import gzip
import socketserver
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import unquote

GOOD = struct.pack(">BBBBI", 0, 0, 8, 1, 3000) + bytes(i * i % 251 for i in range(3000))  # an IDX file
PACKED = gzip.compress(GOOD, mtime=0)
PACE = 0.05  # seconds between the bytes of a slow one


class Handler(BaseHTTPRequestHandler):
    server: Any
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.close_connection = True
        name = unquote(self.path.strip("/").split("/")[0])
        self.server.asked.append(name)
        with suppress(OSError):  # who asked has gone
            WAYS[name](self)

    def log_message(self, *_: object) -> None:
        pass

    def head(self, length: int | None = None, **headers: str) -> None:
        self.send_response(200)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()

    def give(self, body: bytes, **headers: str) -> None:
        self.head(len(body), **headers)
        self.wfile.write(body)

    def lead(self, to: str) -> None:
        self.send_response(302)
        self.send_header("Location", to)
        self.end_headers()

    def drip(self, body: bytes) -> None:
        for i in range(len(body)):
            self.wfile.write(body[i : i + 1])
            self.wfile.flush()
            if self.server.stop.wait(PACE):
                return

    def flood(self, piece: bytes) -> None:
        while not self.server.stop.is_set():
            self.wfile.write(piece)


def cut(handler: Handler) -> None:
    handler.head(len(PACKED))
    handler.wfile.write(PACKED[:-100])


def silent(handler: Handler) -> None:
    handler.server.stop.wait()


def silent_in_the_body(handler: Handler) -> None:
    cut(handler)
    handler.wfile.flush()
    handler.server.stop.wait()


def slow(handler: Handler) -> None:
    handler.head(len(PACKED))
    handler.drip(PACKED)


def slow_head(handler: Handler) -> None:
    handler.drip(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 10_000)


def endless(handler: Handler) -> None:
    handler.head()
    handler.flood(bytes(2**16))


def endless_redirect(handler: Handler) -> None:
    handler.send_response(302)
    handler.send_header("Location", "/good/file.gz")
    handler.end_headers()
    handler.flood(bytes(2**16))


def endless_head(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    handler.flood(b"X: " + b"x" * 1000 + b"\r\n")


def endless_chunk_size(handler: Handler) -> None:
    handler.head(Transfer_Encoding="chunked")
    handler.flood(b"0" * 2**16)


def bad_chunks(handler: Handler) -> None:
    handler.head(Transfer_Encoding="chunked")
    handler.wfile.write(b"zz\r\nno chunk\r\n")


def bomb(levels: int = 1) -> bytes:
    """30 MB of zeros, packed."""
    packer = zlib.compressobj(9, wbits=31)
    body = b"".join([*(packer.compress(bytes(2**20)) for _ in range(30)), packer.flush()])
    return body if levels == 1 else gzip.compress(body)


BOMB, PACKED_BOMB = bomb(), bomb(2)


def waits_once(handler: Handler) -> None:
    """The first who asks gets a part, and is let wait."""
    if handler.server.asked.count("waits once") == 1:
        silent_in_the_body(handler)
    else:
        handler.give(PACKED)


WAYS: dict[str, Callable[[Handler], Any]] = {
    "good": lambda h: h.give(PACKED),
    "good, not packed": lambda h: h.give(GOOD),
    "good, packed twice": lambda h: h.give(gzip.compress(PACKED), Content_Encoding="gzip"),
    "good, by a redirect": lambda h: h.lead("/good/file.gz"),
    "another file": lambda h: h.give(gzip.compress(GOOD[:-1] + b"x")),
    "HTML": lambda h: h.give(b"<html>please log in</html>"),
    "empty": lambda h: h.give(b""),
    "cut off before its length": cut,
    "cut off within its length": lambda h: h.give(PACKED[:-100]),
    "404": lambda h: h.send_error(404),
    "500": lambda h: h.send_error(500),
    "redirect loop": lambda h: h.lead("/redirect%20loop/file.gz"),
    "redirect to a file": lambda h: h.lead("file:///etc/passwd"),
    "redirect to http elsewhere": lambda h: h.lead("http://localhost.invalid/file.gz"),
    "redirect with an endless body": endless_redirect,
    "bad chunks": bad_chunks,
    "endless size of a chunk": endless_chunk_size,
    "bad header": lambda h: h.give(PACKED[:50], Content_Length="x"),
    "endless header": endless_head,
    "garbage": lambda h: h.wfile.write(bytes(range(256)) * 10),
    "silent": silent,
    "silent in the body": silent_in_the_body,
    "a byte at a time": slow,
    "a byte of the header at a time": slow_head,
    "never ends": endless,
    "gz bomb": lambda h: h.give(BOMB),
    "gz bomb as Content-Encoding": lambda h: h.give(BOMB, Content_Encoding="gzip"),
    "gz bomb, packed twice": lambda h: h.give(PACKED_BOMB, Content_Encoding="gzip"),
    "waits once": waits_once,
}
FINE = {name for name in WAYS if name.startswith("good")} | {"redirect with an endless body"}


@contextmanager
def hostile() -> Iterator[Any]:
    """The server; ``address`` of it, ``asked``: the ways that were asked for."""

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        state: Any = server
        state.daemon_threads = True
        state.stop, state.asked = threading.Event(), []
        state.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield state
        finally:
            state.stop.set()
            server.shutdown()
            thread.join()
