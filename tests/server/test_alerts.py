"""What can be asked and changed about alerts over HTTP, and that nothing of it is a secret."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Served

Serve = Callable[..., Served]


@pytest.fixture
def served(serve: Serve) -> Served:
    """A server whose process evaluates the shipped rules, with an episode that fires."""
    running = serve()
    with running.store.cursor() as cursor:
        cursor.execute(
            "INSERT INTO alert_episodes BY NAME SELECT 7 AS episode_id, 'storm_ahead' AS rule, "
            "'a <-> b' AS episode_key, []::VARCHAR[] AS members, 'log' AS clock, 'firing' AS state, "
            "'warn' AS severity, 'it grows' AS sentence, TIMESTAMP '2026-03-02 10:00' AS onset_at, "
            "TIMESTAMP '2026-03-02 10:02' AS fired_at, TIMESTAMP '2026-03-02 10:02' AS evaluated_at, "
            "1 AS fired_count, 0.8 AS value, 0.8 AS peak_value, []::DOUBLE[] AS recent, "
            "'{}' AS details, '{}' AS evidence"
        )
    return running


def test_rules_and_routes_are_listed_without_secrets(served: Served) -> None:
    known = served.get("/api/alerts").json
    assert "storm_ahead" in {one["rule"] for one in known["rules"]}
    assert known["routes"] == [
        {"route": "hook", "kind": "webhook", "place": "http://127.0.0.1:1/...", "least": "watch",
         "waiting": 0, "problem": None}
    ]  # fmt: skip
    assert b"T0PSECRET" not in served.get("/api/alerts").body


def test_what_fires_is_a_metric(served: Served) -> None:
    text = served.get("/metrics").body.decode()
    assert 'stormwatch_alerts{rule="storm_ahead",severity="warn"} 1.0' in text


def test_an_episode_is_acknowledged(served: Served) -> None:
    done = served.ask("POST", "/api/alerts/acknowledge", {"episode_id": 7, "owner": "kim"})
    assert (done.status, done.json) == (200, {"episode_id": 7, "acknowledged_by": "kim"})
    [row] = served.get("/api/queries/alerts?of_state=firing").json["rows"]
    assert row["acknowledged_by"] == "kim"
    history = served.sql("SELECT kind, severity FROM alert_changes").json["rows"]
    assert history == [{"kind": "acknowledged", "severity": "warn"}]


def test_a_silence_has_an_owner_and_an_end(served: Served) -> None:
    body = {"rule": "storm_*", "owner": "kim", "for": "2 hours", "reason": "load test"}
    made = served.ask("POST", "/api/alerts/silence", body).json
    assert (made["silence_id"], made["key_pattern"], made["owner"]) == (1, "*", "kim")
    [row] = served.get("/api/queries/alerts").json["rows"]
    assert row["silenced_until"] == made["expires_at"]


@pytest.mark.parametrize(
    ("action", "body", "status", "message"),
    [
        ("acknowledge", {"episode_id": 8, "owner": "kim"}, 400, "there is no episode 8"),
        ("acknowledge", {"episode_id": 7, "owner": " "}, 400, "say who"),
        ("acknowledge", {"episode_id": "7", "owner": "kim"}, 400, "episode_id must be the number"),
        ("silence", {"rule": "no*", "owner": "kim", "for": "1 hour"}, 400, "no rule is called 'no*'"),
        ("silence", {"rule": "*", "owner": "kim", "for": "ever"}, 400, "expected a length such as"),
        ("silence", {"rule": "*", "owner": "kim", "for": "91 days"}, 400, "at most 90 days"),
        ("silence", {"rule": "*", "for": "1 hour"}, 400, "owner must be a text"),
        ("test", {"route": "hook"}, 502, "http://127.0.0.1:1/... does not answer"),
        ("test", {"route": "pigeon"}, 400, "there is no route 'pigeon'"),
        ("backtest", {"rule": "none"}, 400, "there is no rule 'none'"),
        ("backtest", {"rule": "storm_ahead", "since": "noon"}, 400, "expected an instant"),
        ("delete", {}, 400, "expected one of acknowledge, silence, test, backtest"),
    ],
)
def test_what_cannot_be_done_is_said(
    served: Served, action: str, body: dict[str, Any], status: int, message: str
) -> None:
    refused = served.ask("POST", f"/api/alerts/{action}", body)
    assert (refused.status, message in refused.json["error"]) == (status, True), refused.json
    assert "T0PSECRET" not in refused.json["error"]


def test_the_past_is_played_again(served: Served) -> None:
    body = {"rule": "storm_ahead", "since": "2026-03-02T09:00Z", "until": "2026-03-02T10:00:00"}
    played = served.ask("POST", "/api/alerts/backtest", body).json
    assert (played["evaluation_count"], played["fired"], played["false_alarms"]) == (60, [], None)
