"""The model of a store that several processes share: they are objects of one process, over one memory."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager

from reactor.errors import StoreError
from reactor.store.batch import check_order
from reactor.store.memory import MemorySnapshot
from reactor.store.recorded import Recorded
from reactor.store.seam import CaughtUp, Commit, IndexRecord, LogEntry, Revise, Snapshot

__all__ = ["SharedMemory", "SharedMemoryStore"]


class SharedMemory:
    """What all stores over it have in common. They are used on one event loop.

    `newest`: the state after the last commit, never changed once it is here. `stores`: those that are open.
    """

    def __init__(self) -> None:
        self.newest = MemorySnapshot()
        self.stores: list[SharedMemoryStore] = []
        self.schema_turn = asyncio.Lock()
        self._lock = asyncio.Lock()
        self._turn: _Turn | None = None

    @asynccontextmanager
    async def turn(self, store: "SharedMemoryStore") -> AsyncGenerator[None]:
        """Keep all others from writing. Who has the turn already goes on in it."""
        if self._turn is not None and self._turn.owner is store:
            yield
            return
        await self._lock.acquire()
        self._turn = mine = _Turn(store)
        try:
            yield
        finally:
            if self._turn is mine:
                self.end_turn()

    def end_turn(self) -> None:
        """Take the turn from whoever has it, as if that process had been stopped or cut off."""
        if self._turn is not None:
            self._turn = None
            self._lock.release()


class _Turn:
    def __init__(self, owner: "SharedMemoryStore") -> None:
        self.owner = owner


class SharedMemoryStore(Recorded):
    """One process's view of a memory that it shares, by the name of `node`; no two stores have the same."""

    shared = True

    def __init__(self, memory: SharedMemory, node: str) -> None:
        self._memory = memory
        self._node = node
        self._open = False
        self._visible = memory.newest
        self._caught_up: MemorySnapshot | None = None
        self._on_news: Callable[[], None] | None = None

    async def open(self) -> None:
        if not self._open:
            self._open = True
            self._memory.stores.append(self)
        self._visible = self._memory.newest
        self._records = await self._visible.records()

    async def close(self) -> None:
        if self._open:
            self._open, self._on_news = False, None
            self._memory.stores.remove(self)

    def acquire(self) -> Snapshot:
        self._check_open()
        self._visible.holders += 1
        return self._visible

    async def commit(
        self,
        batch: Sequence[Commit],
        *,
        on_the_way: Callable[[], None] | None = None,
        revise: Revise | None = None,
    ) -> None:
        self._check_open()
        if not batch:
            return
        async with self._memory.turn(self):
            newest = self._memory.newest
            if newest.ts > self._visible.ts:
                if revise is None:
                    raise StoreError("others have committed, and the batch cannot be revised; catch up, and try again")
                batch = revise(newest.ts, self._unseen(newest))
            check_order(newest.ts, batch)
            newest.refuse_repeated(batch)
            if batch:
                self._memory.newest = newest = newest.copy()
            for commit in batch:
                newest.apply(commit, self._node)
        if batch:
            self._tell_others()

    def listen(self, on_news: Callable[[], None]) -> None:
        self._on_news = on_news

    async def catch_up(self) -> CaughtUp:
        self._check_open()
        newest = self._memory.newest
        newest.holders += 1
        self._caught_up = newest
        return CaughtUp(newest, self._unseen(newest))

    @asynccontextmanager
    async def exclusive(self) -> AsyncGenerator[None]:
        self._check_open()
        async with self._memory.turn(self):
            yield

    @asynccontextmanager
    async def schema_turn(self) -> AsyncGenerator[None]:
        self._check_open()
        async with self._memory.schema_turn:
            yield

    def advance(self, ts: int) -> None:
        state, self._caught_up = self._caught_up, None
        if state is None or state.ts != ts:
            raise StoreError(f"commit {ts} is not what this store has caught up with; catch up first")
        self._visible = state

    async def keep_resident(self, table: int, index: int) -> None:
        """All of it is in memory."""

    async def fill_index(self, index: IndexRecord, entries: Sequence[tuple[bytes, str]], *, as_of: int) -> None:
        self._check_open()
        async with self._memory.turn(self):
            state = self._memory.newest.copy()
            state.add_entries(index.id, entries, as_of)
            state.last_index = max(state.last_index, index.id)
            self._memory.newest = state

    async def prune(self, *, log_before: int, outcomes_before: int, limit: int) -> int:
        self._check_open()
        async with self._memory.turn(self):
            state = self._memory.newest.copy()
            count = state.prune(log_before, outcomes_before, limit)
            self._memory.newest = state
        return count

    def _unseen(self, newest: MemorySnapshot) -> list[LogEntry] | None:
        """The entries from the visible state on, None when some of them are forgotten."""
        if newest.history_from > self._visible.ts:
            return None
        return [entry for entry in newest.history if entry.ts > self._visible.ts]

    def _tell_others(self) -> None:
        loop = asyncio.get_running_loop()
        for other in self._memory.stores:
            if other is not self:
                loop.call_soon(other.hear)

    def hear(self) -> None:
        """Others have committed."""
        if self._on_news is not None:
            self._on_news()

    def _check_open(self) -> None:
        if not self._open:
            raise StoreError("the store is closed; open it first")
