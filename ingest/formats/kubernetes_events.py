"""Events of Kubernetes (`kubectl get events -o json`, event exporters): what happened to which object.

`reason` is the type, the object it is about the entity, who reports it the service. One event is
counted up while it repeats and keeps its uid; the last time is when. Source: Kubernetes API, Event
v1 of core and of events.k8s.io.
"""

from ingest.formats.base import JsonFormat, Shape
from ingest.names import Path


def _match(shape: Shape) -> Path | None:
    for place in ((), ("event",), ("object",), ("message",)):
        here = {path[len(place)] for path in shape.paths if path[: len(place)] == place and path != place}
        if {"reason", "metadata"} <= here and not here.isdisjoint({"involvedObject", "regarding"}):
            return place
    return None


def _object(name: str) -> str:
    return f"coalesce({{involved_{name}}}, {{regarding_{name}}})"


FORMAT = JsonFormat(
    name="kubernetes_events",
    priority=160,
    match=_match,
    by_name=False,
    fields={
        "event_type": (("reason",),),
        "severity": (("type",),),
        "message": (("message",), ("note",)),
    },
    inputs={
        "uid": ("metadata", "uid"),
        "made": ("metadata", "creationTimestamp"),
        "moment": ("eventTime",),
        "first": ("firstTimestamp",),
        "last": ("lastTimestamp",),
        "first_now": ("deprecatedFirstTimestamp",),
        "last_now": ("deprecatedLastTimestamp",),
        "last_seen": ("series", "lastObservedTime"),
        "component": ("source", "component"),
        "host": ("source", "host"),
        "reporter": ("reportingComponent",),
        "controller": ("reportingController",),
        "instance": ("reportingInstance",),
        **{
            f"{place}_{name}": (key, name)
            for place, key in (("involved", "involvedObject"), ("regarding", "regarding"))
            for name in ("kind", "namespace", "name")
        },
    },
    derived={
        "event_id": "{uid}",
        "occurred_at": "coalesce({last_seen}, {last}, {last_now}, {moment}, {first}, {first_now}, {made})",
        "service": "coalesce(nullif({reporter}, ''), nullif({controller}, ''), {component})",
        "node": "coalesce(nullif({host}, ''), nullif({instance}, ''))",
        "entity": f"concat_ws('/', {_object('kind')}, {_object('namespace')}, {_object('name')})",
    },
)
