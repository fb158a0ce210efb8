"""The verbs that own a database: up, ingest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from stormwatch.address import Database
from stormwatch.cli.options import (
    Sources,
    alerts_option,
    database_option,
    retention_option,
    source_options,
)
from stormwatch.cli.talk import say
from stormwatch.errors import ExitCode

if TYPE_CHECKING:
    from stormwatch.cli.serving import Owned

_DIRECTORY = click.argument("directory", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))


@click.command()
@_DIRECTORY
@click.option("--follow", is_flag=True, help="Go on with what is written until SIGINT or SIGTERM.")
@database_option
@source_options
@retention_option
@alerts_option
def ingest(
    directory: Path, database: Database, sources: Sources, alerts: Path | None, *, follow: bool
) -> int:
    """Read the logs in DIR into the database, each byte once.

    Stops at the end of what is there, unless told to --follow. Started again it goes on where it
    stopped; kill -9 loses and repeats nothing.
    """
    from stormwatch.cli.serving import alert_config, own, serve_api, stop_on_signals

    settings, age = sources.settings(directory.absolute()), sources.retention()
    if follow:
        command = f"stormwatch ingest {directory} --follow"
        config = alert_config(database, alerts)
        with stop_on_signals(), own(database, settings, command, config, age) as owned:
            say(f"follows {directory} into {database.path}")
            serve_api(owned)
            return _verdict(owned)
    from stormwatch.cli.progress import drain

    with own(database, settings, f"stormwatch ingest {directory}", retention=age) as owned:
        code = drain(owned.ingester)
        owned.retention.apply(rest=0)
        if problem := owned.retention.status().problem:
            say(f"retention could not be applied: {problem}")
        return code


@click.command()
@_DIRECTORY
@database_option
@source_options
@retention_option
@alerts_option
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), show_default="8501, or the next free one",
              help="Port to listen on; 0: any free one.")  # fmt: skip
@click.option("--allow-host", "allowed", multiple=True, metavar="NAME",
              help="Another name the server may be asked by, for example behind a proxy.")  # fmt: skip
@click.option("--no-browser", is_flag=True, help="Do not open the dashboard in the browser.")
def up(
    directory: Path,
    database: Database,
    sources: Sources,
    alerts: Path | None,
    host: str,
    port: int | None,
    allowed: tuple[str, ...],
    *,
    no_browser: bool,
) -> int:
    """Watch the logs in DIR and serve the dashboard."""
    from stormwatch.cli.dashboard import Page, serve_dashboard
    from stormwatch.cli.serving import access_for, alert_config, free_port, own, stop_on_signals
    from stormwatch.gate import is_loopback

    sign_in = sources.sign_in(is_local=is_loopback(host))
    access = access_for(host, allowed, database.token, sign_in)
    settings, age = sources.settings(directory.absolute()), sources.retention()
    config = alert_config(database, alerts)
    with stop_on_signals(), own(database, settings, f"stormwatch up {directory}", config, age) as owned:
        page = Page(host, free_port(host, port), access, opens_browser=not no_browser, sign_in=sign_in)
        say(f"watches {directory}, database {database.path}")
        serve_dashboard(owned, page)
        return _verdict(owned)


def _verdict(owned: Owned) -> int:
    status = owned.ingester.status()
    if status.state == "failed":
        say(f"error: {status.detail}")
        return ExitCode.STORAGE
    return ExitCode.OK


VERBS = (up, ingest)
