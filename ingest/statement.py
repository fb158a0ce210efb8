"""From the plans of many shapes to the one SELECT that serves them all."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from ingest import composed, leftover
from ingest.deadlock_errors import TOLD, is_told, waits
from ingest.expressions import alone_in, begun, integer, layered, may_be_rounded, pointer, texts
from ingest.names import ABOUT, ABOVE, CAUSES, HEADER_OBJECTS, HEADERS, IDS, ZERO_ID, Path
from ingest.plan import LIST_ROLES, LOCK_ROLES, OUTER_FIRST, UNREMOVED, PlanGroup
from ingest.spellings import as_one_sql
from ingest.times import ZONES, Beginning, Spelling, is_inexact, parse_time_spelled, time_within
from ingest.vocabulary import LONGEST_WORD, OF_LOCKS_ALONE, is_called_lock, normalise

_TEXT_COLUMNS: Final = (
    "event_id", "node", "service", "stream", "stream_key", "epoch", "correlation_id",
    "message_id", "schema_version", "entity", "severity", "message",
)  # fmt: skip
_INTEGER_COLUMNS: Final = {
    "entity_version": "BIGINT", "expected_version": "BIGINT", "attempt": "INTEGER",
}  # fmt: skip
_KEPT: Final = (
    "file_id", "byte_offset", "byte_length", "record_no", "line", "patch", "patch_keeping_time",
    "may_be_told",
)  # fmt: skip
_OF_EVENTS: Final = (*IDS, "message_id")
_NAMING: Final = (*_OF_EVENTS, "lock_owner", "lock_blocked_by")
_SESSIONS: Final = ("pid", "sessionid")
_TEXTS: Final = frozenset({"message", "msg"})
_NOTHINGS: Final = (
    "-", "-1", "null", "NULL", "Null", "(null)", "<null>", "nil", "<nil>", "none", "None", "NONE",
    "undefined", "n/a", "N/A", *("0" * digits for digits in (16, 32)),
    "00000000-0000-0000-0000-000000000000", "{00000000-0000-0000-0000-000000000000}",
)  # fmt: skip
_NO_ID: Final = texts(_NOTHINGS)
"""What programs write in place of an id where there is none."""
_NO_CAUSE: Final = texts((*_NOTHINGS, "0", "0.0"))
"""The same in place of a cause: most count from 1."""
_TYPED: Final = {
    role: f"in_{role}"
    for role in (
        "occurred_at", "sequence", "broker_sequence", "causation_id", "parent_id", "is_redelivered",
    )
}  # fmt: skip
"""Roles that fill a column of another name or type -> the column of their text."""
# Offsets number the records of a stream; of anything else they may be a page or a time zone.
_SEQUENCE: Final = "coalesce(in_sequence, CASE WHEN stream IS NOT NULL THEN in_broker_sequence END)"


class Statement:
    """The SELECT that turns the lines of one plan group into rows of `parsed`."""

    def __init__(
        self, group: PlanGroup, zones: Mapping[str, str] | None = None, beginning: Beginning | None = None
    ):
        """`zones` are offsets by abbreviation, beyond those that mean one; `beginning`: of the logs."""
        self._zones = {**ZONES, **(zones or {})}
        self._beginning = beginning
        self._format = group.format
        self._has_one_spelling = group.has_one_spelling
        order = {role: self._ordered(role, paths, group) for role, paths in group.roles.items()}
        there = group.format.inputs.keys() - group.absent
        inputs = {name: group.envelope + path for name, path in group.format.inputs.items() if name in there}
        every = {path for paths in order.values() for path in paths} | set(inputs.values())
        self._left, self._left_with_time = group.left, group.left_with_time
        self._in_own_order, self._may_be_told = group.in_own_order, group.may_be_told
        self._paths = sorted({part for path in every for part in composed.parts(path)})
        self._index = {path: number for number, path in enumerate(self._paths, start=1)}
        self._roles = order
        self._operations = [path for role in ("operation", "operation_hint") for path in order.get(role, ())]
        self._inputs = inputs
        self._tests: dict[str, str] = {}

    @staticmethod
    def _ordered(role: str, paths: set[Path], group: PlanGroup) -> list[Path]:
        skip = len(group.envelope)
        explicit = [group.envelope + path for path in group.format.fields.get(role, ())]

        def key(path: Path) -> tuple[int, bool, int, tuple[int, int, int, Path]]:
            outside = path[:skip] != group.envelope
            rank = explicit.index(path) if path in explicit else len(explicit)
            inner = path if outside else path[skip:]
            last = outside != (role in OUTER_FIRST)
            place = {ABOVE: 0, HEADERS: 1, ABOUT: 3}.get(path[0], 2)
            return (place, last, rank, group.format.vocabulary.sort_key(role, inner))

        return sorted(paths, key=key)

    def _raw(self, path: Path) -> str:
        if composed.is_composed(path):
            return composed.sql(path, self._raw)
        return f"v{self._index[path]}"

    def _item(self, path: Path) -> str:
        """The same before each has a column."""
        if composed.is_composed(path):
            return composed.sql(path, self._item)
        return f"v[{self._index[path]}]"

    def _leaf(self, path: Path, role: str) -> str:
        raw = self._raw(path)
        unfit = self._tested(_is_object(raw) if role == "message" else _is_nested(raw))
        # A text may begin like a list: "[dbo].[orders]".
        unfit = f"CASE WHEN {unfit} THEN json_valid({raw}) ELSE FALSE END"
        if role in CAUSES and _may_be_prose(path):
            unfit += f" OR {self._tested(_has_words(raw))}"
        if role in _NAMING:
            unfit += f" OR {self._tested(self._is_nothing(role, path))}"
        within = "NULL"
        if role == "occurred_at":
            within = f"CASE WHEN {self._tested(_is_object(raw))} THEN {time_within(raw)} END"
        elif _is_header(path):
            within = f"CASE WHEN {unfit} THEN {alone_in(raw)} END"
        # Tables with gaps write whole numbers so: the cause 7.0 is the event 7.
        is_whole = f"WHEN ends_with({raw}, '.0') THEN regexp_replace({raw}, '^(-?\\d+)\\.0$', '\\1')"
        plain = is_whole if role in _NAMING else ""
        leaf = f"CASE WHEN {unfit} OR {raw} IN ('', '{{}}') THEN {within} {plain} ELSE {raw} END"
        return as_one_sql(leaf) if self._has_one_spelling and role in _OF_EVENTS else leaf

    def _tested(self, test: str) -> str:
        """The column that holds the outcome of a test which several columns depend on.

        DuckDB would find out that they ask the same, and take long for it.
        """
        return self._tests.setdefault(test, f"t{len(self._tests)}")

    def _is_nothing(self, role: str, path: Path) -> str:
        is_cause = role in CAUSES and ZERO_ID not in self._roles
        # No process and no session is called 0, a thread may be.
        is_session = role == "lock_blocked_by" and normalise(path[-1]).endswith(_SESSIONS)
        return f"list_contains({_NO_CAUSE if is_cause or is_session else _NO_ID}, {self._raw(path)})"

    def _role(self, role: str) -> str:
        leaves = [self._leaf(path, role) for path in self._roles.get(role, ())]
        return f"coalesce({', '.join(leaves)})" if leaves else "NULL::VARCHAR"

    def _list(self, *roles: str) -> str:
        raws = [self._raw(path) for role in roles for path in self._roles.get(role, ())]
        # A text may begin like a list.
        lists = [f"CASE WHEN starts_with({raw}, '[') AND json_valid({raw}) THEN {raw} END" for raw in raws]
        return f"coalesce({', '.join(lists)})" if lists else "NULL::VARCHAR"

    def _words_joined(self) -> tuple[list[str], str]:
        """What is known of the words that fields have, as columns, and the joins they come from.

        DuckDB plans a join in less time, the fewer columns go through it.
        """
        columns, joins = [], []
        for number, path in enumerate([*self._operations, *self._roles.get("lock_state", ())]):
            spelled, name = f"lower({self._item(path)})", f"w{number}"
            if path not in self._roles.get("operation", ()):  # a text may be long, a word is not
                spelled = f"CASE WHEN strlen({self._item(path)}) <= {LONGEST_WORD} THEN {spelled} END"
            if locks := list(filter(is_called_lock, (path, *self._roles.get("lock_resource", ())))):
                spelled = begun(spelled, "lock_", OF_LOCKS_ALONE, map(self._item, locks))
            joins.append(f"LEFT JOIN operation_words AS {name} ON {name}.word = {spelled}")
            columns += [f"{name}.{column} AS {name}_{column}" for column in ("word", "operation", "is_lock")]
        return columns, "\n    ".join(joins)

    def _operation(self) -> tuple[str, str]:
        """The operation, and the first word written."""
        words, raws = [], []
        states = self._roles.get("lock_state", ())
        first = len(self._operations)
        done = "".join(
            f"CASE WHEN w{number}_is_lock THEN w{number}_operation END, "
            for number in range(first, first + len(states))
        )
        for number, path in enumerate(self._operations):
            word = f"w{number}"
            needs_lock = f"{word}_is_lock AND coalesce(lock_resource, lock_edges) IS NULL"
            if path[-1] not in _TEXTS:  # a text may mention a deadlock that others report
                needs_lock += f" AND ({word}_operation <> 'deadlock' OR contains({word}_word, ' '))"
            said = f"{word}_operation"
            if done:
                said = f"CASE WHEN {word}_word = 'lock' THEN coalesce({done}{said}) ELSE {said} END"
            words.append(f"CASE WHEN {needs_lock} THEN NULL ELSE {said} END")
            if path in self._roles.get("operation", ()):
                raws.append(self._leaf(path, "operation"))
        operation = f"coalesce({', '.join(words)})" if words else "NULL::VARCHAR"
        raw = f"coalesce({', '.join(raws)})" if raws else "NULL::VARCHAR"
        return operation, raw

    def _event_type(self, raw_operation: str) -> str:
        leaves = []
        for path in self._roles.get("event_type", ()):
            leaf = self._leaf(path, "event_type")
            if path in self._operations:
                word = f"w{self._operations.index(path)}"
                leaf = f"CASE WHEN {word}_operation IS NULL THEN {leaf} END"
            leaves.append(leaf)
        hints = [path for path in self._roles.get("event_type", ()) if path in self._operations]
        return f"coalesce({', '.join([*leaves, raw_operation, self._words(hints)])})"

    def _words(self, paths: Iterable[Path]) -> str:
        """The first of these fields that is the word of an operation."""
        words = [
            f"CASE WHEN w{self._operations.index(path)}_operation IS NOT NULL THEN {self._raw(path)} END"
            for path in paths
        ]
        return f"coalesce({', '.join(words)})" if words else "NULL::VARCHAR"

    def _removed_words(self) -> str:
        """A word that is not left in attributes: a column must hold it."""
        gone: Collection[Path] | None = self._in_own_order
        if gone is None:
            gone = self._operations if self._left is None else self._left.removed
        hints = self._roles.get("operation_hint", ())
        return self._words(path for path in hints if path in gone)

    def _nested(self) -> str:
        """Whether a value that a column would take is an object or a list, or in place of none."""
        used = {path for role, paths in self._roles.items() if role not in UNREMOVED for path in paths}
        causes = {path for role in CAUSES for path in self._roles.get(role, ()) if _may_be_prose(path)}
        texts = set(self._roles.get("message", ())) if self._format.has_texts else set()
        tests = [_is_nested(self._raw(path)) for path in sorted(used - texts)]
        tests += [_is_object(self._raw(path)) for path in sorted(used & texts)]
        tests += [_has_words(self._raw(path)) for path in sorted(causes)]
        naming = {
            self._is_nothing(role, path)
            for role in set(_NAMING) - UNREMOVED
            for path in self._roles.get(role, ())
        }
        tests += sorted(naming)
        return " OR ".join(f"coalesce({self._tested(test)}, FALSE)" for test in tests) or "FALSE"

    def _leaves(self) -> list[Path]:
        lefts = (left for left in (self._left, self._left_with_time) if left is not None)
        return list(dict.fromkeys(path for left in lefts for path in leftover.leaves(left.tree)))

    def _rest(self) -> str:
        """What no column holds, if nothing of the record was lost on the way."""
        if self._in_own_order is not None:
            return leftover.in_own_order("line", self._in_own_order)
        return self._joined_or_patched(self._left, "patch")

    def _joined_or_patched(self, left: leftover.Union | None, patch: str) -> str:
        if left is None:
            return f"json_merge_patch(line, {patch})::VARCHAR"
        return leftover.joined(left.tree, {path: f"u{n}" for n, path in enumerate(self._leaves(), start=1)})

    def sql(self, group_no: int, spelling: Spelling) -> str:
        """The SELECT of the records whose times are spelled so.

        It reads the temp tables `lines`, `plans` and `operation_words`.
        """
        operation, raw_operation = self._operation()
        words, joins = self._words_joined()
        columns = {role: self._role(role) for role in (*_TEXT_COLUMNS, *_INTEGER_COLUMNS, *LOCK_ROLES)}
        columns |= {column: self._role(role) for role, column in _TYPED.items()}
        columns |= {
            "operation": operation,
            "event_type": self._event_type(raw_operation),
            "has_nested": self._nested(),
        }
        columns |= {f"in_{name}": "NULL::VARCHAR" for name in self._format.inputs}
        columns |= {f"in_{name}": self._raw(path) for name, path in self._inputs.items()}
        columns |= {
            "word": self._removed_words(),
            "links": self._list("links", *CAUSES),
            "lock_resource": "lock_resource",
            "lock_edges": "lock_edges",
        }
        columns["rest"] = self._rest()
        rest_with_time = self._joined_or_patched(self._left_with_time, "patch_keeping_time")
        prepared = [
            f"*, {template.format_map(self._placeholders())} AS in_{name}"
            for name, template in self._format.prepared.items()
        ]
        derived = ", ".join(
            f"{template.format_map(self._placeholders())} AS {_TYPED.get(role, role)}"
            for role, template in self._format.derived.items()
        )
        lock_resource = self._role("lock_resource")
        left = [f"u{number}" for number, _ in enumerate(self._leaves(), start=1)]
        time, is_so = parse_time_spelled(spelling, "in_occurred_at", self._zones, self._beginning)
        each = [*_each("v", self._paths), *_each("u", self._leaves())]
        return layered(
            f"""SELECT {", ".join(_KEPT)},
                {_extract("json_extract_string", self._paths)} AS v,
                {_extract("json_extract", self._leaves())} AS u
            FROM lines INNER JOIN plans ON lines.shape = plans.shape
            WHERE plans.group_no = {group_no}""",
            (", ".join([*_KEPT, *each, *words]), joins),
            ", ".join(["*", *(f"{test} AS {name}" for test, name in self._tests.items())]),
            f"*, {lock_resource} AS lock_resource, {self._list('lock_edges')} AS lock_edges",
            ", ".join([*_KEPT, *left, *(f"{sql} AS {name}" for name, sql in columns.items())]),
            *prepared,
            f"* REPLACE ({derived})" if derived else "*",
            f"""*,
                {time} AS occurred_at,
                {integer(_SEQUENCE, "BIGINT")} AS sequence,
                try_cast(in_is_redelivered AS BOOLEAN) AS is_redelivered""",
            f"""*, {_attributes(rest_with_time)} AS written,
                {self._is_told_of_a_deadlock()} AS is_told""",
            (self._output(), f"WHERE {is_so}"),
        )

    def _is_told_of_a_deadlock(self) -> str:
        severity = self._format.computed.get("severity", "{severity}").format_map(self._placeholders())
        told = is_told("line", f"({severity})", "operation", "may_be_told")
        return told if self._may_be_told else "FALSE"

    def _output(self) -> str:
        columns = {
            "file_id": "file_id", "byte_offset": "byte_offset", "byte_length": "byte_length",
            "record_no": "record_no", "format": f"'{self._format.name}'",
            "event_id": "event_id", "occurred_at": "occurred_at", "node": "node",
            "service": "service", "operation": "CASE WHEN is_told THEN 'deadlock' ELSE operation END",
            "event_type": f"CASE WHEN event_type IS NULL AND is_told THEN {TOLD} ELSE event_type END",
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
            **{name: integer(name, kind) for name, kind in _INTEGER_COLUMNS.items()},
            "is_redelivered": "is_redelivered", "severity": "severity", "message": "message",
            "attributes": "CASE WHEN written <> '{}' THEN written END",
            **{role: role for role in LOCK_ROLES},
            "lock_blocked_by": "nullif(lock_blocked_by, lock_owner)",
            "lock_detail": f"CASE WHEN is_told THEN {waits('line')} END",
            **{role: role for role in LIST_ROLES},
        }  # fmt: skip
        for name, template in self._format.computed.items():
            columns[name] = template.format_map(self._placeholders())
        return ",\n    ".join(f"{sql} AS {name}" for name, sql in columns.items())

    def _placeholders(self) -> dict[str, str]:
        """What an expression of the format may name -> the column that holds it."""
        plain = (*_TEXT_COLUMNS, *_INTEGER_COLUMNS, *LOCK_ROLES, "operation", "event_type")
        return {
            **{role: role for role in plain},
            **_TYPED,
            **{name: f"in_{name}" for name in (*self._format.inputs, *self._format.prepared)},
        }


def _is_object(text: str) -> str:
    # Comparing the first bytes is cheaper than a function; "{" alone may start a GUID.
    return f"({text} >= '{{\"' AND {text} < '{{#')"


def _has_words(text: str) -> str:
    return f"contains({text}, ' ')"


def _is_nested(text: str) -> str:
    # The optimizer turns an OR of two ranges over for long.
    return f"""CASE WHEN {text} < '[' THEN FALSE WHEN {text} < '\\' THEN TRUE
        WHEN {text} < '{{"' THEN FALSE ELSE {text} < '{{#' END"""


def _extract(function: str, paths: Iterable[Path]) -> str:
    pointers = ", ".join(pointer(path) for path in paths)
    return f"{function}(line, [{pointers}])" if pointers else "NULL::VARCHAR[]"


def _each(listed: str, paths: Sequence[Path]) -> list[str]:
    """The items of a list as columns: a column is planned in less time than what is looked up in a list."""
    return [f"{listed}[{number}] AS {listed}{number}" for number, _ in enumerate(paths, start=1)]


def _is_header(path: Path) -> bool:
    return any(normalise(key) in HEADER_OBJECTS for key in path[-2:-1])


def _may_be_prose(path: Path) -> bool:
    """Whether a cause may be a sentence, not an id: "cause": "connection reset"."""
    return not normalise(path[-1]).endswith("id")


def _attributes(rest_with_time: str) -> str:
    """What no column holds: all of the record when a value did not fit the column it was for."""
    lost = [
        "has_nested",
        "coalesce(in_sequence, in_broker_sequence) IS NOT NULL AND sequence IS NULL",
        "word IS NOT NULL AND word IS DISTINCT FROM event_type AND word IS DISTINCT FROM message",
        "in_is_redelivered IS NOT NULL AND is_redelivered IS NULL",
        "regexp_full_match(epoch, '\\d{9,}(\\.\\d+)?')",
        may_be_rounded("rest"),
        "NOT contains(in_occurred_at, ':') AND regexp_full_match(in_occurred_at, '\\d{9,}\\.\\d{7,}')",
        *(f"{name} IS NOT NULL AND ({integer(name, kind)}) IS NULL"
          for name, kind in _INTEGER_COLUMNS.items()),
    ]  # fmt: skip
    # A time is kept as written when microseconds cannot hold it or it was not understood.
    inexact = f"in_occurred_at IS NOT NULL AND (occurred_at IS NULL OR {is_inexact('in_occurred_at')})"
    # Only as a condition are these asked one after the other, each of what those before it left. And no
    # branch may be of type JSON: all others would be parsed once more.
    return f"""CASE
        WHEN {" OR ".join(f"({test})" for test in lost)} THEN rtrim(line, chr(10) || chr(13))
        WHEN {inexact} THEN {rest_with_time}
        ELSE rest
    END"""
