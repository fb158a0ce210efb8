"""Audit logs of Kubernetes: requests to its API, one record for each stage of a request.

A request is the flow, its stages are the events; what is asked for is the entity. `level` says how much is
written of a request, and is no severity. Source: Kubernetes API, Event v1 of audit.k8s.io.
"""

from ingest.formats.base import JsonFormat, Shape
from ingest.names import Path


def _match(shape: Shape) -> Path | None:
    return () if shape.has("auditID", "stage", "verb", "requestURI") else None


FORMAT = JsonFormat(
    name="kubernetes_audit",
    priority=161,
    match=_match,
    by_name=False,
    fields={"correlation_id": (("auditID",),), "message": (("requestURI",),)},
    inputs={
        "audit": ("auditID",),
        "stage": ("stage",),
        "verb": ("verb",),
        "at_stage": ("stageTimestamp",),
        "received": ("requestReceivedTimestamp",),
        "resource": ("objectRef", "resource"),
        "part": ("objectRef", "subresource"),
        "namespace": ("objectRef", "namespace"),
        "object": ("objectRef", "name"),
    },
    derived={
        "event_id": "{audit} || '/' || {stage}",
        "occurred_at": "coalesce({at_stage}, {received})",
        "event_type": "concat_ws('.', {resource}, {part}, {verb})",
        "entity": "CASE WHEN {object} IS NOT NULL THEN concat_ws('/', {resource}, {namespace}, {object}) END",
    },
    computed={"service": "'kube-apiserver'"},
)
