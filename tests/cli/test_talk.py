"""What is said to people steers no terminal, whatever a log line put into it."""

import threading

import pytest

from stormwatch.cli.talk import escaped_tracebacks, say_error

from .harness import HOSTILE

STEERING = ("\x1b", "\x9b", "\u202e", "\x07", "\x7f")


def test_errors_are_told_on_stderr_line_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    say_error(f"first {HOSTILE}\nsecond")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [f"error: first {HOSTILE}".encode("unicode_escape").decode()
                                         .replace("\\x", "\\u00"), "second"]  # fmt: skip


def test_thread_that_dies_of_a_log_line_does_not_steer_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def die() -> None:
        raise ValueError(HOSTILE)

    before = threading.excepthook
    with escaped_tracebacks():
        thread = threading.Thread(target=die)
        thread.start()
        thread.join()
    assert threading.excepthook is before
    told = capsys.readouterr().err
    assert "ValueError: a\\u001b" in told
    assert not any(character in told for character in STEERING)
