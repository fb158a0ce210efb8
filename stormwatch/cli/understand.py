"""The verbs that read samples and store nothing: check, init."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from stormwatch.cli.options import Output, Sources, output_options, source_options
from stormwatch.errors import ConfigError, ExitCode, SourceError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ingest.check import Checker, Mapped, Report

_KEPT_SHOWN = 30


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@source_options
@output_options
def check(directory: Path, sources: Sources, output: Output) -> int:
    """Say what is understood of a sample of the logs in DIR.

    Per file: the formats, which field became what, what stays in attributes, what was rejected and
    why. Stores nothing. Exit code 1 when something was rejected or could not be read.
    """
    from stormwatch.cli.output import emit_json, emit_rendered, emit_table

    reports = _checked(directory, sources).reports()
    match output.format:
        case "json":
            emit_json([_plain(report) for report in reports], output)
        case "table":
            from rich.console import Group

            emit_rendered(Group(*(part for report in reports for part in _parts(report))), output)
        case _:
            import pyarrow as pa

            emit_table(pa.Table.from_pylist([row for report in reports for row in _rows(report)]), output)
    is_clean = not any(report.rejected or report.problem for report in reports)
    return ExitCode.OK if is_clean else ExitCode.FINDINGS


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option("-o", "--output", "target", type=click.Path(dir_okay=False, path_type=Path),
              help="Write it to this file in place of stdout; one that is there is left alone.")  # fmt: skip
@source_options
def init(directory: Path, target: Path | None, sources: Sources) -> None:
    """Write a commented mapping of the logs in DIR, to be corrected.

    Which field is what, per kind of file, how that is known, and how surely. Give it to `up`,
    `ingest`, `reingest` and `check` with --config.
    """
    from ingest.suggest import suggestion
    from stormwatch.cli.talk import say

    if target is not None and target.exists():
        raise ConfigError(f"{target}: is there already; give another name, or move it away")
    checker = _checked(directory, sources)
    text = suggestion(checker.reports(), checker.decisions(), str(directory))
    if target is None:
        click.echo(text, nl=False)
        return
    target.write_text(text, encoding="utf-8")
    say(f"{target}: written; correct it, then: stormwatch up {directory} --config {target}")


def _checked(directory: Path, sources: Sources) -> Checker:
    from rich.console import Console
    from rich.progress import track

    from ingest.check import Checker
    from ingest.discovery import walk
    from stormwatch.storage import open_empty

    settings = sources.settings(directory)
    try:
        found = list(walk(directory, settings.accepted))
    except OSError as error:
        raise SourceError(f"{directory}: cannot be listed: {error.strerror}") from error
    if not found:
        raise SourceError(f"{directory}: no log files in it; --include and --exclude say which names count")
    console = Console(stderr=True)
    with open_empty() as connection:
        checker = Checker(directory, settings.mapping, connection, settings.redaction)
        for what, read in (("reading samples", checker.learn), ("checking", checker.add)):
            for file in track(found, what, console=console, transient=True, disable=not sys.stderr.isatty()):
                read(file.path)
            checker.judge()
        return checker


def _plain(report: Report) -> dict[str, Any]:
    plain = asdict(report)
    for rejected in plain["rejected"]:
        rejected["example"] = rejected["example"].decode(errors="backslashreplace")
    return plain


def _rows(report: Report) -> list[dict[str, Any]]:
    """A row per field, for formats that have rows only."""
    return [
        *(
            {"path": report.path, "format": entry.format, "column": entry.column,
             "field": ", ".join(entry.fields), "count": entry.count, "example": entry.example,
             "confidence": entry.confidence}
            for entry in report.mapped
        ),
        *(
            {"path": report.path, "format": None, "column": "attributes",
             "field": entry.field, "count": entry.count, "example": entry.example, "confidence": None}
            for entry in report.kept
        ),
        *(
            {"path": report.path, "format": None, "column": None, "field": f"rejected: {entry.reason}",
             "count": entry.count, "example": entry.example.decode(errors="backslashreplace"),
             "confidence": None}
            for entry in report.rejected
        ),
    ]  # fmt: skip


def _parts(report: Report) -> list[RenderableType]:
    from rich.text import Text

    from stormwatch.plain import visible

    path = visible(report.path)
    if report.problem:
        return [Text(f"{path}: cannot be read: {visible(report.problem)}", "bold red"), Text()]
    counts = ", ".join(f"{count:,} {name}" for name, count in report.formats.items())
    counts = counts or ("nothing understood" if report.sampled_bytes else "empty")
    whole = "" if report.is_whole else f"  (the first {report.sampled_bytes:,} bytes)"
    parts: list[RenderableType] = [Text(f"{path}: {counts}{whole}", "bold")]
    parts += [_fields([entry for entry in report.mapped if entry.format == name]) for name in report.formats]
    if report.kept:
        names = [visible(entry.field) for entry in report.kept]
        more = f" and {len(names) - _KEPT_SHOWN} more" if len(names) > _KEPT_SHOWN else ""
        parts.append(Text(f"  in attributes: {', '.join(names[:_KEPT_SHOWN])}{more}", "dim"))
    for entry in report.rejected:
        example = visible(entry.example.decode(errors="backslashreplace"))
        reason = f"{visible(entry.reason)}; the first at {entry.first_offset}: {example}"
        parts.append(Text(f"  rejected {entry.count:,}: {reason}", "red"))
    parts += [Text(f"  hint: {visible(hint)}", "yellow") for hint in report.hints]
    return [*parts, Text()]


def _fields(entries: list[Mapped]) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    from stormwatch.plain import visible

    lines = Table.grid(padding=(0, 2))
    lines.add_column()
    lines.add_column(overflow="fold")
    lines.add_column(justify="right")
    lines.add_column(no_wrap=True, overflow="ellipsis")
    for entry in entries:
        fields = ", ".join(entry.fields) or "(made by the format)"
        if entry.confidence is not None:
            known = "by its values, not its name" if entry.is_override else "by name and values"
            fields += f"  ({known}, {entry.confidence:.0%})"
        lines.add_row(
            Text(f"  {entry.column}"), Text(f"<- {visible(fields)}"), Text(f"{entry.count:,}"),
            Text(visible(entry.example), "dim"),
        )  # fmt: skip
        if entry.evidence:
            lines.add_row("", Text(f"   {visible(entry.evidence)}", "dim"))
    return lines


VERBS = (check, init)
