"""Metrics are what the ingester and the database say, in the text format of Prometheus."""

from collections.abc import Callable
from datetime import UTC, datetime

from prometheus_client.parser import text_string_to_metric_families

from .conftest import Served


def _samples(served: Served) -> dict[tuple[str, tuple[str, ...]], float]:
    response = served.get("/metrics")
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(response.body.decode())
        for sample in family.samples
    }


def _seconds(hour: int, second: int) -> float:
    return datetime(2026, 3, 2, hour, 0, second, tzinfo=UTC).timestamp()


def test_metrics_are_the_status_and_the_data(served: Served) -> None:
    served.say(
        state="reading", events=41, rejects=2, bytes=999, batches=3, backlog_bytes=77, files=4,
        events_per_s=12.5, occurrences={"file_renamed": 6, 'odd"\n': 1},
        last_commit_at=datetime(2026, 3, 2, 11),  # noqa: DTZ001 - stored instants have no zone
    )  # fmt: skip
    samples = _samples(served)
    expected = {
        ("stormwatch_ingest_events_total", ()): 41,
        ("stormwatch_ingest_rejects_total", ()): 2,
        ("stormwatch_ingest_bytes_total", ()): 999,
        ("stormwatch_ingest_batches_total", ()): 3,
        ("stormwatch_ingest_backlog_bytes", ()): 77,
        ("stormwatch_ingest_files", ()): 4,
        ("stormwatch_ingest_events_per_second", ()): 12.5,
        ("stormwatch_ingest_occurrences_total", ("file_renamed",)): 6,
        ("stormwatch_ingest_occurrences_total", ('odd"\n',)): 1,
        ("stormwatch_ingest_state", ("reading",)): 1,
        ("stormwatch_ingest_state", ("failed",)): 0,
        ("stormwatch_ingest_last_commit_timestamp_seconds", ()): _seconds(11, 0),
        ("stormwatch_data_version", ()): 3,
        ("stormwatch_newest_event_timestamp_seconds", ()): _seconds(10, 4),
    }
    assert {name: samples.get(name) for name in expected} == expected
    assert samples["process_resident_memory_bytes", ()] > 1e6


def test_what_is_not_known_is_absent(serve: Callable[..., Served]) -> None:
    served = serve()
    with served.store.cursor() as cursor:
        cursor.execute("DELETE FROM batches")
    names = {name for name, _ in _samples(served)}
    assert "stormwatch_newest_event_timestamp_seconds" not in names
    assert "stormwatch_ingest_last_commit_timestamp_seconds" not in names
    assert "stormwatch_data_version" in names


def test_what_the_process_costs_is_there(served: Served) -> None:
    samples = _samples(served)
    peak, resident = samples["stormwatch_peak_memory_bytes", ()], samples["process_resident_memory_bytes", ()]
    assert peak >= resident > 1 << 20
    assert samples["stormwatch_threads", ()] >= 2  # that of the server beside this one
    assert samples["process_cpu_seconds_total", ()] > 0
    assert samples["process_open_fds", ()] > 3
    assert not [name for name, _ in samples if name.startswith("stormwatch_second")]
