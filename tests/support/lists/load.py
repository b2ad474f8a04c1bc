"""Clients of all kinds at work on one server, through whatever happens to it."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.elle import Read, Transaction
from tests.support.lists.caller import Caller
from tests.support.lists.programs import Keys
from tests.support.lists.recording import Recording
from tests.support.lists.watcher import Watcher
from tests.support.lists.writer import Writer
from tests.support.patience import until
from tests.support.server import Server

__all__ = ["Load"]

_PORTION = 200
"""So many lists are read at once in the end."""


class Load:
    """The clients of a server that `reactor dev` runs on a copy of tests/apps/lists.

    Use as `async with load.working(): ...`; when that ends, all programs are answered and all lists were read.
    """

    def __init__(self, server: Server, *, seed: int, writers: int, lanes: int, callers: int, watchers: int) -> None:
        self._server = server
        self.recording, self._keys = Recording(), Keys(random.Random(seed))
        self._up = asyncio.Event()
        self._resting = False
        self._edition = 1
        parts = server.url, self._keys, self.recording, self._up
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
        self._up.set()
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

    async def kill(self) -> None:
        """End the server as a power failure would, and start it again."""
        self._up.clear()
        await asyncio.to_thread(self._server.kill)
        await self._start()

    async def restart(self) -> None:
        """Let the server stop in peace, and start it again."""
        self._up.clear()
        code = await asyncio.to_thread(self._server.stop)
        assert code == 0, self._server.log
        await self._start()

    async def reload(self) -> None:
        """Edit the application, and wait until the new version of it answers."""
        file = self._server.app / "functions" / "lists.py"
        before, self._edition = self._edition, self._edition + 1
        file.write_text(file.read_text().replace(f"EDITION = {before}", f"EDITION = {self._edition}"))
        await asyncio.to_thread(until, lambda: self._server.query("lists:edition") == self._edition, "the new version")

    async def _start(self) -> None:
        await asyncio.to_thread(self._server.start)
        self._up.set()

    async def _read_everything(self) -> None:
        """Each list as it is in the end, or an append that was lost there might have been nobody's concern."""
        keys = self._keys.all()
        for start in range(0, len(keys), _PORTION):
            some, invoked = keys[start : start + _PORTION], self.recording.tick()
            values = await asyncio.to_thread(self._server.query, "lists:read", keys=some)
            ops = [Read(key, found) for key, found in zip(some, values, strict=True)]
            self.recording.read("last", ops, invoked=invoked)
