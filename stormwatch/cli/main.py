"""Entry point: the group of all verbs, and how errors leave the program."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click

from stormwatch import __version__
from stormwatch.cli import alerting, annotate, ask, demo, export, keep, look, own, prune, report, understand
from stormwatch.cli.talk import say, say_error
from stormwatch.errors import ExitCode, StormwatchError


class _Verbs(click.Group):
    """Lists the verbs as they were added: what people start with comes first."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            code = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # Who reads the output has seen enough; the flush at exit must not complain either.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return ExitCode.PIPE_CLOSED
        return code

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(self.commands)


@click.group(
    cls=_Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Results go to stdout, everything else to stderr. Exit codes: 0 fine, 1 a finding, "
    "2 wrong arguments or query, 3 the database cannot be used, 130 interrupted.",
)
@click.version_option(__version__, prog_name="stormwatch")
def cli() -> None:
    """Which event caused which, where order breaks, who waits for whom: from logs you already write.

    \b
    Start here:  stormwatch demo         see it on made-up logs, in your browser
                 stormwatch up ./logs    watch a log directory
    """  # noqa: D301 - \b is meant: click folds no lines behind it


_MODULES = (demo, own, understand, look, alerting, annotate, ask, report, export, keep, prune)
for verb in (verb for module in _MODULES for verb in module.VERBS):
    cli.add_command(verb)


@contextmanager
def _warnings_said() -> Iterator[None]:
    """Say what the library warns its users of as everything else is said."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = lambda message, *_, **__: say(str(message))
        yield


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        with _warnings_said():
            code = cli.main(args=arguments, prog_name="stormwatch", standalone_mode=False)
    except (click.Abort, KeyboardInterrupt):
        return ExitCode.INTERRUPTED
    except RuntimeError as error:
        # What DuckDB makes of Ctrl-C during a statement.
        if str(error) != "Query interrupted":
            raise
        return ExitCode.INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except StormwatchError as error:
        say_error(str(error))
        return error.exit_code
    return int(code or ExitCode.OK)


if __name__ == "__main__":
    sys.exit(main())
