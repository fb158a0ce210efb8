"""What sample_logs/README.md promises of each story."""

from __future__ import annotations

import json
from typing import Any

from stormwatch.resources import SAMPLE_LOGS


def truth(story: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((SAMPLE_LOGS / story / "TRUTH.json").read_text())
    return found


def records(story: str) -> list[dict[str, Any]]:
    found = []
    for path in sorted((SAMPLE_LOGS / story / "logs").iterdir()):
        for line in path.read_text().splitlines():
            try:
                found.append(json.loads(line))
            except json.JSONDecodeError:
                continue  # torn by a crash
    return found


def change(story: str) -> str:
    [at] = [one["at"] for one in truth(story)["incidents"] if one["kind"] == "change"]
    return str(at)


def test_ordered_is_healthy() -> None:
    found = truth("ordered")
    assert (found["late_deliveries"], found["gaps"], found["loops"], found["deadlocks"]) == ([], [], [], [])
    assert sum(one["copies"] for one in found["delivered_more_than_once"]) == 1


def test_unordered_has_the_same_customers_as_ordered() -> None:
    def orders(story: str) -> list[tuple[str, str]]:
        return sorted(
            (record["time"], record["partition_key"])
            for record in records(story)
            if record.get("type") == "order.placed" and record["operation"] == "send"
        )

    before = change("unordered")
    early = [order for order in orders("ordered") if order[0] < before]
    assert early
    assert early == [order for order in orders("unordered") if order[0] < before]
    placed = [key for _, key in orders("ordered")]
    assert placed == [key for _, key in orders("unordered")][: len(placed)]


def test_unordered_is_late_on_one_stream_only_and_late_deliveries_begin_with_the_change() -> None:
    found = truth("unordered")
    assert {late["stream"] for late in found["late_deliveries"]} == {"orders"}
    greatest: dict[tuple[str, str], int] = {}
    before = change("unordered")
    received = [one for one in records("unordered") if one.get("operation") == "receive" and "type" in one]
    for one in sorted(received, key=lambda record: str(record["time"])):
        scope = (one["partition_key"], one.get("epoch", ""))
        if one["stream"] == "orders" and one["sequence"] < greatest.get(scope, 0):
            assert one["time"] > before
        greatest[scope] = max(greatest.get(scope, 0), one.get("sequence", 0))


def test_deadlocks_has_every_shape_and_an_hour_without() -> None:
    found = truth("deadlocks")
    assert found["deadlocks_per_hour"] == {
        "2026-03-02T09:00:00Z": 13,
        "2026-03-02T10:00:00Z": 11,
        "2026-03-02T12:00:00Z": 13,
    }
    assert {len(deadlock["members"]) for deadlock in found["deadlocks"]} == {2, 3, 4}


def test_locks_are_taken_in_both_orders_long_before_the_first_deadlock() -> None:
    found = truth("inverted")
    [deployed] = found["incidents"]
    [inverted] = found["inversions"]
    [deadlock] = found["deadlocks"]
    assert (deployed["kind"], deployed["node"]) == ("deploy", "billing-2")
    assert (inverted["first_class"], inverted["second_class"]) == ("account-#", "till-#")
    assert deployed["at"] < inverted["inverted_at"] < "2026-03-02T09:12"
    assert deadlock["closed_at"] > "2026-03-02T09:21"


def test_versions_are_overwritten_only_while_nobody_checks_them() -> None:
    [off, on] = [one["at"] for one in truth("overwritten")["incidents"] if one["kind"] == "change"]
    changed = [one for one in records("overwritten") if one.get("type") == "profile.changed"]
    stale = [one["time"] for one in changed if one["expected_version"] != one["entity_version"] - 1]
    assert len(stale) == truth("overwritten")["overwritten"] == 13
    assert off < min(stale) < max(stale) < on
    refused = [one["time"] for one in records("overwritten") if one.get("type") == "profile.refused"]
    assert refused
    assert not [at for at in refused if off < at < on]


def test_loop_is_bounded() -> None:
    found = truth("loop")
    assert max(loop["visits"] for loop in found["loops"]) == 6
    assert found["given_up"] == 1


def test_storm_has_a_gain_above_one_minutes_after_the_change_then_silence() -> None:
    found = truth("storm")
    many = [one for one in found["loop_gain"] if one["turns"] >= 20]
    above = [one["since"] for one in many if one["caused"] > one["turns"]]
    crash = min(one["at"] for one in found["incidents"] if one["kind"] == "crash")
    assert above
    assert change("storm") < min(above) < crash
    late = {one["node"] for one in records("storm") if one.get("time", "") > crash and "node" in one}
    assert late == {"config-1", "broker-1"}
