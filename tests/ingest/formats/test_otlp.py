"""What stands around the records of a line is read once, which makes no other difference."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from ingest import engine
from ingest.formats import otlp, otlp_logs, otlp_traces, transcoders
from ingest.formats.base import Transcoder
from ingest.objects import objects_of
from stormwatch.storage import Store
from tests.ingest.parsing import Parser

SPAN = {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "name": "a"}
TEXT = {"key": 'x"spans":[', "value": {"stringValue": '"logRecords":[]}]}]}'}}
LIST = {
    "key": "l",
    "value": {"arrayValue": {"values": [{"intValue": "1"}, {"kvlistValue": {"values": [TEXT]}}]}},
}
RECORDS: tuple[list[Any], ...] = (
    [],
    [SPAN],
    [SPAN, {**SPAN, "name": "b", "attributes": [TEXT, LIST]}],
    [{**SPAN, "spans": [SPAN], "logRecords": [1]}],
    [{"name": 1, "spanId": "no id"}],
    [SPAN, None],
    [{**SPAN, "deep": json.loads("[" * 240 + "]" * 240)}],
    [{**SPAN, "deep": json.loads("[" * 260 + "]" * 260)}],
)


def lines(signal: str, records: str) -> Iterator[bytes]:
    """Lines of one scope and of several, with and without what may stand behind records."""
    for found in RECORDS:
        scope = {"scope": {"name": "s", "attributes": [TEXT]}, records: found}
        resource = {"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}}
        several = ([scope], [{**scope, "schemaUrl": "http://a"}], [scope, scope])
        for scopes in (*several, [{records: found, "log_records": []}]):
            one = {**resource, f"scope{signal}": scopes}
            for resources in ([one], [{**one, "schemaUrl": "http://b"}], [one, one]):
                whole = {f"resource{signal}": resources}
                yield from (
                    json.dumps(line, separators=(",", ":")).encode() + end
                    for line in (whole, {**whole, "more": 1}, {"more": 1, **whole})
                    for end in (b"", b"\r\n")
                )


@pytest.mark.parametrize(
    ("transcoder", "signal", "records"),
    [(otlp_traces.FORMAT, "Spans", "spans"), (otlp_logs.FORMAT, "Logs", "logRecords")],
    ids=["traces", "logs"],
)
def test_a_line_reads_the_same_whatever_was_read_before(
    transcoder: Transcoder, signal: str, records: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, read = 0, 0
    for line in lines(signal, records):
        with monkeypatch.context() as patch:
            patch.setattr(otlp, "_of_one_scope", lambda *_: (None, []))
            expected = objects_of(transcoder, [line])
        otlp._seen.clear()
        assert [objects_of(transcoder, [line]) for _ in range(5)] == [expected] * 5
        known += any(otlp._seen.values())
        read += len(expected.lines)
    assert known
    assert read


def mutated() -> list[bytes]:
    """Lines as above, torn, glued, with more behind them and with other bytes in between."""
    whole = [line for one in (("Spans", "spans"), ("Logs", "logRecords")) for line in lines(*one)]
    torn = [line[: len(line) * part // 4].rstrip() for line in whole[::5] for part in (1, 3)]
    glued = [one.rstrip() + other for one, other in zip(whole[::7], whole[3::7], strict=False)]
    return [*whole[::3], *torn, *glued, *(line.rstrip() + b" x" for line in whole[::11])]


def test_what_begins_as_known_reads_the_same_as_what_is_looked_into(
    parsing_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = []
    for is_known in (True, False):
        with monkeypatch.context() as patch:
            if not is_known:
                nothing = [replace(one, known_by="") for one in transcoders()]
                patch.setattr(engine, "transcoders", lambda nothing=nothing: nothing)
            parser = Parser(parsing_store)
        found = parser.parse(*mutated())
        found.assert_every_byte_accounted()
        parsed.append((found.rows, found.rejects, found.blank_bytes))
        parser.close()
    known, looked_into = parsed
    assert known == looked_into
    assert all(known)


@pytest.mark.parametrize("name", ["service.instance.id", "host.name", "k8s.pod.name", "container.id"])
def test_the_node_is_what_the_resource_says_of_its_place(name: str, parser: Parser) -> None:
    about = [{"key": name, "value": {"stringValue": "orders-7f"}}]
    record = {"resourceSpans": [{"resource": {"attributes": about}, "scopeSpans": [{"spans": [SPAN]}]}]}
    assert parser.parse(json.dumps(record)).the_row()["node"] == "orders-7f"


_LATER, _EARLIER = "2018-12-13T14:51:00.300000", "2018-12-13T14:50:50.300000"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ('"1544712660300000000"', _LATER),
        ("1544712660300000000", _LATER),
        ('"1.5447126603e18"', _LATER),
        ("0", _EARLIER),
        ('""', _EARLIER),
    ],
)
def test_a_metric_has_the_time_of_its_latest_point(parser: Parser, written: str, read: str) -> None:
    points = (
        f'[{{"asInt":"1","timeUnixNano":{written}}},{{"asInt":"2","timeUnixNano":"1544712650300000000"}}]'
    )
    metrics = f'[{{"name":"queue.size","gauge":{{"dataPoints":{points}}}}}]'
    line = f'{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":{metrics}}}]}}]}}'
    row = parser.parse(line).the_row()
    assert row["event_type"] == "otlp.metric"
    assert row["occurred_at"].isoformat() == read


def test_a_metric_whose_time_is_none_is_rejected(parser: Parser) -> None:
    metrics = '[{"name":"a","sum":{"dataPoints":[{"timeUnixNano":"x"}]}}]'
    line = f'{{"resourceMetrics":[{{"scopeMetrics":[{{"metrics":{metrics}}}]}}]}}'
    [reject] = parser.parse(line).rejects
    assert "not a count of nanoseconds" in reject.reason
