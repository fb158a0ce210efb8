"""Write the logs of a simulated event-driven system: whole stories, or live.

python simulate.py write DIR --story NAME --seed N --minutes M [--start ISO]
python simulate.py live DIR --story NAME --seed N --speed X [--seconds N]
python simulate.py weeks DIR --days N [--storm SHAPE] [--rate X] [--seed N]
python simulate.py samples DIR
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType

from bulk import write_story
from dialects import DIALECTS
from live import tell
from stories import STORIES, Story, in_dialect

_START = datetime(2026, 3, 2, 9, tzinfo=UTC)
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
_LONGEST = timedelta(days=366)
_MOST_TRAFFIC = 1000
_MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
"""Weeks begin at midnight: nights and weekends are where they belong."""


def _instant(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no instant such as {_START.isoformat()}") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if not _FIRST <= moment < _LAST:
        raise argparse.ArgumentTypeError(f"{text} is not between the years {_FIRST.year} and {_LAST.year}")
    return moment


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return number


def _minutes(text: str) -> float:
    longest = _LONGEST // timedelta(minutes=1)
    if _positive(text) > longest:
        raise argparse.ArgumentTypeError(f"{text} is more than a year, {longest} minutes")
    return float(text)


def _days(text: str) -> float:
    length = timedelta(days=min(_positive(text), 10 * _LONGEST.days))
    if not timedelta(hours=1) <= length <= _LONGEST:
        raise argparse.ArgumentTypeError(f"{text} is not from an hour to a year")
    return float(text)


def _seed(text: str) -> int:
    if int(text) < 0:
        raise argparse.ArgumentTypeError(f"{text} is below 0")
    return int(text)


def _share(text: str) -> float:
    number = float(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not from 0 to 1")
    return number


def _speed(text: str) -> float:
    if _positive(text) > _MOST_TRAFFIC:
        raise argparse.ArgumentTypeError(f"{text} is more than {_MOST_TRAFFIC}")
    return float(text)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="simulate.py", description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    write = commands.add_parser("write", help="a whole story: DIR/logs/*.jsonl and DIR/TRUTH.json")
    live = commands.add_parser("live", help="a story in real time, until it is stopped")
    weeks = commands.add_parser(
        "weeks", help="a system's life and its end: DIR/logs/*.jsonl and DIR/TRUTH.json"
    )
    samples = commands.add_parser("samples", help="every story as it is shipped: DIR/STORY/...")
    for command in (write, live, weeks, samples):
        command.add_argument("directory", type=Path, metavar="DIR")
    write.add_argument("--story", choices=STORIES, required=True)
    live.add_argument("--story", choices=STORIES, default="storm", help="default: storm")
    for command in (write, live):
        command.add_argument("--seed", type=int, help="default: that of the shipped sample")
        command.add_argument(
            "--dialect", choices=DIALECTS, help="of all nodes; default: each service its own"
        )
    write.add_argument("--minutes", type=_minutes, help="default: as long as the story takes")
    for command, start in ((write, _START), (weeks, _MONDAY)):
        command.add_argument("--start", type=_instant, default=start, help=f"default: {start.isoformat()}")
    weeks.add_argument("--days", type=_days, default=7.0, help="default: 7")
    weeks.add_argument("--storm", metavar="SHAPE", help="what comes after those days; default: nothing")
    weeks.add_argument("--rate", type=_positive, default=4.0, help="events a second, on average; default: 4")
    weeks.add_argument(
        "--coverage", type=_share, default=0.95, help="share of effects that name their cause; default: 0.95"
    )
    weeks.add_argument("--seed", type=_seed, default=1, help="default: 1")
    weeks.add_argument("--dialect", choices=DIALECTS, default="canonical", help="default: canonical")
    live.add_argument(
        "--speed",
        type=_speed,
        default=1.0,
        help=f"times as much traffic, at most {_MOST_TRAFFIC}; 1: about 250 lines a second",
    )
    live.add_argument("--seconds", type=_positive, help="of the present, then stop; default: never")
    live.add_argument("--rotate-mb", type=_positive, default=4.0, help="rotate larger files; default: 4")
    return parser


def _live(options: argparse.Namespace, story: Story, seed: int) -> None:
    stopped = False

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal stopped
        stopped = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    written = tell(
        options.directory, story, seed, speed=options.speed,
        rotate_bytes=round(options.rotate_mb * 1e6),
        seconds=options.seconds, is_stopped=lambda: stopped,
    )  # fmt: skip
    sys.stdout.write(json.dumps(asdict(written)) + "\n")


def _weeks(options: argparse.Namespace) -> None:
    # The other commands need nothing but Python.
    import plans
    from week_logs import write_weeks

    if options.storm is None:
        plan = plans.everyday(options.seed, options.days, options.rate, options.coverage)
    elif options.storm in plans.SHAPES:
        calm_min = round(options.days * plans.DAY)
        plan = plans.storm(options.storm, options.seed, options.rate, options.coverage, calm_min=calm_min)
    else:
        raise argparse.ArgumentTypeError(f"--storm: {options.storm} is none of {', '.join(plans.SHAPES)}")
    write_weeks(options.directory, plan, options.seed, options.start, DIALECTS[options.dialect])


def main() -> int:
    """Run the command line; returns the exit code."""
    options = _arguments().parse_args()
    try:
        if options.command == "samples":
            for story in STORIES.values():
                write_story(options.directory / story.name, story, story.seed, story.minutes, _START)
            return 0
        if options.command == "weeks":
            _weeks(options)
            return 0
        story = in_dialect(STORIES[options.story], options.dialect or "")
        seed = story.seed if options.seed is None else options.seed
        if options.command == "live":
            _live(options, story, seed)
        else:
            write_story(options.directory, story, seed, options.minutes or story.minutes, options.start)
    except argparse.ArgumentTypeError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except FileExistsError as error:
        sys.stderr.write(f"{error.filename} exists: remove it or name another directory\n")
        return 2
    except OSError as error:
        sys.stderr.write(f"cannot write logs below {options.directory}: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
