"""The alerts in the database: episodes, changes, silences, notices that wait to be sent.

Functions take a cursor; whoever writes holds `Store.commit_lock` and a transaction (`written`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any, Final

import duckdb

from stormwatch.alerts.engine import Change, Episode
from stormwatch.export import plain_value
from stormwatch.storage import Store

_STORED: Final = (
    "episode_id", "state", "severity", "sentence", "onset_at", "fired_at", "resolved_at", "evaluated_at",
    "below_since", "fired_count", "value", "peak_value", "recent", "least_volume",
    "least_pulse", "members", "details",
)  # fmt: skip
"""Columns of alert_episodes that are fields of an `Episode`."""
_SELECT: Final = f"SELECT episode_key, frozen_threshold, {', '.join(_STORED)} FROM alert_episodes"
_KEPT: Final = ("evidence", "told", "acknowledged_by", "acknowledged_at")
"""Columns that an evaluation leaves as they are."""


def wall_now() -> datetime:
    """The present instant by the wall clock, UTC without zone."""
    return datetime.now(UTC).replace(tzinfo=None)


@contextmanager
def written(store: Store) -> Iterator[duckdb.DuckDBPyConnection]:
    """A cursor in a transaction that nobody else writes during; all or nothing of it is stored."""
    with store.cursor() as cursor, store.transaction(cursor):
        yield cursor


# --- episodes ------------------------------------------------------------------------------


def episodes_of(cursor: duckdb.DuckDBPyConnection, rule: str, since: datetime) -> tuple[Episode, ...]:
    """The episodes of a rule that are open, or were resolved at `since` or later."""
    is_known = "rule = $rule AND (resolved_at IS NULL OR resolved_at >= $since)"
    found = cursor.sql(
        f"{_SELECT} WHERE {is_known} ORDER BY episode_id",
        params={"rule": rule, "since": since},
    )
    return tuple(_episode(row) for row in found.to_arrow_table().to_pylist())


def _episode(row: Mapping[str, Any]) -> Episode:
    given = dict(row)
    return Episode(
        key=given.pop("episode_key"),
        threshold=given.pop("frozen_threshold"),
        members=tuple(given.pop("members")),
        recent=tuple(given.pop("recent")),
        details=json.loads(given.pop("details")),
        **given,
    )


def save_episodes(
    cursor: duckdb.DuckDBPyConnection, rule: str, clock: str, episodes: Sequence[Episode]
) -> list[int]:
    """Write the open and recent episodes of a rule; those that are pending no more are forgotten.

    Returns their numbers, new ones for those that had none.
    """
    [(newest,)] = cursor.execute("SELECT coalesce(max(episode_id), 0) FROM alert_episodes").fetchall()
    kept = {
        row[0]: row[1:]
        for row in cursor.execute(
            f"SELECT episode_id, {', '.join(_KEPT)} FROM alert_episodes WHERE rule = ?", [rule]
        ).fetchall()
    }
    over = cursor.execute(
        "SELECT episode_id, fired_count FROM alert_episodes WHERE rule = ? AND state = 'resolved'", [rule]
    ).fetchall()
    numbers: list[int] = []
    for episode in episodes:
        number = episode.episode_id
        if number is None:
            newest = number = newest + 1
        numbers.append(number)
        if episode.state == "firing" and (number, episode.fired_count) in over:
            continue  # closed by hand while it was evaluated
        values = {field.name: getattr(episode, field.name) for field in fields(episode)}
        values |= {
            "episode_id": number, "rule": rule, "clock": clock, "episode_key": values.pop("key"),
            "frozen_threshold": values.pop("threshold"),
            "members": list(episode.members), "recent": list(episode.recent),
            "details": _json(episode.details),
        }  # fmt: skip
        values |= dict(zip(_KEPT, kept.get(number, ("{}", None, None, None)), strict=True))
        cursor.execute("DELETE FROM alert_episodes WHERE episode_id = ?", [number])
        cursor.execute(
            f"INSERT INTO alert_episodes ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})",
            list(values.values()),
        )
    cursor.execute(
        "DELETE FROM alert_episodes "
        "WHERE rule = ? AND state = 'pending' AND NOT list_contains(?, episode_id)",
        [rule, numbers],
    )
    return numbers


def note_change(cursor: duckdb.DuckDBPyConnection, episode_id: int, change: Change, now: datetime) -> None:
    """Add a change to the history of an episode."""
    episode = change.episode
    cursor.execute(
        "INSERT INTO alert_changes VALUES (?, ?, ?, ?, ?, ?, ?)",
        [episode_id, change.kind, change.at, now, episode.severity, episode.value, episode.sentence],
    )


def save_evidence(cursor: duckdb.DuckDBPyConnection, episode_id: int, evidence: Mapping[str, object]) -> None:
    """Keep what was found out when an episode began to fire."""
    cursor.execute(
        "UPDATE alert_episodes SET evidence = ? WHERE episode_id = ?", [_json(evidence), episode_id]
    )


def acknowledge(cursor: duckdb.DuckDBPyConnection, episode_id: int, owner: str, now: datetime) -> bool:
    """Note who takes care of an episode; whether there is one of that number.

    Who does so already is not noted again.
    """
    found = cursor.execute(
        "UPDATE alert_episodes SET acknowledged_by = $owner, acknowledged_at = $now "
        "WHERE episode_id = $episode_id AND acknowledged_by IS DISTINCT FROM $owner "
        "RETURNING episode_id, coalesce(fired_at, onset_at), severity, value, sentence",
        {"owner": owner, "now": now, "episode_id": episode_id},
    ).fetchall()
    _note_changes(cursor, "acknowledged", found, now)
    is_known = cursor.execute("SELECT 1 FROM alert_episodes WHERE episode_id = ?", [episode_id]).fetchall()
    return bool(is_known)


def close(cursor: duckdb.DuckDBPyConnection, episode_id: int, owner: str, now: datetime) -> bool:
    """End an episode that fires, where it was last known; whether there is one of that number."""
    return _end(cursor, "episode_id = $of", episode_id, f"; closed by {owner}", now)


def retire(cursor: duckdb.DuckDBPyConnection, rules: Sequence[str], now: datetime) -> None:
    """End what is open of all rules but these: nobody evaluates them any more."""
    is_gone = "NOT list_contains($of::VARCHAR[], rule)"
    _end(cursor, is_gone, list(rules), "; its rule was taken away", now)
    # What was pending fires no more: it is as over as it was before, or was for nothing.
    pending = f"state = 'pending' AND {is_gone}"
    of = {"of": list(rules)}
    cursor.execute(f"DELETE FROM alert_episodes WHERE {pending} AND resolved_at IS NULL", of)
    cursor.execute(f"UPDATE alert_episodes SET state = 'resolved' WHERE {pending}", of)


def _end(cursor: duckdb.DuckDBPyConnection, condition: str, of: object, why: str, now: datetime) -> bool:
    """End what fires and fulfils a condition, where it was last known; whether there is any."""
    found = cursor.execute(
        "UPDATE alert_episodes SET state = 'resolved', resolved_at = evaluated_at, "
        f"sentence = sentence || $why WHERE state = 'firing' AND {condition} "
        "RETURNING episode_id, resolved_at, severity, value, sentence",
        {"why": why, "of": of},
    ).fetchall()
    _note_changes(cursor, "resolved", found, now)
    return bool(found)


def _note_changes(
    cursor: duckdb.DuckDBPyConnection, kind: str, found: Sequence[Sequence[object]], now: datetime
) -> None:
    for episode_id, at, *rest in found:
        cursor.execute(
            "INSERT INTO alert_changes VALUES (?, ?, ?, ?, ?, ?, ?)", [episode_id, kind, at, now, *rest]
        )


def firing_counts(cursor: duckdb.DuckDBPyConnection) -> list[tuple[str, str, int]]:
    """Rule, severity, and how many episodes fire."""
    return cursor.execute(
        "SELECT rule, severity, count(*) FROM alert_episodes WHERE state = 'firing' GROUP BY ALL ORDER BY ALL"
    ).fetchall()


# --- how far rules are evaluated -----------------------------------------------------------


def evaluated_to(cursor: duckdb.DuckDBPyConnection, rule: str) -> datetime | None:
    """Instant of the last evaluation of a rule; None before the first."""
    # All of it is fetched: an answer that is left open keeps the cursor from asking anything else.
    found = cursor.execute("SELECT evaluated_to FROM alert_evaluations WHERE rule = ?", [rule]).fetchall()
    return found[0][0] if found else None


def note_evaluation(
    cursor: duckdb.DuckDBPyConnection,
    rule: str,
    evaluated_to: datetime,
    now: datetime,
    duration_ms: float,
    problem: str | None = None,
) -> None:
    """Note how far a rule is evaluated."""
    cursor.execute("DELETE FROM alert_evaluations WHERE rule = ?", [rule])
    cursor.execute(
        "INSERT INTO alert_evaluations VALUES (?, ?, ?, ?, ?)",
        [rule, evaluated_to, now, duration_ms, problem],
    )


# --- silences ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Silence:
    """Episodes of which routes are not told for a while."""

    rule_pattern: str
    key_pattern: str
    owner: str
    reason: str
    created_at: datetime
    expires_at: datetime

    def covers(self, rule: str, key: str) -> bool:
        """Whether an episode is meant."""
        return fnmatchcase(rule, self.rule_pattern) and fnmatchcase(key, self.key_pattern)


def add_silence(cursor: duckdb.DuckDBPyConnection, silence: Silence) -> int:
    """Store a silence; returns its number."""
    [(number,)] = cursor.execute("SELECT coalesce(max(silence_id), 0) + 1 FROM alert_silences").fetchall()
    values = [getattr(silence, field.name) for field in fields(silence)]
    cursor.execute("INSERT INTO alert_silences VALUES (?, ?, ?, ?, ?, ?, ?)", [number, *values])
    return int(number)


def end_silence(cursor: duckdb.DuckDBPyConnection, silence_id: int, at: datetime) -> bool:
    """Have a silence end at an instant; whether there is one of that number that ends later."""
    return bool(
        cursor.execute(
            "UPDATE alert_silences SET expires_at = $at "
            "WHERE silence_id = $silence_id AND expires_at > $at RETURNING silence_id",
            {"silence_id": silence_id, "at": at},
        ).fetchall()
    )


def numbered_silences(cursor: duckdb.DuckDBPyConnection, now: datetime) -> list[dict[str, object]]:
    """The silences that have not expired, with their numbers, the first to end first."""
    found = cursor.sql(
        "SELECT * FROM alert_silences WHERE expires_at > $now ORDER BY expires_at, silence_id",
        params={"now": now},
    )
    return [
        {name: plain_value(value) for name, value in row.items()}
        for row in found.to_arrow_table().to_pylist()
    ]


def silences_at(cursor: duckdb.DuckDBPyConnection, now: datetime) -> list[Silence]:
    """The silences that have not expired."""
    columns = ", ".join(field.name for field in fields(Silence))
    rows = cursor.execute(
        f"SELECT {columns} FROM alert_silences WHERE created_at <= $now AND expires_at > $now", {"now": now}
    ).fetchall()
    return [Silence(*row) for row in rows]


def _json(value: object) -> str:
    return json.dumps(plain_value(value), ensure_ascii=False, default=str)
