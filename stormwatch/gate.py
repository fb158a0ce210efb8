"""Who may ask over HTTP: names the server is asked by, other origins, the token, and who is signed in."""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import os
import re
from dataclasses import dataclass
from typing import Final, Protocol
from urllib.parse import urlencode, urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from stormwatch.people import WHOEVER, Person, Session

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
PID_HEADER: Final = "x-stormwatch-pid"
"""On every answer: the process that gave it. A command compares it with the owner of its database."""

PERSON: Final = "stormwatch.person"
"""Under this name the scope of every request that is let in holds who asks: a Person."""

_HOST: Final = re.compile(r"(?:\[(?P<address>[0-9a-f:.]+)\]|(?P<name>[^\s:@/\[\]]+))(?::\d+)?")
_COOKIE: Final = "stormwatch_token"
_OPEN_PATHS: Final = frozenset({"/healthz"})
_LOOK_S: Final = 1.0
_POLICY_VIOLATION: Final = 1008


def is_loopback(host: str) -> bool:
    """Whether an address or name is this machine and only this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Door(Protocol):
    """Where people sign in."""

    async def answer(self, connection: HTTPConnection) -> Session | Response:
        """The session of who asks, or what they are answered in place of what they asked for."""

    def is_live(self, session: Session) -> bool:
        """Whether somebody who was let in is to stay."""


def is_for_programs(path: str) -> bool:
    """Whether programs ask for it as well as pages: the token opens it where people sign in."""
    return path.startswith("/api/") or path == "/metrics"


@dataclass(frozen=True)
class Access:
    """What a request must show."""

    hosts: frozenset[str] = LOOPBACK
    """Names the server may be asked by, so that no foreign name can be pointed at it."""
    accepts_any_address: bool = False
    """Whether an IP address in place of a name will do: nobody can point that elsewhere."""
    token: str | None = None
    """Needed on everything but /healthz; None: nobody is asked for one."""
    door: Door | None = None
    """Where people sign in; the token is then for programs, and for what is no page."""


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

        found = await self._judge(HTTPConnection(scope))
        if isinstance(found, Response):
            if scope["type"] == "websocket":
                await WebSocketClose(code=_POLICY_VIOLATION)(scope, receive, send)
            else:
                await found(scope, receive, send_signed)
        elif isinstance(found, Session) and scope["type"] == "websocket":
            await self._attend(found, {**scope, PERSON: found.person}, receive, send)
        else:
            person = found.person if isinstance(found, Session) else found
            await self._app({**scope, PERSON: person}, receive, send_signed)

    async def _judge(self, connection: HTTPConnection) -> Person | Session | Response:
        """Who asks, or why they are not answered."""
        host = connection.headers.get("host", "")
        if not self._is_host_allowed(host):
            return refuse(403, f"this server may not be asked as '{host}'; allow it with --allow-host")
        path, token, door = connection.scope["path"], self._access.token, self._access.door
        if path.startswith("/api/") and not _is_same_origin(connection, host):
            return refuse(403, "requests from pages of other origins are refused")
        if path in _OPEN_PATHS:
            return WHOEVER
        if door is not None:
            if token is not None and is_for_programs(path) and _shows(connection, token):
                return WHOEVER
            return await door.answer(connection)
        return WHOEVER if token is None else self._check_token(connection, token)

    async def _attend(self, session: Session, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a WebSocket until its session is over: then nothing more goes through it."""
        over = asyncio.create_task(self._until_over(session))

        async def receive_in_time() -> Message:
            coming = asyncio.ensure_future(receive())
            try:
                await asyncio.wait({coming, over}, return_when=asyncio.FIRST_COMPLETED)
                if not over.done():
                    return coming.result()
            finally:
                coming.cancel()
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
            return {"type": "websocket.disconnect", "code": _POLICY_VIOLATION}

        async def send_in_time(message: Message) -> None:
            if not over.done():
                await send(message)

        try:
            await self._app(scope, receive_in_time, send_in_time)
        finally:
            over.cancel()

    async def _until_over(self, session: Session) -> None:
        door = self._access.door
        while door is not None and door.is_live(session):
            await asyncio.sleep(_LOOK_S)

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

    def _check_token(self, connection: HTTPConnection, token: str) -> Person | Response:
        if _shows(connection, token):
            return WHOEVER
        # A browser cannot send the header with a page: it shows the token once, in the address,
        # and has a cookie from then on.
        if _is_equal(connection.cookies.get(_COOKIE, ""), token):
            return WHOEVER
        if _is_equal(connection.query_params.get("token", ""), token):
            return _welcome(connection, token)
        return refuse(
            401,
            "a token is needed: send 'Authorization: Bearer TOKEN', or open the page once as /?token=TOKEN",
            {"www-authenticate": "Bearer"},
        )


def _shows(connection: HTTPConnection, token: str) -> bool:
    """Whether the token is in the header for it."""
    scheme, _, bearer = connection.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and _is_equal(bearer.strip(), token)


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


def refuse(status: int, reason: str, headers: dict[str, str] | None = None) -> Response:
    """An answer that says why there is no other."""
    return JSONResponse({"error": reason, "kind": "Refused"}, status, headers)
