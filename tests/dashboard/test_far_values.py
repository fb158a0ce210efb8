"""The page of SQL shows answers that hold what Python, or an axis, has no value for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from stormwatch.storage import Store

from .conftest import Statements, figures, open_page


@pytest.mark.parametrize(
    "expression",
    ["'infinity'::TIMESTAMP", "DATE '10000-01-01'", "INTERVAL 1 MONTH", "5::UHUGEINT", "['-infinity'::DATE]"],
)
def test_what_python_has_no_value_for_is_answered(
    expression: str, store: Store, serve: Callable[..., Statements]
) -> None:
    serve(store)
    app = open_page("sql", sql=f"SELECT {expression} AS x, n FROM range(2) AS numbers (n) ORDER BY n")
    assert not app.exception
    assert figures(app)["quick"]["data"][0]["y"] == [0, 1]
