"""What looks like an answer of Jaeger's API and is none, or holds traces that are malformed."""

from __future__ import annotations

import pytest

from tests.ingest.parsing import Parser


def test_the_answer_of_another_interface_is_read_by_its_names(parser: Parser) -> None:
    row = parser.parse('{"data":[{"id":1}],"total":1,"limit":10,"offset":7,"errors":null}').the_row()
    assert row["format"] == "json"


def test_an_object_below_data_is_no_trace(parser: Parser) -> None:
    row = parser.parse('{"data":{"event_id":"e1","spanID":"x"}}').the_row()
    assert (row["format"], row["event_id"]) == ("json", "e1")


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (
            '{"data":[{"traceID":"1","spans":{"spanID":"a"},"processes":{}}]}',
            "spans is not a list of objects",
        ),
        (
            '{"data":[{"traceID":"1","spans":[{"spanID":"a"}],"processes":"p1"}]}',
            "processes is not an object",
        ),
        ('{"traceID":"1","processes":{},"spans":[{"spanID":"a"},{}]}', "a span without"),
    ],
)
def test_a_malformed_trace_is_rejected(parser: Parser, record: str, reason: str) -> None:
    [reject] = parser.parse(record).rejects
    assert reject.reason.startswith(f"jaeger: {reason}")
