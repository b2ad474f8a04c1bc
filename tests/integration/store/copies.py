"""What tests of copies share: ends of each kind, a store that is written to while it is copied, what a store has."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from reactor.store.copying.copier import Copier
from reactor.store.copying.ends import Change, Progress, Reader, Source, Target
from reactor.store.copying.opening import source_at, target_at
from reactor.store.copying.places import place_at
from reactor.store.copying.tables import Catalog
from reactor.store.postgres.store import PostgresStore
from reactor.store.seam import Commit, IndexRecord, Outcome, Point, Store, Write
from reactor.store.sqlite import SqliteStore
from tests.integration.store.rows import BY_WORD, SESSION, TABLE, commit_and_advance, doc_id, key

__all__ = [
    "LATER",
    "TOTALS",
    "Broken",
    "Do",
    "Served",
    "Told",
    "Unreliable",
    "World",
    "copied",
    "copier",
    "everything",
    "folder_of",
    "source",
    "target",
]

TOTALS = IndexRecord(4, TABLE.number, "by_size", ("size",), kind="totals size")
LATER = (5, 6, 7)
"""Numbers of indexes that are built while others write."""

REQUESTS = 200


class Broken(Exception):
    """Where a copy is broken off."""


class Do(NamedTuple):
    """Something that is done to a store: what, to which document or index, with which word."""

    what: str
    number: int = 0
    word: bytes = b""


class World:
    """A store with a table of words, and all that may happen to it. It knows the documents, so points are right."""

    def __init__(self, address: str) -> None:
        found = place_at(address, "the address")
        self.store: Store = SqliteStore(found.folder) if found.folder is not None else PostgresStore(found.url)
        self.words: dict[int, bytes] = {}
        self.indexes = {TABLE.by_creation, BY_WORD.id}
        self.nodes: set[bytes] = set()
        self.numbers: set[int] = set()
        self.ts = self.requests = 0

    async def open(self) -> "World":
        await self.store.open()
        shapes: dict[int, str | None] = {TABLE.number: "a shape\0"}
        await self._commit([], tables=[TABLE], indexes=[BY_WORD, TOTALS], shapes=shapes)
        return self

    async def do(self, order: Do) -> None:
        """One of the methods below, by its name."""
        await getattr(self, order.what)(order.number, order.word)

    async def put(self, number: int, word: bytes) -> None:
        """Insert or replace a document; every other time by a client's mutation."""
        outcome = None
        if number % 2:
            self.requests += 1
            outcome = Outcome(SESSION, self.requests, b'"ok"', ["a line"])
        old = self.words.get(number)
        self.words[number] = word
        await self._commit([self._write(number, old, word)], outcome=outcome)

    async def delete(self, number: int, word: bytes) -> None:
        """Delete a document, if it is there."""
        old = self.words.pop(number, None)
        if old is not None:
            await self._commit([self._write(number, old, None)])

    async def node(self, number: int, word: bytes) -> None:
        """Change an aggregate, of which the log does not tell."""
        entry = b"\x11" + word + b"\x10-\x00"
        there = entry in self.nodes
        self.nodes ^= {entry}
        await self._commit([], entries=[Point(TOTALS.id, entry, None) if there else Point(TOTALS.id, None, entry)])

    async def build(self, number: int, word: bytes) -> None:
        """Build an index over what is there."""
        record = IndexRecord(LATER[number % len(LATER)], TABLE.number, f"later_{number % len(LATER)}", ("word",))
        if record.id in self.numbers:
            return  # no number is given twice
        self.numbers.add(record.id)
        self.indexes.add(record.id)
        entries = [(key(word, each), doc_id(each)) for each, word in self.words.items()]
        await self.store.fill_index(record, entries, as_of=self.ts)
        await self._commit([], indexes=[record])

    async def begin(self, number: int, word: bytes) -> None:
        """Begin to build an index that is never completed."""
        entries = [(key(word, each), doc_id(each)) for each, word in self.words.items()]
        await self.store.fill_index(IndexRecord(9, TABLE.number, "given_up", ("word",)), entries, as_of=self.ts)

    async def drop(self, number: int, word: bytes) -> None:
        """Drop an index that was built, and delete the first of its entries."""
        index = LATER[number % len(LATER)]
        if index in self.indexes:
            self.indexes.discard(index)
            await self._commit([], dropped_indexes=[index])

    async def prune(self, number: int, word: bytes) -> None:
        """Forget all history."""
        await self.store.prune(log_before=self.ts + 1, outcomes_before=self.ts, limit=100_000)

    async def fail(self, number: int, word: bytes) -> None:
        """Not of the store: the copy is broken off."""
        raise Broken

    def _write(self, number: int, old: bytes | None, new: bytes | None) -> Write:
        points = [Point(index, _key(old, number), _key(new, number)) for index in sorted(self.indexes)]
        return Write(doc_id(number), TABLE.number, old, new, points)

    async def _commit(self, writes: list[Write], **rest: Any) -> None:
        self.ts += 3
        await commit_and_advance(self.store, Commit(self.ts, writes, "words:save", **rest))


def _key(word: bytes | None, number: int) -> bytes | None:
    return None if word is None else key(word, number)


class Served:
    """A source whose server does some of its work before each leg of the copy, and stops when it has done all."""

    def __init__(self, inner: Source, world: World, work: list[Sequence[Do]], *, stops: bool = True) -> None:
        self.inner, self.world, self.work, self.stops = inner, world, work, stops
        self.place = inner.place
        self.legs = 0

    async def open(self) -> None:
        await self.inner.open()

    async def close(self) -> None:
        await self.inner.close()

    async def moment(self) -> Reader:
        self.legs += 1
        return await self.inner.moment()

    async def take(self) -> bool:
        if not self.work and self.stops:
            await self.world.store.close()
            return await self.inner.take()
        for order in self.work.pop(0) if self.work else ():
            await self.world.do(order)
        taken = await self.inner.take()
        assert not taken, "the lock of a server that runs was taken"
        return taken

    async def still_taken(self) -> bool:
        return await self.inner.still_taken()


class Unreliable:
    """A target that breaks off at a write: before it is made, or when it has been."""

    def __init__(self, inner: Target, at: int, *, before: bool) -> None:
        self.inner, self.at, self.before = inner, at, before
        self.place = inner.place
        self.writes = 0

    async def open(self, source: str, *, again: bool) -> Progress:
        return await self.inner.open(source, again=again)

    async def close(self) -> None:
        await self.inner.close()

    def reader(self) -> Reader:
        return self.inner.reader()

    async def write(self, change: Change, progress: Progress) -> None:
        self.writes += 1
        if self.writes == self.at and self.before:
            raise Broken
        await self.inner.write(change, progress)
        if self.writes == self.at:
            raise Broken

    async def drop(self, indexes: Sequence[int]) -> None:
        await self.inner.drop(indexes)

    async def settle(self, catalog: Catalog, *, first_outcome: int) -> None:
        await self.inner.settle(catalog, first_outcome=first_outcome)

    async def complete(self) -> None:
        await self.inner.complete()


class Told:
    """What a copy tells. `at_near` is called when it is near."""

    def __init__(self, at_near: Callable[[], None] = lambda: None) -> None:
        self.stages: list[str] = []
        self.rows = self.nears = self.prunings = 0
        self._at_near = at_near

    def stage(self, name: str, total: int | None) -> None:
        self.stages.append(name)

    def did(self, rows: int, size: int) -> None:
        self.rows += rows

    def near(self) -> None:
        self.nears += 1
        self._at_near()

    def pruned(self) -> None:
        self.prunings += 1


def folder_of(address: str) -> Path:
    """The data folder that an address names."""
    folder = place_at(address, "the address").folder
    assert folder is not None
    return folder


def source(address: str, **options: Any) -> Source:
    return source_at(place_at(address, "the address"), **options)


def target(address: str, **options: Any) -> Target:
    return target_at(place_at(address, "the address"), **options)


@asynccontextmanager
async def copier(
    theirs: Source,
    ours: Target,
    told: Told,
    *,
    again: bool = False,
    pause: Callable[[], Awaitable[None]] | None = None,
    leg_seconds: float = 30.0,
) -> AsyncIterator[Copier]:
    """A copy that may be run."""
    try:
        await theirs.open()
        progress = await ours.open(theirs.place, again=again)
        yield Copier(theirs, ours, progress, told, pause=pause or _turn, leg_seconds=leg_seconds)
    finally:
        await ours.close()
        await theirs.close()


async def _turn() -> None:
    await asyncio.sleep(0)


async def copied(theirs: Source, ours: Target, *, told: Told | None = None, **options: Any) -> dict[str, int]:
    """Copy to the end; gives how many rows each part has."""
    async with copier(theirs, ours, told or Told(), **options) as running:
        counts = await running.run(wait=True)
        await running.complete()
    assert counts is not None
    return counts


async def everything(address: str) -> dict[str, Any]:
    """All that a database has, as a store on it gives it: of indexes, those with a record."""
    store = World(address).store
    await store.open()
    snapshot = store.acquire()
    try:
        ids = await snapshot.scan_ids("", "~", reverse=False, limit=1_000_000)
        indexes = [*(table.by_creation for table in store.tables), *(index.id for index in store.indexes)]
        return {
            "ts": snapshot.ts,
            "tables": store.tables,
            "indexes": store.indexes,
            "shapes": store.shapes,
            "documents": await snapshot.get(ids),
            "entries": {
                index: await snapshot.scan(index, b"", b"\xff", reverse=False, limit=1_000_000) for index in indexes
            },
            "log": await snapshot.log(0, limit=1_000_000),
            "history": await snapshot.history_start(),
            "outcomes": [await snapshot.outcome(SESSION, request) for request in range(REQUESTS)],
            "last request": await snapshot.last_request(SESSION),
        }
    finally:
        snapshot.release()
        await store.close()
