"""Dicts as Python prints them mean what they mean to Python."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.formats.python_dict import as_json

_TEXTS = st.one_of(
    st.text(),
    st.text(st.sampled_from("ab :,{}[]()'\"\\\n0")),
    st.sampled_from([": None,", "None", "x: True}", "datetime.datetime(2026, 1, 1)", "nan"]),
)
_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63), st.floats(-1e9, 1e9), _TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_TEXTS, inner, max_size=3)),
    max_leaves=8,
)


def read(value: object) -> Any:
    return json.loads(as_json(repr({"k": value, "other": "x"}).encode()))["k"]


@given(_VALUES)
def test_what_json_can_say_is_said(value: object) -> None:
    assert read(value) == value


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ((1, "a"), [1, "a"]),
        ((), []),
        (("one",), ["one"]),
        (b"a\xff", "a\\xff"),
        (Decimal("1.50"), "1.50"),
        (uuid.UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        (dt.datetime(2026, 11, 23, 9, 18), "2026-11-23T09:18:00.000000"),  # noqa: DTZ001
        (dt.datetime(2026, 1, 2, tzinfo=dt.UTC), "2026-01-02T00:00:00.000000Z"),
        (float("nan"), "nan"),
        ([None, True], [None, True]),
    ],
)
def test_what_python_has_beside(value: object, written: object) -> None:
    assert read(value) == written


@pytest.mark.parametrize("minutes", [0, 120, 345, -30, -300])
def test_an_offset_is_kept(minutes: int) -> None:
    zone = dt.timezone(dt.timedelta(minutes=minutes), "X" if minutes < 0 else "Y")
    at = dt.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=zone)
    assert dt.datetime.fromisoformat(read(at)) == at


@pytest.mark.parametrize(
    "text",
    [
        "{'a': <State.PAID: 2>}",
        "{'a': 1",
        "{'a': {1, 2}}",
        "{'a'}",
        "{'a': 1} b",
        '{"a": 1}',
        "{'a': {1: 2}}",
        r"{'a': 'half of one: \ud83d'}",
    ],
)
def test_what_is_none_says_so(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        as_json(text.encode())


def test_a_zone_that_does_not_say_its_name_is_not_guessed() -> None:
    with pytest.raises(ValueError, match="zone"):
        as_json(b"{'at': datetime.datetime(2026, 1, 2, 3, 4, tzinfo=tzlocal())}")
