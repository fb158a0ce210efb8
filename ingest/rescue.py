"""What can be saved from a line that is not one JSON object.

A writer that dies in the middle of a line leaves a torn one, and the next process writes its
first record right behind it. A file cut by copytruncate under a writer that does not append
starts with a hole of NUL bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from json import JSONDecodeError, JSONDecoder
from typing import Literal

_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
_WHITESPACE = b" \t\r\n"
# Each candidate start costs one parse; a line of nothing but braces must not cost its square.
_MAX_CANDIDATES = 64
_decoder = JSONDecoder()


@dataclass(frozen=True)
class Segment:
    """A part of a line: [start, end) of its bytes."""

    kind: Literal["record", "reject", "blank"]
    start: int
    end: int
    reason: str = ""


def segments(line: bytes) -> list[Segment]:
    """Cut a line that is not a JSON object into records, rejected parts and blanks.

    The segments cover the line without gaps, in order. A record is a JSON object that stands
    whole at the start or the end of what is left: an object nested in a torn one is never taken
    for a record.
    """
    start, found = 0, []
    for blank in (_BOM, b"\0"):
        after = start
        while line.startswith(blank, after):
            after += len(blank)
        if after > start:
            found.append(Segment("blank", start, after))
            start = after
    rest = line[start:]
    if not rest.strip(_WHITESPACE):
        return [*found, Segment("blank", start, len(line))] if rest else found
    try:
        text = rest.decode("utf-8")
    except UnicodeDecodeError as error:
        reason = _encoding_reason(line, start + error.start)
        return [*found, Segment("reject", start, len(line), reason)]
    return found + list(_cut(text, start))


def _encoding_reason(line: bytes, at: int) -> str:
    if line.startswith(_UTF16_BOMS):
        return "UTF-16 text; write the log as UTF-8"
    return f"not valid UTF-8 (byte {at} of the line)"


def _cut(text: str, base: int) -> Iterator[Segment]:
    """Segments of `text`, which starts `base` bytes into its line."""
    position = base
    while text:
        end = _object_end(text)
        if end:
            length = len(text[:end].encode())
            yield Segment("record", position, position + length)
            text, position = text[end:], position + length
            if not text.strip():
                break
            continue
        start = _whole_suffix(text)
        length = len(text[:start].encode())
        yield Segment("reject", position, position + length, _reason(text[:start]))
        if start < len(text):
            yield Segment("record", position + length, position + len(text.encode()))
        return
    if text:
        yield Segment("blank", position, position + len(text.encode()))


def _object_end(text: str) -> int:
    """Where a JSON object that starts the text ends; 0 when there is none."""
    lead = len(text) - len(text.lstrip())
    if not text.startswith("{", lead):
        return 0
    try:
        _, end = _decoder.raw_decode(text, lead)
    except (JSONDecodeError, RecursionError):
        return 0
    return end


def _whole_suffix(text: str) -> int:
    """Where the first object starts that reaches to the end of the text; its length if none."""
    start, body = 0, text.rstrip()
    for _ in range(_MAX_CANDIDATES):
        start = body.find('{"', start + 1)
        if start < 0:
            break
        if _object_end(body[start:]) == len(body) - start:
            return start
    return len(text)


def _reason(text: str) -> str:
    stripped = text.strip()
    if "\0" in text:
        return "holds NUL bytes"
    if not stripped.startswith("{"):
        if stripped.startswith("["):
            return "a JSON array; one object per line is expected"
        return "not JSON, and no text format that is known"
    try:
        _decoder.raw_decode(stripped)
    except JSONDecodeError as error:
        return f"not valid JSON ({error.msg}, character {error.pos}); a torn line?"
    except RecursionError:
        return "nested too deeply"
    return "not valid JSON"
