"""The whole engine in this process, on a real file, and clients whose socket is an object."""

import asyncio
import base64
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from reactor.app.parts import Events, Parts
from reactor.runtime import logs
from reactor.settings import Settings
from reactor.settings.kinds import Secret
from reactor.sync.connection import OutMessage, Refusal
from reactor.sync.peer import SocketPeer
from tests.support.patience import PATIENCE
from tests.support.server import APPS

__all__ = ["ADMIN_KEY", "Client", "engine", "timestamp"]

ADMIN_KEY = "club|0123456789abcdef"

NPM = "/api/1.48.0/sync"


def _silent(kind: str, /, **fields: object) -> None:
    """Nobody watches."""


@asynccontextmanager
async def engine(
    data: Path,
    app: str | Path = "club",
    *,
    events: Events = _silent,
    clock: Callable[[], int] = time.time_ns,
    **settings: Any,
) -> AsyncIterator[Parts]:
    """An application (a folder, or the name of one under tests/apps) served from the data folder `data`."""
    made = Settings(data=data, admin_key=Secret(ADMIN_KEY), **settings)
    parts = Parts(made, APPS / app, events, clock=clock)
    restore = logs.install()
    try:
        await parts.open()
        yield parts
    finally:
        await parts.close()
        restore()


def timestamp(wire: str) -> int:
    """Nanoseconds from the wire form of a timestamp."""
    return int.from_bytes(base64.b64decode(wire), "little")


class Client:
    """One connection, seen from its far end. It checks that transitions chain and never go back.

    `results` has the newest modification of each query id, `moments` the values of all queries after each transition.
    `order` has the kinds of messages as they came, `stamps` the timestamps in them (0: none). `backlog` is for tests to
    set.
    """

    last_sent = last_heard = 0.0

    def __init__(
        self,
        parts: Parts,
        *,
        path: str = NPM,
        headers: Mapping[str, str] | None = None,
        session: str | None = None,
        connect: bool = True,
        address: str | None = None,
    ) -> None:
        self.backlog = 0
        self.address = address
        self.session = session or str(uuid.uuid4())
        self.sent: list[OutMessage] = []
        self.order: list[str] = []
        self.stamps: list[int] = []
        self.others: list[dict[str, Any]] = []
        self.version: dict[str, Any] = {"querySet": 0, "identity": 0, "ts": "AAAAAAAAAAA="}
        self.results: dict[int, dict[str, Any]] = {}
        self.moments: list[dict[int, Any]] = []
        self.responses: dict[int, list[dict[str, Any]]] = {}
        self.closed: tuple[int | None, str] | None = None
        self._query_set = self._identity = self._request = 0
        self._parts: list[str] = []
        self._heard = asyncio.Event()
        welcome = parts.hub.accept(path, headers or {}, self)
        assert not isinstance(welcome, Refusal), welcome
        assert isinstance(welcome.peer, SocketPeer)
        self.peer = welcome.peer
        if connect:
            self.say("Connect", sessionId=self.session, connectionCount=0, lastCloseReason="InitialConnect")

    # The connection

    def send(self, messages: Sequence[OutMessage]) -> None:
        if self.closed is None:
            for message in messages:
                self.sent.append(message)
                self._hear(json.loads(message.payload))
            self._heard.set()

    def close(self, code: int | None, reason: str = "") -> None:
        if self.closed is None:
            self.closed = (code, reason)
            self._heard.set()

    def drop(self) -> None:
        """The connection breaks."""
        self.closed = self.closed or (1006, "")
        self.peer.lost()

    def drain(self) -> None:
        """The client reads everything that waits."""
        self.backlog = 0
        self.peer.drained()

    # What it says

    def say(self, type: str, **fields: Any) -> None:
        self.peer.received(json.dumps({"type": type, **fields}).encode())

    def modify(self, *modifications: dict[str, Any]) -> None:
        base, self._query_set = self._query_set, self._query_set + 1
        self.say("ModifyQuerySet", baseVersion=base, newVersion=self._query_set, modifications=list(modifications))

    async def add(self, query_id: int, path: str, journal: str | None = None, **args: Any) -> Any:
        """Subscribe and wait for the first result; its value."""
        self.modify({"type": "Add", "queryId": query_id, "udfPath": path, "args": [args], "journal": journal})
        await self.settled()
        return self.value(query_id)

    async def remove(self, query_id: int) -> None:
        self.modify({"type": "Remove", "queryId": query_id})
        await self.settled()

    def request(self, type: str, path: str, number: int | None = None, **args: Any) -> int:
        """Send a mutation or an action; its number."""
        number = self._request if number is None else number
        self._request = number + 1
        self.say(type, requestId=number, udfPath=path, args=[args])
        return number

    async def mutation(self, path: str, number: int | None = None, **args: Any) -> dict[str, Any]:
        """Run a mutation; its response, once a transition with its effects has come."""
        before = len(self.responses.get(number, [])) if number is not None else 0
        number = self.request("Mutation", path, number, **args)
        await self.until(lambda: len(self.responses.get(number, [])) > before)
        response = self.responses[number][-1]
        if response["success"]:
            await self.reach(timestamp(response["ts"]))
        return response

    async def action(self, path: str, **args: Any) -> dict[str, Any]:
        return await self.response(self.request("Action", path, **args))

    async def authenticate(self, **fields: Any) -> None:
        base, self._identity = self._identity, self._identity + 1
        self.say("Authenticate", baseVersion=base, **fields)
        await self.settled()

    async def become(self, name: str | None) -> None:
        """The admin acting as a user; None: nobody."""
        if name is None:
            await self.authenticate(tokenType="None")
        else:
            acting_as = {"tokenIdentifier": name}
            await self.authenticate(tokenType="Admin", value=ADMIN_KEY, impersonating=acting_as)

    # What it waits for

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until `condition` holds; it is asked after each batch of messages."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._heard.clear()
                await self._heard.wait()

    async def settled(self) -> None:
        """Wait until everything it asked for is acknowledged, or the connection has ended."""
        wanted = (self._query_set, self._identity)
        await self.until(
            lambda: (self.version["querySet"], self.version["identity"]) == wanted or self.closed is not None
        )

    async def response(self, number: int) -> dict[str, Any]:
        await self.until(lambda: number in self.responses)
        return self.responses[number][-1]

    async def reach(self, ts: int) -> None:
        await self.until(lambda: self.ts >= ts)

    # What it has

    @property
    def ts(self) -> int:
        return timestamp(self.version["ts"])

    @property
    def transitions(self) -> int:
        return self.order.count("Transition")

    def value(self, query_id: int) -> Any:
        return self.results[query_id].get("value")

    def _hear(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        self.order.append(kind)
        stamp = message["endVersion"]["ts"] if kind == "Transition" else message.get("ts")
        self.stamps.append(0 if stamp is None else timestamp(stamp))
        if kind == "TransitionChunk":
            assert message["partNumber"] == len(self._parts)
            self._parts.append(message["chunk"])
            if message["totalParts"] == len(self._parts):
                text, self._parts = "".join(self._parts), []
                self._apply(json.loads(text))
        elif kind == "Transition":
            self._apply(message)
        elif kind in ("MutationResponse", "ActionResponse"):
            self.responses.setdefault(message["requestId"], []).append(message)
        else:
            self.others.append(message)

    def _apply(self, message: dict[str, Any]) -> None:
        start, end = message["startVersion"], message["endVersion"]
        assert start == self.version, f"a transition starts at {start} instead of {self.version}"
        assert timestamp(end["ts"]) >= self.ts
        assert end["querySet"] >= start["querySet"]
        assert end["identity"] >= start["identity"]
        self.version = end
        for change in message["modifications"]:
            if change["type"] == "QueryRemoved":
                self.results.pop(change["queryId"], None)
            else:
                self.results[change["queryId"]] = change
        self.moments.append({id: result.get("value") for id, result in self.results.items()})
