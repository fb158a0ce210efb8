"""Serves the dashboard and the HTTP interface over a database this process owns."""

from __future__ import annotations

import os
import sys
import threading
import webbrowser
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from starlette.middleware import Middleware

from dashboard import launcher
from stormwatch import runtime
from stormwatch.cli.serving import Owned, following, until_stopped
from stormwatch.cli.talk import say
from stormwatch.errors import StormwatchError
from stormwatch.gate import Access, Gate, is_loopback
from stormwatch.server import routes

if TYPE_CHECKING:
    from stormwatch.sign_in.door import Door
    from stormwatch.sign_in.settings import SignIn

_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - looked up, not bound


@dataclass(frozen=True)
class Page:
    """Where the dashboard listens, and who may ask."""

    host: str
    port: int
    access: Access
    opens_browser: bool
    sign_in: SignIn | None = None

    @property
    def url(self) -> str:
        """Where this machine reaches it."""
        name = _WILDCARDS.get(self.host, self.host)
        return f"http://{f'[{name}]' if ':' in name else name}:{self.port}"


def serve_dashboard(owned: Owned, page: Page, seconds: float | None = None) -> None:
    """Follow the directory and serve pages until a signal, or for `seconds`."""
    from uvicorn.config import LOGGING_CONFIG

    # The server's greetings say nothing that ours do not.
    LOGGING_CONFIG["loggers"]["uvicorn"]["level"] = "WARNING"
    door = _door(owned, page)
    access = replace(page.access, door=door)
    runtime.install(replace(owned.runtime, person=door.sessions.person) if door else owned.runtime)
    app = launcher.build_app(
        routes(owned.runtime),
        following(owned, page.url, lambda: _welcome(page), seconds=seconds),
        middleware=[Middleware(Gate, access=access)],
    )
    # Names are the gate's business where the server is open to others.
    names = () if is_loopback(page.host) else ("*",)
    with until_stopped():
        launcher.serve(app, page.host, page.port, allowed_hosts=(*page.access.hosts, *names))


def _door(owned: Owned, page: Page) -> Door | None:
    """Where people sign in, if they do; says when their provider cannot be asked."""
    if page.sign_in is None:
        return None
    from stormwatch.sign_in.door import Door
    from stormwatch.sign_in.provider import Provider
    from stormwatch.sign_in.sessions import Seal

    settings = replace(page.sign_in, base_url=page.sign_in.base_url or page.url)
    provider = Provider(settings)

    def look() -> None:
        try:
            provider.metadata()
        except StormwatchError as error:
            say(f"nobody can sign in yet: {error}")

    threading.Thread(target=look, daemon=True).start()
    kept = owned.store.path.with_name(owned.store.path.name + ".sessions")
    return Door(settings, provider, Seal(kept, settings.mark), say)


def _welcome(page: Page) -> None:
    say(f"dashboard: {page.url}   (Ctrl-C stops)")
    if page.sign_in is not None:
        say(f"people sign in at {page.sign_in.issuer}")
    elif page.access.token is not None:
        say("open it once with ?token=... in the address; the browser remembers")
    if page.opens_browser and _has_display():
        is_asked = page.access.token is not None and page.sign_in is None
        query = "?" + urlencode({"token": page.access.token}) if is_asked else ""
        threading.Thread(target=webbrowser.open, args=[page.url + query], daemon=True).start()


def _has_display() -> bool:
    """Whether a browser has a window to open in; a text browser would take over the terminal."""
    if sys.platform == "darwin" or "BROWSER" in os.environ:
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
