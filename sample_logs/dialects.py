"""How a record is spelled in a line of a log file.

Services of one system seldom agree on that: most here write the canonical fields, `notify` writes
the Elastic Common Schema, `shipping` wraps the event in a CloudEvents envelope. Or all of them write one
of the DIALECTS that can say everything that a record holds.
"""

from __future__ import annotations

from collections.abc import Mapping

import carriers
import libraries
import messaging
from spelling import Dialect, Record, canonical, line_of

_ECS_NAMES = {
    "id": "event.id",
    "time": "@timestamp",
    "type": "event.name",
    "service": "service.name",
    "node": "service.node.name",
    "operation": "event.action",
    "stream": "messaging.destination.name",
    "partition_key": "message_key",
    "sequence": "event.sequence",
    "correlation_id": "trace.id",
    "entity": "object.id",
    "severity": "log.level",
}


def ecs(record: Record) -> bytes:
    """Dotted names of the Elastic Common Schema; what it has no name for keeps its own."""
    return line_of({_ECS_NAMES.get(name, name): value for name, value in record.items()})


DIALECTS: Mapping[str, Dialect] = {
    one.__name__: one
    for one in (
        canonical, ecs,
        libraries.structlog, libraries.zap, libraries.bunyan, libraries.clef, libraries.logfmt,
        libraries.loguru, libraries.log4j, libraries.rust_tracing,
        messaging.cloudevents, messaging.otlp_logs, messaging.axon, messaging.axon_5,
        messaging.nservicebus, messaging.rebus,
        carriers.docker, carriers.compose, carriers.kubernetes, carriers.journald, carriers.fluentbit,
        carriers.vector, carriers.filebeat,
        carriers.syslog, carriers.prefixed, carriers.elasticsearch, carriers.cloudwatch,
        carriers.cloud_logging, carriers.sqs, carriers.kafka_console, carriers.kcat,
    )
}  # fmt: skip
"""Name -> dialect, of those in which every record of a story can be written."""
