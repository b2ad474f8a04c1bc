"""The floor below the floor: on "go LABEL" from the control socket, every other socket gets one text of SIZE bytes.

    python broadcast.py PORT websockets-sansio|picows|bare SIZE

No protocol, no database. `bare` is an asyncio.Protocol that writes one frame, built once, to every transport:
what a WebSocket server in Python can do at best.
"""

import asyncio
import base64
import hashlib
import random
import struct
import sys

__all__ = ["filling"]


def filling(size: int) -> str:
    """Text that looks like rows of JSON, so that it costs what real messages cost; the same in every run."""
    chance = random.Random(1)
    row = '{"_id":"%032x","author":"user%d","body":"message number %d in the channel"},'
    count = size // 90 + 1
    return "".join(row % (chance.getrandbits(128), i % 7, i) for i in range(count)).ljust(size)


class Broadcast:
    """The sockets, each known by what sends to it."""

    def __init__(self, size: int) -> None:
        self.size, self.filling = size, filling(size)
        self.sends: set = set()

    def payload(self, command: str) -> str:
        label = command.removeprefix("go ")
        return label + self.filling[: self.size - len(label)]


def serve_uvicorn(broadcast: Broadcast, port: int, ws: str) -> None:
    import uvicorn

    async def app(scope, receive, send) -> None:
        if scope["type"] != "websocket":
            return
        await receive()
        await send({"type": "websocket.accept"})
        broadcast.sends.add(send)
        while (event := await receive())["type"] != "websocket.disconnect":
            text = event["text"]
            if text == "control":
                broadcast.sends.discard(send)
                continue
            message = {"type": "websocket.send", "text": broadcast.payload(text)}
            for other in list(broadcast.sends):
                await other(message)
        broadcast.sends.discard(send)

    uvicorn.run(
        app, host="127.0.0.1", port=port, ws=ws, loop="uvloop", log_level="error", ws_per_message_deflate=False,
        lifespan="off",
    )  # fmt: skip


def serve_picows(broadcast: Broadcast, port: int) -> None:
    import uvloop
    from picows import WSListener, WSMsgType, ws_create_server

    class Listener(WSListener):
        def on_ws_connected(self, transport) -> None:
            broadcast.sends.add(transport)

        def on_ws_frame(self, transport, frame) -> None:
            if frame.msg_type == WSMsgType.CLOSE:
                transport.disconnect()
                return
            text = frame.get_payload_as_ascii_text()
            if text == "control":
                broadcast.sends.discard(transport)
                return
            data = broadcast.payload(text).encode()
            for other in broadcast.sends:
                other.send(WSMsgType.TEXT, data)

        def on_ws_disconnected(self, transport) -> None:
            broadcast.sends.discard(transport)

    async def main() -> None:
        server = await ws_create_server(lambda request: Listener(), "127.0.0.1", port)
        await server.serve_forever()

    uvloop.run(main())


class BareSocket(asyncio.Protocol):
    """Handshake, short masked frames in, ready frames out. For this generator only: it trusts its client."""

    def __init__(self, broadcast: Broadcast) -> None:
        self.broadcast, self.received, self.open = broadcast, b"", False

    def connection_made(self, transport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.received += data
        if not self.open:
            self.shake_hands()
        while self.open and (end := self.frame_end()):
            opcode, mask, masked = self.received[0] & 15, self.received[2:6], self.received[6:end]
            self.received = self.received[end:]
            self.handle(opcode, bytes(byte ^ mask[i & 3] for i, byte in enumerate(masked)).decode())

    def frame_end(self) -> int:
        """Where the first frame ends, 0 while it is not complete."""
        end = 6 + (self.received[1] & 127) if len(self.received) >= 2 else 0
        return end if end <= len(self.received) else 0

    def shake_hands(self) -> None:
        head, end, rest = self.received.partition(b"\r\n\r\n")
        if not end:
            return
        headers = (line.partition(b":") for line in head.split(b"\r\n"))
        key = next(value.strip() for name, _, value in headers if name.lower() == b"sec-websocket-key")
        accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
        lines = (b"HTTP/1.1 101 Switching Protocols", b"Upgrade: websocket", b"Connection: Upgrade")
        self.transport.write(b"\r\n".join((*lines, b"Sec-WebSocket-Accept: " + accept, b"", b"")))
        self.received, self.open = rest, True
        self.broadcast.sends.add(self.transport)

    def handle(self, opcode: int, text: str) -> None:
        if opcode == 8:
            self.transport.close()
        elif text == "control":
            self.broadcast.sends.discard(self.transport)
        else:
            frame = text_frame(self.broadcast.payload(text).encode())
            for other in self.broadcast.sends:
                other.write(frame)

    def connection_lost(self, exc: Exception | None) -> None:
        self.broadcast.sends.discard(self.transport)


def text_frame(data: bytes) -> bytes:
    if len(data) < 126:
        return struct.pack("!BB", 0x81, len(data)) + data
    if len(data) < 65536:
        return struct.pack("!BBH", 0x81, 126, len(data)) + data
    return struct.pack("!BBQ", 0x81, 127, len(data)) + data


def serve_bare(broadcast: Broadcast, port: int) -> None:
    import uvloop

    async def main() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: BareSocket(broadcast), "127.0.0.1", port, backlog=2048)
        await server.serve_forever()

    uvloop.run(main())


def main() -> None:
    port, kind, size = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    broadcast = Broadcast(size)
    if kind == "picows":
        serve_picows(broadcast, port)
    elif kind == "bare":
        serve_bare(broadcast, port)
    else:
        serve_uvicorn(broadcast, port, kind)


if __name__ == "__main__":
    main()
