"""Ordering, duplicates: what consumers made again because a message came again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from stormwatch.storage import Store
from tests.prepared import prepare

from . import story
from .conftest import Statements, asked_of, open_page, table, texts

Serve = Callable[..., Statements]
RERUNS = "Causes whose effects were made more than once"


def _effect(number: int, cause: str, event_type: str, service: str) -> dict[str, Any]:
    return story.events()[0] | {
        "byte_offset": 10_000 + number * 100, "occurred_at": story.at(600 + number),
        "event_id": f"x-{number}", "message_id": None, "event_type": event_type, "operation": "send",
        "service": service, "node": f"{service}-1", "stream": "effects", "sequence": None,
        "causation_id": cause, "cause_kind": "causation",
    }  # fmt: skip


@pytest.fixture
def charged_twice(tmp_path: Path) -> Iterator[Store]:
    """Order 5, which came twice, is charged twice; order 1 came once and has two lines."""
    made = [("o-5", "charged"), ("o-5", "charged"), ("o-1", "line.added"), ("o-1", "line.added")]
    rows = [_effect(number, cause, kind, "billing") for number, (cause, kind) in enumerate(made)]
    with Store(prepare(tmp_path / "charged.duckdb")) as opened:
        story.fill(opened, [*story.events(), *rows], [])
        yield opened


def test_what_was_made_again_names_its_cause(charged_twice: Store, serve: Serve) -> None:
    statements = serve(charged_twice)
    app = open_page("ordering", list="Duplicates")
    [rerun] = table(app, RERUNS).to_dict("records")
    assert (rerun["cause_id"], rerun["service"], rerun["event_type"]) == ("o-5", "billing", "charged")
    assert (rerun["arrival_count"], rerun["effect_count"]) == (2, 2)
    assert "repeated_effects" in asked_of(statements)


def test_effects_of_another_service_are_left_out(charged_twice: Store, serve: Serve) -> None:
    serve(charged_twice)
    app = open_page("ordering", list="Duplicates", service="shop", stream="orders")
    assert "effect that was made again" in texts(app)
    assert "Of every stream" in texts(app)
