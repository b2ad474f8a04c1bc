"""A measuring mock, not a product: the least that a Python server can do for the Convex sync protocol.

    python floor.py PORT FOLDER

Hard-wired queries and mutations over one SQLite file. Mutations that arrive in one turn of the loop are committed
together and durably; then the query of each *watched* key they touched runs once, is encoded once, and every watcher
gets one Transition. What Reactor does beyond this (functions, validation, read sets, sessions, limits) is its price.

Environment: FLOOR_WS=websockets-sansio|websockets|wsproto|picows, FLOOR_SYNC=FULL|NORMAL.
"""

import asyncio
import base64
import os
import struct
import sys
import time
from collections.abc import Callable

import msgspec
from floor_store import FloorStore

__all__ = ["Connection", "Floor"]

encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder().decode

Send = Callable[[bytes], object]
Reply = Callable[[object, bytes], object]


def timestamp(nanoseconds: int) -> bytes:
    return base64.b64encode(struct.pack("<Q", nanoseconds))


class Floor:
    """The shared state: the store, who watches what, and the mutations that wait for the next commit."""

    def __init__(self, store: FloorStore) -> None:
        self.store = store
        self.ts = time.time_ns()
        self.watchers: dict[str, set[tuple[Connection, int]]] = {}
        self.pending: list[tuple[Reply, str, dict]] = []

    def mutate(self, reply: Reply, path: str, args: dict) -> None:
        self.pending.append((reply, path, args))
        if len(self.pending) == 1:
            asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """Commit what has arrived, answer the writers, then push to the watchers."""
        batch, self.pending = self.pending, []
        outcomes = self.store.commit([(path, args) for _, path, args in batch])
        self.ts = max(self.ts + 1, time.time_ns())
        ts, touched = timestamp(self.ts), {}
        for (reply, _, _), (result, keys) in zip(batch, outcomes, strict=True):
            reply(result, ts)
            touched.update(dict.fromkeys(keys))
        self.push(touched)

    def push(self, touched: dict[str, None]) -> None:
        news: dict[Connection, list[bytes]] = {}
        for key in touched:
            if watchers := self.watchers.get(key):
                value = self.store.read(key)
                for connection, query in watchers:
                    news.setdefault(connection, []).append(updated(query, value))
        for connection, changes in news.items():
            connection.send(connection.transition(connection.version, changes))


def updated(query: int, value: bytes) -> bytes:
    return b'{"type":"QueryUpdated","queryId":%d,"value":%s,"logLines":[],"journal":null}' % (query, value)


class Connection:
    """One client: its versions and its queries."""

    __slots__ = ("floor", "queries", "send", "ts", "version")

    def __init__(self, floor: Floor, send: Send) -> None:
        self.floor, self.send = floor, send
        self.version, self.ts = 0, 0
        self.queries: dict[int, str] = {}

    def receive(self, text: str | bytes) -> None:
        message = decode(text)
        if message["type"] == "Mutation":
            self.floor.mutate(self.reply(message["requestId"]), message["udfPath"], message["args"][0])
        elif message["type"] == "ModifyQuerySet":
            changes = [self.modify(change) for change in message["modifications"]]
            self.send(self.transition(message["newVersion"], changes))

    def reply(self, request: int) -> Reply:
        form = b'{"type":"MutationResponse","requestId":%d,"success":true,"result":%s,"ts":"%s","logLines":[]}'
        return lambda result, ts: self.send(form % (request, encode(result), ts))

    def modify(self, change: dict) -> bytes:
        query = change["queryId"]
        if change["type"] == "Remove":
            self.floor.watchers[self.queries.pop(query)].discard((self, query))
            return b'{"type":"QueryRemoved","queryId":%d}' % query
        key = self.floor.store.watched(change["udfPath"], change["args"][0])
        self.queries[query] = key
        self.floor.watchers.setdefault(key, set()).add((self, query))
        return updated(query, self.floor.store.read(key))

    def transition(self, version: int, changes: list[bytes]) -> bytes:
        head = (
            b'{"type":"Transition","startVersion":{"querySet":%d,"identity":0,"ts":"%s"},'
            b'"endVersion":{"querySet":%d,"identity":0,"ts":"%s"},"modifications":['
        )
        now = self.floor.ts
        text = head % (self.version, timestamp(self.ts), version, timestamp(now)) + b",".join(changes) + b"]}"
        self.version, self.ts = version, now
        return text

    def drop(self) -> None:
        for query, key in self.queries.items():
            watchers = self.floor.watchers[key]
            watchers.discard((self, query))
            if not watchers:
                del self.floor.watchers[key]


def asgi(floor: Floor):
    """The mock as a bare ASGI application."""

    async def app(scope, receive, send) -> None:
        if scope["type"] == "websocket":
            await socket(floor, receive, send)
        elif scope["path"] == "/api/mutation":
            await post(floor, receive, send)
        else:
            await answer(send, b"ok")

    return app


async def socket(floor: Floor, receive, send) -> None:
    """Sends go through one task per connection, because sending is a coroutine in ASGI."""
    await receive()
    await send({"type": "websocket.accept"})
    unsent: asyncio.Queue[bytes] = asyncio.Queue()
    connection = Connection(floor, unsent.put_nowait)

    async def pump() -> None:
        while True:
            await send({"type": "websocket.send", "text": (await unsent.get()).decode()})

    task = asyncio.create_task(pump())
    try:
        while (event := await receive())["type"] != "websocket.disconnect":
            connection.receive(event.get("text") or event["bytes"])
    finally:
        connection.drop()
        task.cancel()


async def post(floor: Floor, receive, send) -> None:
    body, more = b"", True
    while more:
        event = await receive()
        body, more = body + event.get("body", b""), event.get("more_body", False)
    call, done = decode(body), asyncio.get_running_loop().create_future()
    floor.mutate(lambda result, ts: done.set_result(result), call["path"], call["args"])
    await answer(send, b'{"status":"success","value":%s,"logLines":[]}' % encode(await done))


async def answer(send, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def serve_picows(floor: Floor, port: int) -> None:
    import uvloop
    from picows import WSListener, WSMsgType, ws_create_server

    class Listener(WSListener):
        def on_ws_connected(self, transport) -> None:
            self.connection = Connection(floor, lambda data: transport.send(WSMsgType.TEXT, data))

        def on_ws_frame(self, transport, frame) -> None:
            if frame.msg_type == WSMsgType.TEXT:
                self.connection.receive(frame.get_payload_as_bytes())
            elif frame.msg_type == WSMsgType.CLOSE:
                transport.send_close(frame.get_close_code() or 1000)
                transport.disconnect()
            elif frame.msg_type == WSMsgType.PING:
                transport.send_pong(frame.get_payload_as_bytes())

        def on_ws_disconnected(self, transport) -> None:
            self.connection.drop()

    async def main() -> None:
        server = await ws_create_server(lambda request: Listener(), "127.0.0.1", port)
        await server.serve_forever()

    uvloop.run(main())


def serve_uvicorn(floor: Floor, port: int, ws: str) -> None:
    import uvicorn

    uvicorn.run(
        asgi(floor), host="127.0.0.1", port=port, ws=ws, loop="uvloop", log_level="error", ws_per_message_deflate=False,
        lifespan="off",
    )  # fmt: skip


def main() -> None:
    port, folder = int(sys.argv[1]), sys.argv[2]
    floor = Floor(FloorStore(folder, os.environ.get("FLOOR_SYNC", "FULL")))
    ws = os.environ.get("FLOOR_WS", "websockets-sansio")
    if ws == "picows":
        serve_picows(floor, port)
    else:
        serve_uvicorn(floor, port, ws)


if __name__ == "__main__":
    main()
