"""The badge says when the picture may be stale, and is silent when it is not."""

from dataclasses import replace
from datetime import datetime, timedelta

from dashboard.freshness import judge
from dashboard.window import Coverage
from stormwatch.status import IngestStatus

NOW = datetime(2026, 11, 20, 12)  # noqa: DTZ001
NBSP = "\u00a0"


def _log(age_s: float) -> Coverage:
    return Coverage(NOW - timedelta(hours=1), NOW - timedelta(seconds=age_s))


def test_live_log_read_to_the_end_is_fresh() -> None:
    status = IngestStatus(state="reading", events_per_s=41_300, last_commit_at=NOW)
    badge = judge(status, _log(1.2), NOW)
    assert badge.level == "fresh"
    assert badge.headline == "data to 11:59:58 UTC"
    assert badge.details == (f"1.2{NBSP}s old", f"41.3{NBSP}k ev/s", "0 rejected")


def test_silence_is_not_staleness() -> None:
    assert judge(IngestStatus(state="idle"), _log(300), NOW).level == "fresh"


def test_log_of_the_past_is_said_to_be_one() -> None:
    badge = judge(IngestStatus(state="idle"), _log(86_400), NOW)
    assert badge.level == "past"
    assert badge.details == ("all read", "0 rejected")


def test_rejected_lines_are_those_of_the_database_not_of_this_process() -> None:
    coverage = replace(_log(1), reject_count=274)
    assert judge(IngestStatus(state="idle", rejects=3), coverage, NOW).details[-1] == "274 rejected"


def test_waiting_lines_make_it_late_after_ten_seconds() -> None:
    status = IngestStatus(state="reading", backlog_bytes=2048, last_commit_at=NOW - timedelta(seconds=11))
    badge = judge(status, _log(12), NOW)
    assert badge.level == "late"
    assert badge.details[0] == f"2{NBSP}KiB to read"


def test_waiting_lines_make_it_stale_after_a_minute() -> None:
    status = IngestStatus(state="reading", backlog_bytes=1, last_commit_at=NOW - timedelta(seconds=61))
    assert judge(status, _log(61), NOW).level == "stale"


def test_catching_up_is_fresh_while_commits_go_on() -> None:
    status = IngestStatus(state="reading", backlog_bytes=10**9, last_commit_at=NOW)
    assert judge(status, _log(4000), NOW).level == "fresh"


def test_last_line_without_an_end_waits_for_nobody() -> None:
    status = IngestStatus(
        state="idle", backlog_bytes=88, backlog_files=1, last_commit_at=NOW - timedelta(hours=1)
    )
    badge = judge(status, _log(86_400), NOW)
    assert (badge.level, badge.details) == ("past", ("all read", "0 rejected"))
    assert "but for 1 last line without an end yet" in badge.advice
    assert judge(status, _log(300), NOW).level == "fresh"
    assert judge(status, _log(300), NOW, behind=timedelta(seconds=61)).level == "stale"


def test_failed_ingester_is_stale_and_says_why() -> None:
    badge = judge(IngestStatus(state="failed", detail="disk full: free some"), _log(1), NOW)
    assert (badge.level, badge.headline, badge.advice) == (
        "stale", "reading failed", "disk full: free some",
    )  # fmt: skip


def test_stopped_ingester_is_no_alarm_but_is_said() -> None:
    badge = judge(IngestStatus(), _log(1), NOW)
    assert (badge.level, badge.details) == ("stopped", ("not following",))


def test_empty_database_has_no_event_yet() -> None:
    assert judge(IngestStatus(state="idle"), Coverage(None, None), NOW).headline == "no event yet"


def test_lines_that_wait_make_a_live_picture_late_though_commits_go_on() -> None:
    status = IngestStatus(state="reading", backlog_bytes=2048, last_commit_at=NOW)
    badge = judge(status, _log(20), NOW)
    assert (badge.level, badge.details[1]) == ("late", f"20{NBSP}s behind")


def test_picture_that_lacks_what_is_stored_is_late() -> None:
    status = IngestStatus(state="reading", last_commit_at=NOW)
    badge = judge(status, _log(20), NOW, behind=timedelta(seconds=20))
    assert (badge.level, badge.details[0]) == ("late", f"20{NBSP}s behind")
    assert judge(status, _log(70), NOW, behind=timedelta(seconds=70)).level == "stale"


def test_picture_behind_by_less_than_a_refresh_is_fresh() -> None:
    assert judge(IngestStatus(state="idle"), _log(3), NOW, behind=timedelta(seconds=3)).level == "fresh"


def test_page_that_stands_still_does_not_say_how_old_it_is() -> None:
    badge = judge(IngestStatus(state="reading", backlog_bytes=9), _log(1), NOW, is_still=True)
    assert (badge.level, badge.details) == ("still", ("view fixed", "0 rejected"))
