"""The ASGI applications: functions and HTTP actions straight from the socket, everything else through Starlette."""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from reactor.app.pages import pages
from reactor.app.parts import Parts
from reactor.http.action_request import raw_path
from reactor.http.client_support import client_support
from reactor.http.cors import cors_headers, preflight
from reactor.http.environment_api import EnvironmentApi
from reactor.http.exchange import (
    Answer,
    HttpError,
    Receive,
    Scope,
    Send,
    WrongMethod,
    error_body,
    read_body,
    request_headers,
    respond,
    server_stopping,
)
from reactor.http.file_api import ROOT
from reactor.http.function_api import FunctionApi, Request
from reactor.http.http_actions import HttpActions
from reactor.sync.asgi_socket import asgi_socket
from reactor.sync.connection import Connection, Refusal, Welcome
from reactor.sync.heartbeat import Heartbeat

__all__ = ["AsgiApp", "SiteApp", "http_actions"]

Endpoint = Callable[[Request], Awaitable[Answer]]

_log = logging.getLogger("reactor.http")

_SLASHES = re.compile(r"/{2,}")
_RUN = "/api/run/"
_SITE = re.compile(r"/+http(?=/|$)")


def http_actions(parts: Parts) -> HttpActions:
    """The HTTP endpoints of an application."""
    return HttpActions(
        lambda: parts.application.registry.http,
        parts.actions,
        parts.tokens.verify,
        traffic=parts.traffic,
        max_request=parts.settings.max_http_request_bytes,
        max_response=parts.settings.max_http_response_bytes,
        refusal=lambda: _refusal(parts),
    )


def _refusal(parts: Parts) -> HttpError | None:
    """Why this server serves nobody; None: it does."""
    refusal = parts.hub.refusal
    return None if refusal is None else HttpError(refusal.status, refusal.body["code"], refusal.body["message"])


class AsgiApp:
    """Serves one application over HTTP, and over WebSockets where the server has no protocol of ours."""

    def __init__(self, parts: Parts, heartbeat: Heartbeat) -> None:
        self._parts = parts
        self._body_limit, self._body_seconds = parts.settings.max_body_bytes, parts.settings.body_seconds
        api = FunctionApi(
            parts.database,
            parts.runner,
            parts.queries,
            parts.mutations,
            parts.actions,
            parts.admin,
            parts.tokens.verify,
        )
        environment = EnvironmentApi(parts.database, parts.admin)
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
            ("POST", "/api/update_environment_variables"): environment.update,
            ("GET", "/api/list_environment_variables"): environment.list,
        }
        self._files = parts.file_api
        self._pages = pages(parts)
        self._http_actions = http_actions(parts)
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
        method = scope["method"]
        endpoint = self._endpoints.get((method, path))
        if endpoint is None and method == "POST" and path.startswith(_RUN):
            endpoint = self._run_endpoint
        if endpoint is None and path.startswith(ROOT) and method != "OPTIONS":
            if (refusal := _refusal(self._parts)) is not None:
                await respond(send, error_body(refusal), cors_headers(request_headers(scope)))
            else:
                await self._files(scope, receive, send)
            return
        if endpoint is None:
            await self._other(scope, receive, send)
            return
        headers = request_headers(scope)
        support = client_support(headers.get(b"convex-client"))
        answer = await self._answer(endpoint, scope, receive, headers)
        await respond(send, answer, [*cors_headers(headers), *support.headers])

    async def _answer(self, endpoint: Endpoint, scope: Scope, receive: Receive, headers: dict[bytes, bytes]) -> Answer:
        try:
            client_support(headers.get(b"convex-client")).check()
            if self._parts.hub.refusal is not None and (refusal := _refusal(self._parts)) is not None:
                raise refusal
            body = await read_body(receive, headers, self._body_limit, self._body_seconds)
            rest = scope["path"][len(_RUN) :] if endpoint is self._run_endpoint else ""
            client = scope.get("client")
            return await endpoint(
                Request(headers, body, scope["query_string"], rest, None if client is None else client[0])
            )
        except HttpError as error:
            return error_body(error)
        except asyncio.CancelledError:
            # Only a server that stops ends a call; left to go up it would be answered as a failure inside of uvicorn.
            return error_body(server_stopping())
        except Exception:
            # Quoted: a path may have line breaks, which would look like lines of ours.
            _log.exception("%s %r failed inside of Reactor", scope["method"], scope["path"])
            text = "Your request couldn't be completed. Try again later."
            return error_body(HttpError(500, "InternalServerError", text))

    async def _other(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path == "/http" or path.startswith("/http/"):
            await self._site(scope, receive, send)
            return
        headers = request_headers(scope)
        if scope["method"] == "OPTIONS":
            await respond(send, *preflight(headers))
        elif allowed := self._allowed(path):
            await respond(send, _wrong_method(path, allowed), cors_headers(headers))
        else:
            told = client_support(headers.get(b"convex-client")).headers
            await self._pages(scope, receive, _with_headers(send, [*cors_headers(headers), *told]))

    def _allowed(self, path: str) -> list[str]:
        """The methods of an endpoint, none where there is none."""
        if path.startswith(_RUN):
            return ["POST"]
        return sorted(method for method, known in self._endpoints if known == path)

    async def _site(self, scope: Scope, receive: Receive, send: Send) -> None:
        # What stands behind /http is the application's, several slashes and percent signs included.
        root = _SITE.match(raw_path(scope))
        await self._http_actions(scope, receive, send, root="" if root is None else root[0])


class SiteApp:
    """Serves the HTTP endpoints alone, at the root: the application of the site port."""

    def __init__(self, actions: HttpActions) -> None:
        self._actions = actions

    def accept(self, path: str, headers: Mapping[str, str], connection: Connection) -> Welcome | Refusal:
        """There are no WebSockets here (see `Listener`)."""
        text = "No WebSocket here: this port has the application's HTTP endpoints, clients use the other one."
        return Refusal(404, {"code": "NotFound", "message": text})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection's event stream, as ASGI has it."""
        kind = scope["type"]
        if kind == "http":
            await self._actions(scope, receive, send)
        elif kind == "websocket":
            await asgi_socket(self)(scope, receive, send)
        elif kind == "lifespan":
            await _lifespan(receive, send)


def _wrong_method(path: str, allowed: list[str]) -> Answer:
    return error_body(WrongMethod(f"{path} takes {' and '.join(allowed)} requests.", *allowed))


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
