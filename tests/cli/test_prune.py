"""Deleting from the command line, by the owner of the database, and by retention itself."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from stormwatch.errors import ExitCode

from .harness import Command, Processes, eventually, line, order

COUNTS = "SELECT count(*) AS n, min(event_id) AS first FROM observations"


def rows(stormwatch: Command) -> dict[str, Any]:
    [row] = stormwatch("sql", COUNTS, "--format", "json").rows
    return dict(row)


@pytest.fixture
def days(logs: Path) -> Path:
    """A chain of ten orders, and one that goes on from it four days later."""
    with (logs / "orders.jsonl").open("a", encoding="utf-8") as file:
        file.write(order(10).replace("2026-03-02T10:00:10", "2026-03-06T10:00:10"))
    return logs


def test_it_says_what_went_and_how_large_it_is(days: Path, stormwatch: Command) -> None:
    stormwatch("ingest", days)
    dry = stormwatch("prune", "--older-than", "3d", "--dry-run", "--format", "json")
    assert (dry.code, rows(stormwatch)["n"]) == (ExitCode.OK, 11)
    assert "nothing was deleted" in dry.err
    done = stormwatch("prune", "--older-than", "3d", "--format", "json")
    assert done.code == ExitCode.OK
    assert done.rows == dry.rows
    assert done.rows[0] == {"table": "observations", "rows": 10}
    assert "before 2026-03-03T10:00:00Z" in done.err
    assert "free for new rows" in done.err
    assert rows(stormwatch) == {"n": 1, "first": "order-10"}
    status = json.loads(stormwatch("status", "--format", "json").out)
    assert (status["events"], status["pruned"]) == (1, 10)
    assert str(status["oldest"]).startswith("2026-03-06")


def test_a_cause_that_was_pruned_is_a_ghost(days: Path, stormwatch: Command) -> None:
    stormwatch("ingest", days)
    stormwatch("prune", "--before", "2026-03-06T11:00+01:00")
    shown = stormwatch("chain", "order-10")
    assert shown.code == ExitCode.OK
    assert "order-9  named as a cause, not found" in shown.out.decode()
    found = stormwatch("query", "causal_chain", "-p", "event=order-10", "--format", "json").rows
    assert {row["event_id"]: row["is_ghost"] for row in found} == {"order-9": True, "order-10": False}
    for name, argument in (("chain_fold", "event"), ("critical_path", "event")):
        assert stormwatch("query", name, "-p", f"{argument}=order-10").code == ExitCode.OK


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "--before WHEN or --older-than AGE"),
        (("--before", "2026-03-03", "--older-than", "3d"), "--before WHEN or --older-than AGE"),
        (("--before", "noon"), "expected an instant such as"),
        (("--before", "2199-01-01"), "lies in the future"),
        (("--older-than", "3m"), "expected an age such as 30d"),
        (("--older-than", "10min"), "an hour at least"),
    ],
)
def test_what_is_not_understood_deletes_nothing(
    arguments: tuple[str, ...], told: str, prepared: Path, stormwatch: Command
) -> None:
    assert prepared.exists()
    refused = stormwatch("prune", *arguments)
    assert refused.code == ExitCode.USAGE
    assert told in refused.err


def test_without_a_database_or_events_nothing_is_older(database: Path, stormwatch: Command) -> None:
    assert stormwatch("prune", "--older-than", "3d").code == ExitCode.STORAGE
    assert not database.exists()


def test_without_events_no_age_can_be_told(prepared: Path, stormwatch: Command) -> None:
    assert prepared.exists()
    refused = stormwatch("prune", "--older-than", "3d")
    assert (refused.code, "no events" in refused.err) == (ExitCode.USAGE, True)


@pytest.mark.slow
def test_the_process_that_owns_the_database_deletes(
    days: Path, database: Path, stormwatch: Command, start: Processes
) -> None:
    running = start("ingest", days, "--follow", "--db", database)
    running.wait_for(11)
    assert stormwatch("prune", "--older-than", "3d", "--dry-run", "--format", "json").rows[0]["rows"] == 10
    assert stormwatch("prune", "--before", "2199-01-01").code == ExitCode.USAGE
    assert rows(stormwatch)["n"] == 11
    done = stormwatch("prune", "--older-than", "3d", "--format", "json")
    assert (done.code, done.rows[0]["rows"]) == (ExitCode.OK, 10), done.err
    assert rows(stormwatch) == {"n": 1, "first": "order-10"}
    running.stop(signal.SIGKILL)
    again = start("ingest", days, "--follow", "--db", database)
    with (days / "orders.jsonl").open("a", encoding="utf-8") as file:
        file.write(order(11).replace("2026-03-02", "2026-03-06"))
    again.wait_for(1)
    assert rows(stormwatch)["n"] == 2
    assert again.stop()[0] == 0


@pytest.mark.slow
@pytest.mark.parametrize("how", ["option", "environment", "config"])
def test_retention_is_applied_by_itself(
    how: str, days: Path, database: Path, tmp_path: Path, stormwatch: Command, start: Processes
) -> None:
    config = tmp_path / "mapping.toml"
    config.write_text('retention = "3d"\n', encoding="utf-8")
    given = {"option": ("--retention", "3d"), "config": ("--config", config)}.get(how, ())
    environment = {"STORMWATCH_RETENTION": "3d"} if how == "environment" else {}
    running = start("ingest", days, "--follow", "--db", database, *given, **environment)
    running.wait_for(11)

    def is_applied() -> bool:
        return bool(running.status()["retention"]["applied_at"])

    eventually(is_applied)
    if rows(stormwatch)["n"] > 1:  # it looked before anything was read, and does so every minute
        assert running.status()["retention"]["kept_since"] is None
        running.stop()
        running = start("ingest", days, "--follow", "--db", database, *given, **environment)
        eventually(is_applied)
    assert rows(stormwatch) == {"n": 1, "first": "order-10"}
    assert running.status()["retention"]["age"] == "3d"
    assert running.status()["retention"]["kept_since"] == "2026-03-03T10:00:00Z"
    assert running.stop()[0] == 0


def test_reading_once_applies_it_at_the_end(days: Path, tmp_path: Path, stormwatch: Command) -> None:
    assert stormwatch("ingest", days, "--retention", "3d").code == ExitCode.OK
    assert rows(stormwatch)["n"] == 1
    (days / "late.jsonl").write_text(line(time="2026-03-01T00:00:00Z", id="late", type="x"), encoding="utf-8")
    assert stormwatch("ingest", days).code == ExitCode.OK
    assert rows(stormwatch) == {"n": 2, "first": "late"}, "off by default"
    config = tmp_path / "mapping.toml"
    config.write_text('retention = "3d"\n', encoding="utf-8")
    assert stormwatch("ingest", days, "--config", config, "--retention", "off").code == ExitCode.OK
    assert rows(stormwatch)["n"] == 2
    assert stormwatch("ingest", days, "--config", config).code == ExitCode.OK
    assert rows(stormwatch)["n"] == 1
    config.write_text("retention = 30\n", encoding="utf-8")
    refused = stormwatch("ingest", days, "--config", config)
    assert (refused.code, f"{config}: retention 30" in refused.err) == (ExitCode.USAGE, True)
