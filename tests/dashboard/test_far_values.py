"""Pages go on where an answer, or an address, holds what Python, the database or an axis has no value for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from stormwatch.storage import Store

from .conftest import Statements, figures, open_page, table
from .test_pages import PAIRS


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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "address"),
    [
        ("overview", {"window": "0001-01-01/9999-12-31T23:59:59.999"}),
        ("overview", {"window": "0001-01-01T00:00+05:00/2026-11-20"}),
        ("ordering", {"cell": "billing|orders|9999-12-31|50000000"}),
        ("ordering", {"cell": "billing|orders|2026-11-20T10:00:00|nan"}),
        ("events", {"at": "99999999999999999999:0:0"}),
        ("events", {"at": "1:99999999999999999999:0"}),
    ],
)
def test_an_address_that_names_nothing_there_can_be_is_as_good_as_none(
    page: str, address: dict[str, str], store: Store, serve: Callable[..., Statements]
) -> None:
    serve(store)
    app = open_page(page, **address)
    assert not app.exception
    assert not app.error


def test_a_cell_may_be_named_by_an_instant_with_an_offset(
    store: Store, serve: Callable[..., Statements]
) -> None:
    serve(store)
    there = table(open_page("ordering", cell="billing|orders|2026-11-20T12:00:00+02:00|120"), PAIRS)
    assert there.equals(table(open_page("ordering", cell="billing|orders|2026-11-20T10:00:00|120"), PAIRS))
    assert len(there)
