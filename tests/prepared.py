"""Databases that have the relations already: to make them takes half a second, to copy them nothing."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

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
