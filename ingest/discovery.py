"""Which files there are: a walk of the watched directory, the truth that wake-ups only hasten."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final, NamedTuple

from ingest.clock import Clock

# Not logs, whatever they are called: drafts of editors and copy tools, and our own database.
_NO_LOG: Final = ("~", ".tmp", ".swp", ".part", ".duckdb", ".tar", ".tgz", ".zip")
_MAX_DEPTH: Final = 64
_TIMESTAMP_STEP_S: Final = 0.02
_DIRECTORY: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_GONE: Final = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}
"""Errors that say there is nothing (more) under a name that is ours to read."""


class Signature(NamedTuple):
    """What changes when a file changes."""

    size: int
    mtime_ns: int
    ctime_ns: int


def settled(signature: Signature, clock: Clock) -> Signature | None:
    """The signature, if the next change of the file will change it; None when that is not certain,
    because two changes in quick succession may leave one and the same time stamp.
    """
    age_s = clock.wall() - signature.ctime_ns / 1e9
    return signature if age_s > _TIMESTAMP_STEP_S else None


def quiet_since(signature: Signature, clock: Clock) -> float:
    """Monotonic time of the last change, as far as the file's own time tells."""
    age_s = clock.wall() - signature.mtime_ns / 1e9
    return clock.monotonic() - max(0.0, age_s)


class Found(NamedTuple):
    """A regular file in the watched directory."""

    path: str
    """Relative to the watched directory; bytes that are not UTF-8 as surrogates."""
    device: int
    inode: int
    signature: Signature


def as_stored(path: str) -> str:
    """The path as the database has it: bytes that are not UTF-8 are escaped, as no text may hold them."""
    return path.encode(errors="surrogateescape").decode(errors="backslashreplace")


@dataclass
class Listing:
    """What a walk met."""

    files: list[Found] = field(default_factory=list)
    """The log files, ordered by path."""
    links: set[str] = field(default_factory=set)
    """Symbolic links; not followed."""
    unknown: set[str] = field(default_factory=set)
    """Directories (with a slash at the end) and files that could not be looked at: what is in
    them may be there or not."""

    def __iter__(self) -> Iterator[Found]:
        return iter(self.files)

    def may_hold(self, path: str) -> bool:
        """Whether a file that was not met may be there nevertheless."""
        return path in self.unknown or any(
            path.startswith(unknown) for unknown in self.unknown if unknown.endswith("/")
        )


@dataclass(frozen=True)
class Filter:
    """Which names are log files. A pattern with a slash is for the path, else for the name."""

    include: tuple[str, ...] = ()
    """Empty: every file that is not excluded."""
    exclude: tuple[str, ...] = ()

    def accepts(self, path: str) -> bool:
        name = path.rpartition("/")[2]
        if name.startswith(".") or name.endswith(_NO_LOG) or ".duckdb." in name:
            return False
        if self.include and not any(matches(path, pattern) for pattern in self.include):
            return False
        return not any(matches(path, pattern) for pattern in self.exclude)


def matches(path: str, pattern: str) -> bool:
    if "/" not in pattern:
        return fnmatchcase(path.rpartition("/")[2], pattern)
    return fnmatchcase(path, pattern) or fnmatchcase("/" + path, "/" + pattern.removeprefix("**/"))


def walk(root: Path, accepted: Filter) -> Listing:
    """Every log file below `root`. Links are not followed: what they point to inside the directory
    is read under its own name, what is outside is not ours to read.

    Raises:
        OSError: `root` itself cannot be listed.
    """
    listing = Listing()
    directory = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _walk(directory, "", accepted, listing)
    finally:
        os.close(directory)
    return listing


def _walk(directory: int, prefix: str, accepted: Filter, listing: Listing) -> None:
    # By descriptor: a directory that is replaced by a link meanwhile leads nowhere else.
    with os.scandir(directory) as found:
        entries = sorted(found, key=_name)
    for entry in entries:
        path = prefix + entry.name
        try:
            if entry.is_symlink():
                listing.links.add(path)
            elif entry.is_dir(follow_symlinks=False):
                if not entry.name.startswith("."):
                    _walk_into(entry.name, directory, path + "/", accepted, listing)
            elif entry.is_file(follow_symlinks=False) and accepted.accepts(path):
                status = entry.stat(follow_symlinks=False)
                signature = Signature(status.st_size, status.st_mtime_ns, status.st_ctime_ns)
                listing.files.append(Found(path, status.st_dev, status.st_ino, signature))
        except OSError as error:
            if error.errno not in _GONE:
                listing.unknown.add(path)


def _walk_into(name: str, parent: int, prefix: str, accepted: Filter, listing: Listing) -> None:
    try:
        if prefix.count("/") > _MAX_DEPTH:
            listing.unknown.add(prefix)
            return
        directory = os.open(name, _DIRECTORY, dir_fd=parent)
    except OSError as error:
        if error.errno not in _GONE:
            listing.unknown.add(prefix)
        return
    try:
        _walk(directory, prefix, accepted, listing)
    except OSError:
        listing.unknown.add(prefix)
    finally:
        os.close(directory)


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name
