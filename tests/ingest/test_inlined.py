"""Lists of names and values that are read as objects, and what would be lost of others."""

from __future__ import annotations

import json

import pytest

from tests.ingest.parsing import Parser


@pytest.mark.parametrize(
    "listed",
    [
        [{"key": "a", "value": 1}, 5],
        [{"key": "a", "value": 1, "at": "x"}],
        [{"name": "a", "text": "x"}],
        [{"key": "a", "name": "b"}],
        [{"key": "a", "value": 1}, None, [], "x"],
    ],
)
def test_a_list_that_says_more_than_names_and_values_stays_one(parser: Parser, listed: list[object]) -> None:
    row = parser.parse(json.dumps({"id": "e", "headers": listed})).the_row()
    assert json.loads(row["attributes"])["headers"] == listed


def test_names_and_values_are_an_object(parser: Parser) -> None:
    listed = [{"key": "causation_id", "value": "c"}, {"name": "a", "value": {"b": 1}}, {"key": "n"}]
    row = parser.parse(json.dumps({"id": "e", "headers": listed})).the_row()
    assert (row["causation_id"], row["attributes"]) == ("c", '{"headers":{"a":{"b":1},"n":null}}')
