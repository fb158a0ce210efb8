"""What the engine promises for any JSON: nothing is dropped, and nothing depends on the batch."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Context, Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ingest.mapping import Inferred
from ingest.names import CONTAINERS, NAMES
from ingest.times import is_inexact, parse_time
from stormwatch.storage import Store

from .parsing import PLACE, Parsed, Parser, Row

ODD_KEYS = (
    "", ".", "a.b", "a/b", "a~b", "a~1b", "$", "$.a", "a'b", 'a"b', "a\\b", "a[0]", "-", "0", "#",
    "\u00e9", "\u2028",
)  # fmt: skip
MARKS = (
    "specversion", "@t", "@timestamp", "pid", "hostname", "span_id", "duration", "name", "processor",
    "timestamp", "error_severity", "backend_type", "type", "vhost", "routing_keys", "properties", "exchange",
)  # fmt: skip
KNOWN = sorted({name for names in NAMES.values() for name in names})
WORDS = (
    "publish", "lock_wait", "acquired", "2026-11-23T09:18:26Z", "1795425506", "007", "true", "a b", "{", "[1",
)  # fmt: skip


def keys() -> st.SearchStrategy[str]:
    """Names that mean something, in several spellings, names of objects, and odd ones."""
    known = st.sampled_from(KNOWN)
    loud = known.map(lambda name: name.replace(".", "_").upper())
    objects = st.sampled_from(sorted(CONTAINERS))
    marks, odd = st.sampled_from(MARKS), st.sampled_from(ODD_KEYS)
    return st.one_of(known, loud, objects, marks, odd, st.text(max_size=4))


EXACTLY = Context(prec=400)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.integers(-3, 30),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(WORDS),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys(), inner, max_size=4),
    max_leaves=8,
)
RECORDS = st.dictionaries(keys(), VALUES, min_size=1, max_size=8)


def written(record: dict[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False)


def leaves_of(value: Any) -> Iterator[str]:
    """The values that say something, as JSON writes them; an empty one is absent."""
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from leaves_of(inner)
    elif value not in (None, ""):
        yield value if isinstance(value, str) else json.dumps(value)


def in_columns(row: Row) -> set[str]:
    """What the columns say."""
    shown = {name: value for name, value in row.items() if name not in ("occurred_at", "attributes", *PLACE)}
    return {json.dumps(value) if isinstance(value, bool) else number(str(value)) for value in shown.values()}


def number(text: str) -> str:
    """A number in one spelling for all that say the same: 007, 7.0 and 7e0 are 7."""
    is_number = re.fullmatch(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", text)
    return str(Decimal(text).normalize(EXACTLY)) if is_number else text


@pytest.fixture(scope="module")
def time_of(parsing_store: Store) -> Iterator[Callable[[str], datetime | None]]:
    """The time that a text is, if a column can hold all of it."""
    cursor = parsing_store.cursor()

    def read(text: str) -> datetime | None:
        sql = f"SELECT CASE WHEN NOT {is_inexact('written')} THEN {parse_time('written')} END"
        is_number = re.fullmatch(r"[\d.]+e[+-]\d+", text)
        value = "?::JSON ->> '$'" if is_number else "?::VARCHAR"  # numbers as the database writes them
        [[found]] = cursor.execute(f"{sql} FROM (SELECT {value} AS written)", [text]).fetchall()
        return found

    yield read
    cursor.close()


def assert_nothing_dropped(
    texts: list[str], parsed: Parsed, time_of: Callable[[str], datetime | None]
) -> None:
    parsed.assert_every_byte_accounted()
    assert not parsed.rejects
    assert len(parsed.rows) == len(texts)
    for text, row in zip(texts, parsed.rows, strict=True):
        said = Counter(leaves_of(json.loads(text)))
        kept = Counter(leaves_of(json.loads(row.get("attributes", "{}"))))
        columns = in_columns(row)
        for leaf in said - kept:
            in_a_column = number(leaf) in columns
            is_the_flag = "is_redelivered" in row and leaf.lower() in ("true", "false", "t", "f", "1", "0")
            is_the_time = row.get("occurred_at") is not None and row["occurred_at"] == time_of(leaf)
            assert in_a_column or is_the_flag or is_the_time, f"{leaf!r} of {text} is lost: {row}"


@given(st.lists(RECORDS, min_size=1, max_size=12))
@example([{"meta": {"id": "e1", "": None}, "event": "publish", "type": "x"}])
@example([{"id": "e1", "seq": 2**63, "attempt": 2**31, "redelivered": "maybe", "epoch": 1795425506}])
@example([{"cause": "connection reset", "causes": [1], "caused_by": ["a"], "parent": {"id": "p"}}])
@example([{"id": "-", "causation_id": "null", "message_id": "0" * 16}])
@example([{"operation": "publish"}, {"event": "publish"}, {"message": "publish", "type": "publish"}])
@settings(max_examples=25)
def test_every_value_is_in_a_column_or_in_attributes(
    parser: Parser, time_of: Callable[[str], datetime | None], batch: list[dict[str, Any]]
) -> None:
    texts = [written(record) for record in batch]
    assert_nothing_dropped(texts, parser.parse(*texts), time_of)


def rows_at(parsed: Parsed) -> dict[int, Row]:
    return {row["byte_offset"]: row for row in parsed.rows}


@pytest.mark.slow
@given(st.lists(RECORDS, min_size=2, max_size=8), st.randoms(use_true_random=False))
@example([{"event": {"id": "1"}}, {"event": "x", "id": "2"}], random.Random(1))
@example([{"event": "publish"}, {"event": "publish", "type": "t"}], random.Random(1))
@example([{"node": "n", "event": {"source": "s"}}, {"event": {"source": "s"}}], random.Random(1))
@settings(max_examples=12)
def test_rows_do_not_depend_on_how_batches_were_cut(
    new_parser: Callable[..., Parser], batch: list[dict[str, Any]], order: random.Random
) -> None:
    lines, at = [], 0
    for record in batch:
        raw = written(record).encode() + b"\n"
        lines.append((at, raw))
        at += len(raw)
    together = rows_at(new_parser().parse_at(lines))
    engine, alone = new_parser(), {}
    for line in lines:
        alone |= rows_at(engine.parse_at([line]))
    order.shuffle(lines)
    half = len(lines) // 2
    shuffled = {}
    for part in (lines[:half], lines[half:]):
        shuffled |= rows_at(engine.parse_at(part)) if part else {}
    assert together == alone
    assert together == shuffled


def pairs() -> st.SearchStrategy[list[tuple[str, Any]]]:
    pair = st.tuples(st.sampled_from(["id", "meta", "type", "a"]), LEAVES | VALUES)
    return st.lists(pair, min_size=1, max_size=6)


@given(st.lists(pairs(), min_size=1, max_size=8))
@example([[("id", "a"), ("id", "b")], [("meta", {"id": "c"}), ("meta", {"id": "d"})]])
@settings(max_examples=15)
def test_a_key_that_is_there_twice_keeps_both_values(
    parser: Parser, batch: list[list[tuple[str, Any]]]
) -> None:
    texts = [
        "{" + ",".join(f"{json.dumps(key)}:{written(value)}" for key, value in record) + "}"
        for record in batch
    ]
    parsed = parser.parse(*texts)
    parsed.assert_every_byte_accounted()
    for text, row in zip(texts, parsed.rows, strict=True):
        # Without a key that is there twice this is the property above.
        names = [key for key, _ in json.loads(text, object_pairs_hook=list)]
        if len(set(names)) < len(names):
            assert json.loads(row["attributes"], object_pairs_hook=list) == json.loads(
                text, object_pairs_hook=list
            )


NIL = "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize("word", ["-", "-1", "null", "<nil>", "None", "undefined", "N/A", "0" * 16, NIL])
def test_a_word_for_no_id_names_nothing(parser: Parser, word: str) -> None:
    first = {"id": "a", "causation_id": word, "correlation_id": word, "type": "t"}
    unnamed = {"event_id": word, "id": "b", "causation_id": "a"}
    row, other = parser.parse(json.dumps(first), json.dumps(unnamed)).rows
    assert (row["event_id"], other["event_id"], other["causation_id"]) == ("a", "b", "a")
    assert not row.keys() & {"causation_id", "cause_kind", "correlation_id"}
    assert json.loads(row["attributes"])["causation_id"] == word


def test_kinds_of_records_differ_in_objects_whatever_is_known_of_other_files(
    new_parser: Callable[..., Parser],
) -> None:
    kind = frozenset([("id",), ("by",), *(("more", f"of {number}") for number in range(8))])
    told = {
        "one.log": Inferred({}, ((kind, {"causation_id": ("by",)}),)),
        "other.log": Inferred({"event_id": ("more", "id")}),
    }
    parser = new_parser(told=told)

    def causes() -> list[str | None]:
        objects = ({f"{word} {number}": 1 for number in range(8)} for word in ("of", "but"))
        lines = [json.dumps({"id": "a", "by": "b", "more": inner}) for inner in objects]
        return [row.get("causation_id") for row in parser.parse(*lines, path="one.log").rows]

    assert causes() == ["b", None]
    parser.parse('{"more": {"id": "c"}}', path="other.log")
    assert causes() == ["b", None]


LOCK = {"operation": "lock_wait", "lock_owner": "t1", "lock_resource": "A", "lock_mode": "X"}


@pytest.mark.parametrize(
    "record",
    [
        {"msg": "waiting", "mutex": "A", "goroutine": "t1", "holder": "t2", "mode": "X"},
        {"action": "wait", "lock": "A", "tx": "t1", "mode": "X", "blocker": "t2"},
        {"lock": {"action": "wait", "name": "A", "owner": "t1", "mode": "X", "blocked_by": "t2"}},
        {"event": "rwlock.wait", "resource": "A", "thread": "t1", "mode": "X", "waiting_for": "t2"},
        {"type": "mutex.waiting", "lock_id": "A", "session_id": "t1", "lock_type": "X", "held_by": "t2"},
    ],
)
def test_who_waits_for_whom_is_read_by_many_names(parser: Parser, record: dict[str, Any]) -> None:
    [row] = parser.parse(json.dumps(record)).rows
    assert {role: row.get(role) for role in LOCK} == LOCK
    assert row["lock_blocked_by"] == "t2"


@pytest.mark.parametrize(
    ("field", "value", "blocker"),
    [("blocker", "-", None), ("blocked_by", -1, None), ("blocking_session_id", 0, None), ("held_by", 0, "0")],
)
def test_what_stands_for_nobody_blocks_nothing(
    parser: Parser, field: str, value: object, blocker: str | None
) -> None:
    """A session 0 or a process 0 is none; a thread may be."""
    [row] = parser.parse(json.dumps({"op": "wait", "lock": "A", "owner": "t1", field: value})).rows
    assert row.get("lock_blocked_by") == blocker
    assert json.loads(row["attributes"])[field] == value


@pytest.mark.parametrize(
    ("word", "operation"),
    [("runlock", "lock_release"), ("write_lock", "lock_acquire"), ("rwlock.released", "lock_release")],
)
def test_locks_for_reading_and_writing_have_words_of_their_own(
    parser: Parser, word: str, operation: str
) -> None:
    [row] = parser.parse(json.dumps({"op": word, "lock": "A", "owner": "t1"})).rows
    assert row["operation"] == operation


@pytest.mark.parametrize("zero", [0, 0.0, "0"])
@pytest.mark.parametrize("name", ["parent_id", "causationId"])
def test_a_cause_of_0_is_none(parser: Parser, name: str, zero: object) -> None:
    """Ids are counted from 1; what names no cause in a column of numbers holds a 0."""
    first, second, other = parser.parse(
        json.dumps({"id": 1, name: zero, "n": 0}), json.dumps({"id": 2, name: 1}), json.dumps({"id": 0})
    ).rows
    assert not first.keys() & {"causation_id", "cause_kind"}
    assert json.loads(first["attributes"])[name] == zero
    assert (second["causation_id"], other["event_id"]) == ("1", "0")


def test_a_whole_number_names_what_it_names_as_an_integer(parser: Parser) -> None:
    """As pandas writes a column of numbers that some records do not have."""
    first, second, other = parser.parse(
        '{"id":7,"type":"t"}', '{"id":8.0,"causation_id":7.0}', '{"id":"v1.0","causation_id":"1.50"}'
    ).rows
    assert (first["event_id"], second["event_id"], second["causation_id"]) == ("7", "8", "7")
    assert (other["event_id"], other["causation_id"]) == ("v1.0", "1.50")


def test_a_text_that_begins_like_a_list_or_an_object_is_a_text(parser: Parser) -> None:
    named = {
        "id": "[dbo].[orders]-1", "type": "[x](y)", "service": "[click](http://shop)", "node": '{"a',
        "stream": "[orders]", "partition_key": "{k}", "entity": "[7",
    }  # fmt: skip
    listed = {"id": ["a"], "type": {"name": "t"}, "service": "shop", "stream": "[1, 2]"}
    lines = (json.dumps({**one, "time": "2026-11-23T09:18:26Z"}) for one in (named, listed))
    text, nested = parser.parse(*lines).rows
    columns = ("event_id", "event_type", "service", "node", "stream", "stream_key", "entity")
    assert tuple(text.get(column) for column in columns) == tuple(named.values())
    assert (nested.get("event_id"), nested["service"]) == (None, "shop")


@pytest.mark.parametrize("line", ['{"id": "%s"}', "2026-11-20 10:00:00.000 UTC [7] LOG:  %s", "%s"])
def test_no_lines_are_kept_while_their_rows_are_stored(parser: Parser, line: str) -> None:
    parser.parse(line % "short")
    before = pa.total_allocated_bytes()
    parsed = parser.parse(*[line % ("x" * 1000)] * 1000)
    parsed.assert_every_byte_accounted()
    assert pa.total_allocated_bytes() - before < 100_000


def test_envelopes_within_envelopes_without_end_are_rejected(parser: Parser) -> None:
    header, record = "2026-11-23T09:18:27Z h a[1]: ", '{"event_id":"e1"}'
    some, many = 5 * header + record, 100 * header + record
    parsed = parser.parse(record, some, many, record)
    parsed.assert_every_byte_accounted()
    assert [row["event_id"] for row in parsed.rows] == ["e1"] * 3
    [reject] = parsed.rejects
    assert reject.byte_length == len(many) + 1
    assert "envelopes" in reject.reason


def test_of_a_line_with_such_envelopes_nothing_else_is_kept(parser: Parser) -> None:
    nested = 100 * "2026-11-23T09:18:27Z h a[1]: " + '{"event_id":"e2"}'
    events = [{"timestamp": 1795425507083, "message": text} for text in ('{"event_id":"e1"}', nested, nested)]
    parsed = parser.parse(json.dumps({"logEvents": events}), '{"event_id":"e3"}')
    parsed.assert_every_byte_accounted()
    assert [row["event_id"] for row in parsed.rows] == ["e3"]
    assert len(parsed.rejects) == 1
