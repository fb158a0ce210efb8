"""Container logs of Kubernetes: `<time> <stream> <tag> <what the container wrote>`.

A line that was too long for the runtime is cut: parts have the tag P, the last one F. Lines, and
records of several lines, are put together again and read as if they stood in a file by themselves.
Source: Kubernetes, CRI logging format (kuberuntime/logs); containerd and CRI-O.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from ingest.formats.base import Envelope, Held, Transcoder, made

_TIME: Final = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)"
_STARTS: Final = rf"{_TIME} std(?:out|err) [FP](?::\S*)? ".encode()
_HEADER: Final = rf"(?P<time>{_TIME}) (?P<stream>std(?:out|err)) F(?::[!-~]*)? "
_LINE: Final = re.compile(rf"^({_TIME}) (std(?:out|err)) ([FP])(?::\S*)? ([^\n]*)$".encode(), re.MULTILINE)

_ENVELOPE: Final = Envelope(
    name="cri_log",
    match=lambda _: False,
    held=("log",),
    format=made(
        name="cri_log",
        fields={"occurred_at": "time", "message": "log"},
    ),
    about={"occurred_at": "{time}"},
    inputs={"time": ("time",)},
)


def _peel(lines: Sequence[bytes]) -> list[Held | None]:
    return [found and (found[2], _text(found[3], found[4])) for found in map(_LINE.match, lines)]


def _text(tag: bytes, text: bytes) -> bytes:
    return text.removesuffix(b"\r") + (b"\n" if tag == b"F" else b"")


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    times, streams, tags, texts = zip(*_LINE.findall(record), strict=True)
    text = b"".join(map(_text, tags, texts)).removesuffix(b"\n").decode()
    about: dict[str, Any] = {"time": times[0].decode(), "stream": streams[0].decode()}
    if tags[-1] == b"P":
        about["logtag"] = "P"
    if len(times) > 1:
        about["times"] = [time.decode() for time in times]
    yield {"log": text, **about}


FORMAT = Transcoder(
    name="cri_log", format=_ENVELOPE, starts=_STARTS, peel=_peel, header=_HEADER, transcode=_transcode
)
