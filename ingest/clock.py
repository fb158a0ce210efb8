"""Time as the ingester sees it; one place, so that tests need not wait for it."""

from __future__ import annotations

import threading
import time


class Clock:
    """The clocks of this machine."""

    def monotonic(self) -> float:
        """Seconds that never go back; all waiting is counted in them."""
        return time.monotonic()

    def wall(self) -> float:
        """Seconds since the epoch, as file times are; may jump either way."""
        return time.time()

    def wait(self, event: threading.Event, timeout_s: float) -> bool:
        """Sleep until `event` is set, at most `timeout_s`; whether it is set."""
        return event.wait(timeout_s)


SYSTEM_CLOCK = Clock()
