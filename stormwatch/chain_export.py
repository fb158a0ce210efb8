"""A causal chain in the languages of other tools: Graphviz, Mermaid, ShiViz, OpenTelemetry."""

from __future__ import annotations

import hashlib
import heapq
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from stormwatch.export import plain_value
from stormwatch.plain import visible

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Chain:
    """Events and the direct causes between them: rows of `causal_chain` and `chain_edges`."""

    asked: str
    """event_id of the event that the chain was asked for."""
    events: Sequence[Mapping[str, Any]]
    edges: Sequence[Mapping[str, Any]]
    data_version: int
    complete_to: datetime | None


def json_text(chain: Chain) -> str:
    """Everything that is known, as one JSON object with `events` and `edges`."""
    content = {
        "event_id": chain.asked,
        "data_version": chain.data_version,
        "complete_to": chain.complete_to,
        "events": list(chain.events),
        "edges": list(chain.edges),
    }
    return json.dumps(plain_value(content), ensure_ascii=False, indent=1) + "\n"


def dot_text(chain: Chain) -> str:
    """A digraph for Graphviz; ghosts are dashed, the event asked for is bold."""
    lines = ["digraph chain {", "  node [shape=box];"]
    for event in chain.events:
        styles = [
            name
            for name, holds in (("dashed", event["is_ghost"]), ("bold", event["event_id"] == chain.asked))
            if holds
        ]
        style = f', style="{",".join(styles)}"' if styles else ""
        lines.append(f"  {_quoted(event['event_id'])} [label={_quoted(_label(event))}{style}];")
    for edge in chain.edges:
        ends = f"{_quoted(edge['cause_id'])} -> {_quoted(edge['effect_id'])}"
        lines.append(f"  {ends} [label={_quoted(edge['kind'])}];")
    return "\n".join([*lines, "}", ""])


def mermaid_text(chain: Chain) -> str:
    """A flow chart for Mermaid, from causes down to effects."""
    names = {event["event_id"]: f"e{number}" for number, event in enumerate(chain.events)}
    lines = [
        "flowchart TD",
        *(f'  {names[event["event_id"]]}["{_entities(_label(event))}"]' for event in chain.events),
        *(
            f"  {names[edge['cause_id']]} -->|{edge['kind']}| {names[edge['effect_id']]}"
            for edge in chain.edges
        ),
    ]
    dashed = [names[event["event_id"]] for event in chain.events if event["is_ghost"]]
    if dashed:
        lines += ["  classDef ghost stroke-dasharray: 5 5", f"  class {','.join(dashed)} ghost"]
    return "\n".join([*lines, ""])


def shiviz_text(chain: Chain) -> str:
    """A log for ShiViz: of each event the host and its vector clock, then a line of text.

    A host is a node, and its events are in order of time unless causes say otherwise. The clocks
    are computed from the edges and that order (Fidge 1988, Mattern 1989).
    """
    causes = defaultdict(list)
    for edge in chain.edges:
        causes[edge["effect_id"]].append(edge["cause_id"])
    clocks: dict[str, dict[str, int]] = {}
    last: dict[str, dict[str, int]] = {}
    lines = []
    for event in _causes_first(chain):
        host = "_".join(str(event["node"] or event["service"] or "unknown").split())
        clock = dict(last.get(host, {}))
        for cause in causes[event["event_id"]]:
            for name, count in clocks.get(cause, {}).items():
                clock[name] = max(count, clock.get(name, 0))
        clock[host] = clock.get(host, 0) + 1
        clocks[event["event_id"]] = last[host] = clock
        lines += [f"{host} {json.dumps(clock, ensure_ascii=False)}", _label(event)]
    return "\n".join([*lines, ""])


def otlp_text(chain: Chain) -> str:
    """OTLP/JSON with one trace: an event is a span, one cause its parent, the others are links.

    A span has no length, for logs say when something happened and not how long it took. A time that
    is not known, or before 1970, which OTLP cannot say, is 0. Ids are hashes of the event_ids, which
    are the attribute `messaging.message.id`.
    """
    causes: dict[str, list[str]] = defaultdict(list)
    for edge in sorted(chain.edges, key=lambda edge: (edge["effect_id"], edge["kind"], edge["cause_id"])):
        if edge["cause_id"] not in causes[edge["effect_id"]]:
            causes[edge["effect_id"]].append(edge["cause_id"])
    trace = _digest(chain.asked, 32)
    services: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for event in chain.events:
        known = causes[event["event_id"]]
        at = _nanoseconds(event["occurred_at"])
        attributes = {
            "messaging.message.id": event["event_id"],
            "messaging.destination.name": event["stream"],
        }
        span: dict[str, Any] = {
            "traceId": trace,
            "spanId": _digest(event["event_id"], 16),
            "name": event["event_type"] or event["event_id"],
            "kind": 1,
            "startTimeUnixNano": at,
            "endTimeUnixNano": at,
            "attributes": _attributes(attributes),
        }
        if known:
            span["parentSpanId"] = _digest(known[0], 16)
        if known[1:]:
            span["links"] = [{"traceId": trace, "spanId": _digest(cause, 16)} for cause in known[1:]]
        services[str(event["service"] or "unknown"), str(event["node"] or "unknown")].append(span)
    resources = [
        {
            "resource": {"attributes": _attributes({"service.name": service, "service.instance.id": node})},
            "scopeSpans": [{"scope": {"name": "stormwatch"}, "spans": spans}],
        }
        for (service, node), spans in services.items()
    ]
    return json.dumps({"resourceSpans": resources}, ensure_ascii=False) + "\n"


FORMATS: Final = {
    "json": json_text,
    "dot": dot_text,
    "mermaid": mermaid_text,
    "shiviz": shiviz_text,
    "otlp": otlp_text,
}
"""Name of a format -> the text of a chain in it."""


def _causes_first(chain: Chain) -> list[Mapping[str, Any]]:
    """The events, each after its causes, else by time; those of a cycle (bad data) come last."""
    order = sorted(
        chain.events,
        key=lambda event: (event["occurred_at"] or datetime.max, event["event_id"]),  # noqa: DTZ901
    )
    places = {event["event_id"]: place for place, event in enumerate(order)}
    effects, open_causes = defaultdict(list), [0] * len(order)
    for cause, effect in {(edge["cause_id"], edge["effect_id"]) for edge in chain.edges}:
        effects[places[cause]].append(places[effect])
        open_causes[places[effect]] += 1
    ready = [place for place, count in enumerate(open_causes) if count == 0]
    done: dict[int, None] = {}
    while ready:
        place = heapq.heappop(ready)
        done[place] = None
        for effect in effects[place]:
            open_causes[effect] -= 1
            if open_causes[effect] == 0:
                heapq.heappush(ready, effect)
    left = (place for place in range(len(order)) if place not in done)
    return [order[place] for place in (*done, *left)]


def _label(event: Mapping[str, Any]) -> str:
    parts = (
        event["event_type"],
        event["event_id"],
        event["service"] if not event["is_ghost"] else "not logged",
    )
    return visible(" / ".join(str(part) for part in parts if part is not None))


def _quoted(text: str) -> str:
    return '"' + visible(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _entities(text: str) -> str:
    return "".join(one if one.isalnum() or one in " ./:_-" else f"#{ord(one)};" for one in text)


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(text.encode(errors="backslashreplace")).hexdigest()[:length]


def _nanoseconds(instant: datetime | None) -> str:
    if instant is None:
        return "0"
    aware = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return str(max((aware - _EPOCH) // timedelta(microseconds=1) * 1000, 0))


def _attributes(values: Mapping[str, str | None]) -> list[dict[str, Any]]:
    return [
        {"key": key, "value": {"stringValue": value}} for key, value in values.items() if value is not None
    ]
