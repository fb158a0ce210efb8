"""Who may ask over HTTP: names the server is asked by, other origins, and the token."""

from __future__ import annotations

import hmac
import ipaddress
import os
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode, urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
PID_HEADER: Final = "x-stormwatch-pid"
"""On every answer: the process that gave it. A command compares it with the owner of its database."""

_HOST: Final = re.compile(r"(?:\[(?P<address>[0-9a-f:.]+)\]|(?P<name>[^\s:@/\[\]]+))(?::\d+)?")
_COOKIE: Final = "stormwatch_token"
_OPEN_PATHS: Final = frozenset({"/healthz"})


def is_loopback(host: str) -> bool:
    """Whether an address or name is this machine and only this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True)
class Access:
    """What a request must show."""

    hosts: frozenset[str] = LOOPBACK
    """Names the server may be asked by, so that no foreign name can be pointed at it."""
    accepts_any_address: bool = False
    """Whether an IP address in place of a name will do: nobody can point that elsewhere."""
    token: str | None = None
    """Needed on everything but /healthz; None: nobody is asked for one."""


class Gate:
    """ASGI middleware in front of everything; refuses what `access` does not allow."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return

        async def send_signed(message: Message) -> None:
            if message["type"] == "http.response.start":
                signature = (PID_HEADER.encode(), str(os.getpid()).encode())
                message["headers"] = [*message.get("headers", ()), signature]
            await send(message)

        refusal = self._refusal(HTTPConnection(scope))
        if refusal is None:
            await self._app(scope, receive, send_signed)
        elif scope["type"] == "websocket":
            await WebSocketClose(code=1008)(scope, receive, send)
        else:
            await refusal(scope, receive, send_signed)

    def _refusal(self, connection: HTTPConnection) -> Response | None:
        host = connection.headers.get("host", "")
        if not self._is_host_allowed(host):
            return _refuse(403, f"this server may not be asked as '{host}'; allow it with --allow-host")
        path = connection.url.path
        if path.startswith("/api/") and not _is_same_origin(connection, host):
            return _refuse(403, "requests from pages of other origins are refused")
        if self._access.token is None or path in _OPEN_PATHS:
            return None
        return self._check_token(connection, self._access.token)

    def _is_host_allowed(self, host: str) -> bool:
        found = _HOST.fullmatch(host.lower())
        if found is None:
            return False
        name = found["address"] or found["name"]
        if name in self._access.hosts:
            return True
        if not self._access.accepts_any_address:
            return False
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def _check_token(self, connection: HTTPConnection, token: str) -> Response | None:
        scheme, _, bearer = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and _is_equal(bearer.strip(), token):
            return None
        # A browser cannot send the header with a page: it shows the token once, in the address,
        # and has a cookie from then on.
        if _is_equal(connection.cookies.get(_COOKIE, ""), token):
            return None
        if _is_equal(connection.query_params.get("token", ""), token):
            return _welcome(connection, token)
        return _refuse(
            401,
            "a token is needed: send 'Authorization: Bearer TOKEN', or open the page once as /?token=TOKEN",
            {"www-authenticate": "Bearer"},
        )


def _is_equal(given: str, token: str) -> bool:
    return hmac.compare_digest(given.encode(), token.encode())


def _is_same_origin(connection: HTTPConnection, host: str) -> bool:
    origin = connection.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != host:
        return False
    # Images and scripts of a foreign page carry no origin, but browsers say where they come from.
    return connection.headers.get("sec-fetch-site", "none") in {"none", "same-origin"}


def _welcome(connection: HTTPConnection, token: str) -> Response:
    rest = [(key, value) for key, value in connection.query_params.multi_items() if key != "token"]
    # A path that starts with two slashes would lead to another host.
    path = "/" + connection.url.path.lstrip("/")
    response = RedirectResponse(f"{path}?{urlencode(rest)}" if rest else path, status_code=303)
    response.set_cookie(
        _COOKIE, token, httponly=True, samesite="lax", secure=connection.url.scheme in {"https", "wss"}
    )
    response.headers["cache-control"] = "no-store"
    response.headers["referrer-policy"] = "no-referrer"
    return response


def _refuse(status: int, reason: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": reason, "kind": "Refused"}, status, headers)
