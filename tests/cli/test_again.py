"""Quarantine and parsing again, from the command line and over HTTP."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stormwatch.errors import ExitCode

from .harness import Command, Processes

TORN = b'{"key": "k-9", "why":\n'
LINES = b"".join(
    json.dumps({"key": f"k-{number}", "why": f"k-{number - 1}"}).encode() + b"\n" for number in range(5)
)


@pytest.fixture
def unusual(logs: Path) -> Path:
    """Logs with a file that names tell nothing of, and a torn line."""
    (logs / "unusual.log").write_bytes(LINES + TORN)
    return logs


def causes(stormwatch: Command) -> int:
    sql = "SELECT count(causation_id) AS n FROM observations JOIN files USING (file_id) WHERE path LIKE 'un%'"
    [row] = stormwatch("sql", sql, "--format", "json").rows
    return int(row["n"])


def test_rejects_say_where_and_why(unusual: Path, stormwatch: Command) -> None:
    assert stormwatch("rejects", "--db", unusual.parent / "none.duckdb").code == ExitCode.STORAGE
    stormwatch("ingest", unusual)
    found = stormwatch("rejects", "--format", "json")
    assert found.code == ExitCode.FINDINGS
    [row] = found.rows
    assert (row["path"], row["byte_offset"], row["byte_length"]) == ("unusual.log", len(LINES), len(TORN))
    assert row["raw_text"] == TORN.decode()
    assert "torn" in row["reason"]
    assert stormwatch("rejects", "orders*", "--format", "json").rows == []
    assert stormwatch("rejects", "orders*").code == ExitCode.OK
    [summary] = stormwatch("rejects", "--reasons", "--format", "json").rows
    assert (summary["reject_count"], summary["path"]) == (1, "unusual.log")
    assert "file of its own" in summary["remedy"]
    assert stormwatch("rejects", "x", "--reasons").code == ExitCode.USAGE


def test_reingest_with_a_corrected_mapping(unusual: Path, stormwatch: Command) -> None:
    stormwatch("ingest", unusual)
    assert causes(stormwatch) == 0
    corrected = ("--map", "id=key", "--map", "cause=why", "--dir", unusual)
    done = stormwatch("reingest", "unusual.log", *corrected)
    assert (done.code, causes(stormwatch)) == (ExitCode.OK, 5)
    assert f"1 files, {len(LINES + TORN)} bytes" in done.err
    (unusual / "unusual.log").unlink()
    gone = stormwatch("reingest", "unusual.log", *corrected)
    assert (gone.code, causes(stormwatch)) == (ExitCode.FINDINGS, 5)
    assert "unusual.log: left as it was" in gone.err


def test_reingest_needs_to_know_what_and_where(unusual: Path, stormwatch: Command) -> None:
    assert stormwatch("reingest", "x", "--dir", unusual).code == ExitCode.STORAGE
    stormwatch("ingest", unusual)
    nowhere = stormwatch("reingest", "unusual.log")
    assert (nowhere.code, "--dir" in nowhere.err) == (ExitCode.USAGE, True)
    unknown = stormwatch("reingest", "x.log", "--dir", unusual)
    assert unknown.code == ExitCode.USAGE
    assert "no stored file is called so; there are: orders.jsonl, unusual.log" in unknown.err


@pytest.mark.slow
def test_the_process_that_watches_does_it(unusual: Path, start: Processes, stormwatch: Command) -> None:
    stormwatch("ingest", unusual)
    running = start("ingest", unusual, "--follow", "--map", "id=key", "--map", "cause=why")
    assert running.url
    assert causes(stormwatch) == 0
    done = stormwatch("reingest", "unusual.log")
    assert (done.code, causes(stormwatch)) == (ExitCode.OK, 5)
    refused = stormwatch("reingest", "x.log")
    assert (refused.code, "no stored file" in refused.err) == (ExitCode.USAGE, True)
