"""Asks rules: which findings there are at which instants of which clock."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from math import isnan
from typing import Any, Final

import duckdb
import pyarrow as pa

from stormwatch.alerts.engine import OPEN, Episode, Finding, Step, step
from stormwatch.alerts.rules import Policy, Rule
from stormwatch.errors import ConfigError, QueryError
from stormwatch.readonly import run_readonly

TIMEOUT_S: Final = 60.0
_MINUTE: Final = timedelta(minutes=1)
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - naive UTC throughout
OWN_TIMEOUT_S: Final = 10.0
"""Of a rule that did not come with the program: all the others wait for it."""
_ROWS: Final = 100_000
_EPISODES: Final = 200
"""So many episodes of a rule are open at most; people look at a handful."""
_NEEDED: Final = ("episode_key", "value")
_NUMBERS: Final = ("threshold", "held_value", "volume", "least_volume", "pulse", "least_pulse")
_OF_FINDINGS: Final = (
    "evaluated_at", "episode_key", "value", "sentence", "ending", "members", *_NUMBERS,
)  # fmt: skip
_ranged: dict[str, bool] = {}
"""By the text of a rule; what has been found out once."""
_SHOWN: Final = 60
_CHUNK_MINUTES: Final = 360
"""So much history is asked for at once: bounds what a question holds in memory."""


@dataclass(frozen=True)
class Pace:
    """How fast the time of the log passes: every length of a rule counts in its minutes.

    Raises on construction:
        ConfigError: a day is not a whole number of them, so that buckets would not meet.
    """

    minute: timedelta = _MINUTE

    def __post_init__(self) -> None:
        if self.minute <= timedelta(0) or timedelta(days=1) % self.minute:
            raise ConfigError(
                f"minute = {self.minute}: a day must be a whole number of them, such as 1 second"
            )

    def scaled(self, length: timedelta) -> timedelta:
        """A length of a rule in the time of the log."""
        return length * (self.minute / _MINUTE)

    def of(self, rule: Rule) -> Pace:
        """That of a rule: the wall clock goes at its own."""
        return self if rule.clock == "log" else Pace()

    def policy(self, rule: Rule) -> Policy:
        """The policy of a rule in the time of its clock."""
        own = self.of(rule)
        policy = rule.policy
        return replace(
            policy,
            clear_after=own.scaled(policy.clear_after), rearm=own.scaled(policy.rearm),
            every=own.scaled(policy.every),
        )  # fmt: skip


Complain = Callable[[str], None]
"""Is told what is wrong with some of the findings of a rule; the others count."""


def refuse(problem: str) -> None:
    """Have a rule fail where something is wrong with some of its findings.

    Raises:
        QueryError: always.
    """
    raise QueryError(problem)


@dataclass(frozen=True)
class Watch:
    """What rules are told beside the instants."""

    pace: Pace
    watching_since: datetime
    timeout_s: float = TIMEOUT_S


def last_instant(rule: Rule, pace: Pace, until: datetime) -> datetime:
    """The last instant at which the rule is evaluated, not after `until`."""
    every = pace.of(rule).scaled(rule.every)
    return until - (until - _EPOCH) % every


def evaluate(
    connection: duckdb.DuckDBPyConnection,
    rule: Rule,
    watch: Watch,
    span: tuple[datetime, datetime],
    episodes: Sequence[Episode],
    keep: Callable[[datetime, Step], Sequence[Episode]],
    complain: Complain = refuse,
) -> Sequence[Episode]:
    """Evaluate a rule at its instants after the first of `span`, up to and with the second, in order.

    Each instant sees what was observed before it and nothing later. `keep` gets what each makes of
    the episodes, and returns those to go on with. `warn` is told of rows that say nothing. Returns
    the last ones.

    Raises:
        QueryError: the rule cannot be asked, or took too long; earlier instants were kept.
    """
    pace = watch.pace.of(rule)
    every = pace.scaled(rule.every)
    policy = watch.pace.policy(rule)
    begin, last = (last_instant(rule, watch.pace, edge) for edge in span)
    chunk = max(every, pace.scaled(_CHUNK_MINUTES * _MINUTE) // every * every)
    length = chunk if is_ranged(connection, rule, watch) else every
    while begin < last:
        end = min(begin + length, last)
        found = ask(connection, rule, watch, episodes, begin, end, complain)
        instant = begin + every
        while instant <= end:
            findings, left_out = _bounded(policy, episodes, instant, found.get(instant, []))
            if left_out:
                complain(
                    f"rule {rule.name} ({rule.path}): {_EPISODES} episodes are open; "
                    f"{left_out} more would begin at {instant} and are left out"
                )
            episodes = keep(instant, step(policy, episodes, instant, findings))
            instant += every
        begin = end
    return episodes


def _bounded(
    policy: Policy, episodes: Sequence[Episode], instant: datetime, findings: Sequence[Finding]
) -> tuple[Sequence[Finding], int]:
    """The findings that count, and how many episodes more there would be if all did."""
    room = max(0, _EPISODES - sum(one.state in OPEN for one in episodes))
    if len(findings) <= room:
        return findings, 0
    about = {name for one in episodes for name in (one.key, *one.members)}
    mine: list[Finding] = []
    strangers: list[Finding] = []
    for finding in findings:
        is_stranger = about.isdisjoint((finding.key, *finding.members))
        (strangers if is_stranger else mine).append(finding)
    strangers.sort(key=lambda one: (-(one.value or 0.0), one.key))
    # One by one: together each would be compared with every other.
    left_out = sum(bool(step(policy, (), instant, [one]).episodes) for one in strangers[room:])
    return ([*mine, *strangers[:room]], left_out) if left_out else (findings, 0)


def ask(
    connection: duckdb.DuckDBPyConnection,
    rule: Rule,
    watch: Watch,
    episodes: Sequence[Episode],
    since: datetime,
    until: datetime,
    complain: Complain = refuse,
) -> dict[datetime, list[Finding]]:
    """The findings of a rule by instant, of buckets that begin in [since, until).

    `complain` is told what is wrong with rows that are left out.

    Raises:
        QueryError: the rule cannot be asked, took too long, or has not the columns it needs.
    """
    values = parameters(rule, watch, episodes, since, until)
    try:
        answer = run_readonly(connection, rule.sql, values, row_limit=_ROWS, timeout_s=watch.timeout_s)
    except QueryError as error:
        raise QueryError(f"rule {rule.name} ({rule.path}): {error}") from error
    if answer.is_truncated:
        complain(f"rule {rule.name} ({rule.path}): only the first {_ROWS:,} rows of its answer count")
    _check_columns(rule, answer.table)
    every = watch.pace.of(rule).scaled(rule.every)
    return _findings(rule, answer.table, until, every, complain)


def is_ranged(connection: duckdb.DuckDBPyConnection, rule: Rule, watch: Watch) -> bool:
    """Whether the rows of a rule say for which instant they are, so that it is asked for many at once."""
    if rule.sql not in _ranged:
        values = parameters(rule, watch, (), _EPOCH, _EPOCH)
        body = rule.sql.rstrip().removesuffix(";")
        try:
            answer = run_readonly(connection, f"SELECT column_name FROM (DESCRIBE {body}\n)", values)
        except QueryError:
            return False  # asking it says what is wrong
        _ranged[rule.sql] = "evaluated_at" in answer.table.column("column_name").to_pylist()
    return _ranged[rule.sql]


def parameters(
    rule: Rule, watch: Watch, episodes: Sequence[Episode], since: datetime, until: datetime
) -> dict[str, object]:
    """What is bound to the statement of a rule: what it asks for and no more."""
    members = {member for one in episodes if one.state in OPEN for member in (one.key, *one.members)}
    known: dict[str, object] = {
        "since": since,
        "until": until,
        "minute": watch.pace.of(rule).minute,
        "open_members": sorted(members),
        "watching_since": watch.watching_since,
    }
    return {name: known[name] for name in sorted(rule.parameters)}


def _check_columns(rule: Rule, table: pa.Table) -> None:
    """Refuse an answer whose columns are not there or of a type nobody could read.

    Raises:
        QueryError: says which, and what is expected.
    """
    where = f"rule {rule.name} ({rule.path}): "
    missing = [name for name in _NEEDED if name not in table.column_names]
    if missing:
        raise QueryError(f"{where}its SELECT has no column {missing[0]}")
    for column in table.schema:
        kind = column.type
        is_number = any(
            known(kind) for known in (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
        )
        if column.name in {"value", *_NUMBERS} and not (is_number or pa.types.is_null(kind)):
            raise QueryError(
                f"{where}{column.name} is {kind}; expected a number: cast it, {column.name}::DOUBLE"
            )
        if column.name == "evaluated_at" and not (pa.types.is_timestamp(kind) and kind.tz is None):
            raise QueryError(f"{where}evaluated_at is {kind}; expected TIMESTAMP, UTC without a zone")
        if column.name == "members" and not (pa.types.is_list(kind) or pa.types.is_null(kind)):
            raise QueryError(f"{where}members is {kind}; expected VARCHAR[]")


def _findings(
    rule: Rule, table: pa.Table, until: datetime, every: timedelta, complain: Complain
) -> dict[datetime, list[Finding]]:
    found: dict[datetime, list[Finding]] = defaultdict(list)
    wrong: dict[str, int] = defaultdict(int)
    for row in table.to_pylist():
        at = row.get("evaluated_at", until)
        if row["episode_key"] is None:
            wrong["episode_key is NULL"] += 1
        elif at is None or (at != until and (at - _EPOCH) % every):
            wrong["evaluated_at is none of the instants it was asked for"] += 1
        else:
            if row["value"] is not None and isnan(row["value"]):
                wrong["value is NaN, taken for not known"] += 1
            try:
                found[at].append(_finding(row))
            except TypeError as error:
                complain(f"rule {rule.name} ({rule.path}): of {row['episode_key']}, {error}")
    if wrong:
        said = "; ".join(f"in {count} rows {what}" for what, count in wrong.items())
        complain(f"rule {rule.name} ({rule.path}): {said}")
    return found


def _finding(row: Mapping[str, Any]) -> Finding:
    numbers = {name: _number(name, row.get(name)) for name in _NUMBERS}
    return Finding(
        key=str(row["episode_key"]),
        value=_number("value", row["value"]),
        sentence=str(row.get("sentence") or row["episode_key"]),
        ending=row.get("ending"),
        members=_members(row.get("members")),
        details={
            name: value for name, value in row.items() if name not in _OF_FINDINGS and value is not None
        },
        **numbers,
    )


def _members(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise TypeError(f"members is no list of texts: {_shown(value)}")
    return tuple(value)


def _number(name: str, value: object) -> float | None:
    if value is None:
        return None
    if not isinstance(value, int | float | Decimal):
        raise TypeError(f"{name} is no number: {_shown(value)}")
    # What is not a number says as little as NULL.
    return None if isnan(value) else float(value)


def _shown(value: object) -> str:
    return repr(value)[:_SHOWN]
