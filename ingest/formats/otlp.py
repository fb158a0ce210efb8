"""OpenTelemetry Protocol as JSON: what the parts of an OTLP line have in common.

One line holds many records below resources and scopes. 64-bit integers come as strings or
numbers, ids as hex in either case, an empty string means absent, an enum as its number or name.
Source: OTLP specification, "JSON Protobuf Encoding"; file exporter specification.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

Json = dict[str, Any]


def load(line: bytes) -> Json:
    """The record as a dict. Raises ValueError when it is not an object."""
    record = orjson.loads(line)
    if not isinstance(record, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - the reason a record is rejected for
    return record


def items(holder: Json, *names: str) -> list[Json]:
    """The objects of the list under the first of `names` that is there."""
    for name in names:
        found = holder.get(name)
        if found is None:
            continue
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            raise ValueError(f"{name} is not a list of objects")
        return found
    return []


def value(wrapped: Any) -> Any:
    """The plain value of an AnyValue."""
    if not isinstance(wrapped, dict) or len(wrapped) != 1:
        return wrapped
    [(kind, inner)] = wrapped.items()
    if kind in ("intValue", "int_value") and isinstance(inner, str):
        return int(inner)
    if kind in ("arrayValue", "array_value"):
        return [value(item) for item in (inner or {}).get("values", [])]
    if kind in ("kvlistValue", "kvlist_value"):
        return attributes((inner or {}).get("values"))
    return inner


def attributes(pairs: Any) -> Json:
    """A list of key-value pairs as a dict."""
    if pairs is None:
        return {}
    if not isinstance(pairs, list):
        raise ValueError("attributes is not a list")  # noqa: TRY004 - the reason of a reject
    return {
        pair["key"]: value(pair.get("value"))
        for pair in pairs
        if isinstance(pair, dict) and isinstance(pair.get("key"), str)
    }


def scoped(record: Json, resources: str, scopes: str, records: str) -> Iterator[tuple[Json, Json]]:
    """(common fields, record) for every record; common: resource and scope."""
    for resource in items(record, resources):
        about = attributes((resource.get("resource") or {}).get("attributes"))
        for scope in items(resource, scopes, "instrumentationLibrarySpans"):
            name = scope.get("scope") or {}
            common = {
                "service": about.get("service.name"),
                "node": about.get("service.instance.id") or about.get("host.name"),
                "resource": about or None,
                "scope": {key: name[key] for key in ("name", "version") if name.get(key)} or None,
                "schemaUrl": scope.get("schemaUrl") or resource.get("schemaUrl") or None,
            }
            for item in items(scope, records):
                yield common, item


def hex_id(text: Any) -> str | None:
    """A trace or span id in lower case; None when absent."""
    if text is None or text == "":
        return None
    if not isinstance(text, str):
        raise ValueError("an id is not a string")  # noqa: TRY004 - the reason of a reject
    return text.lower() if text.strip("0") else None


def present(fields: Json) -> Json:
    """Without the fields that are absent."""
    return {key: field for key, field in fields.items() if field not in (None, "", [], {})}
