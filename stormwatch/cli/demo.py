"""The verb that shows everything on logs made up on the spot: demo."""

from __future__ import annotations

import ctypes
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import click

from stormwatch.address import Database
from stormwatch.cli.options import Sources
from stormwatch.cli.talk import say
from stormwatch.errors import ExitCode, SourceError

STORIES = ("ordered", "unordered", "deadlocks", "inverted", "loop", "overwritten", "storm")
_MINUTE = timedelta(seconds=2)
"""What a minute of the rules of alerts is: the stories tell in minutes what takes hours."""
_STOP_S = 5.0
_PR_SET_PDEATHSIG = 1


@click.command()
@click.option("--story", type=click.Choice(STORIES), default="storm", show_default=True,
              help="What goes wrong in the logs.")  # fmt: skip
@click.option("--speed", type=click.FloatRange(0, 1000, min_open=True), default=1.0, show_default=True,
              help="So many times as much traffic.")  # fmt: skip
@click.option("--seed", type=int, default=1, show_default=True, help="Another number, other logs.")
@click.option("--port", type=click.IntRange(0, 65535), show_default="8501, or the next free one",
              help="Port to listen on; 0: any free one.")  # fmt: skip
@click.option("--seconds", type=click.FloatRange(0, min_open=True), help="Stop after so long.")
@click.option("--no-browser", is_flag=True, help="Do not open the dashboard in the browser.")
def demo(
    story: str, speed: float, seed: int, port: int | None, seconds: float | None, *, no_browser: bool
) -> int:
    """Watch logs that a simulated system writes, in the browser.

    Nothing is left behind: logs and database are in a temporary directory, gone at the end.
    """
    from stormwatch.alerts.asking import Pace
    from stormwatch.alerts.config import load_config
    from stormwatch.cli.dashboard import Page, serve_dashboard
    from stormwatch.cli.serving import access_for, free_port, own, stop_on_signals

    with stop_on_signals(), tempfile.TemporaryDirectory(prefix="stormwatch-demo-") as scratch:
        logs = Path(scratch) / "logs"
        logs.mkdir()
        database = Database(Path(scratch) / "demo.duckdb", token=None)
        settings = Sources((), (), (), (), None, None, poll=False, keep_secrets=False).settings(logs)
        host = "127.0.0.1"
        page = Page(host, free_port(host, port), access_for(host, (), None), opens_browser=not no_browser)
        alerts = replace(load_config(database.path), pace=Pace(_MINUTE))
        with (
            _simulator(logs, story, speed, seed),
            own(database, settings, "stormwatch demo", alerts) as owned,
        ):
            say(f"the story is '{story}', written to {logs}")
            say(
                "first a calm quarter of an hour; it begins within a minute from now, and again minutes later"
            )
            serve_dashboard(owned, page, seconds)
    return ExitCode.OK


@contextmanager
def _simulator(logs: Path, story: str, speed: float, seed: int) -> Iterator[None]:
    """A process that writes the logs of a story until the block ends.

    Raises:
        SourceError: the simulator is not there or does not start.
    """
    from stormwatch.resources import SAMPLE_LOGS

    script = SAMPLE_LOGS / "simulate.py"
    if not script.is_file():
        raise SourceError(f"{script}: the simulator is missing; install stormwatch again")
    arguments = ["--story", story, "--seed", str(seed), "--speed", str(speed)]
    process = subprocess.Popen(  # noqa: S603 - a script of this package, with checked arguments
        [sys.executable, str(script), "live", str(logs), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - one thread so far
    )
    try:
        yield
    finally:
        if process.poll() not in {None, 0}:
            say(f"the simulator ended with exit code {process.returncode}")
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _end_with_parent() -> None:
    """In the child: be stopped when the parent is killed and cannot stop it any more."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


VERBS = (demo,)
