"""What the seam promises, of every store."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reactor.errors import StoreError
from reactor.store.memory import MemoryStore
from reactor.store.memory_shared import SharedMemory, SharedMemoryStore
from reactor.store.postgres.store import PostgresStore
from reactor.store.seam import Commit, IndexRecord, LogEntry, Outcome, Point, Snapshot, Store, TableRecord, Write
from reactor.store.sqlite import SqliteStore
from tests.integration.store.rows import (
    BY_WORD,
    SESSION,
    TABLE,
    advance,
    commit,
    commit_and_advance,
    delete,
    doc_id,
    entries,
    insert,
    key,
    newest,
    update,
    words,
)
from tests.support.postgres import Postgres, database_of


async def test_a_new_store_is_empty(store: Store) -> None:
    assert (store.tables, store.indexes, store.shapes, store.last_index) == ([], [], {}, 0)
    async with newest(store) as snapshot:
        assert snapshot.ts == 0
        assert await snapshot.get([doc_id(1)]) == {}
        assert await words(snapshot) == []
        assert await snapshot.scan_ids("", "z", reverse=False, limit=10) == []
        assert await snapshot.outcome(SESSION, 0) is None
        assert await snapshot.last_request(SESSION) == -1
        assert await snapshot.log(0, limit=10) == []
        assert await snapshot.history_start() == 0


async def test_get_gives_those_that_exist(store: Store) -> None:
    await commit_and_advance(store, commit(5, insert(1, b"a"), insert(2, b"b")))
    async with newest(store) as snapshot:
        assert await snapshot.get([]) == {}
        assert await snapshot.get([doc_id(1)]) == {doc_id(1): b"a"}
        assert await snapshot.get([doc_id(9)]) == {}
        assert await snapshot.get([doc_id(2), doc_id(9), doc_id(1)]) == {doc_id(1): b"a", doc_id(2): b"b"}


@pytest.mark.parametrize("count", [2, 3, 8, 9, 50, 64, 65, 256, 257, 700])
async def test_get_takes_any_number(store: Store, count: int) -> None:
    await commit_and_advance(store, commit(5, *(insert(number, b"%d" % number) for number in range(count))))
    async with newest(store) as snapshot:
        found = await snapshot.get([doc_id(number) for number in range(-1, count + 1)])
    assert found == {doc_id(number): b"%d" % number for number in range(count)}


async def test_scan_gives_a_range_in_both_directions(store: Store) -> None:
    await commit_and_advance(store, commit(5, insert(1, b"b"), insert(2, b"a"), insert(3, b"c"), insert(4, b"b")))
    async with newest(store) as snapshot:
        everything = entries((b"a", 2), (b"b", 1), (b"b", 4), (b"c", 3))
        assert await words(snapshot) == everything
        assert await words(snapshot, reverse=True) == everything[::-1]
        assert await words(snapshot, limit=2) == everything[:2]
        assert await words(snapshot, limit=3, reverse=True) == everything[:0:-1]
        assert await words(snapshot, limit=0) == []


async def test_scan_includes_its_lower_bound_and_not_its_upper(store: Store) -> None:
    await commit_and_advance(store, commit(5, insert(1, b"a"), insert(2, b"b"), insert(3, b"c")))
    async with newest(store) as snapshot:
        found = await snapshot.scan(BY_WORD.id, key(b"a", 1), key(b"c", 3), reverse=False, limit=9)
        assert found == entries((b"a", 1), (b"b", 2))
        assert await snapshot.scan(BY_WORD.id, b"\xff", b"", reverse=False, limit=9) == []


async def test_indexes_do_not_see_each_other(store: Store) -> None:
    await commit_and_advance(store, commit(5, insert(1, b"a")))
    async with newest(store) as snapshot:
        assert await snapshot.scan(BY_WORD.id - 1, b"", b"\xff", reverse=False, limit=9) == []
        assert await snapshot.scan(BY_WORD.id + 1, b"", b"\xff", reverse=True, limit=9) == []


async def test_a_key_may_hold_any_bytes(store: Store) -> None:
    word = bytes(range(256))
    await commit_and_advance(store, commit(5, insert(1, word)))
    async with newest(store) as snapshot:
        assert await words(snapshot) == entries((word, 1))


async def test_scan_ids_gives_a_range_in_both_directions(store: Store) -> None:
    await commit_and_advance(store, commit(5, *(insert(number, b"x") for number in (3, 1, 2, 4))))
    async with newest(store) as snapshot:
        ids = [doc_id(number) for number in (1, 2, 3)]
        assert await snapshot.scan_ids(doc_id(1), doc_id(4), reverse=False, limit=9) == ids
        assert await snapshot.scan_ids(doc_id(1), doc_id(4), reverse=True, limit=2) == ids[:0:-1]


async def test_bounds_of_ids_may_be_any_text(store: Store) -> None:
    await commit_and_advance(store, commit(5, *(insert(number, b"x") for number in (3, 1, 2, 4))))
    one, two, three, four = (doc_id(number) for number in (1, 2, 3, 4))
    async with newest(store) as snapshot:
        assert await snapshot.scan_ids(f"{one}\0", three, reverse=False, limit=9) == [two]
        assert await snapshot.scan_ids(one, f"{two}\0", reverse=False, limit=9) == [one, two]
        assert await snapshot.scan_ids(f"{one[:-1]}\0é\0", f"{three}\0\0", reverse=True, limit=9) == [three, two, one]
        assert await snapshot.scan_ids(f"{two[:-1]}é", "\U0010ffff", reverse=False, limit=9) == []
        assert await snapshot.scan_ids("\0", "\U0010ffff", reverse=False, limit=1) == [one]
        assert await snapshot.get([f"{one}\0", "\0", four]) == {four: b"x"}


async def test_updates_and_deletes_move_index_entries(store: Store) -> None:
    await commit_and_advance(store, commit(5, insert(1, b"a"), insert(2, b"b")))
    await commit_and_advance(store, commit(6, update(1, b"a", b"z")), commit(7, delete(2, b"b")))
    async with newest(store) as snapshot:
        assert await snapshot.get([doc_id(1), doc_id(2)]) == {doc_id(1): b"z"}
        assert await words(snapshot) == entries((b"z", 1))


async def test_a_batch_may_write_a_document_many_times(store: Store) -> None:
    await commit_and_advance(
        store,
        commit(5, insert(1, b"a"), insert(2, b"b")),
        commit(6, update(1, b"a", b"c")),
        commit(7, update(1, b"c", b"a"), delete(2, b"b")),
        commit(8, insert(2, b"b")),
        commit(9, delete(2, b"b"), insert(3, b"d")),
    )
    async with newest(store) as snapshot:
        assert await snapshot.get([doc_id(1), doc_id(2), doc_id(3)]) == {doc_id(1): b"a", doc_id(3): b"d"}
        assert await words(snapshot) == entries((b"a", 1), (b"d", 3))
        assert [entry.ts for entry in await snapshot.log(0, limit=10)] == [5, 6, 7, 8, 9]


async def test_an_entry_that_goes_and_comes_back_in_one_batch_stays(store: Store) -> None:
    await commit_and_advance(store, commit(5, insert(1, b"a")))
    await commit_and_advance(store, commit(6, delete(1, b"a")), commit(7, insert(1, b"a")))
    async with newest(store) as snapshot:
        assert await words(snapshot) == entries((b"a", 1))


async def test_a_commit_is_seen_after_advance_only(store: Store) -> None:
    await store.commit([commit(5, insert(1, b"a"))])
    async with newest(store) as snapshot:
        assert (snapshot.ts, await words(snapshot)) == (0, [])
    await advance(store, 5)
    async with newest(store) as snapshot:
        assert (snapshot.ts, await words(snapshot)) == (5, entries((b"a", 1)))


async def test_a_held_snapshot_never_changes(store: Store) -> None:
    await commit_and_advance(store, commit(1, insert(1, b"1")))
    held: list[Snapshot] = []
    for ts in range(2, 12):
        held.append(store.acquire())
        await commit_and_advance(store, commit(ts, update(1, b"%d" % (ts - 1), b"%d" % ts), request=ts))
    for ts, snapshot in enumerate(held, start=1):
        assert snapshot.ts == ts
        assert await snapshot.get([doc_id(1)]) == {doc_id(1): b"%d" % ts}
        assert await words(snapshot) == entries((b"%d" % ts, 1))
        assert await snapshot.last_request(SESSION) == (ts if ts > 1 else -1)
        assert [entry.ts for entry in await snapshot.log(0, limit=99)] == list(range(1, ts + 1))
        snapshot.release()


async def test_who_asks_at_one_moment_shares_a_snapshot(store: Store) -> None:
    first, second = store.acquire(), store.acquire()
    assert first is second
    first.release()
    await commit_and_advance(store, commit(5, insert(1, b"a")))
    assert await words(second) == []
    second.release()


async def test_the_log_tells_what_was_replaced(store: Store) -> None:
    wrote = update(1, b"a", b"b")
    await commit_and_advance(store, commit(5, insert(1, b"a")))
    await commit_and_advance(store, commit(6, wrote), commit(7, insert(2, b"c")))
    async with newest(store) as snapshot:
        remembered = Write(wrote.id, wrote.table, b"a", None, wrote.points)
        assert await snapshot.log(5, limit=1) == [LogEntry(6, "words:save", [remembered], [], _node(store))]
        assert [entry.ts for entry in await snapshot.log(5, limit=9)] == [6, 7]
        assert await snapshot.log(7, limit=9) == []


def _node(store: Store) -> str:
    """Who the log says has written: only a shared one has to."""
    return "me" if store.shared else ""


async def test_a_commit_that_writes_nothing_is_in_the_log_for_others_only(store: Store) -> None:
    await commit_and_advance(store, commit(5, request=0))
    async with newest(store) as snapshot:
        assert snapshot.ts == 5
        assert [entry.ts for entry in await snapshot.log(0, limit=9)] == ([5] if store.shared else [])


async def test_outcomes_are_found_by_request(store: Store) -> None:
    await commit_and_advance(store, commit(5, insert(1, b"a"), request=3), commit(6, request=7))
    async with newest(store) as snapshot:
        assert await snapshot.outcome(SESSION, 3) == Outcome(SESSION, 3, b'"ok"', ["a line"], 5)
        assert await snapshot.outcome(SESSION, 4) is None
        assert await snapshot.outcome(b"another session!", 3) is None
        assert await snapshot.last_request(SESSION) == 7


async def test_a_batch_that_fails_leaves_nothing(store: Store) -> None:
    await commit_and_advance(store, commit(5, insert(1, b"a"), request=0))
    with pytest.raises(StoreError):
        await store.commit([commit(6, insert(2, b"b")), commit(7, insert(3, b"c"), request=0)])
    await commit_and_advance(store, commit(8, insert(4, b"d"), request=1))
    async with newest(store) as snapshot:
        assert snapshot.ts == 8
        assert await words(snapshot) == entries((b"a", 1), (b"d", 4))
        assert [entry.ts for entry in await snapshot.log(0, limit=9)] == [5, 8]


async def test_an_empty_batch_is_nothing(store: Store) -> None:
    await store.commit([])
    async with newest(store) as snapshot:
        assert snapshot.ts == 0


async def test_everything_is_there_after_reopening(reopened: Callable[[], Store]) -> None:
    store = reopened()
    await store.open()
    await commit_and_advance(store, Commit(4, [], "system", None, [TABLE], [BY_WORD]))
    await commit_and_advance(store, commit(5, insert(1, b"a"), request=1))
    await store.commit([commit(6, insert(2, b"b"))])
    await store.close()
    store = reopened()
    await store.open()
    assert (store.tables, store.indexes) == ([TABLE], [BY_WORD])
    async with newest(store) as snapshot:
        assert snapshot.ts == 6
        assert await words(snapshot) == entries((b"a", 1), (b"b", 2))
        assert await snapshot.last_request(SESSION) == 1
    await store.close()
    await store.close()


async def test_a_table_can_be_renamed(reopened: Callable[[], Store]) -> None:
    store = reopened()
    await store.open()
    await commit_and_advance(store, Commit(4, [], "system", None, [TABLE]))
    renamed = TableRecord("terms", TABLE.number, TABLE.by_id, TABLE.by_creation)
    await store.commit([Commit(5, [], "system", None, [renamed])])
    await store.close()
    store = reopened()
    await store.open()
    assert store.tables == [renamed]
    await store.close()


async def test_a_closed_store_says_so(store: Store) -> None:
    await store.close()
    with pytest.raises(StoreError, match="open"):
        await store.commit([commit(5, insert(1, b"a"))])
    with pytest.raises(StoreError, match="open"):
        store.acquire()


BY_LENGTH = IndexRecord(BY_WORD.id + 1, TABLE.number, "by_length", ("length",))


async def test_an_index_is_filled_over_existing_documents(store: Store) -> None:
    await commit_and_advance(store, commit(5, *(insert(number, b"a") for number in range(1300))))
    many = sorted(entries(*((b"%04d" % number, number) for number in range(1300))))
    await store.fill_index(BY_LENGTH, many[:700], as_of=5)
    await store.fill_index(BY_LENGTH, many[690:], as_of=5)
    await commit_and_advance(store, Commit(6, [], "system", None, [], [BY_LENGTH]))
    async with newest(store) as snapshot:
        assert await snapshot.scan(BY_LENGTH.id, b"", b"\xff", reverse=False, limit=9999) == many
        assert len(await words(snapshot, limit=9999)) == 1300


async def test_filling_and_commits_may_bring_the_same_entry(store: Store) -> None:
    await commit_and_advance(store, commit(5, insert(1, b"a"), insert(2, b"b")))
    await store.fill_index(BY_WORD, entries((b"a", 1), (b"b", 2)), as_of=5)
    await commit_and_advance(store, commit(6, delete(1, b"a")))
    async with newest(store) as snapshot:
        assert await words(snapshot) == entries((b"b", 2))


async def test_filling_leaves_out_documents_that_were_written_since_they_were_read(store: Store) -> None:
    await commit_and_advance(store, commit(5, *(insert(number, b"a") for number in range(1, 5))))
    await commit_and_advance(store, commit(6, update(2, b"a", b"b"), delete(3, b"a")))
    read_at_5 = entries((b"1", 1), (b"2", 2), (b"3", 3), (b"4", 4), (b"9", 9))
    await store.fill_index(BY_LENGTH, read_at_5, as_of=5)
    await commit_and_advance(store, commit(7))
    async with newest(store) as snapshot:
        filled = await snapshot.scan(BY_LENGTH.id, b"", b"\xff", reverse=False, limit=9)
    assert filled == entries((b"1", 1), (b"4", 4))


async def test_filling_is_told_of_commits_that_nobody_sees_yet(store: Store) -> None:
    await commit_and_advance(store, commit(5, insert(1, b"a")))
    await store.commit([commit(6, update(1, b"a", b"b"))])
    await store.fill_index(BY_LENGTH, entries((b"a", 1)), as_of=5)
    await advance(store, 6)
    async with newest(store) as snapshot:
        assert await snapshot.scan(BY_LENGTH.id, b"", b"\xff", reverse=False, limit=9) == []


async def test_numbers_with_entries_are_not_given_again(reopened: Callable[[], Store]) -> None:
    """A commit may bring entries of an index that is being built, and be the last before the end."""
    store = reopened()
    await store.open()
    insertion = insert(1, b"a")
    insertion.points.append(Point(BY_LENGTH.id + 5, None, key(b"1", 1)))
    await commit_and_advance(store, Commit(5, [insertion], "system", None, [TABLE], [BY_WORD]))
    await store.close()
    store = reopened()
    await store.open()
    assert (store.indexes, store.last_index) == ([BY_WORD], BY_LENGTH.id + 5)
    await store.close()


async def test_an_index_without_a_record_can_be_dropped(reopened: Callable[[], Store]) -> None:
    store = reopened()
    await store.open()
    await commit_and_advance(store, commit(5, insert(1, b"a")))
    await store.fill_index(BY_LENGTH, entries((b"1", 1)), as_of=5)
    await commit_and_advance(store, Commit(6, [], "system", None, [], [], [BY_LENGTH.id, BY_LENGTH.id + 4]))
    await store.prune(log_before=0, outcomes_before=0, limit=100)
    await commit_and_advance(store, commit(7))
    async with newest(store) as snapshot:
        assert await snapshot.scan(BY_LENGTH.id, b"", b"\xff", reverse=False, limit=9) == []
    await store.close()
    store = reopened()
    await store.open()
    assert (store.indexes, store.last_index) == ([], BY_LENGTH.id + 4)
    await store.close()


async def test_what_is_recorded_of_tables_and_indexes_is_found_again(reopened: Callable[[], Store]) -> None:
    unique = IndexRecord(BY_WORD.id, TABLE.number, "by_word", ("word",), unique=True)
    wanted: dict[int, str] = {}
    for ts, index, shapes in (
        (5, BY_WORD, {TABLE.number: "any", 7: "é"}),
        (6, unique, {TABLE.number: "string"}),
        (7, BY_WORD, {7: None, 8: None}),
    ):
        store = reopened()
        await store.open()
        assert store.shapes == wanted
        await commit_and_advance(store, Commit(ts, [], "schema", None, [TABLE], [index], [], dict(shapes)))
        wanted = {table: shape for table, shape in {**wanted, **shapes}.items() if shape is not None}
        await store.close()
        store = reopened()
        await store.open()
        assert (store.tables, store.indexes, store.shapes) == ([TABLE], [index], wanted)
        await store.close()
    assert wanted == {TABLE.number: "string"}


async def test_a_dropped_index_goes_and_its_number_is_not_given_again(reopened: Callable[[], Store]) -> None:
    store = reopened()
    await store.open()
    await commit_and_advance(store, Commit(5, [insert(1, b"a")], "system", None, [TABLE], [BY_WORD]))
    await commit_and_advance(store, Commit(6, [], "system", None, [], [], [BY_WORD.id]))
    await store.prune(log_before=0, outcomes_before=0, limit=100)
    await store.close()
    store = reopened()
    await store.open()
    assert (store.indexes, store.last_index) == ([], BY_WORD.id)
    async with newest(store) as snapshot:
        assert await words(snapshot) == []
    await store.close()


async def test_pruning_forgets_the_oldest_and_moves_the_start_of_history(store: Store) -> None:
    for ts in range(1, 11):
        await commit_and_advance(store, commit(ts, insert(ts, b"w"), request=ts))
    before = store.acquire()
    assert await store.prune(log_before=6, outcomes_before=4, limit=3) == 3
    assert await store.prune(log_before=6, outcomes_before=4, limit=99) == 5
    assert await store.prune(log_before=6, outcomes_before=4, limit=99) == 0
    assert await before.history_start() == 0
    assert len(await before.log(0, limit=99)) == 10
    before.release()
    await commit_and_advance(store, commit(11, insert(11, b"w")))
    async with newest(store) as snapshot:
        assert await snapshot.history_start() == 5
        assert [entry.ts for entry in await snapshot.log(0, limit=99)] == list(range(6, 12))
        assert await snapshot.outcome(SESSION, 3) is None
        assert await snapshot.outcome(SESSION, 4) is not None
        assert len(await words(snapshot)) == 11


async def test_pruning_many_rows_goes_in_pages(store: Store) -> None:
    await commit_and_advance(store, *(commit(ts, insert(ts, b"w"), request=ts) for ts in range(1, 501)))
    assert await store.prune(log_before=1000, outcomes_before=1000, limit=900) == 900
    assert await store.prune(log_before=1000, outcomes_before=1000, limit=900) == 100
    await commit_and_advance(store, commit(501, request=501))
    async with newest(store) as snapshot:
        assert await snapshot.history_start() == 500
        assert [entry.ts for entry in await snapshot.log(0, limit=9)] == ([501] if store.shared else [])
        assert await snapshot.last_request(SESSION) == 501


@pytest.mark.parametrize("reopened", ["sqlite", "memory"], indirect=True)
async def test_reading_never_suspends(store: Store) -> None:
    await commit_and_advance(store, commit(5, insert(1, b"a"), request=1))
    async with newest(store) as snapshot:
        assert _by_hand(snapshot.get([doc_id(1)])) == {doc_id(1): b"a"}
        assert _by_hand(words(snapshot)) == entries((b"a", 1))
        assert _by_hand(snapshot.scan_ids("", "z", reverse=True, limit=1)) == [doc_id(1)]
        assert _by_hand(snapshot.last_request(SESSION)) == 1
        assert _by_hand(snapshot.history_start()) == 0


async def test_reading_what_is_resident_never_suspends(store: Store) -> None:
    await commit_and_advance(store, commit(5, insert(1, b"a"), insert(2, b"b")))
    await store.keep_resident(TABLE.number, BY_WORD.id)
    async with newest(store) as before:
        await commit_and_advance(store, commit(6, update(1, b"a", b"z"), delete(2, b"b"), insert(3, b"c")))
        assert _by_hand(words(before)) == entries((b"a", 1), (b"b", 2))
        assert _by_hand(before.get([doc_id(1)])) == {doc_id(1): b"a"}
    async with newest(store) as after:
        found = entries((b"c", 3), (b"z", 1))
        assert _by_hand(words(after)) == found == await words(after)
        assert _by_hand(words(after, reverse=True, limit=1)) == found[:0:-1]
        assert _by_hand(after.scan(BY_WORD.id, key(b"c", 0), key(b"z", 1), reverse=False, limit=9)) == found[:1]
        assert _by_hand(after.get([doc_id(1), doc_id(3)])) == {doc_id(1): b"z", doc_id(3): b"c"}
        assert await after.get([doc_id(1), doc_id(2)]) == {doc_id(1): b"z"}
        assert await after.count(BY_WORD.id, b"", b"\xff", limit=9) == (2, found[1][0])


def _by_hand(reading: Coroutine[Any, Any, Any]) -> Any:
    with pytest.raises(StopIteration) as stop:
        reading.send(None)
    return stop.value.value


Change = tuple[int, bytes | None]
changes = st.tuples(st.integers(0, 7), st.sampled_from([None, b"", b"a", b"ab", b"\x00", b"\x10"]))
histories = st.lists(st.lists(st.lists(changes, max_size=4), min_size=1, max_size=4), max_size=6)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(histories)
def test_sqlite_does_what_the_model_does(batches: list[list[list[Change]]]) -> None:
    with TemporaryDirectory() as folder:
        stores: list[Store] = [SqliteStore(Path(folder)), MemoryStore()]
        seen = [asyncio.run(_everything_after(store, batches)) for store in stores]
    assert seen[0] == seen[1]


long_words = st.sampled_from(
    [b"a" * 1_999, b"a" * 2_400, b"a" * 2_600, b"a" * 2_600 + b"b", b"a" * 9_000, b"b" * 3_000]
)
long_changes = st.tuples(st.integers(0, 7), st.one_of(st.none(), st.sampled_from([b"a", b"b"]), long_words))
long_histories = st.lists(st.lists(st.lists(long_changes, max_size=6), min_size=1, max_size=3), max_size=5)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(st.one_of(histories, long_histories))
def test_postgres_does_what_the_model_does(
    postgres: Postgres, postgres_url: str, batches: list[list[list[Change]]]
) -> None:
    postgres.sql("DROP SCHEMA IF EXISTS reactor CASCADE", database=database_of(postgres_url))
    stores: list[Store] = [PostgresStore(postgres_url, node="me"), SharedMemoryStore(SharedMemory(), "me")]
    seen = [asyncio.run(_everything_after(store, batches)) for store in stores]
    assert seen[0] == seen[1]


async def _everything_after(store: Store, batches: list[list[list[Change]]]) -> list[Any]:
    await store.open()
    documents: dict[int, bytes] = {}
    ts = 0
    seen: list[Any] = []
    for batch in batches:
        commits: list[Commit] = []
        for writes in batch:
            ts += 1
            made = [_apply(documents, number, word) for number, word in dict(writes).items()]
            commits.append(commit(ts, *(write for write in made if write), request=ts))
        await commit_and_advance(store, *commits)
        async with newest(store) as snapshot:
            seen.append(await _everything(snapshot))
    await store.close()
    return seen


def _apply(documents: dict[int, bytes], number: int, word: bytes | None) -> Write | None:
    old = documents.pop(number, None)
    if word is not None:
        documents[number] = word
    if old is None:
        return None if word is None else insert(number, word)
    return delete(number, old) if word is None else update(number, old, word)


async def _everything(snapshot: Snapshot) -> list[Any]:
    return [
        snapshot.ts,
        await snapshot.get([doc_id(number) for number in range(8)]),
        await snapshot.scan_ids("", "z", reverse=False, limit=99),
        await words(snapshot),
        await words(snapshot, reverse=True, limit=3),
        await snapshot.scan(BY_WORD.id, key(b"a" * 2_300, 0), key(b"a" * 2_600, 9), reverse=False, limit=9),
        await snapshot.scan(BY_WORD.id, key(b"a" * 2_600, 2), key(b"b", 9), reverse=True, limit=2),
        await snapshot.count(BY_WORD.id, key(b"a", 0), key(b"b", 0), limit=4),
        await snapshot.log(0, limit=99),
    ]
