"""What is not valid in Clojure's notation is rejected with a reason, and costs no other record."""

from __future__ import annotations

import pytest

from tests.ingest.parsing import Parser


@pytest.mark.parametrize(
    "line",
    [
        "{:type :invoke, :f", "{:a 1 :b}", "{:a [1 2}", '{:a "\\ud800"}', '{:a "\\o"}', "{:a 1} 7", "{:a }}",
        "{:a " + "[" * 1000, "{:a " + "[" * 100 + "]" * 100 + "}", "{:a " + "#x " * 1000 + "1}",
    ],
)  # fmt: skip
def test_malformed_maps_are_rejected(parser: Parser, line: str) -> None:
    parsed = parser.parse(line, "{:id 7}")
    assert [row["event_id"] for row in parsed.rows] == ["7"]
    [reject] = parsed.rejects
    assert reject.reason.startswith("edn: ")
    assert "report" not in reject.reason
    parsed.assert_every_byte_accounted()


def test_numbers_of_any_size_are_kept(parser: Parser) -> None:
    row = parser.parse("{:id 7, :big 123456789012345678901234567890N, :huge 1e999, :ratio 1/3}").the_row()
    assert row["attributes"] == '{"big":"123456789012345678901234567890","huge":"1e999","ratio":"1/3"}'
