"""What most lines of some formats are, made from canonical JSON: test records are what is rare in theirs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from itertools import count, islice
from typing import Any, Final

_STAMP: Final = "2026-11-20T09:18:27.083420123Z"
_NANOSECONDS: Final = 1_795_166_307_083_420_123
_TOGETHER: Final = 50
"""Spans or log records a line, as exporters that collect them write."""


def _each(held_by: Callable[[str], str]) -> Callable[[Iterable[str]], Iterator[str]]:
    return lambda lines: map(held_by, lines)


def _numbered(held_by: Callable[[str, int], str]) -> Callable[[Iterable[str]], Iterator[str]]:
    return lambda lines: map(held_by, lines, count(1))


def _written(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _statement(line: str) -> str:
    return (
        "duration: 0.918 ms  execute <unnamed>: "
        f"update orders set state = $1 where id = $2 /* {line[7:23]} {line[40:55]} */"
    )


def _text(line: str) -> str:
    return f"2026-11-20 09:18:27.083 UTC [4711] shop@orders LOG:  {_statement(line)}"


def _csv(line: str, number: int) -> str:
    return (
        f'2026-11-20 09:18:27.083 UTC,"shop","orders",4711,"10.0.0.7:50412",6561c2a4.1267,{number},"UPDATE",'
        f'2026-11-20 09:00:01 UTC,5/1207,0,LOG,00000,"{_statement(line)}",,,,,,,,,'
        '"orders","client backend",,0'
    )


def _jsonlog(line: str, number: int) -> str:
    return _written(
        {
            "timestamp": "2026-11-20 09:18:27.083 UTC", "user": "shop", "dbname": "orders", "pid": 4711,
            "remote_host": "10.0.0.7", "remote_port": 50412, "session_id": "6561c2a4.1267",
            "line_num": number, "ps": "UPDATE", "session_start": "2026-11-20 09:00:01 UTC", "vxid": "5/1207",
            "txid": 0, "error_severity": "LOG", "message": _statement(line), "application_name": "orders",
            "backend_type": "client backend", "query_id": 0,
        }
    )  # fmt: skip


def _syslog(line: str, number: int) -> str:
    return f"Nov 20 09:18:27 db1 postgres[4711]: [{number}-1] {_text(line)}"


def _logged(line: str) -> str:
    return (
        "2026-11-20 09:18:27.083 [http-nio-8080-exec-7] INFO  com.shop.orders.OrderService - "
        f"order {line[7:23]} of customer {line[40:55]} paid by card in 12 ms".replace('"', "").replace(
            "{", ""
        )
    )


def _journal(line: str) -> str:
    return _written(
        {
            "__CURSOR": f"s=4a;i={line[7:23]}", "__REALTIME_TIMESTAMP": str(_NANOSECONDS // 1000),
            "__MONOTONIC_TIMESTAMP": "1812345678", "_BOOT_ID": "5f0c8a8f3d0e4e1c", "_HOSTNAME": "app-1",
            "_PID": "4711", "_SYSTEMD_UNIT": "orders.service", "SYSLOG_IDENTIFIER": "orders",
            "PRIORITY": "6", "MESSAGE": line,
        }
    )  # fmt: skip


def _in_kafka(line: str) -> str:
    record = {
        "topic": "orders",
        "partition": 3,
        "offset": 42,
        "tstype": "create",
        "ts": _NANOSECONDS // 1_000_000,
    }
    return _written({**record, "broker": 1, "headers": [], "key": "cust-7", "payload": line})


def _attributes(**values: object) -> list[dict[str, Any]]:
    return [
        {"key": name.replace("_", "."), "value": {"stringValue": str(value)}}
        for name, value in values.items()
    ]


def _together(
    around: tuple[str, str, str], one: Callable[[dict[str, Any]], object]
) -> Callable[..., Iterator[str]]:
    """Lines of OTLP/JSON: the names of the lists of resources, scopes, and of what `one` makes."""
    resources, scopes, name = around

    def batches(lines: Iterable[str]) -> Iterator[str]:
        rest = iter(lines)
        while some := [one(json.loads(line)) for line in islice(rest, _TOGETHER)]:
            scope = {"scope": {"name": "shop"}, name: some}
            resource = {"attributes": _attributes(service_name="orders", service_instance_id="orders-1")}
            yield _written({resources: [{"resource": resource, scopes: [scope]}]})

    return batches


def _span(event: dict[str, Any]) -> dict[str, Any]:
    return {
        "traceId": event["id"] * 2, "spanId": event["id"], "parentSpanId": event["causation_id"] or "",
        "name": f"{event['stream']} {event['operation']}", "kind": 4, "startTimeUnixNano": str(_NANOSECONDS),
        "endTimeUnixNano": str(_NANOSECONDS + 12_345_678), "status": {},
        "attributes": _attributes(
            messaging_system="kafka", messaging_destination_name=event["stream"],
            messaging_operation_type=event["operation"], order_type=event["type"],
        ),
    }  # fmt: skip


def _log_record(event: dict[str, Any]) -> dict[str, Any]:
    return {
        "timeUnixNano": str(_NANOSECONDS), "observedTimeUnixNano": str(_NANOSECONDS), "severityNumber": 9,
        "severityText": "INFO", "body": {"stringValue": f"{event['type']} of {event['partition_key']}"},
        "traceId": event["id"] * 2, "spanId": event["id"],
        "attributes": _attributes(stream=event["stream"], sequence=event["sequence"], event_id=event["id"]),
    }  # fmt: skip


_COLUMNS: Final = ("time", "service", "node", "operation", "id", "type", "stream", "sequence", "causation_id")
_FIELDS: Final = (
    "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip sc-status time-taken"
)


def _table(lines: Iterable[str]) -> Iterator[str]:
    yield ",".join(_COLUMNS)
    for line in lines:
        event = {name: value or "" for name, value in json.loads(line).items()}
        event["type"] = f'"{event["type"]}"'
        yield ",".join(str(event.get(name, "")) for name in _COLUMNS)


def _directed(lines: Iterable[str]) -> Iterator[str]:
    yield f"#Fields: {_FIELDS}"
    for line in lines:
        event = json.loads(line)
        day, _, clock = event["time"][:19].partition("T")
        yield f"{day} {clock} 10.0.0.4 GET /{event['stream']} id={event['id']} 443 - 10.0.0.9 200 31"


USUAL: Final[dict[str, Callable[[Iterable[str]], Iterator[str]]]] = {
    "cri_log/json": _each(lambda line: f"{_STAMP} stdout F {line}"),
    "docker_json/json": _each(
        lambda line: _written({"log": line + "\n", "stream": "stdout", "time": _STAMP})
    ),
    "journald/json": _each(_journal),
    "kcat/json": _each(_in_kafka),
    "otlp_logs/batches": _together(("resourceLogs", "scopeLogs", "logRecords"), _log_record),
    "otlp_traces/batches": _together(("resourceSpans", "scopeSpans", "spans"), _span),
    "named_columns/csv": _table,
    "named_columns/w3c": _directed,
    "postgresql_csvlog/line": _numbered(_csv),
    "postgresql_jsonlog/line": _numbered(_jsonlog),
    "postgresql_syslog/line": _numbered(_syslog),
    "postgresql_text/line": _each(_text),
    "timestamped_text/line": _each(_logged),
}
"""Format and what is in it -> its lines, from lines of canonical JSON."""
