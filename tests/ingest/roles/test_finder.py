"""Values tell what a field is, whatever it is called, and nothing where they cannot."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from ingest.roles.decisions import NO_FIELD, Decision
from ingest.roles.finder import RoleFinder
from ingest.roles.samples import scope_of
from stormwatch.storage import open_scratch

from .cascades import DIALECTS, Event, flows, survivors, written


def found(logs: dict[str, bytes]) -> dict[tuple[str, str], Decision]:
    with open_scratch() as connection:
        finder = RoleFinder(connection)
        for path, data in logs.items():
            finder.add(path, data.splitlines())
        finder.look()
        return {(one.scope, one.role): one for one in finder.decisions()}


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_id_cause_and_flow_of_a_dialect(name: str, seed: int) -> None:
    rng = random.Random(seed)
    record, event_id, cause, flow = DIALECTS[name]
    decided = found({"app-1.log": written(survivors(rng, flows(rng, 300)), record)})
    assert {role: ".".join(one.field) for (_, role), one in decided.items()} == {
        "event_id": event_id, "causation_id": cause, "correlation_id": flow,
    }  # fmt: skip
    assert 0.85 < decided["app-#.log", "causation_id"].confidence < 0.97  # 8 % are lost
    assert decided["app-#.log", "correlation_id"].confidence > 0.99


def test_services_of_different_dialects_point_at_each_other() -> None:
    rng = random.Random(4)
    names = ["the correlation is the cause", "nobody knows the names"]
    logs: dict[str, list[Any]] = {"a.log": [], "b.log": []}
    for event in survivors(rng, flows(rng, 600)):
        logs[rng.choice(list(logs))].append(event)
    decided = found(
        {
            path: written(events, DIALECTS[name][0])
            for (path, events), name in zip(logs.items(), names, strict=True)
        }
    )
    assert decided["a.log", "causation_id"].field == ("correlationId",)
    assert decided["b.log", "causation_id"].field == ("why",)


def lines(*records: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def test_small_numbers_that_meet_tell_nothing() -> None:
    rng = random.Random(5)
    records = [{"size": n, "count": rng.randrange(500), "status": rng.randrange(500)} for n in range(500)]
    assert found({"a.log": lines(*records)}) == {}


def test_ids_that_nothing_points_at_tell_nothing() -> None:
    events = flows(random.Random(6), 300)
    assert found({"a.log": lines(*({"id": e.id, "request": e.flow, "at": e.root} for e in events))}) == {}


def test_a_pointer_to_the_root_alone_is_no_cause() -> None:
    events = flows(random.Random(7), 300)
    assert found({"a.log": lines(*({"id": e.id, "cause": e.root} for e in events))}) == {}


def test_numbers_are_ids_where_they_are_called_numbers() -> None:
    rng = random.Random(9)
    records = [
        {"no": n, "triggerNo": rng.randrange(max(1, n - 30), n) if n > 1 else 0, "size": n % 97}
        for n in range(1, 600)
    ]
    decided = found({"a.log": lines(*records)})
    assert {role: one.field for (_, role), one in decided.items()} == {
        "event_id": ("no",), "causation_id": ("triggerNo",),
    }  # fmt: skip


def test_a_few_values_tell_nothing() -> None:
    events = flows(random.Random(8), 4)[:29]
    assert found({"a.log": written(events, DIALECTS["cloudevents"][0])}) == {}


def test_another_name_of_the_id_is_no_cause() -> None:
    events = flows(random.Random(9), 300)
    records = [{"id": e.id, "cause_id": e.id, "parent": e.cause} for e in events]
    assert found({"a.log": lines(*records)})["a.log", "causation_id"].field == ("parent",)


def test_a_later_sample_changes_nothing_unless_it_is_better() -> None:
    rng = random.Random(10)
    record = DIALECTS["cloudevents"][0]
    with open_scratch() as connection:
        finder = RoleFinder(connection)
        finder.add("a.log", written(survivors(rng, flows(rng, 300)), record).splitlines())
        assert {one.role for one in finder.look()} == {"event_id", "causation_id", "correlation_id"}
        finder.add("a.log", written(survivors(rng, flows(rng, 300)), record).splitlines())
        assert finder.look() == []


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("shop/orders-api-1.jsonl", "shop/orders-api-#.jsonl"),
        ("shop/orders-api-1.jsonl.2.gz", "shop/orders-api-#.jsonl"),
        ("orders.log-20260310.gz", "orders.log"),
        ("orders.log", "orders.log"),
        ("orders.log.1", "orders.log"),
        ("pods/api-7d9f8b6c5d-0.log", "pods/api-#-#.log"),
        ("2026/11/25.log", "#/#/#.log"),
        ("1", "#"),
    ],
)
def test_files_that_are_written_alike_are_of_one_scope(path: str, scope: str) -> None:
    assert scope_of(path) == scope


def chain_over(rng: random.Random, names: list[str], count: int) -> dict[str, list[dict[str, Any]]]:
    """Flows through so many services, each an effect of the event before; the first names no cause."""
    logs: dict[str, list[dict[str, Any]]] = {f"{name}.log": [] for name in names}
    for number in range(count):
        cause = None
        for step, records in enumerate(logs.values()):
            event = f"{rng.getrandbits(64):016x}"
            record = {"ts": number + step / 100, "raqam": event}
            records.append({**record, "ausloeser": cause} if cause else record)
            cause = event
    return logs


def test_ids_are_told_where_the_causes_of_other_services_are_found() -> None:
    logs = chain_over(random.Random(11), ["alpha", "bravo", "charlie"], 200)
    decided = found({path: lines(*records) for path, records in logs.items()})
    assert {key: one.field for key, one in decided.items()} == {
        ("alpha.log", "event_id"): ("raqam",),
        ("bravo.log", "event_id"): ("raqam",),
        ("bravo.log", "causation_id"): ("ausloeser",),
        ("charlie.log", "event_id"): ("raqam",),
        ("charlie.log", "causation_id"): ("ausloeser",),
    }
    assert all(one.is_override for one in decided.values())


def test_ids_that_are_counted_up_tell_nothing_of_other_services() -> None:
    causing = [{"id": n, "parent": n - 1 - n % 7 if n > 10 else None} for n in range(1, 500)]
    other = [{"message_id": f"{n:032x}", "id": n} for n in range(1, 500)]
    decided = found({"a.log": lines(*causing), "b.log": lines(*other)})
    assert {(scope, role) for scope, role in decided} == {("a.log", "causation_id"), ("a.log", "event_id")}


def test_a_parent_that_leads_nowhere_is_none() -> None:
    rng = random.Random(12)
    records = [
        {"event_id": e.id, "parent_id": f"folder-{rng.randrange(20)}", "upstream": e.cause}
        for e in flows(rng, 300)
    ]
    decided = found({"a.log": lines(*records)})
    assert decided["a.log", "causation_id"].field == ("upstream",)
    assert decided["a.log", "parent_id"].field == NO_FIELD


def test_a_parent_that_leads_to_causes_is_kept() -> None:
    events = flows(random.Random(13), 300)
    parents = {event.id: event.cause for event in events}
    records = [
        {"event_id": e.id, "causation_id": e.cause, "parent_id": e.cause and parents[e.cause]} for e in events
    ]
    assert ("a.log", "parent_id") not in found({"a.log": lines(*records)})


def test_who_waits_for_whom_is_no_cause() -> None:
    """Locks of a few owners each: `blocked_by` leads to other owners, and from there on."""
    rng = random.Random(6)
    records = []
    for n in range(400):
        owner = n // 4
        record = {
            "id": f"r-{n}",
            "operation": "lock_wait",
            "owner": f"tx-{owner}",
            "resource": f"row-{n % 7}",
        }
        if owner and n % 4 < 2:
            record["blocked_by"] = f"tx-{owner - 1 - rng.randrange(min(2, owner))}"
        records.append(record)
    assert found({"locks.log": lines(*records)}) == {}


def per_service(
    rng: random.Random, record: Callable[[Event, dict[str, int]], dict[str, Any]]
) -> dict[str, bytes]:
    """The log of each service: those of one step of all flows are of one; `record` gets numbers of ids."""
    made = flows(rng, 400)
    depths: dict[str | None, int] = {None: -1}
    numbers: dict[str, int] = {}
    for event in made:
        depths[event.id] = depths[event.cause] + 1
        numbers[event.id] = len(numbers) + 1
    logs: dict[str, list[dict[str, Any]]] = {}
    for event in survivors(rng, made):
        logs.setdefault(f"{'abcdefg'[depths[event.id]]}.log", []).append(record(event, numbers))
    return {path: lines(*records) for path, records in logs.items()}


@pytest.mark.parametrize("seconds", [None, "2026-03-10T08:00:00Z"])
def test_effects_are_not_taken_for_causes_where_no_time_tells(seconds: str | None) -> None:
    """As good a pointer leads from the second service to its effects: all of its own causes are first."""
    at = {"time": seconds} if seconds else {}
    logs = per_service(
        random.Random(14),
        lambda e, _: {**at, "raqam": e.id, **({"ausloeser": e.cause} if e.cause else {})},
    )
    decided = found(logs)
    assert len(logs) == 7
    assert {key: one.field for key, one in decided.items()} == {
        **{(path, "event_id"): ("raqam",) for path in logs},
        **{(path, "causation_id"): ("ausloeser",) for path in logs if path != "a.log"},
    }


def test_what_is_a_cause_in_other_logs_is_one_where_nothing_tells() -> None:
    """Counted-up ids meet by chance, so that only services whose causes have causes show it."""
    logs = per_service(
        random.Random(15),
        lambda e, n: {"id_suceso": n[e.id], **({"id_padre": n[e.cause]} if e.cause else {})},
    )
    decided = found(logs)
    assert decided["a.log", "event_id"].field == ("id_suceso",)
    assert decided["b.log", "causation_id"].field == ("id_padre",)
    assert ("a.log", "causation_id") not in decided


def requests(replies: int) -> bytes:
    """Requests with so many replies each, which name them as JMS has it."""
    records: list[dict[str, Any]] = []
    for n in range(60):
        records.append({"time": 1_795_860_000 + 3 * n, "JMSMessageID": f"ID:app-1:{n}"})
        for reply in range(replies):
            correlation = {"JMSMessageID": f"ID:srv-2:{n}:{reply}", "JMSCorrelationID": f"ID:app-1:{n}"}
            records.append({"time": 1_795_860_001 + 3 * n, **correlation})
    return lines(*records)


def test_a_correlation_of_one_record_alone_names_the_request_that_it_answers() -> None:
    decided = found({"jms.log": requests(1)})
    assert decided["jms.log", "causation_id"].field == ("JMSCorrelationID",)
    assert decided["jms.log", "event_id"].field == ("JMSMessageID",)


def test_a_correlation_of_several_records_names_their_flow() -> None:
    assert ("jms.log", "causation_id") not in found({"jms.log": requests(3)})


def test_the_stream_of_a_cause_is_not_the_cause_where_events_have_ids() -> None:
    """As message-db has it, whose streams may hold an event or two."""
    rng = random.Random(10)
    records = [
        {
            "id": event.id,
            "stream_name": f"order-{event.id[:8]}",
            "metadata": {"causationMessageStreamName": event.cause and f"order-{event.cause[:8]}"},
        }
        for event in survivors(rng, flows(rng, 200))
    ]
    assert not {role for _, role in found({"a.log": lines(*records)})} & {"event_id", "causation_id"}
