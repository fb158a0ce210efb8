"""A receiver of notices that really listens, and can go down and come back at the same port."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Got:
    """A request that was taken."""

    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.raw)

    @property
    def key(self) -> str:
        """Its idempotency key; empty for one that is only sent again."""
        return self.headers.get("idempotency-key", "")


@dataclass
class Receiver:
    """Listens on a port of its own, and keeps what it took."""

    status: int = 200
    port: int = 0
    got: list[Got] = field(default_factory=list)
    refused: int = 0
    _server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        """Where it listens, with something in the address that is nobody's business."""
        return f"http://127.0.0.1:{self.port}"

    def up(self) -> None:
        """Listen, at the same port as before if there was one."""
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                if owner.status == 200:
                    owner.got.append(Got(self.path, headers, raw))
                else:
                    owner.refused += 1
                self.send_response(owner.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def down(self) -> None:
        """Stop listening; connections are refused from now on."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def told(self) -> list[tuple[str, str, str]]:
        """Rule, status and severity of the notices of a webhook, in their order."""
        return [(one.body["rule"], one.body["status"], one.body["severity"]) for one in self.got]
