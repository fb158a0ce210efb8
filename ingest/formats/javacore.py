"""Java dumps of OpenJ9 and IBM's JVM: `javacore.*.txt`, whose lines begin with a tag.

The dump is one event, each deadlock that the JVM found in it another one: who waits for which object, whose
it is, and the first line of its own code that each thread was in. The time is that in UTC where it says so.
Source: Eclipse OpenJ9 documentation, "Java dump", LOCKS and THREADS.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final

from ingest.formats import java_thread_dump, java_threads
from ingest.formats.base import Transcoder, continued
from ingest.formats.given import given

_SECTION: Final = rb"0SECTION +\w+ subcomponent dump routine"
_TITLE: Final = re.compile(r"0SECTION +TITLE ")
_MORE: Final = continued(
    rb"NULL(?:[ \t]|\r?(?=\n))|[1-9][A-Z]{2}\w*(?:[ \t]|\r?(?=\n))"
    rb"|0SECTION ++(?!TITLE )"
)
_TIME: Final = re.compile(
    r"^1TIDATETIME(?P<utc>UTC)?\s+Date:\s+(?P<day>\d{4}/\d\d/\d\d) at (?P<clock>\d\d:\d\d:\d\d)"
    r"(?::(?P<ms>\d{3}))?",
    re.MULTILINE,
)
_CAUSE: Final = re.compile(r"^1TISIGINFO\s+(.+?)\s*$", re.MULTILINE)
_DEADLOCK: Final = re.compile(r"^1LKDEADLOCK\b.*\n((?:(?!1LKDEADLOCK\b|0SECTION\b).*\n)*)", re.MULTILINE)
_WHO: Final = re.compile(r"^2LKDEADLOCKTHR\s+Thread [\"'](?P<name>.*)[\"'] \((?P<id>\w+)\)", re.MULTILINE)
_WHAT: Final = re.compile(
    r"^4LKDEADLOCK(?:OBJ|REG)\s+(?:(?P<class>[\w$/.]+)@(?P<place>\w+)|(?P<other>\S.*?)\s*$)", re.MULTILINE
)
_THREAD: Final = re.compile(
    r"^3XMTHREADINFO\s+[\"'](?P<name>.*)[\"'] .*?\bstate:(?P<state>\w+)", re.MULTILINE
)
_FRAME: Final = re.compile(r"^4XESTACKTRACE\s+at (?P<code>[^(\n]+)\((?P<place>[^()\n]*)", re.MULTILINE)


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    text = record.decode()
    times = sorted(_TIME.finditer(text), key=lambda found: found["utc"] is None)
    time = f"{times[0]['day'].replace('/', '-')} {times[0]['clock']}.{times[0]['ms'] or 0}" if times else None
    threads = list(_THREAD.finditer(text))
    deadlocks = [_deadlock(block[1], text, threads, time) for block in _DEADLOCK.finditer(text)]
    if _TITLE.match(text) or not deadlocks:
        yield _dump(text, time, threads, len(deadlocks))
    yield from deadlocks


def _dump(text: str, time: str | None, threads: list[re.Match[str]], deadlocks: int) -> dict[str, Any]:
    cause = _CAUSE.search(text)
    made = {
        "time": time, "type": "java.thread_dump", "message": cause[1] if cause else "Java dump",
        "threads": dict(Counter(one["state"] for one in threads)), "deadlocks": deadlocks, "dump": text,
    }  # fmt: skip
    return given(made)


def _deadlock(block: str, text: str, threads: list[re.Match[str]], time: str | None) -> dict[str, Any]:
    """Who waits for the next, as they follow each other up to the first again."""
    members = list(_WHO.finditer(block))
    edges: list[dict[str, Any]] = []
    for member, holder in pairwise(members):
        what = _WHAT.search(block, member.end(), holder.start())
        edge = {
            "owner": member["name"], "resource": _object(what) if what else None,
            "blocked_by": holder["name"], "statement": _code(member["name"], text, threads),
        }  # fmt: skip
        edges.append(given(edge))
    if not edges:
        raise ValueError("a deadlock without threads; a torn dump?")
    # Objects may move from one dump to the next.
    return java_threads.deadlock(edges, time, {f"{one['name']}@{one['id']}" for one in members})


def _object(what: re.Match[str]) -> str:
    return f"{what['class'].replace('/', '.')}@{what['place']}" if what["class"] else what["other"]


def _code(name: str, text: str, threads: list[re.Match[str]]) -> str | None:
    ends = [*(one.start() for one in threads), len(text)][1:]
    for thread, end in zip(threads, ends, strict=True):
        if thread["name"] == name:
            frames = _FRAME.finditer(text, thread.end(), end)
            return java_threads.own_frame(
                f"{one['code'].replace('/', '.')}({one['place']})" for one in frames
            )
    return None


FORMAT = Transcoder(
    name="javacore",
    format=java_thread_dump.mapped("javacore"),
    starts=_SECTION,
    end=_MORE,
    transcode=_transcode,
)
