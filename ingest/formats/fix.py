r"""Messages of FIX, tags and values with SOH, `|` or `^A` between them, perhaps behind a time and words.

`20261128-10:00:00.012 : 8=FIX.4.4|9=96|35=D|49=BUY1|56=EXCH|34=7|...|10=194|`. The number 34 counts what one
side of a session sends to the other, mostly anew each day: so the sides are the stream, and the day of
sending is the epoch. Both and the number name a message, also where it is sent again (43=Y). A reject names
what it refuses by its number (45). What is sent about an order has its 11, or else its 37. The time of the
log goes before that of sending. Source: FIX Trading Community, "FIX session layer"; logs of QuickFIX.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from ingest.formats.base import JsonFormat, Transcoder

_DAY: Final = rb"[12]\d{3}-?[01]\d-?[0-3]\d"
_CLOCK: Final = rb"[0-2]\d:[0-5]\d:[0-6]\d(?:[.,]\d{1,9})?"
_BETWEEN: Final = rb"(?:\x01|\||\^A)"
# What stands before it holds no equals sign, so that it is gone through once.
_BEFORE: Final = rb"\[?%b[T -]%b[^\n=|\x01]{1,121}+(?<=\W8)" % (_DAY, _CLOCK)
_STARTS: Final = rb"(?:8|%b)=FIXT?\.\d\.\d%b9=\d+%b" % (_BEFORE, _BETWEEN, _BETWEEN)
_LINE: Final = re.compile(
    rb"(?:\[?(?P<day>%b)[T -](?P<clock>%b)(?P<zone>Z|[+-]\d\d:?\d\d)?(?P<prefix>[^\n=|\x01]{0,120}?))?"
    rb"(?P<fix>8=FIXT?\.\d\.\d(?P<between>%b)[^\n]*)" % (_DAY, _CLOCK, _BETWEEN)
)
_NEXT: Final = re.compile(rb"(?=8=FIXT?\.\d\.\d%b9=)" % _BETWEEN)
_UTC: Final = re.compile(r"([12]\d{3})([01]\d)([0-3]\d)-(.+)")
_NAMES: Final = {
    "8": "BeginString", "9": "BodyLength", "10": "CheckSum", "11": "ClOrdID", "34": "MsgSeqNum",
    "35": "MsgType", "37": "OrderID", "41": "OrigClOrdID", "43": "PossDupFlag", "45": "RefSeqNum",
    "49": "SenderCompID",
    "52": "SendingTime", "55": "Symbol", "56": "TargetCompID", "58": "Text", "553": "Username",
    "554": "Password", "925": "NewPassword",
}  # fmt: skip
"""Tags that have a meaning here; others stay numbers."""
_TYPES: Final = {
    "0": "Heartbeat", "1": "TestRequest", "2": "ResendRequest", "3": "Reject", "4": "SequenceReset",
    "5": "Logout", "8": "ExecutionReport", "9": "OrderCancelReject", "A": "Logon", "D": "NewOrderSingle",
    "E": "NewOrderList", "F": "OrderCancelRequest", "G": "OrderCancelReplaceRequest",
    "H": "OrderStatusRequest", "R": "QuoteRequest", "S": "Quote", "V": "MarketDataRequest",
    "W": "MarketDataSnapshotFullRefresh",
    "X": "MarketDataIncrementalRefresh", "j": "BusinessMessageReject", "AE": "TradeCaptureReport",
}  # fmt: skip


def _whole(message: str, between: str) -> tuple[str, str]:
    """A message up to its checksum, and what stands behind it; all is behind where it is cut off."""
    end = re.escape(between)
    found = re.search(rf"{end}10=\d{{3}}(?:{end}|(?=\s|$))", message, re.ASCII)
    return (message[: found.end()], message[found.end() :].strip()) if found else ("", message.strip())


def _pairs(message: str, between: str) -> dict[str, Any]:
    """The values by tag; of one that stands several times, as in groups, all of them."""
    parts: list[tuple[str, list[str]]] = []
    for part in message.removesuffix(between).split(between):
        tag, equals, value = part.partition("=")
        if equals and tag.isdecimal():
            parts.append((tag, [value]))
        else:  # it stands in a value
            parts[-1][1].append(part)
    pairs: dict[str, list[str]] = {}
    for tag, texts in parts:
        pairs.setdefault(_NAMES.get(tag, tag), []).append(between.join(texts))
    return {name: values[0] if len(values) == 1 else values for name, values in pairs.items()}


def _told(pairs: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What follows from several tags; none of them is in a group."""
    one = {name: value if isinstance(value, str) else value[0] for name, value in pairs.items()}
    sent = _UTC.fullmatch(one.get("SendingTime", ""))
    sides = [one.get(name) for name in ("SenderCompID", "TargetCompID")]
    day = "".join(sent.groups()[:3]) if sent else ""
    if sent:
        yield "time", "{}-{}-{}T{}Z".format(*sent.groups())
        yield "day", day
    if all(sides):
        yield "session", "{}->{}".format(*sides)
        if number := one.get("MsgSeqNum"):
            yield "id", "/".join(filter(None, ("{}->{}".format(*sides), day, number)))
        if refused := one.get("RefSeqNum"):
            yield "refused", "/".join(filter(None, ("{}->{}".format(*reversed(sides)), day, refused)))
    kind = one.get("MsgType", "")
    yield "type", _TYPES.get(kind, kind)


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    line = _LINE.match(record)
    if line is None:
        raise ValueError("no FIX message")
    if b"\0" in record:
        raise ValueError("holds NUL bytes")
    between = line["between"].decode()
    found = [_whole(one.decode(), between) for one in _NEXT.split(line["fix"]) if one]
    about = {"prefix": (line["prefix"] or b"").decode().strip(" \t:]-")}
    # A writer that dies within a message leaves it before the first one of the next.
    about["rest"] = "\n".join(rest for _, rest in found if rest)
    about = {name: text for name, text in about.items() if text}
    whole = [message for message, _ in found if message]
    if not whole:
        raise ValueError("a FIX message without its checksum: cut off")
    at = {}
    if line["day"]:
        day = line["day"].decode().replace("-", "")
        clock, zone = line["clock"].decode(), (line["zone"] or b"Z").decode()
        at["@time"] = f"{day[:4]}-{day[4:6]}-{day[6:]}T{clock}{zone}"
    for number, message in enumerate(whole):
        pairs = _pairs(message, between)
        made = {f"@{name}": value for name, value in _told(pairs)}
        yield {**({} if number else about), **pairs, **made, **at}


FORMAT = Transcoder(
    name="fix",
    format=JsonFormat(
        name="fix",
        priority=0,
        match=lambda _: None,
        by_name=False,
        fields={
            "event_id": (("@id",),),
            "occurred_at": (("@time",),),
            "service": (("SenderCompID",),),
            "event_type": (("@type",),),
            "stream": (("@session",),),
            "epoch": (("@day",),),
            "sequence": (("MsgSeqNum",),),
            "causation_id": (("@refused",),),
            "correlation_id": (("ClOrdID",), ("OrderID",)),
            "is_redelivered": (("PossDupFlag",),),
            "message": (("Text",),),
        },
        derived={"is_redelivered": "CASE {is_redelivered} WHEN 'Y' THEN 'true' WHEN 'N' THEN 'false' END"},
        made=("@id", "@time", "@type", "@session", "@day", "@refused"),
    ),
    starts=_STARTS,
    transcode=_transcode,
)
