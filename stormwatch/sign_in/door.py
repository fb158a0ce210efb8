"""Who is not signed in is sent to the provider, and from there to what they asked for.

Authorization Code flow with PKCE: OpenID Connect Core 1.0, section 3.1, and RFC 9700. What must be
remembered of somebody who was sent away is in a signed cookie of the browser, so that strangers cannot
fill this process; the secrets in it, verifier and nonce, are derived from its `state` and never leave.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import zlib
from base64 import urlsafe_b64decode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, TypeVar
from urllib.parse import urlencode, urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response

from stormwatch.errors import StorageError, StormwatchError
from stormwatch.gate import is_for_programs, refuse
from stormwatch.people import Person, Session
from stormwatch.sign_in.identity import NotAllowed, person_of
from stormwatch.sign_in.provider import Provider, ProviderError, SignInRefused, said, with_query
from stormwatch.sign_in.sessions import Seal, Sessions, encoded
from stormwatch.sign_in.settings import SignIn
from stormwatch.sign_in.words import NOT_KEPT, page

PLACE: Final = "/oidc/"
CALLBACK: Final = f"{PLACE}callback"
SIGN_IN: Final = f"{PLACE}sign-in"
SIGN_OUT: Final = f"{PLACE}sign-out"
SIGNED_OUT: Final = f"{PLACE}signed-out"
SESSION: Final = f"{PLACE}session"
_GOING: Final = "going"
_GOING_LASTS: Final = timedelta(minutes=10)
_MOVED: Final = "stormwatch_moved"
_MOVED_S: Final = 2
"""Who comes back sooner under the wrong name would be sent around for ever."""
_MOST_GOING: Final = 4
"""Tabs of one browser that may be on their way at a time."""
_THREADS: Final = 4
_MOST_ASKED: Final = 16
"""Questions to the provider that may wait; strangers can cause them."""
_LONGEST_COOKIE: Final = 3800
_Found = TypeVar("_Found")


@dataclass(frozen=True)
class _Cookies:
    """Has browsers keep and forget what no script may read and no foreign page send."""

    secure: bool

    def keep(self, response: Response, name: str, value: str, lasts: timedelta) -> None:
        age = int(lasts.total_seconds())
        response.set_cookie(name, value, max_age=age, httponly=True, samesite="lax", secure=self.secure)

    def forget(self, response: Response, name: str) -> None:
        response.delete_cookie(name, httponly=True, samesite="lax", secure=self.secure)


class Door:
    """Lets in who is signed in, and answers below /oidc/."""

    def __init__(self, settings: SignIn, provider: Provider, seal: Seal, tell: Callable[[str], None]) -> None:
        self._settings = settings
        self._provider = provider
        self._seal = seal
        self._base = urlsplit(settings.base_url)
        is_secure = self._base.scheme == "https"
        suffix = f"_{self._base.port}" if self._base.port else ""
        self.sessions: Final = Sessions(seal, suffix, is_secure=is_secure, lasts=settings.session)
        self._going = ("__Host-" if is_secure else "") + f"stormwatch_going{suffix}_"
        self._cookies = _Cookies(is_secure)
        # Of its own: a provider that is slow holds up no question.
        self._threads = ThreadPoolExecutor(_THREADS, "sign-in")
        self._asked = 0
        self._tell = tell
        self._told = ""

    async def answer(self, connection: HTTPConnection) -> Session | Response:
        """The session of who asks, or what they are answered in place of what they asked for."""
        path = connection.scope["path"]
        if path.startswith(PLACE):
            return await self._own(connection, path)
        session = self.sessions.find(connection.cookies)
        if session is not None:
            is_reading = connection.scope.get("method") in {"GET", "HEAD"}
            if is_reading or self._is_from_here(connection):
                return session
            return refuse(403, "requests from pages of other origins are refused")
        if not _is_a_person(connection) or is_for_programs(path):
            return refuse(
                401,
                f"sign in first: open {self._settings.base_url}/ in the browser; "
                "programs send 'Authorization: Bearer TOKEN', where up was given a token",
            )
        return await self._send_away(connection, _target(connection))

    def is_live(self, session: Session) -> bool:
        """Whether somebody who was let in is to stay."""
        return self.sessions.is_live(session)

    async def _own(self, connection: HTTPConnection, path: str) -> Response:
        method = connection.scope.get("method", "")
        if (path, method) == (CALLBACK, "GET"):
            return await self._arrive(connection)
        if (path, method) == (SIGN_IN, "GET"):
            target = safe_target(connection.query_params.get("return", "/"))
            return await self._send_away(connection, target, is_choosing=True)
        if (path, method) == (SIGN_OUT, "POST"):
            return self._sign_out(connection)
        if (path, method) == (SIGNED_OUT, "GET"):
            return self._signed_out()
        if (path, method) == (SESSION, "GET"):
            is_in = self.sessions.find(connection.cookies) is not None
            return Response(status_code=204 if is_in else 401, headers=NOT_KEPT)
        return refuse(404, f"there is no {method} {path}")

    async def _send_away(
        self, connection: HTTPConnection, target: str, *, is_choosing: bool = False
    ) -> Response:
        """To the provider; from another of our names to the one that it knows first."""
        if connection.headers.get("host", "").lower() != self._base.netloc:
            return self._to_own_name(connection, target)
        try:
            metadata = await self._ask(self._provider.metadata)
        except StormwatchError as error:
            return self._sorry(error, target)
        state = secrets.token_urlsafe(16)
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": self._settings.base_url + CALLBACK,
            "scope": self._settings.scope,
            "state": state,
            "nonce": self._seal.derive("nonce", state),
            "code_challenge": encoded(hashlib.sha256(self._verifier(state).encode()).digest()),
            "code_challenge_method": "S256",
            **({"prompt": "select_account"} if is_choosing else {}),
        }
        where = with_query(str(metadata["authorization_endpoint"]), asked)
        response = RedirectResponse(where, 303, NOT_KEPT)
        before = [name for name in connection.cookies if name.startswith(self._going)]
        for name in before[: max(0, len(before) - _MOST_GOING + 1)]:
            self._cookies.forget(response, name)
        self._cookies.keep(response, self._cookie_of(state), self._ticket(state, target), _GOING_LASTS)
        return response

    def _to_own_name(self, connection: HTTPConnection, target: str) -> Response:
        if _MOVED in connection.cookies:
            # The browser was sent there already, and this is what became of its name on the way.
            return page(
                421, "This server is not asked by its name",
                f"It is called {self._base.netloc}, but what stands in front of it says "
                f"'{connection.headers['host']}'. A proxy must pass the Host on: docs/deployment.md.",
                {"Try again": self._settings.base_url + target},
            )  # fmt: skip
        response = RedirectResponse(self._settings.base_url + target, 303, NOT_KEPT)
        response.set_cookie(_MOVED, "1", max_age=_MOVED_S, httponly=True, samesite="lax")
        return response

    def _verifier(self, state: str) -> str:
        return self._seal.derive("verifier", state)

    def _cookie_of(self, state: str) -> str:
        return self._going + hashlib.sha256(state.encode()).hexdigest()[:12]

    def _ticket(self, state: str, target: str) -> str:
        """What the browser keeps meanwhile. A view that does not fit begins at its page."""
        packed = encoded(zlib.compress(target.encode(), 9))
        text = self._seal.sign(_GOING, {"state": state, "to": packed}, _GOING_LASTS)
        if len(text) <= _LONGEST_COOKIE or "?" not in target:
            return text if len(text) <= _LONGEST_COOKIE else self._ticket(state, "/")
        return self._ticket(state, target.partition("?")[0])

    async def _arrive(self, connection: HTTPConnection) -> Response:
        """Somebody comes back from the provider: with a code, or with what went wrong."""
        given = connection.query_params
        state = given.get("state", "")
        name = self._cookie_of(state)
        ticket = self._seal.read(_GOING, connection.cookies.get(name, ""))
        if ticket is None or not hmac.compare_digest(str(ticket["state"]).encode(), state.encode()):
            return self._lost(connection)
        target = safe_target(zlib.decompress(urlsafe_b64decode(ticket["to"] + "==")).decode())
        try:
            person = await self._who_is_it(given.get("iss"), dict(given), state)
        except StormwatchError as error:
            response: Response = self._sorry(error, target)
        else:
            self._tell(f"sign-in: {person.name} is in")
            response = RedirectResponse(self._settings.base_url + target, 303, NOT_KEPT)
            self._cookies.keep(
                response, self.sessions.cookie, self.sessions.new(person), self._settings.session
            )
        self._cookies.forget(response, name)
        return response

    async def _who_is_it(self, issuer: str | None, given: dict[str, str], state: str) -> Person:
        metadata = await self._ask(self._provider.metadata)
        # RFC 9207: the answer of another provider is not taken to this one.
        is_said = metadata.get("authorization_response_iss_parameter_supported") is True
        if (issuer is None and is_said) or issuer not in {None, self._settings.issuer}:
            raise SignInRefused("the answer came from another provider than was asked")
        if "error" in given:
            raise SignInRefused(f"{self._settings.issuer} says: {said(given)}")
        code = given.get("code", "")

        def redeem() -> Person:
            callback = self._settings.base_url + CALLBACK
            tokens = self._provider.redeem(code, self._verifier(state), callback)
            return person_of(self._provider, self._settings, tokens, self._seal.derive("nonce", state))

        if not code:
            raise SignInRefused("there is no code in the answer of the provider")
        return await self._ask(redeem)

    async def _ask(self, question: Callable[[], _Found]) -> _Found:
        if self._asked >= _MOST_ASKED:
            raise ProviderError("too many people sign in at this moment; try again in a few seconds")
        self._asked += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, question)
        finally:
            self._asked -= 1

    def _sorry(self, error: StormwatchError, target: str) -> Response:
        """Why somebody was not let in, for them and for whoever reads what the process says."""
        if str(error) != self._told:
            self._told = str(error)
            self._tell(f"sign-in: {error}")
        again = f"{SIGN_IN}?{urlencode({'return': target})}"
        if isinstance(error, NotAllowed):
            return page(
                403, "You may not look here", "Whoever runs this can let you in, in its settings [oidc].",
                {"Sign in as somebody else": again}, str(error),
            )  # fmt: skip
        if isinstance(error, SignInRefused):
            return page(
                403, "You could not be signed in",
                "Try again. If that does not help, show this to whoever runs this dashboard.",
                {"Sign in": again}, str(error),
            )  # fmt: skip
        return page(
            502, "Nobody can sign in at the moment",
            "The provider that says who you are cannot be asked. Who was signed in before still is.",
            {"Try again": target}, str(error),
        )  # fmt: skip

    def _lost(self, connection: HTTPConnection) -> Response:
        if self.sessions.find(connection.cookies) is not None:
            return RedirectResponse(f"{self._settings.base_url}/", 303, NOT_KEPT)
        return page(
            400, "This sign-in cannot be finished",
            "It was begun in another browser, or more than ten minutes ago, or is finished already.",
            {"Sign in": "/"},
        )  # fmt: skip

    def _sign_out(self, connection: HTTPConnection) -> Response:
        if not self._is_from_here(connection):
            return refuse(403, "requests from pages of other origins are refused")
        session = self.sessions.find(connection.cookies)
        if session is not None:
            try:
                self.sessions.end(session)
            except StorageError as error:
                self._tell(f"{session.person.name} signed out, which a restart would forget: {error}")
        response = RedirectResponse(self._settings.base_url + SIGNED_OUT, 303, NOT_KEPT)
        self._cookies.forget(response, self.sessions.cookie)
        return response

    def _signed_out(self) -> Response:
        ways = {"Sign in again": SIGN_IN}
        out = self._provider.way_out(self._settings.base_url + SIGNED_OUT)
        if out is not None:
            ways[f"Sign out of {urlsplit(self._settings.issuer).hostname} as well"] = out
        return page(200, "You are signed out", "Here, that is: your provider may still know you.", ways)

    def _is_from_here(self, connection: HTTPConnection) -> bool:
        """Whether a page of ours asks, by what browsers say that pages cannot."""
        site = connection.headers.get("sec-fetch-site")
        if site is not None:
            return site == "same-origin"
        return connection.headers.get("origin", "").lower() == self._settings.base_url


def safe_target(text: str) -> str:
    """A place on this server to go on to; its first page in place of anything else."""
    is_plain = all(" " < letter <= "~" and letter != "\\" for letter in text)
    is_here = text.startswith("/") and not text.startswith(("//", PLACE))
    return text if is_plain and is_here else "/"


def _target(connection: HTTPConnection) -> str:
    """What was asked for, letter by letter."""
    scope = connection.scope
    path, query = scope.get("raw_path") or scope["path"].encode(), scope["query_string"]
    return safe_target((path + (b"?" + query if query else b"")).decode("latin-1"))


def _is_a_person(connection: HTTPConnection) -> bool:
    """Whether somebody opens a page, who can be sent elsewhere."""
    if connection.scope["type"] != "http" or connection.scope["method"] != "GET":
        return False
    is_opened = connection.headers.get("sec-fetch-dest", "document") == "document"
    return is_opened and "text/html" in connection.headers.get("accept", "")
