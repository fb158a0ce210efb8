"""AWS X-Ray: segments with their subsegments within them, also as `aws xray batch-get-traces` prints them.

A subsegment is what was done within a segment, and the parent of the segment that it called in another
service: each becomes a record of xray, below the one that it stands in. Its service is that of the segment.
Source: AWS X-Ray documentation, "Segment documents"; X-Ray API, BatchGetTraces.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from ingest.formats import exact, xray
from ingest.formats.base import Shape, Transcoder

_ANSWER: Final = {("Traces",), ("UnprocessedTraceIds",), ("NextToken",)}
_WITHIN: Final = "subsegments"
_SEGMENT: Final = "@segment"
_TELLING: Final = (b'"Document"', b'"%b"' % _WITHIN.encode())


def _match(shape: Shape) -> bool:
    is_answer = shape.has("Traces") and shape.paths <= _ANSWER
    return is_answer or shape.has("trace_id", "id", "name", "start_time", _WITHIN)


def _documents(content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "Traces" not in content:
        yield content
        return
    for trace in content["Traces"]:
        for segment in trace["Segments"]:
            document = segment["Document"]
            yield exact.loads(document.encode()) if isinstance(document, str) else document


def _flattened(document: dict[str, Any], about: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What is in a document, from the outside to the inside."""
    within = document.pop(_WITHIN, None) or []
    found = {**document, **about}
    yield found
    below = {
        "trace_id": found["trace_id"],
        "parent_id": found["id"],
        _SEGMENT: found.get(_SEGMENT, found["name"]),
    }
    for one in within:
        yield from _flattened(one, below)


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    try:
        for document in _documents(exact.loads(record)):
            yield from _flattened(document, {})
    except (AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"no segments with ids and names: {error}") from error


FORMAT = Transcoder(
    name="xray_documents",
    format=replace(
        xray.FORMAT,
        name="xray_documents",
        inputs={**xray.FORMAT.inputs, "segment": (_SEGMENT,)},
        derived={**xray.FORMAT.derived, "service": "coalesce({segment}, {service})"},
        made=(_SEGMENT,),
    ),
    match_json=_match,
    is_told=lambda record: any(telling in record for telling in _TELLING),
    transcode=_transcode,
)
