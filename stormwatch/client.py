"""Questions to a database: over HTTP to the process that owns it, or read from the file."""

from __future__ import annotations

import http.client
import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Protocol, Self
from urllib.parse import quote, urlencode, urlsplit

import duckdb
import pyarrow as pa

from stormwatch import errors
from stormwatch.address import Database
from stormwatch.catalog import Catalog
from stormwatch.errors import DatabaseBusy, StorageError, StormwatchError
from stormwatch.readonly import Answer, check_arguments, run_readonly
from stormwatch.storage import Owner, Store, open_reader, read_owner

ANY_PROCESS: Final = 0
"""The pid of an owner of which only the address is known."""
_PATIENCE_S = 10.0
"""Beyond the time a query may take, so long an owner may take to answer at all."""


@dataclass(frozen=True)
class Bounds:
    """How many rows and how much time a question may take."""

    row_limit: int = 10_000
    timeout_s: float = 30.0


class Data(Protocol):
    """A database that can be asked."""

    def sql(self, text: str, params: Mapping[str, object], bounds: Bounds) -> Answer:
        """Run one statement that only reads."""

    def query(self, name: str, arguments: Mapping[str, str], bounds: Bounds) -> Answer:
        """Ask a relation of the catalogue."""


@contextmanager
def open_data(database: Database) -> Iterator[Data]:
    """The database, through its owner when it has one.

    Raises:
        StorageError: it cannot be opened, or its owner does not answer.
    """
    owner = ask_owner(database)
    if owner is not None:
        yield owner
        return
    connection = open_current(database.path)
    try:
        yield Local(connection)
    finally:
        connection.close()


def ask_owner(database: Database) -> Remote | None:
    """The process that owns the database, when it can be asked; None when nobody owns it.

    Raises:
        DatabaseBusy: a process owns it that cannot be asked.
    """
    owner = read_owner(database.path)
    if owner is None:
        return None
    if owner.url is not None:
        remote = Remote(owner, database.token)
        if remote.is_there():
            return remote
    try:
        open_reader(database.path).close()
    except DatabaseBusy as error:
        raise DatabaseBusy(
            f"{database.path}: in use by `{owner.command}` (process {owner.pid}), which does not answer "
            "questions (yet); try again, or stop it"
        ) from error
    return None  # what the owner file says is no longer so


def open_current(path: Path) -> duckdb.DuckDBPyConnection:
    """The file for reading, with the relations of this program in it."""
    connection = open_reader(path)
    catalog = Catalog.load()
    if catalog.is_installed(connection):
        return connection
    connection.close()
    try:
        with Store(path, command="stormwatch") as store, store.cursor() as cursor:
            catalog.install(cursor)
    except (StorageError, OSError):
        warnings.warn(
            f"{path} was written by another version and cannot be changed: "
            "relations may be missing or answer as that version did",
            stacklevel=2,
        )
    return open_reader(path)


class Connection:
    """A database that answers in Arrow; see `stormwatch.connect`.

    The metadata of the schema of every answer says how fresh it is: `stormwatch.data_version`, the
    number of the last batch in it, `stormwatch.complete_to`, the newest instant (UTC, ISO 8601) of
    any event, empty without one, and `stormwatch.is_truncated`, whether there were more rows.
    """

    def __init__(self, data: Data, connection: duckdb.DuckDBPyConnection | None = None) -> None:
        self._data = data
        self._connection = connection

    def query(
        self, name: str, *, row_limit: int = 1_000_000, timeout_s: float = 600.0, **params: object
    ) -> pa.Table:
        """The rows of a relation; `stormwatch queries` lists them with their parameters.

        Raises:
            QueryError: no such relation or parameter, or the database refused or failed.
            QueryTimeout: it ran longer than `timeout_s`.
        """
        arguments = {key: text_of(value) for key, value in params.items() if value is not None}
        return self._data.query(name, arguments, Bounds(row_limit, timeout_s)).stamped()

    def sql(
        self, text: str, *, row_limit: int = 1_000_000, timeout_s: float = 600.0, **params: object
    ) -> pa.Table:
        """The rows of one SELECT or EXPLAIN; parameters bind as $NAME.

        Raises:
            QueryError: not exactly one statement that only reads, or the database refused or failed.
            QueryTimeout: it ran longer than `timeout_s`.
        """
        return self._data.sql(text, params, Bounds(row_limit, timeout_s)).stamped()

    def close(self) -> None:
        """Close the file, if it is one; others may then write it."""
        if self._connection is not None:
            self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def connect(where: str | Path, *, token: str | None = None) -> Connection:
    """See `stormwatch.connect`."""
    if str(where).startswith(("http://", "https://")):
        remote = Remote(Owner(ANY_PROCESS, "stormwatch up", str(where)), token)
        remote.status()
        return Connection(remote)
    database = Database(Path(where).absolute(), token)
    owner = ask_owner(database)
    if owner is not None:
        return Connection(owner)
    connection = open_current(database.path)
    return Connection(Local(connection), connection)


def text_of(value: object) -> str:
    """A parameter as DuckDB casts it from text; instants are UTC."""
    match value:
        case datetime():
            utc = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
            return utc.isoformat(sep=" ")
        case timedelta():
            return f"{value // timedelta(microseconds=1)} microseconds"
        case list() | tuple():
            entries = ("NULL" if one is None else _quoted(text_of(one)) for one in value)
            return f"[{', '.join(entries)}]"
        case _:
            return str(value)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


class Local:
    """A database file that nobody owns."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def sql(self, text: str, params: Mapping[str, object], bounds: Bounds) -> Answer:
        return run_readonly(
            self._connection, text, params, row_limit=bounds.row_limit, timeout_s=bounds.timeout_s
        )

    def query(self, name: str, arguments: Mapping[str, str], bounds: Bounds) -> Answer:
        catalog = Catalog.load()
        text, values = catalog.call(name, arguments)
        check_arguments(self._connection, catalog[name], arguments)
        return self.sql(text, values, bounds)


class Remote:
    """The process that owns a database, over HTTP."""

    def __init__(self, owner: Owner, token: str | None) -> None:
        self.owner = owner
        self._base = urlsplit(owner.url or "")
        self._token = token

    def is_there(self) -> bool:
        """Whether the owner itself answers, and no other process at its address."""
        try:
            self._request("GET", "/healthz", None, timeout_s=_PATIENCE_S)
        except StorageError:
            return False
        return True

    def sql(self, text: str, params: Mapping[str, object], bounds: Bounds) -> Answer:
        body = {
            "sql": text, "params": params or None, "format": "arrow",
            "row_limit": bounds.row_limit, "timeout": bounds.timeout_s,
        }  # fmt: skip
        return _answer(*self._call("POST", "/api/sql", body, bounds.timeout_s))

    def query(self, name: str, arguments: Mapping[str, str], bounds: Bounds) -> Answer:
        asked = {
            **arguments, "format": "arrow", "limit": bounds.row_limit, "timeout": bounds.timeout_s,
        }  # fmt: skip
        path = f"/api/queries/{quote(name, safe='')}?{urlencode(asked)}"
        return _answer(*self._call("GET", path, None, bounds.timeout_s))

    def status(self) -> dict[str, Any]:
        """What the ingester says of itself, and the version of the data."""
        return self._json("GET", "/api/status")

    def snapshot(self, destination: Path, *, replace: bool) -> None:
        """Have the owner write a copy.

        Raises:
            StormwatchError: it could not.
        """
        body = {"destination": str(destination), "replace": replace}
        self._json("POST", "/api/snapshot", body, timeout_s=3600.0)

    def reingest(self, paths: Sequence[str]) -> dict[str, Any]:
        """Have stored files parsed again; which they are, and how many bytes.

        Raises:
            ConfigError: nothing stored is called so.
        """
        return self._json("POST", "/api/reingest", {"paths": list(paths)})

    def alerts(self) -> dict[str, Any]:
        """The rules and routes there are, and how they do."""
        return self._json("GET", "/api/alerts")

    def change_alerts(self, action: str, body: Mapping[str, object]) -> dict[str, Any]:
        """Acknowledge, silence, or try a route; what came of it.

        Raises:
            ConfigError: it is not understood.
            RouteError: the receiver did not take the notice.
        """
        return self._json("POST", f"/api/alerts/{action}", body, timeout_s=600.0)

    def annotate(self, body: Mapping[str, object]) -> dict[str, Any]:
        """Add a note; returns it with its number.

        Raises:
            ConfigError: it is not understood.
        """
        return self._json("POST", "/api/notes", body)

    def remove_note(self, note_id: int) -> dict[str, Any]:
        """Take a note back.

        Raises:
            ConfigError: there is none of that number.
        """
        return self._json("DELETE", f"/api/notes/{note_id}")

    def prune(self, body: Mapping[str, object]) -> dict[str, Any]:
        """Have events of the past deleted; what went, and how large the database is.

        Raises:
            ConfigError: it is not understood.
            StorageError: it could not go on.
        """
        return self._json("POST", "/api/prune", body, timeout_s=24 * 3600.0)

    def _json(
        self, method: str, path: str, body: Mapping[str, object] | None = None, timeout_s: float = 30.0
    ) -> dict[str, Any]:
        _, content = self._call(method, path, body, timeout_s)
        parsed: dict[str, Any] = json.loads(content)
        return parsed

    def _call(
        self, method: str, path: str, body: Mapping[str, object] | None, timeout_s: float
    ) -> tuple[http.client.HTTPMessage, bytes]:
        status, headers, content = self._request(method, path, body, timeout_s + _PATIENCE_S)
        if status != http.client.OK:
            raise _error(content)
        return headers, content

    def _request(
        self, method: str, path: str, body: Mapping[str, object] | None, timeout_s: float
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        headers = {"Content-Type": "application/json"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        is_safe = self._base.scheme == "https"
        kind = http.client.HTTPSConnection if is_safe else http.client.HTTPConnection
        connection = kind(self._base.hostname or "", self._base.port, timeout=timeout_s)
        try:
            sent = None if body is None else json.dumps(body, default=text_of)
            connection.request(method, path, sent, headers)
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            who = f" (process {self.owner.pid})" if self.owner.pid != ANY_PROCESS else ""
            raise StorageError(
                f"`{self.owner.command}`{who} does not answer at {self.owner.url}: {error}"
            ) from error
        finally:
            connection.close()
        pid = response.getheader("x-stormwatch-pid")
        if pid is None or self.owner.pid not in {int(pid), ANY_PROCESS}:
            raise StorageError(f"{self.owner.url}: another program answers there")
        return response.status, response.headers, content


def _error(content: bytes) -> StormwatchError:
    """The error that an answer of the owner tells of."""
    try:
        told = json.loads(content)
        text, kind = str(told["error"]), getattr(errors, str(told["kind"]), None)
    except (ValueError, KeyError, TypeError):
        return StorageError(f"the owner of the database failed: {content[:200]!r}")
    if isinstance(kind, type) and issubclass(kind, StormwatchError):
        return kind(text)
    return StorageError(f"the owner of the database refused: {text}; commands take it from --token")


def _answer(headers: http.client.HTTPMessage, content: bytes) -> Answer:
    newest = headers["x-stormwatch-complete-to"]
    return Answer(
        table=pa.ipc.open_stream(content).read_all(),
        is_truncated=headers["x-stormwatch-is-truncated"] == "true",
        elapsed_ms=float(headers["x-stormwatch-elapsed-ms"]),
        data_version=int(headers["x-stormwatch-data-version"]),
        complete_to=None if newest == "null" else datetime.fromisoformat(newest.removesuffix("Z")),
    )
