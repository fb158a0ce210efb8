"""Looking after a database: copies, old files, and what doctor finds."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from stormwatch.errors import ExitCode
from stormwatch.resources import SCHEMA
from stormwatch.storage import Store, open_reader, owner_file

from .harness import ROOT, Command, Processes


def _findings(stormwatch: Command, *arguments: object) -> dict[str, dict[str, str]]:
    rows = stormwatch("doctor", *arguments, "--format", "json").rows
    return {row["what"]: row for row in rows}


def test_snapshot_of_a_database_nobody_owns(logs: Path, tmp_path: Path, stormwatch: Command) -> None:
    stormwatch("ingest", logs)
    copy = tmp_path / "copy.duckdb"
    assert stormwatch("snapshot", copy).code == ExitCode.OK
    with open_reader(copy) as connection:
        assert connection.execute("SELECT count(*) FROM events").fetchall() == [(10,)]


def test_snapshot_of_nothing_makes_no_database(tmp_path: Path, database: Path, stormwatch: Command) -> None:
    assert stormwatch("snapshot", tmp_path / "copy.duckdb").code == ExitCode.STORAGE
    assert not database.exists()


def test_older_file_gets_the_relations_of_this_version(
    logs: Path, database: Path, stormwatch: Command
) -> None:
    stormwatch("ingest", logs)
    with Store(database) as store, store.cursor() as cursor:
        cursor.execute("DROP VIEW _catalog")
        cursor.execute("CREATE OR REPLACE VIEW edges AS SELECT 1 AS old")
    assert len(stormwatch("query", "edges", "--format", "json").rows) == 9


def test_older_file_that_is_in_use_is_read_as_it_is(logs: Path, database: Path, stormwatch: Command) -> None:
    stormwatch("ingest", logs)
    with Store(database) as store, store.cursor() as cursor:
        cursor.execute("DROP VIEW _catalog")
    hold = f"open_reader(Path({str(database)!r})); print('open', flush=True); input()"
    script = f"from pathlib import Path; from stormwatch.storage import open_reader; held = {hold}"
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == b"open\n"
        result = stormwatch("query", "edges", "--format", "json")
        reader.communicate(b"\n")
    assert len(result.rows) == 9
    assert "was written by another version and cannot be changed" in result.err


@pytest.mark.slow
def test_owner_file_of_a_process_that_is_something_else_now(
    logs: Path, database: Path, stormwatch: Command, start: Processes, tmp_path: Path
) -> None:
    stormwatch("ingest", logs)
    # A process number is given again after a restart, and so is a port: to another database here.
    other = tmp_path / "other.duckdb"
    running = start("ingest", logs, "--follow", "--db", other)
    running.database = other
    url = running.url
    told = {"pid": 1, "command": "stormwatch up /gone", "url": url}
    owner_file(database).write_text(json.dumps(told), encoding="utf-8")
    assert stormwatch("sql", "SELECT count(*) AS n FROM events", "--format", "json").rows == [{"n": 10}]


def test_doctor_finds_a_healthy_machine_healthy(logs: Path, stormwatch: Command) -> None:
    stormwatch("ingest", logs)
    result = stormwatch("doctor", logs)
    assert result.code == ExitCode.OK
    found = _findings(stormwatch, logs)
    assert found["database"]["found"].endswith(f"opens, schema {len(list(SCHEMA.glob('*.sql')))}")
    assert found["log directory"]["found"].endswith("1 files")
    assert found["database"]["verdict"] == found["log directory"]["verdict"] == "fine"


def test_doctor_asks_the_owner(logs: Path, stormwatch: Command, start: Processes) -> None:
    running = start("ingest", logs, "--follow")
    assert running.url in _findings(stormwatch)["database"]["found"]


def test_doctor_tells_what_will_not_work(tmp_path: Path, database: Path, stormwatch: Command) -> None:
    database.write_bytes(b"no database" * 1000)
    database.chmod(0o644)
    result = stormwatch("doctor", tmp_path)
    assert result.code == ExitCode.FINDINGS
    found = _findings(stormwatch, tmp_path)
    assert found["database"]["verdict"] == "fails"
    assert "chmod 600" in found["database rights"]["advice"]
    # The database would be in the directory that is watched.
    assert found["log directory"]["verdict"] == "fails"
    assert "--db" in found["log directory"]["found"]
