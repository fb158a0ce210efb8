"""Serves the dashboard: the pages, plotly.js and the routes the caller adds, in one process."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.live_plotly import asset_route

_HERE = Path(__file__).parent
_PAGE_SCRIPT = _HERE / "app.py"
_SETTINGS = _HERE / ".streamlit" / "config.toml"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")

# A second wall behind the escaping of log text: even a link that slipped through loads nothing.
# Streamlit starts its components from blob addresses and compiles WebAssembly for its tables.
_CONTENT_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' ws: wss:",
        "worker-src 'self' blob:",
        "frame-src 'none'",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
)
_HEADERS = (
    (b"content-security-policy", _CONTENT_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)

Lifespan = Callable[[st.App], AbstractAsyncContextManager[dict[str, Any] | None]]


class SecurityHeaders:
    """ASGI middleware that adds the headers a browser needs to refuse foreign content."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


def build_app(
    routes: Sequence[BaseRoute], lifespan: Lifespan | None = None, middleware: Sequence[Middleware] = ()
) -> st.App:
    """The dashboard as an ASGI application, with `routes` beside its pages, all behind `middleware`.

    Routes may not start with /_stcore/, /media/, /component/ or /static/, which are Streamlit's.
    """
    return st.App(
        _PAGE_SCRIPT,
        routes=[asset_route(), *routes],
        middleware=[Middleware(SecurityHeaders), *middleware],
        lifespan=lifespan,
    )


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            flat.update(_flat(value, f"{prefix}{key}."))
        else:
            flat[prefix + key] = value
    return flat


def _environment_name(option: str) -> str:
    snake = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", option)
    return "STREAMLIT_" + snake.replace(".", "_").upper()


def settings(host: str, port: int, allowed_hosts: Sequence[str] = ()) -> dict[str, Any]:
    """Server options as dotted names: the packaged ones, unless the environment sets them.

    Options handed to the server beat every other source, so one that the user chose through a
    `STREAMLIT_*` variable is left out.
    """
    shipped = _flat(tomllib.loads(_SETTINGS.read_text(encoding="utf-8")))
    chosen = {name: value for name, value in shipped.items() if _environment_name(name) not in os.environ}
    return {
        **chosen,
        "server.address": host,
        "server.port": port,
        # Refuses requests for other names, which a page elsewhere could point at this address.
        "server.allowedHosts": [*dict.fromkeys((*_LOOPBACK, host, *allowed_hosts))],
    }


def serve(app: st.App, host: str, port: int, *, allowed_hosts: Sequence[str] = ()) -> None:
    """Serve `app` until the process is told to stop.

    `allowed_hosts` are further names this server may be asked by, for example behind a proxy.
    """
    app.run(config=settings(host, port, allowed_hosts))
