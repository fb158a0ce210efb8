"""Access logs of web servers and proxies: the Common Log Format and the combined one, with more behind it.

`host ident user [time] "request" status bytes`, then perhaps `"referer" "user agent"`, and before it perhaps
the virtual host. The method is the type of the event: paths may be any number. The class of the status is
the severity. Source: Apache HTTP Server, mod_log_config; nginx, ngx_http_log_module.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from ingest.formats.base import Transcoder, made

_QUOTED: Final = r'(?:[^"\\\x00-\x1f]|\\[ -~])*'
_TIME: Final = r"[0-3]\d/[A-Z][a-z][a-z]/[12]\d{3}:\d\d:\d\d:\d\d [+-]\d{4}"
_NUMBERS: Final = ("status", "bytes")
_LINE: Final = re.compile(
    (
        r"(?:(?P<vhost>[\w.-]+(?::\d{1,5})?) )?(?P<client>[!-Z^-~]+) (?:-|(?P<ident>[!-Z^-~]+))"
        rf" (?:-|(?P<user>[!-Z^-~]+)) \[(?P<time>{_TIME})\] "
        r'"(?:(?P<method>[A-Z]{3,16}) (?P<path>(?:[^" \\\x00-\x1f]|\\[ -~])+)'
        r"(?: (?P<protocol>HTTP/\d(?:\.\d)?))?"
        rf'|(?P<request>{_QUOTED}))" (?P<status>[1-9]\d\d) (?:-|(?P<bytes>\d{{1,18}}))'
        rf'(?: "(?:-|(?P<referer>{_QUOTED}))" "(?:-|(?P<user_agent>{_QUOTED}))")?'
        r"(?: (?P<more>[^\x00-\x08\x0a-\x1f]+))?[ \r]*(?:\n|\Z)"
    ).encode()
)
# Others are what somebody tries.
_METHODS: Final = "'GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'CONNECT', 'TRACE'"
_METHOD: Final = f"CASE WHEN {{method}} IN ({_METHODS}) THEN lower({{method}}) END"


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    found = _LINE.match(record)
    if found is None:
        raise ValueError("no line of an access log; a torn line?")
    fields: dict[str, Any] = {name: value.decode() for name, value in found.groupdict().items() if value}
    numbers: dict[str, Any] = {name: int(fields[name]) for name in _NUMBERS if name in fields}
    yield {**fields, **numbers}


FORMAT = Transcoder(
    name="access_log",
    format=made(
        name="access_log",
        fields={"occurred_at": "time", "service": "vhost"},
        inputs={name: (name,) for name in ("method", "path", "protocol", "request", "status")},
        computed={
            "event_type": f"concat_ws('.', 'http', {_METHOD})",
            "severity": (
                "CASE left({status}, 1) WHEN '5' THEN 'ERROR' WHEN '4' THEN 'WARNING' ELSE 'INFO' END"
            ),
            "message": "concat_ws(' ', {request}, {method}, {path}, {protocol}, {status})",
        },
    ),
    # Most lines of other logs are no three or four words before a bracket.
    starts=rb"(?=(?:[!-Z^-~]++ ){3,4}\[)%b" % re.sub(rb"\?P<\w+>", b"?:", _LINE.pattern),
    transcode=_transcode,
)
