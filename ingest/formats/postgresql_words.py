"""What PostgreSQL writes in other languages than English (`lc_messages`), by its own message catalogues.

postgresql_messages.json has the messages that count, in English and in each language;
contrib/postgresql_messages.py makes it from the catalogues. What a language does not translate, its
servers write in English. Source: PostgreSQL's catalogues; elog.c, deadlock.c, proc.c, lmgr.c.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

SEVERITIES: Final = ("DEBUG", "LOG", "INFO", "NOTICE", "WARNING", "ERROR", "FATAL", "PANIC")
PARTS: Final = {
    "DETAIL": "detail", "HINT": "hint", "QUERY": "internal_query", "CONTEXT": "context",
    "LOCATION": "location", "BACKTRACE": "backtrace", "STATEMENT": "statement",
}  # fmt: skip
_COLON: Final = ":  "
# The label of a place in the server's source is one message with what stands behind it.
_TEXTS_OF_PARTS: Final = {
    part: tuple(
        f"{part}{_COLON}{text}" for text in (("%s, %s:%d\n", "%s:%d\n") if part == "LOCATION" else [""])
    )
    for part in PARTS
}
AT: Final = " at character %d"
DEADLOCK: Final = "deadlock detected"
WAITS: Final = "Process %d waits for %s on %s; blocked by process %d."
RUNS: Final = "Process %d: %s"
WAITING: Final = (
    "process %d still waiting for %s on %s after %ld.%03d ms",
    "process %d detected deadlock while waiting for %s on %s after %ld.%03d ms",
)
ACQUIRED: Final = "process %d acquired %s on %s after %ld.%03d ms"
AVOIDED: Final = "process %d avoided deadlock for %s on %s by rearranging queue order after %ld.%03d ms"
_RESOURCES: Final = (
    "relation %u of database %u", "extension of relation %u of database %u",
    "pg_database.datfrozenxid of database %u", "page %u of relation %u of database %u",
    "tuple (%u,%u) of relation %u of database %u", "transaction %u", "virtual transaction %d/%u",
    "speculative token %u of transaction %u", "object %u of class %u of database %u",
    "user lock [%u,%u,%u]", "advisory lock [%u,%u,%u,%u]",
    "remote transaction %u of subscription %u of database %u",
)  # fmt: skip
MESSAGES: Final = (
    *SEVERITIES, *(text for texts in _TEXTS_OF_PARTS.values() for text in texts),
    AT, DEADLOCK, WAITS, RUNS, *WAITING, ACQUIRED, AVOIDED, *_RESOURCES,
)  # fmt: skip
"""What is taken from a catalogue."""

_CATALOGUES: Final[Iterable[Mapping[str, str]]] = json.loads(
    Path(__file__).with_name("postgresql_messages.json").read_text(encoding="utf-8")
)["catalogues"].values()
_ARGUMENT: Final = re.compile(r"%(?:(\d+)\$)?0?\d*l?[dsu]")


def said(*messages: str) -> list[str]:
    """These messages in the languages that have other words for them; the longest first."""
    found = {catalogue[one] for catalogue in _CATALOGUES for one in messages if one in catalogue}
    return sorted(found, key=lambda text: (-len(text), text))


def _pieces(message: str) -> tuple[list[int], list[str]]:
    """Which argument stands in each place, counted from 1, and the texts around them."""
    found = list(_ARGUMENT.finditer(message))
    order = [int(one[1] or place) for place, one in enumerate(found, start=1)]
    ends = [0, *(one.end() for one in found)]
    starts = [*(one.start() for one in found), len(message)]
    return order, [message[end:start] for end, start in zip(ends, starts, strict=True)]


def _labels() -> tuple[dict[str, str], dict[str, str]]:
    # A word for two severities stands for the more serious one.
    usual = {word: severity for severity in SEVERITIES for word in said(severity)}
    odd = {}
    for part, texts in _TEXTS_OF_PARTS.items():
        for text in said(*texts):
            label = _pieces(text)[1][0]
            if _COLON in label:
                usual[label.partition(_COLON)[0]] = part
            else:
                odd[label] = part
    return usual, odd


LABELS, ODD_LABELS = _labels()
"""Label -> the English one, without the colon and two spaces behind it; with what is there instead."""


def escaped(text: str) -> str:
    """Regular expression, to Python and RE2 alike, for a text."""
    return re.sub(r"([\\.^$|?*+()\[\]{}])", r"\\\1", text).replace("\n", r"\n")


def any_of(texts: Iterable[str], expression: Callable[[str], str] = escaped) -> str:
    """Regular expression for one of these texts."""
    return f"(?:{'|'.join(map(expression, texts))})"


def beginnings(*messages: str) -> str:
    """Regular expression, to both, for what these messages begin with in other languages: up to behind the
    first argument, a number, which is its group.
    """
    around = [_pieces(message)[1][:2] for message in said(*messages)]
    before, behind = (
        sorted(dict.fromkeys(texts), key=len, reverse=True) for texts in zip(*around, strict=True)
    )
    return rf"{any_of(before)}(\d+){any_of(behind)}"


ENGLISH_RESOURCE: Final = any_of(_RESOURCES, lambda one: r"\d+".join(map(escaped, _pieces(one)[1])))
"""Regular expression for what is locked, in English."""


def probes(*messages: str) -> list[tuple[str, list[str]]]:
    """These messages in other languages by a text that stands in them: those that may be meant where it does.

    Where none of these texts stands, none of the messages does.
    """
    texts = said(*messages)
    found = dict.fromkeys(max(_pieces(text)[1], key=len) for text in texts)
    return [
        (probe, [text for text in texts if any(probe in piece for piece in _pieces(text)[1])])
        for probe in found
    ]


def patterns(arguments: Sequence[str], texts: Iterable[str]) -> list[tuple[str, dict[int, int]]]:
    """Regular expressions, to both, for texts of messages, and which group is which argument.

    There is one for all that have the arguments, which look like that, in the same order.
    """
    alike: dict[tuple[int, ...], list[list[str]]] = {}
    for message in texts:
        order, pieces = _pieces(message)
        alike.setdefault(tuple(order), []).append(pieces)
    found = []
    for places, of_order in alike.items():
        around = [any_of(dict.fromkeys(alternatives)) for alternatives in zip(*of_order, strict=True)]
        between = [*(arguments[number - 1] for number in places), ""]
        groups = [number for number in places if arguments[number - 1].startswith("(")]
        pattern = "".join(map("".join, zip(around, between, strict=True)))
        found.append((pattern, {number: group for group, number in enumerate(groups, start=1)}))
    return found


def _resources() -> dict[str, str]:
    found = {}
    for message in _RESOURCES:
        english = _pieces(message)[1]
        for text in said(message):
            order, pieces = _pieces(text)
            places = [f"${order.index(number) + 1}" for number in range(1, len(order) + 1)]
            found["#".join(pieces)] = "".join(map("".join, zip(english, [*places, ""], strict=True)))
    return found


RESOURCES: Final = _resources()
"""What is locked, with # for its numbers -> the same in English, with $1 for the first of these numbers."""
