"""What may happen to nodes and to their database while clients work, chosen at random from a seed."""

import asyncio
from collections.abc import Awaitable, Callable

from tests.support.lists.load import Load
from tests.support.nodes import Nodes

__all__ = ["EXCUSE", "Faults"]

EXCUSE = r"the state of commit \d+ cannot be read|failed at postgresql://|InternalServerError"
"""What a node may answer while its database is out of reach; nothing of such a mutation is kept."""

_SLOW = 0.05


class Faults:
    """Each fault is over when it returns, except that what was cut off may still be finding its way back.

    `programs`: so many are answered in a round of all faults, if anybody can go on; before and while they last.
    `seconds`: the longest time of one. `happened` counts them by name.
    """

    def __init__(self, nodes: Nodes, load: Load, *, programs: int, seconds: float) -> None:
        self._nodes, self._load, self._seconds = nodes, load, seconds
        self.happened: dict[str, int] = {}
        self._kinds: dict[str, Callable[[int], Awaitable[None]]] = {
            "killed": load.kill,
            "restarted": load.restart,
            "paused": self._pause,
            "cut off": self._cut,
            "held up": self._hold,
            "orphaned": self._orphan,
            "refused": self._refuse,
            "deaf": self._deafen,
            "doorbell lost": self._cut_doorbell,
            "slow": self._slow,
            "database restarted": self._restart_database,
        }
        self._portion = programs // len(self._kinds) // 2

    async def all(self, *, at_once: int = 1) -> None:
        """Every kind of fault once, in random order, each on a node that luck chooses; `at_once` of them together."""
        kinds = self._load.random.sample(list(self._kinds), len(self._kinds))
        for start in range(0, len(kinds), at_once):
            await self._load.more(self._portion)
            some = kinds[start : start + at_once]
            # Two faults of one node would end each other.
            places = self._load.random.sample(range(self._nodes.count), len(some))
            async with asyncio.TaskGroup() as group:
                for kind, number in zip(some, places, strict=True):
                    group.create_task(self._one(kind, number))

    async def _one(self, kind: str, number: int) -> None:
        self.happened[kind] = self.happened.get(kind, 0) + 1
        await self._kinds[kind](number)

    async def _meanwhile(self) -> None:
        await self._load.some(self._portion, at_most=self._seconds)

    async def _pause(self, number: int) -> None:
        node = self._nodes[number]
        node.pause()
        try:
            self._load.doors.lose_patience(node.url, 0.5)
            await self._meanwhile()
        finally:
            node.resume()

    async def _cut(self, number: int) -> None:
        await asyncio.to_thread(self._nodes[number].link.cut)

    async def _cut_doorbell(self, number: int) -> None:
        await asyncio.to_thread(self._nodes[number].link.cut_doorbell)
        await self._meanwhile()

    async def _hold(self, number: int) -> None:
        await self._until_mended(number, self._nodes[number].link.hold)

    async def _orphan(self, number: int) -> None:
        await self._until_mended(number, self._nodes[number].link.orphan)

    async def _refuse(self, number: int) -> None:
        await self._until_mended(number, self._nodes[number].link.refuse)

    async def _deafen(self, number: int) -> None:
        await self._until_mended(number, self._nodes[number].link.deafen)

    async def _slow(self, number: int) -> None:
        await self._until_mended(number, lambda: self._nodes[number].link.slow(_SLOW))

    async def _until_mended(self, number: int, begin: Callable[[], None]) -> None:
        link = self._nodes[number].link
        await asyncio.to_thread(begin)
        try:
            self._load.doors.lose_patience(self._nodes[number].url, 0.3)
            await self._meanwhile()
        finally:
            await asyncio.to_thread(link.mend)

    async def _restart_database(self, _: int) -> None:
        await asyncio.to_thread(self._nodes.postgres.restart)
