"""OpenTelemetry Protocol as JSON: what the parts of an OTLP line have in common.

One line holds many records below resources and scopes. 64-bit integers come as strings or
numbers, ids as hex in either case, an empty string means absent, an enum as its number or name,
keys in camelCase or as the fields are named in the protocol. Ids in base64, as plain protobuf
JSON has them, stay as they are. Names with `@` are made here.
Source: OTLP specification, "JSON Protobuf Encoding"; file exporter specification.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final

import orjson

from ingest.formats import exact

Json = dict[str, Any]

COMMON: Final = ("@service", "@node", "@schema")
"""Made for every record from its resource and scope."""

# What attributes of the semantic conventions for messaging are called, newest name first.
STREAMS: Final = ("messaging.destination.name", "messaging.destination", "messaging.kafka.topic")
MESSAGES: Final = ("messaging.message.id", "messaging.message_id")
KEYS: Final = (
    "messaging.kafka.message.key",
    "messaging.kafka.message_key",
    "messaging.gcp_pubsub.message.ordering_key",
    "messaging.rocketmq.message.group",
)
PARTITIONS: Final = (
    "messaging.destination.partition.id",
    "messaging.kafka.destination.partition",
    "messaging.kafka.partition",
)
OFFSETS: Final = ("messaging.kafka.offset", "messaging.kafka.message.offset")
ATTEMPTS: Final = (
    "messaging.gcp_pubsub.message.delivery_attempt",
    "messaging.servicebus.message.delivery_count",
)

NODES: Final = ("service.instance.id", "host.name", "k8s.pod.name", "container.id")
_ABSENT: Final[tuple[Any, ...]] = (None, "", [], {})
_MAX_DEPTH: Final = 64
_INTEGER: Final = re.compile(r"-?\d{1,19}")
_ID_BYTES: Final = {"traceId": 16, "spanId": 8, "parentSpanId": 8}
_HEX: Final = {size: re.compile(rf"[0-9a-fA-F]{{{2 * size}}}") for size in (8, 16)}
_ID: Final = {name: (_HEX[size].fullmatch, "0" * 2 * size) for name, size in _ID_BYTES.items()}
"""Name -> what matches it in hex, and what says that there is none."""
_BASE64: Final = {8: re.compile(r"[\w+/-]{11}=?", re.ASCII), 16: re.compile(r"[\w+/-]{22}(==)?", re.ASCII)}
_UNSIGNED: Final = re.compile(r"\+?(\d{1,20})(\.0*)?|\d+(\.\d+)?[eE]\+?\d{1,2}")
_LARGEST_TIME: Final = (1 << 64) - 1
_SURE_DIGITS: Final = len(str(_LARGEST_TIME))
_LARGEST: Final = (1 << 63) - 1
_SURELY_LESS: Final = len(str(_LARGEST))
_KEY_AND_VALUE: Final = itemgetter("key", "value")

_TAIL: Final = re.compile(rb'\](?:,"schemaUrl":"[^"\\]*+")?+\}\](?:,"schemaUrl":"[^"\\]*+")?+\}\]\}\s*+\Z')
"""What stands behind the records of a line with one scope."""
OPAQUE: Final = (
    rb'":(?! ?[{\[])(?<![^edso]":)(?:(?<=e":)(?:(?:(?<="stringValue":)|(?<="name":)|(?<="message":))'
    rb' ?"(?=(?!publish"|deliver")[^"\\\x00-\x1f]++")'
    rb'|(?<="intValue":) ?(?:"(?=-?[1-9]\d{0,16}")|(?=-?[1-9]\d{0,16}\s*+\}))'
    rb'|(?<="doubleValue":) ?(?=-?(?:0\.(?!000)|[1-9]\d{0,8}\.)\d{0,4}[1-9]\s*+\}))'
    rb'|(?<=d":)(?:(?:(?<=traceId":)|(?<=trace_id":)) ?"(?=(?!0{32})[0-9a-f]{32}")'
    rb'|(?:(?<=panId":)|(?<=span_id":)) ?"(?=(?!0{16})[0-9a-f]{16}"))'
    rb'|(?<=o":)(?:(?<=UnixNano":)|(?<=unix_nano":)) ?(?:"(?=[1-9]\d{18}")|(?=[1-9]\d{18}\s*+[,}]))'
    rb'|(?<="flags":) ?(?=[1-9]\d{0,16}\s*+[,}]))((?<=")[^"]++|[^"\s,}]++)'
)
"""Ids, times and values of attributes as most write them: not what is absent, nor a word of an operation that
counts. A fraction of so few digits is written again as it was. Nearly all other keys end in other letters.
"""
_NEAR_END: Final = 512
_LONGEST_HEAD: Final = 8192
_FIRST_KEY: Final = re.compile(rb'\{"\w++":')
_HEADS: Final = 1024
_NAMES: Final = 4096
_DEPTH: Final = 6
"""Brackets that are open where a record begins."""


def load(line: bytes) -> Json:
    """The record as a dict. Raises ValueError when it is not an object."""
    record = exact.loads(line)
    if not isinstance(record, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - the reason a record is rejected for
    return camel(record)


def camel(record: Json) -> Json:
    """With keys in camelCase, whichever way they were written."""
    if "_" not in "".join(record):
        return record
    return {_camel_name(key): inner for key, inner in record.items()}


@lru_cache(_NAMES)
def _camel_name(name: str) -> str:
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), name)


def items(holder: Json, *names: str) -> list[Json]:
    """The objects of the list under the first of `names` that is there, keys in camelCase.

    Raises ValueError when none is there.
    """
    for name in names:
        if name not in holder:
            continue
        found = holder[name] if holder[name] is not None else []
        if not isinstance(found, list):
            raise ValueError(f"{name} is not a list of objects")  # noqa: TRY004 - the reason of a reject
        for item in found:
            if type(item) is not dict:
                raise ValueError(f"{name} is not a list of objects")
        return [camel(item) for item in found]
    raise ValueError(f"{names[0]} is missing")


def part(holder: Json, name: str) -> Json:
    """The object under `name`, keys in camelCase; empty when there is none."""
    found = holder.get(name)
    if not found and (found is None or found == {}):
        return {}
    if not isinstance(found, dict):
        raise ValueError(f"{name} is not an object")  # noqa: TRY004 - the reason of a reject
    return camel(found)


def value(wrapped: Any, depth: int = 0) -> Any:
    """The plain value of an AnyValue."""
    if depth > _MAX_DEPTH:
        raise ValueError(f"an attribute is nested more than {_MAX_DEPTH} deep")
    if not isinstance(wrapped, dict) or len(wrapped) != 1:
        return wrapped
    [(kind, inner)] = wrapped.items()
    if kind in ("intValue", "int_value"):
        return _integer(inner)
    if kind in ("arrayValue", "array_value"):
        inside = part(wrapped, kind).get("values")
        return [value(item, depth + 1) for item in inside] if isinstance(inside, list) else inner
    if kind in ("kvlistValue", "kvlist_value"):
        return attributes(part(wrapped, kind).get("values"), depth + 1)
    return inner


def _integer(written: Any) -> Any:
    if type(written) is str and len(written) < _SURELY_LESS and written.isascii() and written.isdigit():
        return int(written)
    if isinstance(written, str) and _INTEGER.fullmatch(written) and abs(int(written)) <= _LARGEST:
        return int(written)
    return written


def attributes(pairs: Any, depth: int = 0) -> Json:
    """A list of key-value pairs as a dict."""
    if pairs is None:
        return {}
    if type(pairs) is not list:
        raise ValueError("attributes is not a list")
    found: Json = {}
    # Nearly all are as they should be, which costs less to assume than to ask.
    try:
        for key, wrapped in map(_KEY_AND_VALUE, pairs):
            [(kind, inner)] = wrapped.items()
            if kind == "stringValue":
                found[key] = inner
            else:
                found[key] = _integer(inner) if kind == "intValue" else value(wrapped, depth)
        "".join(found)
    except (AttributeError, LookupError, TypeError, ValueError):
        return _checked(pairs, depth)
    return found


def _checked(pairs: list[Any], depth: int) -> Json:
    """The same where one of them may be anything."""
    found: Json = {}
    for pair in pairs:
        if type(pair) is not dict or type(key := pair.get("key")) is not str:
            raise ValueError("an attribute is not a key with a value")
        found[key] = value(pair.get("value"), depth)
    return found


def scoped(line: bytes, signal: str, *records: str) -> Iterator[tuple[Json, Json]]:
    """(common fields, record) for every record of a line; common: what its resource and its scope say.

    `signal` is what the lists are named after: Spans or Logs. Before 1.0 a scope was a library.
    """
    known, alone = _of_one_scope(line, signal, records)
    if known is not None:
        for item in alone:
            yield known, camel(item)
        return
    for fields, scope in _scopes(load(line), signal):
        found = items(scope, *records)
        common = _written(fields) if len(found) > 1 else fields
        for item in found:
            yield common, item


def _of_one_scope(line: bytes, signal: str, records: tuple[str, ...]) -> tuple[Json | None, list[Json]]:
    """The same of a line with one scope, which is read once for all lines that say the same of it."""
    parted = _parted(line, records[0])
    if parted is None:
        return None, []
    head, within, tail = parted
    around = (head, tail)
    if around not in _seen:
        if len(_seen) == _HEADS:
            _seen.clear()
        _seen[around] = None
        return None, []
    if (common := _seen[around]) is None:
        common = _seen[around] = _common(signal, records, *around)
    if not common:
        return None, []
    try:
        # As deep as they stood: what is nested too deeply stays so.
        found = exact.loads(b"%b%b%b" % (b"[" * _DEPTH, within, b"]" * _DEPTH))
    except ValueError:
        return None, []
    for _ in range(_DEPTH - 1):
        found = found[0]
    return (common, found) if all(type(item) is dict for item in found) else (None, [])


def _parted(line: bytes, records: str) -> tuple[bytes, bytes, bytes] | None:
    """What stands before, in and behind the records of a line, if it may have one scope."""
    opening = b'"%b":[' % records.encode()
    at = line.find(opening) + len(opening)
    if not len(opening) <= at < _LONGEST_HEAD or line.find(opening, at) >= 0:
        return None
    tail = _TAIL.search(line, max(at, len(line) - _NEAR_END))
    return None if tail is None else (line[:at], line[at : tail.start()], tail[0].rstrip())


def cut(line: bytes, records: str) -> tuple[bytes, list[bytes], bytes] | None:
    """The same with each of several records, if all begin with the same key, and the scope is known.

    Where other objects in them begin with it as well, what comes is not whole, and is no JSON.
    """
    opening = b'"%b":[' % records.encode()
    at = line.find(opening) + len(opening)
    first = _FIRST_KEY.match(line, at) if at >= len(opening) else None
    # Most that stand alone are known by now.
    if first is None or line.find(between := b"}," + first[0], at) < 0:
        return None
    parted = _parted(line, records)
    if parted is None or not _seen.get((parted[0], parted[2])):
        return None
    head, within, tail = parted
    if between not in within:
        return None
    first_one, *others = within.split(between)
    *others, last = others
    return head, [first_one + b"}", *(b"%b%b}" % (first[0], one) for one in others), first[0] + last], tail


_seen: Final[dict[tuple[bytes, bytes], Json | None]] = {}
"""What stands around the records of a line -> their common fields; None: it was there once."""


def _common(signal: str, records: tuple[str, ...], head: bytes, tail: bytes) -> Json:
    """The common fields of a line that would hold no records; empty where it has not just one scope."""
    try:
        scopes = list(_scopes(load(head + tail), signal))
    except ValueError:
        return {}
    if len(scopes) != 1 or scopes[0][1].get(records[0]) != []:
        return {}
    return _written(scopes[0][0])


def _scopes(record: Json, signal: str) -> Iterator[tuple[Json, Json]]:
    """(common fields of its records, scope) for every scope."""
    scopes = f"scope{signal}", f"instrumentationLibrary{signal}"
    for resource in items(record, f"resource{signal}"):
        about = part(resource, "resource")
        known = attributes(about.pop("attributes", None))
        rest = {key: inner for key, inner in resource.items() if key not in ("resource", *scopes)}
        for scope in items(resource, *scopes):
            name = part(scope, "scope") or part(scope, "instrumentationLibrary")
            labels = attributes(name.pop("attributes", None))
            common = {
                "@service": known.get("service.name"),
                "@node": next(filter(None, map(known.get, NODES)), None),
                "@schema": scope.get("schemaUrl") or resource.get("schemaUrl"),
                "resource": present({**rest, **about, **known}),
                "scope": present({**name, "attributes": labels, "schemaUrl": scope.get("schemaUrl")}),
            }
            yield common, scope


def _written(common: Json) -> Json:
    """With its objects as the texts that they are written as, once for all records."""
    try:
        texts = {
            key: orjson.Fragment(orjson.dumps(one))
            for key, one in common.items()
            if type(one) is dict and one
        }
    except orjson.JSONEncodeError:
        return common  # so that it is each record that cannot be written
    return {**common, **texts}


def known_id(text: Any) -> str | None:
    """An id as far as it is one: hex in lower case, None when absent, anything else as it is."""
    if not isinstance(text, str) or not text.strip("0"):
        return None if text is None or isinstance(text, str) else str(text)
    return text.lower() if any(pattern.fullmatch(text) for pattern in _HEX.values()) else text


def record_id(holder: Json, name: str) -> str | None:
    """A trace or span id, hex in lower case; None when absent. Raises ValueError when it is none."""
    text = holder.get(name)
    if not text and text in (None, ""):
        return None
    if not isinstance(text, str):
        raise ValueError(f"{name} is not a string")  # noqa: TRY004 - the reason of a reject
    matches, zeros = _ID[name]
    if matches(text):
        return text.lower() if text != zeros else None
    size = len(zeros) // 2
    if _BASE64[size].fullmatch(text):
        return text
    raise ValueError(f"{name} {text[:40]!r} is not {size} bytes in hex or base64")


def check_times(holder: Json, *names: str) -> None:
    """Raises ValueError when one of these times is no count of nanoseconds."""
    for name in names:
        written = holder.get(name)
        if type(written) is str:
            if len(written) < _SURE_DIGITS and (not written or (written.isascii() and written.isdigit())):
                continue
        elif written is None or (type(written) is int and 0 <= written <= _LARGEST_TIME):
            continue
        is_number = isinstance(written, int | float) and not isinstance(written, bool)
        if not is_number and not (isinstance(written, str) and _UNSIGNED.fullmatch(written)):
            raise ValueError(f"{name} {str(written)[:40]!r} is not a count of nanoseconds")
        if not 0 <= float(written) <= _LARGEST_TIME:
            raise ValueError(f"{name} {str(written)[:40]!r} is not a count of nanoseconds")


def put(holder: Json, made: Json) -> Json:
    """The same object with what was made, in the place of what it had, without the fields that are absent."""
    holder.update(made)
    return present(holder)


def present(fields: Json) -> Json:
    """Without the fields that are absent; the same object where there are none."""
    if all(fields.values()):
        return fields
    return {key: field for key, field in fields.items() if field or field not in _ABSENT}
