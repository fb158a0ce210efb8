"""How the lines of PostgreSQL's server log as text begin: a prefix, and a label in any of its languages.

Most labels end with a colon and two spaces. The catalogues have a few that do not ("ПОЛОЖЕНИЕ: "): those are
odd, begin no report, and are known behind one only. Source: PostgreSQL documentation, "Error Reporting and
Logging"; elog.c and its catalogues.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import product
from string import ascii_uppercase
from typing import Final

from ingest.formats.base import none_of
from ingest.formats.postgresql_words import LABELS, ODD_LABELS, PARTS, SEVERITIES, any_of, escaped

# The English ones first, which are the most frequent.
_OF_MESSAGES: Final = [*SEVERITIES, *(label for label, english in LABELS.items() if english in SEVERITIES)]
_OF_PARTS: Final = {
    **PARTS,
    **{label: PARTS[english] for label, english in LABELS.items() if english in PARTS},
}
_ODD: Final = {label: PARTS[english] for label, english in ODD_LABELS.items()}
KEYS: Final = {**dict.fromkeys(_OF_MESSAGES, "message"), **_OF_PARTS, **_ODD}
"""Label -> what it says the text behind it is, as jsonlog calls that."""
# A time with its zone, seconds with three digits behind the point, a process id in brackets or alone, or
# fields with names: what a prefix has at least.
_KNOWN: Final = (
    rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? (?:[A-Z]{1,5}\b|UTC|MSK|[A-Z]{2,4}T|[+-]\d\d)"
    rb"|(?<!\d)\d{10}\.\d{3}(?!\d)"
    rb"|\[\d+(?:-\d+)?\]"
    rb"|\b(?:(?:user|db|database|app|client|host|pid|u|d|a|h)=|sql_error_code ?=)"
)
_PROCESS_ALONE: Final = rb"[1-9]\d{0,9} (?=[A-Z][A-Z0-9]+:  )"
_PREFIX: Final = rb"(?:%b|%b)|(?![\s{,\"])(?:(?!:  )[^\n]){1,120}?(?:%b)" % (_KNOWN, _PROCESS_ALONE, _KNOWN)
# A line without a prefix gets its time from what is around it. Others write "WARNING:  " as well; of what
# servers write in other languages, only that is taken which is least of all a word like any other.
_BARE: Final = [name for name in (*SEVERITIES, *PARTS) if name not in {"WARNING", "INFO"}]
_BARE_ELSEWHERE: Final = [
    label for label in _OF_MESSAGES if LABELS.get(label) in {"LOG", "ERROR", "FATAL", "PANIC"}
]
_NO_COLON: Final = none_of(b"\n:")
_NO_LETTER: Final = rb"(?<![A-Za-z_\x80-\xff])"
"""Before a label; a number may stand there, such as a query's id (%Q)."""
# A prefix that ends with a time may have no space behind it.
_ZONE: Final = rb"(?:(?<=\d UTC)|(?<=\d MSK)|(?<=\d [A-Z]{2}T)|(?<=\d [A-Z]{3}T)|(?<=\d [A-Z]{4}T))"


def _alternatives(names: Iterable[str]) -> bytes:
    """One of these labels, parted by their first bytes, which takes less time than to try them in turn."""
    by_first: dict[bytes, list[bytes]] = {}
    for name in names:
        spelled = escaped(name).encode()
        by_first.setdefault(spelled[:1], []).append(spelled[1:])
    alike = b"|".join(b"%b(?:%b)" % (first, b"|".join(rest)) for first, rest in by_first.items())
    return b"(?:%b)" % alike


def _behind(names: Iterable[str]) -> bytes:
    """What stands behind one of these labels; parted by their last bytes."""
    by_last: dict[bytes, list[bytes]] = {}
    for name in map(str.encode, names):
        by_last.setdefault(name[-1:] if name[-1:].isascii() else rb"[\x80-\xff]", []).append(name)
    # Hardly any stands behind a zone.
    return b"|".join(
        rb"(?<=%b:  )(?:%b)"
        % (last, b"|".join(rb"(?<=%b%b:  )" % one for one in product((_NO_LETTER, _ZONE), alike)))
        for last, alike in by_last.items()
    )


def _begins(labels: bytes, bare: Iterable[str]) -> bytes:
    """A line whose first colon with two spaces is that of one of these labels, behind a prefix unless it is
    one of the bare ones.
    """
    labelled = rb"%b*+(?::(?!  )%b*+)*+:  (?:%b)" % (_NO_COLON, _NO_COLON, labels)
    return rb"%b(?=%b)(?:%b|%b:  (?! ))" % (_MAY_BE, labelled, _PREFIX, _alternatives(bare))


# No prefix begins so, which takes less time to see than that there is no label.
_MAY_BE: Final = rb"(?![\s{,\"])"
OF_MESSAGES: Final = _alternatives(_OF_MESSAGES)
OF_PARTS: Final = _alternatives(_OF_PARTS)
"""Regular expressions for the labels of messages, and for those of what belongs to one."""
REPORT_START: Final = _begins(_behind([*_OF_MESSAGES, *_OF_PARTS]), [*_BARE, *_BARE_ELSEWHERE])
"""Regular expression for how a report begins, or a part of one that has lost its beginning."""
PART_START: Final = _begins(_behind(_OF_PARTS), _OF_PARTS)
"""The same for a line that belongs to the report before it, unless that `is_odd_part`."""
REPORT_OR_PART: Final = re.compile(
    _begins(
        rb"%b|(?P<part>%b)" % (_behind(_OF_MESSAGES), _behind(_OF_PARTS)),
        [*_BARE, *_BARE_ELSEWHERE, *_OF_PARTS],
    )
)
PLAIN: Final = re.compile(rb"%b(?:%b)" % (_MAY_BE, _PREFIX))
"""What begins with a prefix."""

_ODD_TEXTS: Final = [label.encode() for label in _ODD]
_ODD_TEXTS_IN_ASCII: Final = [text for text in _ODD_TEXTS if text.isascii()]
_ODD_LABEL: Final = re.compile(rf"(?<!\w){any_of(_ODD)}")
_ODD_PART: Final = re.compile(
    rb"%b(?=(?:(?!:  )[^\n])*?%b%b)(?:%b|%b)"
    % (_MAY_BE, _NO_LETTER, _alternatives(_ODD), _PREFIX, _alternatives(_ODD))
)
_LABELS: Final = sorted((label[::-1] for label in (*_OF_MESSAGES, *_OF_PARTS)), key=len, reverse=True)
_LABEL_BACKWARDS: Final = re.compile(rf"{any_of(_LABELS)}(?:(?![^\W\d])|(?=(?:CTU|KSM|T[A-Z]{{2,4}}) \d))")


def is_odd_part(line: bytes) -> bool:
    """Whether it is a part of a report whose label does not end with a colon and two spaces."""
    for text in _ODD_TEXTS_IN_ASCII if line.isascii() else _ODD_TEXTS:
        if text in line:
            return _ODD_PART.match(line) is not None
    return False


def parted(line: str) -> tuple[str, str, str]:
    """The prefix of a line, its label and its text; without a label there is no text."""
    head, _, text = line.partition(":  ")
    prefix = head.rstrip(ascii_uppercase)
    label = head[len(prefix) :]
    if label in KEYS:
        return prefix, label, text
    if found := _LABEL_BACKWARDS.match(head[::-1]):
        label = found[0][::-1]
        return head[: -len(label)], label, text
    if odd := _ODD_LABEL.search(line):
        return line[: odd.start()], odd[0], line[odd.end() :]
    return prefix, "", ""
