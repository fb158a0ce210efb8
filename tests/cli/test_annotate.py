"""Notes from the command line: into a database of nobody's, and through the process that owns it."""

from __future__ import annotations

import getpass
from pathlib import Path

import pytest

from stormwatch.errors import ExitCode

from .harness import HOSTILE, Command, Processes


def test_a_note_stands_among_the_changes_and_can_be_taken_back(prepared: Path, stormwatch: Command) -> None:
    assert prepared.exists()
    said = stormwatch("annotate", "deploy 4.2", "--at", "2026-03-02T11:00+01:00", "--service", "billing")
    assert (said.code, "note 1 at 2026-03-02T10:00:00" in said.err) == (ExitCode.OK, True), said.err
    [row] = stormwatch("query", "changes", "--format", "json").rows
    assert (row["kind"], row["service"], row["subject"]) == ("note", "billing", "deploy 4.2")
    [note] = stormwatch("query", "notes", "--format", "json").rows
    assert (note["author"], note["until_at"]) == (getpass.getuser(), None)
    assert stormwatch("annotate", "--remove", 1).code == ExitCode.OK
    assert stormwatch("query", "notes", "--format", "json").rows == []


def test_without_a_time_it_is_about_now(prepared: Path, stormwatch: Command) -> None:
    assert prepared.exists()
    stormwatch("annotate", "now", "--by", "kim")
    [note] = stormwatch("query", "notes", "--format", "json").rows
    assert note["noted_at"] == note["created_at"]
    assert note["author"] == "kim"


def test_text_cannot_steer_the_terminal(prepared: Path, stormwatch: Command) -> None:
    assert prepared.exists()
    stormwatch("annotate", HOSTILE)
    shown = stormwatch("query", "notes")
    assert b"\x1b" not in shown.out
    assert b"red" in shown.out


def test_what_is_no_note_is_refused(prepared: Path, stormwatch: Command) -> None:
    assert prepared.exists()
    for arguments in ((), ("x", "--remove", 1), ("x", "--at", "noon"), ("--remove", 7)):
        assert stormwatch("annotate", *arguments).code == ExitCode.USAGE, arguments


def test_without_a_database_there_is_nothing_to_annotate(database: Path, stormwatch: Command) -> None:
    assert not database.exists()
    assert stormwatch("annotate", "x").code == ExitCode.STORAGE


@pytest.mark.slow
def test_the_process_that_owns_the_database_stores_it(
    logs: Path, database: Path, stormwatch: Command, start: Processes
) -> None:
    running = start("ingest", logs, "--follow", "--db", database)
    running.wait_for(events=10)
    assert stormwatch("annotate", "rollback", "--at", "2026-03-02T10:00:05").code == ExitCode.OK
    kinds = [row["kind"] for row in stormwatch("query", "changes", "--format", "json").rows]
    assert kinds == ["note"]
    assert stormwatch("annotate", "--remove", 1).code == ExitCode.OK
    assert stormwatch("query", "changes", "--format", "json").rows == []
    code, _ = running.stop()
    assert code == 0
