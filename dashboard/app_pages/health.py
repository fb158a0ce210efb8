"""Is everything that was written also read, and is this tool telling the truth?"""

from datetime import timedelta
from pathlib import Path
from typing import Final

import streamlit as st

from dashboard import controls, data, empty, formatting
from dashboard.charts import conservation, timeline
from dashboard.data import Answer
from dashboard.live_plotly import live_plotly
from dashboard.panel import panel
from dashboard.window import Coverage, resolve
from stormwatch.runtime import current

_SAMPLES: Final = 50
_RATE_WINDOW: Final = "1h"


def _database_size() -> int:
    database = current().database
    files = (database, database.with_name(database.name + ".wal"))
    return sum(_size(file) for file in files)


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def _tiles(health: Answer) -> None:
    status = data.status()
    rows = health.rows
    conserved = sum(1 for row in rows if row["is_conserved"])
    backlog = sum(row["backlog_bytes"] for row in rows)
    stored = sum(row["committed_offset"] for row in rows)
    database = _database_size()
    tiles = (
        ("Ingester", status.state, status.detail or "What the reading thread is doing."),
        ("Watch mode", status.watch_mode, "inotify: woken by the system; poll: by the clock. A scan finds what either misses."),
        ("Files", formatting.count(len(rows)), "Generations of content: a truncated file counts again."),
        ("To read", formatting.size(backlog), "Bytes on disk that are not stored yet."),
        ("Read", formatting.size(stored), "Bytes of log committed, decompressed."),
        ("Database", formatting.size(database), f"{formatting.percent(database / stored) if stored else '–'} of what was read."),
        ("Bytes conserved", f"{conserved} of {len(rows)}", "Files of which every committed byte is stored, quarantined, blank or read under another name."),
    )  # fmt: skip
    with st.grid(7, min_column_width=140, gap="small"):
        for label, value, text in tiles:
            st.metric(label, value, border=True, help=text)


def _conservation_panel(health: Answer) -> None:
    about = (
        "**Conservation of bytes:** every byte of a log file that was read is in exactly one place: in "
        "a stored event, in quarantine, blank, or already read under another name (a copy, a "
        "compressed copy). If a file breaks this rule, the table says so."
    )
    with panel("conservation", "Where did every byte go?", about, health):
        if not health.table.num_rows:
            st.markdown("No file was found yet.")
            return
        live_plotly(
            data.figure(conservation.by_file, health),
            key="conservation", alt="Bytes per file by what became of them",
            height=conservation.height(health.table.num_rows),
        )  # fmt: skip


def _files_panel(health: Answer) -> None:
    about = (
        "**Offset** is the first byte not yet stored; **to read** is what lies beyond it. *replaced*: "
        "truncated or rewritten; *gone*: deleted; *copy*: same content as another file."
    )
    with panel("files", "How far is each file read?", about, health):
        st.dataframe(
            health.table.select(
                ["path", "state", "size_bytes", "committed_offset", "backlog_bytes", "event_count",
                 "reject_count", "missed_bytes", "is_conserved", "last_read_at"]
            ),
            hide_index=True,
            key="files",
            alt="Files and how far they are read",
            column_config={
                "size_bytes": st.column_config.NumberColumn("size", format="bytes"),
                "committed_offset": st.column_config.NumberColumn("offset", format="localized"),
                "backlog_bytes": st.column_config.NumberColumn("to read", format="bytes"),
                "event_count": st.column_config.NumberColumn("events", format="localized"),
                "reject_count": st.column_config.NumberColumn("rejected", format="localized"),
                "missed_bytes": st.column_config.NumberColumn("missed", format="bytes"),
                "is_conserved": st.column_config.CheckboxColumn("conserved"),
                "last_read_at": st.column_config.DatetimeColumn("last read, UTC", format="YYYY-MM-DD HH:mm:ss"),
            },
        )  # fmt: skip


def _rate_panel(version: int) -> None:
    batches = data.load("data_version", version).rows[0]
    if batches["committed_at"] is None:
        return
    recent = resolve(_RATE_WINDOW, Coverage(None, batches["committed_at"]), is_live=False)
    since = recent.until - timedelta(hours=1)
    bucket = timedelta(seconds=30)
    rate = data.load("ingest_rate", version, since=since, until=recent.until, bucket=bucket)
    about = "Events stored per second by the clock of this machine, over the hour before the last commit."
    with panel("ingest_rate", "How fast is it read?", about, rate):
        live_plotly(
            data.figure(timeline.ingest_rate, rate, since=since, until=recent.until, bucket=bucket),
            key="ingest_rate", alt="Events stored per second", height=220,
        )  # fmt: skip


def _quarantine_panel(version: int) -> None:
    reasons = data.load("reject_reasons", version)
    samples = data.load("recent_rejects", version, row_limit=_SAMPLES)
    about = (
        "A line that cannot be understood is kept here with its place, the reason and its bytes; it is "
        "never dropped and never an error. `stormwatch check DIR` explains what each file lacks."
    )
    with panel("quarantine", "What was not understood, and why?", about, reasons, samples):
        if not reasons.table.num_rows:
            st.markdown(":material/check_circle: **Quarantine is empty:** every line that was read was understood.")
            return
        st.dataframe(
            reasons.table, hide_index=True, key="reasons", alt="Reasons for rejection",
            column_config={
                "reason": st.column_config.TextColumn(width="large"),
                "reject_count": st.column_config.NumberColumn("rejected", format="localized"),
                "byte_count": st.column_config.NumberColumn("bytes", format="bytes"),
            },
        )  # fmt: skip
        st.caption("The latest")
        st.dataframe(
            samples.table.select(["path", "byte_offset", "byte_length", "reason", "raw_text"]),
            hide_index=True,
            key="samples",
            alt="Latest rejected lines",
            column_config={
                "byte_offset": st.column_config.NumberColumn("offset", format="%d"),
                "byte_length": st.column_config.NumberColumn("length", format="bytes"),
                "raw_text": st.column_config.TextColumn("bytes as text", width="large"),
            },
        )


def _occurrences_panel() -> None:
    happened = {name: count for name, count in data.status().occurrences.items() if count}
    about = "What the reader met since it started: rotations, truncations, torn lines, files that vanished."
    with panel("occurrences", "What happened to the files?", about):
        if not happened:
            st.markdown("Nothing out of the ordinary since the start.")
            return
        st.dataframe(
            {"what": [name.replace("_", " ") for name in happened], "times": list(happened.values())},
            hide_index=True, key="occurrences", alt="What happened to the files",
        )  # fmt: skip


def page() -> None:
    version = data.version()
    health = data.load("ingest_health", version)
    if not health.table.num_rows and empty.is_empty(version):
        return
    _tiles(health)
    left, right = st.columns([3, 2])
    with left:
        _conservation_panel(health)
    with right:
        _rate_panel(version)
        _occurrences_panel()
    _files_panel(health)
    _quarantine_panel(version)


st.markdown("**Is everything that was written also read, and where did every byte go?**")
controls.live(page)
