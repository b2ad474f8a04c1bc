"""A transaction: a snapshot, a read set, and layers of its own writes over it."""

import math
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, TypeVar, cast

from reactor.database.catalog import Catalog, IndexInfo, TableInfo
from reactor.database.counting import count_entries, count_ids
from reactor.database.derived import DerivedIndex
from reactor.database.documents import Document, DocumentCache
from reactor.database.filters import Filter
from reactor.database.id_order import id_bounds
from reactor.database.limits import CallLimits, TransactionLimits, Usage
from reactor.database.overlay import Overlay, id_in_key, scan, scan_ids
from reactor.database.ranges import OpenScan, ReadSet
from reactor.database.vector_spaces import VectorSpaces
from reactor.errors import DeveloperError, StoreError
from reactor.store.seam import CATALOG_INDEX, Outcome, Snapshot
from reactor.values import DOLLAR, encode_value, is_pending, new_id

__all__ = ["Transaction"]

T = TypeVar("T")


class Transaction:
    """Reads at one snapshot, plus what lies over it, plus its own writes.

    `below` are overlays between snapshot and own writes: decided commits, or old versions when the past is read.
    `now` is the frozen time in milliseconds since 1970, and `creation` the earliest creation time it may give.
    Not for use by two tasks at once, except reads.
    """

    __slots__ = (
        "_cache",
        "_layers",
        "_own",
        "aggregates",
        "before",
        "bytes_written",
        "catalog",
        "documents_written",
        "ended",
        "fault",
        "functions_scheduled",
        "limits",
        "next_creation",
        "now",
        "past",
        "pending",
        "reads",
        "scheduled_args_bytes",
        "snapshot",
        "version",
    )

    def __init__(
        self,
        snapshot: Snapshot,
        catalog: Catalog,
        cache: DocumentCache,
        limits: TransactionLimits,
        *,
        now: float,
        below: Sequence[Overlay] = (),
        creation: float = 0.0,
    ) -> None:
        self.snapshot, self.catalog, self.now = snapshot, catalog, now
        self.reads = ReadSet(limits)
        self.version = 0
        """Grows whenever own writes change what reads see."""
        self.before: dict[str, tuple[TableInfo, Document]] = {}
        """What own writes, also those taken back, found: table and version of each document."""
        self.fault: StoreError | None = None
        """Why the store could not be read, None as long as it could: what was read is not to be built upon."""
        self.past = False
        """What lies below are old versions."""
        self.aggregates: set[int] = set()
        """Indexes in which entries that belong to no document came or went."""
        self.ended = False
        """Nothing can be written any more."""
        self.pending: set[str] = set()
        """Ids of documents that were written with the placeholder of the commit's time in them."""
        self.next_creation = max(now, creation)
        """The creation time that the next insert gets, in milliseconds since 1970."""
        self._cache, self.limits = cache, limits
        # Lowest first: what lies below, then own writes, the first of which make a layer, then nested mutations.
        self._layers = list(below)
        self._own = len(self._layers)
        self.documents_written = self.bytes_written = 0
        self.functions_scheduled = self.scheduled_args_bytes = 0

    # Tables

    def table(self, name: str) -> TableInfo | None:
        """A table by name. Asking for one that does not exist is a read too: its creation changes the answer."""
        info = self.catalog.table(name)
        if info is None:
            for layer in self._layers:
                if name in layer.tables:
                    return self.catalog.describe(layer.tables[name])
            self.reads.add_point(CATALOG_INDEX, name.encode())
        return info

    def table_numbered(self, number: int) -> TableInfo | None:
        """A table by the number in an id."""
        info = self.catalog.by_number(number)
        if info is None:
            for layer in self._layers:
                for record in layer.tables.values():
                    if record.number == number:
                        return self.catalog.describe(record)
        return info

    def new_table(self, name: str) -> TableInfo:
        """A table that comes to exist with this transaction's commit, if it is also given to `add_table`."""
        return self.catalog.describe(self.catalog.numbering.new_table(name))

    def add_table(self, table: TableInfo) -> None:
        """Let a new table exist from here on."""
        self._top().tables[table.name] = table.record

    # TableNames, for `v.id(...)`

    def number_of(self, name: str) -> int | None:
        """The number of a table, None when it does not exist."""
        info = self.table(name)
        return None if info is None else info.number

    def name_of(self, number: int) -> str | None:
        """The name of the table with this number, None when there is none."""
        info = self.table_numbered(number)
        return None if info is None else info.name

    # Reading

    async def get(self, table: TableInfo, id: str, *, counted: bool = True) -> Document | None:
        """The document, None when there is none. Recorded as read, and counted unless the server itself reads it."""
        self.reads.add_point(table.by_id.id, encode_value(id))
        document = self._known(id)
        if document is None:
            raw = (await self._stored(self.snapshot.get((id,)))).get(id)
            if raw is None:
                return None
            document = Document(id, raw)
            self._cache.add_all((document,), self.snapshot.ts)
        if document.raw is None:
            return None
        if counted:
            self.consumed(document)
        return document

    def open_scan(
        self,
        index: IndexInfo | DerivedIndex,
        lower: bytes,
        upper: bytes,
        *,
        reverse: bool,
        filter: Filter | None = None,
    ) -> OpenScan | None:
        """Begin to read a range; None when it has no room for any key. What is consumed of it is recorded as read."""
        if lower >= upper:
            return None
        return self.reads.open_scan(index.id, lower, upper, reverse=reverse, filter=filter)

    async def count(self, table: TableInfo, index: IndexInfo, lower: bytes, upper: bytes) -> int:
        """How many entries a range has, own writes included. No document is loaded. The range counts as read."""
        scan = self.open_scan(index, lower, upper, reverse=False)
        if scan is None:
            return 0
        scan.exhausted = True
        if index is table.by_id:
            first, last = id_bounds(table.number, lower, upper)
            return await self._stored(count_ids(self.snapshot, self._layers, first, last))
        return await self._stored(count_entries(self.snapshot, self._layers, index.id, lower, upper))

    async def entries(
        self,
        table: TableInfo,
        index: IndexInfo | DerivedIndex,
        lower: bytes,
        upper: bytes,
        *,
        reverse: bool,
        limit: int,
        layered: bool = True,
    ) -> list[tuple[bytes, str]]:
        """Up to `limit` index entries of a range, own writes included. The caller records what it consumes.

        `layered` False: of an index other than by_id, the entries of the snapshot alone.
        """
        if index is not table.by_id:
            layers = self._layers if layered else ()
            return await self._stored(scan(self.snapshot, layers, index.id, lower, upper, reverse=reverse, limit=limit))
        first, last = id_bounds(table.number, lower, upper)
        ids = await self._stored(scan_ids(self.snapshot, self._layers, first, last, reverse=reverse, limit=limit))
        return [(encode_value(id), id) for id in ids]

    def changed(self, index: DerivedIndex, ranges: Iterable[tuple[bytes, bytes]]) -> dict[str, Document]:
        """Documents that came into, left or moved in ranges of an index since the snapshot, by id, as they are now."""
        keys: dict[bytes, bool] = {}
        for layer in self._layers:
            for lower, upper in ranges:
                layer.changes(index.id, lower, upper, keys)
        documents: dict[str, Document] = {}
        for id in set(map(id_in_key, keys)):
            for layer in self._layers:
                if id in layer.documents:
                    documents[id] = layer.documents[id]
        return documents

    def changes_over(self, index: DerivedIndex, lower: bytes, upper: bytes) -> dict[bytes, bool]:
        """Keys of a range that were changed over the snapshot, and whether they are there now. Records nothing."""
        found: dict[bytes, bool] = {}
        for layer in self._layers:
            layer.changes(index.id, lower, upper, found)
        return found

    @property
    def known(self) -> DocumentCache:
        """What is known of the newest visible state."""
        return self._cache

    async def about(self, index: DerivedIndex, lower: bytes, upper: bytes, most: int) -> int:
        """How many entries a range has, counted up to `most`, without own writes. Records nothing."""
        cache, ts = self._cache.counts, self.snapshot.ts
        known = cache.find(index.id, lower, upper, ts)
        if known is None:
            known, _ = await self._stored(self.snapshot.count(index.id, lower, upper, limit=most))
            cache.add(index.id, lower, upper, ts, known)
        return known

    @property
    def vectors(self) -> VectorSpaces | None:
        """The vectors that are in memory, None where nobody keeps them up."""
        return self._cache.vectors

    async def load(self, ids: Sequence[str]) -> list[Document]:
        """Documents that an index entry was just found for, in the order asked."""
        ts = self.snapshot.ts
        known = [self._known(id) for id in ids] if self._layers else self._cache.get_all(ids, ts)
        if None not in known:
            return cast(list[Document], known)
        missing = [id for id, document in zip(ids, known, strict=True) if document is None]
        stored = await self._stored(self.snapshot.get(missing))
        fresh = {id: Document(id, raw) for id, raw in stored.items()}
        self._cache.add_all(fresh.values(), ts)
        return [fresh[id] if document is None else document for id, document in zip(ids, known, strict=True)]

    async def _stored(self, reading: Coroutine[Any, Any, T]) -> T:
        """What a reading of the store gives. If it fails the transaction is lost, whatever the function makes of it."""
        try:
            return await reading
        except StoreError as error:
            self.fault = error
            raise

    def consumed(self, *documents: Document) -> None:
        """Documents are handed to the function. Raises DeveloperError when these become too many."""
        reads = self.reads
        reads.documents += len(documents)
        for document in documents:
            reads.size += len(document.raw or b"")
        self.limits.check_read(reads.documents, reads.size)

    def room_for(self, document: Document) -> bool:
        """Whether the limits allow to read one more document, namely this."""
        reads, limits = self.reads, self.limits
        return reads.documents < limits.documents_read and reads.size + len(document.raw or b"") <= limits.bytes_read

    def decided(self, session: bytes, request: int) -> Outcome | None:
        """The outcome of a client's mutation whose commit is not durable yet."""
        for layer in self._layers:
            if (session, request) in layer.outcomes:
                return layer.outcomes[session, request]
        return None

    # Writing

    def new_id(self, table: TableInfo) -> str:
        """A fresh document id."""
        return new_id(table.number, self.now)

    def take_creation(self) -> float:
        """The creation time of a new document: strictly increasing, from the transaction's start on."""
        value = self.next_creation
        self.next_creation = math.nextafter(value, math.inf)
        return value

    def write(self, table: TableInfo, old: Document | None, new: Document) -> None:
        """Replace `old`, which `get` gave (None: an insert), by `new` (raw None: a deletion).

        Raises DeveloperError when the writes become too many, and when the transaction has ended.
        """
        if self.ended:
            raise _ended()
        raw = new.raw
        self.documents_written += 1
        self.bytes_written += len(raw or b"")
        self.limits.check_written(self.documents_written, self.bytes_written)
        self.record(table, old, new)

    def record(self, table: TableInfo, old: Document | None, new: Document) -> None:
        """As `write`, for what the server itself keeps: no budget counts it, so it is possible when all are spent."""
        raw = new.raw
        if raw is not None and DOLLAR in raw and is_pending(raw):
            self.pending.add(new.id)
        if new.id not in self.before:
            self.before[new.id] = table, old or Document(new.id, None)
        self._top().replace(table, old, new)
        self.version += 1

    def set_entry(self, index: int, key: bytes, *, there: bool) -> None:
        """An entry that belongs to no document comes or goes."""
        self._top().set_entry(index, key, there=there)
        self.aggregates.add(index)

    # Budgets

    def usage(self) -> Usage:
        """What has been used so far."""
        reads = self.reads
        return Usage(
            documents_read=reads.documents,
            bytes_read=reads.size,
            read_ranges=reads.counted(),
            documents_written=self.documents_written,
            bytes_written=self.bytes_written,
            functions_scheduled=self.functions_scheduled,
            scheduled_args_bytes=self.scheduled_args_bytes,
        )

    def scheduled(self, size: int) -> None:
        """One more function is scheduled, with arguments of `size` bytes. What a nested call that failed had scheduled
        stays counted. Raises DeveloperError when these become too many, and when the transaction has ended.
        """
        if self.ended:
            raise _ended()
        self.functions_scheduled += 1
        self.scheduled_args_bytes += size
        self.limits.check_scheduled(self.functions_scheduled, self.scheduled_args_bytes)

    def narrow(self, given: CallLimits) -> TransactionLimits:
        """Hold what follows to narrower budgets, until `limit_to` gets back the limits that this returns.

        Raises DeveloperError as `TransactionLimits.narrowed` does.
        """
        before = self.limits
        self.limit_to(before.narrowed(given, self.usage()))
        return before

    def limit_to(self, limits: TransactionLimits) -> None:
        """From here on these limits hold. What was used stays used."""
        self.limits = limits
        self.reads.limit_to(limits)

    # Nested calls

    def stale(self) -> "Transaction":
        """The state before own writes, for reads that are nobody's dependency; see `charge`."""
        below = self._layers[: self._own]
        tx = Transaction(self.snapshot, self.catalog, self._cache, self.limits, now=self.now, below=below)
        tx.past = self.past
        tx.reads.documents, tx.reads.size = self.reads.documents, self.reads.size
        return tx

    def charge(self, stale: "Transaction") -> None:
        """What was read through `stale` counts for this transaction's budgets, though not as read by it."""
        self.reads.documents, self.reads.size = stale.reads.documents, stale.reads.size
        self.fault = self.fault or stale.fault

    def push(self) -> None:
        """Begin a nested mutation: what it writes can be taken back. Raises DeveloperError after the end."""
        if self.ended:
            raise _ended()
        self._top()
        self._layers.append(Overlay())

    def pop(self, *, keep: bool) -> None:
        """End the nested mutation, keeping its writes or taking them back. Reads stay recorded either way."""
        if self.ended:
            return
        top = self._layers.pop()
        self.version += 1
        if keep:
            self._layers[-1].absorb(top)

    def take_back(self) -> None:
        """Undo all own writes. What the server records of the failure may follow."""
        del self._layers[self._own :]
        self.version += 1

    def writes(self) -> Overlay | None:
        """Own writes, all nested mutations having ended. None when nothing was written."""
        assert len(self._layers) <= self._own + 1
        return self._layers[self._own] if len(self._layers) > self._own else None

    # Inside

    def _top(self) -> Overlay:
        if len(self._layers) == self._own:
            self._layers.append(Overlay())
        return self._layers[-1]

    def _known(self, id: str) -> Document | None:
        for layer in reversed(self._layers):
            found = layer.documents.get(id)
            if found is not None:
                return found
        return self._cache.get(id, self.snapshot.ts)


def _ended() -> DeveloperError:
    return DeveloperError(
        "The mutation has ended, and nothing of this write would be kept. Await every task that writes before "
        "the function returns.",
        code="MutationEnded",
    )
