"""Who waits for whose lock in InnoDB: rows of tables and views that monitoring saves, as JSON or a table.

`performance_schema.data_lock_waits`, `sys.innodb_lock_waits`, `information_schema.innodb_lock_waits`. The
owners are transactions. What is locked is told by the table and index where the row has them, else by the
lock id without the transaction: space, page and record. Source: MySQL Reference Manual, "The data_lock_waits
Table", "The innodb_lock_waits and x$innodb_lock_waits Views"; MariaDB, "INNODB_LOCK_WAITS".
"""

from ingest.formats.base import JsonFormat, Shape
from ingest.names import NAMES, Path
from ingest.vocabulary import GENERIC

_PAIRS = (
    ("requesting_engine_transaction_id", "blocking_engine_transaction_id"),
    ("waiting_trx_id", "blocking_trx_id"),
    ("requesting_trx_id", "blocking_trx_id"),
)

_LOCK_ID = r"^\w+:(\d+(?::\d+)+?)(?::\d{{6,}})?$"
"""Regular expression, in a template: the transaction, the place of the lock, perhaps an address."""


def _match(shape: Shape) -> Path | None:
    return () if any(shape.names(*pair) for pair in _PAIRS) else None


FORMAT = JsonFormat(
    name="innodb_lock_waits",
    priority=280,
    match=_match,
    vocabulary=GENERIC.changed(
        event_id=(),
        event_type=(),
        operation=(),
        occurred_at=(*NAMES["occurred_at"], "wait_started"),
        lock_owner=tuple(waiting for waiting, _ in _PAIRS),
        lock_blocked_by=tuple(dict.fromkeys(blocking for _, blocking in _PAIRS)),
        lock_mode=("waiting_lock_mode", *NAMES["lock_mode"]),
        lock_resource=(
            "locked_table",
            "requesting_engine_lock_id",
            "waiting_lock_id",
            "requested_lock_id",
        ),
    ),
    inputs={"index": ("locked_index",)},
    derived={
        "event_type": "'innodb.lock_wait'",
        "lock_resource": (
            "CASE WHEN {index} IS NOT NULL THEN replace({lock_resource}, '`', '') || ' ' || {index}"
            f" ELSE coalesce(nullif(regexp_extract({{lock_resource}}, '{_LOCK_ID}', 1), ''),"
            " replace({lock_resource}, '`', '')) END"
        ),
    },
    computed={"operation": "'lock_wait'"},
)
