"""Traces of other projects as their files are: counted here without the code under test."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from .conftest import Ingest


def _flat(content: object) -> list[dict[str, object]]:
    if isinstance(content, dict):
        return [content]
    assert isinstance(content, list)
    return [span for part in content for span in _flat(part)]


def _spans(content: object) -> Iterator[object]:
    """All objects, however deep, with the id of a span and the name of what it does."""
    if isinstance(content, list):
        for part in content:
            yield from _spans(part)
    elif isinstance(content, dict):
        if content.keys() & {"spanId", "spanID"} and content.keys() & {"name", "operationName"}:
            yield content
        for part in content.values():
            yield from _spans(part)


def test_messages_in_zipkin(ingest: Ingest, data: Path) -> None:
    found = ingest("zipkin", "*.json")
    kinds = {
        path.name: [span.get("kind") for span in _flat(json.loads(path.read_bytes()))]
        for path in (data / "zipkin").glob("*.json")
    }
    assert (
        found.counts("SELECT path, event_count FROM files")
        == {
            "messaging.json": 4,
            "messaging-kafka.json": 28,
        }
        == {name: len(all_kinds) for name, all_kinds in kinds.items()}
    )
    by_kind = "SELECT attributes->>'kind', count(*) FROM events JOIN files USING (file_id)"
    kafka = found.counts(f"{by_kind} WHERE path LIKE '%kafka%' GROUP BY ALL")
    assert (kafka["PRODUCER"], kafka["CONSUMER"]) == (9, 7)
    operations = "SELECT operation, count(*) FROM events JOIN files USING (file_id)"
    kafka_operations = found.counts(f"{operations} WHERE path LIKE '%kafka%' GROUP BY ALL")
    assert (kafka_operations["send"], kafka_operations["receive"]) == (9, 7)
    early = found.one(
        "SELECT count(*) FROM edges JOIN events AS cause ON cause_id = cause.event_id"
        " JOIN events AS effect ON effect_id = effect.event_id JOIN files ON files.file_id = effect.file_id"
        " WHERE path LIKE '%kafka%' AND effect.occurred_at < cause.occurred_at"
    )
    assert early == 3
    assert found.one("SELECT count(*) FROM rejects") == 0
    found.assert_every_byte_accounted()


def test_traces_of_jaeger(ingest: Ingest, data: Path) -> None:
    found = ingest("jaeger", "*.json")
    files = (data / "jaeger").glob("*.json")
    counted = {path.name: len(list(_spans(json.loads(path.read_bytes())))) for path in files}
    assert len(counted) == 8
    assert found.counts("SELECT path, event_count FROM files") == counted
    assert found.one("SELECT count(*) FROM events WHERE event_id IS NULL OR occurred_at IS NULL") == 0
    assert found.one("SELECT count(*) FROM rejects") == 0
    assert found.one("SELECT count(*) FROM causes WHERE kind = 'parent'") == 0
    found.assert_every_byte_accounted()
