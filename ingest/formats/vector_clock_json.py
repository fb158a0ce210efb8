"""Events with a vector clock, one JSON object each: `host`, `clock` (host -> count) and a text.

An event is the n-th of its host, so `host:n` names it. It follows `host:n-1`, its parent, and of
every other host what its clock has seen: causes of kind `clock`, of which the relation `edges`
leaves out those that the event before had seen as well. Source: ShiViz, "Input format"; GoVector.
"""

from ingest.formats.base import JsonFormat, Shape
from ingest.names import Path
from ingest.vocabulary import GENERIC

CLOCKS = ("clock", "vector_clock", "vectorClock", "vclock", "VectorClock", "vc")
HOSTS = (
    "host",
    "process",
    "pid",
    "Pid",
    "node",
    "processId",
    "process_id",
    "actor",
    "hostname",
    "nodeId",
    "node_id",
)
_LIST = ", ".join(f"{{clock_{number}}}" for number in range(len(CLOCKS)))
_CLOCK = f"coalesce({_LIST})"
# A clock time is called the same; one host counts as often as it did something.
_IS_CLOCK = f"starts_with({_CLOCK}, '{{{{')"
_HOST = f"coalesce({', '.join(f'{{host_{number}}}' for number in range(len(HOSTS)))})"


def _count(host: str) -> str:
    key = f"replace(replace({host}, '~', '~0'), '/', '~1')"
    return f"try_cast(json_extract_string({_CLOCK}, '/' || {key}) AS BIGINT)"


_OWN = f"CASE WHEN {_IS_CLOCK} THEN {_count(_HOST)} END"
_SEEN = f"list_filter(json_keys({_CLOCK}), lambda one: one <> {_HOST} AND {_count('one')} > 0)"
_CAUSE = f"json_object('id', one || ':' || {_count('one')}, 'kind', 'clock')"
_BEFORE = f"CASE WHEN ({_OWN}) > 1 THEN {_HOST} || ':' || (({_OWN}) - 1) END"
_FIRST = f"CASE WHEN ({_OWN}) > 1 THEN [json_object('id', {_BEFORE}, 'kind', 'parent')] ELSE [] END"
_CAUSES = f"list_concat({_FIRST}, list_transform({_SEEN}, lambda one: {_CAUSE}))"


def _match(shape: Shape) -> Path | None:
    has_clock = any(shape.has(name) for name in CLOCKS)
    return () if has_clock and any(shape.has(name) for name in HOSTS) else None


FORMAT = JsonFormat(
    name="vector_clock_json",
    priority=300,
    match=_match,
    vocabulary=GENERIC.changed(
        message=("event", "description", "message", "msg", "text"), event_type=("event_type", "type")
    ),
    fields={"node": tuple((name,) for name in HOSTS)},
    inputs={
        **{f"clock_{number}": (name,) for number, name in enumerate(CLOCKS)},
        **{f"host_{number}": (name,) for number, name in enumerate(HOSTS)},
    },
    computed={
        "event_id": f"coalesce({_HOST} || ':' || ({_OWN}), {{event_id}})",
        "sequence": f"coalesce({_OWN}, sequence)",
        "sequence_source": f"CASE WHEN ({_OWN}) IS NOT NULL OR in_sequence IS NOT NULL THEN 'producer' END",
        "message_id": f"CASE WHEN ({_OWN}) IS NOT NULL THEN {{event_id}} END",
        "causation_id": f"coalesce(in_causation_id, in_parent_id, {_BEFORE})",
        "cause_kind": (
            "CASE WHEN in_causation_id IS NOT NULL THEN 'causation'"
            f" WHEN in_parent_id IS NOT NULL OR ({_OWN}) > 1 THEN 'parent' END"
        ),
        "links": f"CASE WHEN ({_OWN}) IS NOT NULL THEN to_json({_CAUSES}) ELSE links END",
    },
)
