"""What has the keys of a batch, but holds no events, is read like any other record."""

from __future__ import annotations

import json

import pytest

from tests.ingest.parsing import Parser

HEAD = '{"service":"a","timestamp":"2026-11-28T10:00:00Z","messages":'
DEEP = "[" * 1000 + "]" * 1000


@pytest.mark.parametrize(
    "value",
    [
        "7", "[]", '["x"]', '[{"role":"user","content":"x"}]', '[{"id":"1"}]', "[1e999]", DEEP,
        '[{"id":"1","time":"2026-11-28T10:00:00Z"},{"id":"2"}]', '[{"id":"1","id":"2"}]',
    ],
)  # fmt: skip
def test_what_is_no_batch_stays_as_it_is(parser: Parser, value: str) -> None:
    row = parser.parse(f"{HEAD}{value}}}").the_row()
    assert (row["format"], row["service"]) == ("json", "a")
    assert row["attributes"] == f'{{"messages":{value}}}'


def test_a_key_that_is_there_twice_is_no_reason_to_reject_it(parser: Parser) -> None:
    row = parser.parse(f'{HEAD}["x"],"service":"b"}}').the_row()
    assert row["service"] == "a"


def test_pages_of_answers_are_cut_as_before(parser: Parser) -> None:
    listed = [{"a": 1, "time": "2026-11-28T10:00:00Z"}, {"a": 2, "time": "2026-11-28T10:00:01Z"}]
    rows = parser.parse(json.dumps({"count": 2, "events": listed})).rows
    assert [json.loads(row["attributes"])["a"] for row in rows] == [1, 2]


def test_what_stands_beside_events_may_have_any_name(parser: Parser) -> None:
    listed = [{"id": f"e{n}", "time": "2026-11-28T10:00:00Z", "type": "paid"} for n in range(3)]
    rows = parser.parse(json.dumps({"shipped": "2026-11-28T10:00:05Z", "lane": 4, "events": listed})).rows
    assert [row["event_id"] for row in rows] == ["e0", "e1", "e2"]
    assert json.loads(rows[0]["attributes"])["@event_batches"]["lane"] == 4


@pytest.mark.parametrize(
    ("beside", "event"),
    [
        ({"lane": 4}, {"id": "m1", "time": "2026-11-28T10:00:00Z"}),
        ({"lane": 4, "order_id": "o1", "type": "paid"}, {"id": "m1", "time": 1, "type": "x"}),
        ({"lane": 4, "id": "o1"}, {"id": "m1", "time": 1, "type": "x"}),
        ({"level": "info", "topic": "orders"}, {"id": "m1", "time": 1, "type": "x"}),
        ({"msg": "3 read", "topic": "orders"}, {"id": "m1", "time": 1, "type": "x"}),
    ],
)
def test_a_list_of_an_event_is_its_own(
    parser: Parser, beside: dict[str, object], event: dict[str, object]
) -> None:
    assert len(parser.parse(json.dumps({**beside, "events": [event, event]})).rows) == 1
