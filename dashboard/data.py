"""Everything the pages know: relations of the catalogue, asked once per version of the data.

The only cache of the dashboard is here. Its key holds the relation, the values bound to its
parameters and the version of the data, so a refresh without new data asks nothing and a stale
picture is impossible.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

import plotly.graph_objects as go
import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from dashboard import calls, patience, viewer, zone
from dashboard.loops import MINUTE
from dashboard.patience import Asked, values
from dashboard.questions import Found
from dashboard.sharing import Known, Sharing
from dashboard.window import Coverage
from stormwatch import readonly
from stormwatch.catalog import Query
from stormwatch.context import Around, Context
from stormwatch.errors import NotPermitted
from stormwatch.groundwork import Groundwork
from stormwatch.people import NO_SQL
from stormwatch.readonly import Stopper
from stormwatch.runtime import current
from stormwatch.status import IngestStatus

_BESIDE: Final = (
    "_kept_blocks", "_kept_minutes", "alert_marks", "alerts", "backlog", "changes", "changes_before",
    "delivery_budgets", "event_rate", "growing_backlogs", "log_pace", "loop_edges", "loop_gain", "notes",
    "reorder_history", "repeated_work", "stored_tables", "type_counts",
)  # fmt: skip
"""Relations that tell of notes, alerts or counted minutes, which change without a batch."""
TIMEOUT_S: Final = 30.0
"""After this long a panel gives up and says so; the others go on."""

_POLL_S: Final = 0.3
_ENTRIES: Final = 256
_TABLES_SIZE: Final = "96mb"
_FIGURES_SIZE: Final = "48mb"
_sharing: Final = Sharing()
_groundwork: Final = Groundwork()


@dataclass(frozen=True)
class Answer:
    """What a relation answered, and all that is needed to ask it again."""

    name: str
    arguments: Mapping[str, object]
    version: int
    table: pa.Table
    elapsed_ms: float
    kept: tuple[tuple[str, str], ...] = ()
    """Columns and values: only such rows of the answer are in the table."""
    beside: int = 0
    """The version of notes, alerts and counted minutes, where it tells of them."""

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows as dictionaries; for answers of a few rows."""
        rows: list[dict[str, Any]] = self.table.to_pylist()
        return rows

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for equal tables."""
        asked = Asked(str(current().database), self.name, self.arguments, self.version, self.beside)
        return *asked.key, self.kept

    def only(self, **values: str | None) -> Answer:
        """The rows with these values in the columns of these names; None asks for no value."""
        wanted = tuple((name, value) for name, value in values.items() if value is not None)
        table = self.table
        for name, value in wanted:
            table = table.filter(pc.equal(table.column(name), value))
        return replace(self, table=table, kept=(*self.kept, *wanted))

    def among(self, name: str, values: Sequence[str]) -> Answer:
        """The rows with one of these values in a column."""
        table = self.table.filter(pc.is_in(self.table.column(name), pa.array(values, pa.string())))
        return replace(self, table=table, kept=(*self.kept, (name, " or ".join(values) or "none of these")))


def version() -> int:
    """The newest version of the data; the one thing that is asked on every refresh."""
    row = _ask("data_version", {}).to_pylist()[0]
    return int(row["data_version"])


def shared_version() -> Known:
    """The version to draw a page from: that of other viewers where it is seconds old and dear."""
    context = get_script_run_ctx()
    session = context.session_id if context else ""
    return _sharing.version(str(current().database), session, lambda: Known(version(), utc_now()))


def status() -> IngestStatus:
    """What the ingester says about itself."""
    return current().status()


def relation(name: str) -> Query:
    """A relation of the catalogue: its text and what its header says."""
    return current().catalog[name]


def relations() -> list[Query]:
    """All public relations, by name."""
    return sorted(
        (query for query in current().catalog.values() if not query.is_internal),
        key=lambda query: query.name,
    )


def load(name: str, at_version: int | None = None, /, **arguments: object) -> Answer:
    """Ask a relation of the catalogue, or remember what it answered under this version.

    Raises:
        QueryError: as `Catalog.run`.
    """
    known = version() if at_version is None else at_version
    beside = current().beside_version() if name in _BESIDE else 0
    asked = Asked(str(current().database), name, dict(arguments), known, beside)
    drawing, found = patience.current(), _known(asked)
    if found is None and drawing is not None:
        shown, answered = drawing.wait(asked, partial(_put, asked), lambda one: _known(one) is not None)
        asked, found = shown, _remember(shown, answered) if answered else _known(shown)
    elif drawing is not None:
        drawing.note(asked)
    table, elapsed_ms = found or _remember(asked, _put(asked, Stopper()))
    return Answer(name, asked.arguments, asked.version, table, elapsed_ms, beside=asked.beside)


def load_now(name: str, at_version: int, /, **arguments: object) -> Answer:
    """The same of a relation whose answer changes without new data; not remembered.

    Raises:
        QueryError: as `Catalog.run`.
    """
    started = time.perf_counter()
    table = _ask(name, arguments)
    return Answer(name, dict(arguments), at_version, table, (time.perf_counter() - started) * 1000)


class _Unknown(Exception):
    """There is no answer to be remembered."""


@st.cache_data(max_entries=_ENTRIES, max_size=_TABLES_SIZE, show_spinner=False)
def _remembered(key: tuple[object, ...], _found: Found | None) -> Found:  # noqa: ARG001 - the cache is keyed by it
    if _found is None:
        raise _Unknown
    return _found


def _known(asked: Asked) -> Found | None:
    """The answer that is remembered."""
    try:
        return _remembered(asked.key, None)
    except _Unknown:
        return None


def _remember(asked: Asked, found: Found) -> Found:
    return _remembered(asked.key, found)


def _put(asked: Asked, stopper: Stopper) -> Found:
    """Ask the database; the rows and the milliseconds they took."""
    started = time.perf_counter()
    table = _ask(asked.name, asked.arguments, asked.version, stopper)
    elapsed_s = time.perf_counter() - started
    _sharing.spend(asked.database, asked.version, elapsed_s)
    return table, elapsed_s * 1000


def _ask(
    name: str, arguments: Mapping[str, object], at_version: int | None = None, stopper: Stopper | None = None
) -> pa.Table:
    runtime = current()
    stopper = stopper or Stopper()
    with runtime.cursor() as cursor, readonly.limited(cursor, TIMEOUT_S, stopper):
        if at_version is None:
            return runtime.catalog.run(cursor, name, **arguments)
        at = str(runtime.database), at_version
        return _groundwork.ask(runtime.catalog, cursor, name, arguments, at)


@st.cache_data(max_entries=64, ttl=60, max_size="8mb", show_spinner=False)
def raw_record(path: str, head: bytes, byte_offset: int, byte_length: int) -> bytes:
    """A record as it stands in the log files now; remembered for a minute.

    Raises:
        SourceError: no file below the watched directory holds it any more.
    """
    return current().read_record(path, head, byte_offset, byte_length)


@st.cache_data(max_entries=64, ttl=60, max_size="16mb", show_spinner=False)
def raw_context(path: str, head: bytes, asked: Around) -> Context:
    """A record with the lines around it as they stand in the log files now; remembered for a minute.

    Raises:
        SourceError: as `raw_record`.
    """
    return current().read_context(path, head, asked)


def coverage(at_version: int | None = None) -> Coverage:
    """From when to when the log reaches, and where most of it lies."""
    row = load("log_coverage", at_version).rows[0]
    stretches = load("log_stretches", at_version).rows
    most = max(stretches, key=lambda stretch: stretch["event_count"], default=None)
    busiest = (most["first_at"], most["last_at"]) if most else None
    pace = load("log_pace", at_version, newest=row["last_at"]).rows if row["last_at"] else []
    found = Coverage(
        row["first_at"],
        row["last_at"],
        busiest,
        row["event_count"],
        row["reject_count"],
        tuple((timedelta(seconds=step["span_s"]), step["event_count"]) for step in pace),
        minute=desk.config.pace.minute if (desk := current().alerts) else MINUTE,
    )
    return replace(found, has_minutes=_has_minutes(row["last_at"], at_version)) if found.is_busy else found


def complete_to(at_version: int) -> datetime | None:
    """Up to when nothing that was written is missing (UTC); None when that is not known."""
    if status().state == "idle":
        return coverage(at_version).last_at  # what is left are last lines without an end
    found: datetime | None = load("read_up_to", at_version).rows[0]["read_to"]
    return found


def _has_minutes(newest: datetime, at_version: int | None) -> bool:
    """Whether what is kept of each minute answers for the last hour of the log."""
    hour = {"since": newest - timedelta(hours=1), "until": newest}
    kept = load("_kept_minutes", at_version, **hour, bucket=timedelta(minutes=1))
    return bool(kept.rows[0]["has_effects"])


def figure(draw: Callable[..., go.Figure], *answers: Answer, **options: object) -> str:
    """A figure of answers as Plotly JSON, drawn once per answers and options."""
    return _figure(lambda *tables, **given: (draw(*tables, **given), {}), draw, answers, options)[0]


def figure_and_facts(
    draw: Callable[..., tuple[go.Figure, dict[str, int]]], *answers: Answer, **options: object
) -> tuple[str, dict[str, int]]:
    """The same with what a page has to know of the figure, such as how high it is."""
    return _figure(draw, draw, answers, options)


def _figure(
    make: Callable[..., tuple[go.Figure, dict[str, int]]],
    draw: Callable[..., object],
    answers: Sequence[Answer],
    options: Mapping[str, object],
) -> tuple[str, dict[str, int]]:
    known = tuple(answer.key for answer in answers)
    key = (f"{draw.__module__}.{draw.__qualname__}", known, values(options), zone.name())
    return _drawn(key, _make=make, _tables=[answer.table for answer in answers], _options=options)


@st.cache_data(max_entries=_ENTRIES, max_size=_FIGURES_SIZE, show_spinner=False)
def _drawn(
    key: tuple[object, ...],  # noqa: ARG001 - as above
    _make: Callable[..., tuple[go.Figure, dict[str, int]]],
    _tables: list[pa.Table],
    _options: Mapping[str, object],
) -> tuple[str, dict[str, int]]:
    made, facts = _make(*_tables, **_options)
    return json_of(made), facts


def json_of(made: go.Figure) -> str:
    """A figure as Plotly JSON, without the template, which the component replaces."""
    made.layout.template = None
    return str(made.to_json())


def utc_now() -> datetime:
    """The clock of this machine, UTC without zone as everything stored."""
    return datetime.now(UTC).replace(tzinfo=None)


def ask(
    text: str, *, row_limit: int, timeout_s: float, while_waiting: Callable[[float], None]
) -> readonly.Answer:
    """Run SQL that a person wrote; it can read and nothing else. Not remembered.

    `while_waiting` is called several times a second with the seconds passed. What it draws is where
    Streamlit ends this run of the page when somebody presses something or leaves, and the query with it.

    Raises:
        NotPermitted: who looks may not ask.
        QueryError: as `run_readonly`.
    """
    if not viewer.person().may_ask_sql:
        raise NotPermitted(NO_SQL)
    stopper, started = readonly.Stopper(), time.perf_counter()
    with current().cursor() as cursor, ThreadPoolExecutor(1) as thread:
        answer = thread.submit(
            readonly.run_readonly, cursor, text,
            row_limit=row_limit, timeout_s=timeout_s, stopper=stopper,
        )  # fmt: skip
        try:
            while answer not in wait([answer], _POLL_S).done:
                while_waiting(time.perf_counter() - started)
            return answer.result()
        finally:
            stopper.stop()


def statement(answer: Answer) -> str:
    """The call behind an answer as SQL that can be run as it stands."""
    return call_text(answer.name, answer.arguments)


def call_text(name: str, arguments: Mapping[str, object]) -> str:
    """The call of a relation with its arguments written out, to be read, copied and run."""
    return calls.call_text(relation(name), arguments)


def api_path(answer: Answer) -> str:
    """Where the rows of an answer can be fetched from the server of this page."""
    given = {
        name: calls.argument_text(value) for name, value in answer.arguments.items() if value is not None
    }
    return f"/api/queries/{answer.name}" + (f"?{urlencode(given)}" if given else "")
