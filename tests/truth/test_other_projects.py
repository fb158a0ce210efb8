"""Logs and test cases of other projects: what is malformed on purpose must cost nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import Ingest, read

_MALFORMED = 34


def _fluent_bit(data: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads((data / "otlp_fluentbit" / "traces.json").read_bytes())
    return found


def test_malformed_otlp_is_accounted_for(data: Path, tmp_path: Path) -> None:
    cases = _fluent_bit(data)
    assert sum("expected_error" in case for case in cases.values()) == _MALFORMED
    logs = tmp_path / "logs"
    logs.mkdir()
    for name, case in cases.items():
        (logs / f"{name}.jsonl").write_bytes(json.dumps(case["input"]).encode() + b"\n")
    for found in read(logs, tmp_path / "cases.duckdb", ("*.jsonl",)):
        found.assert_every_byte_accounted()
        silent = "SELECT path FROM files WHERE event_count + reject_count + blank_bytes = 0"
        assert found.rows(silent) == []
        read_whole = found.rows(
            "SELECT replace(path, '.jsonl', ''), event_id, event_type, causation_id, correlation_id"
            " FROM events JOIN files USING (file_id) WHERE format = 'otlp_traces'"
            " AND (path LIKE 'valid%' OR path LIKE '%_valid.jsonl') ORDER BY path"
        )
        rejected = {name for (name,) in found.rows("SELECT path FROM files WHERE reject_count > 0")}
        stored = found.one("SELECT count(*) FROM events")
    trace = "0" * 31 + "1"
    assert read_whole == [
        ("parent_span_id_zero_length_valid", "0" * 15 + "1", "span", None, trace),
        ("valid_minimal", "0" * 15 + "1", "span", None, trace),
        ("valid_with_event_and_link", "0" * 15 + "1", "span", None, trace),
        ("valid_with_parent_span_id", "0" * 15 + "2", "child_span", "0" * 15 + "1", trace),
    ]
    malformed = {name for name, case in cases.items() if "expected_error" in case}
    assert rejected == {f"{name}.jsonl" for name in malformed}
    assert stored == len(cases) - _MALFORMED


@pytest.mark.parametrize(
    "name",
    [
        "default", "example_trace", "link_attributes_trace", "log_tags_trace", "multi_index_trace",
        "otel_traces_01", "scope_attributes_trace",
    ],
)  # fmt: skip
def test_spans_of_jaeger(name: str, data: Path, tmp_path: Path) -> None:
    content = json.loads((data / "jaeger" / f"{name}.json").read_bytes())
    spans = [
        span
        for resource in content["resourceSpans"]
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "spans.jsonl").write_bytes(json.dumps(content).encode() + b"\n")
    for found in read(logs, tmp_path / "spans.duckdb", ("*.jsonl",)):
        rows = found.rows(
            "SELECT event_id, correlation_id, event_type, causation_id, epoch_us(occurred_at)"
            " FROM events ORDER BY record_no"
        )
        links = found.counts("SELECT kind, count(*) FROM causes GROUP BY ALL")
        found.assert_every_byte_accounted()
    assert rows == [
        (
            span["spanId"], span["traceId"], span.get("name"), span.get("parentSpanId") or None,
            int(span["startTimeUnixNano"]) // 1000,
        )
        for span in spans
    ]  # fmt: skip
    # A link to the parent says nothing new.
    linked = [
        link for span in spans for link in span.get("links", []) if link["spanId"] != span.get("parentSpanId")
    ]
    assert links.get("link", 0) == len(linked)


def test_bad_lines_of_lnav(ingest: Ingest) -> None:
    found = ingest("lnav", "logfile_invalid_json.json")
    assert found.one("SELECT count(*) FROM events") == 4
    assert found.one("SELECT count(*) FROM rejects") == 1
    assert found.rows("SELECT severity, message FROM events ORDER BY byte_offset LIMIT 2") == [
        ("TRACE", "trace test"),
        ("INFO", "Starting up service"),
    ]
    found.assert_every_byte_accounted()


def test_good_lines_of_lnav(ingest: Ingest) -> None:
    found = ingest("lnav", "logfile_json.json", "logfile_nested_json.json", "logfile_ecs_log.json")
    per_file = found.counts("SELECT path, event_count FROM files")
    assert per_file == {"logfile_json.json": 14, "logfile_nested_json.json": 13, "logfile_ecs_log.json": 5}
    assert found.one("SELECT count(*) FROM rejects") == 0
    without_time = found.rows("SELECT message, attributes->>'ts' FROM events WHERE occurred_at IS NULL")
    assert without_time == [("bad ts...\n", "xxx")]
    assert found.one("SELECT count(*) FROM events WHERE severity IS NULL OR message IS NULL") == 0
    found.assert_every_byte_accounted()
