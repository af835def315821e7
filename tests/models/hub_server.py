"""A small hub at 127.0.0.1: as much of the hub's interface as publishing and opening a model takes."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COMMIT = "c" * 40


class Hub(ThreadingHTTPServer):
    """Repositories as dictionaries of files; who may write has the token ``secret``."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.messages: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def hub() -> Iterator[Hub]:
    server = Hub()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


class Answer(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        parts = self.path.partition("?")[0].strip("/").split("/")
        if parts[:2] == ["api", "models"]:
            self._describe("/".join(parts[2:4]), parts[4:])
        elif parts[2:3] == ["resolve"]:
            files, name = self.server.repositories.get("/".join(parts[:2]), {}), "/".join(parts[4:])
            if name not in files:
                self._say(404, {"error": "no file"}, {"X-Error-Code": "EntryNotFound"})
                return
            etag = f'"{hashlib.sha256(files[name]).hexdigest()}"'
            self._send(200, files[name], {"X-Repo-Commit": COMMIT, "ETag": etag, "Accept-Ranges": "bytes"})
        else:
            self._say(404, {"error": self.path})

    def _describe(self, repository: str, rest: list[str]) -> None:
        files = self.server.repositories.get(repository)
        if files is None:
            self._say(404, {"error": "no repository"}, {"X-Error-Code": "RepoNotFound"})
        elif rest[:1] == ["revision"] and rest[1] not in ("main", COMMIT):
            self._say(404, {"error": "no revision"}, {"X-Error-Code": "RevisionNotFound"})
        elif rest[:1] == ["tree"]:
            tree = [{"type": "file", "path": name, "size": len(data), "oid": "0" * 40} for name, data in files.items()]
            self._say(200, tree)
        else:
            siblings = [{"rfilename": name} for name in files]
            self._say(
                200, {"id": repository, "modelId": repository, "sha": COMMIT, "siblings": siblings, "private": False}
            )

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Authorization") != "Bearer secret":
            self._say(401, {"error": "who are you?"})
        elif self.path == "/api/repos/create":
            asked = json.loads(body)
            repository = f"{asked['organization']}/{asked['name']}" if asked.get("organization") else asked["name"]
            self.server.repositories.setdefault(repository, {})
            self._say(200, {"url": f"{self.server.address}/{repository}"})
        elif self.path == "/api/validate-yaml":
            self._say(200, {"errors": [], "warnings": []})
        elif "/preupload/" in self.path:
            files = [{"path": file["path"], "uploadMode": "regular", "shouldIgnore": False}
                     for file in json.loads(body)["files"]]  # fmt: skip
            self._say(200, {"files": files})
        elif "/commit/" in self.path:
            repository = "/".join(self.path.split("/")[3:5])
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    self.server.repositories[repository][line["value"]["path"]] = base64.b64decode(
                        line["value"]["content"]
                    )
                else:
                    self.server.messages.append(line["value"]["summary"])
            done = {"commitUrl": f"{self.server.address}/{repository}/commit/{COMMIT}", "commitOid": COMMIT}
            self._say(200, {**done, "success": True, "hookOutput": "", "pullRequestUrl": ""})
        else:
            self._say(404, {"error": self.path})

    def _say(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps(content).encode(), {"Content-Type": "application/json", **(headers or {})})

    def _send(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        pass
