"""Options that several verbs share."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from stormwatch.address import Database

if TYPE_CHECKING:
    from ingest.mapping import FieldMapping
    from ingest.service import Settings
    from stormwatch.sign_in.settings import SignIn

_Verb = TypeVar("_Verb", bound=Callable[..., Any])

FORMATS = ("table", "json", "csv", "parquet", "arrow")


@dataclass(frozen=True)
class Sources:
    """Which files are logs, and how they are read."""

    include: tuple[str, ...]
    exclude: tuple[str, ...]
    maps: tuple[str, ...]
    zones: tuple[str, ...]
    year: str | None
    config: Path | None
    poll: bool
    keep_secrets: bool
    kept: str | None = None
    """How far back events are kept, where that was said."""

    def mapping(self) -> FieldMapping:
        """What the options say about fields, before what the file says.

        Raises:
            ConfigError: an option or the file is not understood.
        """
        from ingest.mapping import FieldMapping, beginning_from, from_options, load_mapping, zones_from

        rules, zones = from_options(self.maps).rules, zones_from(self.zones)
        beginning = None if self.year is None else beginning_from(self.year)
        if self.config is not None:
            loaded = load_mapping(self.config)
            rules, zones = rules + loaded.rules, {**loaded.zones, **zones}
            beginning = beginning or loaded.beginning
        return FieldMapping(rules, zones, beginning)

    def retention(self) -> timedelta | None:
        """How far back events are kept, as was said, else as the file says; None: everything is.

        Raises:
            ConfigError: it is no age, or the file cannot be read.
        """
        from stormwatch.retention.ages import retention_of

        if self.kept is not None or self.config is None:
            return retention_of(self.kept, "--retention")
        from ingest.mapping import read_config

        return retention_of(read_config(self.config).get("retention"), f"{self.config}: retention")

    def sign_in(self, *, is_local: bool) -> SignIn | None:
        """How people sign in, as the environment and the file say; None: they do not.

        Raises:
            ConfigError: as `settings_of`, or the file cannot be read.
        """
        from ingest.mapping import read_config
        from stormwatch.sign_in.settings import settings_of

        table = read_config(self.config).get("oidc") if self.config else None
        return settings_of(table, self.config, os.environ, is_local=is_local)

    def settings(self, directory: Path) -> Settings:
        """The settings of an ingester of `directory`.

        Raises:
            ConfigError: as `mapping`.
        """
        from ingest.discovery import Filter
        from ingest.service import Settings
        from stormwatch.redaction import Redaction

        return Settings(
            directory,
            accepted=Filter(self.include, self.exclude),
            mapping=self.mapping(),
            redaction=Redaction(is_on=not self.keep_secrets),
            watch="poll" if self.poll else "auto",
        )


@dataclass(frozen=True)
class Output:
    """How results are written, and where: None is stdout."""

    format: str
    path: Path | None


def database_option(verb: _Verb) -> _Verb:
    """`--db` and `--token` as the argument `database` (Database)."""

    @functools.wraps(verb)
    def with_database(*args: Any, db: Path, token: str | None, **kwargs: Any) -> Any:
        return verb(*args, database=Database(db.absolute(), token), **kwargs)

    path = click.option(
        "--db", type=click.Path(dir_okay=False, path_type=Path), envvar="STORMWATCH_DB",
        default="stormwatch.duckdb", show_default="$STORMWATCH_DB or ./stormwatch.duckdb",
        help="Database file.",
    )  # fmt: skip
    token = click.option(
        "--token", envvar="STORMWATCH_TOKEN", metavar="TEXT",
        help="Token of the HTTP interface (better in $STORMWATCH_TOKEN, where no process list shows it).",
    )  # fmt: skip
    return path(token(with_database))  # type: ignore[return-value]


def source_options(verb: _Verb) -> _Verb:
    """The options about log files as the argument `sources` (Sources)."""

    @functools.wraps(verb)
    def with_sources(
        *args: Any,
        include: tuple[str, ...],
        exclude: tuple[str, ...],
        maps: tuple[str, ...],
        zones: tuple[str, ...],
        year: str | None,
        config: Path | None,
        poll: bool,
        keep_secrets: bool,
        **kwargs: Any,
    ) -> Any:
        return verb(
            *args, sources=Sources(include, exclude, maps, zones, year, config, poll, keep_secrets), **kwargs
        )

    added: Any = with_sources
    for option in reversed((
        click.option("--include", multiple=True, metavar="GLOB",
                     help="Read only files of such a name or path; may be repeated, as all of these."),
        click.option("--exclude", multiple=True, metavar="GLOB", help="Leave out such files."),
        click.option("--map", "maps", multiple=True, metavar="ROLE=FIELD",
                     help="Say which field is what: --map id=event.key --map cause=meta.parent"),
        click.option("--zone", "zones", multiple=True, metavar="NAME=OFFSET",
                     help="What a zone abbreviation means that may mean several: --zone CST=+08:00"),
        click.option("--year", metavar="YEAR[-MONTH]",
                     help="When logs begin whose days have no year: they end within twelve months."),
        click.option("--config", type=click.Path(exists=True, dir_okay=False, path_type=Path),
                     metavar="FILE.toml", help="Mapping tables, per path; retention; who may sign in."),
        click.option("--poll", is_flag=True, help="Look by the clock; for NFS and some containers."),
        click.option("--keep-secrets", is_flag=True,
                     help="Store what looks like passwords and tokens as it is, in place of [redacted]."),
    )):  # fmt: skip
        added = option(added)
    return added  # type: ignore[no-any-return]


def retention_option(verb: _Verb) -> _Verb:
    """`--retention`, below `source_options`: it goes into the argument `sources`."""

    @functools.wraps(verb)
    def with_retention(*args: Any, sources: Sources, retention: str | None, **kwargs: Any) -> Any:
        return verb(*args, sources=replace(sources, kept=retention), **kwargs)

    option = click.option(
        "--retention", metavar="AGE", envvar="STORMWATCH_RETENTION",
        show_default="$STORMWATCH_RETENTION, or of --config, or off",
        help="Delete what is older than the newest event by this: 30d, 36h, 4w; off.",
    )  # fmt: skip
    return option(with_retention)  # type: ignore[return-value]


def alerts_option(verb: _Verb) -> _Verb:
    """`--alerts` as the argument `alerts` (Path or None)."""
    return click.option(
        "--alerts", type=click.Path(exists=True, dir_okay=False, path_type=Path), envvar="STORMWATCH_ALERTS",
        metavar="FILE.toml", show_default="alerts.toml beside the database",
        help="Routes of alerts, rules of your own, the pace of the log.",
    )(verb)  # fmt: skip


def output_options(verb: _Verb) -> _Verb:
    """`--format` and `--output` as the argument `output` (Output)."""

    @functools.wraps(verb)
    def with_output(*args: Any, form: str, path: Path | None, **kwargs: Any) -> Any:
        return verb(*args, output=Output(form, path), **kwargs)

    form = click.option(
        "--format", "form", type=click.Choice(FORMATS), default="table", show_default=True,
        help="How results are written.",
    )  # fmt: skip
    path = click.option(
        "-o", "--output", "path", type=click.Path(dir_okay=False, path_type=Path),
        help="Write them to this file in place of stdout.",
    )  # fmt: skip
    return form(path(with_output))  # type: ignore[return-value]


def limit_options(verb: _Verb) -> _Verb:
    """`--limit` (rows) and `--timeout` (seconds)."""
    limit = click.option(
        "--limit", type=click.IntRange(1, 1_000_000), default=10_000, show_default=True,
        help="Rows at most.",
    )  # fmt: skip
    timeout = click.option(
        "--timeout", type=click.FloatRange(0, 600, min_open=True), default=30.0, show_default=True,
        help="Seconds the query may run.",
    )  # fmt: skip
    return limit(timeout(verb))
