"""The canonical record: the only definition of what every log format is turned into."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

OPERATIONS: Final = (
    "create", "send", "receive", "process", "settle",
    "lock_wait", "lock_acquire", "lock_release", "deadlock",
    "change", "start", "stop", "crash",
)  # fmt: skip
"""What an observation says was done: OpenTelemetry `messaging.operation.type` plus locks and life cycle."""

CAUSE_KINDS: Final = ("causation", "parent", "link", "message", "clock")
"""How a cause is known."""

RECORD_FIELDS: Final = (
    pa.field("byte_offset", pa.int64()),
    pa.field("byte_length", pa.int32()),
    pa.field("record_no", pa.int32()),
)
"""Where an observation stands in its file."""

EVENT_SCHEMA: Final = pa.schema(
    [
        pa.field("file_id", pa.int32()),
        *RECORD_FIELDS,
        pa.field("format", pa.string()),
        pa.field("event_id", pa.string()),
        pa.field("occurred_at", pa.timestamp("us")),
        pa.field("node", pa.string()),
        pa.field("service", pa.string()),
        pa.field("operation", pa.string()),
        pa.field("event_type", pa.string()),
        pa.field("stream", pa.string()),
        pa.field("stream_key", pa.string()),
        pa.field("epoch", pa.string()),
        pa.field("sequence", pa.int64()),
        pa.field("sequence_source", pa.string()),
        pa.field("causation_id", pa.string()),
        pa.field("cause_kind", pa.string()),
        pa.field("correlation_id", pa.string()),
        pa.field("message_id", pa.string()),
        pa.field("schema_version", pa.string()),
        pa.field("entity", pa.string()),
        pa.field("entity_version", pa.int64()),
        pa.field("expected_version", pa.int64()),
        pa.field("attempt", pa.int32()),
        pa.field("is_redelivered", pa.bool_()),
        pa.field("severity", pa.string()),
        pa.field("message", pa.string()),
        pa.field("attributes", pa.string()),
    ]
)
"""A row of the table `observations` as a format delivers it (without `ingested_at`)."""
