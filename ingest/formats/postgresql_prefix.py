"""What a `log_line_prefix` of PostgreSQL says, told by what its parts look like.

The setting is free text, so only that is read which cannot be anything else; the prefix as a whole
stays in the record. Source: PostgreSQL documentation, `log_line_prefix`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from ingest.formats.exact import whole

_CLOCK: Final = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
_ZONE: Final = r"(?:[A-Z][A-Za-z]*(?:/\w+)*|[+-]\d\d(?::?\d\d)*)"
_STAMP: Final = re.compile(rf"{_CLOCK}(?P<fraction>\.\d+)? {_ZONE}")
_SECONDS: Final = re.compile(r"(?<![\d.])\d{10}\.\d{3}(?!\d)")
_NAMES: Final = {
    "user": "user", "usr": "user", "u": "user", "username": "user",
    "db": "dbname", "d": "dbname", "dbname": "dbname", "database": "dbname",
    "app": "application_name", "a": "application_name", "appname": "application_name",
    "application": "application_name", "application_name": "application_name",
    "client": "remote_host", "host": "remote_host", "h": "remote_host", "remote": "remote_host",
    "remote_host": "remote_host", "client_addr": "remote_host", "connection_source": "remote_host",
    "r": "remote_host", "pid": "pid", "p": "pid", "session": "session_id", "sess": "session_id",
    "session_id": "session_id", "sid": "session_id", "c": "session_id", "line": "line_num",
    "l": "line_num", "log_line": "line_num", "line_num": "line_num", "txid": "txid", "xid": "txid",
    "tx": "txid", "tid": "txid", "trx": "txid", "x": "txid", "vxid": "vxid", "vtid": "vxid",
    "vtx": "vxid", "v": "vxid", "sqlstate": "state_code", "state": "state_code", "err": "state_code",
    "sql_error_code": "state_code", "e": "state_code", "errcode": "state_code", "cmd": "ps",
    "tag": "ps", "i": "ps", "ps": "ps", "command": "ps", "backend": "backend_type",
    "backend_type": "backend_type", "b": "backend_type", "type": "backend_type",
    "query_id": "query_id", "queryid": "query_id", "qid": "query_id", "leader_pid": "leader_pid",
    "leader": "leader_pid", "P": "leader_pid", "Q": "query_id",
}  # fmt: skip
"""What people call a field in a prefix -> its key in jsonlog; case matters in the last ones only."""
_NUMBERS: Final = {"pid", "line_num", "txid", "query_id", "leader_pid"}
_NAMED: Final = re.compile(
    r"""(?i)(?<![\w=])(?P<name>[a-z_]+)\ ?=\ ?(?P<value>"[^"]*"|'[^']*'|.*?)"""
    r"(?=[,;|\s]+[a-zA-Z_]+ ?=|[,;:|>\s-]*$)"
)
_LEADING: Final = re.compile(r"-?\d+(?= \S)")
_SESSION: Final = re.compile(r"(?<![\w.])([0-9a-f]{8})\.([0-9a-f]{1,8})(?![\w.])")
_PID_AND_LINE: Final = re.compile(r"\[(\d+)-(\d+)\]")
_PLACEHOLDERS: Final = re.compile(r"\[#-@\]")
_SOME: Final = "\ufdd0"
"""Stands for a process id; is no character of any text."""
_USUAL: Final = re.compile(rf"({_CLOCK}\.\d+ {_ZONE})([^\[{_SOME}]*)\[(\d+)\]([^\[{_SOME}]*)\Z")
"""With a time in milliseconds and a number in brackets."""
_PID: Final = re.compile(rf"[\[(](\d+|{_SOME})[\])]")
_BRACKETED: Final = re.compile(r"\[(\d+)\]")
_REMOTE: Final = re.compile(r"(?<![\w.-])([\w.:%-]+|\[local\])\((\d+)\)")
_WHO: Final = re.compile(
    r"(?<![\w-])([^\s@/:,;=|\[\]()<>]+)@([^\s@/:,;=|\[\]()<>]+)(?:/(?P<app>[^\[\]<>\n]*[^\s\[\]<>:]))?"
)
_WORD: Final = re.compile(r"(?<![\w.:/%-])([0-9A-Z]+)(?![\w.:/%])")
_CLASSES: Final = frozenset(
    (
        "00", "01", "02", "03", "08", "09", "0A", "0B", "0F", "0L", "0P", "0Z", "10", "20", "21", "22", "23",
        "24", "25", "26", "27", "28", "2B", "2D", "2F", "34", "38", "39", "3B", "3D", "3F", "40", "42", "44",
        "53", "54", "55", "57", "58", "72", "F0", "HV", "P0", "XX",
    )
)  # fmt: skip


def sqlstate(word: str) -> bool:
    """Whether it can be an SQLSTATE of PostgreSQL."""
    return len(word) == 5 and word[:2] in _CLASSES  # noqa: PLR2004 - a class and a condition


# The lines of a report have one prefix, and each is asked for when its end is looked for.
@lru_cache(maxsize=256)
def fields_of(prefix: str) -> Mapping[str, Any]:
    """What the prefix of a line says, with the keys of jsonlog; all of it as `prefix`."""
    # Without the numbers that differ from line to line few prefixes are left, and remembered.
    if usual := _USUAL.match(prefix):
        read = _about(f"{usual[2]}[{_SOME}]{usual[4]}")
        if read.get("pid") == _SOME:
            return {"prefix": prefix, "timestamp": usual[1], **read, "pid": whole(usual[3])}
    if counted := _PID_AND_LINE.search(prefix):
        read = _read(f"{prefix[: counted.start()]}[#-@]{prefix[counted.end() :]}")
        numbers = {"#": whole(counted[1]), "@": whole(counted[2])}
        read = {
            **read,
            **{key: numbers[read[key]] for key in ("pid", "line_num") if read.get(key) in numbers},
        }
    elif (alone := _BRACKETED.search(prefix)) and _SOME not in prefix:
        read = _read(f"{prefix[: alone.start()]}[{_SOME}]{prefix[alone.end() :]}")
        # What is in the brackets may be anything else, for which its digits count.
        read = {**read, "pid": whole(alone[1])} if read.get("pid") == _SOME else _read(prefix)
    else:
        read = _read(prefix)
    return {"prefix": prefix, **read} if prefix.strip() else {}


def are_of_others(one: str, other: str) -> bool:
    """Whether two prefixes name different processes."""
    if one == other:
        return False
    first, second = _PID_AND_LINE.search(one), _PID_AND_LINE.search(other)
    if first and second and _around(first) == _around(second):
        return whole(first[1]) != whole(second[1]) and counts_processes(one)
    known, found = fields_of(one), fields_of(other)
    both = [key for key in ("session_id", "pid") if key in known and key in found]
    return any(known[key] != found[key] for key in both)


def counts_processes(prefix: str) -> bool:
    """Whether the first of two numbers in brackets is a process; if not, neither is."""
    pair = _PID_AND_LINE.search(prefix)
    return pair is not None and _read("[#-@]".join(_around(pair))).get("pid") == "#"


def _around(found: re.Match[str]) -> tuple[str, str]:
    return found.string[: found.start()], found.string[found.end() :]


def _read(prefix: str) -> dict[str, Any]:
    first = _STAMP.match(prefix)
    if first is None or first["fraction"] is None:
        return _all_of(prefix)
    return {"timestamp": first[0], **_about(prefix[first.end() :])}


def _all_of(prefix: str) -> dict[str, Any]:
    stamps = list(_STAMP.finditer(prefix))
    # The one with milliseconds is the time; without, the start of the session (%s) comes behind it.
    time = next((one for one in stamps if one["fraction"]), stamps[0] if stamps else _SECONDS.search(prefix))
    if time is None:
        return _about(prefix)
    return {"timestamp": time[0], **_about(f"{prefix[: time.start()]} {prefix[time.end() :]}")}


@lru_cache(maxsize=16_384)
def _about(rest: str) -> dict[str, Any]:
    """What is left of a prefix without its time."""
    found: dict[str, Any] = {}

    def named(one: re.Match[str]) -> str:
        key = _NAMES.get(one["name"], _NAMES.get(one["name"].lower()))
        if key is None:
            return one[0]
        value, behind = one["value"], " "
        if key in _NUMBERS and (number := _LEADING.match(value)):
            value, behind = number[0], f" {value[number.end() :]}"
        found.setdefault(key, _cleaned(value))
        return behind

    def take(pattern: re.Pattern[str]) -> re.Match[str] | None:
        nonlocal rest
        match = pattern.search(rest)
        if match is not None:
            # What stood apart stays apart.
            rest = f"{rest[: match.start()]}\n{rest[match.end() :]}"
        return match

    if start := _STAMP.search(rest):
        found["session_start"] = start[0]
        rest = rest.replace(start[0], " ")
    rest = _NAMED.sub(named, rest)
    if session := take(_SESSION):
        found.setdefault("session_id", session[0])
        found.setdefault("pid", int(session[2], 16))
    pair = take(_PLACEHOLDERS)
    if remote := take(_REMOTE):
        found.setdefault("remote_host", _without_separator(remote[1].strip("[]")))
        found.setdefault("remote_port", whole(remote[2]))
    if alone := take(_PID):
        found.setdefault("pid", alone[1])
    if pair is not None:
        found.setdefault("line_num", "#" if "pid" in found else "@")
        found.setdefault("pid", "#")
    if who := take(_WHO):
        _who(who, found)
    _words(rest, found)
    return {
        key: whole(value) if key in _NUMBERS and isinstance(value, str) else value
        for key, value in found.items()
        if value and value != "[unknown]"
    }


def _who(who: re.Match[str], found: dict[str, Any]) -> None:
    """`user@db/app`, with an SQLSTATE behind it that looks like the end of the application's name."""
    app = who["app"] or ""
    name, _, last = app.rpartition(" ")
    if sqlstate(last) and not last.isdigit():
        found.setdefault("state_code", last)
        app = name
    found.setdefault("user", who[1])
    found.setdefault("dbname", who[2])
    found.setdefault("application_name", app.strip())


def _words(rest: str, found: dict[str, Any]) -> None:
    """An SQLSTATE and a process id that stand alone, where they cannot be anything else; a port."""
    if port := re.fullmatch(r"(.+)\((\d+)\)", found.get("remote_host", "")):
        found["remote_host"], found["remote_port"] = port[1], whole(port[2])
    words = _WORD.findall(rest)
    numbers = [word for word in words if word.isdigit() and not word.startswith("0")]
    states = [word for word in words if sqlstate(word) and (word not in numbers or "pid" in found)]
    if len(states) == 1:
        found.setdefault("state_code", states[0])
    if len(numbers) == 1 and numbers != states:
        found.setdefault("pid", numbers[0])


def _without_separator(address: str) -> str:
    """An address without the colon of a prefix in front of it: that may be one of IPv6."""
    return address[1:] if re.match(r":(?:[^:]|::)", address) else address


def _cleaned(value: str) -> str:
    value = value.strip(" ,;|>")
    if value[:1] in {'"', "'"}:
        return value.strip(value[0])
    for opening, closing in ("[]", "()"):
        if value.endswith(closing) and value.count(closing) > value.count(opening):
            value = value[:-1]
    return value
