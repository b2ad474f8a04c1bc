"""The store in one SQLite file that several processes of a machine share."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from reactor.errors import StoreError
from reactor.store.batch import check_order, logged, steps_of
from reactor.store.checkpoints import WAL_PAGES
from reactor.store.file_format import PAGE_CACHE
from reactor.store.recorded import Recorded
from reactor.store.seam import CaughtUp, Commit, IndexRecord, LogEntry, Revise, Snapshot
from reactor.store.sharing.gate import LIMIT, Gate
from reactor.store.sharing.news import News
from reactor.store.sharing.schema_turn import schema_turn
from reactor.store.sharing.shared_checkpoints import SharedCheckpoints
from reactor.store.sharing.shared_writer import SharedWriter
from reactor.store.snapshots import Snapshots
from reactor.store.sqlite import STATEMENTS, Catalog, read_catalog
from reactor.store.upkeep import Upkeep

__all__ = ["SharedSqliteStore"]

_PAGE = 256
"""Log entries read without letting anybody else have the event loop."""


class SharedSqliteStore(Recorded):
    """`FOLDER/reactor.db` for all processes of one machine that open it so. `node` names this one, like no other.

    It does not lock the folder: whoever starts the processes does. What they share beside the file is in
    `FOLDER/shared`. `wal_pages` and `page_cache` as in `SqliteStore`.
    """

    shared = True

    def __init__(self, folder: Path, *, node: str, wal_pages: int = WAL_PAGES, page_cache: int = PAGE_CACHE) -> None:
        self._folder, self._node = folder / "shared", node
        file = folder / "reactor.db"
        self._gate = Gate(self._folder)
        self._snapshots = Snapshots(file, STATEMENTS, cache=page_cache)
        self._news = News(self._folder, file, STATEMENTS, self._snapshots, self._hurry)
        self._writer = SharedWriter(file, STATEMENTS, self._gate, node, self._news.committed, cache=page_cache)
        self._checkpoints = SharedCheckpoints(
            file, self._writer, self._snapshots, self._news, Gate(self._folder), pages=wal_pages
        )
        self._upkeep = Upkeep(self._writer, self._checkpoints, STATEMENTS)
        self._own: tuple[int, Sequence[Commit]] | None = None
        """The last batch, with the visible state that it was committed right upon."""

    async def open(self) -> None:
        try:
            self._folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise StoreError(f"cannot make the folder {self._folder}: {error}; choose another with --data") from error
        self._gate.open()
        entry = 0
        try:
            entry = await asyncio.to_thread(self._gate.enter)
            await self._writer.open()
            self._records, self._upkeep.unfinished = await self._writer.transaction(_read_catalog)
            self._news.open()
            self._snapshots.open()
            await self._checkpoints.open()
        except BaseException:
            await self.close()
            raise
        finally:
            self._gate.leave(entry)

    async def close(self) -> None:
        self._news.stop()
        await self._checkpoints.close()
        self._snapshots.close()
        await self._writer.close()
        self._news.close()
        self._gate.close()

    def acquire(self) -> Snapshot:
        return self._snapshots.acquire()

    async def commit(
        self,
        batch: Sequence[Commit],
        *,
        on_the_way: Callable[[], None] | None = None,
        revise: Revise | None = None,
    ) -> None:
        if not batch:
            return
        self._own = None
        seen = upon = self._snapshots.visible
        kept: list[int] = []
        waiting = False
        try:
            while batch:
                check_order(upon, batch)
                steps = steps_of(batch, STATEMENTS, node=self._node)
                waiting = True
                overtaken = await self._writer.attempt(
                    steps,
                    batch[-1].ts,
                    upon=upon,
                    seen=seen,
                    kept=kept,
                    patient=revise is None or upon != seen,
                    # What others have written in between cannot be read yet.
                    on_the_way=on_the_way if upon == seen else None,
                )
                waiting = False
                if overtaken is None:
                    self._own = None if upon != seen else (seen, batch)
                    return
                if revise is None:
                    raise StoreError("others have committed, and the batch cannot be revised; catch up, and try again")
                upon = overtaken.last
                batch = revise(upon, overtaken.entries)
        finally:
            if kept or waiting:
                self._writer.give_back(kept)

    def listen(self, on_news: Callable[[], None]) -> None:
        self._news.on_news = on_news

    async def catch_up(self) -> CaughtUp:
        snapshot = self._snapshots.look_ahead()
        try:
            return CaughtUp(snapshot, self._own_entries(snapshot.ts) or await self._entries(snapshot))
        except BaseException:
            snapshot.release()
            raise

    @asynccontextmanager
    async def exclusive(self) -> AsyncGenerator[None]:
        entry = await self._writer.enter()
        limit = asyncio.get_running_loop().call_later(LIMIT, self._gate.lose, entry)
        try:
            yield
        finally:
            limit.cancel()
            self._gate.leave(entry)

    def schema_turn(self) -> AbstractAsyncContextManager[None]:
        return schema_turn(self._folder)

    def advance(self, ts: int) -> None:
        self._snapshots.show(ts)
        self._gate.hurried = False
        self._checkpoints.advanced()

    async def keep_resident(self, table: int, index: int) -> None:
        """Reading never suspends, so there is nothing to do."""

    async def fill_index(self, index: IndexRecord, entries: Sequence[tuple[bytes, str]], *, as_of: int) -> None:
        await self._upkeep.fill(index.id, entries, as_of)

    async def prune(self, *, log_before: int, outcomes_before: int, limit: int) -> int:
        return await self._upkeep.prune(log_before=log_before, outcomes_before=outcomes_before, limit=limit)

    def _own_entries(self, ts: int) -> list[LogEntry] | None:
        """The log's entries from the visible state to `ts` without reading them, if the last batch is all there is."""
        own, self._own = self._own, None
        if own is None or own[0] != self._snapshots.visible or own[1][-1].ts != ts:
            return None
        return [logged(commit, self._node) for commit in own[1]]

    async def _entries(self, snapshot: Snapshot) -> list[LogEntry] | None:
        """The log's entries from the visible state on, None when some are forgotten."""
        seen = self._snapshots.visible
        if await snapshot.history_start() > seen:
            return None
        entries: list[LogEntry] = []
        while True:
            page = await snapshot.log(seen, limit=_PAGE)
            entries += page
            if len(page) < _PAGE:
                return entries
            seen = page[-1].ts
            await asyncio.sleep(0)

    def _hurry(self) -> None:
        self._gate.hurried = True


def _read_catalog(connection: sqlite3.Connection) -> Catalog:
    catalog = read_catalog(connection)
    # All processes number their indexes from what is noted, and later ones do not look for numbers without a note.
    connection.execute(STATEMENTS["raise_last_index"].sql, (catalog.records.last_index,))
    return catalog
