"""Prints figures of what is found, on simulated systems and on series of others: which part comes first.

    storms     how early and how rightly storms are announced (when no part is named)
    deadlocks  false alarms of the rules about deadlocks, and lock orders that are told of before any

Each part has options of its own: `python -m tests.evaluation deadlocks --help`.
"""

from __future__ import annotations

import sys

from . import deadlocks, storms

PARTS = {"storms": storms.main, "deadlocks": deadlocks.main}


def main() -> None:
    """Run the part that is named."""
    arguments = sys.argv[1:]
    if arguments and arguments[0] in PARTS:
        PARTS[arguments[0]](arguments[1:])
        return
    if arguments and not arguments[0].startswith("-"):
        sys.exit(f"there is no part {arguments[0]}, only {', '.join(PARTS)}")
    if arguments[:1] in (["-h"], ["--help"]):
        print(__doc__)
    storms.main(arguments)


if __name__ == "__main__":
    main()
