"""For all tests."""

from __future__ import annotations

import gc


def pytest_collection_finish() -> None:
    """Look for garbage less often: what was imported stays, and a tenth of all time went there."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
