"""The database file: created whole or not at all, owned by one, migrated once, copied consistently."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from stormwatch import storage
from stormwatch.errors import ConfigError, DatabaseBusy, DatabaseMissing, StorageError
from stormwatch.storage import Store, open_empty, open_reader, open_scratch, read_owner

_OWNER = """
import sys
from pathlib import Path
from stormwatch.errors import StormwatchError
from stormwatch.storage import Store
print("ready", flush=True)
sys.stdin.readline()
try:
    store = Store(Path(sys.argv[1]), command="stormwatch up logs")
except StormwatchError as error:
    sys.exit(f"{type(error).__name__}: {error}")
print("open", flush=True)
sys.stdin.readline()
store.close()
"""


@contextmanager
def _process(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that opens a store when it gets a line, and closes it when it gets another."""
    command = [sys.executable, "-c", _OWNER, str(path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            process.kill()


def _say(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def _heard(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def _rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[object, ...]]:
    return connection.execute(sql).fetchall()


def _add_batch(store: Store, number: int) -> None:
    with store.cursor() as cursor:
        cursor.execute("INSERT INTO batches VALUES (?, now()::TIMESTAMP, 0, 0, 0, NULL, 0)", [number])


# --- creation --------------------------------------------------------------------------------


def test_a_new_database_is_complete_private_and_alone(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "down" / "store.duckdb"
    with Store(path) as store, store.cursor() as cursor:
        assert _rows(cursor, "FROM observations") == []
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_kill_during_creation_leaves_no_half_file(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    interrupted = 0
    for number in range(12):
        with _process(path) as process:
            _say(process)
            while not list(tmp_path.glob("*.init")) and not path.exists():
                time.sleep(0.0005)
            time.sleep(number * 0.003)
            process.send_signal(signal.SIGKILL)
            process.wait()
        interrupted += not path.exists()
        if path.exists():
            with Store(path) as store, store.cursor() as cursor:
                assert _rows(cursor, "FROM observations") == []
            assert list(tmp_path.iterdir()) == [path]
            path.unlink()
    assert interrupted > 0
    Store(path).close()
    assert list(tmp_path.iterdir()) == [path], "drafts of the killed are removed"


def test_of_two_that_create_at_once_one_gets_it(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    with _process(path) as one, _process(path) as other:
        _say(one)
        _say(other)
        answers = [_heard(process) for process in (one, other)]
        assert sorted(answers) == ["", "open\n"]
        loser = (one, other)[answers.index("")]
        assert loser.stderr is not None
        assert loser.stderr.read().startswith(f"DatabaseBusy: {path}: in use by ")
        with pytest.raises(DatabaseBusy):
            open_reader(path)


def test_where_no_database_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"file/store\.duckdb: cannot create a database here: "):
        Store(tmp_path / "file" / "store.duckdb")


# --- owners ----------------------------------------------------------------------------------


def test_the_owner_is_named_to_whoever_comes_second(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    with _process(path) as process:
        _say(process)
        assert _heard(process) == "open\n"
        expected = (
            rf"store\.duckdb: in use by `stormwatch up logs` \(process {process.pid}\); "
            r"one process owns a database: stop that one, or give this one another file with --db$"
        )
        with pytest.raises(DatabaseBusy, match=expected):
            Store(path)
        with pytest.raises(DatabaseBusy, match=expected):
            open_reader(path)
        owner = read_owner(path)
        assert owner is not None
        assert (owner.pid, owner.url) == (process.pid, None)
        process.kill()
        process.wait()
    assert read_owner(path) is None, "the dead own nothing"
    with Store(path, command="stormwatch ingest") as store:
        store.announce("stormwatch ingest", url="http://127.0.0.1:8501")
        assert read_owner(path) == storage.Owner(os.getpid(), "stormwatch ingest", "http://127.0.0.1:8501")
    assert read_owner(path) is None


def test_several_may_read_what_nobody_owns(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    with Store(path) as store:
        _add_batch(store, 1)
    with open_reader(path) as one:
        question = "from stormwatch.storage import open_reader, Path; import sys\n"
        question += "print(open_reader(Path(sys.argv[1])).execute('FROM batches').fetchall()[0][0])"
        other = subprocess.run(
            [sys.executable, "-c", question, str(path)], capture_output=True, text=True, check=True
        )
        assert other.stdout == "1\n"
        with pytest.raises(duckdb.InvalidInputException, match="read-only"):
            one.execute("DELETE FROM batches")


def test_a_missing_or_damaged_file_is_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    with pytest.raises(DatabaseMissing, match=r"no such database; make one with `stormwatch ingest DIR --db"):
        open_reader(path)
    path.write_bytes(b"not a database" * 1000)
    for opened in (open_reader, Store):
        with pytest.raises(StorageError, match=r"cannot be opened: .*; if the file is damaged, move"):
            opened(path)
    assert path.read_bytes() == b"not a database" * 1000


# --- schema ----------------------------------------------------------------------------------


def test_every_table_and_column_has_a_comment() -> None:
    with open_empty() as connection:
        without = _rows(
            connection,
            "SELECT table_name, NULL FROM duckdb_tables() WHERE coalesce(comment, '') = '' UNION ALL "
            "SELECT table_name, column_name FROM duckdb_columns() "
            "WHERE NOT internal AND coalesce(comment, '') = ''",
        )
        assert _rows(connection, "SELECT count(*) > 6 FROM duckdb_tables()") == [(True,)]
    assert without == []


def test_migrations_are_numbered_without_holes() -> None:
    numbers = [int(path.name[:4]) for path in sorted(storage.SCHEMA.glob("*.sql"))]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.fixture
def schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with the migrations of today, to add some of tomorrow."""
    directory = tmp_path / "schema"
    directory.mkdir()
    for path in storage.SCHEMA.glob("*.sql"):
        (directory / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(storage, "SCHEMA", directory)
    return directory


def test_a_migration_is_applied_once_and_keeps_what_is_there(tmp_path: Path, schema: Path) -> None:
    path = tmp_path / "store.duckdb"
    with Store(path) as store:
        _add_batch(store, 7)
    last = max(int(script.name[:4]) for script in schema.iterdir())
    (schema / f"{last + 1:04}_next.sql").write_text("ALTER TABLE batches ADD COLUMN extra INTEGER DEFAULT 5;")
    for _ in range(2):
        with Store(path) as store, store.cursor() as cursor:
            assert _rows(cursor, "SELECT batch_id, extra FROM batches") == [(7, 5)]
            versions = [(number,) for number in range(1, last + 2)]
            assert _rows(cursor, "SELECT version FROM schema_versions ORDER BY ALL") == versions


def test_a_migration_that_fails_changes_nothing(tmp_path: Path, schema: Path) -> None:
    path = tmp_path / "store.duckdb"
    Store(path).close()
    broken = schema / "9999_broken.sql"
    broken.write_text("DROP TABLE batches; SELECT * FROM missing;")
    with pytest.raises(duckdb.CatalogException, match="missing"):
        Store(path)
    broken.unlink()
    with Store(path) as store, store.cursor() as cursor:
        assert _rows(cursor, "FROM batches") == []


def test_a_newer_database_is_refused(tmp_path: Path, schema: Path) -> None:
    path = tmp_path / "store.duckdb"
    newer = schema / "9999_newer.sql"
    newer.write_text("ALTER TABLE batches ADD COLUMN extra INTEGER;")
    Store(path).close()
    newer.unlink()
    for opened in (open_reader, Store):
        with pytest.raises(StorageError, match=r"version 9999 is newer than this program's \(\d+\); use"):
            opened(path)


# --- settings --------------------------------------------------------------------------------


def test_every_cursor_is_confined_and_speaks_utc(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    with Store(path) as store, store.cursor() as cursor:
        _check_confined(cursor)
    with open_reader(path) as reader:
        _check_confined(reader)


def _check_confined(connection: duckdb.DuckDBPyConnection) -> None:
    assert _rows(connection, "SELECT (TIMESTAMPTZ '2026-07-01 12:00+02')::VARCHAR") == [
        ("2026-07-01 10:00:00+00",)
    ]
    with pytest.raises(duckdb.PermissionException):
        connection.execute("FROM read_text('/etc/hostname')")
    with pytest.raises(duckdb.InvalidInputException, match="configuration has been locked"):
        connection.execute("SET enable_external_access = true")


def test_a_memory_limit_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    with pytest.raises(ConfigError, match=r"memory limit 'lots': expected a size such as 1GB or 800MB"):
        Store(path, memory_limit="lots")
    with Store(path, memory_limit="300MB") as store, store.cursor() as cursor:
        assert _rows(cursor, "SELECT current_setting('memory_limit')") == [("286.1 MiB",)]


# --- copies ----------------------------------------------------------------------------------


def _write_batches(store: Store, stop: threading.Event, written: threading.Semaphore) -> None:
    """Rows, and beside them how many there are, in one transaction each time."""
    size = 0
    with store.cursor() as cursor:
        while not stop.is_set():
            with store.commit_lock:
                cursor.execute("BEGIN")
                cursor.execute(
                    "INSERT INTO batches SELECT i, now()::TIMESTAMP, 0, 0, 0, NULL, 0 FROM range(50) AS t(i)"
                )
                size += 50
                cursor.execute("UPDATE batches SET event_count = ? WHERE batch_id = 0", [size])
                cursor.execute("COMMIT")
            written.release()


def test_a_copy_is_consistent_while_another_thread_writes(tmp_path: Path) -> None:
    stop, written = threading.Event(), threading.Semaphore(0)
    sizes = []
    with Store(tmp_path / "store.duckdb") as store:
        thread = threading.Thread(target=_write_batches, args=[store, stop, written])
        thread.start()
        try:
            for number in range(6):
                assert written.acquire(timeout=60)
                copy = tmp_path / f"copy-{number}.duckdb"
                store.snapshot(copy)
                with open_reader(copy) as reader:
                    [(rows, told)] = _rows(reader, "SELECT count(*), max(event_count) FROM batches")
                assert rows == told
                sizes.append(rows)
        finally:
            stop.set()
            thread.join()
    assert sizes == sorted(sizes)
    assert len(set(sizes)) > 1, "nothing was written between the copies"


def test_a_copy_disturbs_no_reader_and_replaces_the_last_copy(tmp_path: Path) -> None:
    copy = tmp_path / "copy.duckdb"
    copy.write_bytes(b"an old copy")
    with Store(tmp_path / "store.duckdb") as store, store.cursor() as reader:
        _add_batch(store, 1)
        reader.execute("BEGIN TRANSACTION READ ONLY")
        assert _rows(reader, "SELECT count(*) FROM batches") == [(1,)]
        _add_batch(store, 2)
        store.snapshot(copy)
        assert _rows(reader, "SELECT count(*) FROM batches") == [(1,)]
        reader.execute("COMMIT")
    with open_reader(copy) as opened:
        assert _rows(opened, "SELECT count(*) FROM batches") == [(2,)]
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


def test_a_copy_that_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "store.duckdb"
    with Store(path) as store:
        with pytest.raises(StorageError, match=r"none/copy\.duckdb: cannot write the snapshot: "):
            store.snapshot(tmp_path / "none" / "copy.duckdb")
        with pytest.raises(StorageError, match="is the database itself; copy it to another file"):
            store.snapshot(tmp_path / "." / "store.duckdb")
        _add_batch(store, 1)
        store.reopen()
        with store.cursor() as cursor:
            assert _rows(cursor, "SELECT batch_id FROM batches") == [(1,)]
    assert list(tmp_path.iterdir()) == [path]


def test_what_does_not_fit_in_a_scratch_is_put_on_no_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(storage, "MEMORY_LIMIT", "20MB")
    with open_scratch() as connection:
        with pytest.raises(duckdb.OutOfMemoryException):
            connection.execute(
                "CREATE TEMP TABLE big AS SELECT md5(range::VARCHAR) AS x FROM range(2_000_000)"
            )
        assert not list(tmp_path.iterdir())
        assert _rows(connection, "SELECT 1") == [(1,)]
