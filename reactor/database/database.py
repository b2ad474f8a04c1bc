"""The database: a store, the numbers of its tables, a cache of documents, and the committer."""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from reactor.database.adopter import Adopter
from reactor.database.adoption import Progress, Structure
from reactor.database.catalog import Catalog, Numbering
from reactor.database.catalogs import Catalogs
from reactor.database.committed import Committed
from reactor.database.committer import Committer
from reactor.database.documents import DocumentCache
from reactor.database.environment import resident
from reactor.database.limits import TransactionLimits
from reactor.database.others import Step
from reactor.database.outcomes import Outcomes
from reactor.database.overlay import Overlay
from reactor.database.past import past
from reactor.database.shared_committer import SharedCommitter
from reactor.database.structure import fits_records
from reactor.database.transaction import Transaction
from reactor.database.vector_spaces import VectorSpaces
from reactor.database.wanted import Wanted, everything
from reactor.errors import StoreError
from reactor.schema import Schema, define_schema
from reactor.store.seam import Snapshot, Store, Write
from reactor.vectors.declaration import is_vector

__all__ = ["Database"]


_NOTHING = define_schema({})


def _ignore(*_: Any) -> None:
    return None


def _yes(_: int) -> bool:
    return True


async def _wait_for_nothing() -> None:
    """Nothing is done before."""


class Database:
    """Transactions over a store. Open it before use, on the event loop that will use it."""

    def __init__(
        self,
        store: Store,
        *,
        limits: TransactionLimits | None = None,
        cache_bytes: int = 64 * 2**20,
        vector_bytes: int = 2**30,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self.store, self.limits, self._clock = store, limits or TransactionLimits(), clock
        self.vectors = VectorSpaces(store.acquire, vector_bytes)
        self.cache = DocumentCache(cache_bytes, self.vectors)
        self.outcomes = Outcomes(shared=store.shared)
        self._opened = self.outdated = False
        self._adopting = 0
        self.on_visible: Callable[[list[Committed]], None] = _ignore
        """Called with the commits of a group that became durable, before their callers are answered."""
        self.after_group: Callable[[], None] = _ignore
        """Called after the callers of a group were answered."""
        self.on_the_way: Callable[[list[Committed], Overlay], None] = _ignore
        """Called while a group is being made durable, with the changes that it makes to the visible state."""
        self.on_outdated: Callable[[], None] = _ignore
        """Called when another process has changed the schema of a shared store to one that is not this process's.

        From then on mutations wait, and `outdated` is true, until `adopt` brings the schema that fits.
        """
        self.is_read: Callable[[int], bool] = _yes
        """Whether anybody waits for changes of an index, by its number. Of what others write to a shared store, what
        shows in no such index may stay unread."""
        self.on_forgotten: Callable[[], None] = _ignore
        """Called when others' commits to a shared store were forgotten before they were seen: anything may be new."""

    async def open(
        self, schema: Schema, progress: Progress = _ignore, *, before: Callable[[], Awaitable[None]] = _wait_for_nothing
    ) -> None:
        """Open the store, check what is stored against the schema, and make what it declares.

        `before` is awaited when transactions are possible and nothing has been changed. Raises what it raises,
        SchemaMismatch, StoreError and its kinds, and leaves it closed.
        """
        await self.store.open()
        try:
            self.numbering = Numbering(self.store.tables, self.store.indexes, self.store.last_index, self.store.shapes)
            self.vectors.indexes = self.numbering.indexes
            self._catalogs = Catalogs(Catalog(self.numbering, _NOTHING))
            self.committer = self._make_committer()
            self._adopter = Adopter(Structure(self.store, self.committer, self.numbering, self._catalogs))
            await before()
            await self._adopter.adopt(schema, progress, _ignore)
            await self.store.keep_resident(*resident(self.catalog))
        except BaseException:
            await self.store.close()
            raise
        self._opened = True

    def _make_committer(self) -> Committer:
        told: dict[str, Any] = {
            "catalog": lambda: self.catalog,
            "on_visible": self._tell_visible,
            "after": self._tell_after,
            "on_the_way": self._tell_on_the_way,
            "clock": self._clock,
        }
        if not self.store.shared:
            return Committer(self.store, self.cache, self.limits, **told)
        told |= {"on_step": self._take_step, "by_id": lambda: self.numbering.by_id, "wanted": self._wanted}
        return SharedCommitter(self.store, self.cache, self.limits, **told)

    def _take_step(self, step: Step) -> None:
        """A state of a shared store is about to be visible."""
        if step.forgotten:
            self.cache.clear()
            self.outcomes.forget_all()
            self.on_forgotten()
        if step.records is not None:
            self.numbering.renew(step.records)
            self._catalogs.use(Catalog(self.numbering, self.catalog.schema), step.ts)
            self.vectors.retain()
            self._look_for_newer_code()
        self.outcomes.forget(step.sessions)
        self.cache.apply(step.overlay, step.log, step.ts, step.unread)

    def _wanted(self) -> Callable[[Write], bool]:
        if self.committer.watch is not None:
            return everything
        return Wanted(self.cache, self.numbering, self.is_read)

    def _look_for_newer_code(self) -> None:
        """Whoever changed the schema may have another one. Then nothing is written here until this one changes too."""
        if not self.store.shared or not self._opened or self._adopting or self.outdated:
            return
        if not fits_records(self.catalog.schema, self.numbering):
            self.outdated = True
            assert isinstance(self.committer, SharedCommitter)
            self.committer.hold()
            self.on_outdated()

    def refuse(self, reason: str) -> None:
        """Let mutations that wait for the schema that fits wait no longer, but fail, as long as it does not come."""
        if isinstance(self.committer, SharedCommitter):
            self.committer.refuse(StoreError(reason))

    async def adopt(self, schema: Schema, progress: Progress = _ignore, swap: Callable[[], None] = _ignore) -> None:
        """Check what is stored against a schema and make its tables and indexes, then let it serve; `swap`, which must
        not fail, is called in the same step.

        Functions go on under the old schema meanwhile. `progress` is told after each page of documents. Raises
        SchemaMismatch for a document that does not match, also one that is written meanwhile, SchemaOvertaken when
        another call comes before this one has ended, and StoreError; then nothing has changed.
        """
        self._adopting += 1
        try:
            await self._adopter.adopt(schema, progress, swap)
            self.vectors.retain()
            self.outdated = False
            if isinstance(self.committer, SharedCommitter):
                self.committer.let_go()
        finally:
            self._adopting -= 1
            self._look_for_newer_code()

    def warm(self) -> None:
        """Begin to read into memory what searches by vectors need."""
        kinds = {index.table for index in self.numbering.indexes.values() if is_vector(index.kind)}
        tables = [info for number in sorted(kinds) if (info := self.catalog.by_number(number)) is not None]
        self.vectors.warm([each for info in tables for each in info.searches.values() if is_vector(each.record.kind)])

    @property
    def catalog(self) -> Catalog:
        """The tables and indexes that functions which begin now see."""
        return self._catalogs.newest

    # What is told may be set at any time, so it is looked up when there is something to tell.

    def _tell_visible(self, news: list[Committed]) -> None:
        self.on_visible(news)

    def _tell_after(self) -> None:
        self.after_group()

    def _tell_on_the_way(self, news: list[Committed], overlay: Overlay) -> None:
        self.on_the_way(news, overlay)

    def now(self) -> float:
        """Milliseconds since 1970 by this database's clock."""
        return self._clock() / 1_000_000  # of whole numbers: 1e6 would round nanoseconds first

    def read(self, snapshot: Snapshot, over: Sequence[Overlay] = ()) -> Transaction:
        """A transaction that reads a snapshot and what lies over it, with the indexes that were complete at its time.

        The caller holds the snapshot meanwhile.
        """
        catalog = self._catalogs.at(snapshot.ts)
        return Transaction(snapshot, catalog, self.cache, self.limits, now=self.now(), below=over)

    async def read_past(self, snapshot: Snapshot, ts: int) -> Transaction:
        """A transaction that reads the state of `ts`, nanoseconds. Raises DeveloperError beyond the history."""
        catalog = self._catalogs.at(snapshot.ts)
        below = [await past(snapshot, ts, catalog)]
        tx = Transaction(snapshot, catalog, self.cache, self.limits, now=self.now(), below=below)
        tx.past = True
        return tx

    async def close(self) -> None:
        """Let what was submitted end, then close the store. Safe after a failed `open`."""
        if self._opened:
            await self._adopter.close()
            await self.committer.close()
            await self.vectors.close()
        await self.store.close()
