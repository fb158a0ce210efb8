"""What `doctor` looks at: versions, limits of the system, disks, the database, the log directory."""

from __future__ import annotations

import os
import platform
import resource
import shutil
import stat
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Final, Literal

from ingest.discovery import Filter, walk
from ingest.identity import file_key
from ingest.service import check_directory
from stormwatch import __version__
from stormwatch.address import Database
from stormwatch.catalog import Catalog
from stormwatch.client import Bounds, ask_owner
from stormwatch.errors import DatabaseMissing, StormwatchError
from stormwatch.storage import open_reader

Verdict = Literal["fine", "watch", "fails"]

_PACKAGES: Final = ("duckdb", "streamlit", "pyarrow", "plotly", "watchdog")
_OLDEST_PYTHON: Final = (3, 11)
_LITTLE_SPACE_BYTES: Final = 1 << 30
_FEW_DESCRIPTORS: Final = 1024
_INOTIFY: Final = Path("/proc/sys/fs/inotify")
_INOTIFY_LIMITS: Final = {"max_user_watches": 8192, "max_user_instances": 16, "max_queued_events": 1024}
"""Names of the limits -> fewest that are enough; every directory takes a watch."""
_REMOTE_FILE_SYSTEMS: Final = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "virtiofs", "vboxsf", "ceph", "fuse.gcsfuse"}
)


@dataclass(frozen=True)
class Finding:
    """One thing looked at."""

    verdict: Verdict
    what: str
    found: str
    advice: str = ""

    def row(self) -> dict[str, str]:
        """As a row of a table."""
        return asdict(self)


def examine(database: Database, directory: Path | None) -> Iterator[Finding]:
    """All findings, in the order in which they matter."""
    yield from _versions()
    yield from _limits()
    yield from _place(database.path)
    yield from _database(database)
    if directory is not None:
        yield from _logs(directory, database.path)


def _versions() -> Iterator[Finding]:
    python = platform.python_version()
    if sys.version_info < _OLDEST_PYTHON:
        yield Finding("fails", "Python", python, "use Python 3.11 or later")
    else:
        yield Finding("fine", "Python", python)
    yield Finding("fine", "stormwatch", __version__)
    for package in _PACKAGES:
        try:
            yield Finding("fine", package, metadata.version(package))
        except metadata.PackageNotFoundError:
            yield Finding("fails", package, "not installed", "install stormwatch again")


def _limits() -> Iterator[Finding]:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < _FEW_DESCRIPTORS:
        yield Finding("watch", "open files", str(soft), "raise it with ulimit -n")
    else:
        yield Finding("fine", "open files", str(soft))
    for name, least in _INOTIFY_LIMITS.items():
        try:
            limit = int((_INOTIFY / name).read_text(encoding="ascii"))
        except (OSError, ValueError):
            yield Finding("watch", f"inotify {name}", "unknown", "new lines are found by the clock (--poll)")
            continue
        advice = f"raise it: sysctl fs.inotify.{name}=524288" if limit < least else ""
        yield Finding("watch" if advice else "fine", f"inotify {name}", str(limit), advice)


def _place(path: Path) -> Iterator[Finding]:
    """The disk and the rights where the database is or will be."""
    parent = path.parent
    while not parent.exists():
        parent = parent.parent
    if not os.access(parent, os.W_OK | os.X_OK):
        yield Finding("fails", "database directory", f"{parent}: not writable", "give another file with --db")
    else:
        yield Finding("fine", "database directory", str(parent))
    free = shutil.disk_usage(parent).free
    little = free < _LITTLE_SPACE_BYTES
    advice = "free some: reading pauses on a full disk, and goes on later" if little else ""
    yield Finding("watch" if little else "fine", "free disk space", f"{free / 1e9:,.1f} GB", advice)
    if path.exists() and (mode := stat.S_IMODE(path.stat().st_mode)) & 0o077:
        yield Finding(
            "watch", "database rights", f"{mode:04o}", f"others can read the logs in it: chmod 600 {path}"
        )


def _database(database: Database) -> Iterator[Finding]:
    try:
        owner = ask_owner(database)
        if owner is not None:
            version = owner.sql("SELECT max(version) AS v FROM schema_versions", {}, Bounds()).table[0][0]
            found = f"{database.path}: owned by `{owner.owner.command}` at {owner.owner.url}"
            yield Finding("fine", "database", f"{found}, schema {version}")
            return
        connection = open_reader(database.path)
    except DatabaseMissing:
        yield Finding("fine", "database", f"{database.path}: none yet; `up` and `ingest` make it")
        return
    except StormwatchError as error:
        yield Finding("fails", "database", str(error))
        return
    with connection:
        schema = connection.execute("SELECT max(version) FROM schema_versions").fetchone()
        is_current = Catalog.load().is_installed(connection)
    yield Finding("fine", "database", f"{database.path}: opens, schema {schema[0] if schema else 'unknown'}")
    if not is_current:
        advice = "the next `up`, `ingest` or `sql` puts this version's in"
        yield Finding("watch", "relations", "those of another version", advice)


def _logs(directory: Path, database: Path) -> Iterator[Finding]:
    try:
        check_directory(directory, database)
        found = list(walk(directory, Filter()))
    except (OSError, StormwatchError) as error:
        yield Finding("fails", "log directory", str(error))
        return
    unreadable = [file.path for file in found if not os.access(directory / file.path, os.R_OK)]
    if unreadable:
        what = f"{len(unreadable)} of {len(found)} files not readable, for example {unreadable[0]}"
        yield Finding("fails", "log directory", what, "run as a user who may read them")
    else:
        yield Finding("fine", "log directory", f"{directory}: {len(found)} files")
    kind = _file_system(directory)
    if kind in _REMOTE_FILE_SYSTEMS:
        yield Finding("watch", "file system of the logs", kind, "writes elsewhere wake nobody: use --poll")
    else:
        yield Finding("fine", "file system of the logs", kind)
    yield _birth_times(directory)


def _birth_times(directory: Path) -> Finding:
    """Whether the system tells when a file was made; a new file may have the inode of an old one."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        is_known = file_key(descriptor).birth_ns != 0
    finally:
        os.close(descriptor)
    if is_known:
        return Finding("fine", "birth times of files", "known")
    return Finding("watch", "birth times of files", "unknown", "files are told apart by their content alone")


def _file_system(path: Path) -> str:
    """Type of the file system a path is on, from the mount table; unknown where there is none."""
    resolved = path.resolve()
    best, kind = -1, "unknown"
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return kind
    for line in mounts.splitlines():
        _, mount, found, *_ = line.split(" ")
        point = mount.replace("\\040", " ")
        if resolved.is_relative_to(point) and len(point) >= best:
            best, kind = len(point), found
    return kind
