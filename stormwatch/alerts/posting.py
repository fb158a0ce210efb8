"""One HTTP request to a receiver that may be slow, silent, or never come to an end."""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

_LOCK: Final = threading.Lock()
_OPEN: Final[dict[socket.socket, threading.Event]] = {}


def post(url: str, suffix: str, body: bytes, headers: Mapping[str, str], timeout_s: float) -> int:
    """Send a body to an address, `suffix` added to its path; returns the status of the answer.

    The answer is its status: what follows the headers is not waited for. The time is for all of it:
    a receiver that sends a byte now and then gets no more. `user:password@` is sent as Basic
    authorization. The time does not bound how long the name of the host is looked up.

    Raises:
        TimeoutError: there was no whole answer in time, or `hang_up` was called.
        OSError, http.client.HTTPException: the receiver cannot be reached, or does not speak HTTP.
    """
    address = urlsplit(url)
    target = (address.path.rstrip("/") if suffix else address.path or "/") + suffix
    status, _ = _exchange("POST", address, target, body, {**_login(address), **headers}, timeout_s, 0)
    return status


def fetch(
    url: str, body: bytes | None, headers: Mapping[str, str], timeout_s: float, most_bytes: int
) -> tuple[int, bytes]:
    """GET an address, or POST a body to it; status and body of the answer. No redirect is followed.

    Raises:
        TimeoutError, OSError, http.client.HTTPException: as `post`, or the answer is longer than it may be.
    """
    address = urlsplit(url)
    method = "GET" if body is None else "POST"
    return _exchange(method, address, address.path or "/", body, headers, timeout_s, most_bytes)


def _exchange(
    method: str, address: SplitResult, target: str, body: bytes | None, headers: Mapping[str, str],
    timeout_s: float, most_bytes: int,
) -> tuple[int, bytes]:  # fmt: skip
    """Status and body of the answer; the body is not waited for where it may have no bytes."""
    until = time.monotonic() + timeout_s
    target += f"?{address.query}" if address.query else ""
    host, is_secure = address.hostname or "", address.scheme == "https"
    port = address.port or (http.client.HTTPS_PORT if is_secure else http.client.HTTP_PORT)
    connection = (http.client.HTTPSConnection if is_secure else http.client.HTTPConnection)(host, port)
    with socket.create_connection((host, port), timeout_s) as raw, _limited(raw, until) as is_cut:
        try:
            connection.sock = (
                ssl.create_default_context().wrap_socket(raw, server_hostname=host) if is_secure else raw
            )
            connection.request(method, target, body, {"Connection": "close", **headers})
            response = connection.getresponse()
            content = response.read(most_bytes + 1) if most_bytes else b""
        except (OSError, http.client.HTTPException):
            if is_cut.is_set():
                raise TimeoutError from None
            raise
        finally:
            connection.close()
        # Headers that were cut off look like headers that ended.
        if is_cut.is_set():
            raise TimeoutError
    if most_bytes and len(content) > most_bytes:
        raise http.client.HTTPException(f"the answer is longer than {most_bytes} bytes")
    return response.status, content


def hang_up() -> None:
    """End all requests that are being made in this process; they fail as if the receiver had."""
    with _LOCK:
        for line, is_cut in _OPEN.items():
            is_cut.set()
            _shut(line)


@contextmanager
def _limited(raw: socket.socket, until: float) -> Iterator[threading.Event]:
    """A connection that is shut down when its time is over; the event says that it was."""
    is_cut = threading.Event()
    # Of its own, as that of the connection changes hands when it is encrypted.
    with raw.dup() as line:

        def end() -> None:
            is_cut.set()
            _shut(line)

        timer = threading.Timer(max(0.0, until - time.monotonic()), end)
        timer.daemon = True
        with _LOCK:
            _OPEN[line] = is_cut
        timer.start()
        try:
            yield is_cut
        finally:
            timer.cancel()
            with _LOCK:
                del _OPEN[line]


def _shut(line: socket.socket) -> None:
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


def _login(address: SplitResult) -> dict[str, str]:
    if address.username is None:
        return {}
    login = f"{unquote(address.username)}:{unquote(address.password or '')}"
    return {"Authorization": f"Basic {base64.b64encode(login.encode()).decode('ascii')}"}
