"""The same as raft_trace in text: a line that says sent or received, from whom, to whom, type, term.

`1->2 MsgApp Term:1 Log:0/3 Commit:2` as etcd-raft describes messages, or `from=1 to=2 type=MsgApp
term=1 index=3` in any order, with `=` or `:`. Source: etcd-io/raft, DescribeMessage.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from ingest.formats import raft_trace
from ingest.formats.base import Transcoder, none_of


def _any_case(pattern: bytes) -> bytes:
    """A pattern of words, for small and capital letters: faster than `(?i:...)`."""
    return re.sub(rb"[a-z]", lambda found: b"[%b%b]" % (found[0].upper(), found[0]), pattern)


_VERB: Final = _any_case(rb"(?:sen(?:d|ds|t|ding)|rec(?:v|eive|eives|eived|eiving))") + rb"\b"
_BEHIND: Final = rb">[ \t]*[\w.-]+[ \t]+Msg\w"
_NO_HEAD: Final = none_of(b"\n>")
_TO_HEAD: Final = rb"%b*+(?:>%b*+)*?" % (_NO_HEAD, _NO_HEAD)
# From arrow to arrow; with more than a blank before it, it is looked for from its left end.
_ARROW: Final = (
    rb"(?:(?=%b(?:(?<=[\w.-]-)|(?<=[\w.-][ \t]-))%b)|(?=[^\n]*[ \t][ \t]-%b)(?=[^\n]*[\w.-][ \t]*-%b))"
    % (_TO_HEAD, _BEHIND, _BEHIND, _BEHIND)
)


def _holds(*names: bytes) -> bytes:
    """A look ahead at one of these names before a colon or an equals sign."""
    ends = b"|".join(rb"(?<=\b%b)" % _any_case(name) for name in names)
    return rb"(?=[^\n=:]*+(?:[=:][^\n=:]*+)*?(?:%b)[=:])" % ends


_PAIRS: Final = _holds(b"from") + _holds(b"to") + _holds(b"type", b"msgtype", b"msg_type", b"kind")
_SPEAKS: Final = rb"(?=[^\nRSrs]*+(?:[RSrs][^\nRSrs]*+)*?\b%b)" % _VERB
STARTS: Final = rb"(?!\{)%b%b(?:(?=%b(?<=-)>)%b|%b)[^\n]*" % (
    _holds(b"term"), _SPEAKS, _TO_HEAD, _ARROW, _PAIRS,
)  # fmt: skip
_TIME: Final = re.compile(r"(?:raft)?\[?(\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d\S*|\d{10,19})\]?\s+")
# From the beginnings of words alone, where each is found that may be found within them.
_ENDS: Final = re.compile(r"(?<![\w.-])([\w.-]+)\s*->\s*([\w.-]+)\s+(Msg\w+)")
_FIRST_VERB: Final = re.compile(_VERB.decode())
_PAIR: Final = re.compile(r"(?<![A-Za-z_])([A-Za-z_]\w*+)[=:]\s*(\[[^\]]*\]|\"[^\"]*\"|[^\s,;]+)")
_SPELLINGS: Final = {
    "logterm": "logTerm", "log_term": "logTerm", "rejecthint": "rejectHint", "reject_hint": "rejectHint",
    "msgtype": "type", "msg_type": "type", "kind": "type", "nid": "node",
}  # fmt: skip


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    text = record.decode().rstrip("\r\n")
    event: dict[str, Any] = {}
    if time := _TIME.match(text):
        event["time"] = time[1]
    verb = _FIRST_VERB.search(text)
    if "->" in text and (ends := _ENDS.search(text)):
        event |= {"from": ends[1], "to": ends[2], "type": ends[3]}
    for key, written in _PAIR.findall(text[time.end() if time else 0 :]):
        name = key.lower()
        name = _SPELLINGS.get(name, name)
        value = written.strip('"')
        if name == "log" and "/" in value:
            event["logTerm"], event["index"] = value.split("/", 1)
        else:
            event.setdefault(name, value)
    missing = [name for name in ("from", "to", "type", "term") if name not in event]
    if missing or verb is None:
        raise ValueError(f"a message without its {' and '.join(missing)}")
    yield {**event, "direction": verb[0].lower(), "text": text}


FORMAT = Transcoder(
    name="raft_text",
    format=replace(raft_trace.FORMAT, name="raft_text"),
    starts=STARTS,
    transcode=_transcode,
)
