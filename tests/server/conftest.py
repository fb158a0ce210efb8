"""A real server over a real database."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware

from ingest.recall import recaller, surroundings
from ingest.requests import ask
from stormwatch.alerts.config import AlertConfig, Route
from stormwatch.alerts.desk import Desk
from stormwatch.alerts.rules import load_rules
from stormwatch.catalog import Catalog
from stormwatch.cost import Meter
from stormwatch.gate import Access, Gate
from stormwatch.notes import Notebook
from stormwatch.retention.service import Retention
from stormwatch.runtime import Runtime
from stormwatch.server import routes
from stormwatch.status import IngestStatus
from stormwatch.storage import Store
from tests.prepared import prepare

PATIENCE_S = 30.0
HOOK = Route("hook", "webhook", "http://127.0.0.1:1/T0PSECRET")
"""A route to where nobody listens."""
IDLE = IngestStatus(state="idle", directory="/var/log/shop")

ROWS = """
INSERT INTO observations BY NAME
SELECT
    1 AS file_id, range * 100 AS byte_offset, 100 AS byte_length, 0 AS record_no, 'json' AS format,
    'e' || range AS event_id, TIMESTAMP '2026-03-02 10:00:00' + INTERVAL 1 SECOND * range AS occurred_at,
    TIMESTAMP '2026-03-02 11:00:00' AS ingested_at,
    CASE WHEN range > 0 THEN 'e' || (range - 1) END AS causation_id,
    '=HYPERLINK("http://evil.example")' AS message
FROM range(5)
"""
BATCH = "INSERT INTO batches VALUES (3, now(), 5, 0, 500, TIMESTAMP '2026-03-02 10:00:04', 1.0)"


@dataclass
class Response:
    """What the server said."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


@dataclass
class Served:
    """A running server."""

    port: int
    store: Store
    ingest: IngestStatus = IDLE
    alerts_problem: str | None = None

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Response:
        """One request; header names are given with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            named.setdefault("Content-Type", "application/json")
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            raw = body if isinstance(body, (bytes, type(None))) else json.dumps(body)
            connection.request(method, path, raw, named)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Response(response.status, found, response.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Response:
        """A GET."""
        return self.ask("GET", path, **headers)

    def sql(self, sql: str, **more: object) -> Response:
        """A question to /api/sql."""
        return self.ask("POST", "/api/sql", {"sql": sql, **more})

    def say(self, **changes: Any) -> None:
        """Have the ingester report something else."""
        self.ingest = replace(self.ingest, **changes)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Start a server with an access rule; its database holds five events."""
    running = []

    def start(access: Access | None = None) -> Served:
        context = _running(tmp_path / f"served-{len(running)}.duckdb", access or Access())
        running.append(context)
        return context.__enter__()

    yield start
    for context in running:
        context.__exit__(None, None, None)


@pytest.fixture(scope="module")
def _shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with _running(tmp_path_factory.mktemp("shared") / "served.duckdb", Access()) as served:
        yield served


@pytest.fixture
def served(_shared: Served) -> Served:
    """A server as it is on this machine without options; its data are not to be changed."""
    _shared.ingest, _shared.alerts_problem = IDLE, None
    return _shared


@contextmanager
def _running(path: Path, access: Access) -> Iterator[Served]:
    catalog = Catalog.load()
    with Store(prepare(path)) as store:
        with store.cursor() as cursor:
            cursor.execute(ROWS)
            cursor.execute(BATCH)
        served = Served(0, store)
        runtime = Runtime(
            database=path,
            cursor=store.cursor,
            catalog=catalog,
            status=lambda: served.ingest,
            snapshot=store.snapshot,
            reingest=lambda patterns: asdict(ask(store, patterns)),
            read_record=recaller(path.parent, bytes),
            read_context=surroundings(path.parent, bytes),
            notes=Notebook(store),
            retention=Retention(store),
            beside_version=lambda: store.beside_version,
            meter=Meter(),
            alerts=Desk(store, AlertConfig(load_rules()[0], {"hook": HOOK}), lambda: served.alerts_problem),
        )
        app = Starlette(routes=routes(runtime), middleware=[Middleware(Gate, access=access)])
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run)
        thread.start()
        deadline = time.monotonic() + PATIENCE_S
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.01)
        served.port = server.servers[0].sockets[0].getsockname()[1]
        try:
            yield served
        finally:
            server.should_exit = True
            thread.join()
