"""A database in memory with the catalogue, empty again after each test."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from stormwatch.catalog import Catalog
from stormwatch.storage import open_empty


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """The relations as they are shipped."""
    return Catalog.load()


@pytest.fixture(scope="session")
def _installed(catalog: Catalog) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_empty() as connection:
        catalog.install(connection)
        yield connection


@pytest.fixture
def database(_installed: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """What a test inserts is gone after it."""
    _installed.execute("BEGIN")
    yield _installed
    _installed.execute("ROLLBACK")
