"""Deadlock graphs of SQL Server in a field of a JSON record or of a table, as queries and agents save them.

`event_data` of `sys.fn_xe_file_target_read_file`, `target_data` of `sys.dm_xe_session_targets`, `TextData` of
a trace, `xml_report`, `blocked_process_report` and the like of monitoring: each is read as the file with it
would be (sqlserver_deadlock.py). One that does not say when has the time of its record. Source: SQL Server
documentation, "Deadlocks guide", "View event data in Extended Events".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from ingest.formats import exact, sqlserver_deadlock
from ingest.formats.base import Shape, Transcoder
from ingest.names import NAMES
from ingest.vocabulary import normalise

_FIELDS: Final = frozenset(
    {
        "blockedprocess", "blockedprocessreport", "deadlock", "deadlockevent", "deadlockgraph",
        "deadlockreport", "deadlockxml", "document",
        "eventdata", "eventxml", "graph", "targetdata", "textdata", "xml", "xmldata", "xmldeadlockreport",
        "xmlreport",
    }
)  # fmt: skip
_GRAPH: Final = re.compile(r"\s*<(?:.*<)?(?:deadlock|blocked-process-report)[\s>-]", re.DOTALL)
_TIMES: Final = {normalise(name): rank for rank, name in reversed(list(enumerate(NAMES["occurred_at"])))}


def _is_one(shape: Shape) -> bool:
    return any(len(path) == 1 and normalise(path[0]) in _FIELDS for path in shape.paths)


def _held(content: Mapping[str, Any]) -> list[str]:
    """The fields that hold a graph."""
    texts = ((key, value) for key, value in content.items() if isinstance(value, str))
    return [key for key, value in texts if normalise(key) in _FIELDS and _GRAPH.match(value)]


def _is_told(record: bytes) -> bool:
    try:
        return bool(_held(exact.loads(record)))
    except ValueError:
        return False


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    content = exact.loads(record)
    held = _held(content)
    rest = {key: value for key, value in content.items() if key not in held}
    times = sorted((key for key in rest if normalise(key) in _TIMES), key=lambda key: _TIMES[normalise(key)])
    time = rest[times[0]] if times else None
    for key in held:
        for event in sqlserver_deadlock.events(content[key].encode(), None if time is None else str(time)):
            yield {**event, "record": rest}


FORMAT = Transcoder(
    name="sqlserver_deadlock_held",
    format=replace(sqlserver_deadlock.MAPPED, name="sqlserver_deadlock_held"),
    match_json=_is_one,
    holds=b"process",
    is_told=_is_told,
    transcode=_transcode,
)
