"""Log4j 2's JsonLayout: the time in `instant`, what the application adds in `contextMap`.

Source: Apache Log4j documentation, "JSON Layout".
"""

from ingest.formats.base import JsonFormat

FORMAT = JsonFormat(
    name="log4j2_json",
    priority=812,
    match=lambda shape: () if shape.has("instant", "level", "loggerName") else None,
    by_value=True,
    inputs={
        "seconds": ("instant", "epochSecond"),
        "nanoseconds": ("instant", "nanoOfSecond"),
        "logger": ("loggerName",),
    },
    derived={
        "occurred_at": (
            "coalesce({seconds} || rtrim(rtrim('.' || lpad({nanoseconds}, 9, '0'), '0'), '.'), {seconds},"
            " {occurred_at})"
        ),
        "service": "coalesce({service}, {logger})",
    },
)
