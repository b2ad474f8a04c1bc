"""A WebSocket straight on uvicorn's transport: one small object per connection, frames written as they were built.

uvicorn's `ws` setting takes the class that `thin_socket` makes. Its HTTP protocol reads the request, sees the upgrade
and hands over the transport together with the request head; from then on every byte comes here. The handshake is done
by the websockets library, whose objects are dropped with it.
"""

import asyncio
from collections.abc import Sequence
from http.client import responses
from typing import Any, ClassVar, Final, NamedTuple, cast
from urllib.parse import unquote

import msgspec
from uvicorn.config import Config
from uvicorn.server import ServerState
from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

from reactor.sync.connection import Listener, OutMessage, Phase, Refusal, SocketBase, admit, joined_headers
from reactor.sync.frames import (
    BINARY,
    CLOSE,
    MAX_MESSAGE,
    PING,
    TEXT,
    FrameError,
    FrameReader,
    close_frame,
    parse_close,
    ping_frame,
    pong_frame,
)
from reactor.sync.heartbeat import PING_MESSAGE, Heartbeat

__all__ = ["ThinSocket", "thin_socket"]

_PING: Final = ping_frame()
_NUDGE: Final = PING_MESSAGE.frame + _PING
_HINTS: Final = ("Allow", "Upgrade")  # what the library tells a client whose method or headers are wrong


class _Service(NamedTuple):
    """What all sockets of one server share."""

    listener: Listener
    heartbeat: Heartbeat
    max_message: int


class ThinSocket(SocketBase, asyncio.Protocol):
    """One connection, from the upgrade request to the end. Made by uvicorn, from a class of `thin_socket`."""

    __slots__ = ("_config", "_owed_pong", "_reader", "_server_state", "_transport")

    service: ClassVar[_Service]
    _transport: asyncio.Transport

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(self.service.heartbeat.clock)
        self._config = config
        self._server_state = server_state
        self._reader = FrameReader(self.service.max_message)
        self._owed_pong: bytes | None = None

    # What the transport and uvicorn call

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        peer: Any = transport.get_extra_info("peername")
        if isinstance(peer, tuple):  # of a Unix socket it is text, and nobody's address
            self.address = cast("tuple[str, int]", peer)[0]
        self._siblings.add(self)
        self.service.heartbeat.add(self)

    def data_received(self, data: bytes) -> None:
        if self._phase is Phase.FINISHED:
            return
        if self._phase is Phase.OPENING:
            self._shake_hands(data)
            return
        self.last_heard = self._clock()
        try:
            self._take(data)
        except FrameError as fault:
            self._fail(fault)

    def eof_received(self) -> None:
        self._hang_up()

    def resume_writing(self) -> None:
        # By way of the loop, since a TLS transport may call this from within our own write.
        asyncio.get_running_loop().call_soon(self._drained)

    def connection_lost(self, exc: Exception | None) -> None:
        self._siblings.discard(self)
        self.service.heartbeat.remove(self)
        self._finish()

    def shutdown(self) -> None:
        """Called by uvicorn when the server stops; it then waits until all connections are gone."""
        if self._phase is Phase.OPEN:
            self.close(1001)
        elif self._phase is not Phase.CLOSING:
            self._transport.close()

    # What the peer and the heartbeat call

    @property
    def backlog(self) -> int:
        return 0 if self._phase is Phase.FINISHED else self._transport.get_write_buffer_size()

    def send(self, messages: Sequence[OutMessage]) -> None:
        if not self._may_send():
            return
        if len(messages) == 1:
            self._transport.write(messages[0].frame)
        else:
            # Not joined: what the kernel does not take at once stays a reference to frames that all sockets share.
            self._transport.writelines([message.frame for message in messages])
            if self.backlog:
                # asyncio of 3.12 to 3.12.8, 3.13.0 and 3.13.1 forgets to look, and would never tell that it is drained.
                self._transport.set_write_buffer_limits(high=0)
        self.last_sent = self._clock()

    def close(self, code: int | None, reason: str = "") -> None:
        if self._may_send():
            self._begin_closing()
            self._transport.write(close_frame(code, reason))

    def nudge(self) -> None:
        self._transport.write(_NUDGE)
        self.last_sent = self._clock()

    def probe(self) -> None:
        self._transport.write(_PING)

    def abort(self) -> None:
        self._transport.abort()

    # Opening

    @property
    def _siblings(self) -> set[asyncio.Protocol]:
        return cast("set[asyncio.Protocol]", self._server_state.connections)

    def _shake_hands(self, head: bytes) -> None:
        opened = _answer(head)
        if isinstance(opened, Refusal):
            self._refuse(opened)
            return
        request, response = opened
        path = self._config.root_path + unquote(request.path.partition("?")[0])
        answer = admit(self.service.listener, path, joined_headers(request.headers.raw_items()), self)
        if isinstance(answer, Refusal):
            self._refuse(answer)
            return
        self._peer, self._phase = answer.peer, Phase.OPEN
        response.headers.update(answer.headers)
        self._transport.write(self._with_server_headers(response).serialize())
        # Zero turns the transport's flow control into the news whether the backlog is empty.
        self._transport.set_write_buffer_limits(high=0)
        self._release_http_protocol()

    def _refuse(self, refusal: Refusal) -> None:
        body = msgspec.json.encode(refusal.body)
        headers = Headers(Date="", Connection="close")
        headers["Content-Type"] = "application/json"
        headers["Content-Length"] = str(len(body))
        headers.update(refusal.headers)
        response = Response(refusal.status, responses.get(refusal.status, ""), headers, body)
        self._transport.write(self._with_server_headers(response).serialize())
        self._hang_up()

    def _with_server_headers(self, response: Response) -> Response:
        """uvicorn's own fields (date, server, and those of its `headers` setting) instead of the library's date."""
        del response.headers["Date"]
        for name, value in self._server_state.default_headers:
            response.headers[name.decode("latin-1")] = value.decode("latin-1")
        return response

    def _release_http_protocol(self) -> None:
        """Tell uvicorn's HTTP protocol, which still is the transport's, that its connection is over.

        It and its parser refer to each other, so without this each upgrade would leave some kilobytes to the garbage
        collector; and a pipelined request that is still being answered would write into our frames.
        """
        former = self._transport.get_protocol()
        if former is not self:
            former.connection_lost(ConnectionError("upgraded to WebSocket"))

    # Hearing

    def _take(self, data: bytes) -> None:
        pong: bytes | None = None
        for opcode, payload in self._reader.feed(data):
            if opcode == TEXT:
                self._tell(payload)
            elif opcode == BINARY:
                self._tell(None)
            elif opcode == PING:
                pong = payload  # RFC 6455 §5.5.3: of several pings only the last needs an answer
            elif opcode == CLOSE:
                self._answer_close(payload)
                return
        if pong is not None:
            self._pong(pong)

    def _drained(self) -> None:
        if self._phase is not Phase.OPEN or self.backlog:
            return
        if self._owed_pong is not None:
            pong, self._owed_pong = self._owed_pong, None
            self._transport.write(pong_frame(pong))
        self._tell_drained()

    def _pong(self, payload: bytes) -> None:
        if self._phase is not Phase.OPEN:
            return
        if self.backlog:
            self._owed_pong = payload  # a client that pings and never reads must not fill our memory
        else:
            self._transport.write(pong_frame(payload))

    # Ending

    def _answer_close(self, payload: bytes) -> None:
        code, _ = parse_close(payload)
        if self._phase is Phase.OPEN:
            self._transport.write(close_frame(code))
        self._hang_up()

    def _fail(self, fault: FrameError) -> None:
        """Say why, then drop whatever else comes until the client closes.

        Closing at once while its bytes are still arriving would reset the connection, and the reason would be lost.
        """
        if self._phase is Phase.OPEN:
            self._transport.write(close_frame(fault.code, fault.reason))
        if self._phase is Phase.OPEN and self._transport.can_write_eof():
            self._transport.write_eof()
            self._finish()
        else:
            self._hang_up()

    def _hang_up(self) -> None:
        self._transport.close()
        self._finish()


def _answer(head: bytes) -> tuple[Request, Response] | Refusal:
    """Request and 101 response to the head of an upgrade request, or what is wrong with it."""
    protocol = ServerProtocol()
    protocol.receive_data(head)
    request = next((event for event in protocol.events_received() if isinstance(event, Request)), None)
    response = None if request is None else protocol.accept(request)
    protocol.parser.close()  # a suspended generator and its protocol would wait for the garbage collector
    if request is not None and response is not None and response.status_code == 101:
        return request, response
    status = 400 if response is None else response.status_code
    message = f"This is no WebSocket handshake of version 13: {protocol.handshake_exc}."
    headers = {"Sec-WebSocket-Version": "13"}
    if response is not None:
        headers |= {name: response.headers[name] for name in _HINTS if name in response.headers}
    return Refusal(status, {"code": "BadWebSocketHandshake", "message": message}, headers)


def thin_socket(
    listener: Listener, *, heartbeat: Heartbeat | None = None, max_message: int = MAX_MESSAGE
) -> type[ThinSocket]:
    """A protocol class for uvicorn's `ws` setting, whose connections `listener` accepts.

    `heartbeat` None makes one with the usual times. `max_message` is the limit in bytes of one inbound message; a
    longer one closes the connection with 1009.
    """

    class BoundSocket(ThinSocket):
        __slots__ = ()
        service = _Service(listener, Heartbeat() if heartbeat is None else heartbeat, max_message)

    return BoundSocket
