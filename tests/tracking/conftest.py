"""A server of Weights & Biases on the loopback that answers just enough for a run, until it is told to be silent."""

from __future__ import annotations

import http.server
import json
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest

_PROJECT = {"id": "p", "name": "metta", "entity": {"id": "e", "name": "team"}}
_BUCKET = {"id": "b", "name": "demo", "displayName": "demo", "config": "{}", "historyLineCount": 0, "project": _PROJECT}


class WandbServer(http.server.ThreadingHTTPServer):
    """``silent``: connections are accepted and never answered. ``requests`` names what was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.silent = False
        self.released = threading.Event()
        self.requests: list[str] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gave up is no error here."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: WandbServer  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            asked = json.loads(body)
        except ValueError:
            asked = {}
        query = asked.get("query", "") if isinstance(asked, dict) else ""
        name = (re.findall(r"(?:query|mutation)\s+(\w+)", query) or [self.path])[0]
        self.server.requests.append(name)
        if self.server.silent:
            self.server.released.wait(60)
            return
        answer = json.dumps({"data": self._data(name, asked)}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_PUT = do_GET  # noqa: N815 - the names of the base class

    def _data(self, name: str, asked: Any) -> dict[str, Any]:
        if name == "UpsertBucket":
            return {"upsertBucket": {"bucket": _BUCKET, "inserted": True}}
        if name == "CreateRunFiles":
            place = f"http://127.0.0.1:{self.server.server_port}/upload"
            files = [{"name": file, "uploadUrl": place} for file in asked["variables"]["files"]]
            return {"createRunFiles": {"runID": "b", "uploadHeaders": [], "files": files}}
        return {}

    def log_message(self, format: str, *args: object) -> None:
        """Nothing to stderr."""


@pytest.fixture
def wandb_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[WandbServer]:
    server = WandbServer()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()
