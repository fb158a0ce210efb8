"""Weeks as log lines: what is read of them is what was simulated, and the truth is beside them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from stormwatch.resources import SAMPLE_LOGS
from stormwatch.storage import Store
from tests.prepared import prepare, read_into

sys.path.append(str(SAMPLE_LOGS))  # scripts, not a package
import plans  # type: ignore[import-not-found]
import weeks  # type: ignore[import-not-found]


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SAMPLE_LOGS / "simulate.py"), "weeks", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def stored(logs: Path, database: Path) -> list[tuple[Any, ...]]:
    with Store(prepare(database)) as store:
        read_into(store, logs)
        with store.cursor() as cursor:
            assert cursor.sql("SELECT count(*) FROM rejects").fetchall() == [(0,)]
            return cursor.sql(
                "SELECT event_type, count(*), count(causation_id), sum(attempt), "
                "sum(epoch(occurred_at - TIMESTAMP '2026-03-02')) / 60 FROM events GROUP BY ALL ORDER BY ALL"
            ).fetchall()


@pytest.mark.slow
@pytest.mark.parametrize("dialect", ["canonical", "logfmt"])
def test_what_is_read_is_what_was_simulated(tmp_path: Path, dialect: str) -> None:
    written = run(tmp_path / "w", "--days", 0.1, "--rate", 1, "--seed", 3, "--dialect", dialect)
    assert (written.returncode, written.stderr) == (0, "")
    events = weeks.simulate(plans.everyday(3, 0.1, 1.0, 0.95), 3).events  # noqa: F841 - read by DuckDB
    simulated = duckdb.sql(
        "SELECT event_type::VARCHAR, count(*), count(cause_id), sum(attempt), sum(occurred_s) / 60 "
        "FROM events GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    found = stored(tmp_path / "w" / "logs", tmp_path / "read.duckdb")
    assert [row[:4] for row in found] == [row[:4] for row in simulated]
    assert [row[4] for row in found] == [pytest.approx(row[4]) for row in simulated]


def test_the_truth_says_when_what_looks_like_a_storm_and_when_one_was(tmp_path: Path) -> None:
    place = tmp_path / "w"
    assert run(place, "--days", 0.3, "--rate", 1, "--storm", "step", "--seed", 5).returncode == 0
    truth = json.loads((place / "TRUTH.json").read_text())
    plan = plans.storm("step", 5, 1.0, 0.95, calm_min=432)
    assert truth["storm"]["kind"] == "step"
    assert truth["storm"]["since"] < truth["crashed_at"]
    assert len(truth["look_alikes"]) == len(plan.benign)
    assert max(truth["gain"]) >= 1
    assert {path.name for path in (place / "logs").iterdir()} == set(truth["files"])


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (("--days", "0.01"), "0.01 is not from an hour to a year"),
        (("--days", "1e300"), "1e300 is not from an hour to a year"),
        (("--seed", "-1"), "-1 is below 0"),
        (("--coverage", "2"), "2 is not from 0 to 1"),
        (("--rate", "0"), "0 is not a positive number"),
        (("--storm", "hail"), "hail is none of slow, medium, step, plateau"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, given: tuple[str, str], complaint: str) -> None:
    refused = run(tmp_path / "w", *given)
    assert (refused.returncode, complaint in refused.stderr) == (2, True), refused.stderr
    assert not (tmp_path / "w").exists()
