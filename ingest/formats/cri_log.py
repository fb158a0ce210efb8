"""Container logs of Kubernetes: `<time> <stream> <tag> <what the container wrote>`.

A line that was too long for the runtime is cut: parts have the tag P, the last one F. Records are
put together again and read as if they stood in a file by themselves. Source: Kubernetes, CRI
logging format (kuberuntime/logs); containerd and CRI-O.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from ingest.formats.base import Envelope, JsonFormat, Transcoder

_TIME: Final = rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)"
_STARTS: Final = rb"%b std(?:out|err) [FP](?::\S*)? " % _TIME
_LINE: Final = re.compile(rb"(%b) (std(?:out|err)) ([FP])(?::\S*)? ([^\n]*)(?:\n|\Z)" % _TIME)

_ENVELOPE: Final = Envelope(
    name="cri_log",
    match=lambda _: False,
    held=("log",),
    format=JsonFormat(
        name="cri_log",
        priority=0,
        match=lambda _: None,
        fields={"occurred_at": (("time",),), "message": (("log",),)},
        by_name=False,
    ),
    about={"occurred_at": "{time}"},
    inputs={"time": ("time",)},
)


def _end(data: bytes, start: int, *, another: re.Pattern[bytes], is_all: bool) -> int | None:  # noqa: ARG001 - parts look like records
    at, stream = start, b""
    while (found := _LINE.match(data, at)) and (not stream or found[2] == stream):
        if not data.endswith(b"\n", 0, found.end()):
            break
        at, stream = found.end(), found[2]
        if found[3] == b"F":
            return at
    is_over = is_all or data.find(b"\n", at) >= 0
    return at if at > start and is_over else None


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    parts = [_LINE.match(line) for line in record.splitlines(keepends=True)]
    found = [part for part in parts if part is not None]
    text = b"".join(part[4].removesuffix(b"\r") for part in found).decode()
    times = [part[1].decode() for part in found]
    about: dict[str, Any] = {"time": times[0], "stream": found[0][2].decode()}
    if found[-1][3] == b"P":
        about["logtag"] = "P"
    if len(times) > 1:
        about["times"] = times
    yield {"log": text, **about}


FORMAT = Transcoder(name="cri_log", format=_ENVELOPE, starts=_STARTS, end=_end, transcode=_transcode)
