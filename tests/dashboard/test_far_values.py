"""The page of SQL shows answers that hold what Python, or an axis, has no value for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from stormwatch.storage import Store

from .conftest import Statements, figures, open_page


@pytest.mark.parametrize(
    ("expression", "place"),
    [
        ("'infinity'::TIMESTAMP", None),
        ("DATE '10000-01-01'", None),
        ("INTERVAL 1 MONTH", "P1M0DT0.000000000S"),
        ("5::UHUGEINT", "5"),
        ("['-infinity'::DATE]", "['-infinity']"),
    ],
)
def test_what_python_has_no_value_for_is_answered(
    expression: str, place: str | None, store: Store, serve: Callable[..., Statements]
) -> None:
    serve(store)
    app = open_page("sql", sql=f"SELECT {expression} AS x, n FROM range(2) AS numbers (n) ORDER BY n")
    assert not app.exception
    [drawn] = figures(app)["quick"]["data"]
    assert (drawn["x"], drawn["y"]) == ([place, place], [0, 1])
