"""Events that call their type `name`: event stores, outboxes, analytics.

In any other record a name is that of a person, a product or a logger.
"""

from ingest.formats.base import JsonFormat, Shape
from ingest.names import NAMES, Path
from ingest.vocabulary import GENERIC

_IDS = ("id", "event_id", "event_identifier", "message_id", "uuid")
_CONTENT = ("data", "payload", "body", "event_data", "params", "metadata", "meta")
_OTHER = (
    "event_type", "type", "event_name", "message_type", "kind", "event", "level", "severity",
    "message", "msg",
)  # fmt: skip


def _match(shape: Shape) -> Path | None:
    is_event = any(shape.names(name) for name in _IDS) and any(shape.names(name) for name in _CONTENT)
    is_told = any(shape.names(name) for name in _OTHER)
    return () if is_event and shape.has("name") and not is_told else None


FORMAT = JsonFormat(
    name="named_events",
    priority=950,
    match=_match,
    by_value=True,
    vocabulary=GENERIC.changed(event_type=(*NAMES["event_type"], "name")),
)
