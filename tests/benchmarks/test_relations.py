"""What measures relations knows how each of them is asked."""

from __future__ import annotations

from datetime import timedelta

import pytest

from stormwatch.catalog import Catalog, Query
from tests.benchmarks.relations import START, arguments_of

CATALOG = Catalog.load()


PUBLIC = {name: query for name, query in CATALOG.items() if not query.is_internal}


@pytest.mark.parametrize("query", PUBLIC.values(), ids=PUBLIC)
def test_every_relation_is_given_what_it_needs(query: Query) -> None:
    given = arguments_of(query, START, timedelta(seconds=20))
    CATALOG.call(query.name, given)
    assert {one.name for one in query.parameters if one.default is None} <= set(given)
