"""Maps in Clojure's notation (EDN), one per line, and the operations that Jepsen's histories and logs say.

Keys and keywords become texts without their colon, lists and sets become lists; what a tag says of its value
is left out. The time of an operation of Jepsen, nanoseconds from the start of the test, is no time of day.
Source: the edn-format specification; jepsen-io/jepsen, history.edn and jepsen.log.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, Final

from ingest.formats.base import JsonFormat, Transcoder
from ingest.formats.given import given

_TOKEN: Final = re.compile(
    r'[\s,]*(?:(?P<open>[{\[(]|#\{)|(?P<close>[}\])])|"(?P<text>(?:[^"\\]|\\.)*)"|(?P<tag>#[\w.*+!?<>=/-]*)'
    r"|(?P<atom>[^\s,{}\[\]()\"#]+))"
)
_CLOSES: Final = {"{": "}", "[": "]", "(": ")", "#{": "}"}
_NUMBER: Final = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?[NM]?")
_WORDS: Final = {"nil": None, "true": True, "false": False}
_DEEPEST: Final = 64
_MOST_DIGITS: Final = 18
"""What has more is kept as a text."""
_MAP: Final = rb"[ \t]*\[?(?:#[\w.*+!?<>=/-]+)?\{:[A-Za-z]"
_LOGGED: Final = (
    rb"(?:\d{4}-\d\d-\d\d [\d:,]+\{[A-Z]+\}\t)?INFO[ \t]+(?:\[[^\]\n]*\][ \t]+)?jepsen\.[\w.]+(?::| -) "
    rb"[^\t\n]+\t:(?:invoke|ok|fail|info)\t:[\w-]+\t"
)
_OPERATION: Final = re.compile(
    r"(?:(?P<time>\S+ \S+)\{(?P<zone>[A-Z]+)\}\t)?(?P<level>[A-Z]+)\s+.*?(?::| -) "
    r"(?P<process>[^\t]+)\t:(?P<type>\w+)\t:(?P<f>[\w-]+)\t(?P<value>[^\t\n]*)(?:\t(?P<error>[^\n]*))?"
)


class _Reader:
    """One value after the other."""

    def __init__(self, text: str):
        self._text = text
        self._at = 0

    def has_more(self) -> bool:
        return re.compile(r"[\s,]*\Z").match(self._text, self._at) is None

    def value(self, depth: int = 0) -> Any:
        """The next value, or ValueError."""
        if depth > _DEEPEST:
            raise ValueError("nested too deep")
        found = self._next()
        if found["open"]:
            return self._collection(found["open"], depth + 1)
        if found["close"]:
            raise ValueError(f"{found['close']} without its beginning; a torn line?")
        if found["text"] is not None:
            text: str = json.loads(f'"{found["text"]}"', strict=False)
            text.encode()  # half a character is none
            return text
        return self.value(depth + 1) if found["tag"] else _atom(found["atom"])

    def _next(self) -> re.Match[str]:
        found = _TOKEN.match(self._text, self._at)
        if found is None:
            raise ValueError("not valid EDN; a torn line?")
        self._at = found.end()
        return found

    def _collection(self, opened: str, depth: int) -> Any:
        items: list[Any] = []
        while True:
            at = self._at
            found = self._next()
            if found["close"]:
                break
            self._at = at
            items.append(self.value(depth))
        if found["close"] != _CLOSES[opened] or (opened == "{" and len(items) % 2):
            raise ValueError("not valid EDN: a map or list that is not closed")
        if opened != "{":
            return items
        return {
            key if isinstance(key, str) else json.dumps(key): one
            for key, one in zip(items[::2], items[1::2], strict=True)
        }


def _atom(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _NUMBER.fullmatch(text):
        digits = text.rstrip("NM")
        if len(digits) > _MOST_DIGITS:
            return digits
        if digits.lstrip("+-").isdecimal():
            return int(digits)
        return number if math.isfinite(number := float(digits)) else digits
    return text.removeprefix(":")


def _told(event: dict[str, Any]) -> dict[str, Any]:
    """What an operation of Jepsen has in place of a time is none."""
    if {"type", "f", "process"} <= event.keys() and isinstance(event.get("time"), int):
        event["elapsed_ns"] = event.pop("time")
    return event


def _logged(text: str) -> dict[str, Any]:
    found = _OPERATION.match(text)
    if found is None:
        raise ValueError("not an operation of Jepsen")
    told = given(found.groupdict())
    if zone := told.pop("zone", ""):
        told["time"] = f"{told['time']} {zone}"
    told["value"] = _Reader(told["value"]).value()
    return {**told, "message": text[found.start("process") :].replace("\t", " ")}


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    text = record.decode().strip()
    if re.match(_LOGGED, record):
        yield _logged(text)
        return
    # The first line of a history that is a list has its bracket, and the last one too.
    reader = _Reader(
        text.removeprefix("[").removesuffix("]") if text.startswith("[{") or text.endswith("}]") else text
    )
    while reader.has_more():
        value = reader.value()
        if not isinstance(value, dict) or not value:
            raise ValueError("not a map of EDN")
        yield _told(value)


FORMAT = Transcoder(
    name="edn",
    format=JsonFormat(
        name="edn",
        priority=0,
        match=lambda _: None,
        by_value=True,
        fields={"event_type": (("f",),), "node": (("process",),)},
        named={"event_type", "node"},
    ),
    starts=rb"(?:%b|%b)" % (_MAP, _LOGGED),
    transcode=_transcode,
)
