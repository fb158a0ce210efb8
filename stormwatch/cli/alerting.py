"""The verbs about alerts: alerts (list, ack, close, silence, silences, unsilence, test, rules), backtest."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from stormwatch.address import Database
from stormwatch.cli.options import Output, alerts_option, database_option, output_options
from stormwatch.errors import ConfigError, DatabaseMissing, ExitCode

_OWNER = click.option(
    "--owner", default=getpass.getuser, show_default="the name you are logged in as", metavar="NAME",
    help="Who does it.",
)  # fmt: skip
_MOST = 1_000_000
_LISTED = (
    "episode_id", "state", "severity", "rule", "sentence", "fired_at", "resolved_at", "acknowledged_by",
)  # fmt: skip


@click.group(invoke_without_command=True)
@click.pass_context
def alerts(context: click.Context) -> int | None:
    """Which alerts fire; acknowledge and silence them, try a route.

    Without a further word it lists what is open. They are found while `up` or `ingest --follow` runs.
    Exit code 1 when something fires.
    """
    if context.invoked_subcommand is not None:
        return None
    code: int = context.invoke(list_alerts)
    return code


@alerts.command(name="list")
@click.option("--all", "is_all", is_flag=True, help="Those that are over as well.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True,
              help="Rows at most; all that are open are listed.")  # fmt: skip
@click.option(
    "--watch", "is_watched", is_flag=True,
    help="Go on until Ctrl-C: a table updated in place; not on a terminal a line per change.",
)  # fmt: skip
@click.option("--every", "every_s", type=click.FloatRange(0.1, 3600), default=2, show_default=True,
              metavar="SECONDS", help="How often, with --watch.")  # fmt: skip
@output_options
@database_option
def list_alerts(
    limit: int, every_s: float, output: Output, database: Database, *, is_all: bool, is_watched: bool
) -> int:
    """List alerts: all that are open, with --all then those that are over, the latest first.

    Exit code 1 when something fires; of --watch 0.
    """
    import pyarrow as pa

    from stormwatch.cli.output import emit_table
    from stormwatch.client import Bounds, open_data

    def ask() -> pa.Table:
        with open_data(database) as data:
            return data.query("alerts", {"row_limit": str(limit)}, Bounds(_MOST)).table

    def listed(table: pa.Table) -> pa.Table:
        if is_all:
            return table
        is_open = [state != "resolved" for state in table.column("state").to_pylist()]
        return table.filter(pa.array(is_open, pa.bool_()))

    if is_watched:
        from stormwatch.cli.watching import watch

        if output.format != "table" or output.path is not None:
            raise ConfigError("--watch writes for people, to stdout; leave out --format and -o, or --watch")
        watch(ask, lambda table: listed(table).select(_LISTED), every_s)
    table = ask()
    emit_table(listed(table).select(_LISTED) if output.format == "table" else listed(table), output)
    is_firing = "firing" in table.column("state").to_pylist()
    return ExitCode.FINDINGS if is_firing else ExitCode.OK


@alerts.command()
@click.argument("episode_id", metavar="EPISODE", type=int)
@_OWNER
@database_option
@alerts_option
def ack(episode_id: int, owner: str, database: Database, alerts: Path | None) -> None:
    """Say that you take care of EPISODE, a number of the list."""
    from stormwatch.cli.talk import say

    _change(database, alerts, "acknowledge", {"episode_id": episode_id, "owner": owner})
    say(f"episode {episode_id} is taken care of by {owner}")


@alerts.command()
@click.argument("episode_id", metavar="EPISODE", type=int)
@_OWNER
@database_option
@alerts_option
def close(episode_id: int, owner: str, database: Database, alerts: Path | None) -> None:
    """End EPISODE, a number of the list, of which nothing will be known any more.

    What is still above its threshold fires again.
    """
    from stormwatch.cli.talk import say

    _change(database, alerts, "close", {"episode_id": episode_id, "owner": owner})
    say(f"episode {episode_id} is closed by {owner}")


@alerts.command()
@click.argument("rule")
@click.option("--key", default="*", show_default=True, metavar="PATTERN",
              help="Only of these loops, streams ...; *, ? and [...] as in file names.")  # fmt: skip
@click.option("--for", "length", default="2 hours", show_default=True, metavar="LENGTH", help="How long.")
@click.option("--reason", default="", metavar="TEXT", help="Why.")
@_OWNER
@database_option
@alerts_option
def silence(
    rule: str, key: str, length: str, reason: str, owner: str, database: Database, alerts: Path | None
) -> None:
    """Have routes not told of alerts of RULE, which may be a pattern, for a while.

    They are evaluated and listed all the same; what still fires when the silence is over is told then.
    """
    from stormwatch.cli.talk import say

    body = {"rule": rule, "key": key, "for": length, "reason": reason, "owner": owner}
    made = _change(database, alerts, "silence", body)
    say(f"silent until {made['expires_at']}, for {owner}")


@alerts.command()
@output_options
@database_option
@alerts_option
def silences(output: Output, database: Database, alerts: Path | None) -> None:
    """List the silences that have not expired, the first to end first."""
    import pyarrow as pa

    from stormwatch.cli.output import emit_table

    names = ("silence_id", "rule_pattern", "key_pattern", "owner", "reason", "created_at", "expires_at")
    schema = pa.schema([(name, pa.int64() if name == "silence_id" else pa.string()) for name in names])
    found = _change(database, alerts, "silences", {})["silences"]
    emit_table(pa.Table.from_pylist(found, schema), output)


@alerts.command()
@click.argument("silence_id", metavar="SILENCE", type=int)
@click.option(
    "--in", "length", default="0 minutes", metavar="LENGTH", help="Only after so long.  [default: now]"
)
@database_option
@alerts_option
def unsilence(silence_id: int, length: str, database: Database, alerts: Path | None) -> None:
    """Take SILENCE back, a number of `silences`, or shorten it."""
    from stormwatch.cli.talk import say

    made = _change(database, alerts, "unsilence", {"silence_id": silence_id, "in": length})
    say(f"silence {silence_id} ends at {made['expires_at']}")


@alerts.command()
@click.argument("route")
@database_option
@alerts_option
def test(route: str, database: Database, alerts: Path | None) -> None:
    """Send a test notice to ROUTE, as alerts.toml calls it, and say who took it."""
    from stormwatch.alerts.config import load_config
    from stormwatch.alerts.desk import test_route
    from stormwatch.cli.talk import say
    from stormwatch.client import ask_owner

    owner = ask_owner(database)
    if owner is not None:
        place = owner.change_alerts("test", {"route": route})["taken_by"]
    else:
        place = test_route(load_config(database.path, alerts), route)
    say(f"{route}: taken by {place}")


@alerts.command()
@output_options
@database_option
@alerts_option
def rules(output: Output, database: Database, alerts: Path | None) -> int:
    """List the rules and routes there are, and how they do.

    Exit code 1 when a rule or a route has a problem.
    """
    import pyarrow as pa

    from stormwatch.cli.output import emit_json, emit_table
    from stormwatch.cli.talk import say

    known = _overview(database, alerts)
    if output.format == "json":
        emit_json(known, output)
    else:
        emit_table(pa.Table.from_pylist(known["rules"]), output)
        for route in known["routes"]:
            waits = (
                f", {route['waiting']} waiting: {route['problem']}"
                if route["waiting"] or route["problem"]
                else ""
            )
            say(f"route {route['route']}: {route['kind']} at {route['place']}{waits}")
        for problem in known["problems"]:
            say(problem)
    has_problem = any(one["problem"] for one in [*known["rules"], *known["routes"]])
    return ExitCode.FINDINGS if has_problem or known["problems"] else ExitCode.OK


def _overview(database: Database, path: Path | None) -> dict[str, Any]:
    from stormwatch.alerts.config import load_config
    from stormwatch.alerts.desk import overview
    from stormwatch.client import ask_owner

    owner = ask_owner(database)
    return owner.alerts() if owner is not None else overview(load_config(database.path, path), {}, {})


def _change(
    database: Database, path: Path | None, action: str, body: Mapping[str, object]
) -> Mapping[str, Any]:
    """Have the owner of the database do something, or own it for a moment."""
    from stormwatch.alerts.config import load_config
    from stormwatch.alerts.desk import Desk
    from stormwatch.alerts.requests import change_alerts
    from stormwatch.client import ask_owner
    from stormwatch.storage import Store

    owner = ask_owner(database)
    if owner is not None:
        return owner.change_alerts(action, body)
    if not database.path.exists():
        raise DatabaseMissing(f"{database.path}: no such database")
    with Store(database.path, command=f"stormwatch alerts {action}") as store:
        return change_alerts(Desk(store, load_config(database.path, path)), action, body)


@click.command()
@click.argument("rule")
@click.option("--from", "since", metavar="INSTANT", help="Default: the begin of the log.")
@click.option("--to", "until", metavar="INSTANT", help="Default: its end, or the last crash.")
@click.option("--crash", "crashes", multiple=True, metavar="INSTANT",
              help="When it went wrong, to be told lead times and misses; may be repeated.")  # fmt: skip
@output_options
@database_option
@alerts_option
def backtest(
    rule: str,
    since: str | None,
    until: str | None,
    crashes: tuple[str, ...],
    output: Output,
    database: Database,
    alerts: Path | None,
) -> None:
    """When RULE would have fired in the past.

    Evaluated as it is live, with nothing known that came later. Instants are UTC, such as
    2026-11-20T10:00.
    """
    from stormwatch.cli.output import emit_json, emit_table
    from stormwatch.cli.talk import say

    body = {"rule": rule, "since": since, "until": until, "crashes": list(crashes)}
    facts = _played(database, alerts, body)
    if output.format == "json":
        emit_json(facts, output)
        return
    emit_table(_fired(facts), output)
    say(
        f"{rule}: fired {len(facts['fired'])} times from {facts['since']} to {facts['until']}, "
        f"{100 * facts['firing_ratio']:.2g} % of the time; {facts['evaluation_count']:,} evaluations"
    )
    if crashes:
        say(
            f"false alarms: {facts['false_alarms']}; missed: {len(facts['missed'])} of {len(crashes)} crashes"
        )


def _played(database: Database, path: Path | None, body: Mapping[str, object]) -> Mapping[str, Any]:
    from stormwatch.alerts.config import load_config
    from stormwatch.alerts.requests import play_again
    from stormwatch.client import ask_owner, open_current

    owner = ask_owner(database)
    if owner is not None:
        return owner.change_alerts("backtest", body)
    config = load_config(database.path, path)
    with open_current(database.path) as connection:
        return play_again(connection, config, body)


def _fired(facts: Mapping[str, Any]) -> Any:
    import pyarrow as pa

    text, number = pa.string(), pa.float64()
    schema = pa.schema(
        [("fired_at", text), ("resolved_at", text), ("severity", text), ("episode_key", text),
         ("peak_value", number), ("lead_min", number), ("sentence", text)]
    )  # fmt: skip
    return pa.Table.from_pylist(
        [{name: one[name] for name in schema.names} for one in facts["fired"]], schema
    )


VERBS = (alerts, backtest)
