"""What is asked of the process that owns the alerts, as JSON: the same over HTTP and without."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import duckdb

from stormwatch.alerts.backtest import backtest
from stormwatch.alerts.config import AlertConfig
from stormwatch.alerts.desk import Desk, replay, rule_named
from stormwatch.alerts.rules import length_of
from stormwatch.errors import ConfigError

Body = Mapping[str, Any]


def change_alerts(desk: Desk, action: str, body: Body) -> dict[str, object]:
    """Do what is asked: acknowledge, silence, test or backtest; what came of it.

    Raises:
        ConfigError: it is not understood, or there is no such thing.
        RouteError: the receiver of a test did not take it.
        QueryError: a rule cannot be asked.
    """
    if action not in _ACTIONS:
        raise ConfigError(f"/api/alerts/{action}: expected one of {', '.join(_ACTIONS)}")
    return _ACTIONS[action](desk, body)


def _acknowledge(desk: Desk, body: Body) -> dict[str, object]:
    episode_id = body.get("episode_id")
    if not isinstance(episode_id, int) or isinstance(episode_id, bool):
        raise ConfigError("episode_id must be the number of an episode")
    owner = _text(body, "owner")
    desk.acknowledge(episode_id, owner)
    return {"episode_id": episode_id, "acknowledged_by": owner}


def _silence(desk: Desk, body: Body) -> dict[str, object]:
    text = _text(body, "for")
    try:
        length = length_of(text)
    except ValueError:
        raise ConfigError(f"for: expected a length such as '2 hours', not '{text}'") from None
    return desk.silence(
        _text(body, "rule"), _text(body, "key", "*"), _text(body, "owner"), length, _text(body, "reason", "")
    )


def _test(desk: Desk, body: Body) -> dict[str, object]:
    route = _text(body, "route")
    return {"route": route, "taken_by": desk.test(route)}


def _backtest(desk: Desk, body: Body) -> dict[str, object]:
    return desk.ask(lambda connection: play_again(connection, desk.config, body))


def play_again(connection: duckdb.DuckDBPyConnection, config: AlertConfig, body: Body) -> dict[str, object]:
    """What a rule would have said of the past; by default of all that the log covers.

    Raises:
        ConfigError: it is not understood, there is no such rule, or nothing to play again.
        QueryError: the rule cannot be asked.
    """
    rule = rule_named(config, _text(body, "rule"))
    [(first, last)] = connection.execute("SELECT first_at, last_at FROM log_coverage").fetchall()
    if first is None:
        raise ConfigError("the database holds no event with a time: there is nothing to play again")
    since = _instant(body.get("since")) or first
    until = _instant(body.get("until")) or last
    crashes = [at for at in map(_instant, body.get("crashes") or ()) if at is not None]
    return backtest(connection, rule, replay(config, since), since, until, crashes).facts()


def _instant(text: object) -> datetime | None:
    if text is None:
        return None
    try:
        read = datetime.fromisoformat(str(text))
    except ValueError:
        raise ConfigError(f"{text}: expected an instant such as 2026-11-20T10:00") from None
    return read.astimezone(UTC).replace(tzinfo=None) if read.tzinfo else read


def _text(body: Body, name: str, default: str | None = None) -> str:
    value = body.get(name, default)
    if not isinstance(value, str):
        raise ConfigError(f"{name} must be a text")
    return value


_ACTIONS: Final[Mapping[str, Callable[[Desk, Body], dict[str, object]]]] = {
    "acknowledge": _acknowledge,
    "silence": _silence,
    "test": _test,
    "backtest": _backtest,
}
