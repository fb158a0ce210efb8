"""The log formats: every module here with a `FORMAT` is one; adding a module adds a format."""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module

from ingest.formats.base import Envelope, JsonFormat, Transcoder
from ingest.formats.lines_in_objects import lines_in


@cache
def _all() -> tuple[JsonFormat | Transcoder | Envelope, ...]:
    modules = (import_module(f"{__name__}.{info.name}") for info in pkgutil.iter_modules(__path__))
    return tuple(module.FORMAT for module in modules if hasattr(module, "FORMAT"))


@cache
def json_formats() -> tuple[JsonFormat, ...]:
    """Formats whose records are JSON objects, in the order they are asked."""
    found = [fmt for fmt in _all() if isinstance(fmt, JsonFormat)]
    return tuple(sorted(found, key=lambda fmt: (fmt.priority, fmt.name)))


@cache
def transcoders() -> tuple[Transcoder, ...]:
    """Notations that are turned into JSON objects first, in the order they are asked."""
    joined = (lines_in(envelope) for envelope in envelopes() if envelope.sender)
    found = (*(fmt for fmt in _all() if isinstance(fmt, Transcoder)), *joined)
    return tuple(sorted(found, key=lambda one: one.is_last))


@cache
def envelopes() -> tuple[Envelope, ...]:
    """What is put around records on their way."""
    return tuple(fmt for fmt in _all() if isinstance(fmt, Envelope))
