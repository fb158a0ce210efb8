"""Who asks, and what they may."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Person:
    """Somebody who may look at everything, and perhaps do more."""

    name: str = ""
    """As others know them; empty where nobody signs in."""
    may_ask_sql: bool = True
    """Whether questions of their own in SQL are answered."""
    may_operate: bool = True
    """Whether they may do what is the business of the machine: delete, copy, have files parsed again."""


WHOEVER: Final = Person()
"""Who asks where nobody signs in, and who shows the token."""
NOBODY: Final = Person(may_ask_sql=False, may_operate=False)
"""Who was signed in, and is not any more."""
NO_SQL: Final = (
    "you may look at everything here, but not ask SQL of your own; "
    "whoever runs this can name you in sql_emails, sql_domains or sql_groups of [oidc]"
)
"""What somebody is told who asks it all the same."""


@dataclass(frozen=True)
class Session:
    """Somebody who is signed in, for a while."""

    id: str
    person: Person
    ends_at: float
    """Seconds since 1970."""


def signed(body: Mapping[str, object], field: str, person: Person) -> dict[str, object]:
    """What is asked to be done, under the name of who signed in: they act under no other."""
    return {**body, field: person.name} if person.name else dict(body)
