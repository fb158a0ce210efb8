"""Counts that are kept of every minute of the log."""
