"""The command `stormwatch` as it is, which notes every relation that the pages ask: when, what, for how long.

The first argument is the file for the notes, the others are those of the command.
"""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TextIO

import duckdb
import pyarrow as pa

from stormwatch.catalog import Catalog
from stormwatch.cli.main import main

_OF_PAGES: Final = ("ScriptRunner", "question")
"""How the threads are named in which pages and their questions run."""


@dataclass(frozen=True)
class Asked:
    """One question to the database."""

    at: float
    """Unix time at which it was answered, in seconds."""
    name: str
    seconds: float


def read(journal: Path) -> list[Asked]:
    """All that was noted so far."""
    lines = (line.split() for line in journal.read_text().splitlines(keepends=True) if line.endswith("\n"))
    return [Asked(float(at), name, float(seconds)) for at, name, seconds in lines]


def _note(notes: TextIO) -> None:
    run = Catalog.run

    def noted(self: Catalog, connection: duckdb.DuckDBPyConnection, name: str, **arguments: Any) -> pa.Table:
        started = time.time()
        try:
            return run(self, connection, name, **arguments)
        finally:
            if threading.current_thread().name.startswith(_OF_PAGES):
                notes.write(f"{time.time():.6f} {name} {time.time() - started:.6f}\n")

    Catalog.run = noted  # type: ignore[method-assign]


if __name__ == "__main__":
    with Path(sys.argv[1]).open("w", buffering=1) as journal:
        _note(journal)
        sys.argv[1:] = sys.argv[2:]
        sys.exit(main())
