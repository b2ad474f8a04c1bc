"""The request of an HTTP action: its body as it comes, its address, and whether the client is still there."""

import asyncio
import re
from collections import deque
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import quote

import anyio
from starlette.datastructures import URL
from starlette.requests import Request

from reactor.errors import DeveloperError
from reactor.http.exchange import Receive, Scope

__all__ = ["ActionRequest", "Incoming", "raw_path"]

Message = MutableMapping[str, Any]

_GONE: Message = {"type": "http.disconnect"}
_STALLED_SECONDS = 1.0
_PROTO = re.compile(r"(?:^|;)\s*proto=\"?(https?)\"?\s*(?:;|$)", re.IGNORECASE)
_ASCII = "".join(map(chr, range(33, 127)))


def raw_path(scope: Scope) -> str:
    """The path as the client wrote it, percent signs included."""
    raw: bytes | None = scope.get("raw_path")
    return raw.decode("latin-1") if raw else quote(scope["path"])


class Incoming:
    """An ASGI `receive` with a limit, that several may wait for.

    Servers hand a message to whoever asks first, and say that the client went in the same way as they give the body.
    So while a response is being streamed one message is read ahead, and kept for the handler.
    """

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive, self._limit = receive, limit
        self._ahead: deque[Message] = deque()
        self._turn = asyncio.Lock()
        self._taken = asyncio.Event()
        self._complete = self._too_large = False
        self.size = 0
        """Bytes that have come so far."""
        self.gone = False
        """Whether the client is known to have gone."""

    async def __call__(self) -> Message:
        """The next message. Raises DeveloperError when the body is larger than it may be."""
        if not self._ahead:
            async with self._turn:
                if not self._ahead:
                    await self._read()
        self._taken.set()
        if self._ahead:
            return self._ahead.popleft()
        if self._too_large:
            raise DeveloperError(
                f"The request's body is larger than {self._limit} bytes. Send less at a time, or raise the setting "
                "max_http_request_bytes.",
                code="RequestTooLarge",
            )
        return _GONE

    async def until_gone(self) -> None:
        """Return when the client has gone."""
        while not self.gone:
            if self._ahead and not self._complete:
                # The handler may yet read. One that never does would keep us from noticing that the client went, so
                # a little more is taken now and then.
                self._taken.clear()
                with anyio.move_on_after(_STALLED_SECONDS):
                    await self._taken.wait()
            async with self._turn:
                await self._read()

    async def look(self) -> bool:
        """Whether the client has gone, without waiting."""
        if not self.gone:
            with anyio.CancelScope() as scope:
                scope.cancel()
                async with self._turn:
                    await self._read()
        return self.gone

    async def _read(self) -> None:
        """Wait for something new: a message, the end of the connection, or one byte too many."""
        while not self.gone:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                self.gone = True
            elif not self._complete:  # servers may say once more that the body is complete
                self.size += len(message.get("body", b""))
                self._complete = not message.get("more_body", False)
                self._too_large = self.size > self._limit
                if not self._too_large:
                    self._ahead.append(message)
                return


class ActionRequest(Request):
    """A starlette Request. `url` is the address as the client wrote it, with the scheme that a proxy tells of.

    `path_params` are those of the route.
    """

    def __init__(self, scope: Scope, incoming: Incoming, *, root: str, params: dict[str, str]) -> None:
        scheme = _scheme(scope)
        # 2.4: `send` raises when the client has gone, so that responses need not listen for it and take the body away.
        asgi = {**scope.get("asgi", {}), "spec_version": "2.4"}
        super().__init__({**scope, "path_params": params, "scheme": scheme, "root_path": root, "asgi": asgi}, incoming)
        self._incoming = incoming

    @property
    def url(self) -> URL:
        """The whole address, percent signs included."""
        scope = self.scope
        query = quote(scope.get("query_string", b""), safe=_ASCII).encode()
        return URL(scope={**scope, "path": raw_path(scope), "query_string": query})

    async def is_disconnected(self) -> bool:
        """Whether the client has gone. No part of the body is lost by asking."""
        return await self._incoming.look()


def _scheme(scope: Scope) -> str:
    """As a proxy tells it, for TLS ends there (get-convex/convex-backend, crates/local_backend/src/http_actions.rs)."""
    headers = dict(scope["headers"])
    told = headers.get(b"x-forwarded-proto", b"").decode("latin-1").split(",")[0].strip().lower()
    if told in ("http", "https"):
        return told
    forwarded = _PROTO.search(headers.get(b"forwarded", b"").decode("latin-1").split(",")[0])
    return forwarded[1].lower() if forwarded is not None else scope.get("scheme", "http")
