"""Which field was taken for what is noted as records are read: as they are read now, not as they were."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from ingest.mapping import from_options
from ingest.reader import Share
from ingest.requests import ask
from ingest.uses import FieldUses
from tests.ingest.tail.rig import Rig

from .cascades import DIALECTS, flows, survivors, written

ROLES = "('event_id', 'causation_id', 'correlation_id', 'occurred_at')"


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path, batch=Share(bytes=1 << 20, records=100))


def noted(rig: Rig) -> list[tuple[str, ...]]:
    columns = "scope, format, role, field, source"
    return rig.query(f"SELECT {columns} FROM field_uses WHERE role IN {ROLES} ORDER BY ALL")


def test_fields_are_noted_by_kind_of_logs_and_format(rig: Rig) -> None:
    rig.add("shop-1.log", b'{"id": "a", "time": "2026-11-20T10:00:00Z"}\n{"id": "b"}\n')
    rig.add("shop-2.log", b'{"eventId": "c"}\n2026-11-20 10:00:00.000 INFO [main] shop - on\n')
    rig.drain()
    assert noted(rig) == [
        ("shop-#.log", "json", "event_id", '["eventId"]', "name"),
        ("shop-#.log", "json", "event_id", '["id"]', "name"),
        ("shop-#.log", "json", "occurred_at", '["time"]', "name"),
        ("shop-#.log", "timestamped_text", "occurred_at", '["time"]', "format"),
    ]
    assert rig.query("SELECT path, scope FROM file_scopes JOIN files USING (file_id) ORDER BY ALL") == [
        ("shop-1.log", "shop-#.log"),
        ("shop-2.log", "shop-#.log"),
    ]


@pytest.mark.slow
def test_what_names_said_is_left_out_once_values_tell(rig: Rig) -> None:
    rng = random.Random(1)
    events = survivors(rng, flows(rng, 400))
    rig.add("a.log", written(events, DIALECTS["the correlation is the cause"][0]))
    rig.drain()
    fields = [(role, field, source) for _, _, role, field, source in noted(rig)]
    assert fields == [
        ("causation_id", '["correlationId"]', "values"),
        ("correlation_id", '["traceId"]', "values"),
        ("event_id", '["eventIdentifier"]', "name"),
    ]


def test_other_mapping_takes_the_place_of_one_that_is_no_more(rig: Rig) -> None:
    rig.add("a.log", b'{"id": "a", "time": "2026-11-20T10:00:00Z"}\n{"id": "b", "why": "a"}\n')
    rig.add("b.log", b'{"id": "x"}\n')
    rig.drain()
    rig.settings = replace(rig.settings, mapping=from_options(["cause=why"]))
    rig.restart()
    ask(rig.store, ["a.log"])
    rig.drain()
    assert noted(rig) == [
        ("a.log", "json", "causation_id", '["why"]', "said"),
        ("a.log", "json", "event_id", '["id"]', "name"),
        ("a.log", "json", "occurred_at", '["time"]', "name"),
        ("b.log", "json", "event_id", '["id"]', "name"),
    ]


def test_after_a_restart_shapes_that_come_later_stay_known_and_nothing_is_noted_twice(rig: Rig) -> None:
    rig.add("a.log", b'{"id": "a", "time": "2026-11-20T10:00:00Z"}\n')
    rig.drain()
    before = noted(rig)
    rig.restart()
    rig.add("a.log", b'{"id": "b"}\n')
    rig.drain()
    assert noted(rig) == before
    assert rig.query("SELECT count(*) FROM file_scopes") == [(1,)]


def test_what_was_not_committed_is_noted_when_it_is(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = FieldUses.note

    def failing(self: FieldUses, *arguments: object) -> None:
        whole(self, *arguments)  # type: ignore[arg-type]
        monkeypatch.setattr(FieldUses, "note", whole)
        raise duckdb.OperationalError("no space left")

    monkeypatch.setattr(FieldUses, "note", failing)
    rig.add("a.log", b'{"id": "a"}\n')
    rig.clock.pass_time(10)
    with pytest.raises(Exception, match="no space left"):
        rig.look()
    rig.drain()
    rig.check_conservation()
    assert noted(rig) == [("a.log", "json", "event_id", '["id"]', "name")]


def test_mapping_that_was_met_is_written_down(rig: Rig) -> None:
    rig.settings = replace(rig.settings, mapping=from_options(["id=meta.key"]))
    rig.restart()
    rig.add("a.log", b'{"meta": {"key": "a"}}\n')
    rig.drain()
    [(mapping,)] = rig.query("SELECT DISTINCT mapping FROM field_uses")
    assert json.loads(mapping) == [{"event_id": ["meta", "key"]}, {}]
