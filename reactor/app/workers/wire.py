"""The line between a worker and whoever looks after it: whole messages over a pair of sockets."""

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

import msgspec

__all__ = ["Wire", "frame", "read_frame"]

T = TypeVar("T")

_LENGTH = struct.Struct(">I")
_MOST_WAITING = 2**20
"""Bytes that wait for the other side until what it can do without is left out. It may be held up by its terminal."""

_encoder = msgspec.msgpack.Encoder(enc_hook=str)  # fields of events may be of any type: they are shown to people


class Wire(asyncio.Protocol, Generic[T]):
    """One end of it. To be used in the thread of its event loop."""

    def __init__(self, messages: Any, receive: Callable[[T], None]) -> None:
        """`messages`: the types that may come, as a union; each is given to `receive`."""
        self._decoder = msgspec.msgpack.Decoder(messages)
        self._receive = receive
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        self._closed = asyncio.Event()

    async def connect(self, end: socket.socket) -> None:
        """Begin on this end of the pair, which then belongs to the wire."""
        end.setblocking(False)
        await asyncio.get_running_loop().connect_accepted_socket(lambda: self, end)

    def send(self, message: object, *, must: bool = True) -> bool:
        """Send a message, if the other side is there; gives whether it was. `must`: however much is waiting already."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return False
        if not must and transport.get_write_buffer_size() > _MOST_WAITING:
            return False
        transport.write(frame(message))
        return True

    async def ended(self) -> None:
        """Wait until the other side has closed its end, and everything that it had sent has come."""
        if self._transport is not None:
            await self._closed.wait()

    async def close(self) -> None:
        """Send what is waiting, and end."""
        if self._transport is not None:
            self._transport.close()
            await self._closed.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (whole := _whole(self._buffer)) is not None:
            message = self._decoder.decode(whole)
            del self._buffer[: _LENGTH.size + len(whole)]
            self._receive(message)

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed.set()


def frame(message: object) -> bytes:
    """A message as it goes over the wire."""
    body = _encoder.encode(message)
    return _LENGTH.pack(len(body)) + body


def read_frame(end: socket.socket, messages: Any) -> Any:
    """Wait for the next message without an event loop. Raises EOFError when the other side is gone."""
    (length,) = _LENGTH.unpack(_exactly(end, _LENGTH.size))
    return msgspec.msgpack.decode(_exactly(end, length), type=messages)


def _exactly(end: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        piece = end.recv(size - len(data))
        if not piece:
            raise EOFError
        data += piece
    return bytes(data)


def _whole(buffer: bytearray) -> bytes | None:
    """The body of the first message, if all of it is there."""
    if len(buffer) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack_from(buffer)
    end = _LENGTH.size + length
    return bytes(buffer[_LENGTH.size : end]) if len(buffer) >= end else None
