"""The settings of signing in: the table [oidc] of the file of --config, and STORMWATCH_OIDC_* before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from stormwatch.errors import ConfigError
from stormwatch.gate import is_loopback
from stormwatch.retention.ages import age_of

PREFIX: Final = "STORMWATCH_OIDC_"
EVERYBODY: Final = "*"
_LISTS: Final = (
    "allowed_domains", "allowed_emails", "allowed_groups", "sql_domains", "sql_emails", "sql_groups",
)  # fmt: skip
_TEXTS: Final = (
    "issuer", "client_id", "client_secret_env", "client_secret_file", "base_url", "scope", "groups_claim",
    "session",
)  # fmt: skip
_SECRET: Final = "client_secret"  # noqa: S105 - the name of the setting


@dataclass(frozen=True)
class Circle:
    """People, by what their provider says of them; one match is enough."""

    domains: tuple[str, ...] = ()
    """Of their e-mail addresses; `*`: everybody whom the provider knows."""
    emails: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    def holds(self, email: str, groups: frozenset[str]) -> bool:
        """Whether somebody of these groups is one, with an address that is theirs (else empty)."""
        if EVERYBODY in self.domains or not groups.isdisjoint(self.groups):
            return True
        address = email.casefold()
        return "@" in address and (address in self.emails or address.rpartition("@")[2] in self.domains)


@dataclass(frozen=True)
class SignIn:
    """All that can be set."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    """Empty: the provider asks for none."""
    base_url: str
    """Where people open the dashboard, without a slash at its end; empty: where it is served."""
    allowed: Circle
    may_ask_sql: Circle
    scope: str = "openid email profile"
    groups_claim: str = "groups"
    session: timedelta = timedelta(hours=12)
    """After so long a person is sent to the provider again."""

    @property
    def mark(self) -> str:
        """Another one for other settings, but for the secret: who is in by old ones signs in again."""
        return repr(self)


def settings_of(
    table: object, path: Path | None, environment: Mapping[str, str], *, is_local: bool
) -> SignIn | None:
    """The settings in a table of a file, those of the environment before them; None: nobody signs in.

    `is_local` says that only this machine can ask, so that the address of the dashboard is known.

    Raises:
        ConfigError: something is missing, unknown, or cannot be used.
    """
    given = _Given(table, path, environment)
    if given.is_empty():
        return None
    groups_claim, scope = given.text("groups_claim", "groups"), given.text("scope", "openid email profile")
    if "openid" not in scope.split():
        raise ConfigError(f"{given.place('scope')}: must name openid, such as 'openid email profile'")
    allowed = Circle(*(given.words(name) for name in _LISTS[:3]))
    if allowed == Circle():
        raise ConfigError(
            f"{given.place('allowed_domains')}: nobody could sign in; name allowed_domains, allowed_emails "
            'or allowed_groups, or allowed_domains = ["*"] for everybody whom the provider knows'
        )
    return SignIn(
        issuer=_address(given.needed("issuer"), given.place("issuer")),
        client_id=given.needed("client_id"),
        client_secret=given.secret(),
        base_url=_base(given, is_local=is_local),
        allowed=allowed,
        may_ask_sql=Circle(*(given.words(name) for name in _LISTS[3:])),
        scope=scope,
        groups_claim=groups_claim,
        session=age_of(given.text("session", "12h"), given.place("session")),
    )


class _Given:
    """What was said, wherever that was."""

    def __init__(self, table: object, path: Path | None, environment: Mapping[str, str]) -> None:
        if not isinstance(table, dict | None):
            raise ConfigError(f"{path}: oidc must be a table: [oidc]")
        self._table: dict[str, Any] = table or {}
        self._path = path
        self._environment = {
            name.removeprefix(PREFIX).lower(): value
            for name, value in environment.items()
            if name.startswith(PREFIX) and value
        }
        self._all = environment
        if _SECRET in self._table:
            raise ConfigError(
                f"{path}: oidc.{_SECRET}: files of settings are shown around; name a variable of the "
                f"environment in {_SECRET}_env, or a file that only this user can read in {_SECRET}_file"
            )
        known = {*_TEXTS, *_LISTS}
        for name in sorted(self._table.keys() - known) + sorted(self._environment.keys() - known - {_SECRET}):
            raise ConfigError(f"{self.place(name)} is not understood; known are {', '.join(sorted(known))}")

    def is_empty(self) -> bool:
        return not self._table and not self._environment

    def place(self, name: str) -> str:
        """Who says it, for errors."""
        if name in self._environment or self._path is None:
            return f"${PREFIX}{name.upper()}"
        return f"{self._path}: oidc.{name}"

    def text(self, name: str, default: str = "") -> str:
        value = self._environment.get(name, self._table.get(name, default))
        if not isinstance(value, str):
            raise ConfigError(f"{self.place(name)}: expected a text")
        return value.strip()

    def needed(self, name: str) -> str:
        value = self.text(name)
        if not value:
            raise ConfigError(f"{self.place(name)} is missing: signing in needs it")
        return value

    def words(self, name: str) -> tuple[str, ...]:
        """A list; in the environment with commas."""
        value: object = self._table.get(name, [])
        if name in self._environment:
            value = self._environment[name].split(",")
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise ConfigError(f'{self.place(name)}: expected a list of texts, such as ["example.com"]')
        words = tuple(one.strip() for one in value if one.strip())
        return words if name.endswith("groups") else tuple(one.casefold().lstrip("@") for one in words)

    def secret(self) -> str:
        """The client secret. No error says what it is."""
        if _SECRET in self._environment:
            return self._environment[_SECRET]
        variable, file = self.text(f"{_SECRET}_env"), self.text(f"{_SECRET}_file")
        if variable:
            value = self._all.get(variable, "")
            if not value:
                raise ConfigError(f"{self.place(f'{_SECRET}_env')}: the variable it names is not set")
            return value
        if not file:
            return ""
        # A file that is named in another is beside it, unless it says where it is.
        is_beside = self._path is not None and f"{_SECRET}_file" not in self._environment
        path = self._path.parent / file if is_beside and self._path is not None else Path(file)
        try:
            value = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"{self.place(f'{_SECRET}_file')}: {path} cannot be read: {type(error).__name__}"
            ) from None
        if not value:
            raise ConfigError(f"{self.place(f'{_SECRET}_file')}: {path} is empty")
        return value


def _base(given: _Given, *, is_local: bool) -> str:
    text = given.text("base_url").rstrip("/")
    if not text:
        if is_local:
            return ""
        raise ConfigError(
            f"{given.place('base_url')} is missing: the address people open, such as "
            "https://stormwatch.example; BASE_URL/oidc/callback is what the provider must know"
        )
    base = _address(text, given.place("base_url"))
    if urlsplit(base).path:
        raise ConfigError(f"{given.place('base_url')}: pages below a path are not supported")
    # Browsers leave out the port that goes without saying.
    return base.lower().removesuffix(":443" if base.startswith("https") else ":80")


def _address(text: str, what: str) -> str:
    """An address that nobody on the way can read or answer for."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise ConfigError(f"{what}: its host or port cannot be read") from None
    if not host or parts.query or parts.fragment or parts.username is not None:
        raise ConfigError(f"{what}: expected an address such as https://accounts.example")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise ConfigError(f"{what}: must begin with https://, as others could read or answer http")
    return text
