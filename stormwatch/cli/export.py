"""The verb that writes a chain for other tools: export chain."""

from __future__ import annotations

from pathlib import Path

import click

from stormwatch.address import Database
from stormwatch.cli.options import Output, database_option, limit_options
from stormwatch.errors import QueryError


@click.group()
def export() -> None:
    """Write what was found for other tools."""


@export.command("chain")
@click.argument("event", metavar="EVENT_ID")
@click.option("--format", "form", type=click.Choice(["json", "dot", "mermaid", "shiviz", "otlp"]),
              default="json", show_default=True,
              help="Graphviz, Mermaid, a ShiViz log, OTLP/JSON, or all of it as JSON.")  # fmt: skip
@click.option("--direction", type=click.Choice(["both", "causes", "effects"]), default="both",
              show_default=True, help="What led to it, what it set in motion, or both.")  # fmt: skip
@click.option("-o", "--output", "path", type=click.Path(dir_okay=False, path_type=Path),
              help="Write it to this file in place of stdout.")  # fmt: skip
@limit_options
@database_option
def export_chain(
    event: str, form: str, direction: str, path: Path | None, limit: int, timeout: float, database: Database
) -> None:
    """The causal chain of an event, with all its edges."""
    from stormwatch.chain_export import FORMATS, Chain
    from stormwatch.cli.output import emit_text
    from stormwatch.cli.talk import say
    from stormwatch.client import Bounds, open_data

    arguments, bounds = {"event": event, "direction": direction}, Bounds(limit, timeout)
    with open_data(database) as data:
        members = data.query("causal_chain", arguments, bounds)
        edges = data.query("chain_edges", arguments, bounds)
    if members.table.num_rows == 0:
        raise QueryError(
            f"no log names an event '{event}'; "
            "`stormwatch query event_search -p search=TEXT` finds events by part of an id"
        )
    known = set(members.table.column("event_id").to_pylist())
    chain = Chain(
        event,
        members.table.to_pylist(),
        [edge for edge in edges.table.to_pylist() if {edge["cause_id"], edge["effect_id"]} <= known],
        members.data_version,
        members.complete_to,
    )
    emit_text(FORMATS[form](chain), Output("text", path))
    if members.is_truncated or edges.is_truncated:
        say(f"only the first {limit} events and edges; ask for more with --limit")


VERBS = (export,)
