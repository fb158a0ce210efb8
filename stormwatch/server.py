"""The HTTP interface of a process that owns a database: health, metrics, queries, snapshot.

Docs of every route: docs/http-api.md. Nothing here knows who reads the logs or draws the pages:
they are handed in as a `Runtime`.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from stormwatch import __version__
from stormwatch.alerts.desk import Desk
from stormwatch.alerts.requests import change_alerts
from stormwatch.catalog import Query
from stormwatch.errors import ConfigError, NotPermitted, QueryError, QueryTimeout, RouteError, StormwatchError
from stormwatch.export import arrow_of, csv_of, plain_rows, plain_value
from stormwatch.gate import PERSON, is_loopback
from stormwatch.metrics import metrics_text
from stormwatch.people import NO_SQL, Person, signed
from stormwatch.readonly import Answer, check_arguments, data_version, run_readonly
from stormwatch.runtime import Runtime

MAX_ROWS: Final = 1_000_000
"""No answer holds more rows than this, whatever is asked for."""
DEFAULT_ROWS: Final = 10_000
MAX_TIMEOUT_S: Final = 600.0
DEFAULT_TIMEOUT_S: Final = 30.0
ARROW_TYPE: Final = "application/vnd.apache.arrow.stream"

_MAX_BODY_BYTES: Final = 1 << 20
_AT_ONCE: Final = 4
"""So many questions run at a time; the others wait, so that reading the logs goes on."""
_NOT_PARAMETERS: Final = ("format", "limit", "timeout")
"""What an address of /api/queries/NAME may say beside the parameters of the relation."""


@dataclass(frozen=True)
class _Options:
    format: str
    row_limit: int
    timeout_s: float


def routes(runtime: Runtime) -> list[Route]:
    """All routes; everything but their paths is decided by `runtime`."""
    api = _Api(runtime)
    known = [
        Route("/healthz", _guarded(api.health)),
        Route("/metrics", _guarded(api.metrics)),
        Route("/api/status", _guarded(api.status)),
        Route("/api/sql", _guarded(api.sql), methods=["POST"]),
        Route("/api/queries", _guarded(api.queries)),
        Route("/api/queries/{name}", _guarded(api.query)),
        Route("/api/alerts", _guarded(api.alerts)),
        Route("/api/alerts/{action}", _guarded(api.change_alerts), methods=["POST"]),
        Route("/api/notes", _guarded(api.notes)),
        Route("/api/notes", _guarded(api.add_note), methods=["POST"]),
        Route("/api/notes/{note_id:int}", _guarded(api.remove_note), methods=["DELETE"]),
        Route("/api/reingest", _guarded(api.reingest), methods=["POST"]),
        Route("/api/snapshot", _guarded(api.snapshot), methods=["POST"]),
        Route("/api/prune", _guarded(api.prune), methods=["POST"]),
    ]
    # Whoever serves pages as well would answer all other addresses with a page.
    return [*known, Route("/api", _Nothing(known)), Route("/api/{rest:path}", _Nothing(known))]


class _Nothing:
    """ASGI application that answers, to any method, that there is nothing of the kind."""

    def __init__(self, known: list[Route]) -> None:
        self._known = known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, method = scope["path"], scope["method"]
        allowed = {
            name for route in self._known if route.path_regex.match(path) for name in route.methods or ()
        }
        if allowed:
            methods = ", ".join(sorted(allowed))
            error, status, headers = f"{path} answers {methods}, not {method}", 405, {"allow": methods}
        else:
            error, status, headers = f"there is no {path}; docs/http-api.md lists what there is", 404, {}
        response = JSONResponse({"error": error, "kind": "NotFound"}, status, headers)
        await response(scope, receive, send)


_Endpoint = Callable[[Request], Awaitable[Response]]


def _guarded(endpoint: _Endpoint) -> _Endpoint:
    """The endpoint, with errors that have a message for the user as answers."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except StormwatchError as error:
            content = {"error": str(error), "kind": type(error).__name__}
            return JSONResponse(content, _status_of(error))

    return answer


def _status_of(error: StormwatchError) -> int:
    if isinstance(error, QueryTimeout):
        return 504
    if isinstance(error, RouteError):
        return 502
    if isinstance(error, NotPermitted):
        return 403
    return 400 if isinstance(error, (QueryError, ConfigError)) else 503


class _Api:
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def health(self, _: Request) -> Response:
        status, desk = self._runtime.status(), self._runtime.alerts
        content = {
            "state": status.state,
            "reason": status.detail,
            "backlog_bytes": status.backlog_bytes,
            "last_commit_at": plain_value(status.last_commit_at),
            "alerts_problem": desk.problem() if desk else None,
        }
        return JSONResponse(content, 503 if status.state in {"failed", "paused"} else 200)

    async def metrics(self, _: Request) -> Response:
        text = await asyncio.to_thread(metrics_text, self._runtime)
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    async def status(self, _: Request) -> Response:
        return JSONResponse(await asyncio.to_thread(self._status))

    def _status(self) -> dict[str, object]:
        with self._runtime.cursor() as cursor:
            version, complete_to = data_version(cursor)
        ingest = {name: plain_value(value) for name, value in asdict(self._runtime.status()).items()}
        return {
            **ingest,
            "version": __version__,
            "pid": os.getpid(),
            "database": str(self._runtime.database),
            "data_version": version,
            "complete_to": plain_value(complete_to),
            "retention": self._runtime.retention.status().plain(),
        }

    async def sql(self, request: Request) -> Response:
        if not _person(request).may_ask_sql:
            raise NotPermitted(NO_SQL)
        body = await _json_body(request)
        sql, params = body.pop("sql", None), body.pop("params", None)
        if not isinstance(sql, str):
            raise ConfigError('sql is missing; send {"sql": "SELECT ..."}')
        if not isinstance(params, (dict, list, type(None))):
            raise ConfigError("params must be an object (for $name) or an array (for ?)")
        options = _options(body.pop("format", None), body.pop("row_limit", None), body.pop("timeout", None))
        if body:
            raise ConfigError(f"not understood: {', '.join(sorted(body))}")
        return await self._ask(sql, params, options)

    async def queries(self, _: Request) -> Response:
        public = [query for query in self._runtime.catalog.values() if not query.is_internal]
        return JSONResponse([_described(query) for query in sorted(public, key=lambda query: query.name)])

    async def query(self, request: Request) -> Response:
        return await self._relation(request.path_params["name"], request)

    async def _relation(self, name: str, request: Request) -> Response:
        given = dict(request.query_params.multi_items())
        options = _options(*(given.pop(name, None) for name in _NOT_PARAMETERS))
        sql, params = self._runtime.catalog.call(name, given)
        await asyncio.to_thread(self._check, name, given)
        return await self._ask(sql, params, options)

    def _check(self, name: str, given: Mapping[str, object]) -> None:
        with self._runtime.cursor() as cursor:
            check_arguments(cursor, self._runtime.catalog[name], given)

    async def _ask(
        self, sql: str, params: Mapping[str, object] | list[object] | None, options: _Options
    ) -> Response:
        async with self._turns:
            return await asyncio.to_thread(self._answer, sql, params, options)

    def _answer(
        self, sql: str, params: Mapping[str, object] | list[object] | None, options: _Options
    ) -> Response:
        with self._runtime.cursor() as cursor:
            answer = run_readonly(
                cursor, sql, params, row_limit=options.row_limit, timeout_s=options.timeout_s
            )
        return _FORMATS[options.format](answer)

    async def reingest(self, request: Request) -> Response:
        _check_operates(request)
        paths = (await _json_body(request)).get("paths")
        if not isinstance(paths, list) or not paths or not all(isinstance(path, str) for path in paths):
            raise ConfigError('paths must be an array of paths or patterns: {"paths": ["billing/*.log"]}')
        return JSONResponse(await asyncio.to_thread(self._runtime.reingest, paths))

    async def notes(self, request: Request) -> Response:
        return await self._relation("notes", request)

    async def add_note(self, request: Request) -> Response:
        body = signed(await _json_body(request), "author", _person(request))
        return JSONResponse(await asyncio.to_thread(self._runtime.notes.add, body))

    async def remove_note(self, request: Request) -> Response:
        note_id = request.path_params["note_id"]
        return JSONResponse(await asyncio.to_thread(self._runtime.notes.remove, note_id))

    async def alerts(self, _: Request) -> Response:
        return JSONResponse(await asyncio.to_thread(self._desk().overview))

    async def change_alerts(self, request: Request) -> Response:
        action = request.path_params["action"]
        body = signed(await _json_body(request), "owner", _person(request))
        return JSONResponse(await asyncio.to_thread(change_alerts, self._desk(), action, body))

    def _desk(self) -> Desk:
        if self._runtime.alerts is None:
            raise ConfigError("nobody evaluates rules in this process")
        return self._runtime.alerts

    async def prune(self, request: Request) -> Response:
        _check_is_here(request, "what is deleted does not come back: it is asked for on this machine")
        body = await _json_body(request)
        return JSONResponse(await asyncio.to_thread(self._runtime.retention.prune, body))

    async def snapshot(self, request: Request) -> Response:
        _check_is_here(request, "a snapshot is written to this machine's disk and asked for on this machine")
        body = await _json_body(request)
        destination, replace = body.get("destination"), body.get("replace", False)
        if not isinstance(destination, str) or not Path(destination).is_absolute():
            raise ConfigError("destination must be an absolute path")
        if not isinstance(replace, bool):
            raise ConfigError("replace must be true or false")
        await asyncio.to_thread(write_snapshot, self._runtime.snapshot, Path(destination), replace=replace)
        return JSONResponse({"destination": destination, "size_bytes": Path(destination).stat().st_size})


def _person(request: Request) -> Person:
    """Who asks, as the gate found out."""
    person: Person = request.scope[PERSON]
    return person


def _check_operates(request: Request) -> None:
    if not _person(request).may_operate:
        raise NotPermitted("this is for programs that show the token, not for people who sign in")


def _check_is_here(request: Request, why: str) -> None:
    _check_operates(request)
    if request.client is None or not is_loopback(request.client.host):
        raise ConfigError(why)


def write_snapshot(snapshot: Callable[[Path], None], destination: Path, *, replace: bool) -> None:
    """Copy the database to `destination`.

    Raises:
        ConfigError: something is there and `replace` does not say that it may go.
        StorageError: the copy cannot be written.
    """
    if destination.exists() and not replace:
        raise ConfigError(f"{destination}: is there already; give another name, or --replace")
    snapshot(destination)


async def _json_body(request: Request) -> dict[str, Any]:
    # A form of a foreign page can post, but not with this type; asking first is refused.
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise ConfigError("send JSON, with 'Content-Type: application/json'")
    content = bytearray()
    async for part in request.stream():
        content += part
        if len(content) > _MAX_BODY_BYTES:
            raise ConfigError(f"the request is longer than {_MAX_BODY_BYTES} bytes")
    try:
        body = json.loads(content)
    except ValueError as error:
        raise ConfigError(f"the request is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise ConfigError("the request must be a JSON object")
    return body


def _options(form: object, row_limit: object, timeout: object) -> _Options:
    if form is not None and form not in _FORMATS:
        raise ConfigError(f"format {form!r}: expected one of {', '.join(_FORMATS)}")
    rows = _number("row limit", row_limit, DEFAULT_ROWS, MAX_ROWS)
    seconds = _number("timeout", timeout, DEFAULT_TIMEOUT_S, MAX_TIMEOUT_S)
    return _Options(str(form or "json"), int(rows), seconds)


def _number(name: str, given: object, default: float, most: float) -> float:
    if given is None:
        return default
    try:
        value = float(str(given))
    except ValueError:
        value = 0
    if not 0 < value <= most:
        raise ConfigError(f"{name} {given!r}: expected a number above 0, at most {most:g}")
    return value


def _described(query: Query) -> dict[str, object]:
    return {
        "name": query.name,
        "question": query.question,
        "description": query.description,
        "example": query.example,
        "parameters": [asdict(parameter) for parameter in query.parameters],
        "columns": [asdict(column) for column in query.columns],
    }


def _about(answer: Answer) -> dict[str, object]:
    return {
        "data_version": answer.data_version,
        "complete_to": plain_value(answer.complete_to),
        "is_truncated": answer.is_truncated,
        "elapsed_ms": round(answer.elapsed_ms, 3),
    }


def _headers(answer: Answer) -> dict[str, str]:
    return {
        "x-stormwatch-" + name.replace("_", "-"): json.dumps(value).strip('"')
        for name, value in _about(answer).items()
    }


def _json(answer: Answer) -> Response:
    columns = [{"name": field.name, "type": str(field.type)} for field in answer.table.schema]
    content = {**_about(answer), "columns": columns, "rows": plain_rows(answer.table)}
    return JSONResponse(content, headers=_headers(answer))


def _csv(answer: Answer) -> Response:
    return Response(csv_of(answer.table), media_type="text/csv", headers=_headers(answer))


def _arrow(answer: Answer) -> Response:
    return Response(arrow_of(answer.table), media_type=ARROW_TYPE, headers=_headers(answer))


_FORMATS: Final[dict[str, Callable[[Answer], Response]]] = {"json": _json, "csv": _csv, "arrow": _arrow}
