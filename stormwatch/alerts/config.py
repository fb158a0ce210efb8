"""The settings of alerts: a TOML file with the pace of the log, rules of one's own, and routes."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit, urlunsplit

from stormwatch.alerts.asking import Pace
from stormwatch.alerts.rules import SEVERITIES, Rule, length_of, load_rules
from stormwatch.errors import ConfigError

KINDS: Final = ("alertmanager", "webhook", "apprise", "stdout")
_KEYS: Final = ("minute", "rules", "disabled", "base_url", "routes")
_ROUTE_KEYS: Final = ("kind", "url", "url_env", "secret_env", "least", "rules", "timeout_s")
_FILE: Final = "alerts.toml"
_FOLDER: Final = "alerts"
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_HOST: Final = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+(%[A-Za-z0-9._-]+)?")
_VARIABLE: Final = re.compile(r"[A-Z_][A-Z0-9_]*")
_SENT: Final = "%/:!$&'()*+,;=?~"
"""Characters of paths and queries that are sent as they are."""
_QUOTE: Final = "in user:password@ write / ? # @ : as %2F %3F %23 %40 %3A"


@dataclass(frozen=True)
class Route:
    """Where people are told."""

    name: str
    kind: str
    url: str = field(default="", repr=False)
    """May hold a secret: `place` is what may be shown."""
    secret: str = field(default="", repr=False)
    least: str = "watch"
    """Nothing less serious is told there."""
    rules: tuple[str, ...] = ("*",)
    timeout_s: float = 10.0

    @property
    def place(self) -> str:
        """Where it leads, without what could be a secret."""
        if self.kind == "stdout":
            return "standard output"
        if self.kind == "apprise":
            return f"{self.url.partition('://')[0]}://..."
        parts = urlsplit(self.url)
        port = f":{parts.port}" if parts.port else ""
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return f"{parts.scheme}://{host}{port}/..."

    def takes(self, rule: str, severity: str) -> bool:
        """Whether it is told of such an episode."""
        is_serious = SEVERITIES.index(severity) >= SEVERITIES.index(self.least)
        return is_serious and any(fnmatchcase(rule, pattern) for pattern in self.rules)


@dataclass(frozen=True)
class AlertConfig:
    """Everything that can be set about alerts."""

    rules: Mapping[str, Rule]
    """Those that are evaluated."""
    routes: Mapping[str, Route]
    pace: Pace = field(default_factory=Pace)
    base_url: str | None = None
    """Of the dashboard, for links; None: where it is served."""
    problems: tuple[str, ...] = ()
    """Rules that cannot be used, and why; the others are evaluated all the same. Patterns without a rule."""
    broken: tuple[str, ...] = ()
    """Names of the rules that cannot be used."""


def load_config(database: Path, path: Path | None = None) -> AlertConfig:
    """The settings in a file, else in alerts.toml beside the database, else the defaults.

    Rules of one's own are in the folder that the file names, else in alerts/ beside the database.

    Raises:
        ConfigError: the file cannot be read, or says something that is not understood. A rule that is
            wrong is no error: it is told of in `problems`.
    """
    beside = database.parent / _FILE
    where = path or (beside if beside.is_file() else None)
    content = {} if where is None else _read(where)
    place = where or beside
    folder = (place.parent / _text(place, content, "rules")) if "rules" in content else None
    if folder is not None and not folder.is_dir():
        raise ConfigError(f"{place}: rules = '{folder}': no such folder")
    own = database.parent / _FOLDER
    rules, wrong = load_rules(folder or (own if own.is_dir() else None))
    disabled = _patterns(place, "disabled", content.get("disabled", []))
    routes = {name: _route(place, name, given) for name, given in content.get("routes", {}).items()}
    patterns = {"disabled": disabled} | {f"routes.{name}.rules": one.rules for name, one in routes.items()}
    return AlertConfig(
        rules={
            name: rule
            for name, rule in rules.items()
            if not any(fnmatchcase(name, pattern) for pattern in disabled)
        },
        routes=routes,
        pace=_pace(place, content),
        base_url=_text(place, content, "base_url").rstrip("/") if "base_url" in content else None,
        problems=(
            *(f"this rule is left out: {error}" for error in wrong.values()),
            *(
                f"{place}: {where}: no rule is called '{pattern}'"
                for where, given in patterns.items()
                for pattern in given
                if not any(fnmatchcase(name, pattern) for name in {*rules, *wrong})
            ),
        ),
        broken=tuple(wrong),
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as settings of alerts: {error}") from error
    _know(path, content, _KEYS)
    if not isinstance(content.get("routes", {}), dict):
        raise ConfigError(f"{path}: routes: expected tables such as [routes.oncall]")
    return content


def _know(path: Path, content: Mapping[str, object], known: tuple[str, ...], where: str = "") -> None:
    unknown = sorted(set(content) - set(known))
    if unknown:
        raise ConfigError(f"{path}: {where}{unknown[0]} is not understood; known are {', '.join(known)}")


def _text(path: Path, content: Mapping[str, object], name: str, where: str = "") -> str:
    value = content[name]
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{path}: {where}{name}: expected a text")
    return value


def _patterns(path: Path, name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ConfigError(f"{path}: {name}: expected a list of names of rules, such as ['storm_*']")
    return tuple(value)


def _pace(path: Path, content: Mapping[str, object]) -> Pace:
    if "minute" not in content:
        return Pace()
    text = _text(path, content, "minute")
    try:
        return Pace(length_of(text))
    except ValueError:
        raise ConfigError(f"{path}: minute: expected a length such as '1 second', not '{text}'") from None


def _route(path: Path, name: str, given: object) -> Route:
    where = f"routes.{name}."
    if not isinstance(given, dict):
        raise ConfigError(f"{path}: routes.{name}: expected a table [routes.{name}]")
    _know(path, given, _ROUTE_KEYS, where)
    kind = given.get("kind")
    if kind not in KINDS:
        raise ConfigError(f"{path}: {where}kind: expected one of {', '.join(KINDS)}")
    least = given.get("least", "watch")
    if least not in SEVERITIES:
        raise ConfigError(f"{path}: {where}least: expected one of {', '.join(SEVERITIES)}")
    timeout_s = given.get("timeout_s", 10.0)
    if not isinstance(timeout_s, (int, float)) or not 0 < timeout_s <= 60:  # noqa: PLR2004 - as is said
        raise ConfigError(f"{path}: {where}timeout_s: expected a number above 0, at most 60")
    url = _given(path, given, where, "url")
    if kind != "stdout" and "://" not in url:
        raise ConfigError(f"{path}: {where}url: expected an address, or its name in url_env")
    if kind == "apprise" and not _SCHEME.match(url):
        raise ConfigError(f"{path}: {where}url: expected an address of Apprise, such as slack://...")
    if kind in {"alertmanager", "webhook"}:
        url = _usable(url, f"{path}: {where}url")
    return Route(
        name=name,
        kind=str(kind),
        url=url,
        secret=_given(path, given, where, "secret"),
        least=str(least),
        rules=_patterns(path, f"{where}rules", given.get("rules", ["*"])),
        timeout_s=float(timeout_s),
    )


def _usable(url: str, what: str) -> str:
    """An address of HTTP in characters that can be sent.

    Errors say nothing of it: where a character of a password is not quoted, any part may be of the password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode("ascii")
    except ValueError:
        raise ConfigError(f"{what}: its host or port cannot be read; {_QUOTE}") from None
    if parts.scheme not in {"http", "https"}:
        raise ConfigError(f"{what}: expected http:// or https://")
    if not _HOST.fullmatch(host) or port == 0:
        raise ConfigError(f"{what}: its host or port cannot be used; {_QUOTE}")
    if "@" in f"{parts.path}{parts.query}{parts.fragment}":
        raise ConfigError(f"{what}: an @ behind the host must be written %40; {_QUOTE}")
    login = ""
    if parts.username is not None:
        login = f"{quote(parts.username, safe='%')}:{quote(parts.password or '', safe='%')}@"
    place = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
    return urlunsplit(
        (parts.scheme, login + place, quote(parts.path, safe=_SENT), quote(parts.query, safe=_SENT), "")
    )


def _given(path: Path, given: Mapping[str, object], where: str, name: str) -> str:
    """A value, or that of the environment variable which `<name>_env` names; empty without both."""
    variable = f"{name}_env"
    if variable in given:
        value = os.environ.get(_text(path, given, variable, where), "")
        if not value:
            # Who wrote the secret in place of the name of a variable does not want to read it here.
            name = f"${given[variable]}" if _VARIABLE.fullmatch(str(given[variable])) else "this variable"
            raise ConfigError(f"{path}: {where}{variable}: {name} is not set")
        return value
    return _text(path, given, name, where) if name in given else ""
