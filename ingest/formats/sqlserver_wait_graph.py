"""Deadlocks as trace flag 1204 of SQL Server writes them: a node for each resource, who has and who wants it.

Who waits for a node waits for each of those in its grant list; what a session runs stands in the grant list
of the other node. Source: SQL Server documentation, "Deadlocks guide", trace flag 1204.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from ingest.formats.given import given

DETECTED: Final = rb"Deadlock encountered ?\.+ ?Printing deadlock information"
"""Regular expression for what the first line says."""
VICTIM: Final = b"Victim Resource Owner:"
"""What the line before the last says."""
_NODE: Final = re.compile(r"^[ \t]*Node:\d+[ \t]*$", re.MULTILINE)
_PART: Final = re.compile(
    r"^[ \t]*(?:(?P<has>Grant List ?\d*:+|Convert List:+)|(?P<wants>Requested [Bb]y: *$)|Wait List:+)",
    re.MULTILINE,
)
_WHO: Final = re.compile(r"Mode: ?(?P<mode>\S+)[^\n]*?SPID:(?P<spid>\d+)[^\n]*? ECID:(?P<ecid>\d+)")
_RUNS: Final = re.compile(
    r"SPID: (?P<spid>\d+) +ECID: (?P<ecid>\d+)[^\n]*\n"
    r"[ \t]*Input Buf: (?:[A-Z]\w+ Event: ?)?(?P<statement>[^\0]*?)"
    r"(?=\n[ \t]*(?:Owner:|SPID: |Requested [Bb]y:)|\Z)"
)
_ABOUT: Final = re.compile(r" *(?:CleanCnt:|Mode:|Flags:|\[\] )[^\n]*")


def deadlock(text: str, time: str) -> dict[str, Any]:
    """What a report tells, whose lines are without the time and the process that wrote them.

    Raises:
        ValueError: nobody waits in it.
    """
    graph, _, victim = text.partition(VICTIM.decode())
    _, *nodes = _NODE.split(graph)
    statements = {_name(one): one["statement"].strip() for node in nodes for one in _RUNS.finditer(node)}
    edges = [edge for node in nodes for edge in _edges(node.strip(), statements)]
    if not edges:
        raise ValueError("a wait-for graph in which nobody waits; a torn report?")
    gives_way = _WHO.search(victim)
    made = {
        "time": time,
        "id": f"sqlserver {time} {'+'.join(sorted({edge['owner'] for edge in edges}))}",
        "type": "sqlserver.deadlock", "operation": "deadlock",
        "victim": _name(gives_way) if gives_way else None, "lock_edges": edges, "document": text.strip(),
    }  # fmt: skip
    return given(made)


def _name(who: re.Match[str]) -> str:
    """The session, and its thread where several run a query in parallel."""
    return who["spid"] if who["ecid"] == "0" else f"{who['spid']}/{who['ecid']}"


def _edges(node: str, statements: dict[str, str]) -> Iterator[dict[str, Any]]:
    parts = list(_PART.finditer(node))
    ends = [*(one.start() for one in parts), len(node)][1:]
    resource = _ABOUT.sub("", node.split("\n", 1)[0]).strip()
    has: list[str] = []
    for part, end in zip(parts, ends, strict=True):
        for who in _WHO.finditer(node, part.end(), end):
            if part["has"]:
                has.append(_name(who))
            elif part["wants"]:
                owner = _name(who)
                for holder in [one for one in dict.fromkeys(has) if one != owner] or [""]:
                    edge = {
                        "owner": owner, "resource": resource, "mode": who["mode"], "blocked_by": holder,
                        "statement": statements.get(owner),
                    }  # fmt: skip
                    yield {key: value for key, value in edge.items() if value}
