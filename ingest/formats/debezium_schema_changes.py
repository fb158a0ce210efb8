"""Debezium's schema change topic: the DDL of a database, bare or below `payload`.

Each is a change that may explain what follows: operation `change`. Source: Debezium documentation, "Schema
change topic" of the connectors for MySQL, Oracle and SQL Server.
"""

from ingest.formats.base import JsonFormat

_TABLE = (
    "coalesce(concat_ws('.', coalesce({schema}, {db}), nullif({table}, '')),"
    " nullif(concat_ws('.', {database_name}, {schema_name}), ''))"
)
_PLACE = "coalesce({lsn}, {file} || ':' || {pos} || coalesce(':' || {row}, ''), {gtid}, {change_lsn}, {scn})"

FORMAT = JsonFormat(
    name="debezium_schema_changes",
    priority=129,
    match=lambda shape: shape.envelope("source", "ddl", "tableChanges"),
    by_name=False,
    fields={"message": (("ddl",),)},
    inputs={
        "ms": ("ts_ms",),
        "source_ms": ("source", "ts_ms"),
        "connector": ("source", "name"),
        "db": ("source", "db"),
        "schema": ("source", "schema"),
        "table": ("source", "table"),
        "database_name": ("databaseName",),
        "schema_name": ("schemaName",),
        "lsn": ("source", "lsn"),
        "file": ("source", "file"),
        "pos": ("source", "pos"),
        "row": ("source", "row"),
        "gtid": ("source", "gtid"),
        "change_lsn": ("source", "change_lsn"),
        "scn": ("source", "scn"),
        "ddl": ("ddl",),
    },
    prepared={"changed": _TABLE, "place": _PLACE},
    derived={
        "event_id": "concat_ws('/', {connector}, {place}, {changed}, 'ddl', left(md5({ddl}), 8))",
        "occurred_at": "coalesce(nullif({source_ms}, '0'), {ms})",
        "service": "{connector}",
        "node": "{connector}",
        "operation": "'change'",
        "event_type": "'schema.' || lower(regexp_extract(ltrim({ddl}), '^[A-Za-z]+'))",
        "entity": "{changed}",
    },
)
