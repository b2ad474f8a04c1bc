"""What stands on both sides of a socket under test: a hub that writes everything down, and a client made of bytes."""

import asyncio
import socket
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Self

import uvicorn
from websockets.frames import Frame, Opcode

from reactor.sync.connection import Connection, Refusal, Welcome
from reactor.sync.heartbeat import Heartbeat

__all__ = ["UPGRADE", "Clock", "RawClient", "RecordingHub", "RecordingPeer", "Served"]

UPGRADE = {
    "Host": "localhost",
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


class Clock:
    """Time that stands still until it is turned."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class RecordingPeer:
    """Writes down what the socket told it; `react` answers messages."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.events: asyncio.Queue[object] = asyncio.Queue()
        self.losses = 0
        self.react: Callable[[bytes], None] = lambda payload: None

    def received(self, payload: bytes) -> None:
        self.events.put_nowait(payload)
        self.react(payload)

    def received_binary(self) -> None:
        self.events.put_nowait("binary")
        self.connection.close(1011, "InternalServerError")

    def drained(self) -> None:
        self.events.put_nowait("drained")

    def lost(self) -> None:
        self.losses += 1
        self.events.put_nowait("lost")

    async def until(self, expected: object) -> list[object]:
        """All events up to the first that equals `expected`, which is the last of them."""
        seen = [await self.events.get()]
        while seen[-1] != expected:
            seen.append(await self.events.get())
        return seen


class RecordingHub:
    """Accepts everybody, unless told what to do; new peers come out of `arrivals`."""

    def __init__(self) -> None:
        self.arrivals: asyncio.Queue[RecordingPeer] = asyncio.Queue()
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.verdict: Callable[[Connection], Refusal | None] = lambda connection: None
        self.greeting: dict[str, str] = {}

    def accept(self, path: str, headers: Mapping[str, str], connection: Connection) -> Welcome | Refusal:
        self.requests.append((path, dict(headers)))
        refusal = self.verdict(connection)
        if refusal is not None:
            return refusal
        peer = RecordingPeer(connection)
        self.arrivals.put_nowait(peer)
        return Welcome(peer, self.greeting)


class RawClient:
    """A client that may break every rule: it sends bytes and parses the server's frames."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def connect(cls, port: int, *, receive_buffer: int | None = None) -> Self:
        """A TCP connection; a small `receive_buffer` fills soon when nobody reads."""
        sock = socket.socket()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if receive_buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
        return cls(*await asyncio.open_connection(sock=sock, limit=1024))

    async def request(
        self, headers: Mapping[str, str], *, path: str = "/api/sync", method: str = "GET"
    ) -> tuple[int, dict[str, str], bytes]:
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        self.writer.write("\r\n".join(lines).encode())
        return await self.response()

    async def response(self) -> tuple[int, dict[str, str], bytes]:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        status_line, *fields = head.split("\r\n")[:-2]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in fields)}
        body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        return int(status_line.split()[1]), headers, body

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    def send_frame(self, opcode: int, payload: bytes = b"", *, fin: bool = True) -> None:
        self.send(Frame(Opcode(opcode), payload, fin).serialize(mask=True))

    async def read_frame(self) -> tuple[int, bytes]:
        first, length = await self.reader.readexactly(2)
        if length > 125:
            length = int.from_bytes(await self.reader.readexactly(2 if length == 126 else 8), "big")
        return first & 0x0F, await self.reader.readexactly(length)

    async def read_close(self) -> int | None:
        """Skip what comes before the close frame; its code."""
        opcode, payload = await self.read_frame()
        while opcode != Opcode.CLOSE:
            opcode, payload = await self.read_frame()
        return int.from_bytes(payload[:2], "big") if payload else None

    async def at_end(self) -> bool:
        """The server ended the connection, politely or by a reset."""
        try:
            return await self.reader.read() is not None
        except ConnectionError:
            return True

    def reset(self) -> None:
        """Vanish with a TCP reset."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


@dataclass
class Served:
    kind: str
    port: int
    hub: RecordingHub
    heartbeat: Heartbeat
    clock: Clock
    server: uvicorn.Server
    raw_clients: list[RawClient] = field(default_factory=list[RawClient])
    stopped: bool = False

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/api/1.48.0/sync"

    def pass_time(self, seconds: float) -> None:
        self.clock.now += seconds
        self.heartbeat.sweep()

    async def connect(self, *, receive_buffer: int | None = None) -> RawClient:
        """A TCP connection, which ends with the test."""
        client = await RawClient.connect(self.port, receive_buffer=receive_buffer)
        self.raw_clients.append(client)
        return client

    async def open(self, *, receive_buffer: int | None = None) -> tuple[RawClient, RecordingPeer]:
        """A WebSocket whose handshake is done, from both sides; it ends with the test."""
        client = await self.connect(receive_buffer=receive_buffer)
        status, _, _ = await client.request(UPGRADE)
        assert status == 101
        return client, await self.hub.arrivals.get()

    async def stop(self) -> None:
        if not self.stopped:
            self.stopped = True
            for client in self.raw_clients:
                client.writer.transport.abort()
            await self.server.shutdown()
