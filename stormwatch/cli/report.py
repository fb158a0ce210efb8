"""The verb that writes down an incident: report."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from stormwatch.address import Database
from stormwatch.cli.options import Output, database_option
from stormwatch.errors import QueryError

_INSTANT = click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f",
                           "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d"])  # fmt: skip


@click.command()
@click.option("--from", "since", type=_INSTANT, metavar="TIME",
              help="First instant included, UTC: 2026-11-20T10:00. Without both: where most events are."
              )  # fmt: skip
@click.option("--to", "until", type=_INSTANT, metavar="TIME", help="First instant excluded, UTC.")
@click.option("--format", "form", type=click.Choice(["html", "markdown"]), default="html", show_default=True,
              help="One page that loads nothing, or Markdown with its charts in it.")  # fmt: skip
@click.option("-o", "--output", "path", type=click.Path(dir_okay=False, path_type=Path),
              help="Write it to this file in place of stdout.")  # fmt: skip
@click.option("--timeout", type=click.FloatRange(0, 600, min_open=True), default=60.0, show_default=True,
              help="Seconds that each of its queries may run.")  # fmt: skip
@database_option
def report(
    since: datetime | None,
    until: datetime | None,
    form: str,
    path: Path | None,
    timeout: float,
    database: Database,
) -> None:
    """Write a page about an incident, with charts and SQL.

    Verdict, timeline, what was different and what changed before, order, chains, deadlocks, loops and
    versions of a window; by default of the stretch with most events.
    """
    from dashboard.report import gather, html, markdown
    from stormwatch.cli.output import emit_text
    from stormwatch.cli.talk import say
    from stormwatch.client import open_data

    with open_data(database) as data:
        known = gather.coverage(data, timeout)
        if known.first_at is None:
            raise QueryError("no event in this database has a time; `stormwatch check DIR` says why")
        shown = gather.window(since, until, known)
        found = gather.gather(data, shown, timeout_s=timeout)
    emit_text(html.write(found) if form == "html" else markdown.write(found), Output("text", path))
    if path is not None:
        say(f"{path}: report of {shown.since} to {shown.until} UTC")


VERBS = (report,)
