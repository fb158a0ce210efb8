"""Instants that people write: ISO 8601, UTC where no offset is given."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from stormwatch.errors import ConfigError

_EARLIEST: Final = datetime(1900, 1, 1)  # noqa: DTZ001 - naive UTC throughout
_LATEST: Final = datetime(2200, 1, 1)  # noqa: DTZ001 - naive UTC as stored


def instant_of(text: object) -> datetime | None:
    """The instant that a text means, UTC without zone; None of None.

    Raises:
        ConfigError: it means none, or one that no log is of.
    """
    if text is None:
        return None
    try:
        read = datetime.fromisoformat(str(text).strip())
        read = read.astimezone(UTC).replace(tzinfo=None) if read.tzinfo else read
    except (ValueError, OverflowError):
        raise ConfigError(f"{text}: expected an instant such as 2026-11-20T10:00") from None
    if not _EARLIEST <= read <= _LATEST:
        raise ConfigError(f"{text}: expected an instant of the years 1900 to 2200")
    return read
