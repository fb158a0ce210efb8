"""Thread dumps of a JVM: `jstack`, `jcmd Thread.print`, `kill -3`.

The dump is one event, each deadlock found in it another one: who waits for which monitor or ownable
synchronizer, held by whom, and the first line of its own code that each thread was in. Nobody is
rolled back, so the next dump finds the same deadlock, and its id is the same. Source: JDK
Troubleshooting Guide, "The jstack Utility"; threadService.cpp of JDK 8 to 21.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from ingest.formats.base import Transcoder, continued, made
from ingest.formats.exact import whole

_HEAD: Final = b"Full thread dump"
_FOUND: Final = b"Found one Java-level deadlock:"
_TIME: Final = rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\r?\n"
_MORE: Final = continued(
    rb'["\t }]|\r?(?=\n)|0x|_\w+=|(?!={37}\r?\n|={80})=+\r?(?=\n)|JNI global '
    rb"|Threads class SMR |Java stack information |Found |Heap\r?(?=\n)"
)
"""Lines that stand in a dump below its first; the rulers of others are longer or shorter."""
_BLOCK: Final = re.compile(
    r'^[ \t]*"(?P<owner>.*)":\s*\n'
    r"[ \t]*(?P<wait>waiting (?:to lock|for) [^\n]*?),?[ \t]*\r?\n"
    r'[ \t]*(?:in JNI, )?which is held by (?:"(?P<holder>.*)"|(?P<unknown>[^\n]*?))[ \t]*\r?$',
    re.MULTILINE,
)
_LOCK: Final = re.compile(
    r"waiting (?:to lock|for) (?P<kind>.*?)[ @]*(?P<handle>0x[0-9a-f]+)?\W*"
    r"(?:\((?:[Oo]bject[ @](?P<object>0x[0-9a-f]+), )?an? (?P<class>[^)]*)\))?$"
)
_STACKS: Final = "Java stack information for the threads listed above"
_TOTAL: Final = re.compile(r"^Found (?:a total of )?(\d+) deadlocks?\.", re.MULTILINE)
_THREAD: Final = re.compile(r'^"(?P<name>.*)" .*\btid=(?P<tid>0x[0-9a-f]+)', re.MULTILINE)
_STATE: Final = re.compile(r"^\s+java\.lang\.Thread\.State: (\w+)", re.MULTILINE)
_FRAME: Final = re.compile(r"^\s+at (?P<frame>\S.*?)\s*$", re.MULTILINE)
_LIBRARY: Final = ("java.", "javax.", "jdk.", "sun.", "com.sun.")


def _end(data: bytes, start: int, *, another: re.Pattern[bytes], is_all: bool) -> int | None:
    """Behind the last line that belongs to the dump; a time alone is a line."""
    begin = start
    if not data.startswith((_HEAD, _FOUND), start):
        begin = data.find(b"\n", start) + 1
        if not data.startswith(_HEAD, begin):
            may_come = not is_all and _HEAD.startswith(data[begin : begin + len(_HEAD)])
            return None if may_come else begin
    return _MORE(data, begin, another=another, is_all=is_all)


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    text = record.decode()
    head, *sections = text.split(_FOUND.decode())
    time = head[: len("yyyy-mm-dd hh:mm:ss")] if head[:1].isdigit() else None
    if not sections and _HEAD.decode() not in head:
        raise ValueError("a time alone, and no thread dump")
    if (total := _TOTAL.search(text)) and whole(total[1]) != len(sections):
        raise ValueError(f"says that it found {total[1]} deadlocks, and lists {len(sections)}")
    if _HEAD.decode() in head:
        title = head[head.index(_HEAD.decode()) :].split("\n", 1)[0].strip()
        threads = Counter(_STATE.findall(head))
        yield {
            "time": time, "type": "java.thread_dump", "message": title, "threads": dict(threads),
            "deadlocks": len(sections), "dump": text,
        }  # fmt: skip
    known = {one["name"]: one["tid"] for one in _THREAD.finditer(head)}
    for section in sections:
        yield _deadlock(section, time, known)


def _deadlock(section: str, time: str | None, known: dict[str, str]) -> dict[str, Any]:
    cycle, _, stacks = section.partition(_STACKS)
    code = _code(stacks)
    edges = [_edge(block, code) for block in _BLOCK.finditer(cycle)]
    if not edges:
        raise ValueError("a deadlock without threads; a torn dump?")
    names = sorted(f"{edge['owner']}@{known.get(edge['owner'], edge['resource'])}" for edge in edges)
    made = {
        "id": f"java {' + '.join(names)}", "time": time, "type": "java.deadlock", "operation": "deadlock",
        "message": _FOUND.decode().rstrip(":"), "lock_edges": edges, "section": section.strip(),
    }  # fmt: skip
    return {key: value for key, value in made.items() if value is not None}


def _edge(block: re.Match[str], code: dict[str, str]) -> dict[str, Any]:
    lock = _LOCK.match(block["wait"])
    parts = lock.groupdict(default="") if lock else {}
    named = "@".join(
        part for part in (parts.get("class"), parts.get("object") or parts.get("handle")) if part
    )
    edge = {
        "owner": block["owner"], "resource": named or block["wait"],
        "mode": parts.get("kind", "").lower() or None,
        "blocked_by": block["holder"], "statement": code.get(block["owner"]),
    }  # fmt: skip
    return {key: value for key, value in edge.items() if value is not None}


def _code(stacks: str) -> dict[str, str]:
    """Thread -> the first line of its stack that is not of the JDK."""
    found = {}
    parts = re.split(r'^[ \t]*"(.*)":\s*$', stacks, flags=re.MULTILINE)
    for name, stack in zip(parts[1::2], parts[2::2], strict=True):
        frames = [one["frame"] for one in _FRAME.finditer(stack)]
        own = [frame for frame in frames if not frame.startswith(_LIBRARY)]
        if frames:
            found[name] = (own or frames)[0]
    return found


FORMAT = Transcoder(
    name="java_thread_dump",
    format=made(
        name="java_thread_dump",
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
    ),
    starts=rb"%b|%b|%b" % (_HEAD, _FOUND, _TIME),
    end=_end,
    openings=(_HEAD, _FOUND),
    transcode=_transcode,
)
