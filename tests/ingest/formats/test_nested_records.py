"""Records that hold several, which hold several: each is an event of its own, and no byte counts twice."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from ingest import engine
from ingest.formats import event_lists, transcoders
from tests.ingest.parsing import Parsed, Parser

SPAN = {
    "traceId": "5b8efff798038103d269b633813fc60c",
    "name": "x",
    "startTimeUnixNano": "1795425507083000000",
}
REPORT = "2026-11-24 09:58:28.101 UTC [{pid}] ERROR:  deadlock detected"


def spans(*ids: str) -> dict[str, object]:
    made = [{**SPAN, "spanId": one} for one in ids]
    return {"resourceSpans": [{"resource": {}, "scopeSpans": [{"spans": made}]}]}


def parse(parser: Parser, record: object) -> Parsed:
    parsed = parser.parse(json.dumps(record))
    parsed.assert_every_byte_accounted()
    assert len({row["record_no"] for row in parsed.rows}) == len(parsed.rows)
    return parsed


def message(body: object) -> dict[str, object]:
    return {"messageId": "m", "receiptHandle": "r", "body": json.dumps(body)}


def test_lists_in_messages_of_lists(parser: Parser) -> None:
    inner = [
        {"Records": [{"id": f"{at}-{n}", "time": "2026-11-24T09:58:27Z"} for n in range(3)]} for at in "ab"
    ]
    parsed = parse(parser, {"Records": [message(one) for one in inner]})
    assert sorted(row["event_id"] for row in parsed.rows) == ["a-0", "a-1", "a-2", "b-0", "b-1", "b-2"]


def test_spans_in_the_answer_of_an_interface(parser: Parser) -> None:
    """`trace` of Tempo, `result` of Jaeger."""
    for around in ("trace", "result"):
        [row] = parse(parser, {around: spans("aaaaaaaaaaaaaaa1")}).rows
        assert (row["format"], row["event_id"]) == ("otlp_traces", "aaaaaaaaaaaaaaa1")


def test_spans_in_a_list_of_other_records(parser: Parser) -> None:
    records = [{"id": "e-1"}, spans("aaaaaaaaaaaaaaa1", "aaaaaaaaaaaaaaa2"), {"id": "e-2"}]
    parsed = parse(parser, {"Records": records})
    assert sorted(row["event_id"] for row in parsed.rows) == [
        "aaaaaaaaaaaaaaa1", "aaaaaaaaaaaaaaa2", "e-1", "e-2",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "listed",
    [
        {"id": "e-1", "type": "order.placed", "time": "2026-11-24T09:58:27Z"},
        {"eventID": "e", "eventName": "n", "eventSource": "s", "eventTime": "2026-11-24", "awsRegion": "r"},
        {"event": "text", "logGroup": "g", "eventId": 7}, {"@event_lists": 1, "@envelope": {"event_id": "x"}},
        {"Records": [{"id": "inner"}]}, message({"id": "body"}), spans("aaaaaaaaaaaaaaa1"),
        {"id": "a\u0000\"b"}, {"id": (1 << 64) - 1, "n": 0.1, "big": 10**30, "": {}}, {},
    ],
)  # fmt: skip
def test_an_envelope_with_nothing_else_in_it_need_not_be_opened(
    new_parser: Callable[..., Parser], monkeypatch: pytest.MonkeyPatch, listed: dict[str, object]
) -> None:
    record = json.dumps({"Records": [listed, listed]})
    found = new_parser().parse(record).rows

    def to_open(raw: bytes) -> Iterator[Mapping[str, Any]]:
        for one in event_lists.FORMAT.transcode(raw):
            yield {"event": one.decode()} if isinstance(one, bytes) else one

    opened = dataclasses.replace(event_lists.FORMAT, transcode=to_open)
    others = [opened if one is event_lists.FORMAT else one for one in transcoders()]
    monkeypatch.setattr(engine, "transcoders", lambda: others)
    assert found == new_parser().parse(record).rows
    assert [type(one) for one in event_lists.FORMAT.transcode(record.encode())] == 2 * [
        bytes if listed else dict
    ]


def test_reports_of_a_server_in_a_list(parser: Parser) -> None:
    listed = [
        {"id": str(pid), "timestamp": 1795514308101, "message": REPORT.format(pid=pid)} for pid in (7, 8, 9)
    ]
    parsed = parse(parser, {"logGroup": "g", "logStream": "s", "logEvents": listed})
    assert [(row["format"], row["node"]) for row in parsed.rows] == [
        ("postgresql_text", "pid 7"), ("postgresql_text", "pid 8"), ("postgresql_text", "pid 9"),
    ]  # fmt: skip


def test_an_envelope_in_another_keeps_what_the_outer_one_says(parser: Parser) -> None:
    notification = {
        "Type": "Notification", "MessageId": "n", "TopicArn": "arn:aws:sns:eu:1:orders",
        "Message": json.dumps({"type": "order.placed"}), "Timestamp": "2026-11-24T09:58:27Z",
    }  # fmt: skip
    attributes = {"ApproximateReceiveCount": "2", "SentTimestamp": "1795514308101", "MessageGroupId": "o-7"}
    row = parse(parser, {**message(notification), "attributes": attributes}).the_row()
    assert (row["event_id"], row["stream"], row["stream_key"], row["attempt"]) == ("n", "orders", "o-7", 2)
    assert row["occurred_at"].isoformat() == "2026-11-24T09:58:27"


def test_what_only_looks_like_a_list_is_a_record(parser: Parser) -> None:
    for value in ([], {"id": "x"}, "text", [1, 2]):
        parsed = parse(parser, {"Records": value})
        assert not parsed.rejects
        assert len(parsed.rows) == 1
    assert parse(parser, {"id": "e-1", "events": [{"id": "e-2"}]}).the_row()["event_id"] == "e-1"


def test_lists_that_come_to_light_one_after_the_other(parser: Parser) -> None:
    """One is opened in the round in which another is found behind a torn line."""
    listed = [json.dumps({"Records": [{"id": f"{at}-{n}"} for n in range(2)]}) for at in "ab"]
    parsed = parser.parse(listed[0], f"torn {listed[1]}")
    parsed.assert_every_byte_accounted()
    assert sorted(row["event_id"] for row in parsed.rows) == ["a-0", "a-1", "b-0", "b-1"]


@pytest.mark.parametrize(
    "said", [{"MessageAttributes": "[x]"}, {"@envelope": "a text"}, {"@envelope": 3}], ids=json.dumps
)
def test_texts_where_an_envelope_has_objects(parser: Parser, said: dict[str, object]) -> None:
    record = {"MessageId": "m", "ReceiptHandle": "r", "Body": json.dumps({"id": "e-1"}), **said}
    parsed = parse(parser, record)
    assert parsed.the_row()["event_id"] == "e-1"
