"""Prints figures of what is found, on simulated systems and on series of others: which part comes first.

    storms     how early and how rightly storms are announced (when no part is named)
    told       what the rules of alerts tell a person of them, and of weeks without any
    deadlocks  false alarms of the rules about deadlocks, and lock orders that are told of before any
    series     what the rules that fit a plain metric say of labelled series of a benchmark

Each part has options of its own: `python -m tests.evaluation deadlocks --help`.
"""

from __future__ import annotations

import sys

from . import deadlocks, metric_series, storms, told

PARTS = {
    "storms": storms.main,
    "told": told.main,
    "deadlocks": deadlocks.main,
    "series": metric_series.main,
}


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
