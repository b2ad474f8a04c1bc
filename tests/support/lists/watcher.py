"""A client that subscribes to two queries: what it holds after each transition is one state of the database."""

import contextlib
from typing import Any

from tests.support.elle import Read
from tests.support.lists.doors import Doors
from tests.support.lists.programs import Keys
from tests.support.lists.recording import Recording
from tests.support.sync_client import LOST, QueryFailure, SyncClient, timestamp

__all__ = ["Watcher"]

_LONGEST = 600.0
"""Seconds, until something is wrong when a list that everybody uses has not become too long for it."""


class Watcher:
    """Watches the lists that everybody uses, in one query, and some others in a second one."""

    def __init__(self, name: str, doors: Doors, keys: Keys, recording: Recording) -> None:
        self._name, self._doors, self._keys, self._recording = name, doors, keys, recording
        self._observed = 0
        self._watched: dict[int, list[str]] = {}

    async def run(self) -> None:
        """Watch until cancelled, over as many connections as it takes."""
        while True:
            url = await self._doors.choose()
            self._watched = {}
            with contextlib.suppress(*LOST):
                async with SyncClient(url, on_transition=self._saw, observed=self._observed) as client:
                    with self._doors.inside(url, client.socket.transport.abort):
                        while True:
                            await self._watch(client)

    async def _watch(self, client: SyncClient) -> None:
        hot, cold = list(self._keys.hot), self._keys.random.sample(self._keys.cold, 4)
        calls = [("lists:read", {"keys": keys}) for keys in (hot, [*cold, hot[0]])]
        ids = await client.add_all(*calls)
        self._watched = dict(zip(ids, (hot, [*cold, hot[0]]), strict=True))
        self._saw(timestamp(client.version["ts"]), client.results)
        await client.until(lambda: self._keys.hot != hot, within=_LONGEST)
        self._watched = {}
        for id in ids:
            await client.remove(id)

    def _saw(self, ts: int, results: dict[int, Any]) -> None:
        ops: list[Read] = []
        self._observed = max(self._observed, ts)
        for id, keys in self._watched.items():
            result = results.get(id)
            if isinstance(result, QueryFailure):
                self._recording.refused(result.message, result)
            elif result is not None:
                ops += (Read(key, values) for key, values in zip(keys, result, strict=True))
        if ops:
            # News travel, so it may be an old state; but never older than the one before it.
            self._recording.read(self._name, ops, invoked=0, position=ts)
