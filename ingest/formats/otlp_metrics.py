"""OTLP/JSON metrics: one `MetricsData` per line, as the file exporter writes them.

Metrics are measured, and happen to nobody: each is one row of the same type with the time of its latest data
point, so that a line has a time and a service, and no kind of event is made of its name. Source: OTLP;
OpenTelemetry metrics data model.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from ingest.formats import otlp
from ingest.formats.base import JsonFormat, Transcoder
from ingest.formats.otlp import Json

_KINDS: Final = ("gauge", "sum", "histogram", "exponentialHistogram", "summary")
_MADE: Final = ("@type", "@time", *otlp.COMMON)


def _metric(common: Json, metric: Json) -> Json:
    if not isinstance(metric.get("name"), str):
        raise ValueError("a metric without a name")  # noqa: TRY004 - the reason of a reject
    points: list[Any] = []
    for kind in _KINDS:
        points += otlp.items(otlp.part(metric, kind), "dataPoints") if metric.get(kind) else []
    for point in points:
        otlp.check_times(point, "timeUnixNano")
    times = [_count(point["timeUnixNano"]) for point in points if point.get("timeUnixNano")]
    metric.update(common)
    return otlp.put(metric, {"@type": "otlp.metric", "@time": str(max(times)) if times else None})


def _count(written: Any) -> int:
    """A number that may be written as a text, or as a fraction."""
    return int(written) if str(written).isdigit() else int(float(written))


def _transcode(line: bytes) -> Iterator[Json]:
    for common, metric in otlp.scoped(line, "Metrics", "metrics"):
        yield _metric(common, metric)


FORMAT = Transcoder(
    name="otlp_metrics",
    format=JsonFormat(
        name="otlp_metrics",
        priority=0,
        match=lambda _: None,
        by_name=False,
        fields={
            "occurred_at": (("@time",),),
            "service": (("@service",),),
            "node": (("@node",),),
            "event_type": (("@type",),),
            "message": (("name",),),
            "schema_version": (("@schema",),),
        },
        made=_MADE,
    ),
    match_json=lambda shape: shape.has("resourceMetrics") or shape.has("resource_metrics"),
    known_by='{"resourceMetrics":[',
    transcode=_transcode,
)
