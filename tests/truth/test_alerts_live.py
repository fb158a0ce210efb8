"""A real storm and a real burst, replayed as they were written, through `up`."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.cli.harness import Processes, Running, eventually

AT_ONCE = timedelta(seconds=70)
"""The begin, in which nothing happens, is there at once; the rest comes at twice the pace it came at."""
SPEED = 2.0
TIME = re.compile(rb'"time"\s*:\s*"([^"]+)"')
SETTINGS = 'minute = "1 second"\n'
pytestmark = pytest.mark.slow


def lines(directory: Path) -> list[tuple[datetime, str, bytes]]:
    """Time, file and bytes of every line, in the order of their times."""
    found = []
    for path in sorted(directory.glob("*-[0-9].jsonl")):
        for line in path.read_bytes().splitlines(keepends=True):
            told = TIME.search(line)
            assert told is not None
            at = datetime.fromisoformat(told[1].decode()).replace(tzinfo=None)
            found.append((at, path.name, line))
    return sorted(found, key=lambda one: one[0])


class Replay:
    """A directory of logs that grows as another one did."""

    def __init__(self, source: Path, target: Path) -> None:
        self.lines = lines(source)
        self.target = target

    def run(self) -> None:
        """Write everything, at its pace."""
        first = self.lines[0][0] + AT_ONCE
        began = time.time()
        files = {}
        for at, name, line in self.lines:
            ahead = (at - first).total_seconds() / SPEED - (time.time() - began)
            if ahead > 0.02:
                for file in files.values():
                    file.flush()
                time.sleep(ahead)
            if name not in files:
                files[name] = (self.target / name).open("ab")
            files[name].write(line)
        for file in files.values():
            file.close()


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Processes]:
    """Start a command as a process of its own."""
    database = tmp_path / "truth.duckdb"
    monkeypatch.setenv("STORMWATCH_DB", str(database))
    processes = Processes(database)
    yield processes
    for process in processes.started:
        process.kill()
        process.communicate()


def asked(running: Running, sql: str) -> list[dict[str, Any]]:
    address = urlsplit(running.url)
    connection = HTTPConnection(str(address.hostname), address.port, timeout=60)
    connection.request("POST", "/api/sql", json.dumps({"sql": sql}), {"Content-Type": "application/json"})
    rows: list[dict[str, Any]] = json.loads(connection.getresponse().read())["rows"]
    connection.close()
    return rows


def followed(source: Path, place: Path, start: Processes) -> Running:
    logs = place / "logs"
    logs.mkdir()
    (place / "alerts.toml").write_text(SETTINGS)
    running = start("up", logs, "--port", 0, "--no-browser")
    eventually(running.status)
    replay = Replay(source, logs)
    replay.run()
    last = replay.lines[-1][0].isoformat()[:19]
    eventually(
        lambda: asked(
            running,
            "SELECT 1 FROM alert_evaluations "
            f"WHERE rule = 'storm_ahead' AND evaluated_to >= TIMESTAMP '{last}' - INTERVAL 2 SECOND",
        ),
        patience_s=600,  # a minute of the rules is a second here; what a busy machine is late is made up for
    )
    return running


@pytest.fixture
def source(data: Path, request: pytest.FixtureRequest) -> Path:
    name: str = request.param
    if not (data / name).is_dir():
        pytest.skip(f"{data / name} is not there")
    return data / name


@pytest.mark.parametrize("source", ["made_storm_dev"], indirect=True)
def test_the_storm_fires_before_the_memory_alarm_and_through_the_silence(
    source: Path, tmp_path: Path, start: Processes
) -> None:
    truth = json.loads((source / "TRUTH.json").read_text())
    alarm = datetime.fromisoformat(truth["broker_memory_alarm_at"]).replace(tzinfo=None)
    began = datetime.fromisoformat(truth["t0"]).replace(tzinfo=None)
    began += timedelta(seconds=truth["R_first_above_1_at_s"])
    running = followed(source, tmp_path, start)
    [episode] = asked(running, "FROM alerts(of_rule := 'storm_ahead')")
    assert (episode["state"], episode["severity"]) == ("firing", "storm")
    changes = asked(running, "FROM alert_changes WHERE severity IN ('warn', 'page', 'storm') ORDER BY ALL")
    first = min(datetime.fromisoformat(one["changed_at"]).replace(tzinfo=None) for one in changes)
    assert began < first < alarm - timedelta(seconds=5)
    [row] = asked(running, "SELECT evidence FROM alert_episodes WHERE rule = 'storm_ahead'")
    evidence = json.loads(row["evidence"])
    assert evidence["first_event_id"] is not None
    assert {one["cause_type"] for one in evidence["loop_edges"]} <= {
        "cache.invalidated", "price.changed", "refresh.requested",
    }  # fmt: skip
    # Minutes of the log pass in silence: nothing has recovered.
    time.sleep(3)
    assert asked(running, "SELECT state FROM alert_episodes WHERE rule = 'storm_ahead'") == [
        {"state": "firing"}
    ]


@pytest.mark.parametrize("source", ["made_burst_dev"], indirect=True)
def test_the_burst_raises_nothing_above_watch(source: Path, tmp_path: Path, start: Processes) -> None:
    running = followed(source, tmp_path, start)
    raised = asked(running, "SELECT rule, severity, sentence FROM alert_episodes WHERE severity <> 'watch'")
    assert raised == []
    problems = asked(running, "SELECT rule, problem FROM alert_evaluations WHERE problem IS NOT NULL")
    assert problems == []
