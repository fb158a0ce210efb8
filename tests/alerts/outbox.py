"""An episode that fires, and what there is to tell of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from stormwatch.alerts import ledger
from stormwatch.alerts.config import AlertConfig, Route
from stormwatch.alerts.engine import Change, Episode
from stormwatch.alerts.notices import queue_notices
from stormwatch.alerts.rules import load_rules
from stormwatch.storage import Store

NOW = datetime(2026, 11, 20, 10)  # noqa: DTZ001 - as DuckDB gives it
RULES, _ = load_rules()
FIRING = Episode(
    "a <-> b", "firing", NOW, NOW, ("a", "b"), severity="warn", value=0.85, peak_value=0.85,
    fired_at=NOW, fired_count=1, sentence="it grows", recent=(0.85,),
)  # fmt: skip


def put(store: Store, episode: Episode) -> None:
    """Store an episode that begins to fire."""
    with ledger.written(store) as cursor:
        [number] = ledger.save_episodes(cursor, "storm_ahead", "log", [episode])
        ledger.note_change(cursor, number, Change("firing", NOW, episode), NOW)


def queue(store: Store, *to: Route) -> int:
    """Queue what these routes have not been told; returns how many notices."""
    config = AlertConfig({"storm_ahead": RULES["storm_ahead"]}, {one.name: one for one in to})
    with ledger.written(store) as cursor:
        return queue_notices(cursor, config, "http://here", ledger.wall_now())


def outbox(store: Store) -> list[dict[str, Any]]:
    """All notices, in their order."""
    with store.cursor() as cursor:
        rows: list[dict[str, Any]] = (
            cursor.sql("FROM alert_outbox ORDER BY notice_id").to_arrow_table().to_pylist()
        )
        return rows


def database_id(store: Store) -> str:
    """By what receivers know the database."""
    with store.cursor() as cursor:
        [(found,)] = cursor.sql("FROM alert_identity").fetchall()
        return str(found)
