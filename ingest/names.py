"""Which field names mean what: the lists that read a JSON line nobody described.

Names are compared without case and separators, so `causation_id`, `causationId` and
`causation.id` are one name. Within a list the first name wins: those that can mean one thing only
come before those that may mean several (`event_id` before `id`). The canonical format
(docs/log-formats.md) uses a name of each list. How a field is given its roles: vocabulary.py.
"""

from __future__ import annotations

from typing import Final

Path = tuple[str, ...]
"""Keys from the top of a record to a field."""

NAMES: Final[dict[str, tuple[str, ...]]] = {
    "event_id": (
        "event_id", "event_identifier", "event_uuid", "event_guid", "evt_id", "message_id",
        "messaging.message.id", "message_identifier", "message_uuid", "msg_id", "msg_uuid", "id", "uuid",
        "guid", "identifier", "entry_id", "record_id", "command_id", "task_id", "job_id", "jid",
        "log.record.uid",
    ),
    "occurred_at": (
        "time", "timestamp", "@timestamp", "ts", "datetime", "date_time", "log_time", "logged_at", "logged",
        "timestamp_ms", "timestamp_us", "timestamp_ns", "timestamp_millis", "timestamp_nanos", "ts_ms",
        "ts_us", "ts_ns", "time_ms", "time_us", "time_ns", "epoch_ms", "epoch_millis", "unix_time",
        "event_time", "event_timestamp", "event_ts", "occurred_at", "occurred_on", "event.created",
        "time_unix_nano", "asctime", "time_local", "time_iso8601", "recorded_at", "recorded", "received_at",
        "consumed_at", "created_at", "created", "emitted_at", "published_at", "sent_at", "sent_time",
        "received_timestamp", "processed_at", "happened_at",
        "publish_time", "enqueued_time", "enqueued_time_utc", "source_ts_ms", "time_utc", "timestamp_utc",
        "start_time", "date", "t", "when", "time_generated", "log_timestamp", "log_date", "log_ts",
        "event_at", "event_date", "event_time_ms", "event_timestamp_ms", "occurred_at_utc", "created_on",
        "created_time", "create_time", "creation_time", "date_created", "inserted_at", "insert_time",
        "ingested_at", "sent_on", "timestamp_s", "timestamp_sec", "timestamp_usec", "timestamp_micros",
        "epoch_s", "epoch_seconds", "epoch_second", "unix_ts", "unix_timestamp", "unix", "time_unix",
        "time_millis", "time_iso", "iso_time", "ts_iso", "ts_utc", "date_time_utc", "when_utc", "wall_time",
        "wall_clock", "tstamp", "stamp", "at", "dt", "time:timestamp", "complete_timestamp",
        "start_timestamp",
    ),
    "service": (
        "service.name", "service", "svc", "svc_name", "app", "app_name", "application", "application_name",
        "spring.application.name",
        "app_id", "microservice", "component", "source", "consumer_group", "consumer_name", "consumer",
        "subscriber", "producer", "publisher", "source_service", "service_id", "publisher_name",
        "producer_name", "emitter", "program", "consumer_group_id", "container_name", "s_sitename",
        "event_source", "producer_service", "emitter_service",
    ),
    "node": (
        "node", "node_id", "node_name", "instance", "instance_id", "instance_name", "service.instance.id",
        "service.node.name", "host.name", "host.hostname", "hostname", "host", "machine_name", "machine",
        "source_host",
        "pod", "pod_name", "worker", "worker_id", "worker_name", "replica", "server", "server_name",
        "server_id", "consumer_id", "consumer_tag", "client_id", "replica_id", "host_id", "member",
        "member_id", "container_id", "inst", "org:resource", "computer_name", "s_computername",
        "service_instance", "svc_instance", "app_instance", "application_instance", "service_node",
        "service_host", "source_node", "source_instance", "process.name", "producer_node",
        "producer_instance", "producer_host",
    ),
    "operation": (
        "operation", "op", "messaging.operation.type", "messaging.operation", "messaging.operation.name",
        "dir",
        "operation_type", "operation_name", "op_type", "action", "event.action", "verb", "lock_operation",
        "lock_op", "lock_action", "lock_event",
    ),
    "operation_hint": (
        "direction", "event", "event_type", "message_type", "event_name", "type", "kind", "log_type",
        "message", "msg", "activity", "evt", "ev", "what",
    ),
    "event_type": (
        "event_type", "event_type_name", "type", "message_type", "event_name", "event.name", "detail_type",
        "payload_type", "event_kind", "event_class", "kind", "event", "command_type", "command_name",
        "command", "evt_type", "evt_name", "msg_type", "msg_name", "message_name", "type_name",
        "message_template", "concept:name", "activity", "evt", "ev", "mtype", "etype", "activity_name",
        "task_name", "job_name", "job_type", "job_class", "actor_name",
    ),
    "stream": (
        "stream", "stream_name", "queue", "queue_name", "topic", "topic_name", "destination",
        "messaging.destination.name", "messaging.destination", "destination_name", "routing_key", "exchange",
        "exchange_name", "channel", "channel_name", "stream_id", "subject", "source_queue", "target_queue",
        "source_topic", "target_topic", "event_bus", "mailbox", "lane", "received_topic", "consumer_queue",
        "received_routing_key", "received_exchange", "task_queue",
    ),
    "stream_key": (
        "partition_key", "stream_key", "ordering_key", "message_key", "record_key", "routing_partition_key",
        "group_key", "message_group_id", "jmsx_group_id", "message_group", "sharding_key", "shard_key", "key",
        "received_message_key", "received_key",
        "aggregate_id",
        "aggregate_identifier", "entity_id", "entity_key", "subject", "device", "device_id", "sensor",
        "sensor_id", "meter_id", "vehicle_id", "asset_id", "account", "account_id", "wallet_id", "customer",
        "customer_id", "user_id", "player_id", "tenant_id", "patient_id", "order_id", "cart_id", "payment_id",
        "invoice_id", "shipment_id", "booking_id", "trip_id", "product_id", "item_id", "sku", "symbol",
        "session_key", "partition", "partition_id", "partition_no", "shard", "shard_id",
        "received_partition_id", "received_partition",
        "messaging.destination.partition.id", "kafka.partition", "msg_key", "order_no", "order_number",
        "account_no", "account_number", "subject_id", "vehicle", "vin", "patient", "player", "ticker",
        "tenant", "ce_subject",
    ),
    "epoch": ("producer_epoch", "epoch", "generation", "incarnation"),
    "sequence": (
        "sequence", "seq", "sequence_number", "sequence_no", "sequence_num", "sequence_nr", "sequence_id",
        "seq_number", "seq_no", "seq_num", "seq_nr", "seq_id", "seqno", "event.sequence", "event_seq",
        "event_sequence_number", "event_number", "event_no", "message_sequence", "message_seq",
        "message_number", "message_no", "msg_seq", "msg_no", "producer_seq", "aggregate_sequence",
        "aggregate_sequence_number", "stream_revision", "event_revision", "ordinal",
        "event_index", "producer_sequence", "publisher_sequence", "publisher_seq",
        "source_sequence", "source_seq", "jmsx_group_seq",
    ),
    "broker_sequence": (
        "offset", "record_offset", "message_offset", "stream_seq", "stream_sequence", "stream_position",
        "log_position", "commit_position", "global_position", "lsn", "messaging.kafka.offset",
        "messaging.kafka.message.offset",
    ),
    "causation_id": (
        "causation_id", "causation_event_id", "causation_message_id", "causing_event_id", "causing_id",
        "cause_id", "cause_event_id", "cause_message_id", "caused_by", "caused_by_id", "caused_by_event_id",
        "caused_by_message_id", "caused_by_event", "triggered_by", "triggered_by_id", "triggered_by_event_id",
        "trigger_id", "trigger_event_id", "triggering_event_id", "source_event_id", "source_message_id",
        "origin_event_id", "in_reply_to", "related_to", "cause", "causation", "causation_uuid", "cause_uuid",
        "caused_by_uuid", "causing_event", "causing_message", "triggering_id", "due_to", "because_of",
        "derived_from", "derived_from_id", "upstream_id", "upstream_event_id", "upstream_message_id",
        "in_response_to", "response_to",
    ),
    "parent_id": (
        "parent_id", "parent_event_id", "parent_message_id", "parent_event", "parent_message", "parent",
        "parent_task_id", "parent_job_id", "previous_event_id", "prev_event_id", "previous_id", "prev_id",
        "predecessor_id", "predecessor", "parent_uuid", "parent_guid", "parent_msg_id", "parent_msg",
        "parent_key", "previous_message_id", "prev_message_id", "antecedent_id", "antecedent",
    ),
    "correlation_id": (
        "correlation_id", "corr_id", "correl_id", "correlation_identifier", "correlation_token",
        "correlation",
        "conversation_id", "messaging.message.conversation_id", "flow_id", "saga_id", "workflow_id",
        "process_instance_id", "trace_id", "request_id", "transaction.id", "root_id", "root_event_id", "root",
        "conversation", "chain_id", "operation_id", "activity_id", "journey_id", "case_id", "business_key",
        "case:concept:name", "case", "traceparent",
    ),
    "schema_version": (
        "schema_version", "event_version", "message_version", "payload_version", "data_schema",
        "payload_revision", "data_version",
    ),
    "entity": (
        "entity", "entity_id", "entity_key", "aggregate_id", "aggregate_identifier", "aggregate", "object_id",
        "ce_subject",
    ),
    "entity_version": (
        "entity_version", "aggregate_version", "row_version", "after_version", "new_version",
    ),
    "expected_version": ("expected_version", "before_version", "if_match", "read_version", "base_version"),
    "attempt": (
        "attempt", "attempt_number", "attempt_no", "attempts", "delivery_count", "deliveries",
        "times_delivered", "num_delivered", "delivery_attempt", "delivery_number", "receive_count",
        "approximate_receive_count", "tries", "try_number", "num_attempts",
    ),
    "is_redelivered": ("redelivered", "is_redelivered", "is_redelivery", "redelivery", "dup"),
    "severity": (
        "severity_text", "level_name", "levelname", "severity", "level", "log.level", "log_level", "lvl",
        "log_severity",
    ),
    "message": (
        "message", "msg", "log_message", "message_text", "short_message", "error.message", "error_message",
        "error", "text", "description", "event", "rendered_message",
    ),
    "lock_resource": (
        "lock_resource", "lock_name", "lock_id", "lock_key", "lock", "mutex", "semaphore", "resource",
        "resource_id", "resource_name", "lock_object", "locked_object", "mutex_name", "latch", "monitor",
    ),
    "lock_owner": (
        "victim", "victim_id", "victim_tx", "victim_thread", "victim_pid", "deadlock_victim",
        "lock_owner", "owner", "owner_id", "waiter", "requester", "requested_by", "thread", "thread_name",
        "thread_id", "transaction_id", "tx_id", "txid", "txn_id", "session_id", "waiter_id",
        "requester_id", "requestor", "owner_thread", "owner_name", "acquirer", "taken_by",
        "backend_pid", "spid", "tx", "trx", "trx_id", "txn", "xid", "goroutine", "goroutine_id", "goid",
        "fiber", "coroutine", "holder", "holder_id",
    ),
    "lock_mode": ("lock_mode", "lock_type", "mode"),
    "lock_blocked_by": (
        "blocked_by", "blocking", "blocker", "blocked_on", "waits_for", "waiting_for", "waiting_on",
        "held_by", "current_owner", "lock_holder", "holder", "blocking_pid", "blocking_session_id",
        "blocking_thread", "blocking_transaction", "blocked_by_id", "blocked_by_pid", "blocked_by_thread",
        "blocked_by_transaction", "blocked_by_tx", "blocked_by_txn", "current_holder", "lock_blocked_by",
        "lock_held_by", "lock_waits_for", "lock_waiting_for",
    ),
    "links": (
        "links", "causes", "causation_ids", "cause_ids", "parent_ids", "parent_event_ids", "parents",
        "source_event_ids", "caused_by_ids", "predecessors", "predecessor_ids", "refs", "references",
    ),
    "lock_edges": (
        "lock_edges", "wait_for", "waits", "cycle", "wait_for_graph", "deadlock_cycle", "wait_cycle", "edges",
    ),
    "lock_state": ("lock_state", "lock_status", "state", "status", "phase"),
}  # fmt: skip
"""Role -> names, best first. `parent_id` and `broker_sequence` fill causation_id and sequence.

An `operation_hint` is asked where no field is there for the operation: it counts when its value is
one of the words below. A `lock_state` is asked where that word is `lock` alone.
"""

NO_ID_BESIDE: Final = {"task_id": "dag_id"}
"""A name of ids of events -> the one beside which it is none: a task of Airflow is what each run runs."""

WRAPPERS: Final = frozenset(
    {
        "metadata", "meta", "headers", "header", "properties", "props", "attributes", "attrs", "context",
        "ctx",
        "envelope", "fields", "extra", "extensions", "labels", "tags", "mdc", "messageproperties",
        "basicproperties", "messageheaders", "cloudevent",
        "kafka", "rabbitmq", "rabbit", "amqp", "nats", "jetstream", "redis", "pulsar", "sqs", "sns", "mqtt",
        "broker", "transport", "jsonpayload", "contextmap", "applicationproperties", "userproperties",
        "brokerproperties", "messageattributes", "dd", "routing",
    }
)  # fmt: skip
"""Objects that only hold fields: `metadata.causation_id` means `causation_id`."""

HEADER_OBJECTS: Final = frozenset({"headers", "header", "messageheaders"})
"""Wrappers of which some write every value as a list, as a header may stand there twice."""

HEADER_LISTS: Final = HEADER_OBJECTS | {
    "properties", "applicationproperties", "userproperties", "messageattributes", "metadata",
}  # fmt: skip
"""Wrappers that some write as a list of names and values."""

EVENT_OBJECTS: Final = frozenset(
    {
        "event",
        "evt",
        "message",
        "msg",
        "record",
        "rec",
        "notification",
        "raw",
        "line",
        "logline",
        "rawmessage",
    }
)
"""Objects that may be the event a line is about: their fields count after those outside."""

PAYLOADS: Final = frozenset({"data", "payload", "body", "detail", "details", "content", "value"})
"""Business data: only names that cannot mean anything else (STRONG) count in them, and last."""

STRONG: Final = frozenset(
    {
        *(name for name in NAMES["causation_id"] if name.endswith("_id")),
        *(name for name in NAMES["correlation_id"] if name.endswith("_id")),
        *(name for name in NAMES["event_id"] if name.startswith(("event", "message", "msg", "evt"))),
        *(name for name in NAMES["sequence"] if name not in ("sequence_id", "ordinal")),
        *(name for name in NAMES["stream_key"] if name.endswith(("_key", "_id", "identifier"))),
        "caused_by", "triggered_by", "in_reply_to", "parent_event_id", "parent_message_id", "event_type",
        "event_name", "message_type", "event_time", "event_timestamp", "occurred_at", "occurred_on",
        "schema_version", "event_version", "entity_id", "entity_version", "aggregate_id", "aggregate_version",
        "expected_version", "redelivered", "lock_edges", "causation_ids", "parent_event_ids",
        "source_event_ids",
    }
)  # fmt: skip
"""Names that mean their role wherever they stand."""

CONTAINERS: Final = (
    WRAPPERS
    | EVENT_OBJECTS
    | PAYLOADS
    | {
        "service", "host", "log", "trace", "transaction", "span", "parent", "process", "messaging", "error",
        "cause", "causation", "causedby", "triggeredby", "trigger", "correlation", "source", "lock",
        "consumer", "producer", "destination", "processor", "localendpoint", "svc", "app", "application",
        "stream", "queue", "topic", "flow", "saga", "aggregate", "entity",
    }
)  # fmt: skip
"""Objects that are looked into."""

NAME_PARTS: Final = CONTAINERS - WRAPPERS - EVENT_OBJECTS - PAYLOADS
"""Objects whose name is a part of those of their fields, also in a wrapper: `metadata.causation.id`."""

DEEP_CONTAINERS: Final = frozenset(
    {"servicenode", "messagingmessage", "messagingdestination", "messagingoperation", "messagingkafka"}
)
"""Objects within objects that are looked into: `service.node.name`, nested."""

CANDIDATE_ENVELOPES: Final = EVENT_OBJECTS | PAYLOADS | {"fields"}
"""Objects a log line may carry a whole event in."""

SYSTEMS: Final = (
    "kafka", "rabbitmq", "rabbit", "amqp", "nats", "jetstream", "redis", "pulsar", "sqs", "sns", "mqtt", "mq",
    "broker", "ce", "x", "dd", "jms", "cap",
)  # fmt: skip
"""What may stand before a name and a separator: `kafka_topic`, `X-Correlation-ID`, `ce_id`."""

ZERO_ID: Final = "zero_id"
"""Filled by the id of an event where one of the logs is 0: then 0 is a cause, elsewhere there is none."""
ONE_SPELLING: Final = "one_spelling"
"""Told, of no field, where logs write one UUID in several ways: then their ids are read in one."""
CAUSES: Final = ("causation_id", "parent_id")
"""Roles that name a cause."""

IDS: Final = ("event_id", "correlation_id", *CAUSES)
"""Roles that name events and flows."""

LINK_IDS: Final = (
    "id", "spanId", "span_id", "spanID", "event_id", "eventId", "message_id", "messageId",
)  # fmt: skip
"""Keys of an element of a list of causes that say which event it is, best first."""

ABOUT: Final = "@envelope"
"""Key of a record that was in an envelope: role -> what the envelope says of it, where it says nothing."""

ABOVE: Final = "@transport"
"""The same where the word of the envelope goes before that of the record."""

HEADERS: Final = "@headers"
"""Key of such a record: what its sender wrote on the envelope, name -> value."""
