"""The sentence on top of the overview."""

from datetime import datetime
from typing import Any

from dashboard.verdict import judge

NBSP = "\u00a0"
HOUR = datetime(2025, 3, 11, 17)  # noqa: DTZ001


def _overview(**changes: Any) -> dict[str, Any]:
    calm = {
        "event_count": 100, "deadlock_count": 0, "reordered_count": 0, "reordered_ratio": 0.0,
        "lost_count": 0, "duplicate_count": 0, "reject_count": 0,
    }  # fmt: skip
    return calm | changes


def test_calm_says_so() -> None:
    verdict = judge(_overview(), [], None)
    assert verdict.level == "calm"
    assert verdict.sentence.startswith("Calm: everything arrived once and in order")


def test_order_that_cannot_be_known_is_not_praised() -> None:
    sentence = judge(_overview(reordered_ratio=None), [], None).sentence
    assert sentence.startswith("Calm as far as these logs tell")
    assert sentence.endswith("Without sequence numbers they do not tell order or loss.")


def test_silence_is_not_calm() -> None:
    verdict = judge(_overview(event_count=0, reordered_ratio=None), [], None)
    assert verdict.sentence == "Nothing was logged in this window."


def test_loop_that_is_over_is_said_to_have_been() -> None:
    brief = "at 17:00: 100 events of a loop cause 91 more"
    now = judge(_overview(), [], None, storm=("watch", brief))
    assert now.sentence == f"**A loop is close to feeding on itself**: {brief}."
    over = judge(_overview(), [], None, storm=("watch", brief), is_storm_over=True)
    assert over.sentence == f"**A loop was close to feeding on itself**: {brief}."


def test_loop_at_its_line_is_not_said_to_be_only_close() -> None:
    brief = "at 17:00: 100 events of a loop cause 107 more"
    now = judge(_overview(), [], None, storm=("trouble", brief), feeds_itself=True)
    assert now.sentence == f"**A loop feeds on itself**: {brief}."
    over = judge(_overview(), [], None, storm=("trouble", brief), is_storm_over=True, feeds_itself=True)
    assert over.sentence == f"**A loop fed on itself**: {brief}."


def test_deadlocks_that_nobody_reported_are_not_denied() -> None:
    """Lock events may tell of some, which takes too long to be asked here."""
    assert "no deadlock is known" in judge(_overview(), [], None).sentence
    assert "no deadlock is known" in judge(_overview(reordered_ratio=None), [], None).sentence


def test_one_deadlock_is_worth_watching() -> None:
    verdict = judge(_overview(deadlock_count=1), [{"hour_start": HOUR, "deadlock_count": 1}], None)
    assert (verdict.level, verdict.sentence) == ("watch", "**1 deadlock**.")


def test_twelve_deadlocks_in_an_hour_are_trouble() -> None:
    hours = [{"hour_start": HOUR, "deadlock_count": 12}]
    verdict = judge(_overview(deadlock_count=30), hours, None)
    assert verdict.level == "trouble"
    assert verdict.sentence == "**30 deadlocks**, 12 of them in the hour from 2025-03-11 17:00 UTC."


def test_eleven_deadlocks_in_an_hour_are_not_yet_trouble() -> None:
    hours = [{"hour_start": HOUR, "deadlock_count": 11}]
    assert judge(_overview(deadlock_count=11), hours, None).level == "watch"


def test_rare_disorder_is_said_calmly() -> None:
    verdict = judge(_overview(reordered_count=1, reordered_ratio=0.0005), [], "`a`")
    assert verdict.level == "calm"


def test_disorder_names_its_worst_place() -> None:
    verdict = judge(_overview(reordered_count=9, reordered_ratio=0.12), [], "`notify`")
    assert verdict.level == "trouble"
    assert verdict.sentence == f"**12{NBSP}% of arrivals are out of order**, most at `notify`."


def test_worst_finding_comes_first() -> None:
    verdict = judge(_overview(reject_count=2, lost_count=5), [], None)
    assert verdict.sentence == (
        "**5 events** numbered by the producer never arrived. **2 lines** could not be understood."
    )
    assert verdict.level == "trouble"
