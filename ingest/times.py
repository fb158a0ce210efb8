"""SQL that reads a time from text or a number into a UTC TIMESTAMP, or NULL, never a guess."""

from __future__ import annotations

from typing import Final

ZONES: Final[dict[str, str]] = {
    "UTC": "+00", "GMT": "+00", "Z": "+00", "WET": "+00", "WEST": "+01", "BST": "+01",
    "CET": "+01", "MET": "+01", "CEST": "+02", "MEST": "+02", "EET": "+02", "EEST": "+03",
    "MSK": "+03", "EST": "-05", "EDT": "-04", "CST": "-06", "CDT": "-05", "MST": "-07",
    "MDT": "-06", "PST": "-08", "PDT": "-07", "AKST": "-09", "AKDT": "-08", "HST": "-10",
    "JST": "+09", "KST": "+09", "SGT": "+08", "HKT": "+08", "AEST": "+10", "AEDT": "+11",
    "NZST": "+12", "NZDT": "+13",
}  # fmt: skip
"""Zone abbreviations that mean one offset, as PostgreSQL's default set reads them."""

_NUMBER = r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?"

_ZONE_MAP = "MAP {" + ", ".join(f"'{name}': '{offset}'" for name, offset in ZONES.items()) + "}"


def _epoch(text: str) -> str:
    # Seconds reach 1e11 in the year 5138; each finer unit is a thousand times more.
    number = f"try_cast({text} AS DECIMAL(38, 9))"
    return f"""CASE
        WHEN abs({number}) < 100000000000 THEN make_timestamp(({number} * 1000000)::BIGINT)
        WHEN abs({number}) < 100000000000000 THEN make_timestamp(({number} * 1000)::BIGINT)
        WHEN abs({number}) < 100000000000000000 THEN make_timestamp(trunc({number})::BIGINT)
        WHEN abs({number}) < 9000000000000000000
            THEN make_timestamp((trunc({number})::BIGINT // 1000))
    END"""


def _unusual(text: str) -> str:
    # "12:00:00,123" and "12:00:00:123456" mean a fraction; "... CEST" means an offset.
    fraction = rf"regexp_replace({text}, '(\d:\d\d:\d\d)[,:](\d+)', '\1.\2')"
    zone = rf"regexp_extract({text}, '\s([A-Z]{{1,5}})$', 1)"
    offset = f"{_ZONE_MAP}[{zone}]"
    stripped = rf"regexp_replace({fraction}, '\s*[A-Z]{{1,5}}$', '')"
    return f"""CASE
        WHEN {offset} IS NOT NULL
            THEN try_cast({stripped} || {offset} AS TIMESTAMPTZ) AT TIME ZONE 'UTC'
        ELSE try_cast({fraction} AS TIMESTAMPTZ) AT TIME ZONE 'UTC'
    END"""


def parse_time(text: str) -> str:
    """SQL expression of type TIMESTAMP (UTC) for the SQL expression `text` (VARCHAR).

    Reads RFC 3339 and ISO 8601 with or without offset (without: UTC), zone abbreviations,
    comma or colon before the fraction, and Unix epochs in s, ms, us or ns by magnitude.
    Digits below the microsecond are cut. NULL when the text is none of these.
    """
    return f"""CASE
        WHEN {text} IS NULL THEN NULL
        WHEN ends_with({text}, 'Z') AND try_cast({text} AS TIMESTAMP) IS NOT NULL
            THEN try_cast({text} AS TIMESTAMP)
        WHEN regexp_full_match({text}, '{_NUMBER}') THEN {_epoch(text)}
        WHEN {text} ILIKE '%infinity%' OR {text} ILIKE 'epoch' THEN NULL
        ELSE {_unusual(text)}
    END"""
