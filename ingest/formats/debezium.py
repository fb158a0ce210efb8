"""Debezium: changes of the rows of a database, bare or below `payload` where the schema is written too.

A change is named by the connector, its place in the log of the database, the table and the row. The
place orders changes and has holes by design. The transaction is the flow. A column that numbers the
versions of a row tells which version was changed to which. A table that was truncated and a message that was
written to the log of the database have no row. A row of an outbox (`aggregatetype`, `aggregateid`) is the
event that is in it. Source: Debezium documentation, "Data change events" of the connectors, "Outbox Event
Router".
"""

from ingest.formats.base import JsonFormat, Shape
from ingest.names import Path

_IDS = {"id": "id", "_id": "object_id", "ID": "upper_id", "Id": "title_id"}
_VERSIONS = ("version", "row_version", "lock_version")
_OUTBOX = {
    "aggregatetype": "of",
    "aggregate_type": "of_kind",
    "aggregateid": "about",
    "aggregate_id": "about_id",
}
_SOURCES = ("connector", "table", "collection", "db", "lsn", "snapshot")


def flow_of(transaction: str) -> str:
    """SQL: what the begin, the changes and the end of a transaction have in common.

    PostgreSQL's connector puts a place in the log behind the number of the transaction, another one each.
    """
    return f"regexp_replace({{{transaction}}}, '^(\\d+):\\d+$', '\\1')"


def _match(shape: Shape) -> Path | None:
    for place in ((), ("payload",)):
        here = {path[-1] for path in shape.paths if path[:-1] == place}
        if not here.issuperset({"op", "source"}):
            continue
        if here.isdisjoint({"before", "after"}):  # a table that was truncated, a message in the log
            is_bare = "ts_ms" in here and (place or ("source", "connector") in shape.paths)
            if not is_bare:
                continue
            return place
        # What is below `payload` is not looked into; there the time tells.
        known = here.intersection({"ts_ms", "transaction"}) if place else None
        if known or any(("source", name) in shape.paths for name in _SOURCES):
            return place
    return None


def _row(*columns: str) -> str:
    """The first of these columns that has a value, in the row as it is or else as it was."""
    return ", ".join(f"{{{state}_{column}}}" for column in columns for state in ("after", "before"))


_TABLE = (
    "CASE WHEN coalesce({table}, {collection}, '') <> ''"
    " THEN concat_ws('.', coalesce({schema}, {db}), coalesce({table}, {collection})) END"
)
# A document of MongoDB is a text, in Extended JSON.
_DOCUMENT = "coalesce({after}, {before})"
_OBJECT_ID = ", ".join(
    f"json_extract_string({_DOCUMENT}, '/_id{kind}')" for kind in ("/$oid", "/$numberLong", "/$numberInt", "")
)
_KEY = (
    f"coalesce({_row(*_IDS.values())},"
    f" CASE WHEN {{collection}} <> '' AND json_valid({_DOCUMENT}) THEN coalesce({_OBJECT_ID}) END)"
)
SOURCE = {
    "us": ("ts_us",),
    "ms": ("ts_ms",),
    "source_us": ("source", "ts_us"),
    "source_ms": ("source", "ts_ms"),
    "connector": ("source", "name"),
    "db": ("source", "db"),
    "schema": ("source", "schema"),
    "table": ("source", "table"),
    "collection": ("source", "collection"),
    "lsn": ("source", "lsn"),
    "file": ("source", "file"),
    "pos": ("source", "pos"),
    "row": ("source", "row"),
    "gtid": ("source", "gtid"),
    "change_lsn": ("source", "change_lsn"),
    "serial": ("source", "event_serial_no"),
    "scn": ("source", "scn"),
    "rs_id": ("source", "rs_id"),
    "ssn": ("source", "ssn"),
    "resume_token": ("source", "resume_token"),
    "vgtid": ("source", "vgtid"),
    "ord": ("source", "ord"),
}
"""Inputs of what tells of where and when a change was in the database."""
PLACE = (
    "coalesce({lsn}, {file} || ':' || {pos} || coalesce(':' || {row}, ''), {gtid},"
    " {change_lsn} || coalesce(':' || {serial}, ''),"
    " {scn} || coalesce(':' || {rs_id}, '') || coalesce(':' || {ssn}, ''), {resume_token}, {vgtid},"
    " {source_ms} || ':' || {ord})"
)
# A snapshot reads every row at one place; without a key the row itself tells them apart.
_ROW = "coalesce({row_key}, md5(coalesce({after}, {before})))"
# What is deleted of an outbox was sent before.
_OF_OUTBOX = (
    "CASE WHEN {row_key} IS NOT NULL AND {kind} IS NOT NULL AND coalesce({about}, {about_id}) IS NOT NULL"
    " THEN coalesce({of}, {of_kind}) END"
)
TIME = ", ".join(f"nullif({{{name}}}, '0')" for name in ("source_us", "source_ms", "us", "ms"))

FORMAT = JsonFormat(
    name="debezium",
    priority=130,
    match=_match,
    by_name=False,
    inputs={
        "op": ("op",),
        "before": ("before",),
        "after": ("after",),
        **SOURCE,
        "prefix": ("message", "prefix"),
        "transaction_no": ("source", "txId"),
        "transaction": ("transaction", "id"),
        "kind": ("after", "type"),
        **{name: ("after", column) for column, name in _OUTBOX.items()},
        **{
            f"{state}_{name}": (state, column)
            for state in ("before", "after")
            for column, name in (*_IDS.items(), *zip(_VERSIONS, _VERSIONS, strict=True))
        },
    },
    prepared={
        "changed": _TABLE,
        "row_key": _KEY,
        "place": PLACE,
        "outbox": _OF_OUTBOX,
        "aggregate": "coalesce({about}, {about_id})",
    },
    derived={
        "event_id": (
            "CASE WHEN {outbox} IS NOT NULL THEN {row_key}"
            f" WHEN {{place}} IS NULL THEN {{event_id}}"
            f" ELSE concat_ws('/', {{connector}}, {{place}}, {{changed}}, {_ROW}) END"
        ),
        "occurred_at": f"coalesce({TIME}, {{occurred_at}})",
        "node": "coalesce({node}, {connector})",
        "service": "coalesce({service}, {connector})",
        "event_type": (
            "CASE WHEN {outbox} IS NOT NULL THEN {kind}"
            " ELSE concat_ws('.', coalesce({changed}, {prefix}), {op}) END"
        ),
        "stream": "coalesce({outbox}, {stream}, concat_ws('.', {connector}, {changed}))",
        "stream_key": "coalesce({aggregate}, {stream_key}, {row_key})",
        "epoch": "{file}",
        "broker_sequence": "coalesce({lsn}, {pos}, {scn}, {broker_sequence})",
        "correlation_id": f"coalesce({flow_of('transaction')}, {{transaction_no}}, {{correlation_id}})",
        "entity": "coalesce({outbox} || '/' || {aggregate}, {changed} || '/' || {row_key})",
        "entity_version": f"coalesce({', '.join(f'{{after_{name}}}' for name in _VERSIONS)})",
        "expected_version": f"coalesce({', '.join(f'{{before_{name}}}' for name in _VERSIONS)})",
    },
)
