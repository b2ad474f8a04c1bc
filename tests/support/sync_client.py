"""A small client of the sync protocol that hides nothing: every message and every version can be looked at."""

import asyncio
import base64
import itertools
import json
import uuid
from collections.abc import Callable
from typing import Any, Self

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from tests.support.patience import PATIENCE

__all__ = ["LOST", "QueryFailure", "Refused", "Response", "SyncClient", "timestamp", "wire"]

MEBIBYTE = 2**20


class Refused(Exception):
    """The server ended the connection; the message tells how."""


LOST = (OSError, EOFError, WebSocketException, Refused)
"""What it may raise when the server ends or is not there."""


class QueryFailure(msgspec.Struct, frozen=True):
    """A query's result when it failed."""

    message: str
    data: Any = None
    has_data: bool = False


class Response(msgspec.Struct, frozen=True):
    """The answer to a mutation or an action. `ts`: the commit's timestamp, None for failures and actions."""

    success: bool
    result: Any
    ts: int | None
    log_lines: list[str]
    data: Any = None


def timestamp(wire: str) -> int:
    """Nanoseconds from the wire form of a timestamp."""
    return int.from_bytes(base64.b64decode(wire), "little")


def wire(timestamp: int) -> str:
    """The wire form of a timestamp in nanoseconds."""
    return base64.b64encode(timestamp.to_bytes(8, "little")).decode()


class SyncClient:
    """One socket. Use as `async with SyncClient(url) as client`.

    `results` holds the newest result of each query id, `moments` each Transition's timestamp with all
    results at it (kept only when `remember` is set); `on_transition` is given the same at once, as long as it holds.
    `observed` is the newest timestamp that its session saw over earlier connections.
    Raises AssertionError when Transitions do not chain.
    """

    def __init__(
        self,
        url: str,
        *,
        session: str | None = None,
        observed: int = 0,
        path: str = "/api/sync",
        headers: dict[str, str] | None = None,
        greet: bool = True,
        remember: bool = False,
        on_transition: Callable[[int, dict[int, Any]], None] | None = None,
    ) -> None:
        self.url = url.replace("http://", "ws://") + path
        self.session = session or str(uuid.uuid4())
        self.observed = observed
        self.headers = headers
        self.greet = greet
        self.remember, self.on_transition = remember, on_transition
        self.version: dict[str, Any] = {"querySet": 0, "identity": 0, "ts": "AAAAAAAAAAA="}
        self.results: dict[int, Any] = {}
        self.moments: list[tuple[int, dict[int, Any]]] = []
        self.transitions = 0
        self.chunks = 0
        self.messages: list[dict[str, Any]] = []
        self.ended: str | None = None
        self._query_set = 0
        self._query_ids = itertools.count()
        self._request_ids = itertools.count()
        self._waiting: dict[int, asyncio.Future[Response]] = {}
        self._parts: list[str] = []
        self._failure: BaseException | None = None
        self._changed = asyncio.Condition()

    async def __aenter__(self) -> Self:
        self.socket: ClientConnection = await connect(
            self.url,
            additional_headers=self.headers,
            max_size=64 * MEBIBYTE,
            compression=None,
            ping_interval=None,
            open_timeout=PATIENCE,
            close_timeout=PATIENCE,
        )
        self._reader = asyncio.create_task(self._read())
        if self.greet:
            seen = {"maxObservedTimestamp": wire(self.observed)} if self.observed else {}
            await self.send(
                type="Connect",
                sessionId=self.session,
                connectionCount=0,
                lastCloseReason="InitialConnect",
                clientTs=0,
                **seen,
            )
        return self

    async def __aexit__(self, *_: object) -> None:
        if not self._reader.done():
            await self.socket.close()
        await self._reader

    # What the client says.

    async def send(self, **message: Any) -> None:
        await self.send_text(json.dumps(message))

    async def send_text(self, text: str | bytes) -> None:
        try:
            await self.socket.send(text)
        except ConnectionClosed as closed:
            raise Refused(str(closed)) from None

    async def modify(self, *modifications: dict[str, Any]) -> None:
        """Change the query set by these modifications, without waiting for the answer."""
        base, self._query_set = self._query_set, self._query_set + 1
        await self.send(
            type="ModifyQuerySet", baseVersion=base, newVersion=self._query_set, modifications=list(modifications)
        )

    async def add(self, path: str, **args: Any) -> int:
        """Subscribe to a query and wait for its first result; gives the query's id."""
        return (await self.add_all((path, args)))[0]

    async def add_all(self, *queries: tuple[str, dict[str, Any]]) -> list[int]:
        """Subscribe to several queries at once and wait for their results."""
        ids = [next(self._query_ids) for _ in queries]
        adds = [
            {"type": "Add", "queryId": id, "udfPath": path, "args": [args]}
            for id, (path, args) in zip(ids, queries, strict=True)
        ]
        await self.modify(*adds)
        await self.until(lambda: self.version["querySet"] == self._query_set)
        return ids

    async def remove(self, query_id: int) -> None:
        """Unsubscribe and wait until the server has confirmed it."""
        await self.modify({"type": "Remove", "queryId": query_id})
        await self.until(lambda: self.version["querySet"] == self._query_set)

    async def mutation(self, path: str, **args: Any) -> Response:
        return await self.request("Mutation", path, args)

    async def action(self, path: str, **args: Any) -> Response:
        return await self.request("Action", path, args)

    async def request(self, type: str, path: str, args: dict[str, Any], *, request_id: int | None = None) -> Response:
        """Send a request and wait for its response; without `request_id` the next number is taken."""
        number = next(self._request_ids) if request_id is None else request_id
        self._waiting[number] = asyncio.get_running_loop().create_future()
        await self.send(type=type, requestId=number, udfPath=path, args=[args])
        async with asyncio.timeout(PATIENCE):
            return await self._waiting[number]

    # What it waits for.

    async def until(self, condition: Callable[[], Any], *, within: float = PATIENCE) -> None:
        """Wait until `condition` holds; it is asked after each message. Raises what ended the connection meanwhile."""
        try:
            async with asyncio.timeout(within), self._changed:
                await self._changed.wait_for(lambda: condition() or self._failure is not None)
        except TimeoutError:
            raise AssertionError(f"waited in vain; results: {self.results!r:.1000}; {self.messages}") from None
        if not condition() and self._failure is not None:
            raise self._failure

    async def until_result(self, query_id: int, value: Any) -> None:
        await self.until(lambda: self.results.get(query_id) == value)

    async def reach(self, ts: int | None) -> None:
        """Wait until the server has told everything up to a commit."""
        assert ts is not None
        await self.until(lambda: timestamp(self.version["ts"]) >= ts)

    async def until_ended(self) -> str:
        """Wait until the server closes the connection; gives code and reason as "1011 InternalServerError"."""
        async with asyncio.timeout(PATIENCE):
            await asyncio.wait([self._reader])
        assert self.ended is not None, self._failure
        return self.ended

    def fatal_error(self) -> str | None:
        """The text of the FatalError that came, if any."""
        return next((m["error"] for m in self.messages if m["type"] == "FatalError"), None)

    # What it hears.

    async def _read(self) -> None:
        try:
            async for text in self.socket:
                assert isinstance(text, str), "servers send text frames only"
                self._hear(msgspec.json.decode(text))
                async with self._changed:
                    self._changed.notify_all()
            raise Refused("closed normally")
        except Exception as failure:
            await self._end(failure)

    async def _end(self, failure: BaseException) -> None:
        self._failure = failure
        self.ended = f"{self.socket.close_code} {self.socket.close_reason}".strip()
        if isinstance(failure, ConnectionClosed | Refused):
            self._failure = Refused(f"{self.ended}: {failure}; {self.messages}")
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(self._failure)
                waiting.exception()  # marks it as seen: nobody may be waiting any more
        async with self._changed:
            self._changed.notify_all()

    def _hear(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "Transition":
            self._apply(message)
        elif kind == "TransitionChunk":
            self._collect(message)
        elif kind in ("MutationResponse", "ActionResponse"):
            self._answer(message)
        elif kind != "Ping":
            self.messages.append(message)

    def _collect(self, message: dict[str, Any]) -> None:
        assert message["partNumber"] == len(self._parts)
        self.chunks += 1
        self._parts.append(message["chunk"])
        if len(self._parts) == message["totalParts"]:
            text, self._parts = "".join(self._parts), []
            self._apply(msgspec.json.decode(text))

    def _apply(self, message: dict[str, Any]) -> None:
        assert message["startVersion"] == self.version, f"Transition starts at {message['startVersion']}"
        end = message["endVersion"]
        assert timestamp(end["ts"]) >= timestamp(self.version["ts"]), "timestamps never go back"
        self.version = end
        self.transitions += 1
        for change in message["modifications"]:
            self._modify(change)
        if self.remember:
            self.moments.append((timestamp(end["ts"]), dict(self.results)))
        if self.on_transition is not None:
            self.on_transition(timestamp(end["ts"]), self.results)

    def _modify(self, change: dict[str, Any]) -> None:
        if change["type"] == "QueryUpdated":
            self.results[change["queryId"]] = change["value"]
        elif change["type"] == "QueryFailed":
            has_data = "errorData" in change
            failure = QueryFailure(change["errorMessage"], change.get("errorData"), has_data)
            self.results[change["queryId"]] = failure
        else:
            self.results.pop(change["queryId"], None)

    def _answer(self, message: dict[str, Any]) -> None:
        ts = message.get("ts")
        response = Response(
            success=message["success"],
            result=message["result"],
            ts=None if ts is None else timestamp(ts),
            log_lines=message["logLines"],
            data=message.get("errorData"),
        )
        waiting = self._waiting.get(message["requestId"])
        assert waiting is not None, f"an answer to request {message['requestId']}, which was not asked"
        if not waiting.done():
            waiting.set_result(response)
