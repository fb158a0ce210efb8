"""Spans of a real OpenTelemetry SDK as the file exporter writes them, and OTLP of other projects."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Ingest, Ingested, read


@pytest.fixture
def spans(ingest: Ingest) -> Ingested:
    return ingest("made_otel_dev", "*.jsonl")


def test_one_line_holds_many_spans(spans: Ingested) -> None:
    truth = spans.truth
    assert spans.one("SELECT count(*) FROM events") == truth["spans"]
    assert spans.one("SELECT count(*) FROM events WHERE record_no = 0") == truth["otlp_lines"]
    assert spans.one("SELECT count(*) FROM rejects") == 0
    assert spans.one("SELECT count(DISTINCT correlation_id) FROM events") == truth["traces"]
    by_service = spans.counts("SELECT service, count(*) FROM events GROUP BY ALL")
    assert by_service == truth["spans_by_service"]
    kinds = spans.counts("SELECT attributes->>'kind', count(*) FROM events GROUP BY ALL")
    assert kinds == truth["spans_by_kind"]
    spans.assert_every_byte_accounted()


def test_parents_and_links_are_causes(spans: Ingested) -> None:
    truth = spans.truth
    kinds = spans.counts("SELECT kind, count(*) FROM edges GROUP BY ALL")
    assert kinds == {"parent": truth["parent_edges"], "link": truth["links"]}
    resolving = spans.counts(
        "SELECT kind, count(*) FROM edges SEMI JOIN events ON cause_id = event_id GROUP BY ALL"
    )
    assert resolving == {"parent": truth["parent_edges"] - truth["orphans"], "link": truth["links_resolving"]}
    crossing = """
        SELECT count(*) FROM edges
        JOIN events AS cause ON cause_id = cause.event_id JOIN events AS effect ON effect_id = effect.event_id
        WHERE kind = 'parent' AND cause.service <> effect.service
    """
    assert spans.one(crossing) == truth["cross_service_parent_edges"]
    early = crossing.replace("cause.service <> effect.service", "effect.occurred_at < cause.occurred_at")
    assert spans.one(early) == truth["child_starts_before_parent"]


def test_messages_processed_more_than_once(spans: Ingested) -> None:
    truth = spans.truth
    sent = "SELECT count(DISTINCT message_id) FROM events WHERE operation = 'send'"
    assert spans.one(sent) == truth["producer_message_ids"]
    twice = spans.one("SELECT count(*) FROM duplicates()")
    assert twice == truth["message_ids_processed_more_than_once"]


def test_spans_that_failed(spans: Ingested) -> None:
    failed = spans.one("SELECT count(*) FROM events WHERE severity = 'ERROR'")
    assert failed == spans.truth["error_spans"]


def _lines(source: Path) -> list[bytes]:
    """The cases of a file of pretty-printed JSON, one a line as the file exporter writes."""
    content = json.loads(source.read_bytes())
    return [json.dumps(case).encode() for case in (content if isinstance(content, list) else [content])]


def test_examples_of_the_protocol(data: Path, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    for name in ("trace", "logs", "events", "metrics"):
        [line] = _lines(data / "otlp_proto_examples" / f"{name}.json")
        (logs / f"{name}.jsonl").write_bytes(line + b"\n")
    for examples in read(logs, tmp_path / "examples.duckdb", ("*.jsonl",)):
        found = examples.rows(
            "SELECT path, format, event_id, event_type, correlation_id, causation_id, service, severity,"
            " message, occurred_at::VARCHAR FROM events JOIN files USING (file_id)"
            " WHERE format LIKE 'otlp_%' ORDER BY path, message"
        )
        examples.assert_every_byte_accounted()
    trace = "5b8efff798038103d269b633813fc60c"
    assert found == [
        (
            "events.jsonl", "otlp_logs", None, "browser.page_view", None, None, "my.service",
            "test severity text", None, "2018-12-13 14:51:00.3",
        ),
        (
            "logs.jsonl", "otlp_logs", None, None, trace, "eee19b7ec3c1b174", "my.service", "Information",
            "Example log record", "2018-12-13 14:51:00.3",
        ),
        *(
            (
                "metrics.jsonl", "otlp_metrics", None, "otlp.metric", None, None, "my.service", None, name,
                "2018-12-13 14:51:00.3",
            )
            for name in ("my.counter", "my.exponential.histogram", "my.gauge", "my.histogram")
        ),
        (
            "trace.jsonl", "otlp_traces", "eee19b7ec3c1b174", "I'm a server span", trace,
            "eee19b7ec3c1b173", "my.service", None, None, "2018-12-13 14:51:00",
        ),
    ]  # fmt: skip


def test_no_effect_comes_before_its_cause(spans: Ingested) -> None:
    assert spans.truth["child_starts_before_parent"] == spans.truth["link_effect_before_cause"] == 0
    pairs = spans.rows("SELECT raw_violations, left_violations FROM clock_skew()")
    assert set(pairs) == {(0, 0)}
