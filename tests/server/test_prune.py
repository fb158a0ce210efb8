"""Pruning over HTTP: what is asked for is checked before anything is deleted."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .conftest import Served


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "say either"),
        ({"before": "2026-03-02T10:00", "older_than": "3d"}, "say either"),
        ({"before": "2026-03-02T10:00", "dry_run": "yes"}, "dry_run must be true or false"),
        ({"before": "2026-03-02T10:00", "table": "events"}, "not understood: table"),
        ({"before": "2199-01-01"}, "lies in the future"),
        ({"older_than": 30}, "expected an age such as 30d"),
    ],
)
def test_what_is_not_understood_is_refused(body: object, told: str, served: Served) -> None:
    response = served.ask("POST", "/api/prune", body)
    assert (response.status, response.json["kind"]) == (400, "ConfigError")
    assert told in response.json["error"]
    assert served.sql("SELECT count(*) AS n FROM events").json["rows"] == [{"n": 5}]


def test_it_answers_what_went(serve: Callable[..., Served]) -> None:
    served = serve()
    with served.store.cursor() as cursor:
        cursor.execute("UPDATE observations SET occurred_at = occurred_at + INTERVAL 58 SECOND")
    before = served.get("/api/status").json["data_version"]
    dry = served.ask("POST", "/api/prune", {"before": "2026-03-02T10:01:30", "dry_run": True}).json
    assert served.get("/api/status").json["data_version"] == before
    done = served.ask("POST", "/api/prune", {"before": "2026-03-02T10:01:30"}).json
    assert dry["rows"] == done["rows"] == {"observations": 2, "causes": 0, "locks": 0, "rejects": 0}
    assert done["before"] == "2026-03-02T10:01:00Z"
    assert served.get("/api/status").json["data_version"] == before + 1
    assert served.sql("SELECT min(event_id) AS first, count(*) AS n FROM events").json["rows"] == [
        {"first": "e2", "n": 3}
    ]
    assert done["file_bytes"]["after"] >= done["free_bytes"]["after"]


def test_no_link_can_delete_anything(served: Served) -> None:
    assert served.get("/api/prune?before=2026-03-02T10:01:30").status == 405
    assert served.sql("SELECT count(*) AS n FROM events").json["rows"] == [{"n": 5}]
