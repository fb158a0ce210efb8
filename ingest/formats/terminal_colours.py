r"""Lines that a program coloured for a terminal: read as if they had no colours.

`\x1b[2m2026-11-23T09:18:27Z\x1b[0m \x1b[32m INFO\x1b[0m shop: order placed`: Rust's tracing, NestJS, Logback
and others write so into files and containers as well. Compose colours names of containers, which is its
own format. Source: ECMA-48, "SGR"; tracing-subscriber, `with_ansi`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from ingest.formats.base import Envelope, Held, Transcoder, made

_COLOUR: Final = rb"\x1b\[[\d;:]*+[mK]"
# Behind a time or a level in brackets, or before what may begin a record: elsewhere they are part of a text.
_STARTS: Final = rb"[\d\[(][^\x1b\n]{0,100}+%b|(?:%b)++(?= ?[\w\[(<{])" % (_COLOUR, _COLOUR)
_COLOURS: Final = re.compile(_COLOUR)


def _peel(lines: Sequence[bytes]) -> list[Held | None]:
    """Lines that go on with a record, such as a stack trace, often have no colours."""
    return [(None, _COLOURS.sub(b"", line) + b"\n") for line in lines]


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    yield {"log": _COLOURS.sub(b"", record).decode().rstrip("\r\n")}


FORMAT = Transcoder(
    name="terminal_colours",
    format=Envelope(
        name="terminal_colours",
        match=lambda _: False,
        held=("log",),
        format=made(name="terminal_colours", fields={"message": "log"}),
    ),
    starts=_STARTS,
    peel=_peel,
    transcode=_transcode,
)
