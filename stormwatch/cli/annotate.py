"""The verb that adds notes: annotate."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from stormwatch.address import Database
from stormwatch.cli.options import database_option
from stormwatch.errors import ConfigError, DatabaseMissing

if TYPE_CHECKING:
    from stormwatch.client import Remote
    from stormwatch.notes import Notebook


@click.command()
@click.argument("text", required=False)
@click.option("--at", metavar="TIME", help="The instant it is about, UTC: 2026-11-20T10:00.  [default: now]")
@click.option("--until", metavar="TIME", help="Where what it is about ended, UTC.")
@click.option("--by", "author", default=getpass.getuser, show_default="the name you are logged in as",
              metavar="NAME", help="Who says so.")  # fmt: skip
@click.option("--service", metavar="NAME", help="The service it is about.")
@click.option(
    "--remove", "note_id", type=int, metavar="NOTE", help="Take a note back, a number of `query notes`."
)
@database_option
def annotate(
    text: str | None,
    at: str | None,
    until: str | None,
    author: str,
    service: str | None,
    note_id: int | None,
    database: Database,
) -> None:
    """Note that something happened, beside what the log says.

    Notes stand in the lane of changes under the charts, in `query changes` and in reports. TEXT is
    shown as it is written. Instants may have an offset.
    """
    from stormwatch.cli.talk import say

    if (text is None) == (note_id is None):
        raise ConfigError("give a TEXT to note, or the number of a note to --remove")
    if note_id is not None:
        _at_owner(database, lambda owner: owner.remove_note(note_id), lambda book: book.remove(note_id))
        say(f"note {note_id} is taken back")
        return
    body = {"text": text, "at": at, "until": until, "author": author, "service": service}
    made = _at_owner(database, lambda owner: owner.annotate(body), lambda book: book.add(body))
    say(f"note {made['note_id']} at {made['noted_at']}")


def _at_owner(
    database: Database,
    there: Callable[[Remote], Mapping[str, Any]],
    here: Callable[[Notebook], Mapping[str, Any]],
) -> Mapping[str, Any]:
    """Have the owner of the database do something, or own it for a moment."""
    from stormwatch.client import ask_owner
    from stormwatch.notes import Notebook
    from stormwatch.storage import Store

    owner = ask_owner(database)
    if owner is not None:
        return there(owner)
    if not database.path.exists():
        raise DatabaseMissing(f"{database.path}: no such database")
    with Store(database.path, command="stormwatch annotate") as store:
        return here(Notebook(store))


VERBS = (annotate,)
