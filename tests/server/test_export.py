"""Results for other programs, and log text for people."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pyarrow as pa
import pytest

from stormwatch.export import csv_of, json_of, plain_value, safe_csv
from stormwatch.plain import visible, visible_lines


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\n=x"])
def test_formulas_are_quoted_for_spreadsheets(text: str) -> None:
    assert safe_csv(text) == f"'{text}"


def test_other_text_is_not_quoted_for_spreadsheets() -> None:
    assert safe_csv("order=1") == "order=1"


def test_csv_guards_names_and_nested_values_and_leaves_numbers_alone() -> None:
    table = pa.table({"=n": [-1], "l": [["=x", "y"]], "t": [datetime(2026, 1, 2)], "z": [None]})  # noqa: DTZ001
    assert csv_of(table) == '\'=n,l,t,z\n-1,"[""=x"", ""y""]",2026-01-02 00:00:00,\n'


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
