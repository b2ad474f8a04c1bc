"""Commits for the store's tests: documents of one table with a `by_word` index, spelled briefly."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from reactor.store.seam import Commit, IndexRecord, Outcome, Point, Snapshot, Store, TableRecord, Write

TABLE = TableRecord("words", 10001, 1, 2)
BY_WORD = IndexRecord(3, TABLE.number, "by_word", ("word",))
SESSION = b"0123456789abcdef"


def doc_id(number: int) -> str:
    return f"{number:032d}"


def key(word: bytes, number: int) -> bytes:
    """An index key as the layers above make it: a field as a string, then the document's id as one."""
    return b"\x10" + word + b"\x00\x10" + doc_id(number).encode() + b"\x00"


def insert(number: int, word: bytes) -> Write:
    return Write(doc_id(number), TABLE.number, None, word, [Point(BY_WORD.id, None, key(word, number))])


def update(number: int, old: bytes, new: bytes) -> Write:
    points = [Point(BY_WORD.id, key(old, number), key(new, number))]
    return Write(doc_id(number), TABLE.number, old, new, points)


def delete(number: int, old: bytes) -> Write:
    return Write(doc_id(number), TABLE.number, old, None, [Point(BY_WORD.id, key(old, number), None)])


def commit(ts: int, *writes: Write, request: int | None = None) -> Commit:
    outcome = None if request is None else Outcome(SESSION, request, b'"ok"', ["a line"])
    return Commit(ts, list(writes), "words:save", outcome)


async def commit_and_advance(store: Store, *batch: Commit) -> None:
    await store.commit(batch)
    await advance(store, batch[-1].ts)


async def advance(store: Store, ts: int) -> None:
    """Let commit `ts` be seen, the last one that there is."""
    if store.shared:
        snapshot = (await store.catch_up()).snapshot
        assert snapshot.ts == ts
        snapshot.release()
    store.advance(ts)


@asynccontextmanager
async def newest(store: Store) -> AsyncIterator[Snapshot]:
    snapshot = store.acquire()
    try:
        yield snapshot
    finally:
        snapshot.release()


async def words(snapshot: Snapshot, *, reverse: bool = False, limit: int = 1000) -> list[tuple[bytes, str]]:
    """All of the `by_word` index."""
    return await snapshot.scan(BY_WORD.id, b"", b"\xff", reverse=reverse, limit=limit)


def entries(*pairs: tuple[bytes, int]) -> Sequence[tuple[bytes, str]]:
    return [(key(word, number), doc_id(number)) for word, number in pairs]
