"""Thread dumps of a JVM: `jstack`, `jcmd Thread.print`, `kill -3`, VisualVM, JConsole, Spring Boot.

The dump is one event, each deadlock found in it another one: who waits for which monitor or ownable
synchronizer, held by whom, and the first line of its own code that each thread was in. Where the JVM did
not look for deadlocks, java_threads does. Nobody is rolled back, so the next dump finds the same deadlock,
and its id is the same. Source: JDK Troubleshooting Guide, "The jstack Utility"; threadService.cpp of JDK 8
to 21.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from ingest.formats import java_threads
from ingest.formats.base import JsonFormat, Transcoder, continued, made
from ingest.formats.exact import whole
from ingest.formats.given import given

_HEAD: Final = b"Full thread dump"
FOUND: Final = "Found one Java-level deadlock:"
_FOUND: Final = FOUND.encode()
_TIME: Final = rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[ \t]*\r?\n"
# Of jcmd, before what it prints.
_PROCESS: Final = rb"\d{1,10}:\r?\n"
_BEFORE: Final = re.compile(rb"(?:%b)?(?:%b)?" % (_PROCESS, _TIME))
_PROCESS_OF: Final = re.compile(r"(\d+):\r?\n")
_MORE: Final = continued(
    rb'["\t }]|\r?(?=\n)|0x|_\w+=|(?!={37}\r?\n|={80})=+[ \t]*\r?(?=\n)|JNI global '
    rb"|Threads class SMR |Java stack information |Found |Heap[ \t]*\r?(?=\n)"
)
"""Lines that stand in a dump below its first; the rulers of others are longer or shorter."""
# A search that begins with a line end skips to it; one for (?m:^) stops at every character.
_BLOCK: Final = re.compile(
    r'\n[ \t]*"(?P<owner>.*)":\s*\n'
    r"[ \t]*(?P<wait>waiting (?:to lock|for) )(?P<lock>[^\n]*)\n"
    r'[ \t]*(?:in JNI, )?which is held by (?:"(?P<holder>.*)"|[^\n]*?)[ \t]*\r?$',
    re.MULTILINE,
)
_LOCK: Final = re.compile(
    r"waiting (?:to lock|for) (?P<kind>.*?)[ @]*(?P<handle>0x[0-9a-f]+)?\W*"
    r"(?:\((?:[Oo]bject[ @](?P<object>0x[0-9a-f]+), )?an? (?P<class>[^)]*)\))?$"
)
_STACKS: Final = "Java stack information for the threads listed above"
_TOTAL: Final = re.compile(r"\nFound (?:a total of )?(\d+) deadlocks?\.")
_THREAD: Final = re.compile(r'\n"(?P<name>.*)" .*\btid=(?P<tid>0x[0-9a-f]+)')
_STATE: Final = re.compile(r"\n\s+java\.lang\.Thread\.State: (\w+)")
_STACK: Final = re.compile(r'\n[ \t]*"(.*)":\s*$', re.MULTILINE)
_INFO: Final = re.compile(java_threads.INFO)


def _end(data: bytes, start: int, *, another: re.Pattern[bytes], is_all: bool) -> int | None:
    """Behind the last line that belongs to the dump; a time alone is a line."""
    begin = start
    if not data.startswith((_HEAD, _FOUND), start) and _INFO.match(data, start) is None:
        before = _BEFORE.match(data, start)
        begin = before.end() if before else start
        if not data.startswith(_HEAD, begin):
            may_come = not is_all and _HEAD.startswith(data[begin : begin + len(_HEAD)])
            return None if may_come else begin
    return _MORE(data, begin, another=another, is_all=is_all)


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    text = record.decode()
    process = _PROCESS_OF.match(text)
    head, *sections = text[process.end() if process else 0 :].split(FOUND)
    time = head[: len("yyyy-mm-dd hh:mm:ss")] if head[:1].isdigit() else None
    is_dump = _HEAD.decode() in head
    if not sections and not is_dump and _INFO.match(record) is None:
        raise ValueError("a time alone, and no thread dump")
    if (total := _TOTAL.search(text)) and whole(total[1]) != len(sections):
        raise ValueError(f"says that it found {total[1]} deadlocks, and lists {len(sections)}")
    unsought = [] if sections else list(java_threads.circles(text))
    if is_dump:
        title = head[head.index(_HEAD.decode()) :].split("\n", 1)[0].strip()
        threads = Counter(_STATE.findall(head))
        yield {
            "time": time, "type": "java.thread_dump", "message": title, "threads": dict(threads),
            "deadlocks": len(sections) + len(unsought), "dump": text,
        } | ({"pid": whole(process[1])} if process else {})  # fmt: skip
    elif not sections:
        yield {"type": "java.thread_dump", "message": text.split("\n", 1)[0].strip(), "dump": text}
    for section in sections:
        yield _deadlock(section, time, head)
    for edges in unsought:
        yield java_threads.deadlock(edges, time)


def deadlocks(text: str) -> Iterator[dict[str, Any]]:
    """Those that the JVM found, of a dump that something else holds, without a time. Raises ValueError when
    one is torn.
    """
    head, *sections = text.split(FOUND)
    for section in sections:
        yield _deadlock(section, None, head)


def _deadlock(section: str, time: str | None, head: str) -> dict[str, Any]:
    cycle, _, stacks = section.partition(_STACKS)
    code = _code(stacks)
    edges = [_edge(block, code) for block in _BLOCK.finditer(cycle)]
    if not edges:
        raise ValueError("a deadlock without threads; a torn dump?")
    names = sorted(f"{edge['owner']}@{_tid(head, edge['owner']) or edge['resource']}" for edge in edges)
    made = {
        "id": f"java {' + '.join(names)}", "time": time, "type": "java.deadlock", "operation": "deadlock",
        "message": FOUND.rstrip(":"), "lock_edges": edges, "section": section.strip(),
    }  # fmt: skip
    return given(made)


def _tid(head: str, name: str) -> str | None:
    """The id of the last thread above that has this name."""
    at = len(head)
    while (at := head.rfind(f'\n"{name}" ', 0, at)) >= 0:
        found = _THREAD.match(head, at)
        if found is not None and found["name"] == name:
            return found["tid"]
    return None


def _edge(block: re.Match[str], code: dict[str, str]) -> dict[str, Any]:
    wait = block["wait"] + block["lock"].removesuffix("\r").rstrip(" \t").removesuffix(",")
    lock = _LOCK.match(wait)
    parts = lock.groupdict(default="") if lock else {}
    named = "@".join(
        part for part in (parts.get("class"), parts.get("object") or parts.get("handle")) if part
    )
    edge = {
        "owner": block["owner"], "resource": named or wait,
        "mode": parts.get("kind", "").lower() or None,
        "blocked_by": block["holder"], "statement": code.get(block["owner"]),
    }  # fmt: skip
    return given(edge)


def _code(stacks: str) -> dict[str, str]:
    """Thread -> the first line of its stack that is not of the JDK."""
    parts = _STACK.split(stacks)
    found = {
        name: java_threads.first_of_its_own(f"\n{stack}")
        for name, stack in zip(parts[1::2], parts[2::2], strict=True)
    }
    return {name: line for name, line in found.items() if line}


def mapped(name: str) -> JsonFormat:
    """The format of what a dump tells."""
    return made(
        name=name,
        fields={
            "event_id": "id",
            "occurred_at": "time",
            "event_type": "type",
            "message": "message",
            "lock_edges": "lock_edges",
        },
        inputs={"operation_made": ("operation",)},
        computed={"operation": "{operation_made}"},
        made=("operation", "lock_edges"),
    )


FORMAT = Transcoder(
    name="java_thread_dump",
    format=mapped("java_thread_dump"),
    starts=rb"%b|%b|%b|%b(?=%b)|%b" % (_HEAD, _FOUND, _TIME, _PROCESS, _TIME, java_threads.INFO),
    end=_end,
    openings=(_HEAD, _FOUND, b" owned by "),
    transcode=_transcode,
)
