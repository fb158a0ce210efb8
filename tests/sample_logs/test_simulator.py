"""The simulator as a command: the same bytes from the same seed, and live files that can be read."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from stormwatch.resources import SAMPLE_LOGS
from stormwatch.storage import Store
from tests.prepared import prepare, read_into

SIMULATE = (sys.executable, str(SAMPLE_LOGS / "simulate.py"))


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*SIMULATE, *map(str, arguments)], capture_output=True, text=True, check=False)


def contents(directory: Path) -> dict[str, bytes]:
    found = [*directory.glob("*/TRUTH.json"), *directory.glob("*/logs/*")]
    return {str(path.relative_to(directory)): path.read_bytes() for path in found}


def test_the_shipped_stories_are_what_the_simulator_writes(tmp_path: Path) -> None:
    assert run("samples", tmp_path).returncode == 0
    assert contents(tmp_path) == contents(SAMPLE_LOGS)


def test_the_shipped_stories_are_small() -> None:
    assert 0 < sum(map(len, contents(SAMPLE_LOGS).values())) < 1_900_000


def write(directory: Path, seed: int, start: str) -> dict[str, Any]:
    assert (
        run(
            "write", directory, "--story", "unordered", "--seed", seed, "--minutes", 2, "--start", start
        ).returncode
        == 0
    )
    truth: dict[str, Any] = json.loads((directory / "TRUTH.json").read_text())
    return truth


def test_the_seed_decides_and_the_start_only_moves(tmp_path: Path) -> None:
    first = write(tmp_path / "one" / "a", 1, "2026-01-01T00:00:00Z")
    same = write(tmp_path / "two" / "a", 1, "2026-01-01T00:00:00")
    moved = write(tmp_path / "c", 1, "2026-01-01T02:00:00+01:00")
    other = write(tmp_path / "d", 2, "2026-01-01T00:00:00Z")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert first == same
    assert moved["start"] == "2026-01-01T01:00:00.000000Z"
    assert moved["files"] == first["files"]
    assert moved["late_deliveries"] == first["late_deliveries"]
    assert other["files"] != first["files"]


def test_logs_are_never_overwritten(tmp_path: Path) -> None:
    write(tmp_path / "a", 1, "2026-01-01T00:00:00Z")
    again = run("write", tmp_path / "a", "--story", "ordered")
    assert again.returncode == 2
    assert f"{tmp_path / 'a' / 'logs'} exists: remove it or name another directory" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--story", "drought"), "invalid choice: 'drought'"),
        (("--story", "storm", "--minutes", "-1"), "-1 is not a positive number"),
        (("--story", "storm", "--minutes", "long"), "invalid"),
        (("--story", "storm", "--minutes", "1e9"), "1e9 is more than a year"),
        (("--story", "storm", "--start", "noon"), "noon is no instant such as 2026-03-02T09:00:00+00:00"),
        (("--story", "storm", "--start", "9999-12-31T23:59"), "is not between the years 1970 and 9000"),
        (("--story", "storm", "--start", "0001-01-01"), "is not between the years 1970 and 9000"),
    ],
)
def test_wrong_arguments_are_explained(tmp_path: Path, arguments: tuple[str, ...], complaint: str) -> None:
    found = run("write", tmp_path / "a", *arguments)
    assert found.returncode == 2
    assert complaint in found.stderr
    assert not (tmp_path / "a").exists()


def test_more_traffic_than_a_machine_can_hold_is_refused(tmp_path: Path) -> None:
    found = run("live", tmp_path / "a", "--speed", "1e9", "--seconds", 1)
    assert (found.returncode, "1e9 is more than 1000" in found.stderr) == (2, True)


def stored(logs: Path, database: Path) -> dict[str, Any]:
    with Store(prepare(database)) as store:
        read_into(store, logs)
        with store.cursor() as cursor:
            [row] = cursor.execute(
                """SELECT
                    (SELECT count(*) FROM events) AS events,
                    (SELECT count(*) FROM rejects) AS rejects,
                    (SELECT count(*) FROM reorderings()) AS late,
                    (SELECT max(occurred_at) - min(occurred_at) FROM events) AS span"""
            ).fetchall()
            return dict(zip(("events", "rejects", "late", "span"), row, strict=True))


@pytest.mark.slow
def test_live_files_hold_what_it_says_when_it_ends(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    ended = run(
        "live", logs, "--story", "storm", "--seed", 7, "--speed", 0.05, "--seconds", 2, "--rotate-mb", 0.3
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    said = json.loads(ended.stdout)
    assert said["torn_lines"] > 0
    assert said["rotations"] > 0
    assert said["bytes"] == sum(path.stat().st_size for path in logs.iterdir())
    found = stored(logs, tmp_path / "live.duckdb")
    assert found["events"] == said["lines"]
    assert found["rejects"] == said["torn_lines"]
    assert found["span"].total_seconds() >= 15 * 60
    assert found["late"] == 0  # it is calm before the story begins


def test_live_is_told_to_stop_and_goes_on_in_the_same_directory(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    lines = torn = unfinished = 0
    for stop in (signal.SIGTERM, signal.SIGINT):
        with subprocess.Popen(
            [*SIMULATE, "live", str(logs), "--story", "ordered", "--speed", "0.02"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            before = sum(path.stat().st_size for path in logs.glob("*"))
            while sum(path.stat().st_size for path in logs.glob("*")) == before:
                assert process.poll() is None
                time.sleep(0.01)
            process.send_signal(stop)
            stdout, stderr = process.communicate(timeout=60)
        assert (process.returncode, stderr) == (0, "")
        said = json.loads(stdout)
        lines += said["lines"]
        torn += said["torn_lines"] + unfinished
        unfinished = said["unfinished_lines"]
    found = stored(logs, tmp_path / "live.duckdb")
    assert (found["events"], found["rejects"]) == (lines, torn)
