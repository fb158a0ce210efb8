"""Thread dumps of a JVM as JSON: what Spring Boot's `/actuator/threaddump` answers.

The dump is one event. It does not look for deadlocks, but says of each thread which lock it waits for and
who owns that (`lockOwnerId`): threads that wait for each other in a circle are another event each, with
the id that a dump as text gives it. It says no time, unless whoever saved it put one beside. Source: Spring
Boot, "Actuator API", thread dump; Java Platform, "java.lang.management.ThreadInfo".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from ingest.formats import exact, java_thread_dump, java_threads
from ingest.formats.base import Transcoder
from ingest.formats.given import given
from ingest.vocabulary import GENERIC

_THREADS: Final = "threads"


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    content = exact.loads(record)
    dump = content.pop(_THREADS)
    threads = _objects(dump)
    times = GENERIC.roles((key,) for key in content).get("occurred_at", ())
    time = str(content[times[0][0]]) if times else None
    circles = list(java_threads.circles_of(dict(_waits(threads))))
    made = {
        "time": time, "type": "java.thread_dump", "message": "Thread dump",
        "threads": dict(Counter(str(one.get("threadState")) for one in threads)),
        "deadlocks": len(circles), "beside": content or None, "dump": dump,
    }  # fmt: skip
    yield given(made)
    for edges in circles:
        yield java_threads.deadlock(edges, time)


def _waits(threads: list[dict[str, Any]]) -> Iterator[tuple[str, tuple[str, dict[str, Any]]]]:
    """Thread -> the one that it waits for, and the edge."""
    names = {str(one.get("threadId")): str(one.get("threadName") or one.get("threadId")) for one in threads}
    for one in threads:
        waiter, holder = str(one.get("threadId")), str(one.get("lockOwnerId"))
        if holder in names and one.get("lockOwnerId") is not None:
            edge = {
                "owner": names[waiter], "resource": _lock(one), "blocked_by": names[holder],
                "statement": java_threads.own_frame(_frames(_objects(one.get("stackTrace")))),
            }  # fmt: skip
            told = given(edge)
            yield waiter, (holder, told)


def _lock(thread: Mapping[str, Any]) -> str:
    lock = thread.get("lockInfo")
    if isinstance(lock, dict) and isinstance(code := lock.get("identityHashCode"), int):
        return f"{lock.get('className')}@{code & 0xFFFFFFFF:x}"
    return str(thread.get("lockName") or "a lock that is not named")


def _frames(stack: list[dict[str, Any]]) -> Iterator[str]:
    for one in stack:
        place = "Native Method" if one.get("nativeMethod") else one.get("fileName") or "Unknown Source"
        line = one.get("lineNumber")
        at = f"{place}:{line}" if isinstance(line, int) and line > 0 else place
        yield f"{one.get('className')}.{one.get('methodName')}({at})"


def _objects(listed: object) -> list[dict[str, Any]]:
    """Those in a list; none where it is no list."""
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


FORMAT = Transcoder(
    name="java_thread_dump_json",
    format=java_thread_dump.mapped("java_thread_dump_json"),
    match_json=lambda shape: shape.has(_THREADS),
    holds=b'"lockOwnerId"',
    is_told=lambda raw: b'"threadName"' in raw,
    transcode=_transcode,
)
