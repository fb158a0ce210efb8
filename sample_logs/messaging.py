"""Records as messages of frameworks, and as telemetry about messages."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from spelling import Record, line_of, microseconds_of, text_of


def _but(record: Record, taken: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name not in taken}


def _renamed(record: Record, names: Mapping[str, str]) -> dict[str, Any]:
    return {spelled: record[name] for name, spelled in names.items() if name in record}


_CLOUDEVENTS_NAMES = {
    "id": "id",
    "service": "source",
    "type": "type",
    "entity": "subject",
    "partition_key": "partitionkey",
    "sequence": "sequence",
    "causation_id": "causationid",
    "correlation_id": "correlationid",
}


def _envelope(record: Record, names: Mapping[str, str]) -> dict[str, Any]:
    event = {"specversion": "1.0"} | _renamed(record, names)
    if "sequence" in event:
        event["sequence"] = str(event["sequence"])  # the extension is a string
    return event


def in_cloudevents(record: Record) -> bytes:
    """A log line that carries the event in a CloudEvents 1.0 envelope."""
    # The source of an event is its producer; who logs that it arrived, and when, says the line.
    outer = {"service": record["service"], **_but(record, _CLOUDEVENTS_NAMES)}
    return line_of({**outer, "event": _envelope(record, _CLOUDEVENTS_NAMES)})


def cloudevents(record: Record) -> bytes:
    """CloudEvents 1.0 in structured mode: attributes are called with small letters and digits only and
    hold no lists, which are in the data.
    """
    names = dict(_CLOUDEVENTS_NAMES)
    if "partition_key" not in record:
        names["entity"] = "entity"  # a subject would be read as the key
    lists = {name for name, value in record.items() if isinstance(value, list)}
    rest = _but(record, names.keys() | lists)
    event = _envelope(record, names) | {name.replace("_", ""): value for name, value in rest.items()}
    data = {"causation_ids" if name == "links" else name: record[name] for name in record if name in lists}
    return line_of(event | ({"datacontenttype": "application/json", "data": data} if data else {}))


_OTEL_NAMES = {
    "id": "messaging.message.id",
    "operation": "messaging.operation.type",
    "stream": "messaging.destination.name",
    "partition_key": "messaging.kafka.message.key",
    "correlation_id": "messaging.message.conversation_id",
}


def _any_value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, list):
        return {"arrayValue": {"values": [_any_value(one) for one in value]}}
    if isinstance(value, dict):
        return {"kvlistValue": {"values": _attributes(value)}}
    return {"stringValue": value}


def _attributes(fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": name, "value": _any_value(value)} for name, value in fields.items()]


_OTLP_SEVERITIES = {"DEBUG": 5, "INFO": 9, "WARN": 13, "ERROR": 17, "FATAL": 21}


def otlp_logs(record: Record) -> bytes:
    """OTLP/JSON logs, with the attributes that OpenTelemetry has for messages."""
    own = {"time", "type", "service", "node", "severity", "message"}
    log: dict[str, Any] = {"timeUnixNano": str(microseconds_of(record) * 1000)}
    if "severity" in record:
        log |= {"severityNumber": _OTLP_SEVERITIES[record["severity"]], "severityText": record["severity"]}
    log["eventName"] = record["type"]
    if "message" in record:
        log["body"] = {"stringValue": record["message"]}
    fields = {_OTEL_NAMES.get(name, name): value for name, value in _but(record, own).items()}
    log["attributes"] = _attributes(fields)
    resource = {"service.name": record["service"], "service.instance.id": record["node"]}
    scope = {"scope": {"name": "shop"}, "logRecords": [log]}
    logs = {"resource": {"attributes": _attributes(resource)}, "scopeLogs": [scope]}
    return line_of({"resourceLogs": [logs]})


def _metadata(record: Record) -> dict[str, Any]:
    names = {"causation_id": "causationId", "correlation_id": "correlationId"}
    return {names.get(name, name): value for name, value in _but(record, {"id", "type", "time"}).items()}


def axon(record: Record) -> bytes:
    """Messages of Axon Framework 4, what they have no field for in their metadata."""
    head = {"identifier": record["id"], "timestamp": record["time"], "payloadType": record["type"]}
    return line_of({**head, "payload": {}, "metaData": _metadata(record)})


def axon_5(record: Record) -> bytes:
    """Messages of Axon Framework 5: a type has its version in its name, and metadata are texts."""
    version = f"#{record['schema_version']}" if "schema_version" in record else ""
    head = {"identifier": record["id"], "timestamp": record["time"], "type": record["type"] + version}
    metadata = _metadata(_but(record, {"schema_version"}))
    return line_of({**head, "payload": {}, "metadata": {name: text_of(metadata[name]) for name in metadata}})


_NSERVICEBUS_NAMES = {
    "id": "NServiceBus.MessageId",
    "causation_id": "NServiceBus.RelatedTo",
    "correlation_id": "NServiceBus.ConversationId",
}


def nservicebus(record: Record) -> bytes:
    """A log line with the headers of the NServiceBus message that it is about."""
    version = f", Version={record['schema_version']}" if "schema_version" in record else ""
    types = {"NServiceBus.EnclosedMessageTypes": f"{record['type']}, Shop.Messages{version}"}
    rest = _but(record, {*_NSERVICEBUS_NAMES, "type", "schema_version"})
    return line_of({**rest, "Headers": _renamed(record, _NSERVICEBUS_NAMES) | types})


_REBUS_NAMES = {
    "id": "rbs2-msg-id",
    "causation_id": "rbs2-in-reply-to",
    "correlation_id": "rbs2-corr-id",
    "type": "rbs2-msg-type",
}


def rebus(record: Record) -> bytes:
    """A log line with the headers of the Rebus message that it is about."""
    return line_of({**_but(record, _REBUS_NAMES), "headers": _renamed(record, _REBUS_NAMES)})
