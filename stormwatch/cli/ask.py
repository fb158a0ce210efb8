"""The verbs that put questions: sql, query, queries."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from stormwatch.address import Database
from stormwatch.cli.options import Output, database_option, limit_options, output_options
from stormwatch.errors import ConfigError

_PARAMETERS = click.option(
    "-p", "--param", "params", multiple=True, metavar="NAME=VALUE", help="A parameter; may be repeated."
)


@click.command()
@click.argument("statement", metavar="SQL")
@_PARAMETERS
@limit_options
@output_options
@database_option
def sql(
    statement: str, params: tuple[str, ...], limit: int, timeout: float, output: Output, database: Database
) -> None:
    """Run one SQL statement that only reads; - takes it from stdin.

    Parameters bind as $NAME. Works while `up` or `ingest --follow` run, through them, and when nothing runs.
    """
    from stormwatch.cli.output import emit_answer
    from stormwatch.client import Bounds, open_data

    text = sys.stdin.read() if statement == "-" else statement
    with open_data(database) as data:
        answer = data.sql(text, _named(params), Bounds(limit, timeout))
    emit_answer(answer, output)


@click.command()
@click.argument("name")
@_PARAMETERS
@limit_options
@output_options
@database_option
def query(
    name: str, params: tuple[str, ...], limit: int, timeout: float, output: Output, database: Database
) -> None:
    """Ask a relation of the catalogue by its NAME.

    `stormwatch queries` lists them.
    """
    from stormwatch.cli.output import emit_answer
    from stormwatch.client import Bounds, open_data

    with open_data(database) as data:
        answer = data.query(name, _named(params), Bounds(limit, timeout))
    emit_answer(answer, output)


@click.command()
@click.option("--show", metavar="NAME", help="Print the definition of a relation or the columns of a table.")
@click.option("--internal", is_flag=True, help="List those too that only serve other relations.")
@output_options
def queries(show: str | None, output: Output, *, internal: bool) -> None:
    """List the relations that answer questions, and the tables.

    Needs no database.
    """
    import pyarrow as pa

    from stormwatch.catalog import Catalog
    from stormwatch.cli.output import emit_table, emit_text

    catalog = Catalog.load()
    if show is not None and show not in catalog.tables:
        emit_text(catalog.find(show).sql, output)
        return
    if show is not None:
        rows = [asdict(column) for column in catalog.tables[show].columns]
    else:
        rows = [
            {
                "name": query.name,
                "question": query.question,
                "parameters": ", ".join(parameter.name for parameter in query.parameters),
                "example": query.example,
            }
            for query in sorted(catalog.values(), key=lambda query: query.name)
            if internal or not query.is_internal
        ]
        rows += [
            {
                "name": table.name,
                "question": f"table: {table.description}",
                "parameters": "",
                "example": f'stormwatch sql "FROM {table.name}"',
            }
            for table in catalog.tables.values()
        ]
    emit_table(pa.Table.from_pylist(rows), output)


def _named(params: tuple[str, ...]) -> dict[str, str]:
    named = {}
    for param in params:
        name, equals, value = param.partition("=")
        if not equals or not name:
            raise ConfigError(f"-p {param}: expected NAME=VALUE, for example since=2026-11-20T10:00")
        named[name] = value
    return named


VERBS = (sql, query, queries)
