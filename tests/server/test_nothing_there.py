"""Addresses of the interface at which there is nothing."""

from __future__ import annotations

import pytest

from .conftest import Served


@pytest.mark.parametrize("path", ["/api/nosuch", "/api", "/api/", "/api/queries/overview/more", "/api/sql/"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_unknown_address_is_not_found(served: Served, method: str, path: str) -> None:
    answer = served.ask(method, path)
    assert (answer.status, answer.json["kind"]) == (404, "NotFound")
    assert f"there is no {path}" in answer.json["error"]


def test_wrong_method_is_told_the_right_one(served: Served) -> None:
    answer = served.get("/api/sql")
    assert (answer.status, answer.headers["allow"]) == (405, "POST")
    assert "answers POST, not GET" in answer.json["error"]
    assert served.ask("DELETE", "/api/queries").status == 405
