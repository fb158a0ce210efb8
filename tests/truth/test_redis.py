"""A consumer group over real Redis streams, with crashes and claimed messages, in ECS-like keys."""

from __future__ import annotations

import pytest

from .conftest import Ingest, Ingested


@pytest.fixture
def telemetry(ingest: Ingest) -> Ingested:
    return ingest("made_redis_dev", "*.jsonl")


def test_every_record_is_read(telemetry: Ingested) -> None:
    truth = telemetry.truth
    assert telemetry.one("SELECT count(*) FROM events") == truth["records"]
    assert telemetry.one("SELECT count(*) FROM rejects") == truth["malformed"]
    telemetry.assert_every_byte_accounted()


def test_operations(telemetry: Ingested) -> None:
    actions = telemetry.counts("SELECT attributes->>'event.action', count(*) FROM events GROUP BY ALL")
    ops = telemetry.truth["ops"]
    assert actions == ops
    found = "SELECT operation, count(*) FROM events WHERE operation NOT NULL GROUP BY ALL"
    assert telemetry.counts(found) == {
        "send": ops["xadd"] + ops["emit"],
        "receive": ops["deliver"],
        "settle": ops["ack"],
        "crash": ops["crash"],
    }


def test_late_deliveries(telemetry: Ingested) -> None:
    truth = telemetry.truth
    late = telemetry.one("SELECT count(*) FROM reorderings()")
    assert late == truth["late_deliveries_lower_seq_than_seen"]
    devices = telemetry.one("SELECT count(DISTINCT stream_key) FROM reorderings()")
    assert devices == truth["devices_affected"]
    heard = "SELECT count(DISTINCT stream_key) FROM events WHERE operation = 'receive'"
    assert telemetry.one(heard) == truth["devices"]


def test_delivered_more_than_once(telemetry: Ingested) -> None:
    truth = telemetry.truth
    assert telemetry.one("SELECT count(*) FROM duplicates()") == truth["delivered_more_than_once"]
    assert telemetry.one("SELECT max(copy_count) FROM duplicates()") == truth["max_deliveries"]
    assert telemetry.one("SELECT max(attempt) FROM events") == truth["max_deliveries"]


def test_delivered_never_acknowledged(telemetry: Ingested) -> None:
    truth = telemetry.truth
    delivered = "SELECT DISTINCT event_id FROM events WHERE operation = 'receive'"
    acknowledged = "SELECT event_id FROM events WHERE operation = 'settle'"
    assert telemetry.one(f"SELECT count(*) FROM ({delivered})") == truth["distinct_delivered"]
    never = f"SELECT count(*) FROM ({delivered} EXCEPT {acknowledged})"
    assert telemetry.one(never) == truth["delivered_never_acked"]


def test_alerts_name_their_cause(telemetry: Ingested) -> None:
    truth = telemetry.truth
    assert telemetry.one("SELECT count(*) FROM edges") == truth["alert_cause_edges"]
    twice = "SELECT count(*) FROM (SELECT cause_id FROM edges GROUP BY ALL HAVING count(*) > 1)"
    assert telemetry.one(twice) == truth["causes_with_more_than_one_alert"]
    reruns = telemetry.one("SELECT count(*) FROM repeated_effects() WHERE is_rerun")
    assert reruns == truth["causes_with_more_than_one_alert"]
