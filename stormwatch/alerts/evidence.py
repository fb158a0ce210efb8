"""What is found out when an episode begins to fire, so that nobody has to ask first."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

import duckdb

from stormwatch.alerts.asking import Watch, last_instant, parameters
from stormwatch.alerts.engine import Episode
from stormwatch.alerts.rules import Rule
from stormwatch.catalog import Catalog
from stormwatch.errors import QueryError
from stormwatch.export import plain_rows, plain_value
from stormwatch.readonly import run_readonly

TIMEOUT_S: Final = 5.0
"""For each relation: people are told only when this is done."""
PASS_S: Final = 10.0
"""For all alerts of a rule that begin in one pass: where many do, the first have their evidence."""
_ROWS: Final = 10
_BEFORE: Final = 8
"""Changes are looked for in so many windows before the onset: what grows slowly began long ago."""
_COMPARED: Final = 4
"""With so many windows before it a window is compared ..."""
_COMPARED_AT_MOST: Final = timedelta(hours=1)
"""... and what is at fault in one, beside the rest of it, with no more than this in the time of the log."""
_LOOPING: Final = "looping"
"""Of records that name no entity nobody knows whether they go round: then all of the window is compared."""

Evidence = dict[str, Any]
_Arguments = Callable[["_About"], Sequence[dict[str, object]]]
"""What a relation is asked, one after the other until there is an answer."""


class Allowance:
    """How long evidence may still be looked for."""

    def __init__(self, seconds: float = PASS_S) -> None:
        self.left_s = seconds

    @contextmanager
    def spent(self) -> Iterator[None]:
        """Count what the block takes."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.left_s -= time.monotonic() - started


class _About:
    """An episode that began to fire, and the window it is about."""

    def __init__(self, rule: Rule, watch: Watch, episode: Episode, instant: datetime) -> None:
        self.episode = episode
        self.instant = instant
        self.pace = watch.pace.of(rule)
        self.window = self.pace.scaled(rule.window)
        self.since = instant - self.window
        stated = episode.details.get("onset_at")
        self.onset = stated if isinstance(stated, datetime) else min(episode.onset_at, instant)


def investigate(
    connection: duckdb.DuckDBPyConnection,
    catalog: Catalog,
    rule: Rule,
    watch: Watch,
    episode: Episode,
    instant: datetime,
    allowance: Allowance,
) -> Evidence:
    """The evidence of an episode that fires at an instant, as JSON has it.

    sql, parameters: what found it. since, until: the window. link: a page of the dashboard, from its
    root. first_event_id: of the chain to look at; None when not known. selection: what
    explain_difference tells apart from the rest; None when it says nothing. For each relation the rule
    names its first rows; `problems` says which could not be asked. Nothing observed later counts.
    """
    about = _About(rule, watch, episode, instant)
    before = last_instant(rule, watch.pace, instant) - about.pace.scaled(rule.every)
    asked = parameters(rule, watch, [episode], before, instant)
    found: Evidence = {
        "sql": rule.sql,
        "parameters": plain_value({name: str(value) for name, value in asked.items()}),
        "since": plain_value(about.since),
        "until": plain_value(instant),
        "link": link_of(rule, about.since, instant),
        "details": plain_value(dict(episode.details)),
        "problems": [],
        "selection": None,
    }
    for name in rule.evidence:
        found[name] = []
        for arguments in _ARGUMENTS[name](about):
            if allowance.left_s <= 0:
                found["problems"].append(f"{name}: not asked, too much began to fire at once")
                break
            timeout_s = min(TIMEOUT_S, allowance.left_s)
            try:
                with allowance.spent():
                    found[name] = _rows_of(connection, catalog, name, arguments, timeout_s)
            except QueryError as error:
                found["problems"].append(f"{name}: {str(error).splitlines()[0]}")
            if found[name]:
                found["selection"] = arguments.get("selection", found["selection"])
                break
    found["first_event_id"] = _first_event(episode, found.get("loop_edges", ()))
    return found


def link_of(rule: Rule, since: datetime, until: datetime) -> str:
    """Path and query of the page that shows the window of an alert."""
    window = "/".join(edge.isoformat(timespec="milliseconds") for edge in (since, until))
    page = "" if rule.page == "overview" else rule.page
    return f"/{page}?{urlencode({'window': window})}"


def _rows_of(
    connection: duckdb.DuckDBPyConnection,
    catalog: Catalog,
    name: str,
    arguments: Mapping[str, object],
    timeout_s: float,
) -> list[dict[str, object]]:
    text, values = catalog.call(name, arguments)
    answer = run_readonly(connection, text, values, row_limit=_ROWS, timeout_s=timeout_s)
    return plain_rows(answer.table)


def _first_event(episode: Episode, edges: Sequence[Mapping[str, Any]]) -> object:
    of_loop = [edge for edge in edges if edge["cause_type"] in episode.members]
    found = of_loop[0]["first_event_id"] if of_loop else None
    return episode.details.get("first_event_id", found)


def _of_edges(about: _About) -> list[dict[str, object]]:
    minute = about.pace.minute
    return [{"instant": about.instant, "bucket": minute, "span": 15 * minute}]


def _of_changes(about: _About) -> list[dict[str, object]]:
    return [{"onset": about.onset, "within": _BEFORE * about.window, "lookback": _BEFORE * about.window}]


def _of_difference(about: _About) -> list[dict[str, object]]:
    """What is at fault against what is not, from before the window on, for its cause may lie there. All of a
    window against what came before it says less: a change is then the better an explanation the less of the
    window came before it, whatever it did.
    """
    details = about.episode.details
    window: dict[str, object] = {"since": about.since, "until": about.instant, "lookback": about.window}
    all_of_it = {
        "selection": "all",
        "baseline_since": about.since - _COMPARED * about.window,
        "baseline_until": about.since,
    }
    asked = [all_of_it]
    if details.get("fault") is not None:
        before = min(_COMPARED * about.window, about.pace.scaled(_COMPARED_AT_MOST))
        asked = [
            {
                "selection": details["fault"],
                "baseline_since": about.since - before,
                "baseline_until": about.instant,
            }
        ]
        if details["fault"] == _LOOPING:
            asked.append(all_of_it)
    narrowed = {"of_consumer": details.get("consumer"), "of_stream": details.get("stream")}
    given = window | {name: value for name, value in narrowed.items() if value is not None}
    return [given | one for one in asked]


_ARGUMENTS: Final[Mapping[str, _Arguments]] = {
    "loop_edges": _of_edges,
    "changes_before": _of_changes,
    "explain_difference": _of_difference,
}
