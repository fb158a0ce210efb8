"""Everything at once on logs made up on the spot, and nothing left behind."""

import signal
from pathlib import Path

import pytest

from stormwatch.errors import ExitCode
from stormwatch.resources import SAMPLE_LOGS

from .harness import Processes, eventually


def test_simulator_ends_with_a_demo_that_is_killed(tmp_path: Path, start: Processes) -> None:
    running = start("demo", "--no-browser", "--port", 0, TMPDIR=str(tmp_path))
    eventually(lambda: _processes("simulate.py", str(tmp_path)))
    running.process.kill()
    running.process.communicate()
    eventually(lambda: not _processes("simulate.py", str(tmp_path)))


@pytest.mark.slow
def test_demo_shows_live_events_and_leaves_nothing_behind(tmp_path: Path, start: Processes) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    running = start("demo", "--no-browser", "--port", 0, "--story", "deadlocks", TMPDIR=str(scratch))
    [running.database] = eventually(lambda: list(scratch.glob("*/demo.duckdb")))
    running.wait_for(1)
    running.wait_for(running.status()["events"] + 1)
    simulators = _processes(str(SAMPLE_LOGS / "simulate.py"), str(scratch))
    assert len(simulators) == 1
    code, err = running.stop(signal.SIGINT)
    assert code == ExitCode.OK
    assert "it begins within a minute from now" in err
    assert "Traceback" not in err
    assert list(scratch.iterdir()) == []
    assert _processes(str(scratch)) == []


def _processes(*words: str) -> list[str]:
    """Running processes whose command line holds all of the words."""
    lines = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(entry.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue  # it has ended since
    return [text for text in lines if all(word in text for word in words)]
