"""What the values tell is applied to what comes and to what is stored, and survives a restart."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from ingest.formats import azure_service_bus
from ingest.mapping import from_options
from ingest.reader import Share
from tests.ingest.tail.rig import Rig

from .cascades import DIALECTS, Event, flows, survivors, written

NAME = "the correlation is the cause"
EDGES = "SELECT DISTINCT event_id, causation_id, correlation_id FROM observations ORDER BY ALL"


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path, batch=Share(bytes=1 << 20, records=100))


def told(rig: Rig) -> list[tuple[str, ...]]:
    return rig.query("SELECT scope, role, field FROM field_roles ORDER BY ALL")


def test_rows_that_were_stored_before_it_was_known_are_mapped_again(rig: Rig) -> None:
    rng = random.Random(1)
    events = survivors(rng, flows(rng, 400))
    rig.add("orders-1.log", written(events[:900], DIALECTS[NAME][0]))
    rig.add("orders-2.log", written(events[900:], DIALECTS[NAME][0]))
    rig.drain()
    rig.check_conservation()
    assert told(rig) == [
        ("orders-#.log", "causation_id", '["correlationId"]'),
        ("orders-#.log", "correlation_id", '["traceId"]'),
        ("orders-#.log", "event_id", '["eventIdentifier"]'),
    ]
    reread = rig.query("SELECT count(*), count(problem) FROM rereads")
    assert reread[0][0] >= 1, "the first batches were stored by names alone"
    assert reread[0][1] == 0
    expected = {(event.id, event.cause, event.cause and event.root) for event in events}
    assert set(rig.query(EDGES)) == expected


def test_ids_that_are_counted_from_0_have_a_0_that_is_a_cause(rig: Rig) -> None:
    """Where no event has the id 0, a cause that is 0 is none."""
    for name, first in (("zero.log", 0), ("one.log", 1)):
        causes = [None if n == first else max(n // 3, first) for n in range(first, 400)]
        records = [{"id": n, "parent_id": cause} for n, cause in enumerate(causes, first)]
        records += [{"id": 500, "parent_id": 0}]
        rig.add(name, b"".join(json.dumps(record).encode() + b"\n" for record in records))
    rig.drain()
    rig.check_conservation()
    assert rig.query(
        "SELECT path, list(event_id ORDER BY event_id::BIGINT) FROM observations JOIN files USING (file_id)"
        " WHERE causation_id = '0' GROUP BY path"
    ) == [("zero.log", ["1", "2", "500"])]


def test_each_program_that_writes_a_file_is_read_by_its_own_fields(rig: Rig) -> None:
    rng = random.Random(3)
    events = survivors(rng, flows(rng, 400))
    names = [rng.choice([NAME, "nobody knows the names"]) for _ in events]
    rig.add(
        "all.log",
        b"".join(written([event], DIALECTS[name][0]) for event, name in zip(events, names, strict=True)),
    )
    rig.drain()
    rig.check_conservation()
    flow = {
        NAME: lambda event: event.cause and event.root,
        "nobody knows the names": lambda event: event.flow,
    }
    expected = {(event.id, event.cause, flow[name](event)) for event, name in zip(events, names, strict=True)}
    assert set(rig.query(EDGES)) == expected


@pytest.mark.slow
def test_it_is_known_after_a_restart(rig: Rig) -> None:
    rng = random.Random(2)
    rig.add("a.log", written(flows(rng, 400), DIALECTS[NAME][0]))
    rig.drain()
    before = told(rig)
    rig.restart()
    late = flows(rng, 1)
    rig.add("a.log", written(late, DIALECTS[NAME][0]))
    rig.drain()
    assert told(rig) == before
    assert rig.query(f"SELECT causation_id FROM observations WHERE event_id = '{late[-1].id}'") == [
        (late[-1].cause,)
    ]


@pytest.mark.slow
def test_a_kill_before_the_rows_are_mapped_again(rig: Rig) -> None:
    rng = random.Random(3)
    events = survivors(rng, flows(rng, 400))
    rig.add("a.log", written(events, DIALECTS[NAME][0]))
    rig.look()
    rig.ingester._writer.rest()  # as when nothing more comes
    assert rig.query("SELECT count(*) > 0 FROM rereads WHERE finished_at IS NULL") == [(True,)]
    rig.kill()
    rig.check_conservation()
    rig.drain()
    assert {(a, b) for a, b, _ in rig.query(EDGES)} == {(event.id, event.cause) for event in events}


def test_what_the_user_says_goes_before_what_the_values_tell(tmp_path: Path) -> None:
    rig = Rig(tmp_path, mapping=from_options(["correlation=correlationId"]))
    rng = random.Random(4)
    rig.add("a.log", written(flows(rng, 400), DIALECTS[NAME][0]))
    rig.drain()
    assert rig.query("SELECT count(causation_id), count(correlation_id) > 0 FROM observations") == [(0, True)]


@pytest.mark.slow
def test_names_that_are_right_are_confirmed_and_nothing_is_read_again(rig: Rig) -> None:
    rng = random.Random(5)
    rig.add("a.log", written(survivors(rng, flows(rng, 400)), DIALECTS["cloudevents"][0]))
    rig.drain()
    assert len(told(rig)) == 3
    assert rig.query("SELECT count(*) FROM rereads") == [(0,)]


@pytest.mark.slow
def test_roots_have_no_cause_when_what_is_called_parent_is_none(rig: Rig) -> None:
    rng = random.Random(6)
    events = flows(rng, 400)

    def record(event: Event) -> dict[str, Any]:
        cause = {"upstream": event.cause} if event.cause else {}
        return {"event_id": event.id, "parent_id": f"folder-{rng.randrange(20)}", **cause}

    rig.add("a.log", written(events, record))
    rig.drain()
    assert set(rig.query("SELECT event_id, causation_id FROM observations")) == {
        (event.id, event.cause) for event in events
    }
    rig.restart()
    late = flows(rng, 1)[:1]
    rig.add("a.log", written(late, record))
    rig.drain()
    assert rig.query(f"SELECT causation_id FROM observations WHERE event_id = '{late[0].id}'") == [(None,)]


def test_spans_of_log_lines_are_no_causes_of_first_events_where_no_log_has_the_spans(rig: Rig) -> None:
    rng = random.Random(7)
    events = flows(rng, 60)

    def compact(event: Event) -> dict[str, Any]:
        span = {"@t": "2026-05-04T09:00:00Z", "@mt": "{EventId} sent", "@sp": f"{rng.getrandbits(64):016x}"}
        return {**span, "EventId": event.id, **({"CausationId": event.cause} if event.cause else {})}

    def otlp(event: Event) -> dict[str, Any]:
        said = {"event.id": event.id, **({"causation.id": event.cause} if event.cause else {})}
        about = [{"key": name, "value": {"stringValue": value}} for name, value in said.items()]
        log = {"timeUnixNano": "1777885200000000000", "spanId": f"{rng.getrandbits(64):016x}"}
        record = {**log, "traceId": f"{rng.getrandbits(128):032x}", "attributes": about}
        return {"resourceLogs": [{"resource": {}, "scopeLogs": [{"scope": {}, "logRecords": [record]}]}]}

    for name, record in (("a.clef", compact), ("b.jsonl", otlp)):
        rig.add(name, written(events, record))
    rig.drain()
    expected = {(event.id, event.cause) for event in events}
    for notation in ("serilog_clef", "otlp_logs"):
        edges = f"SELECT event_id, causation_id FROM observations WHERE format = '{notation}'"
        assert set(rig.query(edges)) == expected


@pytest.mark.parametrize("other", ["parentKey", "span_id"])
def test_a_parent_that_leads_nowhere_takes_no_cause_that_is_called_parent_away(rig: Rig, other: str) -> None:
    rng = random.Random(9)
    events = flows(rng, 60)

    def record(event: Event) -> dict[str, Any]:
        cause = {"parent": {"id": event.cause}} if event.cause else {}
        return {"id": event.id, other: f"{rng.getrandbits(64):016x}", **cause}

    rig.add("a.log", written(events, record))
    rig.drain()
    assert set(rig.query("SELECT event_id, causation_id FROM observations")) == {
        (event.id, event.cause) for event in events
    }


def test_numbers_of_a_queue_make_no_key_of_the_subject_of_its_messages() -> None:
    assert not azure_service_bus.FORMAT.is_open("stream_key")


@pytest.mark.slow
def test_causes_far_back_in_several_kinds_of_logs_that_are_read_together(tmp_path: Path) -> None:
    rig = Rig(tmp_path, batch=Share(bytes=1 << 20, records=5000))
    for number in range(6):
        rng = random.Random(number)
        ids = [f"{rng.getrandbits(96):024x}" for _ in range(4000)]
        lines = (
            f'{{"raqam":"{one}","ausloeser":"{ids[rng.randrange(max(0, n - 3000), n)]}"}}\n'
            if n % 4 == 1
            else f'{{"raqam":"{one}","ausloeser":null}}\n'
            for n, one in enumerate(ids)
        )
        rig.add(f"{'abcdef'[number]}.log", "".join(lines).encode())
    rig.drain()
    counts = rig.query(
        "SELECT count(*), count(event_id), count(causation_id) FROM observations GROUP BY file_id"
    )
    assert counts == [(4000, 4000, 1000)] * 6
