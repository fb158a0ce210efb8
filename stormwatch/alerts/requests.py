"""What is asked of the process that owns the alerts, as JSON: the same over HTTP and without."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

import duckdb

from stormwatch.alerts.backtest import backtest
from stormwatch.alerts.config import AlertConfig
from stormwatch.alerts.desk import Desk, replay, rule_named
from stormwatch.alerts.rules import length_of
from stormwatch.errors import ConfigError
from stormwatch.export import plain_value
from stormwatch.instants import instant_of

Body = Mapping[str, Any]
_MOST_INSTANTS: Final = 1_000_000
# Where all of a log is ahead of the clock it was read by, it is taken at its word, as it is live.
_COVERED: Final = """
SELECT first_at, coalesce(last_at, (SELECT max(occurred_at) FROM events)) FROM log_coverage
"""


def change_alerts(desk: Desk, action: str, body: Body) -> dict[str, object]:
    """Do what is asked: acknowledge, silence, test, backtest ...; what came of it.

    Raises:
        ConfigError: it is not understood, or there is no such thing.
        RouteError: the receiver of a test did not take it.
        QueryError: a rule cannot be asked.
    """
    if action not in _ACTIONS:
        raise ConfigError(f"/api/alerts/{action}: expected one of {', '.join(_ACTIONS)}")
    return _ACTIONS[action](desk, body)


def _acknowledge(desk: Desk, body: Body) -> dict[str, object]:
    episode_id, owner = _count(body, "episode_id", "an episode"), _text(body, "owner")
    desk.acknowledge(episode_id, owner)
    return {"episode_id": episode_id, "acknowledged_by": owner}


def _close(desk: Desk, body: Body) -> dict[str, object]:
    episode_id, owner = _count(body, "episode_id", "an episode"), _text(body, "owner")
    desk.close(episode_id, owner)
    return {"episode_id": episode_id, "closed_by": owner}


def _silence(desk: Desk, body: Body) -> dict[str, object]:
    if "episode_key" in body and "key" in body:
        raise ConfigError("give key, a pattern, or episode_key, as it is, and not both")
    raw = _text(body, "episode_key") if "episode_key" in body else None
    key = _text(body, "key", "*") if raw is None else pattern_of(raw)
    length = _length(body, "for")
    return desk.silence(_text(body, "rule"), key, _text(body, "owner"), length, _text(body, "reason", ""))


def pattern_of(key: str) -> str:
    """The pattern that means this key and no other."""
    return "".join(f"[{one}]" if one in "*?[\\" else one for one in key)


def _silences(desk: Desk, _: Body) -> dict[str, object]:
    return {"silences": desk.silences()}


def _unsilence(desk: Desk, body: Body) -> dict[str, object]:
    silence_id = _count(body, "silence_id", "a silence")
    length = _length(body, "in") if "in" in body else timedelta(0)
    return {"silence_id": silence_id, "expires_at": plain_value(desk.unsilence(silence_id, length))}


def _test(desk: Desk, body: Body) -> dict[str, object]:
    route = _text(body, "route")
    return {"route": route, "taken_by": desk.test(route)}


def _backtest(desk: Desk, body: Body) -> dict[str, object]:
    return desk.ask(lambda connection: play_again(connection, desk.config, body))


def play_again(connection: duckdb.DuckDBPyConnection, config: AlertConfig, body: Body) -> dict[str, object]:
    """What a rule would have said of the past; by default of all that the log covers, up to the last crash.

    Raises:
        ConfigError: it is not understood, there is no such rule, or nothing to play again.
        QueryError: the rule cannot be asked.
    """
    rule = rule_named(config, _text(body, "rule"))
    if rule.clock == "wall":
        raise ConfigError(
            f"{rule.name} goes by the wall clock: it judges when lines were read, which the past of a log "
            "does not say, so it cannot be played again"
        )
    [(first, last)] = connection.execute(_COVERED).fetchall()
    if first is None:
        raise ConfigError("the database holds no event with a time: there is nothing to play again")
    given = body.get("crashes") or []
    if not isinstance(given, list):
        raise ConfigError('crashes must be an array of instants, such as ["2026-11-20T10:00"]')
    crashes = [at for at in map(instant_of, given) if at is not None]
    since = instant_of(body.get("since")) or first
    # As live, where the bucket of the last event is evaluated once the log is quiet.
    until = instant_of(body.get("until")) or max([last + config.pace.of(rule).minute, *crashes])
    if (until - since) // config.pace.of(rule).scaled(rule.every) > _MOST_INSTANTS:
        raise ConfigError(
            f"{rule.name} would be evaluated more than {_MOST_INSTANTS:,} times; narrow --from and --to"
        )
    return backtest(connection, rule, replay(config, since), since, until, crashes).facts()


def _length(body: Body, name: str) -> timedelta:
    text = _text(body, name)
    try:
        return length_of(text)
    except ValueError:
        raise ConfigError(f"{name}: expected a length such as '2 hours', not '{text}'") from None


def _count(body: Body, name: str, what: str) -> int:
    value = body.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 63:
        raise ConfigError(f"{name} must be the number of {what}")
    return value


def _text(body: Body, name: str, default: str | None = None) -> str:
    value = body.get(name, default)
    if not isinstance(value, str):
        raise ConfigError(f"{name} must be a text")
    return value


_ACTIONS: Final[Mapping[str, Callable[[Desk, Body], dict[str, object]]]] = {
    "acknowledge": _acknowledge,
    "close": _close,
    "silence": _silence,
    "silences": _silences,
    "unsilence": _unsilence,
    "test": _test,
    "backtest": _backtest,
}
