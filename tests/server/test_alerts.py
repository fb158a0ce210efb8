"""What can be asked and changed about alerts over HTTP, and that nothing of it is a secret."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from stormwatch.alerts import ledger
from stormwatch.alerts.ledger import Silence

from .conftest import Served

Serve = Callable[..., Served]
START = datetime(2026, 3, 2)  # noqa: DTZ001 - as DuckDB gives it


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
    for _ in range(2):
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


def test_a_silence_is_listed_shortened_and_taken_back(served: Served) -> None:
    body = {"rule": "storm_*", "owner": "kim", "for": "2 hours"}
    long = served.ask("POST", "/api/alerts/silence", body).json
    assert [one["silence_id"] for one in served.get("/api/alerts").json["silences"]] == [1]
    short = served.ask("POST", "/api/alerts/unsilence", {"silence_id": 1, "in": "1 hour"}).json
    assert short["expires_at"] < long["expires_at"]
    later = served.ask("POST", "/api/alerts/unsilence", {"silence_id": 1, "in": "3 hours"})
    assert (later.status, "no silence 1 lasts longer" in later.json["error"]) == (400, True)
    assert served.ask("POST", "/api/alerts/unsilence", {"silence_id": 1}).status == 200
    assert served.ask("POST", "/api/alerts/silences", {}).json == {"silences": []}
    [row] = served.get("/api/queries/alerts").json["rows"]
    assert row["silenced_until"] is None


@pytest.mark.parametrize("key", ["orders[eu]", "a*b", "a?", "a\\b"])
def test_the_silence_of_a_key_is_of_that_alone(served: Served, key: str) -> None:
    with served.store.cursor() as cursor:
        cursor.execute("UPDATE alert_episodes SET episode_key = ?", [key])
    body = {"rule": "storm_ahead", "episode_key": key, "owner": "kim", "for": "2 hours"}
    made = served.ask("POST", "/api/alerts/silence", body).json
    [row] = served.get("/api/queries/alerts").json["rows"]
    assert row["silenced_until"] == made["expires_at"]
    facts = {"owner": "", "reason": "", "created_at": START, "expires_at": START}
    silence = Silence("*", made["key_pattern"], **facts)
    assert (silence.covers("a", key), silence.covers("a", "ordersexx"), silence.covers("a", "azb")) == (
        True, False, False,
    )  # fmt: skip


def test_all_that_are_open_are_listed_and_first(served: Served) -> None:
    with served.store.cursor() as cursor:
        cursor.execute(
            "INSERT INTO alert_episodes SELECT alert_episodes.* REPLACE (8 + later AS episode_id, "
            "'resolved' AS state, onset_at + later * INTERVAL 1 HOUR AS onset_at, "
            "TIMESTAMP '2026-03-03' AS resolved_at) "
            "FROM alert_episodes, range(5) AS given(later)"
        )
    rows = served.get("/api/queries/alerts?row_limit=3").json["rows"]
    assert [row["episode_id"] for row in rows] == [7, 12, 11]
    assert [row["episode_id"] for row in served.get("/api/queries/alerts?row_limit=0").json["rows"]] == [7]


def test_an_episode_is_closed_by_hand(served: Served) -> None:
    with served.store.cursor() as cursor:
        evaluated = ledger.episodes_of(cursor, "storm_ahead", START)
    assert served.ask("POST", "/api/alerts/close", {"episode_id": 7, "owner": "kim"}).status == 200
    [row] = served.get("/api/queries/alerts").json["rows"]
    assert (row["state"], row["sentence"]) == ("resolved", "it grows; closed by kim")
    # An evaluation that was under way does not open it again.
    with served.store.cursor() as cursor:
        ledger.save_episodes(cursor, "storm_ahead", "log", evaluated)
    [row] = served.get("/api/queries/alerts").json["rows"]
    assert row["state"] == "resolved"
    again = served.ask("POST", "/api/alerts/close", {"episode_id": 7, "owner": "kim"})
    assert (again.status, "no episode 7 fires" in again.json["error"]) == (400, True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("action", "body", "status", "message"),
    [
        ("acknowledge", {"episode_id": 10**30, "owner": "kim"}, 400, "episode_id must be the number"),
        ("silence", {"rule": "*", "owner": "kim", "for": "99999999999 days"}, 400, "expected a length"),
        ("backtest", {"rule": "storm_ahead", "crashes": 5}, 400, "crashes must be an array"),
        ("backtest", {"rule": "storm_ahead", "since": "0001-01-01T00:00+05:00"}, 400, "expected an instant"),
        ("backtest", {"rule": "storm_ahead", "until": "9999-12-31T23:59"}, 400, "expected an instant"),
        ("backtest", {"rule": "storm_ahead", "until": "2190-01-01"}, 400, "more than 1,000,000 times"),
        ("backtest", {"rule": "log_silent"}, 400, "goes by the wall clock"),
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
        ("delete", {}, 400, "expected one of acknowledge, close, silence"),
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
