"""Whether the server does what it is for: a write arrives at a live query.

A look goes the whole way that a client's write goes: a connection of the protocol (without a socket), a subscription, a
mutation through the committer to the disk, a round, and the transition that brings the new result. It writes one hidden
document, so a look leaves an entry in the log and nothing else. Only who asks makes the server look.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import msgspec

from reactor.app.parts import Parts
from reactor.runtime.identity import Identity
from reactor.runtime.system import BEAT, PULSE
from reactor.sync.connection import OutMessage, Welcome
from reactor.sync.peer import SocketPeer

__all__ = ["Canary"]

_LEAST_SECONDS = 1.0

_ASK = msgspec.json.encode(
    {
        "type": "ModifyQuerySet",
        "baseVersion": 0,
        "newVersion": 1,
        "modifications": [{"type": "Add", "queryId": 0, "udfPath": PULSE, "args": [{}]}],
    }
)
# Without a session id, so that no outcome is recorded.
_WRITE = msgspec.json.encode({"type": "Mutation", "requestId": 0, "udfPath": BEAT, "args": [{}]})


class Canary:
    """Looks when it is asked, at most once in `health_seconds`, and one look at a time."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._turn = asyncio.Lock()
        self._looked_at = float("-inf")
        self._reason: str | None = None
        self.looks = 0
        self.seconds = 0.0
        """How long the last look took that went well."""

    async def check(self) -> str | None:
        """Why writes do not arrive, None when they do."""
        async with self._turn:
            if not self._is_known():
                self.looks += 1
                began = time.monotonic()
                self._reason = await self._look()
                self._looked_at = time.monotonic()
                if self._reason is None:
                    self.seconds = self._looked_at - began
            return self._reason

    def _is_known(self) -> bool:
        """Whether the last look still says how it is: commits have gone on as it found them."""
        failing = self._parts.database.committer.fault is not None
        recent = time.monotonic() - self._looked_at < self._parts.settings.health_seconds
        return recent and failing is (self._reason is not None)

    async def _look(self) -> str | None:
        seconds = max(_LEAST_SECONDS, self._parts.settings.health_seconds)
        client = _Client()
        welcome = self._parts.hub.accept("/api/sync", {}, client)
        assert isinstance(welcome, Welcome) and isinstance(welcome.peer, SocketPeer)
        peer = welcome.peer
        peer.session.identity = Identity.admin()
        try:
            async with asyncio.timeout(seconds):
                peer.received(_ASK)
                peer.received(_WRITE)
                await client.arrived()
        except TimeoutError:
            fault = self._parts.database.committer.fault
            return str(fault) if fault is not None else f"a write did not reach a live query within {seconds:g} s"
        finally:
            peer.lost()
        return client.failure


class _Client:
    """The far end of the connection: what was written, and what was seen."""

    backlog = 0
    last_sent = last_heard = 0.0
    address = None

    def __init__(self) -> None:
        self.failure: str | None = None
        self._written: float | None = None
        self._seen: float | None = None
        self._heard = asyncio.Event()

    async def arrived(self) -> None:
        """Wait until what was written has been seen, or it is known why not."""
        while self.failure is None and (self._written is None or self._seen is None or self._seen < self._written):
            self._heard.clear()
            await self._heard.wait()

    def send(self, messages: Sequence[OutMessage]) -> None:
        for message in messages:
            self._hear(msgspec.json.decode(message.payload))
        self._heard.set()

    def close(self, code: int | None, reason: str = "") -> None:
        self.failure = self.failure or f"the server ended the connection ({reason or code})"
        self._heard.set()

    def _hear(self, message: dict[str, Any]) -> None:
        if message["type"] == "MutationResponse":
            if message["success"]:
                self._written = message["result"]
            else:
                self.failure = str(message["result"])
        for change in message.get("modifications", ()):
            if change["type"] == "QueryUpdated":
                self._seen = change["value"]
            elif change["type"] == "QueryFailed":
                self.failure = str(change["errorMessage"])
