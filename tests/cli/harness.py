"""Log lines, and the command as a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from stormwatch.storage import read_owner

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0
Found = TypeVar("Found")

HOSTILE = "a\x1b[31mred\x9b2J\u202etxt.exe\x07\x7f"
"""Clears the screen, turns the direction, rings: in ways of which JSON forbids only some."""


def line(**fields: object) -> str:
    """A record of the canonical format."""
    return json.dumps(fields, ensure_ascii=False) + "\n"


def order(number: int, **more: object) -> str:
    """The record of the event `order-<number>`, which the one before caused."""
    return line(
        time=f"2026-03-02T10:{number // 60 % 60:02}:{number % 60:02}Z",
        service="orders", type="order.created", operation="send", id=f"order-{number}",
        stream="orders", sequence=number, causation_id=f"order-{number - 1}" if number else None, **more,
    )  # fmt: skip


@dataclass(frozen=True)
class Result:
    """What a command did."""

    code: int
    out: bytes
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The output of `--format json`."""
        rows: list[dict[str, Any]] = json.loads(self.out)
        return rows


Command = Callable[..., Result]


@dataclass
class Running:
    """A command as a process of its own."""

    process: subprocess.Popen[bytes]
    database: Path
    token: str | None = None

    @property
    def url(self) -> str:
        """Where it answers; waits until it does."""

        def announced() -> str | None:
            assert self.process.poll() is None, self.process.communicate()
            owner = read_owner(self.database)
            return owner.url if owner is not None and owner.pid == self.process.pid else None

        return eventually(announced)

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body of a GET."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        address = urlsplit(self.url)
        connection = HTTPConnection(str(address.hostname), address.port, timeout=PATIENCE_S)
        try:
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def status(self) -> dict[str, Any]:
        """What its ingester says of itself."""
        status: dict[str, Any] = json.loads(self.get("/api/status")[1])
        return status

    def wait_for(self, events: int) -> None:
        """Until it has read so many events."""

        def has_read() -> bool:
            status = self.status()
            assert status["state"] != "failed", status
            return int(status["events"]) >= events

        eventually(has_read)

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal; the exit code and all of stderr."""
        self.process.send_signal(number)
        _, err = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, err.decode()


@dataclass
class Processes:
    """Starts commands; whatever still runs at the end of the test is killed."""

    database: Path
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __call__(self, *arguments: object, token: str | None = None, **environment: str) -> Running:
        process = subprocess.Popen(
            command(*arguments),
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self.started.append(process)
        return Running(process, self.database, token)


def command(*arguments: object) -> Sequence[str]:
    """The words of a command line."""
    return [sys.executable, "-m", "stormwatch.cli.main", *(str(argument) for argument in arguments)]


def eventually(look: Callable[[], Found | None], patience_s: float = PATIENCE_S) -> Found:
    """What `look` finds, as soon as it finds something."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("nothing was found in time")
