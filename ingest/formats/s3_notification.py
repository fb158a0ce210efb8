"""Notifications of Amazon S3: what was done to an object, in the list `Records` or alone.

The bucket is the stream, the object the key and the entity; the request names the event and, as one may
delete many objects, the flow. Sequencers are hexadecimal and have holes, so they tell no loss, and are kept.
Source: Amazon S3 documentation, "Event message structure".
"""

from ingest.formats.base import JsonFormat

FORMAT = JsonFormat(
    name="s3_notification",
    priority=115,
    match=lambda shape: () if shape.has("eventSource", "eventName", "eventTime", "s3") else None,
    by_name=False,
    fields={
        "occurred_at": (("eventTime",),),
        "service": (("eventSource",),),
        "event_type": (("eventName",),),
        "schema_version": (("eventVersion",),),
    },
    inputs={
        "bucket": ("s3", "bucket", "name"),
        "object": ("s3", "object", "key"),
        "request": ("responseElements", "x-amz-request-id"),
    },
    derived={
        "event_id": "{request} || '/' || {object}",
        "stream": "{bucket}",
        "stream_key": "{object}",
        "correlation_id": "{request}",
        "entity": "{bucket} || '/' || {object}",
    },
)
