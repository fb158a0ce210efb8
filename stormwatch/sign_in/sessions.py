"""Cookies that only this process can have made: of people who are signed in, and of those about to be."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
import threading
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import jwt

from stormwatch.errors import StorageError
from stormwatch.people import Person, Session

_ALGORITHM: Final = "HS256"
_SESSION: Final = "session"
_KEY_BYTES: Final = 32
_COOKIE: Final = "stormwatch_session"


class Seal:
    """Signs what browsers keep for us, with a key in a file that only this user can read.

    Sessions so outlive the process. Each line of the file below the key is a session that was ended
    early, and when it would have ended. `settings` are part of the key: other settings, no sessions.
    """

    def __init__(self, path: Path, settings: str) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._ended: dict[str, float] = {}
        self._key = hmac.digest(self._read(), settings.encode(), hashlib.sha256)

    def sign(self, kind: str, content: Mapping[str, object], lasts: timedelta) -> str:
        """A text that holds the content, which everybody can read and nobody change, for so long."""
        claims = {**content, "aud": kind, "exp": int(time.time() + lasts.total_seconds())}
        return jwt.encode(claims, self._key, _ALGORITHM)

    def read(self, kind: str, text: str) -> dict[str, Any] | None:
        """What was signed as this kind; None where it was not, or that is over."""
        try:
            return jwt.decode(
                text, self._key, [_ALGORITHM], audience=kind, options={"require": ["exp", "aud"]}
            )
        except jwt.InvalidTokenError:
            return None

    def derive(self, kind: str, text: str) -> str:
        """Of each text another one, which nobody else can know."""
        return encoded(hmac.digest(self._key, f"{kind} {text}".encode(), hashlib.sha256))

    def end(self, session: Session) -> None:
        """Have a session be over before its time, also after a restart."""
        with self._lock:
            self._ended[session.id] = session.ends_at
            try:
                with self._path.open("a", encoding="ascii") as file:
                    file.write(f"{session.id} {session.ends_at:.0f}\n")
            except OSError as error:
                raise StorageError(f"{self._path}: cannot be written: {error.strerror}") from error

    def is_ended(self, session_id: str) -> bool:
        """Whether that was done."""
        return session_id in self._ended

    def _read(self) -> bytes:
        try:
            if not self._path.exists():
                self._write(secrets.token_bytes(_KEY_BYTES))
            first, *rest = self._path.read_text(encoding="ascii").splitlines()
            key = bytes.fromhex(first)
            for line in rest:
                name, _, ends_at = line.partition(" ")
                if float(ends_at) > time.time():
                    self._ended[name] = float(ends_at)
            self._write(key)  # without those that are over anyway
        except OSError as error:
            raise StorageError(f"{self._path}: the key of sessions: {error.strerror}") from error
        except ValueError:
            key = b""
        if len(key) != _KEY_BYTES:
            raise StorageError(f"{self._path}: holds no key of sessions; delete it, and all sign in again")
        return key

    def _write(self, key: bytes) -> None:
        fresh = self._path.with_name(self._path.name + ".new")
        fresh.unlink(missing_ok=True)
        lines = [key.hex(), *(f"{name} {ends_at:.0f}" for name, ends_at in self._ended.items())]
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:  # noqa: PTH123 - nobody else can read it at any time
            file.write("\n".join(lines) + "\n")
        fresh.replace(self._path)


class Sessions:
    """Who is signed in, by the cookie their browser shows."""

    def __init__(self, seal: Seal, cookie_suffix: str, *, is_secure: bool, lasts: timedelta) -> None:
        self._seal = seal
        self._lasts = lasts
        # A browser takes __Host- cookies from this very host only, and over TLS; cookies know no ports.
        self.cookie: Final = ("__Host-" if is_secure else "") + _COOKIE + cookie_suffix

    def new(self, person: Person) -> str:
        """What the cookie of somebody who has just signed in holds; another one each time."""
        content = {"sid": secrets.token_urlsafe(16), "name": person.name, "sql": person.may_ask_sql}
        return self._seal.sign(_SESSION, content, self._lasts)

    def find(self, cookies: Mapping[str, str]) -> Session | None:
        """The session of a request; None without one that still is."""
        text = cookies.get(self.cookie)
        found = self._seal.read(_SESSION, text) if text else None
        if found is None or self._seal.is_ended(found["sid"]):
            return None
        person = Person(found["name"], may_ask_sql=found["sql"] is True, may_operate=False)
        return Session(found["sid"], person, float(found["exp"]))

    def is_live(self, session: Session) -> bool:
        """Whether it is not over yet."""
        return time.time() < session.ends_at and not self._seal.is_ended(session.id)

    def end(self, session: Session) -> None:
        """Sign somebody out, wherever that cookie is."""
        self._seal.end(session)

    def person(self, cookies: Mapping[str, str]) -> Person | None:
        """Who shows these cookies; None where nobody is signed in with them."""
        session = self.find(cookies)
        return session.person if session else None


def encoded(content: bytes) -> str:
    """Base64 as addresses and tokens have it."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")
