"""What stands around a picked record in its file, on the page Events."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from stormwatch.storage import Store

from . import story
from .conftest import Statements, components, open_page, texts


@pytest.fixture(autouse=True)
def story_is_served(store: Store, serve: Callable[..., Statements]) -> Statements:
    """The story."""
    return serve(store)


def _around(app: AppTest) -> list[tuple[int, str, str | None, str, bool]]:
    lines = components(app)["context_lines"]["lines"]
    return [
        (line["offset"], json.loads(line["text"])["id"], line["at"], line["kind"], line["is_picked"])
        for line in lines
    ]


def test_lines_around_a_record_are_those_of_the_file() -> None:
    assert _around(open_page("events", at="1:1200:0")) == [
        (900, "o-5", "1:900:0", "record", False),
        (1000, "o-5", "1:1000:0", "record", False),
        (1100, "o-6", "1:1100:0", "record", False),
        (1200, "p-1", "1:1200:0", "record", True),
        (1300, "s-1", "1:1300:0", "record", False),
        (1400, "d-1", "1:1400:0", "record", False),
        (1500, "d-2", "1:1500:0", "record", False),
    ]


def test_how_many_lines_are_around_is_in_the_address() -> None:
    app = open_page("events", at="1:100:0", lines="10")
    assert [line[0] for line in _around(app)] == [number * 100 for number in range(12)]
    assert "The file begins here" in texts(app)
    app.segmented_control(key="lines").set_value("3").run()
    assert [line[0] for line in _around(app)] == [0, 100, 200, 300, 400]


def test_rejected_bytes_are_among_the_lines_and_have_lines_around_them_too() -> None:
    last = components(open_page("events", at="1:1500:0"))["context_lines"]["lines"][-1]
    assert (last["text"], last["kind"], last["at"]) == (story.TORN.decode(), "rejected", "1:1600:0")
    assert last["note"] == "rejected: not a JSON object"
    app = open_page("events", at=last["at"])
    lines = components(app)["context_lines"]["lines"]
    assert [line["offset"] for line in lines] == [1300, 1400, 1500, 1600]
    assert lines[-1]["is_picked"]
    assert "So far it ends here" in texts(app)
    app.button(key="close_context").click().run()
    assert "context_lines" not in components(app)


def test_lines_are_found_in_a_file_that_was_rotated_and_compressed(store: Store) -> None:
    log = store.path.with_name("shop.jsonl")
    log.with_name("shop.jsonl.1.gz").write_bytes(gzip.compress(log.read_bytes()))
    log.write_text("another file\n", encoding="utf-8")
    assert [line[1] for line in _around(open_page("events", at="1:1200:0"))][:3] == ["o-5", "o-5", "o-6"]


def test_lines_of_a_file_that_is_gone_are_said_to_be_gone(store: Store) -> None:
    store.path.with_name("shop.jsonl").unlink()
    app = open_page("events", at="1:1300:0")
    assert "The lines cannot be read" in texts(app)
    assert "nor in any other file below" in app.code[-1].value
