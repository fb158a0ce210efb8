"""systemd's journal as JSON: `journalctl -o json` and what ships its entries.

What the program wrote is in MESSAGE, as the list of its bytes where it is no printable UTF-8. The
time is that of the sender where the journal knows it. Names with `_` are the journal's own, those
with `__` of its addressing. Source: systemd, "Journal Export Formats"; systemd.journal-fields.
"""

from ingest.envelopes import text_of_bytes
from ingest.formats.base import Envelope, made

_LEVELS = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
_WHENS = " ".join(f"WHEN '{number}' THEN '{name}'" for number, name in enumerate(_LEVELS))


def severity_of(level: str) -> str:
    """SQL: the word for a level of syslog."""
    return f"CASE {{{level}}} {_WHENS} END"


_SEVERITY = severity_of("priority")
_TIME = "coalesce({sent}, {received})"
_SERVICE = "coalesce({identifier}, {unit}, {command})"

FORMAT = Envelope(
    name="journald",
    match=lambda shape: shape.has("__REALTIME_TIMESTAMP", "MESSAGE"),
    held=("MESSAGE",),
    format=made(
        name="journald",
        fields={
            "message": "MESSAGE",
            "node": "_HOSTNAME",
            "service": ("SYSLOG_IDENTIFIER", "_SYSTEMD_UNIT", "_COMM"),
            "occurred_at": ("_SOURCE_REALTIME_TIMESTAMP", "__REALTIME_TIMESTAMP"),
        },
        inputs={"priority": ("PRIORITY",)},
        computed={
            "severity": _SEVERITY,
            "message": (
                "CASE WHEN starts_with({message}, '[') AND json_type(line, '/MESSAGE') = 'ARRAY'"
                f" THEN {text_of_bytes('{message}')} ELSE {{message}} END"
            ),
        },
    ),
    about={"occurred_at": _TIME, "node": "{host}", "service": _SERVICE, "severity": _SEVERITY},
    inputs={
        "sent": ("_SOURCE_REALTIME_TIMESTAMP",),
        "received": ("__REALTIME_TIMESTAMP",),
        "host": ("_HOSTNAME",),
        "identifier": ("SYSLOG_IDENTIFIER",),
        "unit": ("_SYSTEMD_UNIT",),
        "command": ("_COMM",),
        "priority": ("PRIORITY",),
    },
    sender=("_HOSTNAME", "_BOOT_ID", "_SYSTEMD_UNIT", "SYSLOG_IDENTIFIER", "_PID"),
    beside=rb'(?=[^\n]*"__REALTIME_TIMESTAMP"[ \t]*+:)',
)
