"""PostgreSQL `jsonlog` (15 and later).

A deadlock is a record with SQLSTATE 40P01 at ERROR or above; see postgresql.py. The id of a
record is its session and its line number, the same in jsonlog and csvlog. Source: PostgreSQL
documentation, "Error Reporting and Logging".
"""

from ingest.formats.postgresql import server_log

FORMAT = server_log(
    "postgresql_jsonlog",
    lambda shape: () if shape.has("timestamp", "error_severity", "backend_type") else None,
)
