"""Jaeger traces as its API answers and its UI saves them: `{"data": [{traceID, spans, processes}]}`.

Each span becomes a record of jaeger_spans, with its process in place of the process' name. Also a
trace without what is around it. Source: Jaeger, model/json.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import orjson

from ingest.formats import jaeger_spans
from ingest.formats.base import Shape, Transcoder

_TRACE: Final = ("traceID", "spans", "processes")
_ANSWER: Final = {("data",), ("total",), ("limit",), ("offset",), ("errors",)}


def _match(shape: Shape) -> bool:
    return shape.has(*_TRACE) or (shape.has("data") and shape.paths <= _ANSWER)


def _objects(found: Any, what: str) -> list[dict[str, Any]]:
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise ValueError(f"{what} is not a list of objects")
    return found


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    content = orjson.loads(record)
    for trace in _objects(content["data"], "data") if "data" in content else [content]:
        processes = trace.get("processes") or {}
        if not isinstance(processes, dict):
            raise ValueError("processes is not an object")  # noqa: TRY004 - the reason of a reject
        rest = {key: value for key, value in trace.items() if key not in _TRACE and value}
        for span in _objects(trace.get("spans"), "spans"):
            if "spanID" not in span:
                raise ValueError("a span without a spanID")
            named = span.get("processID")
            process = processes.get(named) if isinstance(named, str) else None
            around = {"process": process} if isinstance(process, dict) else {}
            yield {**span, **around, **({"trace": rest} if rest else {})}


FORMAT = Transcoder(
    name="jaeger",
    format=replace(jaeger_spans.FORMAT, name="jaeger"),
    match_json=_match,
    holds=b'"spanID"',
    transcode=_transcode,
)
