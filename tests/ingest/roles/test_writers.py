"""Which fields say which service wrote a record and which of its processes, where none is called so."""

from __future__ import annotations

from typing import Any

import pytest

from .looking import decided, decided_of

Records = list[dict[str, Any]]


def written(one: str, other: str, after: str = "-{}", services: int = 3, **more: Any) -> Records:
    return [
        {
            "event_id": f"e-{n}",
            one: f"svc{n % services}",
            other: f"svc{n % services}" + after.format(n % 2),
            **more,
        }
        for n in range(120)
    ]


@pytest.mark.parametrize("after", ["-{}", ".{}", "@host-{}", "-7d9f8b6c5d-x2x{}z"])
def test_what_is_called_after_another_is_a_process_of_it(after: str) -> None:
    assert decided(written("by", "on", after)) == {"service": "by", "node": "on"}
    nested = [{"event_id": one["event_id"], "who": one} for one in written("by", "on", after)]
    assert decided(nested) == {"service": "who.by", "node": "who.on"}


def test_one_of_both_may_have_a_name() -> None:
    assert decided(written("service", "box")) == {"node": "box"}
    assert decided(written("part", "host")) == {"service": "part"}
    assert decided(written("service", "host")) == {}


def test_a_log_of_one_service_is_told_by_those_of_others() -> None:
    records = written("by", "on")
    logs = {f"{name}.log": [one for one in records if one["by"] == name] for name in ("svc0", "svc1")}
    assert decided_of(logs) == {
        ("svc#.log", "service"): "by", ("svc#.log", "node"): "on",
    }  # fmt: skip
    assert decided(written("by", "on", services=1)) == {}


def test_business_objects_and_words_are_no_processes() -> None:
    assert decided([{"event_id": "e", "of": "cart", "its": f"cart-{n}"} for n in range(120)]) == {}
    assert decided(written("by", "on", "-events")) == {}
    assert decided([{"event_id": "e", "data": one} for one in written("by", "on")]) == {}


@pytest.mark.parametrize(
    ("one", "other"),
    [("browser", "browser_version"), ("geo", "region"), ("product_family", "item"), ("kind_of", "table")],
)
def test_what_is_called_a_part_or_a_version_of_another_is_no_process(one: str, other: str) -> None:
    assert decided(written(one, other)) == {}


def test_a_number_that_goes_on_is_no_process_of_a_number() -> None:
    records = [
        {**one, "on": f"2.{n % 3}.{n % 2}", "by": f"2.{n % 3}"} for n, one in enumerate(written("by", "on"))
    ]
    assert decided(records) == {}


def test_who_writes_is_no_key_of_what_it_numbers() -> None:
    records = [{**one, "no": n // 6} for n, one in enumerate(written("by", "on", services=6))]
    assert decided(records) == {"service": "by", "node": "on", "sequence": "no"}
