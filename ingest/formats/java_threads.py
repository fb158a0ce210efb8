"""Deadlocks in what a JVM tells of its threads, where nobody looked for them.

`ThreadInfo` as Java prints it, `"a" Id=13 BLOCKED on Lock@1f owned by "b" Id=12`, which applications log that
watch themselves; dumps of VisualVM, JConsole and Spring Boot, in which `"a" - Thread t@13` is `waiting to
lock <1f> (a Lock) owned by "b" t@12`. Threads that wait for each other in a circle are a deadlock. Source:
Java Platform, "java.lang.management.ThreadInfo.toString"; Spring Boot, PlainTextThreadDumpFormatter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, Final

from ingest.formats.given import given

INFO: Final = (
    rb'"[^"\n]*+" (?:daemon )?(?:prio=\d+ )?Id=\d+ '
    rb"(?:NEW|RUNNABLE|BLOCKED|WAITING|TIMED_WAITING|TERMINATED)\b"
)
"""Regular expression for how one thread begins as Java prints it."""
_THREAD: Final = re.compile(
    r'^[ \t]*"(?P<name>[^"\n]*)" (?:(?:daemon )?(?:prio=\d+ )?Id=(?P<id>\d+) [A-Z_]+(?P<info>[^\n]*)'
    r"|- Thread t@(?P<tid>\d+)[ \t]*\r?$)",
    re.MULTILINE,
)
_INFO_WAITS: Final = re.compile(r' on (?P<lock>\S+) owned by "(?P<holder>[^"\n]*)" Id=(?P<holder_id>\d+)')
_STACK_WAITS: Final = re.compile(
    r"\n[ \t]*- (?:waiting to lock|waiting on|parking to wait for) +<(?P<hash>\w+)> "
    r'\(an? (?P<class>[^)\n]*)\) owned by "(?P<holder>[^"\n]*)" t@(?P<holder_id>\d+)'
)
_FRAME: Final = re.compile(r"\n\s+at (?:[\w.@-]*/)*(\S.*)")
_LIBRARY: Final = ("java.", "javax.", "jdk.", "sun.", "com.sun.")


def first_of_its_own(stack: str) -> str | None:
    """The first line of a stack that is not of the JDK, or the first of all."""
    return own_frame(one[1].rstrip() for one in _FRAME.finditer(stack))


def own_frame(frames: Iterator[str]) -> str | None:
    """The first of these places in code that is not of the JDK, or the first of all."""
    if not (first := next(frames, "")):
        return None
    return next((frame for frame in chain([first], frames) if not frame.startswith(_LIBRARY)), first)


def circles(text: str) -> Iterator[list[dict[str, Any]]]:
    """The edges of each deadlock among the threads in a text, as they stand there."""
    if 'owned by "' in text:
        yield from circles_of(dict(_waits(text)))


def circles_of(waits: dict[str, tuple[str, dict[str, Any]]]) -> Iterator[list[dict[str, Any]]]:
    """The edges of each deadlock. `waits`: thread -> whom it waits for, and the edge."""
    seen: set[str] = set()
    for begin in waits:
        path: list[str] = []
        at: str | None = begin
        while at in waits and at not in seen:
            seen.add(at)
            path.append(at)
            at = waits[at][0]
        if at in path[:-1]:
            yield [waits[thread][1] for thread in path[path.index(at) :]]


def _waits(text: str) -> Iterator[tuple[str, tuple[str, dict[str, Any]]]]:
    """Thread -> the one that it waits for, and the edge."""
    threads = list(_THREAD.finditer(text))
    ends = [*(one.start() for one in threads), len(text)][1:]
    for thread, end in zip(threads, ends, strict=True):
        stack = text[thread.end() : end]
        found = _INFO_WAITS.match(thread["info"]) if thread["id"] else _STACK_WAITS.search(stack)
        if found is None:
            continue
        told = found.groupdict()
        edge = {
            "owner": thread["name"], "resource": told.get("lock") or f"{told['class']}@{told['hash']}",
            "blocked_by": found["holder"], "statement": first_of_its_own(stack),
        }  # fmt: skip
        kept = given(edge)
        yield thread["id"] or thread["tid"], (found["holder_id"], kept)


def deadlock(
    edges: list[dict[str, Any]], time: str | None, members: Iterable[str] | None = None
) -> dict[str, Any]:
    """The event that a deadlock of threads is. Nobody is rolled back: the next dump tells the same one.

    `members` are what the threads are known by as long as they live, if not by what they wait for.
    """
    names = sorted(members or (f"{edge['owner']}@{edge['resource']}" for edge in edges))
    made = {
        "id": f"java {' + '.join(names)}", "time": time, "type": "java.deadlock", "operation": "deadlock",
        "message": "Deadlock of threads", "lock_edges": edges,
    }  # fmt: skip
    return given(made)
