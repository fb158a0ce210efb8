"""What is logfmt, and what only has an equals sign in it."""

from __future__ import annotations

import json

import pytest

from tests.ingest.parsing import Parser


@pytest.mark.parametrize(
    "line",
    [
        "level=info", "a=1 and b=2", "UPDATE t SET a=1 WHERE b=2", "DETAIL: a=1 b=2", "a=1, b=2",
        'a="x" b="torn', "x = 1 y = 2", "[a=1 b=2]",
    ],
)  # fmt: skip
def test_prose_with_an_equals_sign_is_not_logfmt(parser: Parser, line: str) -> None:
    [reject] = parser.parse(line).rejects
    assert "logfmt" not in reject.reason


@pytest.mark.parametrize(
    ("line", "key", "value"),
    [
        ('a=1 b=""', "b", ""),
        ("a=1 b=", "b", ""),
        (r'a=1 b="\"\\\t\u00e9\x41\q"', "b", '"\\\té' + "A\\q"),
        ("a=1 url=/x?y=z==", "url", "/x?y=z=="),
        ("b=x a=1 b=y", "b", ["x", "y"]),
        (r'a=1 b="\ud800"', "b", r"\ud800"),
        ("a=1 b.c-d/e@f=1", "b.c-d/e@f", "1"),
    ],
)
def test_a_value_is_what_was_written(parser: Parser, line: str, key: str, value: object) -> None:
    row = parser.parse(line).the_row()
    assert row["format"] == "logfmt"
    assert json.loads(row["attributes"])[key] == value


@pytest.mark.parametrize(
    ("head", "time", "severity"),
    [
        ("2026-11-23T09:18:27Z ", "2026-11-23 09:18:27", None),
        ("[2026-11-23 10:18:27 +0100] WARN: ", "2026-11-23 09:18:27", "WARN"),
        ("INFO ", None, "INFO"),
        ("1795425507083 debug ", "2026-11-23 09:18:27.083000", "debug"),
    ],
)
def test_a_time_and_a_level_may_stand_before(
    parser: Parser, head: str, time: str | None, severity: str | None
) -> None:
    row = parser.parse(f"{head}a=1 b=2").the_row()
    assert (str(row.get("occurred_at")), row.get("severity")) == (str(time), severity)
