"""Going on after a stop, a kill, and damage to the database's own log."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from ingest.writer import Writer
from stormwatch import storage
from stormwatch.errors import DatabaseBusy, StorageError
from stormwatch.storage import Store

from .rig import Rig


def test_a_clean_restart_repeats_nothing(rig: Rig) -> None:
    for turn in range(5):
        rig.append("app.log", 10)
        rig.append(f"new-{turn}.log", 3)
        rig.drain()
        rig.restart()
    rig.drain()
    rig.check()
    assert len(rig.files("path")) == 6


def test_a_kill_repeats_and_loses_nothing(rig: Rig) -> None:
    for turn in range(8):
        rig.append("app.log", 10)
        rig.add("torn.log", rig.lines(1)[:-1] if turn % 2 else b"\n")
        rig.look()
        if turn % 3 == 2:
            rig.rename("app.log", f"app.log.{turn}")
        rig.kill()
    rig.drain()
    rig.check()


@pytest.mark.parametrize("statement", ["_write_files", "_write_rejects", "_write"])
def test_a_batch_that_fails_in_the_middle_leaves_nothing_behind(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    rig.append("app.log", 10)
    rig.look()
    rig.append("app.log", 10)
    rig.append("other.log", 10)
    real = getattr(Writer, statement)

    def failing(*args: object) -> None:
        real(*args)
        raise duckdb.IOException("the disk is on fire")

    with monkeypatch.context() as patch:
        patch.setattr(Writer, statement, failing)
        for _ in range(3):
            with pytest.raises(StorageError, match="on fire"):
                rig.look()
        assert len(rig.numbers()) == 10
        rig.check_conservation()
    rig.drain()
    rig.check()


def test_a_commit_that_lasts_although_it_was_said_to_fail(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a failed checkpoint inside a commit does: the rows are there, the caller sees an error."""
    rig.append("app.log", 10)
    real = Writer.commit

    def lying(*args: object) -> None:
        real(*args)  # type: ignore[arg-type]
        raise duckdb.FatalException("checkpoint failed")

    with monkeypatch.context() as patch:
        patch.setattr(Writer, "commit", lying)
        with pytest.raises(StorageError):
            rig.look()
    rig.append("app.log", 10)
    rig.drain()
    rig.check()


def test_a_database_that_forgot_what_it_had_committed(rig: Rig) -> None:
    """Should an instance that is opened again be behind, what it says counts, not what is remembered."""
    rig.append("app.log", 40, 200)
    rig.look()
    rig.copytruncate("app.log", "app.log.1")
    rig.append("app.log", 40, 200)
    rig.append("app.log.1", 5, 200)
    rig.look()
    rig.query("DELETE FROM observations WHERE file_id > 1")
    rig.query("DELETE FROM files WHERE file_id > 1")
    rig.query("DELETE FROM covered_days WHERE file_id > 1")
    rig.ingester._recover()
    rig.drain()
    rig.check()


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["deleted", "cut by a byte", "cut in half", "flipped"])
def test_a_damaged_write_ahead_log(rig: Rig, damage: str) -> None:
    rig.append("app.log", 50)
    rig.drain()
    with rig.store.cursor() as cursor:
        cursor.execute("CHECKPOINT")
    for _ in range(5):
        rig.append("app.log", 50)
        rig.look()
    log = rig.database.with_name(rig.database.name + ".wal")
    killed = rig.base / "killed"
    killed.mkdir()
    for path in (rig.database, log):
        shutil.copyfile(path, killed / path.name)
    rig.close()
    for path in (rig.database, log):
        path.unlink(missing_ok=True)
        shutil.copyfile(killed / path.name, path)
    data = bytearray(log.read_bytes())
    if damage == "deleted":
        log.unlink()
    elif damage == "cut by a byte":
        log.write_bytes(data[:-1])
    elif damage == "cut in half":
        log.write_bytes(data[: len(data) // 2])
    else:
        data[len(data) // 2] ^= 0xFF
        log.write_bytes(data)
    if damage == "flipped":
        # DuckDB notices: the message says what to do, and that is what is done here.
        with pytest.raises(StorageError, match=r"move it and stormwatch.duckdb.wal away and ingest"):
            rig._open()
        rig.database.unlink()
        log.unlink()
    rig._open()
    rig.check_conservation()
    rig.drain()
    rig.check()


def test_two_ingesters_on_one_database(rig: Rig) -> None:
    code = (
        "import sys\nfrom pathlib import Path\nfrom stormwatch.storage import Store\n"
        "try:\n    Store(Path(sys.argv[1]))\n"
        "except Exception as error:\n    print(type(error).__name__, error)\n"
    )
    root = Path(__file__).parents[3]
    result = subprocess.run(
        [sys.executable, "-c", code, rig.database], capture_output=True, text=True, cwd=root, check=True
    )
    assert result.stdout.startswith(DatabaseBusy.__name__)
    assert "one process owns a database" in result.stdout
    rig.append("app.log")
    rig.drain()
    rig.check()


def test_an_ingester_goes_on_where_another_process_stopped(rig: Rig) -> None:
    rig.append("app.log", 10)
    rig.drain()
    rig.close()
    with Store(rig.database) as store:
        assert store.path == rig.database
    rig._open()
    rig.append("app.log", 10)
    rig.drain()
    rig.check()


def test_a_database_of_an_older_version_is_upgraded_and_nothing_is_read_again(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.append("app.log", 10)
    rig.drain()
    scripts = rig.base / "scripts"
    scripts.mkdir()
    newest = 0
    for path in storage.SCHEMA.glob("*.sql"):
        shutil.copyfile(path, scripts / path.name)
        newest = max(newest, int(path.name.split("_")[0]))
    more = scripts / f"{newest + 1:04}_more.sql"
    more.write_text("ALTER TABLE files ADD COLUMN note VARCHAR DEFAULT 'none';")
    monkeypatch.setattr(storage, "SCHEMA", scripts)
    rig.restart()
    assert rig.query("SELECT max(version) FROM schema_versions") == [(newest + 1,)]
    rig.append("app.log", 10)
    rig.drain()
    rig.check()
    assert rig.query("SELECT DISTINCT note FROM files") == [("none",)]
