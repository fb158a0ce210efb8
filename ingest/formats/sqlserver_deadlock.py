"""Deadlock graphs of SQL Server as XML, on one line or many.

`<event name="xml_deadlock_report">` of an Extended Events session such as `system_health`, among its other
events or in a `<RingBufferTarget>`; `<deadlock>` and `<deadlock-list>`, as `.xdl` files hold them, which say
no time. Every waiter of a resource waits for each of its other owners. Owners go by their session (`spid`),
and by their thread where a query ran in parallel. A `<blocked-process-report>` tells of one that waits.
Documents with a document type are refused. Source: SQL Server documentation, "Deadlocks guide".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser
from xml.parsers import expat

from ingest.formats.base import Transcoder, lines_with, made

_NAME: Final = rb"[^>\n]*\bname=[\"']"
_OF_A_SESSION: Final = rb"(?=[^>\n]*\bpackage=[\"'])(?=[^>\n]*\btimestamp=[\"'])"
_STARTS: Final = (
    rb"[ \t]*(?:<\?xml (?![^\n]*<log[\s>])[^\n]*"
    rb"|<(?:deadlock(?:-list)?[\s>]|blocked-process-report[\s>]|RingBufferTarget[\s>]"
    rb"|event (?:%bxml_deadlock_report[\"']|%b%b)))" % (_NAME, _OF_A_SESSION, _NAME)
)
_OTHER_ROOTS: Final = (b"log",)
"""Elements around documents of other notations: the declaration before them is a line of its own."""
_DECLARATION: Final = re.compile(rb"\s*<\?xml .*?\?>")
_BEFORE: Final = re.compile(rb"\s*(?:<\?xml [^>\n]*\?>\s*)?")
_ROOT: Final = re.compile(rb"<([A-Za-z_][\w.-]*)[\s/>]")
_SQL: Final = re.compile(rb"<(?:inputbuf|frame|value)\b[^<>]*>")
"""The tag behind which text is a statement."""
_PART: Final = re.compile(
    rb"\0*[ \t]*<(RingBufferTarget|event|deadlock-list|deadlock|blocked-process-report)[\s>]"
)
_NESTED: Final = (b"RingBufferTarget", b"event", b"deadlock-list", b"deadlock", b"blocked-process-report")
"""Elements that begin a record, and may stand in those before them."""
_MORE_XML: Final = re.compile(rb"(?:[ \t]*+(?:<[^\n]*+)?\r?\n)++")
_TAG: Final = re.compile(rb"<(/?)(?:event|deadlock|blocked-process-report)(?=[\s/>])")
_BLOCKED: Final = "blocked-process-report"
_GRAPHS: Final = ("deadlock", _BLOCKED)
_WITH_SOURCE: Final = ("event", *_GRAPHS)
_UNUSUAL: Final = (b"<!", b"<?", b"xmlns", b"xml:")
_LONGEST_TAG: Final = 4096
_LONGEST: Final = 8 << 20
"""Bytes of a document, when nothing ends it."""
_REACH: Final = _LONGEST >> 9
_FURTHER: Final = 8
_DEEPEST: Final = 100


@dataclass(frozen=True)
class _Document:
    """The elements of a text."""

    top: Element
    """One around all of them, that is not there."""
    sources: dict[Element, bytes] = field(default_factory=dict)
    """Events and graphs as they were written."""


def _closing(root: re.Match[bytes]) -> bytes:
    return b"</%b>" % root[1]


def _limit(data: bytes, root: re.Match[bytes], another: re.Pattern[bytes]) -> int:
    """Where the root element closes at last, or what cannot be within it starts."""
    begin, closing, reach = root.end(), _closing(root), _REACH
    while True:
        close = data.find(closing, begin, begin + reach)
        end = close + len(closing) if close >= 0 else begin + reach
        limit = _torn_at(data, begin, end, another, root[1])
        if close >= 0 or limit < end or end > len(data) or reach >= _LONGEST:
            return limit
        # Those that never close may be many: each looks no further than it must.
        reach *= _FURTHER


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


def element_end(data: bytes, start: int, *, another: re.Pattern[bytes], is_all: bool) -> int | None:
    """Behind the line on which the first element closes; a torn one ends with its first lines of XML."""
    line = data.find(b"\n", start) + 1 or len(data)
    before = _BEFORE.match(data, start)
    begin = start if before is None else before.end()
    root = _ROOT.match(data, begin)
    if root is None:
        may_come = not is_all and len(data) - begin < _LONGEST_TAG and b">" not in data[begin:]
        return None if may_come else line
    if root[1] in _OTHER_ROOTS and line <= root.start():
        return line
    limit = _limit(data, root, another)
    close = data.find(_closing(root), start, limit)
    if close >= 0:
        return data.find(b"\n", close) + 1 or (len(data) if is_all else None)
    if limit > len(data) and not is_all:
        return None
    if root[1] == _NESTED[0]:
        return line  # the server cuts it off where it is too long: what is whole in it stands for itself
    more = _MORE_XML.match(data, line, limit)
    return more.end() if more else line


def _parsed(text: bytes) -> _Document:
    """The elements in a text.

    Raises:
        ValueError: it is not well-formed, or has a document type.
    """
    # No entity but those of XML itself can be declared without one.
    if b"<!DOCTYPE" in text:
        raise ValueError("XML with a document type is refused")
    bare = _DECLARATION.sub(b"", text, count=1) if b"<?xml " in text else text
    document = b"<all>%b</all>" % bare
    return _plain(document) or _any(document)


def _plain(document: bytes) -> _Document | None:
    """The same of most documents, ten times as fast; None: look closer."""
    # Without comments and the like a "<" begins a tag. Where so few end, none is nested too deeply.
    ends = document.count(b"</")
    if any(one in document for one in _UNUSUAL) or ends >= _DEEPEST:
        return None
    if document.count(b"<") != 2 * ends + document.count(b"/>"):
        return None
    begins: list[int] = []
    sources: list[tuple[int, bytes]] = []
    for tag in _TAG.finditer(document):
        if not tag[1]:
            begins.append(tag.start())
        elif begins:
            begin = begins.pop()
            sources.append((begin, document[begin : document.find(b">", tag.start()) + 1]))
    parser = XMLParser(encoding="utf-8")  # noqa: S314 - without a document type it is harmless
    try:
        parser.feed(document)
        top = parser.close()
    except ParseError:
        return None
    elements = [one for one in top.iter() if one.tag in _WITH_SOURCE]
    if begins or len(elements) != len(sources):
        return None
    sources.sort()
    return _Document(top, {one: source for one, (_, source) in zip(elements, sources, strict=True)})


def _any(document: bytes) -> _Document:
    builder = TreeBuilder()
    sources: dict[Element, bytes] = {}
    opened: list[tuple[int, Element]] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(opened) >= _DEEPEST:
            raise ValueError(f"elements nested more than {_DEEPEST} deep")
        opened.append((parser.CurrentByteIndex, builder.start(name, attributes)))

    def end(name: str) -> None:
        begin, element = opened.pop()
        builder.end(name)
        if name in _WITH_SOURCE:
            sources[element] = document[begin : document.find(b">", parser.CurrentByteIndex) + 1]

    parser = expat.ParserCreate("utf-8")
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(document, True)
    except expat.ExpatError as error:
        raise ValueError(f"no XML ({error}); a torn document?") from error
    return _Document(builder.close(), sources)


def _every(element: Element, name: str) -> list[Element]:
    """The elements within that have this name."""
    return [one for one in element.iter(name) if one is not element]


def _text(element: Element) -> str:
    """All that stands right in it."""
    text = element.text or ""
    return "".join([text, *(one.tail or "" for one in element)]) if len(element) else text


def events(record: bytes, written_at: str | None = None) -> Iterator[dict[str, Any]]:
    """What documents in a row are; `written_at`: when, of a graph that stands in no event, if that is known.

    Raises:
        ValueError: they are not well-formed, or tell of nothing.
    """
    found = False
    document = _parsed(record)
    for part in document.top:
        for event in [part] if part.tag == "event" else _every(part, "event"):
            found = True
            source = document.sources[event]
            about = {"time": event.get("timestamp"), "name": event.get("name")}
            told = [_told(graph, about, source) for graph, _ in _graphs(event, document)]
            yield from told or [{**about, "type": f"sqlserver.{about['name']}", "document": source.decode()}]
        if part.tag != "event" and not found:
            for graph, source in _graphs(part, document):
                found = True
                yield _told(graph, {"time": written_at}, source)
    if not found and (len(document.top) or _text(document.top).strip()):
        raise ValueError("XML without a deadlock or a process that is blocked")


def parsed(text: str) -> Element:
    """What stands around the elements in a text.

    Raises:
        ValueError: it is not well-formed.
    """
    return _parsed(text.encode()).top


def deadlocks(top: Element, time: str, source: str) -> Iterator[dict[str, Any]]:
    """The deadlocks of a `<deadlock-list>`, which was written at a time as `source`.

    Raises:
        ValueError: it is none.
    """
    found = list(_every(top, "deadlock"))
    if not found:
        raise ValueError("a report without a deadlock")
    for one in found:
        yield _deadlock(one, {"time": time}, source.encode())


def _graphs(element: Element, document: _Document) -> Iterator[tuple[Element, bytes]]:
    """The graphs in an element, and how they were written."""
    if element.tag in _GRAPHS:
        yield element, document.sources[element]
        return
    for graph in _graphs_in(element):
        yield graph, document.sources[graph]
    for value in _every(element, "value"):
        # SQL Server 2008 put the graph as a text into its event.
        if (text := _text(value)).lstrip().startswith(("<deadlock", f"<{_BLOCKED}")):
            inner = _parsed(text.encode())
            for graph in _graphs_in(inner.top):
                yield graph, inner.sources[graph]


def _graphs_in(element: Element) -> list[Element]:
    return [graph for name in _GRAPHS for graph in _every(element, name)]


def _told(graph: Element, about: dict[str, Any], source: bytes) -> dict[str, Any]:
    """A deadlock, or that a process has waited for long."""
    if graph.tag == _BLOCKED:
        return {**about, **_blocked(graph), "document": source.decode()}
    return _deadlock(graph, about, source)


def _blocked(report: Element) -> dict[str, Any]:
    """Who waits for what, and for whom."""
    waiter = report.find("blocked-process/process")
    if waiter is None:
        raise ValueError("a report of a blocked process without one")
    holder = report.find("blocking-process/process")
    process, statement = _process(waiter)
    processes = [process, *([] if holder is None else [_process(holder)[0]])]
    told = {
        "type": "sqlserver.blocked_process", "operation": "lock_wait",
        "application": waiter.get("clientapp"), "database": waiter.get("currentdbname"),
        "waiter": waiter.get("spid"), "resource": waiter.get("waitresource", "").strip(),
        "mode": waiter.get("lockMode"), "holder": holder.get("spid") if holder is not None else None,
        "statement": statement, "processes": processes,
    }  # fmt: skip
    return {key: value for key, value in told.items() if value not in (None, "")}


def _deadlock(graph: Element, about: dict[str, Any], source: bytes) -> dict[str, Any]:
    processes = {one.get("id", ""): one for one in _every(graph, "process")}
    names = _names(processes)
    victims = [one.get("id", "") for one in _every(graph, "victimProcess")]
    victims = victims or [graph.attrib[key] for key in ("victim",) if graph.get(key)]
    told = {key: _process(one) for key, one in processes.items()}
    edges = list(_edges(graph, {key: statement for key, (_, statement) in told.items()}, names))
    if not processes and not edges:
        raise ValueError("a deadlock without processes and resources")
    victim = processes.get(victims[0]) if victims else None
    time = about.get("time")
    made = {
        **about,
        "id": f"sqlserver {time} {'+'.join(sorted(processes))}" if time else None,
        "type": "sqlserver.deadlock",
        "operation": "deadlock",
        "application": victim.get("clientapp") if victim is not None else None,
        "database": victim.get("currentdbname") if victim is not None else None,
        "victim": names.get(victims[0], victims[0]) if victims else None,
        "victims": victims,
        "processes": [process for process, _ in told.values()],
        "lock_edges": edges,
        "document": source.decode(),
    }
    return {key: value for key, value in made.items() if value not in (None, "", [])}


def _names(processes: dict[str, Element]) -> dict[str, str]:
    """Process -> its session; session and thread where a session has several."""
    sessions = [one.get("spid", "") for one in processes.values()]
    return {
        key: one.attrib["spid"]
        if sessions.count(one.attrib["spid"]) == 1
        else f"{one.attrib['spid']}/{one.get('ecid') or key}"
        for key, one in processes.items()
        if one.get("spid")
    }


def _process(process: Element) -> tuple[dict[str, Any], str | None]:
    """A process, and what it ran: the innermost statement that the server still knew, or its batch."""
    buffers = [_text(one).strip() for one in _every(process, "inputbuf")]
    frames = [{**one.attrib, "text": _text(one).strip()} for one in _every(process, "frame")]
    texts = [*(one["text"] for one in frames), *buffers]
    statement = next((text for text in texts if text and text != "unknown"), None)
    return {**process.attrib, "inputbuf": buffers[0] if buffers else "", "frames": frames}, statement


def _edges(
    graph: Element, statements: dict[str, str | None], names: dict[str, str]
) -> Iterator[dict[str, Any]]:
    for resource in [one for every in _every(graph, "resource-list") for one in every]:
        owners = [one.get("id", "") for one in _every(resource, "owner")]
        resource_name = _resource(resource)
        for waiter in _every(resource, "waiter"):
            key = waiter.get("id", "")
            for owner in dict.fromkeys(one for one in owners if one != key) or [None]:
                edge = {
                    "owner": names.get(key, key),
                    "resource": resource_name,
                    "mode": waiter.get("mode"),
                    "blocked_by": names.get(owner, owner) if owner else None,
                    "statement": statements.get(key),
                }
                yield {name: value for name, value in edge.items() if value}


def _resource(resource: Element) -> str:
    about = resource.attrib
    index, page = about.get("indexname"), about.get("pageid")
    if named := about.get("objectname"):
        place = f"page {about.get('fileid', '?')}:{page}" if page else ""
        return " ".join(part for part in (named, index, place) if part)
    kept = (
        "id", "hobtid", "objid", "dbid", "fileid", "pageid", "hash", "xactid", "classid", "subresource",
        "WaitType",
    )  # fmt: skip
    return " ".join([resource.tag, *(f"{key}={about[key]}" for key in kept if about.get(key))])


_FIELDS: Final[dict[str, str | tuple[str, ...]]] = {
    "event_id": "id", "occurred_at": "time", "service": "application", "entity": "database",
    "event_type": "type", "lock_owner": ("victim", "waiter"), "lock_resource": "resource",
    "lock_mode": "mode", "lock_blocked_by": "holder", "lock_edges": "lock_edges",
}  # fmt: skip
MAPPED: Final = made(
    name="sqlserver_deadlock",
    fields=_FIELDS,
    inputs={"operation_made": ("operation",)},
    computed={"operation": "{operation_made}"},
    made=("id", "operation", "lock_edges"),
)

FORMAT = Transcoder(
    name="sqlserver_deadlock",
    format=MAPPED,
    starts=_STARTS,
    end=element_end,
    transcode=events,
)
