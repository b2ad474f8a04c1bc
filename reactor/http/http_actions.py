"""Serving the application's HTTP endpoints: finding the handler, running it, sending what it returns.

Behaviour as of get-convex/convex-backend, crates/local_backend/src/http_actions.rs and
crates/application/src/application_function_runner/http_routing.rs.
"""

import asyncio
import contextlib
import inspect
from collections.abc import AsyncGenerator, Callable
from functools import partial
from typing import Any

import anyio
import anyio.to_thread
import msgspec
from starlette.requests import ClientDisconnect
from starlette.responses import Response, StreamingResponse

from reactor.errors import CallRefused, DeveloperError
from reactor.http.action_identity import action_identity
from reactor.http.action_request import ActionRequest, Incoming, raw_path
from reactor.http.action_response import ClientGone, Outgoing, as_response
from reactor.http.authorization import Verify
from reactor.http.exchange import (
    Answer,
    HttpError,
    Receive,
    Scope,
    Send,
    body_too_large,
    error_body,
    is_too_large,
    request_headers,
    respond,
    retry_after,
    sender_request_id,
    server_stopping,
)
from reactor.http.traffic import Traffic
from reactor.runtime.actions import Actions
from reactor.runtime.calls import LONGEST_AGENT, Call, Origin
from reactor.runtime.contexts import ActionCtx
from reactor.runtime.failures import Failure
from reactor.runtime.http_router import HttpAction, HttpRouter
from reactor.runtime.http_routes import METHODS

__all__ = ["HttpActions"]

_encoder = msgspec.json.Encoder()
_TEXT = b"text/plain; charset=utf-8"
_SECONDS_TO_CLOSE = 1.0

_NO_ROUTER = Answer(b"This Convex deployment does not have HTTP actions enabled.", 404, _TEXT)
_NO_ROUTE = Answer(b"No matching routes found", 404, _TEXT)


def _serves() -> HttpError | None:
    return None


class HttpActions:
    """Answers requests by the routes of the application that serves now."""

    def __init__(
        self,
        router: Callable[[], HttpRouter | None],
        actions: Actions,
        verify: Verify,
        *,
        traffic: Traffic,
        max_request: int,
        max_response: int,
        refusal: Callable[[], HttpError | None] = _serves,
    ) -> None:
        """`verify` knows users by their tokens; limits are in bytes. `refusal` says why nobody is served now."""
        self._router, self._actions, self._verify, self._refusal = router, actions, verify, refusal
        self._traffic = traffic
        self._max_request, self._max_response = max_request, max_response

    async def __call__(self, scope: Scope, receive: Receive, send: Send, *, root: str = "") -> None:
        """Answer one request, of which `root` is the part of the path that is not the application's."""
        method: str = scope["method"]
        if method not in METHODS and method != "HEAD":
            text = f"HTTP actions answer {', '.join(METHODS)} and HEAD."
            await respond(send, error_body(HttpError(405, "MethodNotAllowed", text)), [(b"allow", _ALLOWED)])
            return
        if (refusal := self._refusal()) is not None:
            await respond(send, error_body(refusal), [])
            return
        router = self._router()
        if router is None:
            await respond(send, _NO_ROUTER, [])
            return
        found = router.find(method, raw_path(scope)[len(root) :] or "/")
        if found is None:
            await respond(send, _NO_ROUTE, [])
            return
        headers = request_headers(scope)
        if is_too_large(headers, self._max_request):
            await respond(send, error_body(body_too_large(self._max_request)), [])
            return
        incoming = Incoming(receive, self._max_request)
        outgoing = Outgoing(send, method, self._max_response, incoming)
        request = ActionRequest(scope, incoming, root=root, params=found.params)
        identity = await action_identity(headers.get(b"authorization"), self._verify)
        name = f"{'GET' if method == 'HEAD' else method} {found.pattern.shown}"
        call = Call(name, b"{}", identity, request_id=sender_request_id(headers), origin=_origin(scope, headers))
        work = partial(_run, found.handler, request, incoming, outgoing)
        try:
            failure = await self._actions.serve(call, work, found.handler.rate)
        except asyncio.CancelledError:
            # Only a server that stops ends a call. An answer that has begun just ends, which the client sees.
            if not outgoing.status:
                await respond(send, error_body(server_stopping()), [])
            return
        status, size = outgoing.status, outgoing.size
        if failure is not None and not status:
            answer = _failed(failure, self._max_request)
            await respond(send, answer, [])
            status, size = answer.status, len(answer.body)
        self._traffic.add(status, incoming.size, size)


_ALLOWED = ", ".join((*METHODS, "HEAD")).encode()


async def _run(
    handler: HttpAction, request: ActionRequest, incoming: Incoming, outgoing: Outgoing, ctx: ActionCtx
) -> None:
    try:
        value = await _returned(handler, ctx, request)
        ctx.finish()
        response = as_response(value)
        await _deliver(response, request, incoming, outgoing)
    except (ClientDisconnect, ClientGone) as error:
        if not incoming.gone:
            # Starlette takes every OSError of a stream for this one.
            raise error.__context__ or error from None


async def _returned(handler: HttpAction, ctx: ActionCtx, request: ActionRequest) -> Any:
    if handler.is_async:
        return await handler.handler(ctx, request)
    value = await anyio.to_thread.run_sync(handler.handler, ctx, request, abandon_on_cancel=True)
    return await value if inspect.isawaitable(value) else value


async def _deliver(response: Response, request: ActionRequest, incoming: Incoming, outgoing: Outgoing) -> None:
    """Send a response; what a stream does beyond the end of the connection is given up."""
    if isinstance(getattr(response, "body", None), bytes):
        await response(request.scope, incoming, outgoing)
        return
    with anyio.CancelScope() as scope:
        watcher = asyncio.get_running_loop().create_task(_cancel_when_gone(scope, incoming, outgoing))
        try:
            if isinstance(response, StreamingResponse) and request.method == "HEAD":
                await _send_head(response, outgoing)
            else:
                await response(request.scope, incoming, outgoing)
        finally:
            watcher.cancel()
            await _close(response)


async def _cancel_when_gone(scope: anyio.CancelScope, incoming: Incoming, outgoing: Outgoing) -> None:
    await incoming.until_gone()
    if not outgoing.complete:  # else there may be work for the background, which goes on
        scope.cancel()


async def _send_head(response: StreamingResponse, outgoing: Outgoing) -> None:
    """Nobody reads the body, and it may have no end."""
    await outgoing({"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers})
    await outgoing.end()
    if response.background is not None:
        await response.background()


async def _close(response: Response) -> None:
    """Let the generator of a stream clean up now rather than when somebody collects it."""
    body = getattr(response, "body_iterator", None)
    if isinstance(body, AsyncGenerator):
        with anyio.move_on_after(_SECONDS_TO_CLOSE, shield=True), contextlib.suppress(RuntimeError):
            await body.aclose()  # pyright: ignore[reportUnknownMemberType] - of whatever it yields


def _origin(scope: Scope, headers: dict[bytes, bytes]) -> Origin:
    client, agent = scope.get("client"), headers.get(b"user-agent")
    return Origin(
        None if client is None else client[0], None if agent is None else agent.decode("latin-1")[:LONGEST_AGENT]
    )


def _failed(failure: Failure, max_request: int) -> Answer:
    """The documented body of an HTTP action's failure."""
    error = failure.error
    if isinstance(error, DeveloperError) and error.code == "RequestTooLarge":
        return error_body(body_too_large(max_request))
    if isinstance(error, CallRefused):
        answer = error_body(HttpError(429, error.code, str(error)))
        answer.headers = retry_after(error.retry_after)
        return answer
    first, _, trace = failure.message.partition("\n")
    said = trace.partition("\n")[0]
    members = [b'"code":' + _encoder.encode(f"{first}: {said}" if said else first)]
    if trace:
        members.append(b'"trace":' + _encoder.encode(trace))
    if failure.data is not None:
        members.append(b'"data":' + failure.data)
    return Answer(b"{%b}" % b",".join(members), 500)
