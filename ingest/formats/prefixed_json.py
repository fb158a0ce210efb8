"""JSON behind what a logger or a shipper writes before it: a time, and perhaps a level, a thread, a name.

`2026-03-02 10:00:00,123 INFO [main] shop.Orders - {"id": ...}`. Without a time, a level or a pod:
`INFO:root:{...}`, `[pod/orders-1/app] {...}`. Time and level count where the object has none, and so do a
pod and its container as node and service; the whole prefix stays in attributes. Source: layouts of Log4j,
Logback and Python's logging; `docker logs --timestamps`; `kubectl logs --prefix`; Heroku, "Log format"; the
files of Fluentd's plugin out_file, where a tag stands between tabs; Monolog's LineFormatter. A dict as Python
prints it stands there as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

import orjson

from ingest.formats import python_dict
from ingest.formats.base import Envelope, Transcoder, made, none_of

_TIME: Final = (
    rb"(?:\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d))?"
    rb"|1\d{9}(?:\d{3}){0,3}(?:\.\d{1,9})?(?![^ \t\])]))"
)
_LEVEL: Final = (
    rb"\b(?:TRACE|DEBUG|INFO|WARN(?:ING)?|ERROR|FATAL|CRITICAL|trace|debug|info|warn(?:ing)?|error|fatal)\b"
)
_WORD: Final = rb"(?>\[[^\]{}\n]{0,80}\]|\([^){}\n]{1,80}\)|[^\s{}\[\]()\"=]{1,120})"
# Nothing but a time, or words; not the clock of a vector-clock log, at the end.
CLOCK: Final = (
    rb'\{[ \t]*+"[^"\n]*+"[ \t]*+:[ \t]*+\d++[ \t]*+(?:,[ \t]*+"[^"\n]*+"[ \t]*+:[ \t]*+\d++[ \t]*+)*+\}'
)
OF_RUBY: Final = rb'\{[ \t]*+"[^"\n]*+"[ \t]*+=>'
"""What a hash as Ruby prints it begins with, which is no JSON."""
_WORDS: Final = rb"(?:[ \t]++%b){1,40}+[ \t]*+" % _WORD
_TAG: Final = rb"\t[^\t{}\n]{1,120}\t"
_DYNO: Final = rb"[ \t]++(?P<pj_app>[\w.-]+)\[(?P<pj_dyno>[\w.-]+)\]:[ \t]++"
_TIMED: Final = rb"[\[(]?(?P<pj_time>%b)[\])]?(?:%b|[ \t]++|%b|%b)" % (_TIME, _TAG, _WORDS, _DYNO)
# A level alone, perhaps with the name of a logger; the pod and its container.
_UNTIMED: Final = (
    rb"\[?%b\]?(?::[\w.-]*+:|:)?[ \t]*+|\[pod/(?P<pj_pod>[\w.-]+)/(?P<pj_container>[\w.-]+)\][ \t]++" % _LEVEL
)
_PREFIX: Final = rb'(?:%b|%b)(?!%b(?![ \t]+[\[{])|%b)(?=\{[ \t]*+["\x27])' % (
    _TIMED, _UNTIMED, CLOCK, OF_RUBY,
)  # fmt: skip
_LINE: Final = re.compile(rb"(?P<prefix>%b)(?P<json>[^\n]*)" % _PREFIX)
_OF_MONOLOG: Final = re.compile(rb"\] [\w-]+\.[A-Z]+: ([^\n]*)")
_LEVELS: Final = re.compile(rb"\[(?P<short>VRB|DBG|INF|WRN|ERR|FTL)\]|%b" % _LEVEL)
"""Serilog writes the short ones into text."""
_NOTHING: Final = (b"[]", b"{}")
"""What Monolog writes behind the object, and a space, where it has nothing else to say."""
_TWO: Final = re.compile(rb"\}[ \t]+\{(?![ \t]*\})")
BEHIND: Final = rb"(?:[ \t]++(?:%b))?[ \t\r]*" % b"|".join(map(re.escape, _NOTHING))

_ENVELOPE: Final = Envelope(
    name="prefixed_json",
    match=lambda _: False,
    held=("log",),
    format=made(
        name="prefixed_json",
        fields={"occurred_at": "time", "severity": "level", "message": "log"},
    ),
    about={
        "occurred_at": "{time}",
        "severity": "{level}",
        "node": "{node}",
        "service": "{service}",
        "message": "{text}",
    },
    inputs={name: (name,) for name in ("time", "level", "node", "service", "text")},
)


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    line = _LINE.match(record)
    if line is None:
        raise ValueError("no JSON object behind a time")
    prefix = line["prefix"].rstrip()
    level = _LEVELS.search(prefix)
    about = {
        "time": line["pj_time"],
        "prefix": prefix,
        "level": level and (level["short"] or level[0]),
        "node": line["pj_pod"] or line["pj_dyno"],
        "service": line["pj_container"] or line["pj_app"],
        "text": (text := _OF_MONOLOG.search(prefix)) and text[1].removesuffix(b" []"),
    }
    said = {name: value.decode() for name, value in about.items() if value}
    yield {"log": object_in(line["json"]), **said}


def object_in(text: bytes) -> str:
    """The JSON of an object at the end of a line, or the text if it only begins like one of Python."""
    alone = _alone(text)
    with suppress(ValueError):
        alone = python_dict.as_json(alone)
    return alone.decode()


def _alone(text: bytes) -> bytes:
    """An object without what is behind it, or with the object that is behind it as `extra`."""
    text = text.rstrip(b" \t\r")
    if text.endswith(b"}") and (two := _TWO.search(text)) and _is_object(text[: two.start() + 1]):
        comma = b"" if text[1 : two.start()].isspace() or two.start() == 1 else b","
        return b'%b%b"extra":%b}' % (text[: two.start()], comma, text[two.end() - 1 :])
    before = text[: -len(_NOTHING[0])]
    return before.rstrip(b" \t") if text.endswith(_NOTHING) and before.endswith((b" ", b"\t")) else text


def _is_object(text: bytes) -> bool:
    try:
        return isinstance(orjson.loads(text), dict)
    except orjson.JSONDecodeError:
        return False


FORMAT = Transcoder(
    name="prefixed_json",
    format=_ENVELOPE,
    # Many lines begin with a time, few of them have a brace.
    starts=rb"(?=%b*+\{)%b(?=[^\n]*\}%b(?:\n|\Z))" % (none_of(b"\n{"), _PREFIX, BEHIND),
    transcode=_transcode,
)
