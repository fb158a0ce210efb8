"""Stormwatch: what caused this event, what order really happened, who waits for whom."""

__version__ = "0.1.0"
