"""uvicorn's reading of HTTP requests, with bounds on what comes before an application is asked.

uvicorn reads a request line and headers of any length, for as long as they take, on any number of connections. Here a
head has a size and a time, what is left of a request that was answered already has that time too, and a server has so
many connections.
"""

import asyncio
from typing import Any, ClassVar, NamedTuple, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

__all__ = ["GuardedProtocol", "guarded_protocol"]

_SECONDS_TO_HEAR = 2.0
"""How long a client may take to hear why it was refused."""


class _Bounds(NamedTuple):
    """What all connections of one process share. `connections`: those of each of its ports."""

    max_head: int
    seconds: float
    max_connections: int
    connections: dict[int, set[Any]]

    def has_room(self, of_port: set[Any]) -> bool:
        """Whether the newest connection of a port, which is among `of_port`, is not one too many."""
        self.connections[id(of_port)] = of_port
        return sum(map(len, self.connections.values())) <= self.max_connections


class _Refused(Exception):
    """Ends the reading of a request, from within a callback of the parser."""


def _refusal(status: str, code: str, message: str) -> bytes:
    body = f'{{"code":"{code}","message":"{message}"}}'
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\nconnection: close"
    return f"{head}\r\n\r\n{body}".encode("ascii")


_TOO_LARGE = _refusal(
    "431 Request Header Fields Too Large",
    "HeadersTooLarge",
    "The address and the headers of the request are too long. Send less, or raise max_head_bytes.",
)
_TOO_SLOW = _refusal("408 Request Timeout", "RequestTimeout", "The request did not come in time.")
_TOO_MANY = _refusal(
    "503 Service Unavailable", "TooManyConnections", "This server has as many connections as it may. Try again later."
)


class GuardedProtocol(HttpToolsProtocol):
    """One connection, until it ends or becomes a WebSocket. Made by uvicorn, from a class of `guarded_protocol`."""

    bounds: ClassVar[_Bounds]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._unread = 0
        """Bytes that came since the last of a body, or since the last request: no head that is read has more."""
        self._too_large = False
        self._coming = False
        """Whether a request has begun whose end has not come."""
        self._head_read = False
        self._over = False
        """Whether nothing more is read here: the client was refused, or the connection is a WebSocket's."""
        self._deadline: asyncio.TimerHandle | None = None

    # What the transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(cast("asyncio.Transport", transport))
        if self.bounds.has_room(self.connections):
            self._begin_waiting()
        else:
            self.transport.write(_TOO_MANY)
            self.transport.close()

    def data_received(self, data: bytes) -> None:
        if self._over:
            return
        self._unread += len(data)
        super().data_received(data)
        if self._over:
            return
        if self._unread > self.bounds.max_head:
            self._refuse(_TOO_LARGE)
        elif not self._is_waiting:
            self._end_waiting()
        elif self._deadline is None:
            self._begin_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_waiting()
        super().connection_lost(exc)

    # What the parser calls

    def on_message_begin(self) -> None:
        self._coming, self._head_read = True, False
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        if self._unread > self.bounds.max_head:  # a body may have come along
            size = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
            self._too_large = size > self.bounds.max_head
            if self._too_large:
                raise _Refused
        self._head_read, self._unread = True, 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unread = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._coming, self._unread = False, 0
        super().on_message_complete()

    # What uvicorn calls

    def handle_websocket_upgrade(self) -> None:
        self._over = True
        self._end_waiting()
        super().handle_websocket_upgrade()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._coming and self._deadline is None and not self.transport.is_closing():
            self._begin_waiting()

    def send_400_response(self, msg: str) -> None:
        if self._too_large:
            self._refuse(_TOO_LARGE)
        else:
            super().send_400_response(msg)

    # Inside

    @property
    def _is_waiting(self) -> bool:
        """Whether nothing but bytes from the client can bring this connection on."""
        if self.transport.is_closing():
            return False
        return self._is_reading_head or self._has_answered

    @property
    def _is_reading_head(self) -> bool:
        return self._coming and not self._head_read

    @property
    def _has_answered(self) -> bool:
        cycle = cast("RequestResponseCycle | None", self.cycle)  # None before the first request
        return cycle is None or cycle.response_complete

    def _begin_waiting(self) -> None:
        self._deadline = self.loop.call_later(self.bounds.seconds, self._give_up)

    def _end_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        if self._is_reading_head:
            self._refuse(_TOO_SLOW)
        elif self._coming:
            self.transport.abort()  # the request was answered, and a second answer would be that of the next one
        else:
            self.transport.close()

    def _refuse(self, answer: bytes) -> None:
        """Say why, then drop whatever else comes for a while: closing at once would reset the connection while bytes
        are arriving, and the answer would be lost."""
        self._end_waiting()
        if not self._has_answered:
            self.transport.abort()  # it would stand in the middle of another answer
            return
        self._over = True
        self.transport.write(answer)
        if self.transport.can_write_eof():
            self.transport.write_eof()
            self._deadline = self.loop.call_later(_SECONDS_TO_HEAR, self.transport.abort)
        else:
            self.transport.close()


def guarded_protocol(*, max_head: int, seconds: float, max_connections: int) -> type[GuardedProtocol]:
    """The class for uvicorn's `http` setting.

    `max_head`: bytes of a request's line and headers; `seconds`: how long they may take to come, and how long the rest
    of a request that was answered before its end; `max_connections`: how many connections all servers of this class
    have at a time, WebSockets included.
    """
    bounds = _Bounds(max_head, seconds, max_connections, {})
    return type("BoundGuardedProtocol", (GuardedProtocol,), {"bounds": bounds})
