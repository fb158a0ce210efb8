"""From the shape of a record to SQL: which path fills which column, and what stays in attributes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ingest import names
from ingest.formats.base import JsonFormat, Shape
from ingest.names import Path
from ingest.times import parse_time

TEXT_COLUMNS: Final = (
    "event_id", "node", "service", "stream", "stream_key", "epoch", "correlation_id",
    "message_id", "schema_version", "entity", "severity", "message",
)  # fmt: skip
INTEGER_COLUMNS: Final = {
    "entity_version": "BIGINT", "expected_version": "BIGINT", "attempt": "INTEGER",
}  # fmt: skip
LOCK_ROLES: Final = ("lock_owner", "lock_resource", "lock_mode", "lock_blocked_by")
# Stored as a normalised word or in another table, so the original stays in attributes.
_KEPT: Final = frozenset({"operation", *LOCK_ROLES})
# Each pair fills one column; the first that has a value wins.
_ALTERNATIVES: Final = (("sequence", "broker_sequence"), ("causation_id", "parent_id"))


@dataclass(frozen=True)
class Plan:
    """How the records of one shape are read."""

    format: JsonFormat
    envelope: Path
    paths: Mapping[str, tuple[Path, ...]]
    """Role -> paths from the top of the record, best first."""
    patch: str
    """JSON merge patch (RFC 7396) that removes from a record what the columns hold."""
    patch_keeping_time: str


@dataclass
class PlanGroup:
    """Plans that one statement serves: same format, same envelope."""

    format: JsonFormat
    envelope: Path
    roles: dict[str, set[Path]] = field(default_factory=dict)

    def add(self, plan: Plan) -> None:
        for role, paths in plan.paths.items():
            self.roles.setdefault(role, set()).update(paths)


def make_plan(shape: Shape, fmt: JsonFormat, envelope: Path, mapping: Mapping[str, Path]) -> Plan:
    """The plan for a shape; `mapping` (role -> path) is the user's and goes before everything."""
    inside = [path[len(envelope) :] for path in shape.paths if path[: len(envelope)] == envelope]
    inside = [path for path in inside if path]
    found: dict[str, tuple[Path, ...]] = {}
    by_name = names.roles(inside) if fmt.by_name else {}
    outer = names.roles(shape.paths) if envelope else {}
    for role in {*fmt.fields, *by_name, *outer, *mapping}:
        if role in mapping:
            found[role] = (mapping[role],)
            continue
        below = [path for path in fmt.fields.get(role, ()) if path in inside]
        if role not in fmt.fields or role in fmt.named:
            below += [path for path in by_name.get(role, []) if path not in below]
        paths = [envelope + path for path in below]
        if envelope and role not in fmt.fields:
            paths += [path for path in outer.get(role, []) if path[: len(envelope)] != envelope]
        if paths:
            found[role] = tuple(paths)
    removed = _removed(found)
    time = found.get("occurred_at", ((),))[0]
    return Plan(
        format=fmt,
        envelope=envelope,
        paths=found,
        patch=_merge_patch(removed),
        patch_keeping_time=_merge_patch(removed - {time}),
    )


def _removed(found: Mapping[str, tuple[Path, ...]]) -> set[Path]:
    second = {late for early, late in _ALTERNATIVES if early in found}
    kept = {path for role in _KEPT for path in found.get(role, ())}
    firsts = {
        paths[0] for role, paths in found.items() if role not in _KEPT and role not in second
    }
    return firsts - kept


def _merge_patch(paths: Iterable[Path]) -> str:
    patch: dict[str, Any] = {}
    for path in sorted(paths):
        level = patch
        for key in path[:-1]:
            level = level.setdefault(key, {})
            if level is None:
                break
        if level is not None:
            level[path[-1]] = None
    return json.dumps(patch, ensure_ascii=False)


def pointer(path: Path) -> str:
    """The path as a JSON pointer (RFC 6901), quoted as a SQL string."""
    text = "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in path)
    return "'" + text.replace("'", "''") + "'"


class Statement:
    """The SELECT that turns the lines of one plan group into rows of `parsed`."""

    def __init__(self, group: PlanGroup):
        self._format = group.format
        order = {role: self._ordered(role, paths, group) for role, paths in group.roles.items()}
        inputs = {name: group.envelope + path for name, path in group.format.inputs.items()}
        every = {path for paths in order.values() for path in paths} | set(inputs.values())
        self._paths = sorted(every)
        self._index = {path: number for number, path in enumerate(self._paths, start=1)}
        self._roles = order
        self._inputs = inputs
        self._causes = None if group.format.causes is None else group.envelope + group.format.causes

    @staticmethod
    def _ordered(role: str, paths: set[Path], group: PlanGroup) -> list[Path]:
        skip = len(group.envelope)
        explicit = [group.envelope + path for path in group.format.fields.get(role, ())]

        def key(path: Path) -> tuple[int, int, tuple[int, int, Path]]:
            outside = path[:skip] != group.envelope
            rank = explicit.index(path) if path in explicit else len(explicit)
            return (rank, outside, names.sort_key(role, path if outside else path[skip:]))

        return sorted(paths, key=key)

    def _raw(self, path: Path) -> str:
        return f"v[{self._index[path]}]"

    def _leaf(self, path: Path, role: str) -> str:
        raw = self._raw(path)
        guard = f"starts_with({raw}, '{{\"') OR {raw} IN ('', '{{}}')"
        if role != "message":
            guard += f" OR starts_with({raw}, '[')"
        return f"CASE WHEN {guard} THEN NULL ELSE {raw} END"

    def _role(self, role: str) -> str:
        leaves = [self._leaf(path, role) for path in self._roles.get(role, ())]
        return f"coalesce({', '.join(leaves)})" if leaves else "NULL::VARCHAR"

    def _operation(self) -> tuple[str, str, str]:
        """The operation, the joins it needs, and the first word written."""
        joins, words, raws = [], [], []
        for number, path in enumerate(self._roles.get("operation", ())):
            word = f"w{number}"
            joins.append(
                f"LEFT JOIN operation_words AS {word} ON {word}.word = lower({self._raw(path)})"
            )
            lockless = self._role("lock_resource")
            words.append(
                f"CASE WHEN {word}.is_lock AND ({lockless}) IS NULL THEN NULL ELSE {word}.operation END"
            )
            raws.append(self._leaf(path, "operation"))
        operation = f"coalesce({', '.join(words)})" if words else "NULL::VARCHAR"
        raw = f"coalesce({', '.join(raws)})" if raws else "NULL::VARCHAR"
        return operation, "\n".join(joins), raw

    def _event_type(self, raw_operation: str) -> str:
        leaves = []
        operations = list(self._roles.get("operation", ()))
        for path in self._roles.get("event_type", ()):
            leaf = self._leaf(path, "event_type")
            if path in operations:
                word = f"w{operations.index(path)}"
                leaf = f"CASE WHEN {word}.operation IS NULL THEN {leaf} END"
            leaves.append(leaf)
        return f"coalesce({', '.join([*leaves, raw_operation])})"

    def _nested(self) -> str:
        """Whether a value that a column would take is an object or a list."""
        used = {path for role, paths in self._roles.items() if role not in _KEPT for path in paths}
        tests = [
            f"coalesce(starts_with({self._raw(path)}, '{{\"') OR starts_with({self._raw(path)}, '[')"
            ", FALSE)"
            for path in sorted(used)
        ]
        return " OR ".join(tests) or "FALSE"

    def sql(self, group_no: int) -> str:
        """The SELECT; reads the temp tables `lines`, `plans` and `operation_words`."""
        operation, joins, raw_operation = self._operation()
        columns = {role: self._role(role) for role in (*TEXT_COLUMNS, *INTEGER_COLUMNS, *LOCK_ROLES)}
        columns |= {
            f"in_{role}": self._role(role)
            for role in (
                "occurred_at", "sequence", "broker_sequence", "causation_id", "parent_id",
                "is_redelivered",
            )
        }  # fmt: skip
        columns |= {
            "operation": operation,
            "event_type": self._event_type(raw_operation),
            "has_nested": self._nested(),
        }
        columns |= {f"in_{name}": self._raw(path) for name, path in self._inputs.items()}
        columns["links"] = (
            "NULL::JSON" if self._causes is None else f"json_extract(line, {pointer(self._causes)})"
        )
        pointers = ", ".join(pointer(path) for path in self._paths)
        extracted = f"json_extract_string(line, [{pointers}])" if self._paths else "NULL::VARCHAR[]"
        selected = ",\n        ".join(f"{sql} AS {name}" for name, sql in columns.items())
        return f"""
WITH extracted AS (
    SELECT lines.file_id, byte_offset, byte_length, record_no, line, patch, patch_keeping_time,
        {extracted} AS v
    FROM lines INNER JOIN plans ON lines.shape = plans.shape
    WHERE plans.group_no = {group_no}
), fields AS (
    SELECT file_id, byte_offset, byte_length, record_no, line, patch, patch_keeping_time,
        {selected}
    FROM extracted
    {joins}
), typed AS (
    SELECT *,
        {parse_time("in_occurred_at")} AS occurred_at,
        {_integer("coalesce(in_sequence, in_broker_sequence)", "BIGINT")} AS sequence,
        try_cast(in_is_redelivered AS BOOLEAN) AS is_redelivered
    FROM fields
)
SELECT
    {self._output()}
FROM typed"""

    def _output(self) -> str:
        columns = {
            "file_id": "file_id", "byte_offset": "byte_offset", "byte_length": "byte_length",
            "record_no": "record_no", "format": f"'{self._format.name}'",
            "event_id": "event_id", "occurred_at": "occurred_at", "node": "node",
            "service": "service", "operation": "operation", "event_type": "event_type",
            "stream": "stream", "stream_key": "stream_key",
            # "epoch" is also a name for a Unix time; nothing with so many digits counts restarts.
            "epoch": "CASE WHEN regexp_full_match(epoch, '\\d{9,}(\\.\\d+)?') THEN NULL ELSE epoch END",
            "sequence": "sequence",
            "sequence_source": "CASE WHEN sequence IS NULL THEN NULL "
            "WHEN in_sequence IS NOT NULL THEN 'producer' ELSE 'broker' END",
            "causation_id": "coalesce(in_causation_id, in_parent_id)",
            "cause_kind": "CASE WHEN in_causation_id IS NOT NULL THEN 'causation' "
            "WHEN in_parent_id IS NOT NULL THEN 'parent' END",
            "correlation_id": "correlation_id", "message_id": "message_id",
            "schema_version": "schema_version", "entity": "entity",
            **{name: _integer(name, kind) for name, kind in INTEGER_COLUMNS.items()},
            "is_redelivered": "is_redelivered", "severity": "severity", "message": "message",
            "attributes": _attributes(),
            **{role: role for role in LOCK_ROLES},
            "lock_detail": "NULL::VARCHAR", "links": "links",
        }  # fmt: skip
        placeholders = {
            **{role: role for role in (*TEXT_COLUMNS, *LOCK_ROLES, "operation", "event_type")},
            **{name: f"in_{name}" for name in self._inputs},
        }
        for name, template in self._format.computed.items():
            columns[name] = template.format_map(placeholders)
        return ",\n    ".join(f"{sql} AS {name}" for name, sql in columns.items())


def _integer(text: str, kind: str) -> str:
    # A cast alone would round "3.7" to 4.
    return f"CASE WHEN regexp_full_match({text}, '[+-]?\\d+') THEN try_cast({text} AS {kind}) END"


def _attributes() -> str:
    """What no column holds: all of the record when a value did not fit the column it was for."""
    lost = [
        "has_nested",
        "coalesce(in_sequence, in_broker_sequence) IS NOT NULL AND sequence IS NULL",
        "in_is_redelivered IS NOT NULL AND is_redelivered IS NULL",
        "regexp_full_match(epoch, '\\d{9,}(\\.\\d+)?')",
        *(f"{name} IS NOT NULL AND ({_integer(name, kind)}) IS NULL"
          for name, kind in INTEGER_COLUMNS.items()),
    ]  # fmt: skip
    # A time is kept as written when microseconds cannot hold it or it was not understood.
    inexact = """in_occurred_at IS NOT NULL AND (
            occurred_at IS NULL
            OR regexp_matches(in_occurred_at, '[.,:]\\d{7}')
            OR regexp_full_match(in_occurred_at, '\\d{17,}') AND NOT ends_with(in_occurred_at, '000')
        )"""
    anything = " OR ".join(f"coalesce({test}, FALSE)" for test in lost)
    return f"""nullif(CASE
        WHEN {anything} THEN rtrim(line, chr(10) || chr(13))::JSON
        WHEN {inexact} THEN json_merge_patch(line, patch_keeping_time)
        ELSE json_merge_patch(line, patch)
    END, '{{}}')"""
