"""The verbs that look after a database: rejects, reingest, snapshot, doctor."""

from __future__ import annotations

from pathlib import Path

import click

from stormwatch.address import Database
from stormwatch.cli.options import (
    Output,
    Sources,
    database_option,
    limit_options,
    output_options,
    source_options,
)
from stormwatch.errors import ConfigError, DatabaseMissing, ExitCode


@click.command()
@click.argument("pattern", metavar="[PATH]", required=False)
@click.option("--reasons", "is_summary", is_flag=True,
              help="One row per reason, with what is likely to help.")  # fmt: skip
@limit_options
@output_options
@database_option
def rejects(
    pattern: str | None, limit: int, timeout: float, output: Output, database: Database, *, is_summary: bool
) -> int:
    """What could not be understood, where it stands, and why.

    Every byte range in quarantine with its file, offset, reason and first bytes. PATH, which may
    be a pattern, limits it to some files. Exit code 1 when there is something.
    """
    from stormwatch.cli.output import emit_answer
    from stormwatch.client import Bounds, open_data

    arguments = {} if is_summary else {"row_limit": str(limit)}
    if pattern is not None:
        if is_summary:
            raise ConfigError("--reasons is about all files; leave PATH out")
        arguments["path_glob"] = pattern
    with open_data(database) as data:
        name = "reject_reasons" if is_summary else "recent_rejects"
        answer = data.query(name, arguments, Bounds(limit, timeout))
    emit_answer(answer, output)
    return ExitCode.FINDINGS if answer.table.num_rows else ExitCode.OK


@click.command()
@click.argument("paths", metavar="PATH...", nargs=-1, required=True)
@click.option("--dir", "directory", type=click.Path(file_okay=False, path_type=Path),
              help="Where the log files are; needed when no process watches them.")  # fmt: skip
@source_options
@database_option
def reingest(paths: tuple[str, ...], directory: Path | None, sources: Sources, database: Database) -> int:
    """Parse stored files again, as after a mapping was corrected.

    PATH may be a pattern. Rows and quarantine are replaced range by range, each byte exactly once
    at every instant. A process that watches the logs does it with its own mapping; else DIR and
    the mapping are given here. What cannot be found any more stays as it is. Exit code 1 when
    there is such a file.
    """
    from stormwatch.cli.again import reingest_here, reingest_there
    from stormwatch.client import ask_owner

    owner = ask_owner(database)
    if owner is not None:
        return reingest_there(owner, paths)
    if directory is None:
        raise ConfigError("no process watches the logs; say with --dir where they are")
    if not database.path.exists():
        raise DatabaseMissing(f"{database.path}: no such database")
    return reingest_here(paths, database, sources.settings(directory))


@click.command()
@click.argument("destination", metavar="DEST", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Write over a file that is there.")
@database_option
def snapshot(destination: Path, database: Database, *, replace: bool) -> None:
    """Write a consistent copy of the database to DEST.

    Also while it is written to. The copy can be opened by any DuckDB client of the same version.
    """
    from stormwatch.cli.talk import say
    from stormwatch.client import ask_owner
    from stormwatch.server import write_snapshot
    from stormwatch.storage import Store

    target = destination.absolute()
    owner = ask_owner(database)
    if owner is not None:
        owner.snapshot(target, replace=replace)
    elif not database.path.exists():
        raise DatabaseMissing(f"{database.path}: no such database")
    else:
        with Store(database.path, command="stormwatch snapshot") as store:
            write_snapshot(store.snapshot, target, replace=replace)
    say(f"{destination}: {target.stat().st_size:,} bytes")


@click.command()
@click.argument("directory", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@output_options
@database_option
def doctor(directory: Path | None, output: Output, database: Database) -> int:
    """Check this machine, the database and the logs in DIR.

    Exit code 1 when something will not work.
    """
    import pyarrow as pa

    from stormwatch.cli.examine import examine
    from stormwatch.cli.output import emit_table

    findings = list(examine(database, directory))
    emit_table(pa.Table.from_pylist([finding.row() for finding in findings]), output)
    return ExitCode.FINDINGS if any(finding.verdict == "fails" for finding in findings) else ExitCode.OK


VERBS = (rejects, reingest, snapshot, doctor)
