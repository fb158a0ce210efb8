"""Ten processes over a real RabbitMQ, as the applications logged it and as the broker traced it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Ingest, Ingested

# A queue gets the messages of every routing key it has got any of.
NEVER_DELIVERED = """
WITH published AS (
    SELECT DISTINCT event_id, stream AS routing_key FROM events WHERE operation = 'send'
), delivered AS (
    SELECT DISTINCT stream AS queue, event_id FROM events WHERE operation = 'receive'
), bindings AS (
    SELECT DISTINCT queue, routing_key FROM delivered JOIN published USING (event_id)
)
SELECT queue, count(*)
FROM bindings JOIN published USING (routing_key) ANTI JOIN delivered USING (queue, event_id)
GROUP BY queue
"""

# Messages whose type one of their ancestors has already.
REPEATED_TYPES = """
WITH RECURSIVE types AS (
    SELECT event_id, arg_min(event_type, (occurred_at, file_id, byte_offset)) AS event_type
    FROM events WHERE event_type IS NOT NULL GROUP BY event_id
), ancestors AS (
    SELECT effect_id AS event_id, cause_id FROM edges
    UNION
    SELECT ancestors.event_id, edges.cause_id
    FROM ancestors JOIN edges ON ancestors.cause_id = edges.effect_id
)
SELECT count(DISTINCT types.event_id)
FROM ancestors JOIN types USING (event_id) JOIN types AS before ON ancestors.cause_id = before.event_id
WHERE types.event_type = before.event_type
"""

DEPTHS = """
WITH RECURSIVE sent AS (
    SELECT event_id, any_value(causation_id) AS cause_id FROM events WHERE operation = 'send' GROUP BY ALL
), walked AS (
    SELECT event_id, 1 AS depth FROM sent WHERE cause_id IS NULL
    UNION ALL
    SELECT sent.event_id, depth + 1 FROM walked JOIN sent ON sent.cause_id = walked.event_id
)
SELECT depth::VARCHAR, count(*) FROM walked GROUP BY ALL
"""


@pytest.fixture
def shop(ingest: Ingest) -> Ingested:
    return ingest("made_rabbit_dev", "*-[0-9].jsonl")


@pytest.fixture
def tracer(ingest: Ingest) -> Ingested:
    return ingest("made_rabbit_trace_json", "*.jsonl")


def test_every_line_is_an_event_but_the_torn_ones(shop: Ingested) -> None:
    truth = shop.truth
    lines = shop.counts("SELECT path, event_count FROM files")
    assert lines == truth["files"]
    assert shop.one("SELECT count(*) FROM events") == truth["total_lines"]
    assert shop.one("SELECT count(*) FROM rejects") == truth["malformed_lines"]
    shop.assert_every_byte_accounted()


def test_whole_halves_of_the_glued_lines_survive(shop: Ingested, data: Path) -> None:
    torn = shop.rows("SELECT path, rejects.byte_offset, byte_length FROM rejects JOIN files USING (file_id)")
    for path, offset, length in torn:
        content = (data / "made_rabbit_dev" / path).read_bytes()
        line = content[offset : content.index(b"\n", offset)]
        assert line.count(b"{") == 2
        written = json.loads(line[length:])
        found = shop.rows(
            "SELECT events.operation, service, node, strftime(occurred_at, '%Y-%m-%dT%H:%M:%S.%fZ')"
            " FROM events JOIN files USING (file_id)"
            f" WHERE path = '{path}' AND byte_offset = {offset + length}"
        )
        assert found == [(written["op"], written["service"], written["instance"], written["ts"])]


def test_operations(shop: Ingested) -> None:
    ops = shop.truth["ops"]
    assert shop.counts("SELECT operation, count(*) FROM events GROUP BY ALL") == {
        "start": ops["start"] + shop.truth["malformed_lines"],  # the glued halves are process starts
        "stop": ops["stop"],
        "crash": ops["crash"],
        "send": shop.truth["messages_published"],
        "receive": shop.truth["deliveries"],
        "settle": ops["ack"] + ops["nack"] + ops["reject"],
    }
    words = "SELECT attributes->>'op', count(*) FROM events WHERE operation = 'settle' GROUP BY ALL"
    assert shop.counts(words) == {name: ops[name] for name in ("ack", "nack", "reject")}


def test_deliveries_by_process(shop: Ingested) -> None:
    found = shop.counts("SELECT node, count(*) FROM events WHERE operation = 'receive' GROUP BY ALL")
    assert found == shop.truth["deliveries_by_instance"]


def test_late_deliveries(shop: Ingested) -> None:
    truth = shop.truth
    late = shop.counts("SELECT stream, count(*) FROM reorderings() GROUP BY ALL")
    assert late == truth["deliveries_with_lower_seq_than_seen_all"]
    first = "SELECT stream, count(*) FROM reorderings() WHERE copy_number = 1 GROUP BY ALL"
    assert shop.counts(first) == truth["late_first_deliveries_by_queue"]
    keys = "SELECT stream, count(DISTINCT stream_key) FROM reorderings() GROUP BY ALL"
    assert shop.counts(keys) == truth["keys_affected_all"]
    assert shop.counts("SELECT node, count(*) FROM reorderings() GROUP BY ALL") == truth["late_by_instance"]


def test_delivered_more_than_once(shop: Ingested) -> None:
    found = shop.counts("SELECT stream, count(*) FROM duplicates() GROUP BY ALL")
    assert found == shop.truth["messages_delivered_more_than_once_by_queue"]


def test_the_redelivered_flag_is_no_duplicate(shop: Ingested) -> None:
    truth = shop.truth
    flagged = shop.one("SELECT count(*) FROM events WHERE is_redelivered")
    assert flagged == truth["redelivered_flag_true"]
    unseen = shop.one(
        "SELECT count(*) FROM (SELECT is_redelivered FROM events WHERE operation = 'receive'"
        " QUALIFY row_number() OVER (PARTITION BY stream, event_id ORDER BY occurred_at) = 1)"
        " WHERE is_redelivered"
    )
    assert unseen == truth["redelivered_flag_but_first_delivery_never_logged"]


def test_never_delivered(shop: Ingested) -> None:
    found = shop.counts(NEVER_DELIVERED)
    assert found == shop.truth["never_delivered_by_queue"]


def test_never_delivered_by_route(shop: Ingested) -> None:
    found = shop.counts(
        "SELECT consumer, sum(lost_count + open_count)::BIGINT AS missing_count FROM undelivered()"
        " GROUP BY consumer HAVING missing_count > 0"
    )
    assert found == shop.truth["never_delivered_by_queue"]
    nowhere = shop.one("SELECT sum(sent_count) FROM undelivered() WHERE NOT is_received")
    assert nowhere == shop.truth["unroutable_published"]


def test_effects_made_more_than_once(shop: Ingested) -> None:
    truth = shop.truth
    found = shop.rows("SELECT count(*) AS n, sum(effect_count - 1)::BIGINT AS extra FROM repeated_effects()")
    expected = (truth["effects_published_more_than_once"], truth["extra_effect_messages"])
    assert found == [expected]


def test_causes(shop: Ingested) -> None:
    truth = shop.truth
    assert shop.one("SELECT count(*) FROM edges") == truth["causal_edges"]
    assert shop.rows("SELECT DISTINCT kind FROM edges") == [("causation",)]
    roots = "SELECT count(DISTINCT event_id) FROM events WHERE operation = 'send' AND causation_id IS NULL"
    assert shop.one(roots) == truth["roots"]
    assert shop.counts(DEPTHS) == truth["depth_histogram"]
    ghosts = "SELECT count(*) FROM edges ANTI JOIN events ON cause_id = event_id"
    assert shop.one(ghosts) == truth["causation_ids_not_published"] == 0


def test_causal_loops(shop: Ingested) -> None:
    repeats = shop.truth["messages_whose_type_repeats_an_ancestor_type"]
    assert shop.one(REPEATED_TYPES) == repeats
    again = shop.counts("SELECT event_type, count(*) FROM causal_loops(turns_min := 2) GROUP BY ALL")
    # What is dispatched for the address is of the second round, though not caused by the first dispatch.
    assert again == {"payment.captured": repeats, "shipment.dispatched": repeats}


def test_tracer_records(tracer: Ingested) -> None:
    truth = tracer.truth
    assert tracer.one("SELECT count(*) FROM events") == truth["lines"]
    assert tracer.one("SELECT count(*) FROM rejects") == truth["malformed"]
    found = tracer.counts("SELECT operation, count(*) FROM events GROUP BY ALL")
    assert found == {"send": truth["types"]["published"], "receive": truth["types"]["received"]}
    received = "SELECT service, count(*) FROM events WHERE operation = 'receive' GROUP BY ALL"
    assert tracer.counts(received) == truth["received_by_queue"]
    tracer.assert_every_byte_accounted()


def test_tracer_order_and_copies(tracer: Ingested) -> None:
    truth = tracer.truth
    late = tracer.counts("SELECT consumer, count(*) FROM reorderings() GROUP BY ALL")
    assert late == truth["late_in_file_order_by_queue"]
    assert tracer.one("SELECT count(*) FROM duplicates()") == truth["received_more_than_once"]


def test_tracer_causes(tracer: Ingested) -> None:
    assert tracer.one("SELECT count(*) FROM edges") == tracer.truth["causal_edges"]


def test_tracer_loss(tracer: Ingested) -> None:
    truth = tracer.truth
    routed = """
        SELECT unnest((attributes->'routed_queues')::VARCHAR[]) AS queue, event_id
        FROM events WHERE operation = 'send'
    """
    assert tracer.one(f"SELECT count(*) FROM ({routed})") == truth["routed_copies"]
    never = f"""
        SELECT queue, count(*) FROM ({routed}) AS routed ANTI JOIN events
            ON events.operation = 'receive' AND events.stream = queue AND events.event_id = routed.event_id
        GROUP BY ALL
    """
    assert tracer.counts(never) == truth["received_by_queue_never"]
