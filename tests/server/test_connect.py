"""`stormwatch.connect` to a running server."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

import stormwatch
from stormwatch.errors import QueryError, StorageError
from stormwatch.gate import Access

from .conftest import Served


def test_a_url_answers_as_a_file_does(served: Served) -> None:
    with stormwatch.connect(f"http://127.0.0.1:{served.port}") as connection:
        chain = connection.query("causal_chain", event="e2", depth_limit=1)
        late = connection.query("event_rate", since=datetime(2026, 3, 2, 10, 0, 3, tzinfo=UTC))
        some = connection.sql(
            "SELECT event_id FROM events WHERE byte_offset > $place", row_limit=1, place=100
        )
        since = datetime(2026, 3, 2, 10, 0, 2)  # noqa: DTZ001 - naive UTC as stored
        later = connection.sql("SELECT event_id FROM events WHERE occurred_at > $since", since=since)
    assert later.num_rows == 2
    assert chain.column("event_id").to_pylist() == ["e1", "e2", "e3"]
    assert late.column("event_count").to_pylist() == [2]
    assert some.num_rows == 1
    assert some.schema.metadata == {
        b"stormwatch.data_version": b"3",
        b"stormwatch.complete_to": b"2026-03-02T10:00:04Z",
        b"stormwatch.is_truncated": b"true",
    }


def test_errors_of_the_server_are_those_of_a_file(served: Served) -> None:
    with (
        stormwatch.connect(f"http://127.0.0.1:{served.port}") as connection,
        pytest.raises(QueryError, match="did you mean deadlocks"),
    ):
        connection.query("deadlock")


def test_a_token_is_asked_for(serve: Callable[..., Served]) -> None:
    secret = "".join("guess")
    url = f"http://127.0.0.1:{serve(Access(token=secret)).port}"
    with pytest.raises(StorageError, match="refused"):
        stormwatch.connect(url)
    assert stormwatch.connect(url, token=secret).sql("SELECT 1 AS one").num_rows == 1
