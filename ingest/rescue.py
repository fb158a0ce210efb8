"""What can be saved from a line that is not one JSON object.

A writer that dies in the middle of a line leaves a torn one, and the next process writes its
first record right behind it. A file cut by copytruncate under a writer that does not append
starts with a hole of NUL bytes. Whole records are found where a line begins and where it ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from json import JSONDecodeError, JSONDecoder
from typing import Literal

import orjson

_WHITESPACE = " \t\r\n"
# What holds nothing: NUL runs, byte order marks, the record separator of RFC 7464, and the
# punctuation of an array of records.
_FILLING = _WHITESPACE + "\0\x1e\ufeff"
_FILLED = re.compile(f"[{_FILLING}]*+")
_JOINT = re.compile(rf"[{_FILLING}\[\],]*+(?=\{{|\Z)")
_AT_END = _FILLING + ",]"
_EMPTY_ARRAY = re.compile(rf"[{_FILLING}]*\[[{_WHITESPACE}]*\][{_FILLING}]*")
_EMPTY_OBJECT = re.compile(rf"\{{[{_WHITESPACE}]*\}}[{_WHITESPACE}]*")
_FIRST_KEY = re.compile(r'\s*\{\s*"((?:[^"\\]|\\.)*+)"\s*:')
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"?|[{}\[\]]')
_STRUCTURE = re.compile(r'["{}]')
_HALF_ESCAPE = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_PART_OF_DOCUMENT = re.compile(r'\s*(?:[{}\[\]][\s,}\]]*\Z|"(?:[^"\\]|\\.)*+"\s*(?::|,?\s*\Z))')
_PUNCTUATION = b" \t\r\n[],"
_SHALLOW = 500
"""So many brackets can be nested wherever they stand."""
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")

# Numbers stay text: Python refuses to make an int of thousands of digits.
_decoder = JSONDecoder(parse_int=str, parse_float=str)


@dataclass(frozen=True)
class Segment:
    """A part of a line: [start, end) of its bytes."""

    kind: Literal["record", "reject", "blank"]
    start: int
    end: int
    reason: str = ""
    """Why it is rejected; of a record, why it may still not be readable."""


@dataclass(frozen=True)
class _Part:
    """The same in characters."""

    kind: Literal["record", "reject", "blank"]
    text: str


_TOMBSTONE = b"null"
"""The value of what was deleted, as consumers of Kafka print it."""


def segments(line: bytes) -> list[Segment]:
    """Cut a line that is not a JSON object into records, rejected parts and blanks.

    The segments cover the line without gaps, in order. A record is a JSON object that stands
    whole at the start or at the end of what is left; an array of objects is its objects. An
    object nested in a torn one is no record. Bytes that are not UTF-8 are part of no record.
    """
    if line.strip() == _TOMBSTONE:
        return [Segment("blank", 0, len(line))]
    if elements := _elements(line):
        return elements
    text = line.decode("utf-8", "surrogateescape")
    found, at = [], 0
    for part in _parts(text):
        end = at + len(part.text.encode("utf-8", "surrogateescape"))
        found.append(Segment(part.kind, at, end, _reason(part, line[at:end], at)))
        at = end
    return found


def _elements(line: bytes) -> list[Segment]:
    """The same of objects that stand on lines of their own, with nothing but the punctuation of an array
    around them: most are. Empty where they are not.
    """
    if b"\\u" in line:
        return []
    found: list[Segment] = []
    done = 0
    for start, end in _bare_lines(line):
        text = line[start:end]
        if not text.startswith(b"{") or text.count(b"[") + text.count(b"{") > _SHALLOW:
            return []
        try:
            if not orjson.loads(text):
                return []
        except orjson.JSONDecodeError:
            return []
        if start > done:
            found.append(Segment("blank", done, start))
        found.append(Segment("record", start, end))
        done = end
    if found and not line[done:].strip(_WHITESPACE.encode()):
        found[-1] = replace(found[-1], end=len(line))  # the line end belongs to its record
    elif found:
        found.append(Segment("blank", done, len(line)))
    return found


def _bare_lines(data: bytes) -> Iterator[tuple[int, int]]:
    """Where what stands on each line starts and ends, without punctuation around it."""
    at = 0
    while at < len(data):
        behind = data.find(b"\n", at) + 1 or len(data)
        text = data[at:behind].lstrip(_PUNCTUATION)
        if text:
            start = behind - len(text)
            yield start, start + len(text.rstrip(_PUNCTUATION))
        at = behind


def _parts(text: str) -> Iterator[_Part]:
    """Records from the front, then whatever is no record, then records up to the end."""
    position = 0
    body = _stripped_end(text, 0, len(text), _WHITESPACE)
    if _EMPTY_ARRAY.fullmatch(text):
        yield _Part("reject", text)
        return
    while position < len(text):
        gap = _JOINT.match(text, position) or _FILLED.match(text, position)
        if gap and gap.end() > position:
            yield _Part("blank", text[position : gap.end()])
            position = gap.end()
            continue
        end = _object_end(text, position)
        if not end:
            break
        if end >= body:
            end = len(text)  # the line end belongs to its record
        yield _Part("record", text[position:end])
        position = end
    if position < len(text):
        yield from _torn(text, position)


def _torn(text: str, start: int) -> Iterator[_Part]:
    """What begins with no record: rejected but for the whole records that it ends with."""
    ends: list[_Part] = []
    stop = len(text)
    marks = [mark.start() for mark in _STRUCTURE.finditer(text, start)]
    while True:
        last = _stripped_end(text, start, stop, _AT_END)
        begin = _matching_brace(text, marks, last)
        if begin is None or _object_end(text, begin) != last:
            break
        if _is_nested(text, start, begin, is_last=not ends):
            break
        if stop == len(text) and _stripped_end(text, start, stop, _WHITESPACE) == last:
            last = stop  # the line end belongs to its record
        if last < stop:
            ends.append(_Part("blank", text[last:stop]))
        ends.append(_Part("record", text[begin:last]))
        stop = begin
    if stop > start:
        yield _Part("reject", text[start:stop])
    yield from reversed(ends)


def _stripped_end(text: str, start: int, end: int, characters: str) -> int:
    """Where text[start:end] ends without these characters at its end."""
    while end > start and text[end - 1] in characters:
        end -= 1
    return end


def _object_end(text: str, start: int) -> int:
    """Where the JSON object that starts here ends; 0 when there is none."""
    if not text.startswith("{", start):
        return 0
    try:
        _, end = _decoder.raw_decode(text, start)
        text[start:end].encode()
    except (ValueError, RecursionError):
        return 0
    return end


def _matching_brace(text: str, marks: list[int], end: int) -> int | None:
    """Where the object begins whose last brace stands right before `end`.

    Reads backwards, where only one brace can match: what stands before the object may be
    torn in the middle of a string. `marks` are the places of quotes and braces; those from the
    object on are taken off.
    """
    if not text.endswith("}", 0, end):
        return None
    depth, in_string = 0, False
    while marks:
        place = marks.pop()
        if place >= end:
            continue
        mark = text[place]
        if mark == '"':
            in_string = not in_string or _is_escaped(text, place)
        elif not in_string:
            depth += 1 if mark == "}" else -1
            if depth == 0:
                return place
    return None


def _is_escaped(text: str, place: int) -> bool:
    before = place
    while before and text[before - 1] == "\\":
        before -= 1
    return (place - before) % 2 == 1


def _is_nested(text: str, start: int, begin: int, *, is_last: bool) -> bool:
    """Whether the object at `begin` is rather a value of the torn one that starts at `start`.

    Where a value is due both may be: the same writer starts its records with the same key.
    """
    first = _first_key(text, begin)
    if first is None:
        return True  # {}, as in "took {} ms"
    if not text.startswith(("{", "[", '"'), start):
        return False
    before = _stripped_end(text, start, begin, _WHITESPACE)
    if not text.endswith((":", ",", "["), start, before):
        return False
    if not is_last:
        return True  # torn twice, and right there: not likely
    in_array, sibling = _surroundings(text, start, before)
    if text.endswith(",", start, before) and not in_array:
        return False  # an object has a key there
    if sibling is not None and first == _first_key(text, sibling):
        return True
    return first != _first_key(text, start)


def _surroundings(text: str, start: int, end: int) -> tuple[bool, int | None]:
    """Whether text[start:end], the start of a JSON value, ends within an array, and where the
    object begins that is the element before.
    """
    opened: list[tuple[int, int | None]] = []
    for token in _TOKEN.finditer(text, start, end):
        mark = token[0]
        if mark in "{[":
            opened.append((token.start(), None))
        elif mark in "}]" and opened:
            place, _ = opened.pop()
            if opened:
                opened[-1] = (opened[-1][0], place if mark == "}" else None)
    if not opened:
        return False, None
    place, sibling = opened[-1]
    return text[place] == "[", sibling


def _first_key(text: str, place: int) -> str | None:
    found = _FIRST_KEY.match(text, place)
    return found[1] if found else None


def _reason(part: _Part, raw: bytes, at: int) -> str:
    if part.kind == "blank":
        return ""
    if part.kind == "record":
        if _EMPTY_OBJECT.fullmatch(part.text):
            return "an empty object, which says nothing"
        half = _HALF_ESCAPE.search(part.text)
        return f"holds {half[0]} without its other half, which is no character" if half else ""
    if _is_utf16(raw, at):
        return "UTF-16 text in a file that does not begin with it; write the log in one encoding"
    if "\0" in part.text:
        return "holds NUL bytes"
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        return f"not valid UTF-8 (byte {at + error.start} of the line)"
    return _syntax(part.text.strip())


def _is_utf16(raw: bytes, at: int) -> bool:
    if at == 0 and raw.startswith(_UTF16_BOMS):
        return True
    # ASCII in UTF-16: every other byte is NUL.
    halves = (raw[::2], raw[1::2])
    return b"\0" in raw and any(half and not half.strip(b"\0") for half in halves)


def _is_array(text: str) -> bool:
    try:
        return isinstance(_decoder.raw_decode(text)[0], list)
    except (JSONDecodeError, RecursionError):
        return text.startswith(("[{", '["', "[["))


def _syntax(text: str) -> str:
    if _PART_OF_DOCUMENT.match(text):
        return "part of a JSON document that spans lines; one object per line is expected"
    if _EMPTY_ARRAY.fullmatch(text):
        return "an empty array, which says nothing"
    if text.startswith("[") and _is_array(text):
        return "a JSON array; one object per line is expected"
    if not text.startswith("{"):
        return "not JSON, and no text format that is known"
    try:
        _decoder.raw_decode(text)
    except JSONDecodeError as error:
        return f"not valid JSON ({error.msg}, character {error.pos}); a torn line?"
    except RecursionError:
        return "nested too deeply"
    return "not valid JSON"
