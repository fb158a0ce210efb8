"""Databases that have the relations already, which takes nothing to copy, and what is read into them."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from ingest.service import Ingester, Settings
from stormwatch.catalog import Catalog
from stormwatch.storage import Store


@cache
def _empty() -> Path:
    directory = Path(tempfile.mkdtemp(prefix="stormwatch-tests-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    path = directory / "empty.duckdb"
    with Store(path) as store, store.cursor() as cursor:
        Catalog.load().install(cursor)
        cursor.execute("CHECKPOINT")
    return path


def prepare(path: Path) -> Path:
    """Put a database with all relations and no rows at `path`, which is given back."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return shutil.copyfile(_empty(), path)


def read_into(store: Store, logs: Path) -> None:
    """Store all that is in a directory of logs."""
    ingester = Ingester(store, Settings(logs))
    try:
        ingester.drain()
    finally:
        ingester.close()
