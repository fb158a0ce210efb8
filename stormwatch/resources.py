"""Where shipped data is: the same look-up in a checkout, an editable install and a wheel."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).resolve().parent


def _data_directory(name: str) -> Path:
    # A wheel carries queries/ and sample_logs/ inside the package, a checkout beside it.
    inside = _HERE / name
    return inside if inside.is_dir() else _HERE.parent / name


QUERIES = _data_directory("queries")
SAMPLE_LOGS = _data_directory("sample_logs")
SCHEMA = _HERE / "schema"
