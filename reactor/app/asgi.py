"""The ASGI application: function endpoints straight from the socket, everything else through Starlette."""

import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request as PageRequest
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from reactor.app.front import front_page
from reactor.app.metrics import metrics_text
from reactor.app.parts import Parts
from reactor.http.authorization import identify
from reactor.http.cors import cors_headers, preflight
from reactor.http.exchange import (
    Answer,
    HttpError,
    Receive,
    Scope,
    Send,
    error_body,
    read_body,
    request_headers,
    respond,
)
from reactor.http.function_api import FunctionApi, Request
from reactor.live.reruns import describe
from reactor.sync.asgi_socket import asgi_socket
from reactor.sync.heartbeat import Heartbeat
from reactor.version import VERSION

__all__ = ["AsgiApp"]

Endpoint = Callable[[Request], Awaitable[Answer]]

_log = logging.getLogger("reactor.http")

_SHOWN_ARGS = 500
_SLASHES = re.compile(r"/{2,}")
_RUN = "/api/run/"


class AsgiApp:
    """Serves one application over HTTP, and over WebSockets where the server has no protocol of ours."""

    def __init__(self, parts: Parts, heartbeat: Heartbeat) -> None:
        self._parts = parts
        self._body_limit = parts.settings.max_body_bytes
        api = FunctionApi(
            parts.database,
            parts.runner,
            parts.queries,
            parts.mutations,
            parts.actions,
            parts.admin,
            parts.tokens.verify,
        )
        self._run_endpoint = api.run
        self._endpoints: dict[tuple[str, str], Endpoint] = {
            ("POST", "/api/query"): api.query,
            ("GET", "/api/query"): api.query_by_get,
            ("POST", "/api/mutation"): api.mutation,
            ("POST", "/api/action"): api.action,
            ("POST", "/api/function"): api.function,
            ("POST", "/api/query_ts"): api.query_ts,
            ("POST", "/api/query_at_ts"): api.query_at_ts,
            ("POST", "/api/query_batch"): api.query_batch,
        }
        self._function_paths = frozenset(path for _, path in self._endpoints)
        self._pages = _pages(parts)
        self._socket: Any = asgi_socket(parts.hub, heartbeat=heartbeat)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection's event stream, as ASGI has it."""
        kind = scope["type"]
        if kind == "http":
            await self._http(scope, receive, send)
        elif kind == "websocket":
            await self._socket(scope, receive, send)
        elif kind == "lifespan":
            await _lifespan(receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"]
        if "//" in path:
            # Clients join an address that ends in a slash with a path that begins with one.
            path = scope["path"] = _SLASHES.sub("/", path)
        headers = request_headers(scope)
        method = scope["method"]
        if method == "OPTIONS" and path.startswith("/api/"):
            await respond(send, *preflight(headers))
            return
        endpoint = self._endpoints.get((method, path))
        if endpoint is None and method == "POST" and path.startswith(_RUN):
            endpoint = self._run_endpoint
        if endpoint is None and path in self._function_paths:
            await respond(send, _wrong_method(path), cors_headers(headers))
            return
        if endpoint is None:
            await self._pages(scope, receive, _with_headers(send, cors_headers(headers)))
            return
        await respond(send, await self._answer(endpoint, scope, receive, headers), cors_headers(headers))

    async def _answer(self, endpoint: Endpoint, scope: Scope, receive: Receive, headers: dict[bytes, bytes]) -> Answer:
        try:
            body = await read_body(receive, headers, self._body_limit)
            rest = scope["path"][len(_RUN) :] if endpoint is self._run_endpoint else ""
            client = scope.get("client")
            return await endpoint(
                Request(headers, body, scope["query_string"], rest, None if client is None else client[0])
            )
        except HttpError as error:
            return error_body(error)
        except Exception:
            _log.exception("%s %s failed inside of Reactor", scope["method"], scope["path"])
            text = "Your request couldn't be completed. Try again later."
            return error_body(HttpError(500, "InternalServerError", text))


def _wrong_method(path: str) -> Answer:
    text = f"{path} takes POST requests" + (", or GET ones." if path == "/api/query" else ".")
    return error_body(HttpError(405, "MethodNotAllowed", text))


def _with_headers(send: Send, headers: list[tuple[bytes, bytes]]) -> Send:
    async def sending(message: Any) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *headers]
        await send(message)

    return sending


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return


def _pages(parts: Parts) -> Starlette:
    """Endpoints that are asked for rarely."""

    async def front(_: PageRequest) -> Response:
        if parts.settings.production:
            return PlainTextResponse("This Reactor deployment is running.\n")
        return HTMLResponse(front_page(parts))

    async def version(_: PageRequest) -> Response:
        return PlainTextResponse(VERSION)

    async def instance_name(_: PageRequest) -> Response:
        return PlainTextResponse("reactor")

    async def health(_: PageRequest) -> Response:
        fault = parts.database.committer.fault
        if fault is not None:
            return JSONResponse({"status": "failing", "reason": str(fault)}, 503)
        return JSONResponse({"status": "ok"})

    async def metrics(_: PageRequest) -> Response:
        return Response(metrics_text(parts), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def live(request: PageRequest) -> Response:
        header = request.headers.get("authorization")
        try:
            identity = identify(None if header is None else header.encode("latin-1"), parts.admin)
            if not identity.is_admin:
                raise HttpError(403, "BadDeployKey", "This endpoint needs the deployment's admin key.")
        except HttpError as error:
            answer = error_body(error)
            return Response(answer.body, answer.status, media_type="application/json")
        return Response(msgspec.json.encode(_live_state(parts)), media_type="application/json")

    return Starlette(
        routes=[
            Route("/", front),
            Route("/version", version),
            Route("/instance_name", instance_name),
            Route("/instance_version", version),
            Route("/healthz", health),
            Route("/metrics", metrics),
            Route("/api/reactor/live", live),
        ]
    )


def _live_state(parts: Parts) -> dict[str, Any]:
    named = parts.database.catalog.index_name
    cache = parts.queries.cache
    return {
        "queries": [
            {
                "query": query.path,
                "args": query.args[:_SHOWN_ARGS].decode("utf-8", "replace"),
                "subscriptions": len(query.subscriptions),
                "runs": query.runs,
                "why": None if query.reason is None else describe(query.reason, named),
            }
            for query in parts.live
        ],
        "recent": parts.rounds.reruns.recent(named),
        "cached": {"results": len(cache), "bytes": cache.bytes, "dropped": cache.drops.recent(named)},
    }
