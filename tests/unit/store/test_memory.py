"""What the store in memory adds to the contract: it copies its state only for those who look on."""

from reactor.store.memory import MemoryStore
from reactor.store.seam import Commit, IndexRecord, Point, Write
from tests.unit.database.rows import BY_WORD, document, id_of


def insert(number: int, ts: int) -> Commit:
    made = document(number)
    return Commit(ts, [Write(made.id, 10_001, None, made.raw, [Point(BY_WORD.id, None, b"%d" % number)])], "tests")


async def opened() -> MemoryStore:
    store = MemoryStore()
    await store.open()
    return store


async def test_a_state_that_nobody_holds_is_changed_in_place():
    store = await opened()
    first = store.acquire()
    first.release()
    await store.commit([insert(1, ts=1)])
    store.advance(1)
    second = store.acquire()
    assert second is first
    assert (second.ts, await second.scan_ids("", "z", reverse=False, limit=9)) == (1, [id_of(1)])


async def test_a_state_that_is_held_twice_stays_until_both_have_let_go():
    store = await opened()
    held, again = store.acquire(), store.acquire()
    held.release()
    await store.commit([insert(1, ts=1)])
    store.advance(1)
    assert (again.ts, await again.scan_ids("", "z", reverse=False, limit=9)) == (0, [])
    assert store.acquire() is not again


async def test_an_index_that_is_filled_does_not_change_what_is_held():
    store = await opened()
    await store.commit([insert(1, ts=1)])
    store.advance(1)
    held = store.acquire()
    index = IndexRecord(9, 10_001, "by_length", ("length",))
    await store.fill_index(index, [(b"a", id_of(1))], as_of=1)
    assert await held.scan(9, b"", b"\xff", reverse=False, limit=9) == []
    after = store.acquire()
    assert await after.scan(9, b"", b"\xff", reverse=False, limit=9) == [(b"a", id_of(1))]
