"""What no column holds: joined by path, and by merge patch, must be the same object."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest import leftover
from ingest.formats.base import Shape
from ingest.formats.generic_json import FORMAT
from ingest.names import Path
from ingest.plan import make_plan, numbered
from stormwatch.storage import open_empty
from tests.ingest.parsing import PLACE, Parser

_keys = st.sampled_from(["id", "time", "type", "note", "amount", "a b", "x.y"])
_values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.text("aé\"\\/ \t'{}[]", max_size=6),
    st.lists(st.integers(0, 9), max_size=2),
)
_objects = st.dictionaries(_keys, _values, max_size=4)
_records = st.dictionaries(
    st.one_of(_keys, st.sampled_from(["meta", "headers", "data"])), st.one_of(_values, _objects), max_size=6
)


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    return open_empty()


def _shape(record: dict[str, Any]) -> Shape:
    inner = [
        (name, key)
        for name, value in record.items()
        if isinstance(value, dict) and name in ("meta", "headers", "data")
        for key in value
    ]
    order = (*((key,) for key in record), *inner)
    return Shape(frozenset(order), order)


def _by_paths(connection: duckdb.DuckDBPyConnection, text: str, tree: leftover.Tree) -> str | None:
    paths = list(leftover.leaves(tree))
    places = {path: f"json_extract($line, '{_pointer(path)}')" for path in paths}
    row = connection.execute(f"SELECT {leftover.joined(tree, places)}", {"line": text} if paths else None)
    found = row.fetchone()
    assert found is not None
    return None if found[0] == "{}" else str(found[0])


def _pointer(path: Path) -> str:
    return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in path)


@given(record=_records)
def test_joining_by_path_equals_patching(
    connection: duckdb.DuckDBPyConnection, record: dict[str, Any]
) -> None:
    plan = make_plan(_shape(record), FORMAT, (), {}, 0)
    assert plan.left is not None
    text = json.dumps(record, ensure_ascii=False)
    patched = connection.execute("SELECT nullif(json_merge_patch(?, ?), '{}')", [text, plan.patch]).fetchone()
    assert patched is not None
    joined = _by_paths(connection, text, plan.left)
    assert (joined and json.loads(joined)) == (patched[0] and json.loads(patched[0]))


@given(record=_records)
def test_what_is_left_of_flat_records_is_written_as_the_patch_writes_it(
    connection: duckdb.DuckDBPyConnection, record: dict[str, Any]
) -> None:
    plan = make_plan(_shape(record), FORMAT, (), {}, 0)
    # Only the patch goes into an object that a column has something of.
    assert (plan.left_with_time is None) == any(len(path) > 1 for path in plan.removed)
    ways = [(plan.left, plan.patch), (plan.left_with_time, plan.patch_keeping_time)]
    for tree, patch in ways if plan.left_with_time is not None else ():
        assert tree is not None
        text = json.dumps(record, ensure_ascii=False)
        sql = "SELECT nullif(json_merge_patch(?, ?)::VARCHAR, '{}')"
        patched = connection.execute(sql, [text, patch]).fetchone()
        assert patched == (_by_paths(connection, text, tree),)


def test_unions_take_a_shape_together_or_not_at_all() -> None:
    one, other = leftover.Union(), leftover.Union()
    assert leftover.add_all([(one, {"a": None, "n": None}, []), (other, {"a": None}, [])])
    assert not leftover.add_all([(one, {"b": None}, []), (other, {}, [("a",)])])
    assert (one.tree, other.tree) == ({"a": None, "n": None}, {"a": None})
    assert not other.removed


@given(first=_records, second=_records)
def test_a_union_serves_each_of_its_records_as_if_alone(
    connection: duckdb.DuckDBPyConnection, first: dict[str, Any], second: dict[str, Any]
) -> None:
    plans = [make_plan(_shape(record), FORMAT, (), {}, 0) for record in (first, second)]
    union = leftover.Union()
    taken = []
    for plan, record in zip(plans, (first, second), strict=True):
        assert plan.left is not None
        if union.add(plan.left, plan.removed):
            taken.append((plan.left, json.dumps(record, ensure_ascii=False)))
    assert taken
    for tree, text in taken:
        assert _by_paths(connection, text, union.tree) == _by_paths(connection, text, tree)


def test_a_value_that_one_shape_leaves_and_another_maps_is_not_in_one_union() -> None:
    union = leftover.Union()
    assert union.add({"id": None, "n": None}, removed=[])
    assert not union.add({"n": None}, removed=[("id",)])
    assert union.tree == {"id": None, "n": None}


def test_orders_that_contradict_are_not_in_one_union() -> None:
    union = leftover.Union()
    assert union.add({"a": None, "b": None}, removed=[])
    assert union.add({"a": None, "c": None, "b": None}, removed=[])
    assert list(union.tree) == ["a", "c", "b"]
    assert not union.add({"b": None, "a": None}, removed=[])


@pytest.mark.parametrize(
    "outer",
    [
        {"id": "e", "time": "2026-11-30T10:00:00Z", "type": "order.placed", "activity": "sent"},
        pytest.param(
            {
                "time": "2026-11-30T10:00:00Z",
                "metadata": {"id": "e", "cause": "d", "x/y": 1, "é": [1.50], "n": None},
            },
            marks=pytest.mark.slow,
        ),
        {"meta": {"id": "e", "message": {"causation_id": "d", "a": '"', "b": {}}}, "payload": {"type": "t"}},
    ],
    ids=["flat", "in an object", "in an object in an object"],
)
def test_keys_in_any_order_make_few_statements_and_the_same_rows(
    outer: dict[str, Any], new_parser: Callable[[], Parser]
) -> None:
    chance = Random(20261130)

    def shuffled(record: dict[str, Any]) -> dict[str, Any]:
        keys = chance.sample(list(record), len(record))
        return {key: shuffled(record[key]) if isinstance(record[key], dict) else record[key] for key in keys}

    records = [shuffled(outer | {f"k{key}": number for key in range(7)}) for number in range(40)]
    for number in range(0, 40, 2):  # a column holds more of some of them
        records[number] = shuffled(records[number] | {"correlation_id": f"c{number}"})
    told: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "ingest.insertion.numbered", lambda groups: told.append(len(groups)) or numbered(groups)
        )
        together = new_parser().parse(*map(json.dumps, records)).rows
    assert max(told) <= 10, told
    for record, row in zip(records, together, strict=True):
        alone = new_parser().parse(json.dumps(record)).the_row()
        assert {name: value for name, value in row.items() if name not in PLACE} == alone
        left = json.loads(row["attributes"])
        assert list(left) == [key for key in record if key in left]
        for key in left.keys() & {"metadata", "meta"}:
            assert list(left[key]) == [name for name in record[key] if name in left[key]]


def test_keys_that_are_not_plain_are_left_to_the_patch() -> None:
    assert leftover.leftover([("a",), ('q"',)], removed=[]) is None
    assert leftover.leftover([("a",), ("a",)], removed=[]) is None
    assert leftover.leftover([(f"k{number}",) for number in range(100)], removed=[]) is None
