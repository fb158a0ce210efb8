"""What a log format is. A format is one module in this package with a `FORMAT` of a type below.

Every record becomes a JSON object before it is mapped: JSON lines are taken as they are, other
notations are transcoded first. Mapping is then the same bulk SQL for all of them (engine.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final, Protocol

from ingest.names import IDS, ONE_SPELLING, Path
from ingest.vocabulary import GENERIC, Vocabulary, called


def spellings(name: str) -> tuple[Path, ...]:
    """The paths of a dotted name: as one key, and as nested objects."""
    return ((name,), tuple(name.split(".")))


@dataclass(frozen=True)
class Shape:
    """The keys of a JSON object: top-level ones and those of objects that are looked into."""

    paths: frozenset[Path]
    order: tuple[Path, ...] = ()
    """The same as they stand in the record; a key that is there twice stands twice."""
    marks: frozenset[str] = frozenset()
    """Which of the marks of the formats stand somewhere in it."""

    @property
    def repeats_keys(self) -> bool:
        """Whether an object has a key twice: only one of the values can be in a column."""
        return len(self.order) > len(self.paths)

    def has(self, *names: str) -> bool:
        """Whether every name is a top-level key."""
        return all((name,) in self.paths for name in names)

    def names(self, *names: str) -> bool:
        """Whether there is a field for every name, however it is spelled."""
        return all(called(name, self.paths) for name in names)

    def envelope(self, *names: str) -> Path | None:
        """The key of the first object (by name) that has all these keys; () is the record itself."""
        if self.has(*names):
            return ()
        for key in sorted({path[0] for path in self.paths if len(path) > 1}):
            if all((key, name) in self.paths for name in names):
                return (key,)
        return None


@dataclass(frozen=True)
class JsonFormat:
    """A format whose records are JSON objects."""

    name: str
    priority: int
    """Formats are asked in this order, lowest first; the generic one is last."""
    match: Callable[[Shape], Path | None]
    """Where in the record the event is (() = the record itself), or None: not this format."""
    fields: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    """Role -> paths below the event, best first. Roles not named here go by the name lists."""
    named: Collection[str] = ()
    """Roles of `fields` that go on to the name lists when none of their paths is there."""
    by_name: bool = True
    """Whether roles without fields are filled by the name lists."""
    by_value: bool = False
    """Whether fields of applications are in it: what the values tell of those goes before their names."""
    vocabulary: Vocabulary = GENERIC
    """The name lists."""
    mark: str = ""
    """A text that stands in each of its records, for `match` to ask where keys alone do not tell."""
    prepared: Mapping[str, str] = field(default_factory=dict)
    """Further placeholders, worked out once and in this order: name -> SQL over those before it."""
    derived: Mapping[str, str] = field(default_factory=dict)
    """Role -> SQL over {role} and {input} placeholders: what the role is, before it is read as a time
    or a number."""
    computed: Mapping[str, str] = field(default_factory=dict)
    """Column -> SQL expression over {role} placeholders of VARCHAR values."""
    inputs: Mapping[str, Path] = field(default_factory=dict)
    """Further placeholders: name -> path; they stay in attributes."""
    has_texts: bool = False
    """Its messages are texts: what begins like a list is none."""
    made: Collection[str] = ()
    """Top-level fields that a transcoder put together from others: never in attributes."""

    def is_open(self, role: str) -> bool:
        """Whether what the values tell of a role counts. Ids go together: what effects name is the id."""
        if role == ONE_SPELLING:
            return True
        return self.by_value and (role in IDS or not (role in self.fields or role in self.derived))


def made(name: str, fields: Mapping[str, str | tuple[str, ...]], **more: Any) -> JsonFormat:
    """The format of objects that a transcoder makes, or that are an envelope: no record is found to be of
    it, and nothing goes by names. `fields`: role -> top-level keys, best first.
    """
    paths = {
        role: tuple((key,) for key in ((keys,) if isinstance(keys, str) else keys))
        for role, keys in fields.items()
    }
    return JsonFormat(name=name, priority=0, match=lambda _: None, by_name=False, fields=paths, **more)


def one_of(patterns: Mapping[str, bytes]) -> re.Pattern[bytes]:
    """Matches what one of the patterns does; the group that did is called by the name of that one."""
    # An empty group behind each: at every step back within a group that is open, all of them are put back.
    return re.compile(b"|".join(b"(?:%b)(?P<%b>)" % (one, name.encode()) for name, one in patterns.items()))


def none_of(codes: bytes) -> bytes:
    """Regular expression for any other byte, which takes half the time that `[^...]` does of two.

    Of three ranges and more Python makes a table; with each of fewer it compares.
    """
    ends = (-1, *sorted(codes), 256)
    ranges = (rb"\x%02x-\x%02x" % (one + 1, other - 1) for one, other in pairwise(ends) if other - one > 1)
    return b"[%b]" % b"".join(ranges)


def places(header: str) -> dict[str, list[str]]:
    """The fields that the groups of a header are, in their order, and the groups of each.

    A field that stands in different places of a line, one at a time, has a group for each: `thread`,
    `thread_2`.
    """
    found: dict[str, list[str]] = {}
    for group in re.findall(r"\?P<(\w+)>", header):
        found.setdefault(group.rstrip("0123456789").removesuffix("_"), []).append(group)
    return found


class End(Protocol):
    """Where a record ends that may span lines."""

    def __call__(self, data: bytes, start: int, *, another: re.Pattern[bytes], is_all: bool) -> int | None:
        """Of the record that starts at `start`; None: behind data.

        `another` is what the first line of another record begins with. `is_all`: nothing follows
        data, so what may end there does.
        """


_Patterns = tuple[re.Pattern[bytes], re.Pattern[bytes]]
_Maker = Callable[[re.Pattern[bytes]], re.Pattern[bytes]]


def made_once(make: _Maker) -> _Maker:
    """What it makes of a pattern is kept with it, by its identity: to hash a pattern takes longer than to
    search a record for it.
    """
    known: dict[int, _Patterns] = {}

    def kept(pattern: re.Pattern[bytes]) -> re.Pattern[bytes]:
        found = known.get(id(pattern))
        if found is None or found[0] is not pattern:
            found = known[id(pattern)] = pattern, make(pattern)
        return found[1]

    return kept


@made_once
def _behind_line_ends(pattern: re.Pattern[bytes]) -> re.Pattern[bytes]:
    # A search that begins with a literal skips to it; one for (?m:^) stops at every byte.
    return re.compile(rb"\n(?=(?P<whole>%b))" % pattern.pattern)


_simpler: Final[dict[int, tuple[tuple[bytes, ...], _Patterns]]] = {}
"""By the identity of a pattern that is kept there."""


def simplify(pattern: re.Pattern[bytes], simpler: re.Pattern[bytes], needs: tuple[bytes, ...]) -> None:
    """Note that where none of `needs` stands, a pattern matches what a simpler one does."""
    _simpler[id(pattern)] = needs, (pattern, simpler)


def simplest(pattern: re.Pattern[bytes], data: bytes, start: int, end: int) -> re.Pattern[bytes]:
    """What matches the same as the pattern in data from `start` to `end`."""
    needs, (_, simpler) = _simpler.get(id(pattern), ((), (pattern, pattern)))
    return pattern if any(data.find(one, start, end) >= 0 for one in needs) else simpler


def lines_with(pattern: re.Pattern[bytes], data: bytes, start: int, end: int) -> Iterator[int]:
    """Where lines begin that the pattern matches, behind the start of data: from `start` to before `end`.

    Lines that a match goes on over are not asked.
    """
    done = start
    seen = behind_next(data, end)
    simple = simplest(pattern, data, start, seen)
    for found in _behind_line_ends(simple).finditer(data, start - 1, seen):
        if found.end() >= end:
            return
        if found.end() >= done:
            yield found.end()
            done = found.end("whole")


def behind_next(data: bytes, at: int) -> int:
    """Where the line ends behind the one that goes on there, which may tell what that one is."""
    line_end = data.find(b"\n", at) + 1
    return (data.find(b"\n", line_end) + 1 if line_end else 0) or len(data)


# A search that begins with a literal skips to it.
_NO_CSV: Final = re.compile(rb'"(?<=[^,"]")[^,"\r\n]')
_WITHIN: Final = rb'(?:[^"]++|"")*+'
_FIELDS: Final = rb'(?:,(?:"%b"|(?!")[^",\r\n]*+))*+' % _WITHIN
_REST: Final = re.compile(rb'%b"%b\r?\n' % (_WITHIN, _FIELDS))
"""What stands from within quotes to the end of the record."""
_REST_SO_FAR: Final = re.compile(rb'%b(?:"%b(?:,"%b|\r)?)?\Z' % (_WITHIN, _FIELDS, _WITHIN))
_QUOTE: Final = 8 << 10
"""Bytes from a line on that starts another record, within which its quotes close if it is quoted."""


def quoted(
    data: bytes,
    start: int,
    *,
    another: re.Pattern[bytes],
    is_all: bool,
    perhaps: re.Pattern[bytes] | None = None,
) -> int | None:
    """A line end within double quotes does not end the record (RFC 4180).

    A torn record would leave the quotes open to the end of the file. It is one when a quote neither begins
    nor ends a field, or a line that starts another one stands within its quotes, unless they close behind it
    and all to the end of the record is as it should be. It then ends where any other may start, as `perhaps`
    tells, else before the line that tells.
    """
    at, quotes = start, 0
    within: list[int] = []

    def torn() -> int:
        """Where any other may start."""
        return next((one for one in within if perhaps is not None and perhaps.match(data, one)), 0)

    while at := data.find(b"\n", end := at) + 1:
        quotes += data.count(b'"', end, at)
        if quotes % 2 == 0 and end == start:
            return at
        if _NO_CSV.search(data, max(end, start + 1), at):
            return torn() or (at if end == start else end)
        if quotes % 2 == 0:
            return at
        within.append(at)
        if another.match(data, at) is not None:
            if rest := _REST.match(data, at, at + _QUOTE):
                return rest.end()
            is_open = len(data) < at + _QUOTE and _REST_SO_FAR.match(data, at) is not None
            return None if is_open and not is_all else torn() or at
    return torn() or None if is_all else None


def continued(by: bytes) -> End:
    """Lines that begin with the regular expression `by` go on with the record."""
    lines = re.compile(rb"(?:(?:%b)[^\n]*+\n)*+" % by)
    begins = re.compile(by)

    def end(data: bytes, start: int, *, another: re.Pattern[bytes], is_all: bool) -> int | None:  # noqa: ARG001 - as above
        first = data.find(b"\n", start) + 1
        if not first:
            return None
        behind = lines.match(data, first)
        assert behind is not None  # noqa: S101 - it matches nothing as well
        at = behind.end()
        # A line without its end may turn out to be either.
        if data.find(b"\n", at) >= 0:
            return at
        if not is_all:
            return None
        return len(data) if begins.match(data, at) else at

    return end


Held = tuple[Any, bytes]
"""What a line holds that is an envelope: whose it is, in which lines of the same writer are equal; and what
was written, with its line end unless the writer's line goes on in the next envelope."""
Peel = Callable[[Sequence[bytes]], Sequence[Held | None]]
"""What lines hold, without their ends; None where one is no such envelope."""


@dataclass(frozen=True)
class Envelope:
    """JSON records that hold, as a text, the record that somebody wrote: put around it on its way."""

    name: str
    match: Callable[[Shape], bool]
    held: Path
    """The field that holds the record."""
    format: JsonFormat
    """Maps the envelope itself, where what it holds is no record of a known format."""
    about: Mapping[str, str] = field(default_factory=dict)
    """Role -> what it says of the record, where that does not say it: SQL over {placeholders}."""
    above: Mapping[str, str] = field(default_factory=dict)
    """The same where its word goes before that of the record."""
    headers: str = ""
    """The field with what the sender wrote on the envelope: an object, or a list of names and values.
    Its names mean what they mean in a record, and go before those of the record."""
    inputs: Mapping[str, Path] = field(default_factory=dict)
    """Placeholder -> field."""
    sender: tuple[str, ...] = ()
    """The top-level fields that tell whose line it is, if each line of a text gets an envelope of its own."""
    beside: bytes = b""
    """Regular expression at the start of such an envelope, where its field alone does not tell it."""
    piece: int = 0
    """Bytes of a text without a line end from which on it goes on in the next envelope; 0: never."""


@dataclass(frozen=True)
class Transcoder:
    """A notation that is not one JSON object per event: turns records into such objects."""

    name: str
    format: JsonFormat | Envelope
    """Maps what `transcode` yields, or takes records out of it."""
    starts: bytes = b""
    """Regular expression for how a record begins that is not JSON; names of groups are its own."""
    end: End | None = None
    """Where such a record ends; None: with its first line."""
    needs: tuple[bytes, ...] = ()
    """What stands in the first line of such a record or the one behind it, one of these; none: unknown."""
    may_start: bytes = b""
    """Regular expression for a first line that only the next one tells to be one."""
    peel: Peel | None = None
    """Of the lines of such a record, where each is an envelope: the record then is as many of them, of one
    writer, as what they hold is one record."""
    header: str = ""
    """Regular expression, to Python and RE2 alike, for how a record begins that is a line with nothing but a
    text behind it: what an envelope holds, a whole line of its writer, or a `message`. Its groups, all of
    them named, are the other fields, in their order: see `places`. Lines that begin so are of no notation
    that is asked before. They are read in bulk, to what `transcode` makes of them."""
    unless: str = ""
    """Regular expression, to both as well, for what keeps a line with the header from being read in bulk."""
    told_by: int = 0
    """So many lines behind one with the header, if they have it as well, tell that it is a whole record."""
    is_last: bool = False
    """Asked when a record is of no other notation. Its records go on up to a line that may begin another."""
    is_code: bool = False
    """Its records of several lines hold code, and so no line that may begin another of any notation."""
    numbers: Collection[str] = ()
    """Groups of the header that are whole numbers of up to 18 digits."""
    openings: tuple[bytes, ...] = ()
    """Of a record that may span lines which are objects, itself or what they hold: what stands in its
    first line, one of these."""
    match_json: Callable[[Shape], bool] | None = None
    """Whether a JSON record is of this notation."""
    known_by: str = ""
    """How its JSON records usually begin, and no others do: what begins so is not looked into first."""
    opaque: bytes = b""
    """Regular expression that ends with its only group, for values in a JSON record that `transcode` passes
    on as they are: whichever of those that match stands in a place, all else becomes the same."""
    cut: Callable[[bytes], tuple[bytes, list[bytes], bytes] | None] = field(default=lambda _: None)
    """What stands before, in and behind each of several records in one, with a comma between them: if each
    can be read by itself, with that around it, then together they are what the whole holds."""
    holds: bytes = b""
    """What stands in such a JSON record as well; else it is any other record of its shape."""
    is_told: Callable[[bytes], bool] = field(default=lambda _: True)
    """Whether a JSON record is of this notation where its keys alone do not tell; else the same."""
    transcode: Callable[[bytes], Iterator[Mapping[str, Any] | bytes]] = field(default=lambda _: iter(()))
    """The events in one record. Raises ValueError (with the reason) when it cannot be read.

    Bytes are an object with keys, held by an envelope with nothing else in it, which need not be made."""

    @property
    def made(self) -> str:
        """What its objects are known by; an envelope in one has a name of its own."""
        return self.name if isinstance(self.format, JsonFormat) else f"{self.name}/"

    @property
    def spans_lines(self) -> bool:
        """Whether a record may be more than a line."""
        return self.end is not None or self.peel is not None

    @property
    def whole(self) -> bytes:
        """Regular expression for how a whole record begins that is no JSON."""
        # One envelope alone is JSON like any other.
        return self.starts + rb"[^\n]*+\n." if self.starts.startswith(rb"\{") else self.starts


def headed(by: Transcoder) -> Callable[[bytes, int], bool]:
    """What tells whether the line that starts there in bytes has the header, and may be read in bulk."""
    # Twice as fast as with names.
    begins = re.compile(re.sub(r"\?P<\w+>", "?:", by.header).encode()).match
    unfit = re.compile(by.unless.encode()).search

    def is_headed(data: bytes, start: int) -> bool:
        if begins(data, start) is None:
            return False
        return not by.unless or unfit(data, start, data.find(b"\n", start) + 1 or len(data)) is None

    return is_headed
