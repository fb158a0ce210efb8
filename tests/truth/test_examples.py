"""One real record per format, each in a file of its own in one directory, without any configuration."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

from .conftest import DATA, read

_EXAMPLES = DATA.parent / "prototypes" / "examples.py"
_COLUMNS = ("event_id", "occurred_at", "node", "event_type", "stream_key", "sequence", "causation_id")
_UNSAID = ...
"""What the record leaves to the reader: a text for the type, a span for the cause."""

EXPECTED: dict[str, tuple[Any, ...]] = {
    "otlp_traces": (None, "2020-02-11 20:26:12", None, "operationB", None, None, None),
    "otlp_logs": (None, "2020-02-11 20:26:13", None, None, None, None, "0102040800000000"),
    "cloudevents": (
        "payment-789", None, None, "com.example.payment.processed", None, None, "order-123",
    ),
    "ecs": (
        "abcdef01234567", "2018-07-30 18:53:42.281", _UNSAID, "GET /api/types", None, None,
        "abcdef0123456789",
    ),
    "pg_jsonlog": (
        "68ae.60d/3", "2026-08-26 22:25:24.1", "pid 1549", "postgresql.error.40P01", None, None, None,
    ),
    "mysql_json": (_UNSAID, "2020-08-06 14:25:03.109022", _UNSAID, _UNSAID, None, None, None),
    "rabbit_trace": ("m1", "2025-01-01 00:00:00.001", "rabbit@h", "k", None, None, None),
    "nats_advisory": (
        "uafvZ1UEDIW5FZV6kvLgWA", "2020-06-10 17:00:18.516363", None,
        "io.nats.jetstream.advisory.v1.max_deliver", None, 1320, None,
    ),
    "masstransit": (
        "181c0000-6393-3630-36a4-08daf4e7c6da", "2023-01-12 21:55:53.715882", "MyComputer",
        "urn:message:Company.Project:SubmitOrder", None, None, None,
    ),
    "nservicebus": ("a", "2016-04-10 11:43:48.4022", None, "My.Msg", None, None, "r"),
    "axon4": (
        "5d30d4cda39d0911c0c6fc8b", "2019-07-18 20:21:33.461", None,
        "org.bialydunajec.campschedule.domain.CampEditionScheduleEvent$CampEditionSchedulingStarted",
        "36", 0, None,
    ),
    "kurrent": ("e", None, None, "OrderPlaced", "order-1", 4, "p"),
    "kcat": ("t/0/42", "2018-12-31 15:00:00", None, None, "k", 42, None),
    "debezium": (
        "pgserver1/24023128/public.customers/1001", "2024-04-24 23:06:40", "pgserver1",
        "public.customers.c", "1001", 24023128, None,
    ),
    "debezium_tx": ("571/END", None, None, "END", None, None, None),
    "structlog": (None, "2024-01-01 12:00:00", None, "Processing request", _UNSAID, None, None),
    "clef": (None, "2016-06-07 03:44:57.853279", None, "Hello, {User}", None, None, None),
    "zap": (None, "1970-01-01 00:00:00", None, _UNSAID, None, None, None),
    "bunyan": (None, "2013-01-04 18:46:23.851", "banana.local", _UNSAID, None, None, None),
    "pino": (None, "2018-07-09 21:17:54.631", "Davids-MBP-3.fritz.box", _UNSAID, None, None, None),
    "rust_tracing": (None, "2025-10-17 22:09:20.139141", None, _UNSAID, None, None, None),
    "ocel2": ("e1", "2023-01-01 00:00:00", None, "noop", "t1", None, None),
    "otel_legacy_json": (None, "2020-02-11 01:39:17.14429", None, _UNSAID, None, None, _UNSAID),
    "kurrent_log": (
        None, "2025-02-03 17:11:53.861283", None,
        "PROJECTIONS SUBSYSTEM: All components started for Instance: {instanceCorrelationId}",
        None, None, None,
    ),
}  # fmt: skip
"""Example -> its columns, from the record itself and the specification of its format."""


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[Any, ...]]]:
    """Example -> the columns of the rows it became."""
    if not _EXAMPLES.is_file():
        pytest.skip(f"{_EXAMPLES} is not there")
    examples: dict[str, Any] = runpy.run_path(str(_EXAMPLES))["EX"]
    logs = tmp_path_factory.mktemp("examples")
    for name, record in examples.items():
        (logs / f"{name}.json").write_text(json.dumps(record) + "\n")
    database = tmp_path_factory.mktemp("read") / "examples.duckdb"
    columns = ", ".join(f"{column}::VARCHAR" if column == "occurred_at" else column for column in _COLUMNS)
    found: dict[str, list[tuple[Any, ...]]] = {name: [] for name in examples}
    for read_in in read(logs, database, ("*.json",)):
        read_in.assert_every_byte_accounted()
        for path, *row in read_in.rows(f"SELECT path, {columns} FROM events JOIN files USING (file_id)"):
            found[Path(path).stem].append(tuple(row))
    return found


def test_there_is_an_expectation_for_every_example(landed: dict[str, list[tuple[Any, ...]]]) -> None:
    assert set(landed) == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_an_example_lands(landed: dict[str, list[tuple[Any, ...]]], name: str) -> None:
    [row] = landed[name]
    said = dict(zip(_COLUMNS, EXPECTED[name], strict=True))
    found = {
        column: _UNSAID if said[column] is _UNSAID else value
        for column, value in zip(_COLUMNS, row, strict=True)
    }
    assert found == said
