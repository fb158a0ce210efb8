"""Events of AWS CloudTrail: who called what of which service. The service that was called is the source.

Source: AWS CloudTrail documentation, "CloudTrail record contents".
"""

from ingest.formats.base import JsonFormat

FORMAT = JsonFormat(
    name="cloudtrail",
    priority=155,
    match=lambda shape: shape.envelope("eventID", "eventName", "eventSource", "eventTime", "awsRegion"),
    by_name=False,
    fields={
        "event_id": (("eventID",),),
        "occurred_at": (("eventTime",),),
        "event_type": (("eventName",),),
        "service": (("eventSource",),),
        "correlation_id": (("requestID",),),
        "message": (("errorMessage",), ("errorCode",)),
    },
)
