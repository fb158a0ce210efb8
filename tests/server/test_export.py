"""Results for other programs, and log text for people."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta, timezone

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stormwatch.export import csv_of, json_of, parquet_of, plain_rows, plain_value, safe_csv
from stormwatch.plain import visible, visible_lines
from stormwatch.readonly import run_readonly
from stormwatch.storage import open_empty


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\n=x", "\uff1d1", "\uff20x"])
def test_formulas_are_quoted_for_spreadsheets(text: str) -> None:
    assert safe_csv(text) == f"'{text}"


def test_other_text_is_not_quoted_for_spreadsheets() -> None:
    assert safe_csv("order=1") == "order=1"


def test_csv_guards_names_and_nested_values_and_leaves_numbers_alone() -> None:
    table = pa.table({"=n": [-1], "l": [["=x", "y"]], "t": [datetime(2026, 1, 2)], "z": [None]})  # noqa: DTZ001
    assert csv_of(table) == '\'=n,l,t,z\n-1,"[""=x"", ""y""]",2026-01-02 00:00:00,\n'


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_no_cell_of_a_csv_begins_within_a_text(end: str) -> None:
    """A bare carriage return ends a line for spreadsheets: what follows would be a formula."""
    text = csv_of(pa.table({"x": [f"a{end}=1+1"], "y": ["b"]}))
    assert list(csv.reader(io.StringIO(text, newline=""))) == [["x", "y"], [f"a{end}=1+1", "b"]]


FAR = {
    "'infinity'::TIMESTAMP": "infinity",
    "'-infinity'::TIMESTAMPTZ": "-infinity",
    "'infinity'::TIMESTAMP_MS": "infinity",
    "'-infinity'::DATE": "-infinity",
    "DATE '0044-03-15 (BC)'": "-000043-03-15",
    "DATE '10000-02-29'": "+010000-02-29",
    "TIMESTAMP '10000-01-01 01:02:03.5'": "+010000-01-01T01:02:03.500000Z",
    "['infinity'::DATE, DATE '2026-11-20', NULL]": ["infinity", "2026-11-20", None],
    "{'a': ['infinity'::TIMESTAMP]}": {"a": ["infinity"]},
    "MAP {'a': 'infinity'::TIMESTAMP}": {"a": "infinity"},
}
SPELLED = {
    "340282366920938463463374607431768211455::UHUGEINT": "340282366920938463463374607431768211455",
    "[340282366920938463463374607431768211455::UHUGEINT]": "[340282366920938463463374607431768211455]",
    "170141183460469231731687303715884105727::HUGEINT": 170141183460469231731687303715884105727,
    "'10101'::BIT": "10101",
    "'100000000000000000000000000000000000000000'::BIGNUM": "1" + 41 * "0",
    "TIMETZ '10:00:00+02'": "10:00:00+02",
    "'x'::VARIANT": "x",
    "MAP {}::MAP(VARCHAR, INTEGER)": {},
    "[MAP {1: 'x'}]": [{"1": "x"}],
    "MAP {['k']: 1}": {"['k']": 1},
}


@pytest.mark.parametrize(("expression", "told"), [*FAR.items(), *SPELLED.items()])
def test_every_value_of_the_database_can_be_told(expression: str, told: object) -> None:
    with open_empty() as connection:
        table = run_readonly(connection, f"SELECT {expression} AS x").table
    assert plain_rows(table) == [{"x": told}]
    [_, [cell]] = csv.reader(io.StringIO(csv_of(table)))
    assert cell.removeprefix("'") == (json.dumps(told) if isinstance(told, (dict, list)) else str(told))
    assert pq.read_table(pa.BufferReader(parquet_of(table))).num_rows == 1


def test_names_stay_where_a_value_is_told_as_text() -> None:
    with open_empty() as connection:
        table = run_readonly(connection, """SELECT 1 AS a, '1'::BIT AS a, '0'::BIT AS "b""c" """).table
    assert table.to_pydict() == {"a": [1], "a_2": ["1"], 'b"c': ["0"]}


@pytest.mark.parametrize(
    ("expression", "told"),
    [("INTERVAL '1 month 2 days 3.5 s'", "P1M2DT3.500000000S"), ("union_value(n := [1, 2])", "[1, 2]")],
)
def test_what_parquet_has_no_type_for_is_text_in_it(expression: str, told: str) -> None:
    with open_empty() as connection:
        table = run_readonly(connection, f"SELECT {expression} AS x, NULL::INTERVAL AS y, 1 AS z").table
    stored = pq.read_table(pa.BufferReader(parquet_of(table)))
    assert stored.to_pylist() == [{"x": told, "y": None, "z": 1}]


def test_json_of_no_rows_is_an_empty_list() -> None:
    assert json.loads(json_of(pa.table({"a": pa.array([], pa.int64())}))) == []


def test_instants_with_a_zone_are_told_in_utc() -> None:
    there = datetime(2026, 1, 2, 3, tzinfo=timezone(timedelta(hours=2)))
    assert plain_value(there) == "2026-01-02T01:00:00Z"
    assert plain_value(there.astimezone(UTC)) == "2026-01-02T01:00:00Z"


def test_every_steering_character_is_written_as_an_escape() -> None:
    controls = [*range(0x20), *range(0x7F, 0xA0)]
    directions = [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]
    for code in (*controls, *directions, 0x2028, 0xD800):
        assert visible(f"a{chr(code)}b") == f"a\\u{code:04x}b"


@pytest.mark.parametrize("text", ["plain", "Grüße", "漢字", "😀", "a b", "日本語 – ok"])
def test_readable_text_stays(text: str) -> None:
    assert visible(text) == text


def test_escapes_in_a_json_string_mean_what_they_stand_for() -> None:
    text = json.dumps({"k": "\x9b\u202e\x7f"}, ensure_ascii=False)
    assert json.loads(visible(text)) == {"k": "\x9b\u202e\x7f"}


def test_lines_stay_lines() -> None:
    assert visible_lines("a\x1b\nb\r\n") == "a\\u001b\nb\\u000d\n"
