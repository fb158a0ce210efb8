"""Answers of stores and interfaces that were saved: the events in them are read as records of their own.

A list at any depth, with nothing around it but what pages are turned by, counted or timed: Elasticsearch's
`hits.hits`, `edges` of GraphQL, pages of REST, JSON:API, OData and Spring Data; lines of Loki by their
labels; results of Splunk; traces of Tempo and Jaeger; rows of Azure Monitor and of CloudWatch Logs Insights,
which name their columns.
An answer without a list of objects that have a time, or a name that only ids of events, causes or flows have,
is a record itself. What stands around the list
is kept with the first event.
Source: Elasticsearch, "Search API"; Grafana Loki and Tempo, "HTTP API"; Jaeger, "APIs"; Splunk, "Export
search results"; Azure Monitor, "Query API, response format"; AWS, "GetQueryResults"; GraphQL, "Cursor
Connections"; jsonapi.org; OData JSON format 4.01.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import orjson

from ingest.formats import event_lists, exact
from ingest.formats.base import Envelope, Shape, Transcoder, made
from ingest.vocabulary import CLEAR_IDS, GENERIC, normalise

_LISTS: Final = frozenset(
    {
        "events", "records", "messages", "entries", "logs", "items", "data", "results", "result", "rows",
        "hits", "value", "documents", "docs", "edges", "content", "list", "streams", "tables", "nodes",
    }
)  # fmt: skip
"""What a list of events may be called, or an object that it is in."""
_BESIDE: Final = frozenset(
    {
        "count", "total", "totalcount", "totalelements", "totalpages", "totalhits", "totalresults", "size",
        "limit", "offset", "page", "pages", "pagesize", "perpage", "pageable", "pagenumber", "number",
        "numberofelements", "first", "last", "empty", "sort", "next", "nextpage", "nexttoken", "nextlink",
        "nextcursor", "prev", "previous", "cursor", "pageinfo", "pagination", "paging", "hasmore", "hasnext",
        "hasnextpage", "links", "link", "self", "took", "timedout", "shards", "maxscore", "aggregations",
        "status", "success", "ok", "error", "errors", "generatedat", "exportedat", "version", "meta",
        "metadata", "resulttype", "stats", "statistics", "encodingflags", "odatacontext", "odatanextlink",
        "odatacount", "query", "querydefinition", "included", "jsonapi", "scrollid", "pitid",
        "terminatedearly", "preview", "lastrow", "extensions", "export", "render",
    }
)  # fmt: skip
_AROUND_A_TRACE: Final = ("trace", "result")
_RESOURCES: Final = "resourceSpans"
_OF_SCOPES: Final = frozenset({"scopeSpans", "instrumentationLibrarySpans"})
_DEPTH: Final = 4
_LINE: Final = 2
_NODE: Final = frozenset({"node", "cursor"})
_SERVICE: Final = ("service_name", "service", "app", "job", "container")
_NODE_LABELS: Final = ("pod", "instance", "host", "hostname")
"""Labels of Loki, best first."""

_Listed = tuple[dict[str, Any], list[dict[str, Any]]]
"""What stands around a list, and the events in it."""


def _match(shape: Shape) -> bool:
    keys = {path[0] for path in shape.paths if not path[0].startswith("@")}
    if shape.has("@answers") or event_lists.is_one(shape):
        return False
    if keys == {"batches"} or any((name, _RESOURCES) in shape.paths for name in _AROUND_A_TRACE):
        return True
    within = [path[1] for path in shape.paths if len(path) > 1 and normalise(path[0]) in _LISTS]
    named = [*map(normalise, keys)]
    return not _LISTS.isdisjoint(named) and _is_around(named) and _is_around(map(normalise, within))


def _is_around(names: Iterable[str]) -> bool:
    return all(name in _LISTS or name in _BESIDE for name in names)


def _transcode(record: bytes) -> Iterator[dict[str, Any] | bytes]:
    content = exact.loads(record)
    if spans := _spans(content):
        yield orjson.dumps({_RESOURCES: spans})
        return
    found = _listed(content, _DEPTH)
    if found is None:
        yield {"event": record.decode()}
        return
    around, events = found
    for number, event in enumerate(events):
        beside = event if number else {**around, **event}
        yield beside if len(beside) > 1 else beside["event"].encode()


def _spans(content: Mapping[str, Any]) -> list[Any]:
    """What a trace of Tempo or Jaeger holds of each resource, as OTLP has it."""
    around = [content[name] for name in _AROUND_A_TRACE if isinstance(content.get(name), dict)]
    of_resources = around[0].get(_RESOURCES) if around else content.get("batches")
    if not isinstance(of_resources, list):
        return []
    are_spans = (isinstance(one, dict) and not _OF_SCOPES.isdisjoint(one) for one in of_resources)
    return of_resources if all(are_spans) else []


def _listed(content: Mapping[str, Any], depth: int) -> _Listed | None:
    """The first list of events in an object or in those within."""
    for name, value in content.items():
        if normalise(name) not in _LISTS or not depth:
            continue
        found: _Listed | None = None
        if isinstance(value, list) and value:
            events = list(_events(value))
            found = ({}, events) if events else None
        elif isinstance(value, dict) and ("preview" in content or _is_around(map(normalise, value))):
            found = ({}, [_written(value)]) if "_raw" in value else _listed(value, depth - 1)
            found = found and ({name: found[0]} if found[0] else {}, found[1])
        if found is not None:
            around, events = found
            return {**{key: one for key, one in content.items() if key != name}, **around}, events
    return None


def _events(listed: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """The events of a list; none if its elements are something else."""
    first = listed[0]
    if isinstance(first, list):
        yield from map(_written, _pairs(listed))
    elif not all(isinstance(one, dict) for one in listed):
        return
    elif all(map(_has_lines, listed)):
        yield from (line for one in listed for line in _lines(one))
    elif all(map(_has_rows, listed)):
        yield from (_written(row) for one in listed for row in _rows(one))
    else:
        nodes = list(map(_inner, listed))
        yield from map(_written, nodes) if any(map(_is_event, nodes)) else ()


def _inner(one: dict[str, Any]) -> dict[str, Any]:
    node = one.get("node")
    return node if one.keys() <= _NODE and isinstance(node, dict) else one


def _is_event(one: Mapping[str, Any]) -> bool:
    inner = [(key, name) for key, value in one.items() if isinstance(value, dict) for name in value]
    named = GENERIC.roles([*((key,) for key in one), *inner])
    names = (normalise(path[-1]) for path in [*((key,) for key in one), *inner])
    return "occurred_at" in named or "_source" in one or not CLEAR_IDS.isdisjoint(names)


def _written(one: Mapping[str, Any]) -> dict[str, Any]:
    return {"event": orjson.dumps(one).decode()}


def _has_lines(one: Mapping[str, Any]) -> bool:
    lines = one.get("values")
    are_lists = isinstance(lines, list) and all(isinstance(line, list) for line in lines)
    return are_lists and isinstance(one.get("stream"), dict) and all(map(_is_line, one["values"]))


def _is_line(line: Sequence[Any]) -> bool:
    """Its time and its text, and perhaps what Loki calls structured metadata."""
    return [isinstance(part, str) for part in line[:_LINE]] == [True] * _LINE


def _has_rows(one: Mapping[str, Any]) -> bool:
    columns, rows = one.get("columns"), one.get("rows")
    if not isinstance(columns, list) or not isinstance(rows, list):
        return False
    is_named = all(isinstance(column, dict) and isinstance(column.get("name"), str) for column in columns)
    return is_named and all(isinstance(row, list) and len(row) == len(columns) for row in rows)


def _lines(stream: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    labels = stream["stream"]
    roles = {"service": _SERVICE, "node": _NODE_LABELS}
    told = {role: [labels[name] for name in names if name in labels] for role, names in roles.items()}
    about = {role: values[0] for role, values in told.items() if values}
    for time, line, *_ in stream["values"]:
        yield {"event": line, "timestamp": time, "stream": labels, **about}


def _rows(table: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    names = [column["name"] for column in table["columns"]]
    for row in table["rows"]:
        yield {name: value for name, value in zip(names, row, strict=True) if value is not None}


def _pairs(listed: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """Rows of fields with their values, of which what Insights calls `@...` is its own."""
    for row in listed:
        if isinstance(row, list) and all(
            isinstance(one, dict) and type(one.get("field")) is str for one in row
        ):
            fields = {one["field"]: one.get("value") for one in row}
            yield {name.removeprefix("@"): value for name, value in fields.items() if name != "@ptr"}


FORMAT = Transcoder(
    name="answers",
    format=Envelope(
        name="answers",
        match=lambda _: False,
        held=("event",),
        format=made(
            name="answers",
            fields={"occurred_at": "timestamp", "service": "service", "node": "node", "message": "event"},
        ),
        about={"occurred_at": "{time}", "service": "{service}", "node": "{node}"},
        inputs={"time": ("timestamp",), "service": ("service",), "node": ("node",)},
    ),
    match_json=_match,
    transcode=_transcode,
    is_last=True,
)
