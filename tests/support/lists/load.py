"""Clients of all kinds at work on servers of the same lists, through whatever happens to them."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import msgspec

from tests.support.elle import Read, Transaction
from tests.support.lists.caller import Caller
from tests.support.lists.doors import Doors
from tests.support.lists.programs import Keys, Program
from tests.support.lists.recording import Recording
from tests.support.lists.watcher import Watcher
from tests.support.lists.writer import Writer
from tests.support.patience import until
from tests.support.server import Server
from tests.support.sync_client import SyncClient

__all__ = ["Load"]

_PORTION = 200
"""So many lists are read at once in the end."""


class Load:
    """The clients of servers that run tests/apps/lists or a copy, all on the same data.

    Use as `async with load.working(): ...`; when that ends, all programs are answered and all lists were read.
    `excuse`: a pattern of the answers that are no surprise while servers are without their database.
    `several`: more than one process answers, even if at one address.
    """

    def __init__(
        self,
        servers: Sequence[Server],
        *,
        seed: int,
        writers: int,
        lanes: int,
        callers: int,
        watchers: int,
        excuse: str = "$^",
        several: bool = False,
    ) -> None:
        self._servers, self.random = servers, random.Random(seed)
        self.recording, self._keys = Recording(excuse), Keys(self.random)
        self.doors = Doors(self.random, several=several or len(servers) > 1)
        self._resting = False
        self._edition = 1
        parts = self.doors, self._keys, self.recording
        self._writers = [Writer(f"writer {n}", *parts, lanes) for n in range(writers)]
        self._callers = [Caller(f"caller {n}", *parts) for n in range(callers)]
        self._watchers = [Watcher(f"watcher {n}", *parts) for n in range(watchers)]

    @property
    def history(self) -> list[Transaction]:
        """All that was recorded."""
        return self.recording.history

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Let the clients work meanwhile."""
        for server in self._servers:
            self.doors.open(server.url)
        async with asyncio.TaskGroup() as watching:
            watchers = [watching.create_task(watcher.run()) for watcher in self._watchers]
            async with asyncio.TaskGroup() as working:
                for client in (*self._writers, *self._callers):
                    working.create_task(client.run(lambda: self._resting))
                yield
                self._resting = True
            for watcher in watchers:
                watcher.cancel()
        await self._read_everything()

    async def more(self, programs: int) -> None:
        """Wait until so many more programs were answered."""
        await self.recording.until(self.recording.answered + programs)

    async def some(self, programs: int, *, at_most: float) -> None:
        """Wait until so many more programs were answered, or so many seconds, since it may be that nobody can go on."""
        with suppress(TimeoutError):
            async with asyncio.timeout(at_most):
                await self.more(programs)

    async def kill(self, number: int = 0) -> None:
        """End a server as a power failure would, and start it again."""
        server = self._servers[number]
        self.doors.close(server.url)
        await asyncio.to_thread(server.kill)
        await self._start(server)

    async def restart(self, number: int = 0) -> None:
        """Let a server stop in peace, and start it again."""
        server = self._servers[number]
        self.doors.close(server.url)
        code = await asyncio.to_thread(server.stop)
        assert code == 0, server.log
        await self._start(server)

    async def reload(self) -> None:
        """Edit the application, and wait until the new version of it answers."""
        [server] = self._servers
        file = server.app / "functions" / "lists.py"
        before, self._edition = self._edition, self._edition + 1
        file.write_text(file.read_text().replace(f"EDITION = {before}", f"EDITION = {self._edition}"))
        await asyncio.to_thread(until, lambda: server.query("lists:edition") == self._edition, "the new version")

    async def _start(self, server: Server) -> None:
        await asyncio.to_thread(server.start)
        self.doors.open(server.url)

    async def _read_everything(self) -> None:
        """Each list as it is in the end on each server, or an append that was lost might have been nobody's concern."""
        for number, server in enumerate(self._servers):
            async with SyncClient(server.url) as client:
                await self._read_all(f"last {number}", client)

    async def _read_all(self, name: str, client: SyncClient) -> None:
        key, invoked = self._keys.any(), self.recording.tick()
        last = Program([["append", key, self._keys.value(key)]], fails=False)
        answer = await client.mutation("lists:run", **msgspec.structs.asdict(last))
        assert answer.success, answer
        self.recording.succeeded(name, last, answer.result, invoked=invoked, position=answer.ts)
        keys = self._keys.all()
        for start in range(0, len(keys), _PORTION):
            some, invoked = keys[start : start + _PORTION], self.recording.tick()
            # Who has written on this connection gets results that have all that was written before, wherever it was.
            id = await client.add("lists:read", keys=some)
            ops = [Read(key, found) for key, found in zip(some, client.results[id], strict=True)]
            self.recording.read(name, ops, invoked=invoked)
            await client.remove(id)
