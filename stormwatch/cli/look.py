"""The verbs that look at one thing: status, chain, deadlocks, tail."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from stormwatch.address import Database
from stormwatch.cli.options import Output, database_option, limit_options, output_options
from stormwatch.errors import ExitCode, QueryError

if TYPE_CHECKING:
    from stormwatch.client import Data

_STORED: Final = """
SELECT
    (SELECT count(*) FROM files WHERE state = 'live') AS files,
    (SELECT coalesce(sum(event_count), 0)::BIGINT FROM ingest_health) AS events,
    (SELECT coalesce(sum(reject_count), 0)::BIGINT FROM ingest_health) AS rejects,
    (SELECT sum(event_count)::BIGINT FROM prunings) AS pruned,
    (SELECT first_at FROM log_coverage) AS oldest,
    (SELECT count(*) FROM batches) AS batches,
    (SELECT coalesce(sum(byte_count), 0)::BIGINT FROM batches) AS bytes,
    (SELECT max(committed_at) FROM batches) AS last_commit_at,
    (SELECT coalesce(sum(size_bytes - committed_offset), 0)::BIGINT FROM files WHERE state = 'live')
        AS backlog_bytes
"""
_LIVE: Final = (
    "state", "detail", "pid", "directory", "watch_mode", "backlog_bytes", "events_per_s", "occurrences",
)  # fmt: skip
_SHORT: Final = ("occurred_at", "service", "victim", "member_count", "shape", "deadlock_id")


@click.command()
@output_options
@database_option
def status(output: Output, database: Database) -> int:
    """How the ingester does and what is stored.

    Exit code 1 when it cannot go on.
    """
    from stormwatch.cli.output import emit_facts
    from stormwatch.client import Local, Remote, open_data

    with open_data(database) as data:
        live = data.status() if isinstance(data, Remote) else {"state": "stopped"}
        stored = _stored(data)
        is_asleep = isinstance(data, Local)
    known = {name: live[name] for name in _LIVE if name in live}
    facts = {
        **known,
        **stored,
        **known,  # who owns the database knows more than what is stored
        "database": str(database.path),
    }
    if is_asleep:
        facts["detail"] = "no process owns the database; `stormwatch up DIR` goes on reading"
    emit_facts(facts, output)
    return ExitCode.FINDINGS if facts["state"] in {"failed", "paused"} else ExitCode.OK


def _stored(data: Data) -> dict[str, Any]:
    from stormwatch.client import Bounds

    answer = data.sql(_STORED, {}, Bounds())
    return {
        **answer.table.to_pylist()[0],
        "data_version": answer.data_version,
        "complete_to": answer.complete_to,
    }


@click.command()
@click.argument("event", metavar="EVENT_ID")
@click.option("--direction", type=click.Choice(["both", "causes", "effects"]), default="both",
              show_default=True, help="What led to it, what it set in motion, or both.")  # fmt: skip
@click.option("--depth", type=click.IntRange(1), default=1000, show_default=True,
              help="Steps each way at most.")  # fmt: skip
@click.option("--all", "is_whole", is_flag=True, help="Show every event, also where many are alike.")
@limit_options
@output_options
@database_option
def chain(
    event: str,
    direction: str,
    depth: int,
    limit: int,
    timeout: float,
    output: Output,
    database: Database,
    *,
    is_whole: bool,
) -> None:
    """What led to an event and what it set in motion, as a tree."""
    from stormwatch.cli.output import emit_answer, emit_rendered
    from stormwatch.cli.talk import say
    from stormwatch.cli.tree import chain_tree
    from stormwatch.client import Bounds, open_data

    arguments = {"event": event, "direction": direction, "depth_limit": str(depth)}
    with open_data(database) as data:
        answer = data.query("causal_chain", arguments, Bounds(limit, timeout))
    if answer.table.num_rows == 0:
        raise QueryError(
            f"no log names an event '{event}'; "
            "`stormwatch query event_search -p search=TEXT` finds events by part of an id"
        )
    if output.format != "table":
        emit_answer(answer, output)
        return
    emit_rendered(chain_tree(answer.table.to_pylist(), event, is_whole=is_whole), output)
    if answer.is_truncated:
        say(f"only the first {limit} events; ask for more with --limit")


@click.command()
@click.option("--since", metavar="TIME", help="First instant included, UTC: 2026-11-20T10:00")
@click.option("--until", metavar="TIME", help="First instant excluded, UTC.")
@click.option("--per-hour", is_flag=True, help="Count them per hour, hours with none included.")
@limit_options
@output_options
@database_option
def deadlocks(
    since: str | None,
    until: str | None,
    limit: int,
    timeout: float,
    output: Output,
    database: Database,
    *,
    per_hour: bool,
) -> None:
    """Which deadlocks were reported: when, between whom, over what."""
    from dataclasses import replace

    from stormwatch.cli.output import emit_answer
    from stormwatch.client import Bounds, open_data

    window = {name: value for name, value in (("since", since), ("until", until)) if value is not None}
    name = "deadlocks_per_hour" if per_hour else "deadlocks"
    with open_data(database) as data:
        answer = data.query(name, window, Bounds(limit, timeout))
    if output.format == "table" and not per_hour:
        answer = replace(answer, table=answer.table.select(list(_SHORT)))
    emit_answer(answer, output)


@click.command()
@click.argument("place", metavar="FILE:OFFSET")
@click.option("--dir", "directory", type=click.Path(file_okay=False, path_type=Path),
              help="Where the log files are.  [default: what is watched, else here]")  # fmt: skip
@click.option("-C", "--context", "count", type=click.IntRange(0, 10_000), metavar="N",
              help="Print N lines before and after it as well, records of several lines whole.")  # fmt: skip
@database_option
def tail(place: str, directory: Path | None, database: Database, *, count: int | None) -> None:
    """Print the raw record at an offset of a log file.

    FILE is a path as in the database, a file_id, or a path on disk; of a compressed file OFFSET
    counts decompressed bytes. Piped, the bytes are exactly those of the file. On a terminal the lines
    of --context begin with their offsets: 512: is the record, 480- another.
    """
    from stormwatch.cli.raw import emit_context, emit_raw, find_context, find_raw

    if count is None:
        emit_raw(find_raw(place, directory, database))
    else:
        emit_context(find_context(place, count, directory, database))


VERBS = (chain, deadlocks, status, tail)
