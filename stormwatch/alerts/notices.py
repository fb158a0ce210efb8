"""What routes are told of an episode, and when there is something new to tell."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import duckdb

from stormwatch.alerts.config import AlertConfig
from stormwatch.alerts.ledger import Silence, silences_at
from stormwatch.alerts.rules import SEVERITIES, Rule
from stormwatch.export import plain_value

RESOLVED: Final = "resolved"
KEPT: Final = timedelta(days=7)
"""So long what was sent can be looked at, and what nobody gets any more waits for its route."""
_UNTOLD: Final = """
SELECT
    episode_id, rule, episode_key, clock, state, severity, sentence, onset_at, fired_at, resolved_at,
    fired_count, value, peak_value, frozen_threshold AS threshold, evidence, told, acknowledged_by
FROM alert_episodes
WHERE
    (state = 'firing' AND told IS DISTINCT FROM severity)
    OR (state <> 'firing' AND told IS NOT NULL AND told <> 'resolved')
ORDER BY episode_id
"""
_INSERT: Final = """
INSERT INTO alert_outbox
SELECT coalesce(max(notice_id), 0) + 1, ?, ?, ?, ?, ?, 0, ?, NULL, NULL FROM alert_outbox
"""


_FORGET: Final = """
DELETE FROM alert_outbox
WHERE
    (
        delivered_at < $before
        AND episode_id NOT IN (SELECT episode_id FROM alert_episodes WHERE state = 'firing')
    )
    OR (delivered_at IS NULL AND created_at < $before AND NOT list_contains($routes::VARCHAR[], route))
"""


def queue_notices(
    cursor: duckdb.DuckDBPyConnection, config: AlertConfig, base_url: str | None, now: datetime
) -> int:
    """Put into the outbox what routes have not been told of yet; returns how much.

    Of what is silenced nothing is told until the silence expires, but that something is over, if it
    was told, is told at once. Links begin with `base_url`.
    """
    count = 0
    [(database_id,)] = cursor.execute("SELECT database_id FROM alert_identity").fetchall()
    silences = silences_at(cursor, now)
    for row in cursor.sql(_UNTOLD).to_arrow_table().to_pylist():
        told = row.pop("told")
        is_over = row["state"] != "firing"
        if not is_over and _is_silenced(silences, row):
            continue
        status = RESOLVED if is_over else row["severity"]
        severity = told if is_over else row["severity"]
        notice = {
            "database": database_id,
            **_notice(row, status, told, config.rules.get(row["rule"]), base_url),
        }
        for route in config.routes.values():
            if not route.takes(row["rule"], severity):
                continue
            key = f"{database_id}-{row['episode_id']}-{row['fired_count']}-{status}"
            text = json.dumps(notice, ensure_ascii=False)
            cursor.execute(_INSERT, [route.name, row["episode_id"], key, text, now, now])
            count += 1
        cursor.execute("UPDATE alert_episodes SET told = ? WHERE episode_id = ?", [status, row["episode_id"]])
    return count


def forget_notices(cursor: duckdb.DuckDBPyConnection, routes: Sequence[str], now: datetime) -> None:
    """Delete what was sent, or is for none of these routes, `KEPT` ago.

    Of an episode that fires nothing is deleted: it is sent again to where that is needed.
    """
    cursor.execute(_FORGET, {"before": now - KEPT, "routes": list(routes)})


def _is_silenced(silences: Sequence[Silence], row: Mapping[str, Any]) -> bool:
    return any(one.covers(row["rule"], row["episode_key"]) for one in silences)


def _notice(
    row: Mapping[str, Any], status: str, told: str | None, rule: Rule | None, base_url: str | None
) -> dict[str, object]:
    evidence = json.loads(row["evidence"])
    facts = {name: plain_value(value) for name, value in row.items() if name not in {"evidence", "state"}}
    return {
        "status": RESOLVED if status == RESOLVED else "firing",
        **facts,
        # Where severities are labels, what was told before has to be ended.
        "told_severity": told if told in SEVERITIES else None,
        "question": rule.question if rule else "",
        "group": rule.group if rule else "episode_key",
        "runbook": rule.runbook if rule else "",
        "link": f"{base_url or ''}{evidence.get('link', '')}",
        "evidence": evidence,
    }
