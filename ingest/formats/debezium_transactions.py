"""Debezium's transaction topic: where each transaction of a database begins and ends.

The end says how many changes there were in all and per table (`event_count`, `data_collections`), so
that a lost one can be told. A transaction is named by its id, the flow of its changes. Source: Debezium
documentation, "Transaction metadata".
"""

from ingest.formats.base import JsonFormat
from ingest.formats.debezium import flow_of

FORMAT = JsonFormat(
    name="debezium_transactions",
    priority=131,
    match=lambda shape: shape.envelope("status", "id", "event_count", "data_collections"),
    by_name=False,
    fields={
        "occurred_at": (("ts_ms",),),
        "event_type": (("status",),),
    },
    inputs={"transaction": ("id",), "status": ("status",)},
    derived={"event_id": "{transaction} || '/' || {status}", "correlation_id": flow_of("transaction")},
)
