"""The headers that syslog puts before a line: RFC 3164, RFC 5424, and rsyslog's with a time of ISO 8601."""

from typing import Final

TIME: Final = (
    rb"(?:[A-Z][a-z][a-z] [ \d]\d (?:\d{4} )?\d\d:\d\d:\d\d(?:\.\d+)?"
    rb"|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?)"
)
DATA: Final = rb'(?:-|(?:\[(?:[^\]"\n]|"(?:[^"\\\n]|\\.)*+")*+\])+)'
