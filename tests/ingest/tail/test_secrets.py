"""Secrets are not stored, wherever they stand; how many records held one is counted."""

from __future__ import annotations

import json
from collections.abc import Callable

from ingest.recall import surroundings
from stormwatch.context import Around
from stormwatch.redaction import Redaction

from .rig import Rig

MINE = "hunter2-hunter2"
RECORDS = [
    {"id": "1", "user": {"password": MINE}},
    {"id": "2", "message": f"login with Bearer {MINE} failed"},
    {"id": "3", "headers": {"Authorization": f"Basic {MINE}"}},
    {"id": "4", "note": f"amqp://bob:{MINE}@broker/"},
    {"id": "5", "note": "nothing to hide"},
]
TORN = f'{{"id": "6", "password": "{MINE}"'
STORED = "SELECT * FROM observations", "SELECT * FROM rejects", "SELECT * FROM locks"


def _stored(rig: Rig) -> str:
    return str([rig.query(sql) for sql in STORED])


def _written() -> bytes:
    return "\n".join([*map(json.dumps, RECORDS), TORN, '{"id": "7"}', ""]).encode()


def test_secrets_are_masked_in_rows_and_in_quarantine(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    rig.add("app.log", _written())
    rig.drain()
    rig.check_conservation()
    assert rig.query("SELECT count(*) FROM observations") == [(6,)]
    assert MINE not in _stored(rig)
    assert _stored(rig).count("[redacted]") == 5
    assert rig.occurrences()["secret_masked"] == 5
    assert rig.query("SELECT attributes FROM observations WHERE event_id = '1'") == [
        ('{"user":{"password":"[redacted]"}}',)
    ]


def test_secrets_are_masked_in_what_stands_around_a_record(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    written = _written()
    rig.add("app.log", written)
    start = written.index(b'{"id": "3"')
    asked = Around(start, written.index(b"\n", start) + 1 - start, 9)
    context = surroundings(rig.logs, Redaction().bytes)("app.log", written, asked)
    shown = [line.data.decode() for line in (*context.before, context.record, *context.after)]
    assert len(shown) == len(written.splitlines())
    assert MINE not in "".join(shown)
    assert "".join(shown).count("[redacted]") == 5


def test_secrets_are_kept_where_that_is_asked_for(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(redaction=Redaction(is_on=False))
    rig.add("app.log", _written())
    rig.drain()
    assert _stored(rig).count(MINE) == 5
    assert "secret_masked" not in rig.occurrences()


def test_an_id_that_is_a_token_is_masked_and_still_joins(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    token = "ghp_" + "x1" * 20
    records = [
        {"id": token, "message": "issues a token of no interest"},
        {"id": "b", "causation_id": token},
        {"id": "c", "links": [token, "b"]},
    ]
    rig.add("app.log", "\n".join([*map(json.dumps, records), ""]).encode())
    rig.drain()
    [(masked,)] = rig.query("SELECT causation_id FROM observations WHERE event_id = 'b'")
    assert masked.startswith("[redacted ")
    assert rig.query(f"SELECT count(*) FROM observations WHERE event_id = '{masked}'") == [(1,)]
    assert rig.query("SELECT cause_id FROM causes WHERE effect_id = 'c' ORDER BY ALL") == [(masked,), ("b",)]
    assert token not in _stored(rig) + str(rig.query("SELECT * FROM causes"))
    assert rig.occurrences()["secret_masked"] == 3
