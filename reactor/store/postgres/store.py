"""The store that keeps everything in a PostgreSQL database, which any number of servers share."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from reactor.errors import StoreError
from reactor.store.lock import FolderLock
from reactor.store.postgres.address import Address
from reactor.store.postgres.bring_up import read_resident
from reactor.store.postgres.doorbell import Doorbell
from reactor.store.postgres.schema_turn import schema_turn
from reactor.store.postgres.snapshots import Snapshots
from reactor.store.postgres.upkeep import Upkeep
from reactor.store.postgres.writer import Attempt, Writer
from reactor.store.recorded import Recorded
from reactor.store.seam import CaughtUp, Commit, IndexRecord, Revise, Snapshot
from reactor.store.statements import load_statements

__all__ = ["STATEMENTS", "PostgresStore"]

STATEMENTS = load_statements(Path(__file__).parent / "sql" / "statements.sql")


class PostgresStore(Recorded):
    """A database by its URL, `postgresql://user:password@host:port/name`.

    `folder`, made if missing, has what is not in the database: files, keys. It is locked as long as the store is open.
    `connections`: how many may read at a time; one more writes, one listens, and one waits for a turn now and then.
    `poll_seconds`: how often to look for commits of others that were not heard of. `node`: the name of this server in
    the log, different from all others'.
    """

    shared = True

    def __init__(
        self,
        url: str,
        *,
        folder: Path | None = None,
        connections: int = 10,
        poll_seconds: float = 1.0,
        node: str | None = None,
    ) -> None:
        self._address = Address(url)
        self.place = str(self._address)
        """Where it is, without the password."""
        self.node = node or secrets.token_hex(8)
        self._folder, self._lock = folder, None if folder is None else FolderLock(folder)
        self._writer = Writer(self._address, STATEMENTS, self.node)
        self._snapshots = Snapshots(self._address, STATEMENTS, connections)
        self._doorbell = Doorbell(self._address, STATEMENTS, self.node, self._is_news, poll_seconds)
        self._snapshots.on_passed = self._doorbell.ring
        self._upkeep = Upkeep(self._writer, STATEMENTS)

    async def open(self) -> None:
        if self._folder is not None and self._lock is not None:
            try:
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                raise StoreError(
                    f"cannot make the folder {self._folder}: {error}; choose another with --data"
                ) from error
            self._lock.acquire()
        try:
            await self._writer.open()
            self._snapshots.residents = {}
            await self._snapshots.open()
            await self._read_records()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        try:
            await self._doorbell.close()
            await self._writer.close()
            await self._snapshots.close()
        finally:
            if self._lock is not None:
                self._lock.release()

    def acquire(self) -> Snapshot:
        return self._snapshots.acquire()

    async def commit(
        self,
        batch: Sequence[Commit],
        *,
        on_the_way: Callable[[], None] | None = None,
        revise: Revise | None = None,
    ) -> None:
        # `on_the_way` is not called: what runs then must not wait, and here every reading does.
        if batch:
            await self._writer.commit(Attempt(batch, self._snapshots.visible, revise))

    def listen(self, on_news: Callable[[], None]) -> None:
        self._doorbell.listen(on_news)

    async def catch_up(self) -> CaughtUp:
        catching = self._snapshots.background.begin(self._snapshots.catch_up(self._writer.log))
        try:
            return await asyncio.shield(catching)
        except asyncio.CancelledError:
            catching.add_done_callback(_release)
            raise

    def exclusive(self) -> AbstractAsyncContextManager[None]:
        return self._writer.exclusive()

    def schema_turn(self) -> AbstractAsyncContextManager[None]:
        return schema_turn(self._address)

    def advance(self, ts: int) -> None:
        self._snapshots.advance(ts)
        self._writer.log.forget(ts)

    async def keep_resident(self, table: int, index: int) -> None:
        snapshot = self._snapshots.acquire()
        try:
            resident = await read_resident(snapshot, table, index)
            snapshot.residents = self._snapshots.residents = {**snapshot.residents, index: resident}
        finally:
            snapshot.release()

    async def fill_index(self, index: IndexRecord, entries: Sequence[tuple[bytes, str]], *, as_of: int) -> None:
        if await self._upkeep.fill(index.id, entries, as_of):
            self._snapshots.long |= {index.id}

    async def prune(self, *, log_before: int, outcomes_before: int, limit: int) -> int:
        return await self._upkeep.prune(log_before=log_before, outcomes_before=outcomes_before, limit=limit)

    def _is_news(self, ts: int) -> bool:
        self._writer.log.told = max(self._writer.log.told, ts)
        return ts > max(self._snapshots.visible, self._writer.last_ts)

    async def _read_records(self) -> None:
        snapshot = self._snapshots.acquire()
        try:
            records = await snapshot.records()
            self._upkeep.unfinished = await snapshot.unfinished_indexes()
            self._snapshots.long = snapshot.long = await snapshot.indexes_with_long()
            self._records = records._replace(last_index=max([records.last_index, *self._upkeep.unfinished]))
        finally:
            snapshot.release()


def _release(catching: asyncio.Task[CaughtUp]) -> None:
    if not catching.cancelled() and catching.exception() is None:
        catching.result().snapshot.release()
