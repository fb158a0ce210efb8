"""SQL that reads a time from text or a number into a UTC TIMESTAMP, or NULL, never a guess."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from ingest.expressions import bound, looked_up

ZONES: Final[dict[str, str]] = {
    "UTC": "+00", "GMT": "+00", "Z": "+00", "WET": "+00", "WEST": "+01", "BST": "+01",
    "CET": "+01", "MET": "+01", "CEST": "+02", "MEST": "+02", "EET": "+02", "EEST": "+03",
    "MSK": "+03", "EST": "-05", "EDT": "-04", "CDT": "-05", "MST": "-07",
    "MDT": "-06", "PST": "-08", "PDT": "-07", "AKST": "-09", "AKDT": "-08", "HST": "-10",
    "JST": "+09", "KST": "+09", "SGT": "+08", "HKT": "+08", "AEST": "+10", "AEDT": "+11",
    "NZST": "+12", "NZDT": "+13",
}  # fmt: skip
"""Zone abbreviations that mean one offset. CST, IST and others mean several: the user says which."""

MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_OF_DAY: Final = r"\d\d:\d\d:\d\d(?:\.\d+)?"
YEARLESS: Final = (
    rf"(?:[A-Z][a-z][a-z] )?(?:{'|'.join(MONTHS)}) +\d{{1,2}} {_OF_DAY}"
    rf"|\d{{1,2}} (?:{'|'.join(MONTHS)}) {_OF_DAY}"
)
"""Regular expression for a day without a year, as RFC 3164 and old logs of Redis write it."""


@dataclass(frozen=True)
class Beginning:
    """When logs begin whose days have no year: they are of the twelve months from then on."""

    year: int
    month: int = 1


# "0001-01-01" and "9999-12-31" are what unset fields hold, and no time of an event.
_YEAR = r"[12]\d{3}"
_NUMBER = r"\+?\d+(\.\d*)?([eE][+-]?\d+)?"
_CALENDAR = r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])"
_CLOCK = r"([01]\d|2[0-3])[0-5]\d[0-5]\d"
_HOURS = r"[+-](?:0\d|1[0-4])"
_OFFSET = rf"{_HOURS}:?([0-5]\d)?"
_LOCAL = rf"{_YEAR}[-/]\d{{1,2}}[-/]\d{{1,2}}[T ]\d{{1,2}}:\d\d(:\d\d(\.\d*)?)?"
_ZONE = r"[A-Z]\w+(/[\w+-]+)+"
_PLAIN = rf"{_YEAR}-\d\d-\d\d[T ]\d\d:\d\d:\d\d([.,]\d+)?({_HOURS}(:?[0-5]\d)?| UTC)?"
_DATE_1 = r"[A-Z][a-z][a-z] ([A-Z][a-z][a-z] \d\d? \d\d:\d\d:\d\d) ([A-Z]{1,5}) (\d{4})"
"""What date(1) and Java write."""
_MAIL = r"[A-Z][a-z][a-z], (\d\d? [A-Z][a-z][a-z] \d{4} \d\d:\d\d:\d\d)"
"""What HTTP and mail write, without the zone."""
_COUNTED = r"\d{4}(?:-W\d\d-\d|W\d{3}|-?\d{3})"
"""A day by its week, or by its number in the year."""
_2101 = 4_133_980_800
"""In seconds: a number that says a later year is something else."""
_TICKS_TO_1970 = 621_355_968_000_000_000
"""Units of 100 ns from the year 1 on, as .NET counts."""
_TICKS_TO_1990 = 627_667_488_000_000_000


_DATES: Final = ("/$date/$numberLong", "/$date")
_SECONDS: Final = ("/seconds", "/_seconds", "/epochSecond", "/$timestamp/t")
_NANOS: Final = ("/nanos", "/_nanoseconds", "/nanoOfSecond", "/nano")


def time_within(text: str) -> str:
    """SQL: the time that an object is: {"$date": ...} of MongoDB's Extended JSON, {"seconds": 1795860000,
    "nanos": 5} of protobuf, {"_seconds": ...} of Firestore and {"epochSecond": ...} of Java.
    """
    dates, seconds, nanos = (
        ", ".join(f"json_extract_string({text}, '{place}')" for place in places)
        for places in (_DATES, _SECONDS, _NANOS)
    )
    fraction = f"coalesce('.' || lpad(coalesce({nanos}), 9, '0'), '')"
    return f"coalesce({dates}, coalesce({seconds}) || {fraction})"


def seconds_within(found: Mapping[str, Any]) -> str | None:
    """The same in whole seconds, or a text, of an object that was read."""
    date = found.get("$date", found.get("$timestamp", found))
    if not isinstance(date, dict):
        return str(date)
    names = (place.rpartition("/")[2] for place in (*_DATES, *_SECONDS))
    return next((str(date[name]) for name in names if isinstance(date.get(name), int | str)), None)


def _epoch(text: str) -> str:
    # Milliseconds of the years before 1973 would be seconds of the years after 5138; each finer unit
    # is a thousand times more. Ticks of 100 ns stand between, where no other unit is of our time. A
    # date written as a number is none of them: 20261123 is no second of 1970.
    number = f"try_cast({text} AS DECIMAL(38, 9))"
    return f"""CASE
        WHEN regexp_full_match({text}, '{_CALENDAR}') THEN NULL
        WHEN regexp_full_match({text}, '{_CALENDAR}{_CLOCK}') THEN try_strptime({text}, '%Y%m%d%H%M%S')
        WHEN regexp_full_match({text}, '{_CALENDAR}{_CLOCK}\\d\\d\\d')
            THEN try_strptime({text}, '%Y%m%d%H%M%S%g')
        WHEN {number} < {_2101} THEN make_timestamp(floor({number} * 1000000)::BIGINT)
        WHEN {number} < 100000000000 THEN NULL
        WHEN {number} < {_2101}000 THEN make_timestamp(floor({number} * 1000)::BIGINT)
        WHEN {number} < 100000000000000 THEN NULL
        WHEN {number} < {_2101}000000 THEN make_timestamp(floor({number})::BIGINT)
        WHEN {number} < 10000000000000000 THEN NULL
        WHEN {number} < {_2101}0000000 THEN make_timestamp(floor({number})::BIGINT // 10)
        WHEN {number} < 100000000000000000 THEN NULL
        WHEN {number} >= {_TICKS_TO_1990} AND {number} < {_TICKS_TO_1970 + _2101 * 10**7}
            THEN make_timestamp((floor({number})::BIGINT - {_TICKS_TO_1970}) // 10)
        WHEN {number} < {_2101}000000000
            THEN make_timestamp(floor({number})::BIGINT // 1000)
    END"""


def _replaced(text: str, *rules: tuple[str, str]) -> str:
    for pattern, replacement in rules:
        text = f"regexp_replace({text}, '{pattern}', '{replacement}')"
    return text


def _of_calendar(text: str) -> str:
    """With the day in months for one that is counted in weeks or from the start of its year (ISO 8601)."""
    # %V and %j take more than there are, or none.
    weeks = "try_strptime(regexp_replace(day, '(\\d{4})-?(W\\d\\d)-?(\\d)', '\\1-\\2-\\3'), '%G-W%V-%u')"
    days = "try_strptime(regexp_replace(day, '(\\d{4})-?(\\d{3})', '\\1-\\2'), '%Y-%j')"
    read = f"strftime(CASE WHEN contains(day, 'W') THEN {weeks} ELSE {days} END, '%Y-%m-%d')"
    day = f"regexp_extract({text}, '^ *({_COUNTED})[T ]', 1)"
    rest = f"regexp_replace({text}, '^ *{_COUNTED}', '')"
    clock = _replaced(rest, (r"^T(\d\d)(\d\d)(\d\d)", r"T\1:\2:\3"))
    return f"""CASE WHEN regexp_matches({text}, '^ *{_COUNTED}[T ]')
        THEN {bound(day, "day", read)} || {clock} ELSE {text} END"""


def _spelled_out(text: str) -> str:
    """The spellings of RFC 3339, ISO 8601 and their kin in one; a zone with a name stands last."""
    return _replaced(
        f"regexp_replace(trim({text}), '  +', ' ', 'g')",
        (r"^(\d{4})(\d\d)(\d\d)[Tt](\d\d)(\d\d)(\d\d)", r"\1-\2-\3T\4:\5:\6"),
        (r"^(\d{4})\.?(\d\d)\.?(\d\d)[T -](\d\d:)", r"\1-\2-\3T\4"),
        (r"^([\d-]{10})[_-](\d\d)[.:](\d\d)[.:](\d\d)", r"\1T\2:\3:\4"),
        (r"^([\d/-]+)t", r"\1T"),
        (r"(\d)z$", r"\1Z"),
        (r"(\d:\d\d:\d\d)[,:](\d+)", r"\1.\2"),
        (r"(\d) +([+-]\d\d|Z$)", r"\1\2"),
        # "+01:00[Europe/Berlin]" and "+0000 UTC m=+0.01" say the offset twice.
        (rf"({_OFFSET}|Z)(\[[\w/+-]+\]| [A-Z]+)?( m=.*)?$", r"\1"),
        (r"\[([\w/+-]+)\]$", r" \1"),
        (r" (?:UTC|GMT)([+-])(\d)$", r"\10\2"),  # group 1, then a zero
        (r" (?:UTC|GMT)([+-]\d\d:?\d*)$", r"\1"),
        (":59:60", ":59:59"),
    )


def _in_zone(zoned: str) -> str:
    """A local time with the name of a zone; NULL where clocks were put back or forward over it."""
    parts = (
        f"{{'at': try_cast(regexp_extract({zoned}, '^(.*) \\S+$', 1) AS TIMESTAMP), "
        f"'zone': regexp_extract({zoned}, ' (\\S+)$', 1)}}"
    )
    instant = "(l.at AT TIME ZONE l.zone)"
    repeated = [f"({instant} {sign} INTERVAL 1 HOUR) AT TIME ZONE l.zone = l.at" for sign in "+-"]
    skipped = f"{instant} AT TIME ZONE l.zone <> l.at"
    judged = bound(parts, "l", f"CASE WHEN {' OR '.join([*repeated, skipped])} THEN NULL ELSE {instant} END")
    # A zone that is not known makes AT TIME ZONE fail, and the cast give NULL.
    return f"CASE WHEN try_cast({zoned} AS TIMESTAMPTZ) IS NOT NULL THEN {judged} END"


def _in_year(text: str, beginning: Beginning) -> str:
    """A day without a year; the month alone tells which year it is of."""
    of_year = f"(list_position({list(MONTHS)}, parts.month) < {beginning.month})::INTEGER + {beginning.year}"
    parts = (
        f"{{'month': regexp_extract({text}, '{'|'.join(MONTHS)}'),"
        f" 'day': regexp_extract({text}, '(?:^| )(\\d{{1,2}})(?: |$)', 1),"
        f" 'time': regexp_extract({text}, '\\d\\d:\\d\\d:\\d\\d(?:\\.\\d{{1,6}})?')}}"
    )
    written = f"{of_year} || ' ' || parts.month || ' ' || parts.day || ' ' || parts.time"
    return bound(parts, "parts", f"try_strptime({written}, ['%Y %b %d %H:%M:%S', '%Y %b %d %H:%M:%S.%f'])")


def _with_offset(format_: str, words: str = "w") -> str:
    """The words of a time with an offset, read by this format."""
    return f"try_strptime({words}, '{format_}') AT TIME ZONE 'UTC'"


_POINTED: Final = r"replace(regexp_replace(w, ',(\d)', '.\1'), ',', '')"
"""The words of a time with a point before the fraction, and no comma behind the day."""


def _either_way() -> str:
    """A day of three numbers, the year last: read when only one order of day and month is possible."""
    clocks = ("%I:%M:%S %p", "%H:%M:%S", "%H:%M:%S.%f")
    first, second = (
        f"try_strptime({_POINTED}, {[f'{day} {clock}' for clock in clocks]})"
        for day in ("%d/%m/%Y", "%m/%d/%Y")
    )
    both = f"{{'day': {first}, 'month': {second}}}"
    return bound(
        both,
        "b",
        "CASE WHEN b.day IS NULL OR b.month IS NULL OR b.day = b.month THEN coalesce(b.day, b.month) END",
    )


def _zone_apart() -> str:
    """A time `w` with the name of its zone: one that begins with its year, and the zone; NULL: another."""
    of_date = f"regexp_extract(w, '^{_DATE_1}$', ['at', 'zone', 'year'])"
    in_date = "strftime(try_strptime(d.year || ' ' || d.at, '%Y %b %d %H:%M:%S'), '%Y-%m-%d %H:%M:%S')"
    of_mail = f"regexp_extract(w, '^{_MAIL} ([A-Z]{{1,5}})$', ['at', 'zone'])"
    in_mail = "strftime(try_strptime(d.at, '%d %b %Y %H:%M:%S'), '%Y-%m-%d %H:%M:%S')"
    return f"""CASE
        WHEN regexp_full_match(w, '{_DATE_1}') THEN {bound(of_date, "d", f"[{in_date}, d.zone]")}
        WHEN regexp_full_match(w, '{_MAIL} [A-Z]{{1,5}}') THEN {bound(of_mail, "d", f"[{in_mail}, d.zone]")}
    END"""


def _of_words(beginning: Beginning | None) -> str:
    """A time `w` that does not begin with its year, and has no zone by name."""
    dated = f"WHEN regexp_full_match(w, '{YEARLESS}') THEN {_in_year('w', beginning)}" if beginning else ""
    bare = "regexp_replace(w, ' \\(.*', '')"
    return f"""CASE
        {dated}
        WHEN regexp_full_match(w, '{_MAIL} {_HOURS}[0-5]\\d') THEN {_with_offset("%a, %d %b %Y %H:%M:%S %z")}
        WHEN regexp_full_match(w, '[A-Z][a-z][a-z] [A-Z][a-z][a-z] \\d.* {_HOURS}[0-5]\\d \\d{{4}}')
            THEN {_with_offset("%a %b %d %H:%M:%S %z %Y")}
        WHEN regexp_full_match(w, '[A-Z][a-z][a-z] [A-Z][a-z][a-z] .* GMT{_HOURS}[0-5]\\d( \\(.*\\))?')
            THEN {_with_offset("%a %b %d %Y %H:%M:%S GMT%z", bare)}
        WHEN regexp_full_match(w, '([A-Z][a-z]{{2,8}},? )?[A-Z][a-z]{{2,8}} \\d.*') THEN try_strptime(w, [
            '%a %b %d %H:%M:%S %Y', '%b %d %Y %H:%M:%S', '%b %d %H:%M:%S %Y', '%a %b %d %H:%M:%S.%f %Y',
            '%b %d, %Y %I:%M:%S %p', '%b %d, %Y, %I:%M:%S %p', '%B %d, %Y %I:%M:%S %p',
            '%A, %B %d, %Y %I:%M:%S %p'
        ])
        WHEN regexp_full_match(w, '\\d\\d?-([A-Z][a-z][a-z]|[A-Z]{{3}})-\\d{{4}} .*')
            THEN try_strptime(replace(w, ' UTC', ''), ['%d-%b-%Y %H:%M:%S.%f', '%d-%b-%Y %H:%M:%S'])
        WHEN regexp_full_match(w, '\\d\\d? [A-Z][a-z][a-z] \\d{{4}} .*')
            THEN try_strptime(w, ['%d %b %Y %H:%M:%S.%f', '%d %b %Y %H:%M:%S'])
        WHEN regexp_full_match(w, '\\d\\d?/[A-Z][a-z][a-z]/.* {_HOURS}[0-5]\\d')
            THEN {_with_offset("%d/%b/%Y:%H:%M:%S %z")}
        WHEN regexp_full_match(w, '\\d\\d/[A-Z][a-z][a-z]/\\d{{4}}[: ][\\d:.]+')
            THEN try_strptime(replace(w, ' ', ':'), ['%d/%b/%Y:%H:%M:%S.%f', '%d/%b/%Y:%H:%M:%S'])
        WHEN regexp_full_match(w, '\\d\\d?\\.\\d\\d?\\.\\d{{4}},? [\\d:.,]+')
            THEN try_strptime({_POINTED}, ['%d.%m.%Y %H:%M:%S.%f', '%d.%m.%Y %H:%M:%S'])
        WHEN regexp_full_match(w, '\\d\\d?/\\d\\d?/\\d{{4}},? [\\d:.,]+( [AaPp][Mm])?') THEN {_either_way()}
        WHEN regexp_full_match(w, '/Date\\(\\d+({_HOURS}[0-5]\\d)?\\)/')
            THEN make_timestamp(try_cast(regexp_extract(w, '\\d+') AS BIGINT) * 1000)
    END"""


def _unusual(text: str, zones: Mapping[str, str], beginning: Beginning | None) -> str:
    offset = looked_up(zones, "regexp_extract(s, ' ([A-Z]{1,5})$', 1)")
    zoned = f"regexp_replace(s, ' [A-Z]{{1,5}}$', coalesce({offset}, ' '))"
    read = f"""CASE
        WHEN regexp_full_match(z, '{_LOCAL}({_OFFSET}|Z)?')
            THEN try_cast(z AS TIMESTAMPTZ) AT TIME ZONE 'UTC'
        WHEN regexp_full_match(z, '{_LOCAL} {_ZONE}') THEN {_in_zone("z")} AT TIME ZONE 'UTC'
    END"""
    words = f"regexp_replace(trim({text}), '  +', ' ', 'g')"
    apart = bound(_zone_apart(), "a", f"a[1] || {looked_up(zones, 'a[2]')}")
    begun = f"""CASE
        WHEN regexp_matches({text}, '^ *\\d{{4}}') THEN {bound(_spelled_out(_of_calendar(text)), "s", zoned)}
        ELSE {bound(words, "w", apart)}
    END"""
    # A leap second is the one after it, as in every Unix time; behind a third colon is a fraction.
    leap = f"CASE WHEN regexp_matches({text}, '(?:^|[T ])\\d\\d:59:60(?:\\D|$)') THEN 1 ELSE 0 END"
    judged = f"CASE WHEN z IS NULL THEN {bound(words, 'w', _of_words(beginning))} ELSE {read} END"
    return f"to_seconds({leap}) + {bound(begun, 'z', judged)}"


def _usual(text: str) -> str:
    """The branches of a CASE that read what most logs write."""
    # Most numbers have as many digits as units since 2001 are.
    return f"""
        WHEN {text} IS NULL THEN NULL
        WHEN {text} LIKE '2___-__-__T%Z' AND try_cast({text} AS TIMESTAMP) IS NOT NULL
            THEN try_cast({text} AS TIMESTAMP)
        WHEN {text} LIKE '2___-__-__ __:__:__.___ UTC' AND try_cast(left({text}, 23) AS TIMESTAMP) IS NOT NULL
            THEN try_cast(left({text}, 23) AS TIMESTAMP)
        WHEN strlen({text}) IN (10, 13, 16, 19) AND {text} >= '1' AND {text} < '41'
            AND regexp_full_match({text}, '\\d+')
            THEN make_timestamp(CASE strlen({text})
                WHEN 10 THEN {text}::BIGINT * 1000000
                WHEN 13 THEN {text}::BIGINT * 1000
                WHEN 16 THEN {text}::BIGINT
                ELSE {text}::BIGINT // 1000
            END)
        WHEN regexp_full_match({text}, '{_PLAIN}')
            THEN try_cast(replace({text}, ',', '.') AS TIMESTAMPTZ) AT TIME ZONE 'UTC'"""


def parse_time(text: str, zones: Mapping[str, str] = ZONES, beginning: Beginning | None = None) -> str:
    """SQL expression of type TIMESTAMP (UTC) for the SQL expression `text` (VARCHAR).

    `zones` are offsets, or names of the zone database after a space, by abbreviation; `beginning` is
    for days without a year.

    Reads RFC 3339 and ISO 8601 with or without offset (without: UTC), zones by abbreviation or
    by the name of the zone database, comma or colon before the fraction, the times of HTTP and
    of its access logs, of mail, of ctime, of date(1), of JavaScript, of Redis and of java.util.logging,
    `28-Nov-2026 10:00:00` of Tomcat and PHP, `28.11.2026 10:00:00`, `11/28/2026` and `28/11/2026` where
    no other day can be meant, and Unix epochs in s, ms, us, 100 ns or ns by
    magnitude, and ticks of .NET of 1990 to 2100. Digits below the microsecond are cut. NULL when the
    text is none of these: a day without a time, two digits for a year, a day without a year where no
    beginning is known, a year before 1000 or after 2999, a number that says a year before 1970 or after
    2100, an offset of more than 14 hours, an hour that a named zone has twice or not at all, a zone that
    is not known.
    """
    return f"""CASE {_usual(text)}
        WHEN regexp_full_match({text}, '{_NUMBER}') THEN {_epoch(text)}
        ELSE {_unusual(text, zones, beginning)}
    END"""


class Spelling(Enum):
    """How times are written. To plan how any is read takes longer than to read a few."""

    ANY = "any"
    USUAL = "as most logs do, or not at all"
    OTHER = "in another way"


def parse_time_spelled(
    spelling: Spelling, text: str, zones: Mapping[str, str], beginning: Beginning | None
) -> tuple[str, str]:
    """SQL as of `parse_time` for the times that are spelled so, and whether `text` is one of these."""
    usual = f"CASE {_usual(text)} END"
    if spelling is Spelling.USUAL:
        return usual, f"({text} IS NULL OR {usual} IS NOT NULL)"
    is_other = f"({text} IS NOT NULL AND {usual} IS NULL)"
    return parse_time(text, zones, beginning), is_other if spelling is Spelling.OTHER else "TRUE"


def is_inexact(text: str) -> str:
    """SQL: whether a time that was read says more than a TIMESTAMP can hold (microseconds)."""
    # One regular expression costs more than to read the usual time; no number has a colon.
    return f"""CASE
        WHEN {text} LIKE '____-__-__T__:__:__.%Z' AND strlen({text}) <= 27 THEN FALSE
        WHEN contains({text}, ':') THEN regexp_matches({text}, '[.,:]\\d{{7}}')
        WHEN strlen({text}) <= 16 AND NOT contains({text}, '.') AND NOT contains({text}, ',') THEN FALSE
        ELSE regexp_matches({text}, '[.,]\\d{{7}}')
            OR regexp_full_match({text}, '\\d{{11,}}\\.\\d{{4,}}')
            OR regexp_full_match({text}, '\\d{{17,}}') AND NOT ends_with({text}, '000')
    END"""
