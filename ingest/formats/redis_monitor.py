r"""Commands as `redis-cli MONITOR` prints them: a time, the database and the client, and what was sent.

`1796008929.747352 [0 127.0.0.1:56362] "xadd" "orders" "*" "event_id" "e1"`. What is added to a stream
goes by the names of its fields, and so does a message that is published as JSON. The client is the node,
the stream or channel the stream, and the group that acknowledges the service. Reading is no receiving:
MONITOR does not show what came back. Source: Redis documentation, "MONITOR"; `sdscatrepr` of sds.c.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from ingest.formats import exact
from ingest.formats.base import JsonFormat, Transcoder

_ARGUMENT: Final = rb'"(?:[^"\\\n]|\\.)*+"'
_HEAD: Final = rb"(\d{9,10}\.\d{6}) \[(\d+) ((?:\[[^\]\n]*+\]:)?[^\]\n]*+)\]"
_STARTS: Final = rb"%b(?: %b)++[ \t\r]*+(?:\n|\Z)" % (re.sub(rb"\((?!\?)", b"(?:", _HEAD), _ARGUMENT)
_LINE: Final = re.compile(rb"%b((?: %b)+)\s*" % (_HEAD, _ARGUMENT))
_ARGUMENTS: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPE: Final = re.compile(r"(?:\\x[\da-f]{2})+|\\.")
_SIMPLE: Final = {"n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b"}
_OPTIONS: Final = {"nomkstream": 1, "maxlen": 2, "minid": 2, "limit": 2}
"""Of XADD, before the id: so many arguments each. `=` and `~` stand before a threshold."""
_PUBLISHES: Final = frozenset({"publish", "spublish"})


def _plain(written: str) -> str:
    return _ESCAPE.sub(_unescaped, written) if "\\" in written else written


def _unescaped(found: re.Match[str]) -> str:
    """Bytes that are no printable ASCII are each written as a number: together they may be UTF-8."""
    if found[0].startswith("\\x"):
        return bytes.fromhex(found[0].replace("\\x", "")).decode(errors="replace")
    return _SIMPLE.get(found[0][1], found[0][1])


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    line = _LINE.fullmatch(record)
    if line is None:
        raise ValueError("no command as MONITOR prints it")
    time, db, client, written = (one.decode() for one in line.groups())
    command, *arguments = map(_plain, _ARGUMENTS.findall(written))
    name = command.lower()
    told = {"time": time, "db": db, "client": client, "command": command}
    if name == "xadd" and arguments:
        yield {**told, "operation": name, "stream": arguments[0], **_added(arguments[1:])}
    elif name in _PUBLISHES and len(arguments) > 1:
        yield {**told, "operation": "publish", "stream": arguments[0], **_message(arguments[1])}
    elif name == "xack" and len(arguments) > 1:
        stream, group, *ids = arguments
        yield {**told, "operation": name, "stream": stream, "group": group, "ids": ids}
    else:
        yield {**told, "arguments": arguments}


def _added(arguments: list[str]) -> dict[str, Any]:
    at = 0
    while at < len(arguments) and (option := arguments[at].lower()) in _OPTIONS:
        at += _OPTIONS[option]
        at += option != "limit" and arguments[at - 1 : at] in (["="], ["~"])
    names, values = arguments[at + 1 :: 2], arguments[at + 2 :: 2]
    return {"options": arguments[: at + 1], "fields": dict(zip(names, values, strict=False))}


def _message(text: str) -> dict[str, Any]:
    try:
        message = exact.loads(text.encode())
    except ValueError:
        message = None
    return {"fields": message} if isinstance(message, dict) else {"text": text}


FORMAT = Transcoder(
    name="redis_monitor",
    format=JsonFormat(
        name="redis_monitor",
        priority=0,
        match=lambda _: None,
        by_value=True,
        fields={
            "occurred_at": (("time",),),
            "node": (("client",),),
            "operation": (("operation",),),
            "stream": (("stream",),),
            "event_type": (),
            "service": (("group",),),
        },
        named={"service"},
        inputs={
            "command": ("command",),
            **{f"type_{number}": ("fields", name) for number, name in enumerate(("event_type", "type"))},
        },
        computed={"event_type": "coalesce({type_0}, {type_1}, {command})"},
    ),
    starts=_STARTS,
    transcode=_transcode,
)
