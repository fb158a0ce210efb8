"""CEF of ArcSight and LEEF of QRadar: a header between bars, and what it says of the event as pairs.

The product is the service, `externalId` the id, `rt`, `end` or `start` (of LEEF `devTime`) the time; without
one it is that of syslog before the header. Other pairs go by their names and values. Source: Micro Focus
Security ArcSight, "Common Event Format"; IBM QRadar, "Log Event Extended Format".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from ingest.formats.base import JsonFormat, Transcoder
from ingest.formats.syslog_header import TIME

_SENT_BY: Final = rb"(?:(?:<\d{1,3}>(?:1 )?)?(?:%b) \S+ (?:[^\s|]+ )?)?" % TIME
_HEADER: Final = _SENT_BY + rb"(?:CEF:\d+(?:\.\d+)?|LEEF:[12]\.0)\|"
_LINE: Final = re.compile(
    rb"(?:(?:<\d{1,3}>(?:1 )?)?(?P<time>%b) (?P<host>\S+) (?:[^\s|]+ )?)?"
    rb"(?P<kind>CEF|LEEF):(?P<version>[\d.]+)\|(?P<rest>[^\n]*)" % TIME
)
_BAR: Final = re.compile(r"(?<!\\)(?:\\\\)*\|")
_OF_CEF: Final = ("vendor", "product", "product_version", "signature", "name", "severity")
_OF_LEEF: Final = ("vendor", "product", "product_version", "name")
_KEY: Final = re.compile(r"(?:^|(?<=\s))([\w.\[\]-]+)=")
_ESCAPED: Final = re.compile(r"\\([\\|=nr])")
_TIMES: Final = ("rt", "end", "start", "devTime")
_HEX: Final = re.compile(r"(?:0x|x)([0-9a-fA-F]{2})")


def _plain(text: str) -> str:
    return _ESCAPED.sub(lambda mark: {"n": "\n", "r": "\r"}.get(mark[1], mark[1]), text)


def _between_bars(text: str, count: int) -> tuple[list[str], str]:
    """So many parts of a header, and what stands behind them."""
    parts: list[str] = []
    at = 0
    for _ in range(count):
        bar = _BAR.search(text, at)
        if bar is None:
            raise ValueError(f"a header of {len(parts)} parts where {count} are to be")
        parts.append(_plain(text[at : bar.end() - 1].strip()))
        at = bar.end()
    return parts, text[at:]


def _pairs_of_cef(text: str) -> dict[str, str]:
    """A value goes on to the next key; an equals sign in it has a backslash before."""
    keys = list(_KEY.finditer(text))
    ends = [key.start() for key in keys[1:]] + [len(text)]
    return {key[1]: _plain(text[key.end() : end].strip()) for key, end in zip(keys, ends, strict=True)}


def _pairs_of_leef(text: str, mark: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(mark))
    return {key.strip(): value.strip() for key, equals, value in pairs if equals and key.strip()}


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    line = _LINE.match(record)
    if line is None:
        raise ValueError("no header of CEF or LEEF")
    rest = line["rest"].decode().rstrip("\r")
    if line["kind"] == b"CEF":
        names: tuple[str, ...] = _OF_CEF
        parts, behind = _between_bars(rest, len(names))
        pairs = _pairs_of_cef(behind)
    else:
        names = _OF_LEEF
        parts, behind = _between_bars(rest, len(names))
        mark = "\t"
        if line["version"] == b"2.0" and (said := _BAR.search(behind)) and said.end() <= len("|0x00|"):
            written, behind = behind[: said.end() - 1], behind[said.end() :]
            code = _HEX.fullmatch(written)
            mark = chr(int(code[1], 16)) if code else written or mark
        pairs = _pairs_of_leef(behind, mark)
    about = {name: value.decode() for name in ("time", "host") if (value := line[name])}
    if times := [pairs[name] for name in _TIMES if pairs.get(name)]:
        about["time"] = times[0]
    named = {f"{line['kind'].decode().lower()}_version": line["version"].decode()}
    yield {**pairs, **about, **named, **dict(zip(names, parts, strict=True))}


FORMAT = Transcoder(
    name="cef",
    format=JsonFormat(
        name="cef",
        priority=0,
        match=lambda _: None,
        by_value=True,
        fields={
            "event_id": (("externalId",),),
            "occurred_at": (("time",),),
            "service": (("product",),),
            "node": (("dvchost",), ("host",), ("dvc",)),
            "event_type": (("name",),),
            "severity": (("severity",), ("sev",)),
            "message": (("msg",),),
            "operation": (("act",),),
        },
    ),
    starts=_HEADER,
    transcode=_transcode,
)
