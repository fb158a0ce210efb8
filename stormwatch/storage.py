"""The database file: the only place that opens DuckDB.

One process owns the file (`Store`), because DuckDB lets no other process open it while a writer
has it, not even for reading. Everything in that process goes through cursors of one connection.
See docs/adr/0001-one-process-owns-the-database.md.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

import duckdb

from stormwatch.errors import ConfigError, DatabaseBusy, DatabaseMissing, StorageError
from stormwatch.resources import SCHEMA

_BUSY = re.compile(r"Could not set lock|Conflicting lock")
_OWNER_PID = re.compile(r"\(PID (\d+)\)")
MEMORY_LIMIT: Final = "1GB"
"""Of the database in this process. What a query needs beyond it goes to a directory beside the file."""
_SETTINGS = {
    # Log lines reach the database as values only; no statement has a reason to touch a file.
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
}


@dataclass(frozen=True)
class Owner:
    """Who owns a database file: written beside it so that other commands find the owner."""

    pid: int
    command: str
    url: str | None
    """Base URL of its HTTP interface; None when it serves none."""


def owner_file(path: Path) -> Path:
    """Where the owner of the database at `path` writes who it is."""
    return path.with_name(path.name + ".owner")


def read_owner(path: Path) -> Owner | None:
    """The process that says it owns the database at `path`; None when there is none alive."""
    try:
        owner = Owner(**json.loads(owner_file(path).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return owner if _is_alive(owner.pid) else None


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _connect(
    path: Path, *, read_only: bool, settings: Mapping[str, str] = _SETTINGS
) -> duckdb.DuckDBPyConnection:
    try:
        connection = duckdb.connect(str(path), read_only=read_only, config=dict(settings))
    except duckdb.Error as error:
        raise _open_error(path, error) from error
    # GLOBAL: the cursors of the connection are sessions of their own.
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    return connection


def _open_error(path: Path, error: duckdb.Error) -> StorageError:
    text = str(error)
    if not _BUSY.search(text):
        first = text.splitlines()[0]
        return StorageError(
            f"{path}: cannot be opened: {first}; if the file is damaged, move it and {path.name}.wal "
            "away and ingest the logs again"
        )
    owner = read_owner(path)
    pid = _OWNER_PID.search(text)
    who = f"process {pid[1]}" if pid else "another process"
    if owner is not None:
        who = f"`{owner.command}` (process {owner.pid})"
    return DatabaseBusy(
        f"{path}: in use by {who}; one process owns a database: "
        "stop that one, or give this one another file with --db"
    )


class Store:
    """A database file that this process owns, open for reading and writing.

    Raises on construction:
        DatabaseBusy: another process owns the file.
        StorageError: the file is damaged, or written by a newer version.
        ConfigError: the memory limit is no size.
    """

    def __init__(self, path: Path, *, command: str = "stormwatch", memory_limit: str = MEMORY_LIMIT):
        self.path = path
        self.commit_lock = threading.RLock()
        """Held by whoever writes, for one transaction; a snapshot is taken between two."""
        self.counting_lock = threading.Lock()
        """Held, and taken before the other, by whoever counts stored events to keep the counts, or prunes."""
        self.last_batch = 0
        """Number of the last batch that was committed; changes under `commit_lock`."""
        self.beside_version = 0
        """Grows when what no batch counts changes: notes, alerts, counted minutes."""
        self._memory_limit = memory_limit
        with suppress(OSError):
            _remove_drafts(path)
        if not path.exists():
            _create(path)
        self._connection = self._open()
        self.read_last_batch()
        self.announce(command, url=None)

    def _open(self) -> duckdb.DuckDBPyConnection:
        connection = _connect(self.path, read_only=False)
        _migrate(connection, self.path)
        # Nothing here depends on the order rows were inserted in, and keeping it costs memory.
        connection.execute("SET preserve_insertion_order = false")
        try:
            connection.execute("SET memory_limit = ?", [self._memory_limit])
        except duckdb.Error as error:
            connection.close()
            raise ConfigError(
                f"memory limit {self._memory_limit!r}: expected a size such as 1GB or 800MB"
            ) from error
        connection.execute("SET lock_configuration = true")
        return connection

    def read_last_batch(self) -> None:
        """Have `last_batch` be what is stored, after a commit that it was not counted with."""
        with self.commit_lock, self.cursor() as cursor:
            [(self.last_batch,)] = cursor.execute("SELECT coalesce(max(batch_id), 0) FROM batches").fetchall()

    def announce(self, command: str, *, url: str | None) -> None:
        """Tell other commands who owns the file and where it can be asked."""
        target = owner_file(self.path)
        draft = target.with_name(target.name + ".new")
        draft.write_text(json.dumps(asdict(Owner(os.getpid(), command, url))), encoding="utf-8")
        draft.replace(target)

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection of its own for one thread; close it when done."""
        return self._connection.cursor()

    @contextmanager
    def transaction(self, cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """A transaction of the cursor that nobody else writes during; all or nothing of it is stored."""
        with self.commit_lock:
            cursor.execute("BEGIN")
            try:
                yield
            except BaseException:
                cursor.execute("ROLLBACK")
                raise
            cursor.execute("COMMIT")

    def reopen(self) -> None:
        """Open the file again after a fatal error: a failed checkpoint invalidates the instance."""
        self._connection.close()
        self._connection = self._open()

    def snapshot(self, destination: Path) -> None:
        """Write a consistent copy of the database to `destination`, replacing what is there.

        Safe while the ingester runs: the copy is made between two transactions.

        Raises:
            StorageError: the copy cannot be written, or would replace the database itself.
        """
        if destination.resolve() == self.path.resolve():
            raise StorageError(f"{destination}: is the database itself; copy it to another file")
        draft = destination.with_name(destination.name + ".init")
        try:
            with self.commit_lock:
                with self.cursor() as cursor:
                    # Nobody keeps the minutes of a copy (stormwatch/minutes); here that is set again.
                    cursor.execute("UPDATE minute_state SET allowed_lag = 0")
                    cursor.execute("FORCE CHECKPOINT")
                draft.unlink(missing_ok=True)
                draft.touch(mode=0o600)  # logs may hold secrets
                shutil.copyfile(self.path, draft)
            draft.replace(destination)
        except (OSError, duckdb.Error) as error:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            raise StorageError(f"{destination}: cannot write the snapshot: {error}") from error

    def close(self) -> None:
        """Close the database; the file is then free for others."""
        self._connection.close()
        owner_file(self.path).unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_reader(path: Path) -> duckdb.DuckDBPyConnection:
    """Open a database that nobody owns, for reading only; several processes may at once.

    Raises:
        DatabaseMissing: there is no such file.
        DatabaseBusy: a process owns it.
        StorageError: the file is damaged, or written by a newer version.
    """
    if not path.exists():
        raise DatabaseMissing(f"{path}: no such database; make one with `stormwatch ingest DIR --db {path}`")
    connection = _connect(path, read_only=True)
    try:
        _check_version(connection, path)
    except StorageError:
        connection.close()
        raise
    connection.execute("SET lock_configuration = true")
    return connection


def open_empty() -> duckdb.DuckDBPyConnection:
    """A database in memory with the current schema and no rows: to describe it, and for tests."""
    path = Path(":memory:")
    connection = _connect(path, read_only=False)
    _migrate(connection, path)
    return connection


def open_scratch() -> duckdb.DuckDBPyConnection:
    """A database in memory without a schema, which a process that owns no file works with.

    What does not fit there is an error: its directory would be one of the user's, and be left there with logs
    in which nothing is masked.
    """
    settings = {**_SETTINGS, "temp_directory": ""}
    connection = _connect(Path(":memory:"), read_only=False, settings=settings)
    connection.execute("SET preserve_insertion_order = false")
    connection.execute("SET threads = 1")  # the process that asks uses the other cores
    connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
    connection.execute("SET lock_configuration = true")
    return connection


def _migrations() -> dict[int, Path]:
    return {int(path.name.split("_")[0]): path for path in sorted(SCHEMA.glob("*.sql"))}


def _create(path: Path) -> None:
    # A kill while DuckDB writes the first pages leaves a file that never opens again,
    # so the database gets its name only when it is complete.
    draft = path.with_name(f"{path.name}.{os.getpid()}.init")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{path}: cannot create a database here: {error}") from error
    connection = _connect(draft, read_only=False)
    _migrate(connection, draft)
    connection.close()
    draft.chmod(0o600)  # logs may hold secrets
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass  # another process was faster; opening tells whether it still has the file
    except OSError:  # a file system without links
        draft.replace(path)
    draft.unlink(missing_ok=True)


def _remove_drafts(path: Path) -> None:
    """Remove what processes left that were killed while they created this database."""
    name = re.compile(re.escape(path.name) + r"\.(\d+)\.init(\.wal)?")
    for file in path.parent.iterdir():
        found = name.fullmatch(file.name)
        if found and (int(found[1]) == os.getpid() or not _is_alive(int(found[1]))):
            file.unlink(missing_ok=True)


def _version(connection: duckdb.DuckDBPyConnection) -> int:
    try:
        found = connection.execute("SELECT coalesce(max(version), 0) FROM schema_versions").fetchone()
    except duckdb.CatalogException:  # a new file; to list the tables would take ten times as long
        return 0
    return int(found[0]) if found else 0


def _check_version(connection: duckdb.DuckDBPyConnection, path: Path) -> int:
    newest, found = max(_migrations()), _version(connection)
    if found > newest:
        raise StorageError(
            f"{path}: schema version {found} is newer than this program's ({newest}); "
            "use the newer stormwatch"
        )
    return found


def _migrate(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Apply the migrations the file has not had yet, each in a transaction of its own."""
    found = _check_version(connection, path)
    for version, script in _migrations().items():
        if version <= found:
            continue
        connection.execute("BEGIN")
        connection.execute(script.read_text(encoding="utf-8"))
        connection.execute("INSERT INTO schema_versions VALUES (?, now() AT TIME ZONE 'UTC')", [version])
        connection.execute("COMMIT")
        connection.execute("CHECKPOINT")
