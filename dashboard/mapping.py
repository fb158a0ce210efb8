"""How sure it is which field of which logs is taken for what, in words, and what to do about the rest."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final, Literal

from dashboard import formatting
from dashboard.hostile import safe_md
from stormwatch.fields import field_name, in_words

Row = Mapping[str, Any]
Certainty = Literal["unsure", "unknown", "by name", "sure"]
ORDER: Final[tuple[Certainty, ...]] = ("unsure", "unknown", "by name", "sure")
"""What is to be looked at first comes first."""
_SURE: Final = 0.8
"""Share of what was counted from which on values leave no doubt."""
_TOLD: Final = frozenset(
    {"id", "cause", "parent", "correlation", "sequence", "key", "entity", "version", "expected_version"}
)
"""Roles that values can tell; of others a name that is understood is all there is."""
_NEEDED: Final = {
    "id": "chains, loops and duplicates need it",
    "cause": "chains and loops need it; first events have none",
    "time": "all that is shown over time needs it",
}
_EXAMPLES: Final = 3


@dataclass(frozen=True)
class Judged:
    """A role in a kind of logs; texts may hold names out of logs."""

    scope: str
    format: str
    role: str
    fields: str
    certainty: Certainty
    how: str
    confidence: float | None
    known_ratio: float | None
    """Share of the newest records that have it."""
    evidence: str
    todo: str


def judged(rows: Sequence[Row]) -> list[Judged]:
    """Rows of `mapped_fields`, and the roles that are needed and have none; what is least sure first."""
    found = [_judged(row) for row in rows]
    for (scope, fmt), group in groupby(rows, key=lambda row: (row["scope"], row["format"])):
        found += _missing(scope, fmt, list(group))
    return sorted(found, key=lambda one: ORDER.index(one.certainty))


def _judged(row: Row) -> Judged:
    fields = [field_name(path) for path in json.loads(row["fields"])]
    certainty, how = _how(row)
    is_sure = certainty == "sure"
    count, known = row["event_count"], row["known_count"]
    return Judged(
        row["scope"], row["format"], row["role"],
        ", ".join(fields) or ("no field" if row["is_dropped"] else "made by the format"),
        certainty, how, row["confidence"],
        known / count if count and known is not None else None,
        in_words(json.loads(row["evidence"])) if row["evidence"] else "",
        "" if is_sure else f"--map {row['role']}=FIELD, if another one is it",
    )  # fmt: skip


def _how(row: Row) -> tuple[Certainty, str]:
    if row["source"] == "said":
        if row["event_count"] and not row["known_count"] and row["role"] != "parent":
            return "unsure", "you said so, but no record has it"
        return "sure", "you said so"
    if row["is_dropped"]:
        return "sure", "by values: what is called so leads nowhere"
    if row["confidence"] is not None:
        agrees = (
            "by values; its name would say something else"
            if row["source"] == "values"
            else "by name and values"
        )
        return ("sure" if row["confidence"] >= _SURE else "unsure"), agrees
    if row["source"] == "format":
        return "sure", "the format says so"
    if row["role"] in _TOLD:
        return "by name", "by name; the values do not tell (yet)"
    return "sure", "by name, and it can be read"


def _missing(scope: str, fmt: str, rows: Sequence[Row]) -> Iterator[Judged]:
    known = {row["role"] for row in rows if row["known_count"] or row["source"] == "said"}
    if not rows[0]["event_count"]:
        return
    for role, why in _NEEDED.items():
        if role not in known:
            todo = f"--map {role}=FIELD, if a field holds it"
            yield Judged(scope, fmt, role, formatting.NONE, "unknown", why, None, 0.0, "", todo)


def sentence(found: Sequence[Judged]) -> str:
    """What is sure and what is not, our own Markdown."""
    sure = [one for one in found if one.certainty == "sure"]
    kinds = len({one.scope for one in found})
    by_values = sum(one.confidence is not None for one in sure)
    first = (
        f"**Sure of {len(sure)} of {formatting.plural(len(found), 'role')} that fields have** in "
        f"{formatting.plural(kinds, 'kind')} of logs, {by_values} of them told by their values"
    )
    said = [first]
    for certainty, title in (
        ("unsure", "not sure"), ("unknown", "not known"), ("by name", "by their names only"),
    ):  # fmt: skip
        some = [one for one in found if one.certainty == certainty]
        if some:
            said.append(f"**{title}: {len(some)}** ({_named(some)})")
    return "; ".join(said) + "."


def _named(some: Sequence[Judged]) -> str:
    """The first few, the kinds of logs of one role together."""
    scopes: dict[str, list[str]] = {}
    for one in some:
        scopes.setdefault(one.role, []).append(one.scope)
    parts = [f"{role} in {_list(of)}" for role, of in list(scopes.items())[:_EXAMPLES]]
    return ", ".join(parts) + (" and others" if len(scopes) > _EXAMPLES else "")


def _list(scopes: Iterable[str]) -> str:
    first, *others = dict.fromkeys(scopes)
    return safe_md(first, 60) + (f" and {len(others)} more" if others else "")
