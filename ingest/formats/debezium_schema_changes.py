"""Debezium's schema change topic: the DDL of a database, bare or below `payload`.

Each is a change that may explain what follows: operation `change`. Source: Debezium documentation, "Schema
change topic" of the connectors for MySQL, Oracle and SQL Server.
"""

from ingest.formats.base import JsonFormat
from ingest.formats.debezium import PLACE, SOURCE, TIME

_TABLE = (
    "coalesce(concat_ws('.', coalesce({schema}, {db}), nullif({table}, '')),"
    " nullif(concat_ws('.', {database_name}, {schema_name}), ''))"
)

FORMAT = JsonFormat(
    name="debezium_schema_changes",
    priority=129,
    match=lambda shape: shape.envelope("source", "ddl", "tableChanges"),
    by_name=False,
    fields={"message": (("ddl",),)},
    inputs={
        **SOURCE,
        "database_name": ("databaseName",),
        "schema_name": ("schemaName",),
        "ddl": ("ddl",),
    },
    prepared={"changed": _TABLE, "place": PLACE},
    derived={
        "event_id": "concat_ws('/', {connector}, {place}, {changed}, 'ddl', left(md5({ddl}), 8))",
        "occurred_at": f"coalesce({TIME})",
        "service": "{connector}",
        "node": "{connector}",
        "operation": "'change'",
        "event_type": "'schema.' || lower(regexp_extract(ltrim({ddl}), '^[A-Za-z]+'))",
        "entity": "{changed}",
    },
)
