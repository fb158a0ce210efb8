"""The verb that deletes: prune."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from stormwatch.address import Database
from stormwatch.cli.options import Output, database_option, output_options
from stormwatch.errors import ConfigError


@click.command()
@click.option("--before", metavar="WHEN",
              help="Delete what happened before this instant, UTC: 2026-11-20T10:00.")  # fmt: skip
@click.option("--older-than", metavar="AGE",
              help="Delete what is older than the newest event by this: 30d, 36h, 4w or 90min.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Say what would go, and delete nothing.")
@output_options
@database_option
def prune(
    before: str | None, older_than: str | None, output: Output, database: Database, *, dry_run: bool
) -> None:
    """Delete events of the past, and all that hangs on them.

    By the time of the log, in whole minutes; what has no readable time, and the quarantine, by when it
    was read. Alerts and notes stay, and so does how far each file is read: nothing is read again. The
    file does not become smaller; what is free in it is used for new rows.
    """
    import pyarrow as pa

    from stormwatch.cli.output import emit_table
    from stormwatch.cli.owner import at_owner
    from stormwatch.retention.service import Retention

    if (before is None) == (older_than is None):
        raise ConfigError("say what is to go: --before WHEN or --older-than AGE")
    body: dict[str, object] = {"dry_run": dry_run}
    body |= {"before": before} if older_than is None else {"older_than": older_than}
    done = at_owner(
        database, "stormwatch prune",
        lambda owner: owner.prune(body), lambda store: Retention(store).prune(body),
    )  # fmt: skip
    rows = [{"table": table, "rows": count} for table, count in done["rows"].items()]
    emit_table(pa.Table.from_pylist(rows), output)
    _say(done)


def _say(done: Mapping[str, Any]) -> None:
    from stormwatch.cli.talk import say

    file, free = done["file_bytes"], done["free_bytes"]
    if done["dry_run"]:
        say(f"would delete what happened before {done['before']}; nothing was deleted")
        say(f"the file has {file['before']:,} bytes, {free['before']:,} of them free for new rows")
        return
    say(f"deleted what happened before {done['before']}")
    count = sum(done["rows"].values())
    if count:
        per_million = done["seconds"] / count * 1e6
        say(
            f"took {done['seconds']:.2f} s, {per_million:.2f} s per million rows; "
            f"nobody else could write for {done['longest_s'] * 1000:.0f} ms at most"
        )
    say(f"the file had {file['before']:,} bytes, {free['before']:,} of them free for new rows")
    say(f"it has {file['after']:,} bytes now, {free['after']:,} of them free")


VERBS = (prune,)
