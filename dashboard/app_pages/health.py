"""Health: whether everything that was written was also read, and this tool tells the truth."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import streamlit as st

from dashboard import (
    controls,
    cost_panel,
    data,
    empty,
    findings,
    first_run,
    formatting,
    mapping_panel,
    pages,
    table,
    tile,
    time_chart,
    verdict_box,
    window,
)
from dashboard.charts import conservation, timeline
from dashboard.data import Answer
from dashboard.hostile import safe_md
from dashboard.live_plotly import live_plotly
from dashboard.panel import attempt, panel
from dashboard.tile import Tile
from dashboard.time_chart import Hand
from dashboard.window import Coverage, resolve
from stormwatch.retention.ages import age_text
from stormwatch.retention.pruner import Size
from stormwatch.runtime import current

_SAMPLES: Final = 50
_RATE_WINDOW: Final = "1h"
_RATE_PX: Final = 220
_TILE_PX: Final = 150
"""Eight of them have room in a row."""
_AROUND: Final = timedelta(seconds=1)
"""How much of the log is shown from its oldest event on."""
_WATCHED: Final = {
    "inotify": "woken by the system, and scans",
    "poll": "by the clock: the system wakes nobody",
    "none": "nobody watches the directory",
}


def _compared(size: Size, read: int, *, is_pruned: bool) -> str:
    """The size of the database beside that of the logs; an almost empty one has a size of its own."""
    if is_pruned:
        return f"{formatting.size(size.free_bytes)} of it free for new rows"
    if size.file_bytes > read:
        return "more than was read: it is that large while it is almost empty"
    return f"{formatting.percent(size.file_bytes / read)} of what was read"


def _kept() -> Tile:
    """How far back events are kept, and when what is older was last deleted."""
    status = current().retention.status()
    value, said = "off", "everything is kept; --retention changes that"
    if status.age is not None:
        value, said = age_text(status.age), "not applied yet"
    if status.age is not None and status.applied_at is not None:
        said = f"of log; applied {formatting.instant(status.applied_at)}"
    return Tile("Retention", value, said, href="#bytes")


def _oldest(first_at: datetime | None) -> Tile:
    """When the log begins, and the way to its first records."""
    if first_at is None:
        return Tile("Oldest event", formatting.NONE, "no event has a time", "events")

    def look() -> None:
        controls.set_window(window.absolute(first_at, first_at + _AROUND))
        pages.go("events")

    return Tile("Oldest event", formatting.instant(first_at), "that is stored", act=look)


def _tiles(health: Answer, version: int) -> None:
    status, coverage = data.status(), data.load("log_coverage", version).rows[0]
    rows = health.rows
    conserved = sum(1 for row in rows if row["is_conserved"])
    backlog = sum(row["backlog_bytes"] for row in rows)
    stored, rejects = sum(row["committed_offset"] for row in rows), coverage["reject_count"]
    size, is_pruned = current().retention.size(), any(row["pruned_bytes"] for row in rows)
    tile.row(
        [
            Tile("Ingester", status.state, _WATCHED.get(status.watch_mode, ""), href="#met"),
            Tile("Files", formatting.count(len(rows)), "a truncated file counts again", href="#files"),
            Tile(
                "Read", formatting.size(stored),
                f"of log, decompressed; {formatting.size(backlog)} on disk are not stored yet",
                href="#rate",
            ),
            Tile(
                "Database", formatting.size(size.file_bytes), _compared(size, stored, is_pruned=is_pruned),
                href="#tables",
            ),
            _oldest(coverage["first_at"]),
            _kept(),
            Tile(
                "Bytes accounted for", f"{conserved} of {len(rows)}", "files without a byte missing",
                href="#bytes",
            ),
            Tile("Rejected lines", formatting.count(rejects), "in quarantine", href="#quarantine"),
        ],
        key="health", narrowest=_TILE_PX,
    )  # fmt: skip
    if status.detail:
        st.warning(safe_md(status.detail, 600), icon=":material/warning:")
    if problem := current().retention.status().problem:
        st.warning(f"Retention could not be applied: {safe_md(problem, 600)}", icon=":material/warning:")


def _conservation_panel(health: Answer) -> None:
    about = (
        "**Conservation of bytes:** every byte of a log file that was read is in exactly one place: in "
        "a stored event, in quarantine, blank, pruned since, or already read under another name (a copy, "
        "a compressed copy). If a file breaks this rule, the table says so."
    )
    with panel("conservation", "Where did every byte go?", about, health, anchor="bytes"):
        if not health.table.num_rows:
            st.markdown("No file was found yet.")
            return
        live_plotly(
            data.figure(conservation.by_file, health),
            key="conservation", alt="Bytes per file by what became of them",
            height=conservation.height(health.table.num_rows),
        )  # fmt: skip
        if health.table.num_rows > conservation.FILES_AT_MOST:
            st.caption(
                f"The {conservation.FILES_AT_MOST} largest of {formatting.count(health.table.num_rows)} files"
            )


def _files_panel(health: Answer) -> None:
    about = (
        "**Offset** is the first byte not yet stored; **to read** is what lies beyond it. *replaced*: "
        "truncated or rewritten; *gone*: deleted; *copy*: same content as another file."
    )
    with panel("files", "How far is each file read?", about, health, anchor="files"):
        table.show(
            health.table.select(
                ["path", "state", "size_bytes", "committed_offset", "backlog_bytes", "event_count",
                 "reject_count", "missed_bytes", "is_conserved", "last_read_at"]
            ),
            {
                "path": table.text("file", "medium"),
                "state": table.text(width=80),
                "size_bytes": table.number("size, bytes"),
                "committed_offset": table.number("offset"),
                "backlog_bytes": table.number("to read, bytes"),
                "event_count": table.number("records"),
                "reject_count": table.number("rejected"),
                "missed_bytes": table.number("missed, bytes"),
                "is_conserved": st.column_config.CheckboxColumn("accounted for"),
                "last_read_at": table.at("last read"),
            },
            key="files", alt="Files and how far they are read",
        )  # fmt: skip


def _rate_panel(version: int) -> None:
    batches = data.load("data_version", version).rows[0]
    if batches["committed_at"] is None:
        return
    recent = resolve(_RATE_WINDOW, Coverage(None, batches["committed_at"]), is_live=False)
    since = recent.until - timedelta(hours=1)
    bucket = timedelta(seconds=30)
    shown = replace(recent, since=since)
    rate = data.load("ingest_rate", version, **shown.edges, bucket=bucket)
    about = (
        "Events stored per second by the clock of this machine, over the hour before the last commit. Below "
        "it are changes, notes and alerts of the same hour by the clocks of the logs: of an old log there "
        "are none. **Click** a mark for its record."
    )
    with panel("ingest_rate", "How fast is it read?", about, rate, anchor="rate"):
        time_chart.draw(
            timeline.ingest_rate, rate, shown, key="ingest_rate", alt="Events stored per second",
            height=_RATE_PX, hand=Hand(is_of_log=False), bucket=bucket,
        )  # fmt: skip


def _quarantine_panel(version: int) -> None:
    reasons = data.load("reject_reasons", version)
    samples = data.load("recent_rejects", version, row_limit=_SAMPLES)
    about = (
        "A line that cannot be understood is kept here with its place, the reason and its bytes; it is "
        "never dropped and never an error. `stormwatch check DIR` explains what each file lacks."
    )
    with panel(
        "quarantine", "What was not understood, and why?", about, reasons, samples, anchor="quarantine"
    ):  # fmt: skip
        if not reasons.table.num_rows:
            st.markdown(":material/check_circle: **Quarantine is empty:** every line was understood.")
            return
        table.show(
            reasons.table,
            {
                "reason": table.text(width="large"),
                "reject_count": table.number("rejected", 100),
                "byte_count": table.number("bytes", 100),
                "file_count": table.number("files", 80),
                "remedy": table.text("what is likely to help", "large"),
                "path": table.text("first in", 200),
                "byte_offset": table.name("at", 100),
                "raw_text": table.text("bytes as text", "large"),
            },
            key="reasons", alt="Reasons for rejection",
        )  # fmt: skip
        st.caption("The latest; **click** a row for the lines around it")
        rows = samples.rows
        table.opening(
            samples.table.select(["path", "byte_offset", "byte_length", "reason", "raw_text"]),
            {
                "path": table.text("file", 200),
                "byte_offset": table.name("offset", 100),
                "byte_length": table.number("bytes", 80),
                "reason": table.text(width="large"),
                "raw_text": table.text("bytes as text", "large"),
            },
            lambda row: pages.go("events", at=f"{rows[row]['file_id']}:{rows[row]['byte_offset']}:0"),
            key="samples", alt="Latest rejected lines",
        )  # fmt: skip


def _occurrences_panel() -> None:
    happened = {name: count for name, count in data.status().occurrences.items() if count}
    about = "What the reader met since it started: rotations, truncations, torn lines, files that vanished."
    with panel("occurrences", "What happened to the files?", about, anchor="met"):
        if not happened:
            st.markdown("Nothing out of the ordinary since the start.")
            return
        table.show(
            {"what": [name.replace("_", " ") for name in happened], "times": list(happened.values())},
            {"times": table.number(width=80)},
            key="occurrences", alt="What happened to the files",
        )  # fmt: skip


def _tables_panel(version: int) -> None:
    found = data.load("stored_tables", version)
    about = (
        "The tables that grow with the logs, by their rows. Almost all of a database is the records of the "
        "log; minutes that are counted answer for long windows of busy logs."
    )
    with panel("tables", "What fills the database?", about, found, anchor="tables"):
        table.show(
            found.table,
            {
                "table_name": table.text("table", 140),
                "stored_count": table.number("rows", 110),
                "meaning": table.text("its rows are", "large"),
            },
            key="tables", alt="Tables of the database, those with most rows first",
        )  # fmt: skip


def page(version: int) -> None:
    health = data.load("ingest_health", version)
    if not health.table.num_rows and empty.is_empty(version):
        return
    verdict_box.draw(*findings.of_health(health.rows, state=data.status().state))
    _tiles(health, version)
    left, right = st.columns([3, 2])
    with left:
        _conservation_panel(health)
    with right:
        attempt(_rate_panel, version)
        _occurrences_panel()
    cost_panel.draw()
    _files_panel(health)
    attempt(_tables_panel, version)
    attempt(_quarantine_panel, version)
    attempt(first_run.known_panel, version)
    attempt(mapping_panel.draw, version)


st.header("Is everything that was written also read, and where did every byte go?", anchor=False)
controls.live(page)
