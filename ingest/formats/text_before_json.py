"""JSON behind a few words that say no time: what is printed before each record of a queue or a process.

`Partition(0) Offset(5) {"id": ...}` of kcat, `0|shop  | {"id": ...}` of PM2, `web.1  | {...}` of Foreman,
`orders-1 app {...}` of stern. The words stay in attributes. What stands right before the object, with neither
a space nor a bar between, may be the rest of a line that was torn, and is none.
Source: kcat, "-f"; PM2, "Logs"; Foreman; stern, "--template".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from ingest.formats.base import Envelope, Transcoder, made, none_of
from ingest.formats.prefixed_json import BEHIND, CLOCK, OF_RUBY, object_in

_WORD: Final = rb"[^\s{}\"'=|]{1,80}+"
_OF_A_TRACE: Final = rb"[\w.$]{0,120}(?:Error|Exception|Warning|Exit|Interrupt): |Caused by: "
"""An exception behind its trace, whose text may be an object."""
_PREFIX: Final = rb"(?!%b)[\w\[(<](?:%b)?(?:[ \t|]++%b){0,15}+[ \t|]++(?!%b|%b)(?=\{[ \t]*+[\"'])" % (
    _OF_A_TRACE, _WORD, _WORD, CLOCK, OF_RUBY,
)  # fmt: skip
_LINE: Final = re.compile(rb"(?P<prefix>%b)(?P<json>[^\n]*)" % _PREFIX)


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    line = _LINE.match(record)
    if line is None:
        raise ValueError("no JSON object behind words")
    yield {"log": object_in(line["json"]), "prefix": line["prefix"].rstrip(b" \t|").decode()}


STARTS: Final = rb"(?=%b*+\{)%b(?=[^\n]*\}%b(?:\n|\Z))" % (none_of(b"\n{"), _PREFIX, BEHIND)

FORMAT = Transcoder(
    name="text_before_json",
    format=Envelope(
        name="text_before_json",
        match=lambda _: False,
        held=("log",),
        format=made(name="text_before_json", fields={"message": "log"}),
    ),
    starts=STARTS,
    transcode=_transcode,
    is_last=True,
)
