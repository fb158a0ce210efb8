"""What people do about alerts: acknowledge, close, silence, try a route."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any, Final

import duckdb

from stormwatch.alerts import ledger
from stormwatch.alerts.asking import Watch
from stormwatch.alerts.config import AlertConfig
from stormwatch.alerts.delivery import waiting
from stormwatch.alerts.ledger import Silence, wall_now
from stormwatch.alerts.notices import KEPT
from stormwatch.alerts.routes import send
from stormwatch.alerts.rules import Rule
from stormwatch.errors import ConfigError
from stormwatch.export import plain_value
from stormwatch.storage import Store

LONGEST_SILENCE: Final = timedelta(days=90)
_BACKTEST_TIMEOUT_S: Final = 600.0


class Desk:
    """Changes alerts of a database that this process owns."""

    def __init__(
        self, store: Store, config: AlertConfig, problem: Callable[[], str | None] = lambda: None
    ) -> None:
        self._store = store
        self.config = config
        self.problem = problem
        """Why evaluation as a whole fails at this time; None when it does not."""

    def acknowledge(self, episode_id: int, owner: str) -> None:
        """Note that somebody takes care of an episode.

        Raises:
            ConfigError: there is no such episode, or no owner is named.
        """
        with ledger.written(self._store) as cursor:
            if not ledger.acknowledge(cursor, episode_id, _named(owner), wall_now()):
                raise ConfigError(f"there is no episode {episode_id}; `stormwatch alerts` lists them")

    def silence(
        self, rule_pattern: str, key_pattern: str, owner: str, length: timedelta, reason: str
    ) -> dict[str, object]:
        """Have routes not told of some episodes for a while; returns the silence with its number.

        Raises:
            ConfigError: no owner is named, no rule is meant, or it would not expire in reasonable time.
        """
        if not timedelta(0) < length <= LONGEST_SILENCE:
            raise ConfigError(f"a silence must last, and at most {LONGEST_SILENCE.days} days")
        now = wall_now()
        silence = Silence(rule_pattern, key_pattern, _named(owner), reason, now, now + length)
        if not any(replace(silence, key_pattern="*").covers(name, "") for name in self.config.rules):
            known = ", ".join(self.config.rules)
            raise ConfigError(f"no rule is called '{rule_pattern}'; there are: {known}")
        with ledger.written(self._store) as cursor:
            number = ledger.add_silence(cursor, silence)
        return {"silence_id": number, **{name: plain_value(value) for name, value in asdict(silence).items()}}

    def close(self, episode_id: int, owner: str) -> None:
        """End an episode by hand; what is still above its threshold fires again.

        Raises:
            ConfigError: no such episode fires, or no owner is named.
        """
        with ledger.written(self._store) as cursor:
            if not ledger.close(cursor, episode_id, _named(owner), wall_now()):
                raise ConfigError(f"no episode {episode_id} fires; `stormwatch alerts` lists them")
        self._store.beside_version += 1

    def silences(self) -> list[dict[str, object]]:
        """The silences that have not expired, with their numbers."""
        with self._store.cursor() as cursor:
            return ledger.numbered_silences(cursor, wall_now())

    def unsilence(self, silence_id: int, length: timedelta) -> datetime:
        """Have a silence end after a while, shorter than it would last; returns when, UTC.

        Raises:
            ConfigError: there is no such silence, or it ends earlier.
        """
        ends_at = wall_now() + min(length, LONGEST_SILENCE)
        with ledger.written(self._store) as cursor:
            if not ledger.end_silence(cursor, silence_id, ends_at):
                raise ConfigError(
                    f"no silence {silence_id} lasts longer than that; `stormwatch alerts silences` lists them"
                )
        return ends_at

    def test(self, route: str) -> str:
        """Send a test notice now; returns where it was taken.

        Raises:
            ConfigError: there is no such route, or what it needs is not installed.
            RouteError: the receiver did not take it.
        """
        return test_route(self.config, route)

    def overview(self) -> dict[str, Any]:
        """The rules and routes there are, how they do, and what is wrong with which."""
        with self._store.cursor() as cursor:
            evaluated = {
                name: (to, duration_ms, problem)
                for name, to, duration_ms, problem in cursor.execute(
                    "SELECT rule, evaluated_to, duration_ms, problem FROM alert_evaluations"
                ).fetchall()
            }
            queued = {name: (count, problem) for name, count, problem in waiting(cursor)}
        known = overview(self.config, evaluated, queued)
        known["silences"] = self.silences()
        problem = self.problem()
        if problem is not None:
            known["problems"].append(f"alerts: {problem}")
        return known

    def ask(self, question: Callable[[duckdb.DuckDBPyConnection], dict[str, object]]) -> dict[str, object]:
        """What a question finds that only reads, on a cursor of its own."""
        with self._store.cursor() as cursor:
            return question(cursor)


def replay(config: AlertConfig, since: datetime) -> Watch:
    """What rules are told in a back-test that begins at `since`."""
    return Watch(config.pace, since, _BACKTEST_TIMEOUT_S)


def rule_named(config: AlertConfig, name: str) -> Rule:
    """The rule of that name.

    Raises:
        ConfigError: there is none; says which there are.
    """
    if name not in config.rules:
        problems = "".join(f"\n{problem}" for problem in config.problems)
        raise ConfigError(f"there is no rule '{name}'; there are: {', '.join(config.rules)}{problems}")
    return config.rules[name]


def test_route(config: AlertConfig, name: str) -> str:
    """Send a test notice to a route; returns where it was taken.

    Raises:
        ConfigError, RouteError: as `Desk.test`.
    """
    if name not in config.routes:
        known = ", ".join(config.routes) or "none; docs/alerts.md says how to add one"
        raise ConfigError(f"there is no route '{name}'; there are: {known}")
    route, now = config.routes[name], plain_value(wall_now())
    facts = dict.fromkeys(("onset_at", "fired_at"), now)
    notice = {
        "database": "test", "status": "firing", "episode_id": 0,
        "rule": "test", "episode_key": "test", "clock": "wall",
        "severity": "watch", "sentence": "a test: alerts of Stormwatch arrive here", **facts,
        "resolved_at": None, "fired_count": 1, "value": 0.0, "peak_value": 0.0, "threshold": None,
        "acknowledged_by": None, "told_severity": None, "question": "does this route work?",
        "group": "test", "runbook": "Nothing is to be done.", "link": "", "evidence": {},
    }  # fmt: skip
    send(route, notice, f"test-{now}")
    return route.place


def overview(
    config: AlertConfig,
    evaluated: dict[str, tuple[datetime, float, str | None]],
    queued: dict[str, tuple[int, str | None]],
) -> dict[str, Any]:
    """As `Desk.overview`, of what the database says of evaluations and of the outbox."""
    rules = []
    for rule in config.rules.values():
        to, duration_ms, problem = evaluated.get(rule.name, (None, None, None))
        policy = rule.policy
        rules.append(
            {
                "rule": rule.name,
                "question": rule.question,
                "severity": ", ".join(policy.severities),
                "threshold": ", ".join(f"{one:g}" for one in policy.thresholds) or "of the row",
                "group": rule.group,
                "clock": rule.clock,
                "is_shipped": rule.is_shipped,
                "evaluated_to": plain_value(to),
                "duration_ms": duration_ms,
                "problem": problem,
            }
        )
    routes = [
        {
            "route": route.name,
            "kind": route.kind,
            "place": route.place,
            "least": route.least,
            "waiting": queued.get(route.name, (0, None))[0],
            "problem": queued.get(route.name, (0, None))[1],
        }
        for route in config.routes.values()
    ]
    gone = [
        f"route {name} is not in the settings any more: {count} notices wait for it, "
        f"each for at most {KEPT.days} days"
        for name, (count, _) in queued.items()
        if count and name not in config.routes
    ]
    return {"rules": rules, "routes": routes, "problems": [*config.problems, *gone]}


def _named(owner: str) -> str:
    if not owner.strip():
        raise ConfigError("say who: --owner NAME")
    return owner.strip()
