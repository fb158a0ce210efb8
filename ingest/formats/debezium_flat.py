"""Debezium's changes without their envelope: the row itself, and beside it `__op`, `__table`, `__lsn` ...

The `id` of such a record is that of the row, never of the event. Source: Debezium documentation, "New
Record State Extraction", `add.fields`.
"""

from ingest.formats.base import JsonFormat, Shape
from ingest.names import Path

_BESIDE = ("__table", "__lsn", "__source_ts_ms", "__source_lsn", "__source_table", "__db", "__deleted")
_IDS = {"id": "id", "_id": "object_id", "ID": "upper_id", "Id": "title_id"}
_VERSIONS = ("version", "row_version", "lock_version")


def _match(shape: Shape) -> Path | None:
    return () if shape.has("__op") and any(shape.has(name) for name in _BESIDE) else None


_ROW = f"coalesce({', '.join(f'{{{name}}}' for name in _IDS.values())})"
_TABLE = "coalesce({table}, {source_table})"
_PLACE = "coalesce({lsn}, {source_lsn}, {file} || ':' || {pos})"

FORMAT = JsonFormat(
    name="debezium_flat",
    priority=132,
    match=_match,
    by_name=False,
    inputs={
        "op": ("__op",),
        "table": ("__table",),
        "source_table": ("__source_table",),
        "connector": ("__name",),
        "lsn": ("__lsn",),
        "source_lsn": ("__source_lsn",),
        "file": ("__file",),
        "pos": ("__pos",),
        "source_ms": ("__source_ts_ms",),
        "ms": ("__ts_ms",),
        "transaction_no": ("__txId",),
        **{name: (column,) for column, name in (*_IDS.items(), *zip(_VERSIONS, _VERSIONS, strict=True))},
    },
    prepared={"row_key": _ROW, "changed": _TABLE, "place": _PLACE},
    derived={
        "event_id": (
            "CASE WHEN {place} IS NOT NULL"
            " THEN concat_ws('/', {connector}, {place}, {changed}, {row_key}) END"
        ),
        "occurred_at": "coalesce({source_ms}, {ms})",
        "service": "{connector}",
        "event_type": "concat_ws('.', {changed}, {op})",
        "stream": "{changed}",
        "stream_key": "{row_key}",
        "broker_sequence": "coalesce({lsn}, {source_lsn}, {pos})",
        "correlation_id": "{transaction_no}",
        "entity": "concat_ws('/', {changed}, {row_key})",
        "entity_version": f"coalesce({', '.join(f'{{{name}}}' for name in _VERSIONS)})",
    },
)
