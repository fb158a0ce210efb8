"""Text logs of servers and applications: a time, a level, what a logger writes about itself, and a text.

What is of no other notation and begins with a full time, perhaps behind a level, a process or a thread, is
an event with a text; text_layouts.py lists what is known to stand around the time. Lines that follow and
cannot begin a record go on with it: stack traces, and texts of several lines up to an empty one. So do pairs,
or JSON behind words, that say neither an id nor a time: settings, bodies of requests. Two pairs
`key=value` or more at the end of the first line are fields, by their names, and so are those of an object
that Java or Kotlin printed there (printed_objects.py). Nothing else in a text is taken
for one. A time without a year, as glog writes it, is no time unless `--year` is given.
Source: the documentation of the loggers listed there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from ingest.formats import java_threads, separated_pairs, text_before_json
from ingest.formats.base import JsonFormat, Transcoder, none_of, places
from ingest.formats.logfmt import trailing_pairs
from ingest.formats.prefixed_json import OF_RUBY
from ingest.formats.printed_objects import printed_fields
from ingest.formats.text_layouts import ANY_HEADER, HEADER
from ingest.times import MONTHS
from ingest.vocabulary import EVENT_NAMES, GENERIC, is_lock_word, normalise

_OF_A_LOCK: Final = {"lock_resource", "lock_owner"}
_NO_BRACE: Final = none_of(b"\n{")
# No JSON object is lost that stands at the end of the line.
_HOLDS_JSON: Final = (
    rb"(?=%b*+(?:(?:(?=%b)|(?!\{[ \t]*+\"))\{%b*+)*+\{)[^\n]*+(?:\n|\Z)(?:(?<=\}\n)|(?<=\}\r\n)|(?<=\}))"
    % (_NO_BRACE, OF_RUBY, _NO_BRACE)
)
# What an object stands behind is no header in another way either.
_STARTS: Final = rb"(?>(?:%b)(?<!\n))(?!%b)" % (re.sub(rb"\?P<\w+>", b"?:", ANY_HEADER.pattern), _HOLDS_JSON)
_PLACES: Final = places(ANY_HEADER.pattern.decode())
_FIELDS: Final = {group: field for field, groups in _PLACES.items() for group in groups}
_ORDER: Final = tuple(_PLACES)
_LOGGER: Final = re.compile(rb"(?<![ \t])[ \t]+\(([A-Za-z_]\w*(?:\.[\w$]+)+)\)[ \t]*\Z")
"""Behind the text, as Kafka has it."""
# Where all of these begin with a letter of their own, Python finds them twice as fast. "term:" is of Raft.
_UNLESS: Final = r"\{|=|\x1b|:  |m:|M:|_safe |-safe |\([A-Za-z_]\w*(?:\.[\w$]+)+\)[ \t]*\n?$"
"""What another notation may have in it, pairs, colours, or a logger behind the text."""
_INDENTED: Final = re.compile(
    rb"[ \t]+[^\s{]|[ \t]*[}\]][ \t,;}\])]*\r?\n?\Z"
    # What Monolog writes of an exception, in a text that goes on over lines; SQLAlchemy of a statement.
    rb"|\[(?:stacktrace|previous exception)\]|\"\}[ \t\r\n]*\Z|\[(?:SQL|parameters): "
    # Ruby's traces; what a database told of an error.
    rb"|/[^\s:]++:\d+:in [`']"
    # Threads as Java prints them.
    rb"|%b"
    rb"|(?:DETAIL|HINT|QUERY|CONTEXT|LOCATION|STATEMENT):  " % java_threads.INFO
)
_FLUSH: Final = re.compile(rb"[A-Za-z(|>#+\x80-\xff-]")
"""How lines of a text of several begin: not like data, nor a ruler."""
_DATA: Final = re.compile(rb"%b|%b" % (separated_pairs.STARTS, text_before_json.STARTS))
_KEY: Final = re.compile(rb"(?<![\w@.-])([\w@.-]++)[\"']?[ \t]*+[=:]")
_BEHIND_EMPTY: Final = re.compile(
    rb"(?:[ \t]*\r?\n){1,2}(?=Traceback \(most recent call last\)|During handling of the above"
    rb"|The above exception was|goroutine \d+ \[|Caused by: |\[previous exception\]|\[SQL: |%b"
    # Before the trace, as Spring Boot has it.
    rb"|(?:[a-z_][\w$]*+\.)++[A-Z][\w$]*+(?:(?<=Exception)|(?<=Error)|(?<=Throwable))[:\r\n])"
    % java_threads.INFO
)
"""Parts of a stack trace that stand behind an empty line, or two."""
_SECOND_EMPTY: Final = re.compile(rb"(?:[ \t]*\r?\n)?")
_LONGEST: Final = 256 << 10
"""Bytes of a record, when nothing ends it."""
_YEARLESS: Final = re.compile(r"(0[1-9]|1[0-2])-?(\d\d) (\d\d:.*)")
"""Of glog and Android."""
_YEAR_FIRST: Final = re.compile(r"(\d\d)/?(\d\d)/?(\d\d) (\d\d):?(\d\d):?(\d\d(?:\.\d+)?)")
"""Of Hadoop, Spark and CockroachDB."""
_OF_JAVA: Final = re.compile(r"([A-Z]+): ?(.*)", re.DOTALL)


def _end(data: bytes, start: int, *, another: re.Pattern[bytes], is_all: bool) -> int | None:
    """Behind the last line that goes on with the text; `another` is what any record begins with."""
    at = data.find(b"\n", start) + 1
    if not at:
        return None
    while at - start < _LONGEST:
        behind = data.find(b"\n", at) + 1
        if not behind and not (is_all and at < len(data)):
            return at if is_all else None
        line = data[at : behind or len(data)]
        if empty := _BEHIND_EMPTY.match(data, at):
            at = empty.end()
            continue
        if not line.strip():
            # What follows tells whether it stands within a trace.
            second = _SECOND_EMPTY.match(data, behind)
            return at if is_all or data.find(b"\n", second.end() if second else behind) >= 0 else None
        if _INDENTED.match(line) is None:
            if _FLUSH.match(line) is None or (another.match(data, at) and not _is_bare(line)):
                return at
            # The next line may tell that this one begins a record.
            if not is_all and data.find(b"\n", behind) < 0:
                return None
        if not _is_text(line):
            return at
        at = behind or len(data)
    return at


def _is_bare(line: bytes) -> bool:
    """Whether it is data, and tells neither which event it is nor when that was."""
    if _DATA.match(line) is None:
        return False
    return EVENT_NAMES.isdisjoint(normalise(key.decode(errors="replace")) for key in _KEY.findall(line))


def _is_text(line: bytes) -> bool:
    """Whether it can be read: what cannot would spoil the record that it goes on with."""
    try:
        return b"\0" not in line and bool(line.decode())
    except UnicodeDecodeError:
        return False


def _is_of_a_lock(words: str, names: Iterable[str]) -> bool:
    """Whether what was done stands before what it was done with: "lock acquired resource=a owner=b".

    Much else is blocked and released, but not by an owner.
    """
    return is_lock_word(words) and GENERIC.roles((name,) for name in names).keys() >= _OF_A_LOCK


def _transcode(record: bytes) -> Iterator[dict[str, Any]]:
    found = ANY_HEADER.match(record)
    if found is None:
        raise ValueError("a line without a time")
    if b"\0" in record:
        raise ValueError("holds NUL bytes")
    first, _, more = record[found.end() :].partition(b"\n")
    first = first.removesuffix(b"\r")
    told = {_FIELDS[group]: value.decode() for group, value in found.groupdict().items() if value}
    fields: dict[str, Any] = {field: told[field] for field in _ORDER if field in told}
    if "logger" not in fields and (behind := _LOGGER.search(first)):
        fields["logger"], first = behind[1].decode(), first[: behind.start()]
    text = first.decode()
    if more := more.rstrip(b"\r\n"):
        text = "\n".join([text, more.decode().replace("\r\n", "\n")]).lstrip("\n")
    # The text has those as well that are called like one of the fields.
    words, pairs = trailing_pairs(first)
    words = words.removesuffix(":").rstrip()
    spelled = _spelled(fields, text)
    done = {"operation": words} if pairs and _is_of_a_lock(words, pairs.keys() | spelled.keys()) else {}
    yield {**done, **(pairs or printed_fields(first.decode())), **spelled}
    for edges in java_threads.circles(text) if more else ():
        yield java_threads.deadlock(edges, spelled.get("time"))


def _spelled(fields: dict[str, Any], text: str) -> dict[str, Any]:
    """With the time as it is read, and what java.util.logging has on its second line."""
    time = fields.get("time", "")
    if yearless := _YEARLESS.fullmatch(time):
        fields["time"] = f"{MONTHS[int(yearless[1]) - 1]} {yearless[2]} {yearless[3]}"
    elif shortened := _YEAR_FIRST.fullmatch(time):
        fields["time"] = "20{}-{}-{} {}:{}:{}".format(*shortened.groups())
    elif time.endswith(("AM", "PM")):
        fields["time"] = time.replace("\u202f", " ")
        if level := _OF_JAVA.match(text):
            fields["level"], text = level[1], level[2]
    return {**fields, "message": text}


_SPELLED_OUT: Final = {
    "T": "TRACE", "TRC": "TRACE", "V": "VERBOSE", "VRB": "VERBOSE", "-": "VERBOSE", "D": "DEBUG",
    "DBG": "DEBUG", ".": "DEBUG", "I": "INFO", "INF": "INFO", "N": "NOTICE", "*": "NOTICE", "W": "WARNING",
    "WRN": "WARNING", "WARNI": "WARNING", "#": "WARNING", "E": "ERROR", "C": "CRITICAL", "CRITI": "CRITICAL",
    "F": "FATAL", "FTL": "FATAL",
}  # fmt: skip
"""Levels that are letters, marks of Redis, or shortened."""
_CASES: Final = " ".join(f"WHEN '{short}' THEN '{word}'" for short, word in _SPELLED_OUT.items())


def spelled_out(severity: str) -> str:
    """SQL: a level in words, where it is a letter or shortened."""
    return f"CASE {severity} {_CASES} ELSE {severity} END"


FORMAT: Final = Transcoder(
    name="timestamped_text",
    format=JsonFormat(
        name="timestamped_text",
        priority=0,
        match=lambda _: None,
        by_value=True,
        fields={"occurred_at": (("time",),), "severity": (("level",),), "message": (("message",),)},
        named={"severity"},
        has_texts=True,
        derived={"severity": spelled_out("{severity}")},
    ),
    starts=_STARTS,
    end=_end,
    header=HEADER,
    unless=_UNLESS,
    told_by=1,
    is_last=True,
    transcode=_transcode,
)
