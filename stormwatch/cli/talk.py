"""What the program says to people, on stderr; stdout is for results."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import click

from stormwatch.plain import visible_lines


def say(text: str) -> None:
    """A line for people. Whatever a log line put into it cannot steer the terminal."""
    click.echo(visible_lines(text), err=True)


def say_error(text: str) -> None:
    """Why the command failed."""
    say(f"error: {text}")


@contextmanager
def escaped_tracebacks() -> Iterator[None]:
    """Have what a thread dies of told as everything else: a message may quote a log line."""

    def tell(args: threading.ExceptHookArgs) -> None:
        say("".join(traceback.format_exception(args.exc_type, args.exc_value, args.exc_traceback)))

    before, threading.excepthook = threading.excepthook, tell
    try:
        yield
    finally:
        threading.excepthook = before
