"""Lines of a text in JSON envelopes, an object for each line: reports of several lines, and pieces of one.

What marks a piece that is not the last of its line: the size of docker's buffer, `logtag` of Fluent Bit,
`partial_message` of docker's drivers, `_LINE_BREAK` of the journal.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import orjson

from ingest.formats import exact
from ingest.formats.base import Envelope, Held, Peel, Transcoder

_OTHERS: Final = "@lines"
"""What the envelopes behind the first say that it does not, in their order."""


def lines_in(envelope: Envelope) -> Transcoder:
    """What joins the lines that are each in an envelope of this kind into one."""
    [key] = envelope.held
    named = rb'"%b"[ \t]*+:' % key.encode()
    starts = rb'\{%b[^\n"]*+(?:(?!%b)"[^\n"]*+)*+%b[ \t]*+["\[]' % (envelope.beside, named, named)
    return Transcoder(
        name=envelope.name,
        format=envelope,
        starts=starts,
        peel=_peel(envelope, key, re.compile(starts)),
        transcode=_transcode(envelope, key),
    )


def _peel(envelope: Envelope, key: str, starts: re.Pattern[bytes]) -> Peel:
    def peel(line: bytes) -> Held | None:
        if starts.match(line) is None:
            return None
        try:
            value = orjson.loads(line)
            text = _text(value, key)
        except ValueError:
            return None
        return tuple(map(value.get, envelope.sender)), _ended(envelope, value, text)

    return lambda lines: list(map(peel, lines))


def _text(value: dict[str, Any], key: str) -> bytes:
    """Raises ValueError when there is none."""
    held = value.get(key)
    if isinstance(held, list) and all(isinstance(one, int) for one in held):
        held = bytes(held).decode()
    if not isinstance(held, str):
        raise ValueError(f'an object without a text "{key}"')  # noqa: TRY004 - the reason of a reject
    return held.encode()


def _ended(envelope: Envelope, value: dict[str, Any], text: bytes) -> bytes:
    if text.endswith(b"\n"):
        return text
    is_piece = (
        "P" in (value.get("logtag"), value.get("_p"))
        or (value.get("partial_message") == "true" and value.get("partial_last") != "true")
        or value.get("_LINE_BREAK") == "line-max"
        or (envelope.piece and len(text) >= envelope.piece)
    )
    return text if is_piece else text + b"\n"


def _transcode(envelope: Envelope, key: str) -> Callable[[bytes], Iterator[dict[str, Any]]]:
    def transcode(record: bytes) -> Iterator[dict[str, Any]]:
        lines = [exact.loads(line) for line in record.splitlines() if line.strip()]
        if not lines or not all(isinstance(line, dict) for line in lines):
            raise ValueError("a line that is no object")
        first, *others = lines
        text = b"".join(_ended(envelope, line, _text(line, key)) for line in lines)
        further = [
            {name: value for name, value in line.items() if name != key and first.get(name) != value}
            for line in others
        ]
        yield {**first, key: text.decode(), **({_OTHERS: further} if any(further) else {})}

    return transcode
