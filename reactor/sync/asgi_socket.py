"""The same sockets over the WebSocket interface of ASGI: for other servers, and for permessage-deflate.

What the interface cannot say is left to the server: its limit for inbound messages must be set to `MAX_MESSAGE`
(uvicorn: `ws_max_size`), it pings clients by itself, a close frame always has a code, and a backlog counts what the
server has not taken, beyond which the server keeps a buffer of its own.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reactor.sync.connection import (
    Listener,
    OutMessage,
    Phase,
    Refusal,
    SocketBase,
    Welcome,
    admit,
    joined_headers,
    logger,
)
from reactor.sync.heartbeat import PING_MESSAGE, Heartbeat

__all__ = ["AsgiSocket", "asgi_socket"]


class AsgiSocket(SocketBase):
    """One connection. Its task receives; a second one exists only while there is something to send."""

    __slots__ = ("_dropped", "_heartbeat", "_outbox", "_receiver", "_send", "_sender", "backlog")

    def __init__(self, heartbeat: Heartbeat, send: Send, address: str | None) -> None:
        super().__init__(heartbeat.clock)
        self.address = address
        self._heartbeat = heartbeat
        self._send = send
        self._outbox: deque[OutMessage | Message] = deque()  # messages of the interface stand between texts
        self._sender: asyncio.Task[None] | None = None
        self._receiver: asyncio.Task[None] | None = None
        self._dropped = False
        self.backlog = 0

    async def serve(self, welcome: Welcome, receive: Receive) -> None:
        """Accept the connection and stay until it ends."""
        self._peer, self._phase = welcome.peer, Phase.OPEN
        self._receiver = asyncio.current_task()
        self._heartbeat.add(self)
        self._post({"type": "websocket.accept", "headers": _encoded(welcome.headers)})
        try:
            while (message := await receive())["type"] == "websocket.receive":
                self.last_heard = self._clock()
                text: str | None = message.get("text")
                self._tell(None if text is None else text.encode())
        except asyncio.CancelledError:
            if not self._dropped or self._receiver is None or self._receiver.uncancel():
                raise
        finally:
            self._finish()

    # What the peer and the heartbeat call

    def send(self, messages: Sequence[OutMessage]) -> None:
        if not self._may_send():
            return
        self.backlog += sum(len(message.payload) for message in messages)
        self.last_sent = self._clock()
        self._post(*messages)

    def close(self, code: int | None, reason: str = "") -> None:
        if self._may_send():
            self._begin_closing()
            self._post({"type": "websocket.close", "code": 1000 if code is None else code, "reason": reason})

    def nudge(self) -> None:
        self.send([PING_MESSAGE])

    def probe(self) -> None:
        # The server pings and reads the pongs; for a client it has not given up it answers here.
        self.last_heard = self._clock()

    def abort(self) -> None:
        if self._receiver is not None and not self._dropped:
            self._dropped = True
            self._receiver.cancel()

    # Sending

    def _post(self, *messages: OutMessage | Message) -> None:
        self._outbox.extend(messages)
        if self._sender is None:
            self._sender = asyncio.get_running_loop().create_task(self._empty_outbox())

    async def _empty_outbox(self) -> None:
        texts = False
        try:
            while self._outbox:
                message = self._outbox.popleft()
                if isinstance(message, OutMessage):
                    texts = True
                    await self._send({"type": "websocket.send", "text": message.text})
                    self.backlog -= len(message.payload)
                else:
                    await self._send(message)
        except OSError:
            return  # the client is gone, as the interface says it; `receive` says so too and ends the connection
        except Exception:
            logger.exception("sending to a WebSocket failed; its connection is dropped")
            self.abort()
            return
        self._sender = None
        if texts:
            self._tell_drained()

    # Ending

    def _finish(self) -> None:
        self._heartbeat.remove(self)
        self._outbox.clear()
        self.backlog = 0
        if self._sender is not None:
            self._sender.cancel()
        super()._finish()


async def _refuse(refusal: Refusal, scope: Scope, send: Send) -> None:
    if "websocket.http.response" not in scope.get("extensions", {}):
        await send({"type": "websocket.close"})  # the server answers 403; the interface has no other way
        return
    body = msgspec.json.encode(refusal.body)
    headers = {"content-type": "application/json", "connection": "close"} | refusal.headers
    await send(
        {
            "type": "websocket.http.response.start",
            "status": refusal.status,
            "headers": _encoded(headers),
        }
    )
    await send({"type": "websocket.http.response.body", "body": body})


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


def asgi_socket(listener: Listener, *, heartbeat: Heartbeat | None = None) -> ASGIApp:
    """An ASGI application for scopes of type "websocket", whose connections `listener` accepts.

    `heartbeat` None makes one with the usual times.
    """
    pulse = Heartbeat() if heartbeat is None else heartbeat

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        client = scope.get("client")
        socket = AsgiSocket(pulse, send, None if client is None else client[0])
        headers = joined_headers((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
        answer = admit(listener, scope["path"], headers, socket)
        if isinstance(answer, Refusal):
            await _refuse(answer, scope, send)
        else:
            await socket.serve(answer, receive)

    return application
