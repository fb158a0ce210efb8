"""Diagnostic logs of Azure's databases: what the server wrote is in `properties.message`, read as a record.

PostgreSQL's severity and process stand beside it and in it. The resource is the service, where the text does
not name one. Source: Azure Monitor documentation, "Resource logs"; Azure Database for PostgreSQL, "Logs".
"""

from ingest.formats.base import Envelope, made
from ingest.names import Path

_INPUTS: dict[str, Path] = {
    "text": ("properties", "message"),
    "time": ("time",),
    "said": ("properties", "timestamp"),
    "level": ("properties", "errorLevel"),
    "resource": ("resourceId",),
    "resource_upper": ("ResourceId",),
    "server": ("LogicalServerName",),
}
_ABOUT = {
    "occurred_at": "coalesce({said}, {time})",
    "severity": "{level}",
    "service": (
        "coalesce({server}, nullif(regexp_extract(coalesce({resource}, {resource_upper}), '[^/]+$'), ''))"
    ),
}

FORMAT = Envelope(
    name="azure_diagnostics",
    match=lambda shape: ("properties", "message") in shape.paths and shape.has("category", "time"),
    held=("properties", "message"),
    format=made(
        name="azure_diagnostics",
        fields={"event_type": "category"},
        inputs=_INPUTS,
        derived=_ABOUT,
        computed={"message": "{text}"},
    ),
    about=_ABOUT,
    inputs=_INPUTS,
)
