"""Whole engines on one store that they share, each with a clock for watching the others that tests turn."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from reactor.app.parts import Events, Parts
from reactor.runtime import logs
from reactor.settings import Settings
from reactor.settings.kinds import Secret
from reactor.store.memory_shared import SharedMemory, SharedMemoryStore
from reactor.store.seam import Store
from reactor.store.sharing.store import SharedSqliteStore
from tests.integration.sync.engine import ADMIN_KEY
from tests.support.server import APPS

__all__ = ["SILENT", "Engines"]

SILENT = 10.0


def _silent(kind: str, /, **fields: object) -> None:
    """Nobody watches."""


class Engines:
    """Nodes by name. Each beats and looks when a test says so, and hears of commits by itself."""

    def __init__(self, folder: Path, stack: AsyncExitStack, *, in_a_file: bool) -> None:
        self._folder, self._stack, self._in_a_file = folder, stack, in_a_file
        self._memory, self.now = SharedMemory(), 0.0
        self.open: list[Parts] = []

    @classmethod
    @asynccontextmanager
    async def of(cls, folder: Path, *, in_a_file: bool = False) -> AsyncIterator["Engines"]:
        """Nodes that keep everything below a folder; with `in_a_file` they share an SQLite file, as workers do."""
        restore = logs.install()
        async with AsyncExitStack() as stack:
            stack.callback(restore)
            yield cls(folder, stack, in_a_file=in_a_file)

    async def start(
        self, name: str, app: str | Path, *, beats: bool = False, events: Events = _silent, **settings: Any
    ) -> Parts:
        """One more node. With `beats` it does so by itself."""
        chosen = {"node_silent_seconds": SILENT, "mode": "production", **settings}
        made = Settings(data=self._folder / name, admin_key=Secret(ADMIN_KEY), **chosen)
        store = self._store(name)
        parts = Parts(made, APPS / app, events, store=store, monotonic=lambda: self.now)
        if not beats:
            parts.members.start = lambda: None
        self._stack.push_async_callback(parts.close)
        await parts.open()
        self.open.append(parts)
        return parts

    def _store(self, name: str) -> Store:
        if self._in_a_file:
            return SharedSqliteStore(self._folder / "data", node=name)
        return SharedMemoryStore(self._memory, name)

    async def turn(self, *living: Parts, seconds: float = SILENT * 1.1) -> None:
        """Let time pass, in which these live."""
        for _ in range(4):
            self.now += seconds / 4
            for parts in living:
                await parts.members.beat()
            for parts in living:
                await parts.members.look()
