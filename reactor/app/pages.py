"""Endpoints that are asked for rarely: versions, health, metrics, what is live."""

import contextlib
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from reactor.app.canary import Canary
from reactor.app.described import Described
from reactor.app.front import front_page
from reactor.app.metrics import measured, metrics_text
from reactor.app.parts import Parts
from reactor.app.web_page import WebPage
from reactor.http.authorization import identify
from reactor.http.exchange import HttpError, error_body, read_body
from reactor.live.reruns import describe
from reactor.version import VERSION

__all__ = ["pages"]

_SHOWN_ARGS = 500


def pages(parts: Parts) -> Starlette:
    """An application of them. What is not there is answered with 404 and no body, as official tools expect."""
    mine = _Pages(parts)
    return Starlette(
        routes=[
            Route("/", mine.front),
            Route("/_reactor", mine.about),
            Route("/_reactor/openapi.json", mine.described.serve),
            Route("/version", _version),
            Route("/instance_name", _instance_name),
            Route("/instance_version", _version),
            Route("/echo", mine.echo, methods=["POST"]),
            Route("/healthz", mine.health),
            Route("/metrics", mine.metrics),
            Route("/api/sync", _no_upgrade),
            Route("/api/{version}/sync", _no_upgrade),
            Route("/api/reactor/live", mine.live),
        ],
        exception_handlers={404: mine.other, 405: _wrong_method, HttpError: _refused},
    )


class _Pages:
    """Those that show something of the server."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._canary = Canary(parts)
        self.described = Described(parts)
        folder = parts.settings.page
        self.page = None if folder is None else WebPage(folder)

    async def front(self, request: Request) -> Response:
        if self.page is not None and self.page.exists:
            return await self.page.serve(request)
        return await self.about(request)

    async def other(self, request: Request, _: Exception) -> Response:
        """What no route has: perhaps a file of the page."""
        if self.page is not None:
            with contextlib.suppress(HTTPException):
                return await self.page.serve(request)
        return Response(status_code=404)

    async def about(self, _: Request) -> Response:
        if self._parts.settings.production:
            return PlainTextResponse("This Reactor deployment is running.\n")
        return HTMLResponse(front_page(self._parts))

    async def echo(self, request: Request) -> Response:
        settings, headers = self._parts.settings, dict(request.scope["headers"])
        body = await read_body(request.receive, headers, settings.max_body_bytes, settings.body_seconds)
        return Response(body, media_type=request.headers.get("content-type", "application/octet-stream"))

    async def health(self, _: Request) -> Response:
        reason = self._parts.unfit or await self._canary.check()
        if reason is not None:
            return JSONResponse({"status": "failing", "reason": reason}, 503)
        return JSONResponse({"status": "ok"})

    async def metrics(self, _: Request) -> Response:
        metrics = await self._parts.together(measured(self._parts))
        return Response(metrics_text(metrics), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def live(self, request: Request) -> Response:
        header = request.headers.get("authorization")
        identity = identify(None if header is None else header.encode("latin-1"), self._parts.admin)
        if not identity.is_admin:
            raise HttpError(403, "BadDeployKey", "This endpoint needs the deployment's admin key.")
        return Response(msgspec.json.encode(_live_state(self._parts)), media_type="application/json")


async def _version(_: Request) -> Response:
    return PlainTextResponse(VERSION)


async def _instance_name(_: Request) -> Response:
    return PlainTextResponse("reactor")


async def _no_upgrade(request: Request) -> Response:
    text = "This is a WebSocket: connect to it with a client library."
    response = await _refused(request, HttpError(426, "UpgradeRequired", text))
    response.headers["upgrade"] = "websocket"
    return response


async def _wrong_method(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    text = f"{request.url.path} does not take {request.method}."
    response = await _refused(request, HttpError(405, "MethodNotAllowed", text))
    response.headers.update(error.headers or {})
    return response


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, HttpError)
    answer = error_body(error)
    return Response(answer.body, answer.status, media_type="application/json")


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
