"""Back-test: what a rule would have said of the past, evaluated as it is live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import duckdb

from stormwatch.alerts.asking import Watch, evaluate
from stormwatch.alerts.engine import Change, Episode, Step
from stormwatch.alerts.rules import Rule
from stormwatch.errors import ConfigError
from stormwatch.export import plain_value


@dataclass(frozen=True)
class Fired:
    """A time for which an episode would have fired."""

    key: str
    severity: str
    """The highest it reached."""
    fired_at: datetime
    resolved_at: datetime | None
    """None: it still fires at the end."""
    peak_value: float
    sentence: str
    """What it said when it fired."""
    severities: tuple[tuple[str, datetime], ...]
    """When it reached which severity."""
    crash_at: datetime | None = None
    """The first of the given crashes at which it fired; None: at none."""

    @property
    def lead_min(self) -> float | None:
        """Minutes from firing to the crash."""
        return None if self.crash_at is None else (self.crash_at - self.fired_at) / timedelta(minutes=1)


@dataclass(frozen=True)
class Backtest:
    """What a rule would have said between two instants."""

    rule: str
    since: datetime
    until: datetime
    evaluation_count: int
    fired: tuple[Fired, ...]
    """In the order in which they fired."""
    crashes: tuple[datetime, ...]

    @property
    def firing_ratio(self) -> float:
        """Share of the time in which any episode fired, 0..1."""
        total, end = timedelta(0), self.since
        for one in self.fired:
            begin, over = max(one.fired_at, end), one.resolved_at or self.until
            total += max(over - begin, timedelta(0))
            end = max(end, over)
        return total / (self.until - self.since) if self.until > self.since else 0.0

    @property
    def false_alarms(self) -> int | None:
        """Alarms that no crash followed while they fired; None when no crash is given."""
        return sum(1 for one in self.fired if one.crash_at is None) if self.crashes else None

    @property
    def missed(self) -> tuple[datetime, ...]:
        """Crashes at which nothing fired."""
        return tuple(crash for crash in self.crashes if not any(_fires_at(one, crash) for one in self.fired))

    def facts(self) -> dict[str, Any]:
        """All of it as JSON has it."""
        return {
            "rule": self.rule,
            "since": plain_value(self.since),
            "until": plain_value(self.until),
            "evaluation_count": self.evaluation_count,
            "firing_ratio": self.firing_ratio,
            "false_alarms": self.false_alarms,
            "missed": plain_value(list(self.missed)),
            "fired": [
                {
                    "episode_key": one.key,
                    "severity": one.severity,
                    "fired_at": plain_value(one.fired_at),
                    "resolved_at": plain_value(one.resolved_at),
                    "peak_value": one.peak_value,
                    "lead_min": one.lead_min,
                    "sentence": one.sentence,
                    "severities": {name: plain_value(at) for name, at in one.severities},
                }
                for one in self.fired
            ],
        }


def backtest(
    connection: duckdb.DuckDBPyConnection,
    rule: Rule,
    watch: Watch,
    since: datetime,
    until: datetime,
    crashes: Sequence[datetime] = (),
) -> Backtest:
    """Evaluate a rule at each of its instants after `since` up to `until`, as if it had run then.

    Nothing that was observed later than an instant is looked at, and nothing before `since` fires.

    Raises:
        ConfigError: `since` is not before `until`, or a crash is not between them.
        QueryError: the rule cannot be asked, or took too long.
    """
    if since >= until:
        raise ConfigError(f"the back-test ends ({until}) before it begins ({since}); give --from before --to")
    strays = [at for at in crashes if not since <= at <= until]
    if strays:
        raise ConfigError(f"nothing can be said of a crash at {strays[0]}: played is from {since} to {until}")
    count, changes = 0, list[Change]()

    def keep(_: datetime, after: Step) -> tuple[Episode, ...]:
        nonlocal count
        count += 1
        changes.extend(after.changes)
        return after.episodes

    last = evaluate(connection, rule, watch, (since, until), (), keep)
    told = tuple(sorted(crashes))
    fired = tuple(
        replace(one, crash_at=next((at for at in told if _fires_at(one, at)), None))
        for one in _fired(changes, last)
    )
    return Backtest(rule.name, since, until, count, fired, told)


def _fires_at(one: Fired, at: datetime) -> bool:
    return one.fired_at <= at and (one.resolved_at is None or at < one.resolved_at)


def _fired(changes: Sequence[Change], last: Sequence[Episode]) -> list[Fired]:
    """The times for which episodes fired; `last` are the episodes as they were in the end."""
    found: list[Fired] = []
    # Episodes have no numbers before they are stored; no two of a rule have key and onset in common.
    latest: dict[tuple[str, datetime], int] = {}
    for change in changes:
        episode = change.episode
        identity, severity = (episode.key, episode.onset_at), str(episode.severity)
        if change.kind == "firing":
            latest[identity] = len(found)
            reached = ((severity, change.at),)
            found.append(
                Fired(episode.key, severity, change.at, None, episode.value, episode.sentence, reached)
            )
            continue
        one = found[latest[identity]]
        if change.kind == "escalated":
            one = replace(one, severity=severity, severities=(*one.severities, (severity, change.at)))
        else:
            one = replace(one, resolved_at=change.at)
        found[latest[identity]] = replace(one, peak_value=episode.peak_value)
    for episode in last:
        if episode.state == "firing":
            number = latest[episode.key, episode.onset_at]
            found[number] = replace(found[number], peak_value=episode.peak_value)
    return found
