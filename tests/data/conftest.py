"""A place without data sets of its own, and a server on this machine."""

import gzip
import os
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No data set is found on the machine that runs the tests, nor downloaded."""
    monkeypatch.delenv("DIFFEO_DATA", raising=False)
    monkeypatch.setenv("DIFFEO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_DATA_DIRS", str(tmp_path / "share"))
    monkeypatch.setenv("DIFFEO_MIRROR", "http://127.0.0.1:9")  # nobody listens there
    for proxy in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(proxy)


@dataclass
class Server:
    """Answers by path: bytes are sent, a function does what it likes with the handler."""

    address: str = ""
    answers: dict[str, bytes | Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def give(self, path: str, content: bytes) -> None:
        self.answers[path] = gzip.compress(content, 1)


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()
    stop = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(self.path)
            answer = state.answers.get(self.path)
            if callable(answer):
                answer(self)
            elif answer is None:
                self.send_error(404)
            else:
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

        def wait(self) -> None:
            """Say nothing until the test ends."""
            while not stop.is_set():
                time.sleep(0.01)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as listening:
        listening.daemon_threads = True
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        state.address = f"http://127.0.0.1:{listening.server_address[1]}"
        yield state
        stop.set()
        listening.shutdown()
        thread.join()
