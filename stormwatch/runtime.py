"""What the pages of a running process share: the database, the catalogue and the ingester's status."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from stormwatch.alerts.desk import Desk
from stormwatch.catalog import Catalog
from stormwatch.context import Around, Context
from stormwatch.cost import Meter
from stormwatch.errors import StormwatchError
from stormwatch.notes import Notebook
from stormwatch.people import WHOEVER, Person
from stormwatch.retention.service import Retention
from stormwatch.status import IngestStatus


@dataclass(frozen=True)
class Runtime:
    """Handed over once by whoever starts the process; pages only read it."""

    database: Path
    cursor: Callable[[], duckdb.DuckDBPyConnection]
    """A connection of its own for the caller, who closes it."""
    catalog: Catalog
    status: Callable[[], IngestStatus]
    snapshot: Callable[[Path], None]
    """Writes a consistent copy of the database; raises StorageError."""
    reingest: Callable[[Sequence[str]], dict[str, object]]
    """Has the stored files of these paths or patterns parsed again; which they are, how many bytes.

    Raises ConfigError when there are none.
    """
    read_record: Callable[[str, bytes, int, int], bytes]
    """Reads a record again from the logs: path and first bytes of its file, offset, length.

    Finds the file under another name too; raises SourceError where it is gone.
    """
    read_context: Callable[[str, bytes, Around], Context]
    """Reads a record again with what stands around it: path and first bytes of its file, what is asked.

    Finds the file as `read_record` does.
    """
    notes: Notebook
    """Adds notes that people write, and takes them back."""
    retention: Retention
    """Says what is kept, and deletes what is older."""
    beside_version: Callable[[], int]
    """The version of what is stored beside the log: notes, alerts, counted minutes."""
    meter: Meter
    """Says what this process costs."""
    alerts: Desk | None = None
    """Acknowledges, silences, tries routes and plays the past again; None where nobody evaluates rules."""
    person: Callable[[Mapping[str, str]], Person | None] = lambda _: WHOEVER
    """Who looks at a page, by the cookies of their browser; None where they are not signed in any more."""


_current: Runtime | None = None


def install(runtime: Runtime | None) -> None:
    """Set (or with None clear) the runtime of this process."""
    global _current  # noqa: PLW0603 - Streamlit runs page scripts without arguments; this is their only way in
    _current = runtime


def current() -> Runtime:
    """The runtime of this process.

    Raises:
        StormwatchError: nobody installed one.
    """
    if _current is None:
        raise StormwatchError("no database is open in this process; start with `stormwatch up DIR`")
    return _current
