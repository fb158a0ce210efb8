"""The verb that adds notes: annotate."""

from __future__ import annotations

import getpass

import click

from stormwatch.address import Database
from stormwatch.cli.options import database_option
from stormwatch.errors import ConfigError

_COMMAND = "stormwatch annotate"


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
    from stormwatch.cli.owner import at_owner
    from stormwatch.cli.talk import say
    from stormwatch.notes import Notebook

    if (text is None) == (note_id is None):
        raise ConfigError("give a TEXT to note, or the number of a note to --remove")
    if note_id is not None:
        at_owner(
            database, _COMMAND,
            lambda owner: owner.remove_note(note_id), lambda store: Notebook(store).remove(note_id),
        )  # fmt: skip
        say(f"note {note_id} is taken back")
        return
    body = {"text": text, "at": at, "until": until, "author": author, "service": service}
    made = at_owner(
        database, _COMMAND, lambda owner: owner.annotate(body), lambda store: Notebook(store).add(body)
    )
    say(f"note {made['note_id']} at {made['noted_at']}")


VERBS = (annotate,)
