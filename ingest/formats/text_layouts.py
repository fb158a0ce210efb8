"""How lines of text logs begin, as the loggers of servers and of languages lay them out.

A layout is a regular expression to Python and to RE2 alike, so that lines can be read in bulk; its groups
are the fields. A field that stands in different places has a group for each: `thread`, `thread_2`.

Sources: documentation of Log4j, Logback, Spring Boot, java.util.logging, the unified logging of the JVM,
Python's logging, Celery, Django, Gunicorn, Flask, loguru, Serilog, NLog, Ruby's Logger, Monolog, Go's log,
glog, hclog, SQL Server, nginx, Apache httpd, RabbitMQ, Redis, NATS, Kafka, ZooKeeper, Elasticsearch, etcd,
MongoDB before 4.4, Cassandra, CockroachDB, WildFly, Spark, Android and OpenStack; logs of supercomputers in
the USENIX repository.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final

from ingest.times import MONTHS, ZONES

_LEVELS: Final = (
    "TRACE", "DEBUG", "VERBOSE", "FINEST", "FINER", "FINE", "CONFIG", "INFO", "SUCCESS", "NOTICE",
    "WARNING", "WARNI", "WARN", "ERROR", "SEVERE", "CRITICAL", "CRITI", "CRIT", "FATAL", "PANIC", "ALERT",
    "EMERGENCY", "EMERG", "TRC", "VRB", "DBG", "INF", "WRN", "ERR", "FTL",
)  # fmt: skip
"""Among them those of Python's `%(levelname)-5.5s`."""


def _any_of(words: Iterable[str]) -> str:
    """One of these, parted by their first letters, which takes less time than to try them in turn."""
    by_letter: dict[str, list[str]] = {}
    for word in words:
        by_letter.setdefault(word[0], []).append(word[1:])
    return "(?:{})".format("|".join(f"{first}(?:{'|'.join(rest)})" for first, rest in by_letter.items()))


LEVEL: Final = _any_of(_LEVELS)
"""A level as a word that is no other: in capital letters."""
_MARKED: Final = _any_of(
    [*(form for word in _LEVELS for form in (word, word.lower(), word.title())), "Information"]
)
"""One that is marked as such by what stands around it."""

_MONTH: Final = f"(?:{'|'.join(MONTHS)})"
_CLOCK: Final = r"(?:[01]\d|2[0-3]):[0-5]\d:[0-6]\d"
_DAY: Final = r"[12]\d{3}(?:-(?:0[1-9]|1[0-2])-|/(?:0[1-9]|1[0-2])/)(?:0[1-9]|[12]\d|3[01])"
_ZONE: Final = rf"(?:Z| ?[+-]\d\d:?\d\d|[+-]\d\d| (?:{'|'.join(ZONES)}|CST|IST))?"
_SLASHED: Final = rf"[12]\d{{3}}/(?:0[1-9]|1[0-2])/(?:0[1-9]|[12]\d|3[01]) {_CLOCK}(?:\.\d{{1,9}})?"
_TIME: Final = (
    rf"(?:{_DAY}[T ]{_CLOCK}(?:[.,]\d{{1,9}})?{_ZONE}"
    rf"|[0-3]\d-{_MONTH}-[12]\d{{3}} {_CLOCK}(?:\.\d{{1,6}})?(?: UTC)?)"
)
_CTIME: Final = rf"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) {_MONTH} [ \d]\d {_CLOCK}(?:\.\d{{1,6}})? [12]\d{{3}}"
_REDIS: Final = rf"\d{{1,2}} {_MONTH} (?:[12]\d{{3}} )?{_CLOCK}(?:\.\d{{1,6}})?"

_SOLID: Final = "[!-<>-Z^-z|~]"
_TEXT: Final = rf"{_SOLID}(?:[ -<>-Z^-z|~]*{_SOLID})?"
"""In brackets: no brackets, no braces, no equals sign, nothing but ASCII, whose characters are bytes."""
_NAME: Final = r"[A-Za-z_$][\w.$/:@-]*"
_DOTTED: Final = r"[A-Za-z_$][\w$]*(?:(?:\.|::)[\w$-]+)+"
_MODULE: Final = r"[A-Za-z_][\w.-]*"
_FILE: Final = r"[\w./$-]+\.[A-Za-z]{1,6}:\d+"
_S: Final = r"[ \t]+"

_OF_LEVEL: Final = (
    rf"(?:[ \t]*\[[ \t]*(?P<level>{_MARKED}|[A-Z])[ \t]*\]:?[ \t]*"
    rf"|[ \t]*\|[ \t]*(?P<level>{_MARKED}|[A-Z])[ \t]*\|[ \t]*"
    rf"|{_S}(?:-{_S})?(?:(?P<level>{LEVEL})(?::{_S}|{_S}(?:[-|]{_S})?)|(?P<level>{_MARKED}):{_S}))"
)
_BARE_LEVEL: Final = rf"{_S}(?:-{_S})?(?P<level>{LEVEL})(?::{_S}|{_S}(?:[-|]{_S})?)"
_OF_TRACE: Final = (
    # Spring Cloud Sleuth: application, trace, span, and whether they are exported.
    rf"(?:\[(?P<service>[\w. /-]{{1,80}})?,(?P<trace_id>[0-9a-f]{{16,32}})?,(?P<span_id>[0-9a-f]{{16}})?"
    rf"(?:,(?P<exported>true|false)?)?\]{_S})?"
)
_BEHIND_LEVEL: Final = (
    # Spring Boot, with its application's name or without.
    rf"(?:(?P<pid>\d{{1,10}}) --- (?:\[(?P<service>{_TEXT})\] )?\[ *(?P<thread>{_TEXT}) *\] "
    rf"(?:\[(?:(?P<trace_id>[0-9a-f]{{16,32}})-(?P<span_id>[0-9a-f]{{16}})| +)\] )?"
    rf"(?P<logger>[\w.$/\[\]-]+) *: "
    rf"|(?P<process><\d+\.\d+\.\d+>)[ \t]"
    rf"|(?P<pid>\d{{1,10}})#(?P<tid>\d{{1,20}}): (?:\*(?P<connection>\d{{1,20}}) )?"
    rf"|\[ *(?P<thread>{_TEXT}) *\]{_S}(?P<logger>{_NAME})(?: *:{_S}|{_S}-{_S})"
    rf"|\[ *(?P<thread>{_TEXT}) *\]{_S}(?P<logger>{_DOTTED}){_S}"
    rf"|\[(?P<logger>{_DOTTED})\]{_S}\((?P<thread>{_TEXT})\){_S}"
    rf"|\[(?P<caller>{_FILE})\]:?{_S}(?:-{_S})?"
    rf"|(?P<caller>{_FILE}|{_NAME}:\d+)(?::{_S}|{_S}-{_S})"
    rf"|\[(?P<logger>{_DOTTED})\]:?{_S}(?:-{_S})?"
    rf"|\[(?P<thread>main|[\w.$/#:@-]{{0,80}}[Tt]hread[\w.$/#:@-]{{0,80}}|[\w.$/#:@-]{{1,80}}-\d+)\]:?{_S}(?:-{_S})?"
    rf"|(?P<logger>{_NAME})(?:\||{_S}-{_S})"
    rf"|(?P<logger>{_DOTTED}|root|__main__):{_S}"
    rf"|in (?P<logger>\w+):{_S})?"
)
_BEHIND_THREAD: Final = rf"(?:(?P<logger>{_NAME})(?: *:{_S}|{_S}-{_S})|(?P<logger>{_DOTTED}){_S})?"

_LAYOUTS: Final = (
    # Celery, Monolog, Rust's env_logger.
    (
        rf"\[(?P<time>{_TIME})(?:: (?P<level>{LEVEL})/(?P<process>{_NAME})\]{_S}"
        rf"|\] (?P<logger>[\w-]+)\.(?P<level>{LEVEL}): "
        rf"| (?P<level>{LEVEL}){_S}(?P<logger>{_NAME})\] )"
    ),
    # Elasticsearch, the JVM, Envoy.
    (
        rf"\[(?P<time>{_TIME})\](?:\[(?P<pid>\d{{1,10}})\])?\[(?P<level>{_MARKED}) *\]"
        rf"\[(?P<logger>{_TEXT}) *\](?: ?\[(?:(?P<caller>{_FILE})|(?P<node>{_TEXT}))\])?{_S}"
    ),
    (
        rf"[\[(]?(?P<time>{_TIME})[\])]?(?:"
        rf"{_OF_LEVEL}{_OF_TRACE}{_BEHIND_LEVEL}"
        # Before the level stand the thread and what belongs to it, the process, or the logger.
        rf"|{_S}\[(?P<pid>\d{{1,10}})\][ \t]*\[(?P<level>{_MARKED})\]{_S}"
        rf"|{_S}\[(?P<logger>{_DOTTED})\]{_BARE_LEVEL}"
        rf"|{_S}\[myid:(?P<myid>\d*)\]{_BARE_LEVEL}(?:\[(?P<thread>{_TEXT})\]{_S}-{_S})?"
        rf"|{_S}(?:-{_S})?[\[(] *(?P<thread>{_TEXT}) *[\])](?:{_S}\[(?P<context>{_TEXT})\])?"
        rf"(?:{_BARE_LEVEL}|[ \t]*\[(?P<level>{_MARKED}) *\][ \t]*){_OF_TRACE}{_BEHIND_THREAD}"
        rf"|{_S}-{_S}(?P<logger>{_NAME}){_S}-{_S}(?P<level>{LEVEL}){_S}-{_S}"
        rf"|{_S}(?P<logger>{_NAME}){_BARE_LEVEL}"
        # OpenStack.
        rf"|{_S}(?P<pid>\d{{1,10}}){_BARE_LEVEL}(?P<logger>{_DOTTED}){_S}"
        # etcd, MongoDB.
        rf"| (?P<level>[CDEINW]) \| (?:(?P<logger>{_NAME}): )?"
        rf"| (?P<level>[DEFIW])\d?{_S}(?P<subsystem>[A-Z_-]+){_S}\[(?P<thread>{_TEXT})\] "
        r")"
    ),
    (
        rf"[A-Z], \[(?P<time>{_TIME}) #(?P<pid>\d{{1,10}})\] +(?P<level>{LEVEL}|ANY) -- "
        rf"(?:: |(?P<logger>{_TEXT}): )"
    ),
    # A level or a process before the time.
    (
        rf"(?:(?P<level>{LEVEL}):?{_S}|\[(?P<level>{_MARKED}) *\][ \t]*)(?:\[(?P<thread>{_TEXT})\]{_S})?"
        rf"[\[(]?(?P<time>{_TIME})[\])]?{_S}"
        rf"(?:(?P<caller>{_FILE})(?::{_S}|{_S}-{_S})|(?P<logger>{_NAME}){_S}-{_S}"
        rf"|(?P<module>\w+) (?P<pid>\d{{1,10}}) (?P<tid>\d{{1,20}}) )?"
    ),
    rf"\[(?P<pid>\d{{1,10}})\] (?P<time>{_SLASHED}) \[(?P<level>{_MARKED})\] ",
    rf"(?:(?P<pid>\d{{1,10}}):(?P<role>[A-Z])|\[(?P<pid>\d{{1,10}})\]) (?P<time>{_REDIS}) (?P<level>[.*#-]) ",
    (
        rf"\[(?P<time>{_CTIME})\] \[(?:(?P<module>[\w-]*):)?(?P<level>{_MARKED}|trace[1-8])\] "
        rf"(?:\[pid (?P<pid>\d{{1,10}})(?::tid (?P<tid>\d{{1,20}}))?\] )?(?:\[client (?P<client>{_TEXT})\] )?"
    ),
    # Go, without a level. Nothing else that is known has such a day.
    rf"(?P<time>{_SLASHED}) (?:(?P<caller>{_FILE}): )?",
)
_ABOUT: Final = (
    rf"{_OF_LEVEL}{_BEHIND_LEVEL}|{_S}[\[(] *(?P<thread>{_TEXT}) *[\])]"
    rf"(?:{_BARE_LEVEL}|[ \t]*\[(?P<level>{_MARKED}) *\][ \t]*){_BEHIND_THREAD}"
)
_DATED: Final = (
    rf"(?:[0-3]?\d[/.][0-3]?\d[/.][12]\d{{3}},? \d{{1,2}}:[0-5]\d:[0-5]\d(?:[.,]\d{{1,6}})?"
    r"(?: [AaPp][Mm])?"
    rf"|[12]\d{{3}}\.[01]\d\.[0-3]\d[ T]{_CLOCK}(?:[.,]\d{{1,6}})?"
    rf"|[12]\d{{3}}[01]\d[0-3]\d[ T-]{_CLOCK}(?:[.,:]\d{{1,9}})?"
    rf"|[0-3]\d/{_MONTH}/[12]\d{{3}} {_CLOCK})"
)
"""Full times of few logs. Which number is the day is not told by where it stands."""
_UNIX: Final = r"1\d{9}(?:\d{3})?"
"""Seconds or milliseconds, of 2001 to 2033."""
_UNDATED: Final = rf"{_CLOCK}(?:[.,]\d{{1,9}})?"
"""As Logback and Log4j write it where nobody says otherwise: kept, but no time."""
_UNFIT: Final = (
    # Python, with nothing but colons between; SQL Server.
    (
        rf"(?P<time>{_TIME})(?::[ \t]*(?:(?P<logger>{_MODULE}):[ \t]*)?(?P<level>{LEVEL})[ \t]*:"
        rf"(?:(?P<logger>{_MODULE}):(?=\S)|[ \t]*)"
        r"|(?<=:\d\d\.\d\d) (?P<thread>spid\d+s?|Server|Logon|Backup) +)"
    ),
    # The rest of a line that has no level, or no time.
    rf"(?:\[(?P<pid>\d{{1,10}})\] )?\[?(?P<time>{_TIME})\]?:?(?:[ \t]+(?=\S)|(?=[|\[]))",
    # Oracle's alert log, whose text stands on the lines behind.
    rf"(?P<time>{_TIME})(?=\r?\n[A-Z]\w)",
    rf"\[?(?P<time>{_DATED})\]?:?(?:{_ABOUT}|[ \t]+(?=\S)|(?=[|\[]))",
    rf"\[(?P<time>{_CTIME})\] ",
    rf"[\[(]?(?P<time>{_UNDATED})[\])]?(?:{_ABOUT})",
    # Rust's tracing, with a line for each place and span behind it.
    rf"  (?P<time>{_TIME}){_BARE_LEVEL}(?P<logger>{_NAME}): ",
    # Hadoop and Spark, whose days begin with their year.
    rf"(?P<time>\d\d/[01]\d/[0-3]\d {_CLOCK}) (?P<level>{LEVEL}) +(?P<logger>{_NAME}): ",
    (
        rf"(?P<time>\d\d[01]\d[0-3]\d [0-2]\d[0-5]\d[0-5]\d) (?P<tid>\d{{1,20}}) (?P<level>{LEVEL}) "
        rf"(?P<logger>{_NAME}): "
    ),
    # Android.
    (
        rf"(?P<time>[01]\d-[0-3]\d {_CLOCK}\.\d{{3,6}}) +(?P<pid>\d{{1,10}}) +(?P<tid>\d{{1,10}}) "
        r"(?P<level>[DEFIVW]) (?P<logger>[^\s:]+) *: "
    ),
    # Windows' servicing; supercomputers, of which the first word tells the alerts.
    rf"(?P<time>{_TIME}), (?P<level>{_MARKED}) +(?P<logger>{_NAME}) +",
    r"(?P<alert>-|[A-Z]\w*) (?P<time>\d{10}) [12]\d{3}\.[01]\d\.[0-3]\d (?P<node>[\w.:/#-]+) ",
    (
        rf"(?P<level>[DEFIW])(?P<time>(?:[12]\d{{3}})?(?:0[1-9]|1[0-2])[0-3]\d {_CLOCK}\.\d{{1,6}}) +"
        rf"(?P<tid>\d{{1,20}}) (?P<caller>{_FILE})\] "
    ),
    # CockroachDB: file, perhaps its channel, the mark of redactable lines, tags, a counter.
    (
        rf"(?P<level>[DEFIW])(?P<time>\d\d(?:0[1-9]|1[0-2])[0-3]\d {_CLOCK}\.\d{{1,6}}) (?P<tid>\d{{1,20}}) "
        rf"(?:\d+@)?(?P<caller>{_FILE}){_S}(?:\xe2\x8b\xae )?"
        r"\[(?:(?=(?:[^\]\n]*,)?(?P<node>n\d+)[,\]])|)(?P<tags>(?:[^\[\]\n]|\[[^\[\]\n]*\])*)\]"
        rf"(?:{_S}(?P<counter>\d{{1,20}}) [ +|]|{_S})"
    ),
    (
        rf"(?P<time>{_MONTH} \d{{1,2}}, [12]\d{{3}},? \d{{1,2}}:[0-5]\d:[0-5]\d(?: |\xe2\x80\xaf)[AP]M) "
        rf"(?P<caller>[^\r\n]+)"
    ),
    rf"(?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL):(?P<logger>{_MODULE}):",
    # Mosquitto, Nagios, Squid, candump, and strace with the process before the time.
    (
        rf"(?:(?P<pid>\d{{1,10}}) +|\[pid +(?P<pid>\d{{1,10}})\] )?"
        rf"(?:(?P<time>{_UNIX}\.\d{{1,9}}):?|(?P<time>{_UNIX}):|\[(?P<time>{_UNIX}(?:\.\d{{1,9}})?)\]:?"
        rf"|\((?P<time>{_UNIX}\.\d{{1,9}})\))(?:{_ABOUT}|[ \t]+(?=\S))"
    ),
)
"""What cannot be read in bulk: another notation may begin so, or the time is put into other words first."""


def _one_of(layouts: Iterable[str]) -> str:
    """One expression for all of them: what a group is called stands for one place."""
    counted: Counter[str] = Counter()

    def numbered(found: re.Match[str]) -> str:
        counted[found[1]] += 1
        number = counted[found[1]]
        return f"(?P<{found[1]}>" if number == 1 else f"(?P<{found[1]}_{number}>"

    return re.sub(r"\(\?P<(\w+)>", numbered, "|".join(layouts))


HEADER: Final = f"(?:{_one_of(_LAYOUTS)})"
"""What a line begins with that may be read in bulk."""
ANY_HEADER: Final = re.compile(_one_of((*_LAYOUTS, *_UNFIT)).encode())
"""What any of these lines begins with, to be matched; what follows is the text."""
