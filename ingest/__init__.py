"""Bytes in log files to rows in the database, exactly once."""
