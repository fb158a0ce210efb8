"""Alerts as they are now, again and again: a table that is updated in place, or a line per change."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn

import click

from stormwatch.cli.output import cell, rendered
from stormwatch.cli.serving import stop_on_signals
from stormwatch.cli.talk import say
from stormwatch.errors import StormwatchError
from stormwatch.plain import visible

if TYPE_CHECKING:
    import pyarrow as pa
    from rich.console import RenderableType

_TOLD_BY = ("state", "severity", "acknowledged_by")
"""Columns of an episode; when one of them differs, something happened to it."""


def watch(ask: Callable[[], pa.Table], shown: Callable[[pa.Table], pa.Table], every_s: float) -> NoReturn:
    """Show what `ask` answers, rows of the relation `alerts`, until SIGINT or SIGTERM; exit code 0.

    `shown` picks the rows and columns of the table that a terminal shows. Elsewhere each change is a line.
    The first question must succeed; when a later one fails, that is said and it is asked again.

    Raises:
        StormwatchError: the first question failed.
    """
    with stop_on_signals():
        if sys.stdout.isatty():
            _in_place(ask, shown, every_s)
        else:
            _by_line(ask, every_s)


def _in_place(ask: Callable[[], pa.Table], shown: Callable[[pa.Table], pa.Table], every_s: float) -> NoReturn:
    from rich.console import Console
    from rich.live import Live

    console = Console(markup=False, highlight=False, emoji=False)
    with Live(_picture(ask(), shown, every_s), console=console, auto_refresh=False) as live:
        while True:
            time.sleep(every_s)
            found = _again(ask)
            if found is not None:
                live.update(_picture(found, shown, every_s), refresh=True)


def _picture(found: pa.Table, shown: Callable[[pa.Table], pa.Table], every_s: float) -> RenderableType:
    from rich.console import Group
    from rich.text import Text

    states = found.column("state").to_pylist()
    counts = f"{states.count('firing')} firing, {states.count('pending')} pending"
    line = f"{counts} at {_now()}; every {every_s:g} s, Ctrl-C ends"
    return Group(rendered(shown(found)), Text(line, "dim"))


def _by_line(ask: Callable[[], pa.Table], every_s: float) -> NoReturn:
    known: dict[int, tuple[Any, ...]] | None = None
    found: pa.Table | None = ask()
    while True:
        if found is not None:
            known = _tell(found, known)
        time.sleep(every_s)
        found = _again(ask)


def _tell(found: pa.Table, known: Mapping[int, tuple[Any, ...]] | None) -> dict[int, tuple[Any, ...]]:
    """A line for each episode that differs from what is known; at first for each that is open."""
    latest = {}
    for row in reversed(found.to_pylist()):  # the latest last, as in a log
        told = tuple(row[name] for name in _TOLD_BY)
        latest[row["episode_id"]] = told
        is_news = row["state"] != "resolved" if known is None else known.get(row["episode_id"]) != told
        if is_news:
            owner = f" (taken care of by {visible(row['acknowledged_by'])})" if row["acknowledged_by"] else ""
            click.echo(
                f"{_now()} {row['state']} {cell(row['severity']) or '-'} {visible(row['rule'])} "
                f"{row['episode_id']}: {visible(row['sentence'])}{owner}"
            )
    return latest


def _again(ask: Callable[[], pa.Table]) -> pa.Table | None:
    """The answer; None after saying why there is none now: whoever reads the logs may be starting anew."""
    try:
        return ask()
    except StormwatchError as error:
        say(f"not known at {_now()}: {error}")
        return None


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
