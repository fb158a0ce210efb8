from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.times import ZONES, Beginning, is_inexact, parse_time
from stormwatch.storage import Store

from .parsing import Parser, Row


@pytest.fixture(scope="module")
def read(parsing_store: Store):  # type: ignore[no-untyped-def]  # a fixture
    """`read(texts)`: the instants, aware and in UTC, None where there is none."""
    cursor = parsing_store.cursor()

    def instants(texts: list[str]) -> list[datetime | None]:
        rows = cursor.execute(
            f"SELECT {parse_time('written')}"
            " FROM unnest(?::VARCHAR[]) WITH ORDINALITY AS texts(written, place) ORDER BY place",
            [texts],
        ).fetchall()
        return [found and found.replace(tzinfo=UTC) for (found,) in rows]

    yield instants
    cursor.close()


NOON = datetime(2026, 11, 23, 9, 18, 26, tzinfo=UTC)
FRACTION = NOON.replace(microsecond=806_000)
EXACT = NOON.replace(microsecond=806_088)


WRITTEN = [
    ("2026-11-23T09:18:26Z", NOON),
    ("2026-11-23t09:18:26z", NOON),
    ("2026-11-23 09:18:26", NOON),
    (" 2026-11-23T09:18:26Z ", NOON),
    ("2026-11-23T09:18", NOON.replace(second=0)),
    ("20261123T091826Z", NOON),
    ("2026/11/23 09:18:26", NOON),
    ("2026-11-23T09:18:26.806088Z", EXACT),
    ("2026-11-23T09:18:26.806088999Z", EXACT),
    ("2026-11-23T09:18:26.8Z", NOON.replace(microsecond=800_000)),
    ("23/Nov/2026:09:18:26.806", FRACTION),  # HAProxy
    # Before the fraction: a comma (Python), a colon (NServiceBus, RabbitMQ).
    ("2026-11-23 09:18:26,806", FRACTION),
    ("2026-11-23 09:18:26:806088 Z", EXACT),
    ("2026-11-23 9:18:26:806", FRACTION),
    # Offsets.
    ("2026-11-23T11:18:26+02:00", NOON),
    ("2026-11-23T11:18:26+0200", NOON),
    ("2026-11-23T11:18:26+02", NOON),
    ("2026-11-23 11:18:26 +0200", NOON),
    ("2026-11-23 12:18:26.806 +03", FRACTION),
    ("2026-11-23T05:48:26-03:30", NOON),
    ("2026-11-23 11:18:26 GMT+2", NOON),
    ("2026-11-23 09:18:26.806088999 +0000 UTC m=+0.012345", EXACT),
    ("2026-11-23T10:18:26+01:00[Europe/Berlin]", NOON),
    ("2026-11-23T10:18:26[Europe/Berlin]", NOON),
    ("2026-11-23 10:18:26 Europe/Berlin", NOON),
    ("2026-10-25 03:30:00 Europe/Berlin", datetime(2026, 10, 25, 2, 30, tzinfo=UTC)),
    ("Mon Nov 23 09:18:26 2026", NOON),
    ("Nov 23 2026 09:18:26", NOON),
    ("23 Nov 2026 09:18:26.806", FRACTION),
    ("Mon, 23 Nov 2026 10:18:26 +0100", NOON),
    # Tomcat, PHP, java.util.logging.
    ("23-Nov-2026 09:18:26.806", FRACTION),
    ("23-Nov-2026 09:18:26 UTC", NOON),
    ("23-Nov-2026 09:18:26 CET", None),
    ("Nov 23, 2026 9:18:26 AM", NOON),
    ("Nov 23, 2026 12:18:26 AM", NOON.replace(hour=0)),
    ("2026-11-23  9:18:26", NOON),
    ("23-NOV-2026 09:18:26", NOON),
    ("Nov 23, 2026, 9:18:26 AM", NOON),
    ("Monday, November 23, 2026 9:18:26 AM", NOON),
    ("Mon, 23 Nov 2026 10:18:26 CET", NOON),
    ("Mon, 23 Nov 26 09:18:26 GMT", None),
    ("23 Nov 26 09:18:26", None),
    # JavaScript, Twitter, Json.NET.
    ("Mon Nov 23 2026 10:18:26 GMT+0100 (Central European Standard Time)", NOON),
    ("Mon Nov 23 10:18:26 +0100 2026", NOON),
    ("/Date(1795425506806)/", FRACTION),
    ("/Date(1795425506806+0100)/", FRACTION),
    # Days and months as numbers, in any order that only one day fits.
    ("11/23/2026 09:18:26", NOON),
    ("23/11/2026, 09:18:26.806", FRACTION),
    ("11/23/2026 9:18:26 AM", NOON),
    ("11/11/2026 09:18:26", datetime(2026, 11, 11, 9, 18, 26, tzinfo=UTC)),
    ("11/12/2026 09:18:26", None),
    ("23.11.2026 09:18:26", NOON),
    ("2026.11.23 09:18:26", NOON),
    ("2026-11-23_09:18:26", NOON),
    ("2026-11-23-09.18.26.806088", EXACT),  # DB2
    # By week, and by the number of the day in its year.
    ("2026-W48-1T09:18:26Z", NOON),
    ("2026W481T091826Z", NOON),
    ("2026-327T11:18:26+02:00", NOON),
    ("2026327T091826Z", NOON),
    ("2026-W54-1T09:18:26Z", None),
    ("2026-367T09:18:26Z", None),
    # Abbreviations, also in the hour that is there twice.
    ("2026-11-23 09:18:26.806 UTC", FRACTION),
    ("2026-11-23 10:18:26 CET", NOON),
    ("2026-10-25 02:30:00 CEST", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
    ("2026-10-25 02:30:00 CET", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
    # HTTP, and the access logs of its servers.
    ("Mon, 23 Nov 2026 09:18:26 GMT", NOON),
    ("23/Nov/2026:11:18:26 +0200", NOON),
    # Epochs, the unit by magnitude.
    ("1795425506", NOON),
    ("1795425506.806088", EXACT),
    ("1.795425506e9", NOON),
    ("1795425506806", FRACTION),
    ("1795425506806.088", EXACT),
    ("1795425506806088", EXACT),
    ("1795425506806088999", EXACT),
    # Ticks of 100 ns, since 1970 and, in .NET, since the year 1.
    ("17954255068060880", EXACT),
    ("639310223068060889", EXACT.replace(year=2026)),
    ("4133980799", datetime(2100, 12, 31, 23, 59, 59, tzinfo=UTC)),
    # date(1), Date.toString of Java.
    ("Mon Nov 23 10:18:26 CET 2026", NOON),
    ("Tue May  5 10:00:00 CEST 2026", datetime(2026, 5, 5, 8, tzinfo=UTC)),
    ("Tue May  5 10:00:00 IST 2026", None),
    ("0", datetime(1970, 1, 1, tzinfo=UTC)),
    ("12.5", datetime(1970, 1, 1, 0, 0, 12, 500_000, tzinfo=UTC)),
    ("-1", None),
    # Clocks were put back over it, or forward; no such zone; no year.
    ("2026-10-25 02:30:00 Europe/Berlin", None),
    ("2026-03-29 02:30:00 Europe/Berlin", None),
    ("2026-10-25 02:30:00 Nowhere/Town", None),
    ("Nov 23 09:18:26", None),
    # A date and a time as one number.
    ("20261123091826", NOON),
    ("20261123091826806", FRACTION),
    # The ends of a day and of a minute.
    ("2026-11-23T24:00:00Z", datetime(2026, 11, 24, tzinfo=UTC)),
    ("2026-06-30T23:59:60Z", datetime(2026, 7, 1, tzinfo=UTC)),
    ("0001-01-01T00:00:00Z", None),
    ("9999-12-31T23:59:59.999999Z", None),
]
NO_TIMES = [
    "", " ", "xxx", "now", "today", "epoch", "infinity", "-infinity", "NaN", "true", "1,5", "\u0661",
    "12:00:00", "2026-11-23", "20261123", "2026-W47-1", "Nov 23 09:18:26", "26-11-23 09:18:26",
    "11/12/2026 09:18:26", "2026-11-23 09:18:26 PM", "2026-11-23T09:18:26Z and more",
    "2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z", "2026-11-23T25:00:00Z", "2026-11-23T09:61:00Z",
    "2026-11-23T09:18:60Z", "2026-11-23 09:18:26 XYZ", "2026-11-23 09:18:26 Foo/Bar",
    "2026-11-23 09:18:26 IST",  # India, Ireland or Israel
    "2026-11-23T09:18:26+25:00", "2026-11-23 09:18:26 -1500", "2026-11-23T09:18:26+0270",
    "Mon, 23 Nov 2026 10:18:26 +2500", "23/Nov/2026:11:18:26 +2500",
    "4133980800", "99999999999", "4133980800000", "9999999999999999", "99999999999999999",
    "4133980800000000000",
    "1e999", "9" * 26, "9" * 5000, "2026-11-23 (BC)", "26-11-23T09:18:26Z", "2026-11-23Z",
]  # fmt: skip


@pytest.fixture(scope="module")
def instants(read) -> dict[str, datetime | None]:  # type: ignore[no-untyped-def]  # a fixture
    """What was read of all that is written here: one statement takes as long as one for each."""
    texts = [*(written for written, _ in WRITTEN), *NO_TIMES]
    return dict(zip(texts, read(texts), strict=True))


@pytest.mark.parametrize(("written", "instant"), WRITTEN)
def test_written_times(instants: dict[str, datetime | None], written: str, instant: datetime | None) -> None:
    assert instants[written] == instant


@pytest.fixture(scope="module")
def kept(parser: Parser) -> dict[str, Row]:
    """The rows of records with what is no time, by what that is."""
    texts = [written for written in NO_TIMES if written]
    parsed = parser.parse(*(f'{{"id":"e1","time":"{written}"}}' for written in texts))
    assert not parsed.rejects
    return dict(zip(texts, parsed.rows, strict=True))


@pytest.mark.parametrize("written", NO_TIMES)
def test_what_is_no_time_is_never_guessed(
    instants: dict[str, datetime | None], kept: dict[str, Row], written: str
) -> None:
    assert instants[written] is None
    if written:
        assert kept[written]["attributes"] == f'{{"time":"{written}"}}'


@pytest.mark.parametrize(
    ("written", "beginning", "instant"),
    [
        ("Nov 28 10:00:00", Beginning(2026), datetime(2026, 11, 28, 10, tzinfo=UTC)),
        ("Nov  8 10:00:00.250", Beginning(2026), datetime(2026, 11, 8, 10, 0, 0, 250_000, tzinfo=UTC)),
        ("Sun Nov  8 10:00:00", Beginning(2026), datetime(2026, 11, 8, 10, tzinfo=UTC)),
        ("28 Nov 10:00:00.123", Beginning(2026), datetime(2026, 11, 28, 10, 0, 0, 123_000, tzinfo=UTC)),
        ("Nov 28 10:00:00.123456789", Beginning(2026), datetime(2026, 11, 28, 10, 0, 0, 123_456, tzinfo=UTC)),
        ("Jan  1 00:00:00", Beginning(2026), datetime(2026, 1, 1, tzinfo=UTC)),
        ("Oct 31 23:59:59", Beginning(2026, 11), datetime(2027, 10, 31, 23, 59, 59, tzinfo=UTC)),
        ("Dec 31 23:59:59", Beginning(2026, 11), datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("Jan  1 00:00:00", Beginning(2026, 11), datetime(2027, 1, 1, tzinfo=UTC)),
        ("Feb 29 12:00:00", Beginning(2027, 3), datetime(2028, 2, 29, 12, tzinfo=UTC)),
        ("Feb 29 12:00:00", Beginning(2026), None),
        ("Nov 31 12:00:00", Beginning(2026), None),
        ("Nov 28 25:00:00", Beginning(2026), None),
        ("Nov 28", Beginning(2026), None),
        ("2025-03-01T10:00:00Z", Beginning(2026, 11), datetime(2025, 3, 1, 10, tzinfo=UTC)),
        ("Mar  1 10:00:00 2025", Beginning(2026, 11), datetime(2025, 3, 1, 10, tzinfo=UTC)),
    ],
)
def test_a_day_without_a_year_is_of_the_twelve_months_from_the_beginning_on(
    parsing_store: Store, written: str, beginning: Beginning, instant: datetime | None
) -> None:
    with parsing_store.cursor() as cursor:
        sql = f"SELECT {parse_time('written', beginning=beginning)} FROM (SELECT ? AS written)"
        [(found,)] = cursor.execute(sql, [written]).fetchall()
    assert (found and found.replace(tzinfo=UTC)) == instant


OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
NAMED = st.sampled_from(sorted(ZONES))


def after_1970(microseconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)


def _at(instant: datetime, zone: str) -> str:
    """The instant as a clock in the zone shows it, with the abbreviation."""
    local = instant + timedelta(hours=int(ZONES[zone]))
    return f"{local:%Y-%m-%d %H:%M:%S.%f} {zone}"


def _spellings(instant: datetime, zone: timezone, name: str) -> list[str]:
    local, naive = instant.astimezone(zone), instant.replace(tzinfo=None)
    colon = local.isoformat(timespec="microseconds")
    return [
        naive.isoformat(timespec="microseconds") + "Z",
        naive.isoformat(timespec="microseconds"),
        naive.isoformat(sep=" ", timespec="microseconds").replace(".", ","),
        naive.isoformat(sep=" ", timespec="microseconds") + " UTC",
        naive.strftime("%Y-%m-%d %H:%M:%S:%f Z"),
        naive.strftime("%Y%m%dT%H%M%S.%fZ"),
        colon,
        colon[:-3] + colon[-2:],
        colon.replace("T", " ").replace("+", " +"),
        colon + "[Etc/Unknown]",
        local.strftime("%Y-%m-%d %H:%M:%S.%f %z"),
        _at(instant, name),
    ]


@given(
    st.integers(-2_000_000_000_000_000, 32_503_000_000_000_000).map(after_1970),
    OFFSETS,
    NAMED,
)
def test_every_spelling_is_the_same_instant(read, instant: datetime, zone: timezone, name: str) -> None:  # type: ignore[no-untyped-def]  # a fixture
    spellings = _spellings(instant, zone, name)
    assert dict(zip(spellings, read(spellings), strict=True)) == dict.fromkeys(spellings, instant)


def test_a_fraction_behind_a_colon_is_no_leap_second(read) -> None:  # type: ignore[no-untyped-def]  # a fixture
    written = ["2026-11-23 10:59:59:609999 Z", "2026-11-23 10:00:59:600000 Z", "2016-12-31 23:59:60Z"]
    assert [f"{at:%H:%M:%S.%f}" for at in read(written)] == [
        "10:59:59.609999", "10:00:59.600000", "00:00:00.000000",
    ]  # fmt: skip


@given(st.integers(10**18, 4 * 10**18))
def test_every_unit_of_an_epoch_is_the_same_instant(read, nanoseconds: int) -> None:  # type: ignore[no-untyped-def]  # a fixture
    micro, rest = divmod(nanoseconds, 1000)
    instant = after_1970(micro)
    seconds = f"{micro // 10**6}.{micro % 10**6:06}{rest:03}"
    milliseconds = f"{micro // 1000}.{micro % 1000:03}{rest:03}"
    spellings = [str(nanoseconds), str(micro), milliseconds, seconds]
    assert read(spellings) == [instant] * len(spellings)
    whole = instant.replace(microsecond=0)
    assert read([str(micro // 10**6), f"{micro // 10**6}000"]) == [whole, whole]


@given(st.text(max_size=30))
def test_no_text_is_an_error(read, text: str) -> None:  # type: ignore[no-untyped-def]  # a fixture
    read([text.replace("\0", "")])


@pytest.mark.parametrize(
    ("written", "inexact"),
    [
        ("2026-11-23T09:18:26.806088Z", False),
        ("2026-11-23T09:18:26.8060881Z", True),
        ("2026-11-23 09:18:26,8060881", True),
        ("1795425506.806088", False),
        ("1795425506.8060881", True),
        ("1795425506806.088", False),
        ("1795425506806.0881", True),
        ("1795425506806088", False),
        ("1795425506806088000", False),
        ("1795425506806088001", True),
    ],
)
def test_what_a_microsecond_cannot_hold(parsing_store: Store, written: str, inexact: bool) -> None:
    with parsing_store.cursor() as cursor:
        [[found]] = cursor.execute(f"SELECT {is_inexact('?')}".replace("?", f"'{written}'")).fetchall()
    assert found is inexact


def test_a_time_that_is_cut_is_kept_as_written(parser: Parser) -> None:
    cut = parser.parse('{"id":"e1","time":1795425506806088001}').the_row()
    assert cut["occurred_at"] == EXACT.replace(tzinfo=None)
    assert cut["attributes"] == '{"time":1795425506806088001}'
    whole = parser.parse('{"id":"e1","time":1795425506806088000}').the_row()
    assert whole["occurred_at"] == EXACT.replace(tzinfo=None)
    assert "attributes" not in whole


@pytest.mark.parametrize(
    "written",
    [
        '{"$date":"2026-11-23T09:18:26.806Z"}',
        '{"$date":1795425506806}',
        '{"$date":{"$numberLong":"1795425506806"}}',
        '{"seconds":1795425506,"nanos":806000000}',
        '{"nanos":806000000,"seconds":"1795425506"}',
        '{"_seconds":1795425506,"_nanoseconds":806000000}',
        '{"epochSecond":1795425506,"nano":806000000}',
    ],
)
def test_times_of_mongodb_are_read(parser: Parser, written: str) -> None:
    row = parser.parse(f'{{"id":"e1","time":{written}}}').the_row()
    assert row["occurred_at"] == FRACTION.replace(tzinfo=None)


def test_usual_and_rare_spellings_in_one_batch_are_read_alike_whatever_came_before(
    new_parser: Callable[[], Parser],
) -> None:
    written = {
        "2026-11-30T10:00:00.5Z": "10:00:00.500000",
        "1796032801": "10:00:01",
        "2026-11-30 10:00:02,250": "10:00:02.250000",
        "30/Nov/2026:12:00:03 +0200": "10:00:03",
        "Mon Nov 30 10:00:04 2026": "10:00:04",
        "yesterday": None,
        None: None,
    }
    records = [{"id": f"e{number}", "time": text} for number, text in enumerate(written)]
    few, many = [*records[:2] * 9, records[3]], records
    parser = new_parser()  # one that has yet to learn how times are written
    for batch in (few, many, few):
        rows = parser.parse(*map(json.dumps, batch)).rows
        assert [row["event_id"] for row in rows] == [record["id"] for record in batch]
        times = [row.get("occurred_at") for row in rows]
        clocks = [time and time.time().isoformat() for time in times]
        assert clocks == [written[record["time"]] for record in batch]
