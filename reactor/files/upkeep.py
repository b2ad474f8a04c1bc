"""Bytes that nobody needs any more, and rows whose bytes are gone.

Bytes of a deleted file stay for as long as the history may still show its row, so that an earlier state is whole. That
a deletion waits for this stands in the database, in the same commit. Bytes without any row are of an upload whose
server died between the two steps of storing a file; nobody ever knew their id.

Where servers share the database, their leader does this. What it finds without a row may just be arriving at another
server, so it looks again later and then enters a deletion, which keeps the row from being entered after all.
"""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Generator, Sequence
from functools import partial

from reactor.database.database import Database
from reactor.database.documents import Document
from reactor.database.id_order import id_bounds
from reactor.database.transaction import Transaction
from reactor.files import rows
from reactor.files.links import STORAGE, is_file_id
from reactor.files.seam import FileStore
from reactor.files.transacting import transact
from reactor.nodes.membership import Membership
from reactor.values import encode_value

__all__ = ["Upkeep"]

_COLLECT_SECONDS = 60.0
_SWEEP_EVERY = 24 * 60
"""Sweeps look at every file there is: once at the start, and then once a day."""
_PAGE = 200

_log = logging.getLogger("reactor.files")


class Upkeep:
    """Removes bytes when their time has come, in the background from `start` to `close`."""

    def __init__(self, database: Database, store: FileStore, kept_seconds: float, members: Membership) -> None:
        self._database, self._store, self._kept, self._members = database, store, kept_seconds, members
        self._suspects: set[str] = set()
        self._spared: Counter[str] = Counter()
        self._task: asyncio.Task[None] | None = None
        self.removed = self.orphans = 0
        """Files whose bytes were removed after their deletion, and because there was no row."""
        self.without_bytes: list[str] = []
        """Files that the last sweep found no bytes of, at most a page of them."""

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.get_running_loop().create_task(self._go_on())

    async def close(self) -> None:
        """End. Safe without a `start`."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    @contextlib.contextmanager
    def spare(self, id: str) -> Generator[None]:
        """Inside, the file may have bytes and no row yet."""
        self._spared[id] += 1
        try:
            yield
        finally:
            self._spared[id] -= 1
            if not self._spared[id]:
                del self._spared[id]

    async def collect(self) -> int:
        """Remove the bytes of files that were deleted long enough ago; how many there were. Raises StoreError."""
        count, page = 0, await self._due()
        while page:
            await self._store.delete([document.value()["file"] for document in page])
            ids = [document.id for document in page]
            await transact(self._database.committer, "storage.collect", lambda tx, ids=ids: _forget(tx, ids))
            count += len(page)
            page = await self._due()
        self.removed += count
        return count

    async def sweep(self) -> None:
        """Remove bytes without a row, and look for rows without bytes. Raises StoreError."""
        async for names in self._store.names():
            orphans = await self.unknown(names)
            if self._members.shared:
                self._suspects.update(orphans)
            elif orphans:
                await self._store.delete(orphans)
                self.orphans += len(orphans)
                _log.info("removed the bytes of %d files that had not been stored to the end", len(orphans))
        await self._look_for_bytes()

    async def condemn(self) -> None:
        """Enter deletions for what the last sweep suspected, if it still has no row. Raises StoreError."""
        suspects = sorted(self._suspects)
        for first in range(0, len(suspects), _PAGE):
            orphans = await self.unknown(suspects[first : first + _PAGE])
            if orphans:
                work = partial(_condemn, ids=orphans)
                await transact(self._database.committer, "storage.condemn", work)
                self.orphans += len(orphans)
                _log.info("the bytes of %d files will go that had not been stored to the end", len(orphans))
        self._suspects.clear()

    async def unknown(self, names: Sequence[str]) -> list[str]:
        """Those of the names that no row knows, neither of a file nor of a deletion, and that are not just arriving.

        Raises StoreError.
        """
        snapshot = self._database.store.acquire()
        try:
            ids = [name for name in names if is_file_id(name) and name not in self._spared]
            known = await snapshot.get([*ids, *map(rows.deletion_of, ids)])
            return [id for id in ids if id not in known and rows.deletion_of(id) not in known]
        finally:
            snapshot.release()

    async def _go_on(self) -> None:
        minutes = 0
        while True:
            if not self._members.leads:
                minutes = -1  # so that a sweep is the first that it does as the leader
            else:
                await self._clean(sweep=minutes % _SWEEP_EVERY == 0)
            minutes += 1
            await asyncio.sleep(_COLLECT_SECONDS)

    async def _clean(self, *, sweep: bool) -> None:
        try:
            await self.condemn()
            if sweep:
                await self.sweep()
            await self.collect()
        except Exception:
            _log.exception("Cleaning up after files failed, and is tried again")

    async def _due(self) -> list[Document]:
        """Deletions whose bytes may go, the oldest first, some of them."""
        before = self._database.now() - self._kept * 1000
        snapshot = self._database.store.acquire()
        try:
            tx = self._database.read(snapshot)
            table = rows.table(tx, "_deleted_files")
            upper = encode_value(before)
            entries = await tx.entries(table, table.ordered[0], b"", upper, reverse=False, limit=_PAGE)
            return await tx.load([id for _, id in entries])
        finally:
            snapshot.release()

    async def _look_for_bytes(self) -> None:
        self.without_bytes = []
        first, last = id_bounds(STORAGE, b"", b"\xff")
        ids = await self._ids(first, last)
        while ids:
            missing = await self._store.missing(ids)
            if missing and not self.without_bytes:
                _log.error("The bytes of files are not there, of %s for one. %s", missing[0], self._supposed())
            self.without_bytes += missing[: _PAGE - len(self.without_bytes)]
            ids = await self._ids(ids[-1] + "\0", last)

    def _supposed(self) -> str:
        if self._members.shared and not self._store.reached_by_all:
            return "Do other servers have them in folders of their own? Keep files in a bucket (setting files)."
        return "Were they restored, too?"

    async def _ids(self, first: str, last: str) -> list[str]:
        snapshot = self._database.store.acquire()
        try:
            return await snapshot.scan_ids(first, last, reverse=False, limit=_PAGE)
        finally:
            snapshot.release()


async def _condemn(tx: Transaction, ids: Sequence[str]) -> None:
    for id in ids:
        if await rows.find(tx, id) is None and not await rows.is_deleted(tx, id):
            rows.enter_deletion(tx, id)


async def _forget(tx: Transaction, ids: Sequence[str]) -> None:
    table = rows.table(tx, "_deleted_files")
    for id in ids:
        document = await tx.get(table, id)
        if document is not None:
            tx.write(table, document, Document(id, None))
