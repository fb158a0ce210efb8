"""What the values tell holds in every notation that an application's own fields can stand in."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ingest.mapping import from_options
from ingest.roles import unpacked
from ingest.roles.unpacked import records_in
from tests.ingest.tail.rig import Rig

from .cascades import Event, flows, survivors

_START = datetime(2026, 3, 10, 8, tzinfo=UTC)
EDGES = "SELECT DISTINCT event_id, causation_id FROM observations"


def ids(event: Event) -> dict[str, Any]:
    """Names that say nothing; a first event has no cause."""
    return {"raqam": event.id, **({"wegen": event.cause} if event.cause else {})}


def listed(event: Event) -> list[dict[str, Any]]:
    return [{"key": name, "value": value} for name, value in ids(event).items()]


def pairs(event: Event) -> str:
    return " ".join(f"{name}={value}" for name, value in ids(event).items())


def seconds(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def otlp_log(time: datetime, **record: Any) -> dict[str, Any]:
    record["timeUnixNano"] = f"{int(time.timestamp() * 1000)}000000"
    return {"resourceLogs": [{"resource": {}, "scopeLogs": [{"scope": {}, "logRecords": [record]}]}]}


def kcat(time: datetime, headers: object) -> dict[str, Any]:
    place = {
        "topic": "t",
        "partition": 0,
        "offset": 1,
        "tstype": "create",
        "ts": int(time.timestamp() * 1000),
    }
    return {**place, "broker": 1, "headers": headers, "key": "k", "payload": '{"n":1}'}


Line = Callable[[datetime, Event], dict[str, Any] | str]
NOTATIONS: dict[str, Line] = {
    "json": lambda at, e: {"time": seconds(at), **ids(e)},
    "headers in a list": lambda at, e: {"time": seconds(at), "headers": listed(e)},
    "headers in a list of a message": lambda at, e: {"time": seconds(at), "record": {"headers": listed(e)}},
    "a text in a message": lambda at, e: {"time": seconds(at), "message": {"headers": json.dumps(ids(e))}},
    "zap": lambda at, e: {"level": "info", "ts": at.timestamp(), "msg": "done", **ids(e)},
    "bunyan": lambda at, e: {
        "level": 30, "time": int(at.timestamp() * 1000), "pid": 1, "hostname": "h", "msg": "done", **ids(e),
    },
    "structlog": lambda at, e: {"event": "done", "level": "info", "timestamp": seconds(at), **ids(e)},
    "serilog_clef": lambda at, e: {"@t": seconds(at), "@mt": "done {raqam}", **ids(e)},
    "ecs": lambda at, e: {"@timestamp": seconds(at), "message": "done", "labels": ids(e)},
    "rust_tracing": lambda at, e: {
        "timestamp": seconds(at), "level": "INFO", "target": "shop", "fields": {"message": "done", **ids(e)},
    },
    "log4j2_json": lambda at, e: {
        "instant": {"epochSecond": int(at.timestamp()), "nanoOfSecond": at.microsecond * 1000},
        "level": "INFO", "loggerName": "shop", "message": "done", "contextMap": ids(e),
    },
    "cloudevents": lambda at, e: {
        "specversion": "1.0", "id": e.id, "source": "/shop", "type": "done", "time": seconds(at),
        **({"correlationid": e.cause} if e.cause else {}),
    },
    "eventbridge": lambda at, e: {
        "version": "0", "id": e.own, "detail-type": "done", "source": "shop", "account": "1",
        "time": seconds(at), "detail": {"metadata": ids(e)},
    },
    "logfmt": lambda at, e: f"ts={seconds(at)} level=info {pairs(e)}",
    "text": lambda at, e: f"{seconds(at)} INFO [main] done again={e.own} {pairs(e)}",
    "json behind cri_log": lambda at, e: f"{seconds(at)} stdout F {json.dumps(ids(e))}",
    "json behind compose_log": lambda _, e: f"shop-1  | {json.dumps(ids(e))}",
    "json behind syslog_line": lambda at, e: f"<14>1 {seconds(at)} h shop 3 - - {json.dumps(ids(e))}",
    "json behind docker_json": lambda at, e: {
        "log": json.dumps(ids(e)) + "\n", "stream": "stdout", "time": seconds(at),
    },
    "an element of a list": lambda at, e: json.dumps([{"time": seconds(at), **ids(e)}]),
    "a list that has one a line": lambda at, e: json.dumps({"time": seconds(at), **ids(e)}) + ",",
    "a list of events": lambda at, e: {"logEvents": [
        {"id": e.own, "timestamp": 1000 * int(at.timestamp()), "message": json.dumps(ids(e))},
    ]},
    "attributes of otlp_logs": lambda at, e: otlp_log(at, attributes=[
        {"key": name, "value": {"stringValue": value}} for name, value in ids(e).items() if value
    ]),
    "a body of otlp_logs": lambda at, e: otlp_log(at, body={"stringValue": json.dumps(ids(e))}),
    "a text that is an object": lambda at, e: {
        "time": seconds(at), "n": 1, "metadata": json.dumps(ids(e), indent=1),
    },
    "documents of elasticsearch_hit": lambda at, e: {
        "_index": "i", "_id": e.own, "_score": 1, "_source": {"time": seconds(at), **ids(e)},
    },
    "an event in a field of a logger": lambda at, e: {
        "time": seconds(at), "level": "info", "extra": {"event": {"meta": {"kind": "done", **ids(e)}}},
    },
    "headers in turn of kcat": lambda at, e: kcat(
        at, [text for item in ids(e).items() for text in item if item[1]]
    ),
    "headers of kcat": lambda at, e: kcat(at, ids(e)),
    "attributes of sqs_message": lambda _, e: {
        "MessageId": e.own, "Body": "{\"n\":1}", "ReceiptHandle": "r", "MD5OfBody": "b",
        "MessageAttributes": {
            name: {"DataType": "String", "StringValue": value} for name, value in ids(e).items() if value
        },
    },
}  # fmt: skip
"""Name -> the line of an event."""


def written(events: list[tuple[datetime, Event]], line: Line) -> bytes:
    made = (line(at, event) for at, event in events)
    return b"".join((one if isinstance(one, str) else json.dumps(one)).encode() + b"\n" for one in made)


@pytest.mark.parametrize(
    "notation",
    [
        pytest.param(name, marks=pytest.mark.slow if number % 3 else ())  # a third is enough for every day
        for number, name in enumerate(NOTATIONS)
    ],
)
def test_ids_and_causes_are_told_in_every_notation(tmp_path: Path, notation: str) -> None:
    rig = Rig(tmp_path)
    rng = random.Random(1)
    made = flows(rng, 200)
    times = {event.id: _START + timedelta(milliseconds=700 * n) for n, event in enumerate(made)}
    kept = survivors(rng, made)
    rig.add("shop.log", written([(times[event.id], event) for event in kept], NOTATIONS[notation]))
    rig.drain()
    assert set(rig.query(EDGES)) == {(event.id, event.cause) for event in kept}
    [(described,)] = rig.query("SELECT count(DISTINCT format) FROM observations")
    assert described == 1


def test_what_the_user_says_counts_in_logfmt(tmp_path: Path) -> None:
    rig = Rig(tmp_path, mapping=from_options(["id=nr", "cause=wegen"]))
    rig.add("shop.log", b"ts=2026-03-10T08:00:00Z nr=7 wegen=6 size=3\n")
    rig.drain()
    assert rig.query(EDGES) == [("7", "6")]


@pytest.mark.parametrize("defect", [ValueError, OverflowError, IndexError, RecursionError])
def test_what_cannot_be_taken_apart_tells_nothing(
    monkeypatch: pytest.MonkeyPatch, defect: type[Exception]
) -> None:
    def transcode(_: bytes) -> Iterator[dict[str, Any]]:
        yield {"id": "before it"}
        raise defect

    whole, _ = unpacked._around(("resourceLogs",))
    assert whole is not None
    broken = replace(whole, transcode=transcode)
    monkeypatch.setattr(unpacked, "_around", lambda _: (broken, None))
    assert list(records_in(b'{"resourceLogs": []}')) == [{"id": "before it"}]


def test_a_name_that_stands_twice_tells_all_its_values() -> None:
    [record] = records_in(b"time=2026-11-23T09:18:29Z, nr=7, tag=a, tag=b\n")
    assert record["nr"] == 7
    assert record["tag"] == ["a", "b"]


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ("""INFO shop: {"id": "e1", "said": "{'no': 1}"}""", {"id", "said"}),
        ("""INFO shop: {'id': 'e1', 'said': '{"no": 1}'}""", {"id", "said"}),
    ],
)
def test_the_first_object_of_a_line_is_its_record(line: str, fields: set[str]) -> None:
    [record] = records_in(line.encode())
    assert record.keys() == fields


@pytest.mark.parametrize("beside", [{}, {"host": "a"}])
def test_all_events_of_a_list_are_looked_at(beside: dict[str, str]) -> None:
    listed = [{"id": f"e{n}", "time": "2026-11-28T10:00:00Z"} for n in range(4)]
    line = json.dumps({**beside, "events": listed}).encode()
    assert [record["id"] for record in records_in(line)] == ["e0", "e1", "e2", "e3"]
