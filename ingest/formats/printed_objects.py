"""Objects that a line of a log ends with, as Java and Kotlin print them.

`OrderPlaced(eventId=e1, causationId=null)` of data classes and Lombok, `OrderPlaced[eventId=e1]` of records,
`OrderPlaced{eventId='e1'}` of IDEs and Guava: two fields or more, one of which is called as ids of events,
causes or flows are, and a name with a capital, which is the class. Others, `User(id=5, name=x)`, are data.
Source: Kotlin, "Data classes"; JLS 8.10, "Record Classes"; Project Lombok, "@ToString"; Guava,
"MoreObjects".
"""

from __future__ import annotations

import re
from itertools import islice
from typing import Final

from ingest.vocabulary import CLEAR_IDS, normalise

_BEGINS: Final = re.compile(r"(?<![\w.$])(?:[\w$]+\.)*(?P<name>[A-Z][\w$]*)[(\[{](?=[A-Za-z_]\w*=)")

_MARK: Final = re.compile(r"[(\[{]|[)\]}]|, (?=[A-Za-z_]\w*=)|'[^'\n]*'(?=[,)\]}])")
_OPEN: Final = "([{"
_CLOSE: Final = ")]}"
_BEHIND: Final = " \t\r.;!"
_CLASS: Final = "event_class"
_FEWEST: Final = 2
_MOST: Final = 16
"""So many beginnings are looked at: each may go on up to the end of the text."""


def printed_fields(text: str) -> dict[str, str]:
    """The fields of the object at the end of a text, and its class; none where there is no such object."""
    text = text.rstrip(_BEHIND)
    if not text.endswith(tuple(_CLOSE)):
        return {}
    for begin in islice(_BEGINS.finditer(text), _MOST):
        parts = _parts(text, begin.end())
        if parts is not None:
            fields = dict(map(_field, parts))
            if len(parts) < _FEWEST or CLEAR_IDS.isdisjoint(map(normalise, fields)):
                return {}
            said = {key: value for key, value in fields.items() if value != "null"}
            return {_CLASS: begin["name"], **said}
    return {}


def _parts(text: str, start: int) -> list[str] | None:
    """What stands between commas up to the bracket that closes the object; None: it ends before the text."""
    opened = [text[start - 1]]
    parts: list[str] = []
    for mark in _MARK.finditer(text, start):
        what = mark[0]
        if what in _OPEN:
            opened.append(what)
        elif what in _CLOSE:
            if _OPEN.index(opened.pop()) != _CLOSE.index(what):
                return None
            if not opened:
                return [*parts, text[start : mark.start()]] if mark.end() == len(text) else None
        elif what.startswith(",") and len(opened) == 1:
            parts.append(text[start : mark.start()])
            start = mark.end()
    return None


def _field(part: str) -> tuple[str, str]:
    key, _, value = part.partition("=")
    is_quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return key, value[1:-1] if is_quoted else value
