"""Lines as `docker compose logs` and `up` print them: `<container>  | <what the container wrote>`.

The container is the node, and without its number the service, where the line does not name them. Lines,
and records of several lines, are read as if they stood in a file by themselves. A bar behind a single
word counts only where Compose puts it: behind a number, or behind two spaces. Source: Docker Compose,
log formatter (pkg/compose and cmd/formatter).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from ingest.formats.base import Envelope, Held, Transcoder, made

_NAME: Final = r"[A-Za-z0-9][A-Za-z0-9_.-]*"
_HEADER: Final = rf"(?P<container>{_NAME}[-_]\d+) +\| "
_COLOUR: Final = rb"(?:\x1b\[[\d;]*+m)?"
_STARTS: Final = rb"%b%b(?:(?<=[-_]\d)|(?<=[-_]\d\d)|(?= {2})) +\|%b(?: |\r?(?:\n|\Z))" % (
    _COLOUR, rb"(?>%b)" % _NAME.encode(), _COLOUR
)  # fmt: skip
_LINE: Final = re.compile(rb"^%b(%b) +\|%b ?([^\n]*)$" % (_COLOUR, _NAME.encode(), _COLOUR), re.MULTILINE)
_SERVICE: Final = "regexp_replace({container}, '[-_][0-9]+$', '')"

_ENVELOPE: Final = Envelope(
    name="compose_log",
    match=lambda _: False,
    held=("log",),
    format=made(
        name="compose_log",
        fields={"node": "container", "message": "log"},
        inputs={"container": ("container",)},
        computed={"service": _SERVICE},
    ),
    about={"node": "{container}", "service": _SERVICE},
    inputs={"container": ("container",)},
)


def _peel(lines: Sequence[bytes]) -> list[Held | None]:
    return [found and (found[1], found[2].removesuffix(b"\r") + b"\n") for found in map(_LINE.match, lines)]


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    names, texts = zip(*_LINE.findall(record), strict=True)
    text = b"\n".join(text.removesuffix(b"\r") for text in texts)
    yield {"log": text.decode(), "container": names[0].decode()}


FORMAT = Transcoder(
    name="compose_log", format=_ENVELOPE, starts=_STARTS, peel=_peel, header=_HEADER, transcode=_transcode
)
