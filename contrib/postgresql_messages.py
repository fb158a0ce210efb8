"""Bring ingest/formats/postgresql_messages.json up to date with message catalogues of PostgreSQL.

    python -m contrib.postgresql_messages /usr/share/locale/*/LC_MESSAGES/postgres-*.mo

What it knows of catalogues that are not given stays. Debian has them in postgresql-15 and its like; from a
`.po` file `msgfmt` makes a `.mo` file.
"""

from __future__ import annotations

import gettext
import json
import re
import sys
from pathlib import Path
from typing import Final

from ingest.formats.postgresql_words import MESSAGES

FILE: Final = Path(__file__).parents[1] / "ingest/formats/postgresql_messages.json"


def _read(path: Path) -> tuple[str, dict[str, str]]:
    """What a catalogue is called, and the messages that it has in another language."""
    with path.open("rb") as file:
        catalogue = gettext.GNUTranslations(file)
    about = catalogue.info()
    version = re.search(r"\d+(?:\.\d+)*", about["project-id-version"])
    name = f"{about['language']} {version[0] if version else ''}".strip()
    there = {message: catalogue.gettext(message) for message in MESSAGES}
    return name, {message: said for message, said in there.items() if said != message}


def write(file: Path, catalogues: list[Path]) -> None:
    """Add what the catalogues say to a file, in place of what it knew of the same ones."""
    content = json.loads(file.read_text(encoding="utf-8"))
    known = {**content["catalogues"], **dict(map(_read, catalogues))}
    content["catalogues"] = dict(sorted(known.items()))
    file.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(FILE, [Path(argument) for argument in sys.argv[1:]])
