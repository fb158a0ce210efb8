"""The catalogue, a database in memory that is empty again after each test, and one to tell alerts of."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from stormwatch.catalog import Catalog
from stormwatch.storage import Store, open_empty
from tests.cli.receiver import Receiver
from tests.prepared import prepare

from .outbox import FIRING, put
from .watched import Site


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """The relations as they are shipped."""
    return Catalog.load()


@pytest.fixture(scope="session")
def installed(catalog: Catalog) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database with them that is not to be changed."""
    with open_empty() as connection:
        catalog.install(connection)
        yield connection


@pytest.fixture
def database(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database of its own: rules are asked on cursors, which see what is committed."""
    with Store(prepare(tmp_path / "rules.duckdb")) as store, store.cursor() as cursor:
        yield cursor


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """One that listens."""
    one = Receiver()
    one.up()
    yield one
    one.down()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A database with one episode that fires."""
    with Store(tmp_path / "alerts.duckdb") as opened:
        put(opened, FIRING)
        yield opened


@pytest.fixture
def site(tmp_path: Path, catalog: Catalog) -> Iterator[Site]:
    folder = tmp_path / "rules"
    folder.mkdir()
    with Store(prepare(tmp_path / "site.duckdb")) as store:
        yield Site(store, catalog, folder)
