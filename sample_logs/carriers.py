"""What a canonical line looks like in the files of whatever carried it there."""

from __future__ import annotations

from zlib import crc32

from spelling import Record, canonical, line_of, microseconds_of


def _text(record: Record) -> str:
    return canonical(record).decode()


def _name(record: Record) -> str:
    """What a store calls it, which is no name of the event."""
    return f"{crc32(canonical(record)):08x}"


def docker(record: Record) -> bytes:
    """As the json-file driver of docker keeps it."""
    return line_of({"log": _text(record), "stream": "stdout", "time": record["time"]})


def kubernetes(record: Record) -> bytes:
    """As a container runtime of Kubernetes keeps it."""
    return f"{record['time']} stdout F ".encode() + canonical(record)


def compose(record: Record) -> bytes:
    """As Docker Compose prints it."""
    return f"{record['node']}  | ".encode() + canonical(record)


def filebeat(record: Record) -> bytes:
    """As Filebeat passes it on."""
    around = {"@timestamp": record["time"], "@metadata": {"beat": "filebeat", "version": "8.13.0"}}
    log = {"offset": 0, "file": {"path": f"/var/log/{record['node']}.log"}}
    about = {"input": {"type": "log"}, "agent": {"type": "filebeat", "name": record["node"]}, "log": log}
    return line_of(around | about | {"message": _text(record).rstrip("\n")})


def journald(record: Record) -> bytes:
    """As `journalctl -o json` gives it."""
    fields = {"__REALTIME_TIMESTAMP": str(microseconds_of(record)), "_HOSTNAME": record["node"], "_PID": "1"}
    return line_of(fields | {"MESSAGE": _text(record).rstrip("\n")})


def _pod(record: Record) -> dict[str, str]:
    return {"pod_name": record["node"], "container_name": record["service"]}


def fluentbit(record: Record) -> bytes:
    """As Fluent Bit passes it on."""
    around = {"time": record["time"], "stream": "stdout", "log": _text(record)}
    return line_of(around | {"kubernetes": _pod(record)})


def vector(record: Record) -> bytes:
    """As Vector passes it on."""
    around = {"timestamp": record["time"], "stream": "stdout", "source_type": "kubernetes_logs"}
    return line_of(around | {"message": _text(record).rstrip("\n"), "kubernetes": _pod(record)})


def syslog(record: Record) -> bytes:
    """As a syslog daemon writes it (RFC 5424)."""
    head = f"<14>1 {record['time']} {record['node']} {record['service']} 1 - - "
    return head.encode() + canonical(record)


def prefixed(record: Record) -> bytes:
    """Behind what a logger writes before its text."""
    return f"{record['time']} INFO [main] shop - ".encode() + canonical(record)


def elasticsearch(record: Record) -> bytes:
    """As a document that was found in an index."""
    return line_of({"_index": "logs", "_id": _name(record), "_source": record})


def cloudwatch(record: Record) -> bytes:
    """As a subscription of CloudWatch Logs delivers it."""
    about = {"id": _name(record), "timestamp": microseconds_of(record) // 1000}
    event = about | {"message": _text(record).rstrip("\n")}
    source = {"owner": "1", "logGroup": record["service"], "logStream": record["node"]}
    return line_of({"messageType": "DATA_MESSAGE", **source, "logEvents": [event]})


def cloud_logging(record: Record) -> bytes:
    """As Google Cloud Logging exports it."""
    about = {"type": "k8s_container", "labels": {"pod_name": record["node"]}}
    place = {"insertId": _name(record), "logName": "projects/shop/logs/stdout", "resource": about}
    return line_of(place | {"timestamp": record["time"], "textPayload": _text(record)})


def sqs(record: Record) -> bytes:
    """As the body of a message of Amazon SQS, which logs are shipped with as well."""
    around = {"MessageId": _name(record), "ReceiptHandle": "r"}
    return line_of(around | {"Body": _text(record).rstrip("\n")})


def kafka_console(record: Record) -> bytes:
    """As the console consumer of Kafka prints it with `print.timestamp`."""
    return f"CreateTime:{microseconds_of(record) // 1000}\t".encode() + canonical(record)


def kcat(record: Record) -> bytes:
    """A message as `kcat -J` prints it: each producer has a partition for each key. What is no numbered
    message would get a topic and a number there, so it is a line of an ordinary log.
    """
    if not {"stream", "partition_key", "sequence"} <= record.keys():
        return canonical(record)
    place = {
        "topic": record["stream"],
        "partition": crc32(f"{record['epoch']}/{record['partition_key']}".encode()) >> 1,
        "offset": record["sequence"] - 1,
    }
    about = {"tstype": "create", "ts": microseconds_of(record) // 1000, "broker": 1}
    return line_of(place | about | {"key": record["partition_key"], "payload": _text(record).rstrip("\n")})
