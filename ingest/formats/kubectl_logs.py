"""Lines as `kubectl logs` and `docker logs` print them when asked for more than the lines.

`--prefix` puts `[pod/<pod>/<container>]` before each, `--timestamps` a time with all nine digits. The pod is
the node and the container the service, where the line does not name them. Lines, and records of several
lines, are read as if they stood in a file by themselves. A time alone counts only before another time or
before nothing, as applications write one as well. JSON behind either is that of prefixed_json.py. Source:
kubectl, "logs"; Docker, "docker container logs".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from ingest.formats.base import Envelope, Held, Transcoder, made

_TIME: Final = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(?:Z|[+-]\d\d:\d\d)"
_POD: Final = rb"\[pod/[a-z0-9.-]+/[a-z0-9-]+\]"
_ANOTHER_TIME: Final = rb"\[?\d{4}[/-]\d\d[/-]\d\d[ T]|\d{6} [ \d]\d:"
_STARTS: Final = rb"(?:%b(?: %b)?(?: (?![ \t]*\{)|\r?(?:\n|\Z))|%b(?: (?=%b)| ?\r?(?:\n|\Z)))" % (
    _POD, _TIME, _TIME, _ANOTHER_TIME
)  # fmt: skip
_LINE: Final = re.compile(
    rb"(?:\[pod/(?P<pod>[^/\n]+)/(?P<container>[^\]\n]+)\](?: (?P<time>%b))?|(?P<alone>%b))"
    rb"(?: |(?=\r?$))(?P<text>[^\n]*)" % (_TIME, _TIME),
    re.MULTILINE,
)

_ENVELOPE: Final = Envelope(
    name="kubectl_logs",
    match=lambda _: False,
    held=("log",),
    format=made(
        name="kubectl_logs",
        fields={"occurred_at": "time", "node": "pod", "service": "container", "message": "log"},
    ),
    about={"occurred_at": "{time}", "node": "{pod}", "service": "{container}"},
    inputs={name: (name,) for name in ("time", "pod", "container")},
)


def _peel(lines: Sequence[bytes]) -> list[Held | None]:
    return [
        found and (found.group("pod", "container"), found["text"].removesuffix(b"\r") + b"\n")
        for found in map(_LINE.match, lines)
    ]


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    lines = [_LINE.match(line) for line in record.removesuffix(b"\n").split(b"\n")]
    found = [line for line in lines if line is not None]
    if len(found) < len(lines):
        raise ValueError("a line without the pod or the time before it")
    times = [time.decode() for line in found if (time := line["time"] or line["alone"])]
    about = {"time": times[0] if times else None}
    about |= {key: found[0][key] and found[0][key].decode() for key in ("pod", "container")}
    text = b"\n".join(line["text"].removesuffix(b"\r") for line in found)
    more = {"times": times} if len(times) > 1 else {}
    yield {"log": text.decode(), **{key: value for key, value in about.items() if value}, **more}


FORMAT = Transcoder(name="kubectl_logs", format=_ENVELOPE, starts=_STARTS, peel=_peel, transcode=_transcode)
