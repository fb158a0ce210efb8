"""Has stored files parsed again, by the process that owns the database or here."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from stormwatch.address import Database
from stormwatch.cli.talk import say
from stormwatch.client import Bounds, Data, Local, Remote
from stormwatch.errors import ExitCode
from stormwatch.storage import open_reader

if TYPE_CHECKING:
    from ingest.service import Settings

_EVERY_S: Final = 0.2
_WAITING: Final = "SELECT count(*) AS n FROM rereads WHERE finished_at IS NULL"
_GIVEN_UP: Final = """
SELECT files.path, rereads.problem
FROM rereads INNER JOIN files ON rereads.file_id = files.file_id
WHERE rereads.problem IS NOT NULL AND rereads.reread_id = (SELECT max(reread_id) FROM rereads)
ORDER BY ALL
"""


def reingest_there(owner: Remote, paths: Sequence[str]) -> int:
    """Ask the owner, and wait until it is done."""
    _say_asked(owner.reingest(paths))
    while owner.sql(_WAITING, {}, Bounds()).table.to_pylist()[0]["n"]:
        time.sleep(_EVERY_S)
    return _judge(owner)


def reingest_here(paths: Sequence[str], database: Database, settings: Settings) -> int:
    """Own the database for as long as it takes."""
    from dataclasses import asdict

    from ingest.requests import ask
    from stormwatch.cli.serving import own, stop_on_signals

    with stop_on_signals(), own(database, settings, "stormwatch reingest") as owned:
        _say_asked(asdict(ask(owned.store, paths)))
        owned.ingester.reread()
    return _judge(Local(open_reader(database.path)))


def _say_asked(asked: dict[str, Any]) -> None:
    files = asked["files"]
    say(f"{len(files)} files, {asked['bytes']:,} bytes are parsed again")


def _judge(data: Data) -> int:
    given_up = data.sql(_GIVEN_UP, {}, Bounds()).table.to_pylist()
    for row in given_up:
        say(f"{row['path']}: left as it was: {row['problem']}")
    return ExitCode.FINDINGS if given_up else ExitCode.OK
