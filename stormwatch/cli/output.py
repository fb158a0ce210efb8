"""Results on stdout or in a file: as a table for people, or as JSON, CSV, Parquet or Arrow."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from stormwatch.cli.options import Output
from stormwatch.cli.talk import say
from stormwatch.errors import ConfigError
from stormwatch.export import arrow_of, csv_of, json_of, parquet_of, plain_value, values_of
from stormwatch.plain import visible, visible_lines

if TYPE_CHECKING:
    import pyarrow as pa
    from rich.console import RenderableType

    from stormwatch.readonly import Answer

_WIDE = 100_000
"""Columns of a page nobody looks at: nothing is cut or folded for a file or a pipe."""


def emit_answer(answer: Answer, output: Output) -> None:
    """Write an answer; says on stderr how much there is of it and how new it is.

    Arrow and Parquet also say so themselves, in the metadata of their schema.
    """
    emit_table(answer.stamped(), output)
    if answer.is_truncated:
        say(f"only the first {answer.table.num_rows} rows; ask for more with --limit")
    newest = cell(answer.complete_to) or "no event with a time"
    say(f"{answer.table.num_rows} rows; data version {answer.data_version}, newest event: {newest}")


def emit_table(table: pa.Table, output: Output) -> None:
    """Write a table in the format asked for.

    Raises:
        ConfigError: Parquet or Arrow for a terminal.
    """
    match output.format:
        case "json":
            emit_text(json_of(table), output)
        case "csv":
            emit_text(csv_of(table), output)
        case "parquet":
            _write(parquet_of(table), output)
        case "arrow":
            _write(arrow_of(table), output)
        case _:
            emit_rendered(rendered(table), output)


def emit_facts(facts: Mapping[str, object], output: Output) -> None:
    """Write named values: one line each, a JSON object, or a table of one row."""
    import pyarrow as pa
    from rich.table import Table
    from rich.text import Text

    match output.format:
        case "json":
            emit_json(facts, output)
        case "table":
            lines = Table.grid(padding=(0, 2))
            for name, value in facts.items():
                lines.add_row(Text(name, "dim"), Text(cell(value)))
            emit_rendered(lines, output)
        case _:
            flat = {
                name: json.dumps(value) if isinstance(value, dict) else value for name, value in facts.items()
            }
            emit_table(pa.Table.from_pylist([flat]), output)


def emit_json(value: object, output: Output) -> None:
    """Write a value as indented JSON."""
    emit_text(json.dumps(plain_value(value), ensure_ascii=False, indent=2) + "\n", output)


def emit_text(text: str, output: Output) -> None:
    """Write text as it is; on a terminal what would steer it is written as escapes."""
    if output.path is None and sys.stdout.isatty():
        text = visible_lines(text)
    _write(text.encode(errors="backslashreplace"), output)


def emit_rendered(content: RenderableType, output: Output) -> None:
    """Write something made of escaped text; as wide as the terminal, or as it needs to be."""
    from rich.console import Console

    if output.path is None and sys.stdout.isatty():
        Console(markup=False, highlight=False, emoji=False).print(content)
        return
    text = io.StringIO()
    Console(file=text, width=_WIDE, markup=False, highlight=False, emoji=False).print(content)
    lines = (line.rstrip() for line in text.getvalue().splitlines())
    _write("".join(f"{line}\n" for line in lines).encode(errors="backslashreplace"), output)


def rendered(table: pa.Table) -> RenderableType:
    """A table for people; every text in it is escaped."""
    import pyarrow as pa
    from rich import box
    from rich.table import Table
    from rich.text import Text

    view = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for field in table.schema:
        is_number = pa.types.is_integer(field.type) or pa.types.is_floating(field.type)
        is_number = is_number or pa.types.is_decimal(field.type)
        view.add_column(Text(visible(field.name)), justify="right" if is_number else "left", overflow="fold")
    for row in zip(*(values_of(column) for column in table.columns), strict=True):
        view.add_row(*(Text(cell(value)) for value in row))
    return view


def cell(value: object) -> str:
    """A value as a person reads it, on one line; nothing for NULL."""
    match value:
        case None:
            return ""
        case str():
            return visible(value)
        case datetime():
            return str(value).removesuffix("+00:00")
        case list() | dict():
            return visible(json.dumps(plain_value(value), ensure_ascii=False))
        case _:
            return visible(str(plain_value(value)))


def _write(content: bytes, output: Output) -> None:
    if output.path is None:
        if output.format in {"parquet", "arrow"} and sys.stdout.isatty():
            name = output.format.capitalize()
            raise ConfigError(f"{name} is nothing for a terminal; give a file with -o FILE, or pipe it")
        write_bytes(content)
        return
    _replace(output.path, content)


def write_bytes(content: bytes) -> None:
    """Write all of it to stdout."""
    sys.stdout.flush()
    rest = memoryview(content)
    while rest:
        # With PYTHONUNBUFFERED there is no buffer, and a write may take a part only.
        rest = rest[sys.stdout.buffer.write(rest) :]
    sys.stdout.buffer.flush()


def _replace(path: Path, content: bytes) -> None:
    draft = path.with_name(path.name + ".new")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error
