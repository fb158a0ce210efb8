"""Deadlock graphs of SQL Server as XML, on one line or many.

`<event name="xml_deadlock_report">` of an Extended Events session such as `system_health`, alone or in a
`<RingBufferTarget>`; `<deadlock>` and `<deadlock-list>`, as `.xdl` files hold them, which say no time.
Every waiter of a resource waits for each of its other owners. Owners go by their session (`spid`),
and by their thread where a query ran in parallel. Documents with a document type are refused. Source:
SQL Server documentation, "Deadlocks guide".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from xml.parsers import expat

from ingest.formats.base import Transcoder, lines_with, made

_STARTS: Final = (
    rb"[ \t]*(?:<\?xml [^\n]*|<(?:deadlock(?:-list)?[\s>]|RingBufferTarget[\s>]"
    rb"|event [^>\n]*name=[\"']xml_deadlock_report[\"']))"
)
_DECLARATION: Final = re.compile(rb"\s*<\?xml .*?\?>")
_BEFORE: Final = re.compile(rb"\s*(?:<\?xml [^>\n]*\?>\s*)?")
_ROOT: Final = re.compile(rb"<([A-Za-z_][\w.-]*)[\s/>]")
_SQL: Final = re.compile(rb"<(?:inputbuf|frame|value)\b[^<>]*>")
"""The tag behind which text is a statement."""
_PART: Final = re.compile(rb"\0*[ \t]*<(RingBufferTarget|event|deadlock-list|deadlock)[\s>]")
_NESTED: Final = (b"RingBufferTarget", b"event", b"deadlock-list", b"deadlock")
"""Elements that begin a record, and may stand in those before them."""
_MORE_XML: Final = re.compile(rb"(?:[ \t]*+(?:<[^\n]*+)?\r?\n)++")
_LONGEST_TAG: Final = 4096
_LONGEST: Final = 8 << 20
"""Bytes of a document, when nothing ends it."""
_DEEPEST: Final = 100


@dataclass(slots=True)
class _Element:
    """An element of a document."""

    name: str
    attributes: dict[str, str]
    children: list[_Element] = field(default_factory=list)
    text: str = ""
    source: bytes = b""
    """As it was written."""
    document: list[_Element] = field(default_factory=list)
    """All elements in their order; those within are from `first_within` on to before `behind`."""
    first_within: int = 0
    behind: int = 0

    def every(self, *names: str) -> Iterator[_Element]:
        """The elements within that have one of these names."""
        return (one for one in self.document[self.first_within : self.behind] if one.name in names)

    def first(self, name: str) -> _Element | None:
        """The first element within that has this name."""
        return next(self.every(name), None)


def _torn_at(data: bytes, start: int, end: int, another: re.Pattern[bytes], root: bytes) -> int:
    """Where a line before `end` starts what cannot be within the element `root`."""
    limit = end
    before, is_sql = start, False
    for at in lines_with(another, data, start, end):
        if (tag := data.rfind(b"<", before, at)) >= 0:
            is_sql = _SQL.match(data, tag) is not None
        before, part = at, _PART.match(data, at)
        # SQL may look like anything.
        if not (part[1] in _NESTED[_level(root) :] if part else is_sql):
            limit = at
            break
    again = re.compile(rb"\n\0*[ \t]*<%b[\s>]" % re.escape(root))
    if not _level(root) and (found_again := again.search(data, start, limit)):
        limit = found_again.start() + 1
    return limit


def _level(element: bytes) -> int:
    """How many kinds of elements that begin a record cannot stand in this one."""
    return _NESTED.index(element) + 1 if element in _NESTED else 0


def _end(data: bytes, start: int, *, another: re.Pattern[bytes], is_all: bool) -> int | None:
    """Behind the line on which the first element closes; a torn one ends with its first lines of XML."""
    line = data.find(b"\n", start) + 1 or len(data)
    before = _BEFORE.match(data, start)
    begin = start if before is None else before.end()
    root = _ROOT.match(data, begin)
    if root is None:
        may_come = not is_all and len(data) - begin < _LONGEST_TAG and b">" not in data[begin:]
        return None if may_come else line
    closing, limit = b"</%b>" % root[1], root.end() + _LONGEST
    close = data.find(closing, start, limit)
    limit = _torn_at(data, root.end(), close + len(closing) if close >= 0 else limit, another, root[1])
    close = data.find(closing, start, limit)
    if close >= 0:
        return data.find(b"\n", close) + 1 or (len(data) if is_all else None)
    if limit > len(data) and not is_all:
        return None
    more = _MORE_XML.match(data, line, limit)
    return more.end() if more else line


def _parsed(text: bytes) -> _Element:
    """The elements in a text, below one that is not there.

    Raises:
        ValueError: it is not well-formed, or has a document type.
    """
    # No entity but those of XML itself can be declared without one.
    if b"<!DOCTYPE" in text:
        raise ValueError("XML with a document type is refused")
    document = b"<all>%b</all>" % _DECLARATION.sub(b"", text, count=1)
    elements: list[_Element] = []
    top = _Element("", {}, document=elements)
    stack = [top]
    begins: list[int] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(stack) > _DEEPEST:
            raise ValueError(f"elements nested more than {_DEEPEST} deep")
        element = _Element(name, attributes, document=elements)
        elements.append(element)
        element.first_within = len(elements)
        stack[-1].children.append(element)
        stack.append(element)
        begins.append(parser.CurrentByteIndex)

    def end(name: str) -> None:
        begin, element = begins.pop(), stack.pop()
        element.behind = len(elements)
        if name in {"event", "deadlock"}:
            element.source = document[begin : document.find(b">", parser.CurrentByteIndex) + 1]

    def data(text: str) -> None:
        stack[-1].text += text

    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = data
    try:
        parser.Parse(document, True)
    except expat.ExpatError as error:
        raise ValueError(f"no XML ({error}); a torn document?") from error
    top.behind = len(elements)
    return top


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    found = False
    for part in _parsed(record).children[0].children:
        for event in [part] if part.name == "event" else part.every("event"):
            found = True
            about = {"time": event.attributes.get("timestamp"), "name": event.attributes.get("name")}
            graphs = list(_graphs(event))
            if not graphs:
                yield {**about, "type": f"sqlserver.{about['name']}", "document": event.source.decode()}
            for graph in graphs:
                yield _deadlock(graph, about, event.source)
        if part.name != "event" and not found:
            for graph in _graphs(part):
                found = True
                yield _deadlock(graph, {}, graph.source)
    if not found:
        raise ValueError("XML without a deadlock")


def deadlocks(graph: str, time: str, source: str) -> Iterator[dict[str, Any]]:
    """The deadlocks of a `<deadlock-list>`, which was written at a time as `source`.

    Raises:
        ValueError: it is none.
    """
    found = list(_parsed(graph.encode()).every("deadlock"))
    if not found:
        raise ValueError("a report without a deadlock")
    for one in found:
        yield _deadlock(one, {"time": time}, source.encode())


def _graphs(element: _Element) -> Iterator[_Element]:
    if element.name == "deadlock":
        yield element
        return
    yield from element.every("deadlock")
    for value in element.every("value"):
        # SQL Server 2008 put the graph as a text into its event.
        if value.text.lstrip().startswith("<deadlock"):
            yield from _parsed(value.text.encode()).every("deadlock")


def _deadlock(graph: _Element, about: dict[str, Any], source: bytes) -> dict[str, Any]:
    processes = {one.attributes.get("id", ""): one for one in graph.every("process")}
    names = _names(processes)
    victims = [one.attributes.get("id", "") for one in graph.every("victimProcess")]
    victims = victims or [graph.attributes[key] for key in ("victim",) if graph.attributes.get(key)]
    edges = list(_edges(graph, processes, names))
    if not processes and not edges:
        raise ValueError("a deadlock without processes and resources")
    victim = processes.get(victims[0]) if victims else None
    time = about.get("time")
    made = {
        **about,
        "id": f"sqlserver {time} {'+'.join(sorted(processes))}" if time else None,
        "type": "sqlserver.deadlock",
        "operation": "deadlock",
        "application": victim.attributes.get("clientapp") if victim else None,
        "database": victim.attributes.get("currentdbname") if victim else None,
        "victim": names.get(victims[0], victims[0]) if victims else None,
        "victims": victims,
        "processes": [_process(one) for one in processes.values()],
        "lock_edges": edges,
        "document": source.decode(),
    }
    return {key: value for key, value in made.items() if value not in (None, "", [])}


def _names(processes: dict[str, _Element]) -> dict[str, str]:
    """Process -> its session; session and thread where a session has several."""
    sessions = [one.attributes.get("spid", "") for one in processes.values()]
    return {
        key: one.attributes["spid"]
        if sessions.count(one.attributes["spid"]) == 1
        else f"{one.attributes['spid']}/{one.attributes.get('ecid') or key}"
        for key, one in processes.items()
        if one.attributes.get("spid")
    }


def _process(process: _Element) -> dict[str, Any]:
    buffer = process.first("inputbuf")
    frames = [{**one.attributes, "text": one.text.strip()} for one in process.every("frame")]
    return {**process.attributes, "inputbuf": buffer.text.strip() if buffer else "", "frames": frames}


def _statement(process: _Element | None) -> str | None:
    """What it was running: the innermost statement that the server still knew, or its batch."""
    if process is None:
        return None
    texts = [one.text.strip() for one in (*process.every("frame"), *process.every("inputbuf"))]
    return next((text for text in texts if text and text != "unknown"), None)


def _edges(
    graph: _Element, processes: dict[str, _Element], names: dict[str, str]
) -> Iterator[dict[str, Any]]:
    for resource in [one for every in graph.every("resource-list") for one in every.children]:
        owners = [one.attributes.get("id", "") for one in resource.every("owner")]
        for waiter in resource.every("waiter"):
            key = waiter.attributes.get("id", "")
            for owner in dict.fromkeys(one for one in owners if one != key) or [None]:
                edge = {
                    "owner": names.get(key, key),
                    "resource": _resource(resource),
                    "mode": waiter.attributes.get("mode"),
                    "blocked_by": names.get(owner, owner) if owner else None,
                    "statement": _statement(processes.get(key)),
                }
                yield {name: value for name, value in edge.items() if value}


def _resource(resource: _Element) -> str:
    about = resource.attributes
    index, page = about.get("indexname"), about.get("pageid")
    if named := about.get("objectname"):
        place = f"page {about.get('fileid', '?')}:{page}" if page else ""
        return " ".join(part for part in (named, index, place) if part)
    kept = (
        "id",
        "hobtid",
        "objid",
        "dbid",
        "fileid",
        "pageid",
        "hash",
        "xactid",
        "classid",
        "subresource",
        "WaitType",
    )
    return " ".join([resource.name, *(f"{key}={about[key]}" for key in kept if about.get(key))])


MAPPED: Final = made(
    name="sqlserver_deadlock",
    fields={
        "event_id": "id",
        "occurred_at": "time",
        "service": "application",
        "entity": "database",
        "event_type": "type",
        "lock_owner": "victim",
        "lock_edges": "lock_edges",
    },
    inputs={"operation_made": ("operation",)},
    computed={"operation": "{operation_made}"},
    made=("id", "operation", "lock_edges"),
)

FORMAT = Transcoder(
    name="sqlserver_deadlock",
    format=MAPPED,
    starts=_STARTS,
    end=_end,
    transcode=_transcode,
)
