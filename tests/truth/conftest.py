"""Databases ingested from real logs whose truth is known from the servers themselves.

The logs are no part of the project; STORMWATCH_SHARED_DATA names the directory that holds them
(by default ../shared/data beside the checkout). Without it these tests are skipped.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ingest.discovery import Filter
from ingest.service import Ingester, Settings
from stormwatch.alerts.asking import Pace, Watch
from stormwatch.alerts.backtest import Fired, backtest
from stormwatch.alerts.rules import load_rules
from stormwatch.status import IngestStatus
from stormwatch.storage import Store
from tests.prepared import prepare

_BESIDE = Path(__file__).parents[3] / "shared" / "data"
DATA = Path(os.environ.get("STORMWATCH_SHARED_DATA", _BESIDE))


class Ingested:
    """The store after everything in a directory was read."""

    def __init__(self, store: Store, status: IngestStatus, truth: dict[str, Any]) -> None:
        self._store = store
        self.status = status
        self.truth = truth

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        with self._store.cursor() as cursor:
            return cursor.execute(sql).fetchall()

    def one(self, sql: str) -> Any:
        """The only value of a query."""
        [[value]] = self.rows(sql)
        return value

    def counts(self, sql: str) -> dict[Any, int]:
        """A query of two columns as a dict."""
        return dict(self.rows(sql))

    def told(self, rule: str, minute: timedelta) -> tuple[Fired, ...]:
        """What a shipped rule would have told of all of it, at that pace."""
        [(first, last)] = self.rows("SELECT min(occurred_at), max(occurred_at) FROM events")
        since, until = first.replace(microsecond=0), last.replace(microsecond=0) + minute
        with self._store.cursor() as cursor:
            return backtest(cursor, load_rules()[0][rule], Watch(Pace(minute), since), since, until).fired

    def assert_every_byte_accounted(self) -> None:
        """What was committed is all there is, and each byte is stored, quarantined or blank."""
        unread = self.rows("SELECT path FROM files WHERE committed_offset <> size_bytes")
        assert unread == []
        uneven = self.rows(
            "SELECT path FROM files WHERE committed_offset <>"
            " inherited_bytes + stored_bytes + quarantined_bytes + blank_bytes"
        )
        assert uneven == []
        stored = self.rows(
            "SELECT path FROM files WHERE stored_bytes <> coalesce((SELECT sum(byte_length)"
            " FROM events WHERE record_no = 0 AND events.file_id = files.file_id), 0)"
        )
        assert stored == []


Ingest = Callable[..., Ingested]


@pytest.fixture(scope="session")
def data() -> Path:
    """The directory with the sets."""
    if not DATA.is_dir():
        pytest.skip(f"{DATA} is not there; set STORMWATCH_SHARED_DATA to a directory with the real logs")
    return DATA


def read(directory: Path, database: Path, include: tuple[str, ...]) -> Iterator[Ingested]:
    """The store with the files of `directory` that match `include`, closed afterwards."""
    truth = directory / "TRUTH.json"
    with Store(prepare(database)) as store:
        ingester = Ingester(store, Settings(directory, accepted=Filter(include=include)))
        status = ingester.drain()
        yield Ingested(store, status, json.loads(truth.read_text()) if truth.exists() else {})
        ingester.close()


@pytest.fixture(scope="session")
def ingest(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ingest]:
    """`ingest(set, *patterns)`: the set, read once however many tests ask for it."""
    opened: dict[tuple[str, ...], tuple[Iterator[Ingested], Ingested]] = {}

    def ingested(name: str, *include: str) -> Ingested:
        key = (name, *include)
        if key not in opened:
            if not (data / name).is_dir():
                pytest.skip(f"{data / name} is not there")
            reading = read(data / name, tmp_path_factory.mktemp(name) / "truth.duckdb", include)
            opened[key] = (reading, next(reading))
        return opened[key][1]

    yield ingested
    for reading, _ in opened.values():
        next(reading, None)
