"""What Prometheus reads of a running process, in its text format."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import get_args

import duckdb
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from stormwatch import __version__
from stormwatch.alerts.delivery import waiting
from stormwatch.alerts.ledger import firing_counts
from stormwatch.readonly import data_version
from stormwatch.runtime import Runtime
from stormwatch.status import IngestState, IngestStatus


def metrics_text(runtime: Runtime) -> bytes:
    """All metrics of this process at this instant (text format 0.0.4, UTF-8)."""
    registry = CollectorRegistry()
    registry.register(_Collector(runtime))
    registry.register(runtime.meter)
    return generate_latest(registry)


class _Collector(Collector):
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily("stormwatch", "This program.", {"version": __version__})
        status = self._runtime.status()
        yield from _counters(status)
        yield from _gauges(status)
        yield from self._data()

    def _data(self) -> Iterator[Metric]:
        try:
            with self._runtime.cursor() as cursor:
                version, complete_to = data_version(cursor)
                firing, queued = firing_counts(cursor), waiting(cursor)
        except duckdb.Error:
            return  # the state says that the database is not usable; the rest is still worth having
        yield GaugeMetricFamily("stormwatch_data_version", "Number of the last committed batch.", version)
        if complete_to is not None:
            yield GaugeMetricFamily(
                "stormwatch_newest_event_timestamp_seconds",
                "Greatest time of any event, by the clock of its writer.",
                _seconds(complete_to),
            )
        alerts = GaugeMetricFamily("stormwatch_alerts", "Alerts that fire.", labels=["rule", "severity"])
        for rule, severity, count in firing:
            alerts.add_metric([rule, severity], count)
        yield alerts
        notices = GaugeMetricFamily(
            "stormwatch_alert_notices_waiting", "Notices that no receiver has taken yet.", labels=["route"]
        )
        for route, count, _ in queued:
            notices.add_metric([route], count)
        yield notices


def _counters(status: IngestStatus) -> Iterator[Metric]:
    for name, count, text in (
        ("events", status.events, "Events committed since the start."),
        ("rejects", status.rejects, "Byte ranges put into quarantine since the start."),
        ("bytes", status.bytes, "Bytes of log files committed since the start."),
        ("batches", status.batches, "Transactions committed since the start."),
    ):
        yield CounterMetricFamily(f"stormwatch_ingest_{name}", text, count)
    occurrences = CounterMetricFamily(
        "stormwatch_ingest_occurrences",
        "What happened to log files since the start (rotations, truncations, failed commits ...).",
        labels=["kind"],
    )
    for kind, count in sorted(status.occurrences.items()):
        occurrences.add_metric([kind], count)
    yield occurrences


def _gauges(status: IngestStatus) -> Iterator[Metric]:
    state = GaugeMetricFamily(
        "stormwatch_ingest_state", "1 for the state the ingester is in.", labels=["state"]
    )
    for name in get_args(IngestState):
        state.add_metric([name], float(name == status.state))
    yield state
    for name, value, text in (
        ("backlog_bytes", status.backlog_bytes, "Bytes on disk that are not committed yet."),
        ("files", status.files, "Log files in the watched directory."),
        ("events_per_second", status.events_per_s, "Events committed per second, over 5 seconds."),
    ):
        yield GaugeMetricFamily(f"stormwatch_ingest_{name}", text, value)
    if status.last_commit_at is not None:
        yield GaugeMetricFamily(
            "stormwatch_ingest_last_commit_timestamp_seconds",
            "When the last batch was committed.",
            _seconds(status.last_commit_at),
        )


def _seconds(instant: datetime) -> float:
    return instant.replace(tzinfo=UTC).timestamp()
