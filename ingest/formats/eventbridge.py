"""Amazon EventBridge: an event in the envelope that every target gets, `detail` in it.

`account` is whose cloud it happened in, no key: every event of a company has the same. Source: Amazon
EventBridge documentation, "Events", structure of an event.
"""

from ingest.formats.base import JsonFormat
from ingest.names import NAMES
from ingest.vocabulary import GENERIC

FORMAT = JsonFormat(
    name="eventbridge",
    priority=110,
    match=lambda shape: shape.envelope("id", "detail-type", "source", "account", "time"),
    by_value=True,
    fields={
        "event_id": (("id",),),
        "occurred_at": (("time",),),
        "service": (("source",),),
        "event_type": (("detail-type",),),
    },
    vocabulary=GENERIC.changed(
        stream_key=tuple(name for name in NAMES["stream_key"] if not name.startswith("account"))
    ),
)
