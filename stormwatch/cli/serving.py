"""Runs an ingester and an HTTP interface over one database until a signal says stop."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ingest.offload import SECOND
from ingest.recall import recaller, surroundings
from ingest.requests import ask
from ingest.service import Ingester, Settings, check_directory
from stormwatch.address import Database
from stormwatch.alerts.config import AlertConfig, load_config
from stormwatch.alerts.desk import Desk
from stormwatch.alerts.service import Alerts
from stormwatch.catalog import Catalog
from stormwatch.cli.talk import escaped_tracebacks, say
from stormwatch.cost import Meter
from stormwatch.errors import ConfigError, ExitCode
from stormwatch.gate import LOOPBACK, Access, is_loopback
from stormwatch.minutes.keeper import leave
from stormwatch.notes import Notebook
from stormwatch.readonly import interrupt_all
from stormwatch.retention.service import Retention
from stormwatch.runtime import Runtime
from stormwatch.storage import MEMORY_LIMIT, Store

if TYPE_CHECKING:
    from types import FrameType

    from stormwatch.sign_in.settings import SignIn

_Handler = Callable[[int, "FrameType | None"], Any]
_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_FIRST_PORT = 8501
_PORTS = 20
_LOOK_S = 1.0
_GRACE_S = 5
"""Time for questions that run when the process is told to stop."""


@dataclass(frozen=True)
class Owned:
    """A database this process owns, the ingester that writes to it, and who watches over it."""

    store: Store
    ingester: Ingester
    alerts: Alerts
    retention: Retention
    runtime: Runtime
    command: str


@contextmanager
def own(
    database: Database,
    settings: Settings,
    command: str,
    alerts: AlertConfig | None = None,
    retention: timedelta | None = None,
) -> Iterator[Owned]:
    """Open the database for writing with its relations in it; nothing in it is started.

    Raises:
        SourceError: the directory is not there, or holds the database.
        StorageError: the database cannot be opened, or another process owns it.
    """
    check_directory(settings.directory, database.path)
    memory = os.environ.get("STORMWATCH_MEMORY", MEMORY_LIMIT)
    with escaped_tracebacks(), Store(database.path, command=command, memory_limit=memory) as store:
        catalog = Catalog.load()
        with store.cursor() as cursor:
            catalog.install(cursor)
        leave(store)
        ingester = Ingester(store, settings)
        config = alerts or AlertConfig({}, {})
        keeper = Retention(store, retention)
        watcher = Alerts(store, catalog, config, ingester.status)
        runtime = Runtime(
            database=store.path,
            cursor=store.cursor,
            catalog=catalog,
            status=ingester.status,
            snapshot=store.snapshot,
            reingest=lambda patterns: asdict(ask(store, patterns)),
            read_record=recaller(settings.directory, settings.redaction.bytes),
            read_context=surroundings(settings.directory, settings.redaction.bytes),
            notes=Notebook(store),
            retention=keeper,
            beside_version=lambda: store.beside_version,
            meter=Meter(lambda: SECOND.pid),
            alerts=Desk(store, config, lambda: watcher.problem),
        )
        try:
            yield Owned(store, ingester, watcher, keeper, runtime, command)
        finally:
            keeper.stop()
            watcher.stop()
            ingester.close()


def alert_config(database: Database, path: Path | None) -> AlertConfig:
    """The settings of alerts of a database; says which rules cannot be used.

    Raises:
        ConfigError: the file of settings cannot be used.
    """
    config = load_config(database.path, path)
    for problem in config.problems:
        say(problem)
    return config


@contextmanager
def stop_on_signals() -> Iterator[None]:
    """Have SIGTERM and SIGINT end the block in order, and the process with exit code 0.

    The HTTP server takes both while it runs and raises them again when it has stopped.
    """
    before = {number: signal.signal(number, _leave) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def until_stopped() -> Iterator[None]:
    """Around a server that runs: being told to stop is how it ends, not an error."""
    try:
        yield
    except SystemExit as ended:
        if ended.code:
            raise


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(ExitCode.OK)


def following(
    owned: Owned,
    url: str,
    on_ready: Callable[[], None],
    *,
    seconds: float | None = None,
    needs_ingest: bool = False,
) -> Callable[[Any], Any]:
    """The lifespan of a server: follow the directory while it serves at `url`.

    The process is told to stop after `seconds`, if given, and where it `needs_ingest` also when
    reading fails for good.
    """

    def is_over(ends_at: float) -> bool:
        return time.monotonic() >= ends_at or (needs_ingest and owned.ingester.status().state == "failed")

    async def look(told: asyncio.Event) -> None:
        ends_at = float("inf") if seconds is None else time.monotonic() + seconds
        while not told.is_set():
            owned.runtime.meter.sample()
            with suppress(TimeoutError):
                await asyncio.wait_for(told.wait(), min(_LOOK_S, max(0, ends_at - time.monotonic())))
            if is_over(ends_at) and not told.is_set():
                signal.raise_signal(signal.SIGTERM)
                await told.wait()
        # The server waits for answers before it stops; they get a moment, not their whole time-out.
        while True:
            await asyncio.sleep(_LOOK_S)
            interrupt_all()

    @asynccontextmanager
    async def lifespan(_app: object) -> AsyncIterator[None]:
        owned.ingester.start()
        owned.store.announce(owned.command, url=url)
        owned.alerts.start(url)
        owned.retention.start()
        on_ready()
        looking = asyncio.create_task(look(_told_to_stop()))
        yield
        looking.cancel()

    return lifespan


def _told_to_stop() -> asyncio.Event:
    """Set once a signal told the server, which has its own handlers in place, to stop."""
    told, loop = asyncio.Event(), asyncio.get_running_loop()

    def note_before(handler: _Handler) -> _Handler:
        def note(number: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(told.set)
            handler(number, frame)

        return note

    for number in _SIGNALS:
        handler = signal.getsignal(number)
        if callable(handler):
            signal.signal(number, note_before(handler))
    return told


def serve_api(owned: Owned) -> None:
    """Follow the directory and answer questions on a free port of this machine, without pages."""
    import uvicorn
    from starlette.applications import Starlette
    from starlette.middleware import Middleware

    from stormwatch.gate import Gate
    from stormwatch.server import routes

    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        app = Starlette(
            routes=routes(owned.runtime),
            middleware=[Middleware(Gate, access=Access())],
            lifespan=following(
                owned, url, lambda: say(f"answers questions at {url}; Ctrl-C stops"), needs_ingest=True
            ),
        )
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, lifespan="on", timeout_graceful_shutdown=_GRACE_S
        )
        with until_stopped():
            uvicorn.Server(config).run(sockets=[listener])


def access_for(
    host: str, allowed: tuple[str, ...], token: str | None, sign_in: SignIn | None = None
) -> Access:
    """What requests must show when the server listens on `host`, but for the door where people sign in.

    Raises:
        ConfigError: others than this machine could ask, and there is neither a token nor a way to sign in.
    """
    if not is_loopback(host) and not token and sign_in is None:
        raise ConfigError(
            f"--host {host}: everybody who reaches that address could read the logs; "
            "set a secret in $STORMWATCH_TOKEN (or --token), have people sign in ([oidc] in the file of "
            "--config), or listen on 127.0.0.1"
        )
    own = {urlsplit(sign_in.base_url).hostname or host} if sign_in else set()
    names = frozenset({*LOOPBACK, host.lower(), *own, *(name.lower() for name in allowed)})
    return Access(names, accepts_any_address=not is_loopback(host), token=token or None)


def free_port(host: str, wanted: int | None) -> int:
    """The port to listen on: the wanted one (0: any), else the first that is free from 8501 on.

    Raises:
        ConfigError: there is none, or the address is not one of this machine.
    """
    candidates = range(_FIRST_PORT, _FIRST_PORT + _PORTS) if wanted is None else (wanted,)
    for port in candidates:
        with suppress(_PortTakenError):
            return _probe(host, port)
    which = f"ports {candidates[0]} to {candidates[-1]} are" if wanted is None else f"port {wanted} is"
    raise ConfigError(f"{which} in use on {host}; give another one with --port (0: any free one)")


class _PortTakenError(Exception):
    """Another process listens there."""


def _probe(host: str, port: int) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise _PortTakenError from error
            raise ConfigError(f"cannot listen on {host}:{port}: {error.strerror}") from error
        return int(probe.getsockname()[1])
