"""What the seam promises of every store that several processes share. Here they are several stores of one process."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from reactor.errors import StoreError
from reactor.store.seam import (
    CATALOG_INDEX,
    OUTCOME_INDEX,
    Commit,
    IndexRecord,
    LogEntry,
    Outcome,
    Point,
    Store,
    Write,
    outcome_key,
)
from tests.integration.store.rows import (
    BY_WORD,
    SESSION,
    TABLE,
    commit,
    doc_id,
    entries,
    insert,
    key,
    newest,
    update,
    words,
)
from tests.integration.store.shared_rows import News, Revising, caught_up
from tests.support.shared_stores import SHARED, Sharing, sharing_of

Opened = tuple[Store, Store, Store]


@pytest.fixture(params=SHARED)
def sharing(request: pytest.FixtureRequest, tmp_path: Path) -> Sharing:
    return sharing_of(request, tmp_path)


@pytest.fixture
async def stores(sharing: Sharing) -> AsyncIterator[Opened]:
    made = sharing("a"), sharing("b"), sharing("c")
    for store in made:
        await store.open()
    yield made
    for store in made:
        await store.close()


async def test_a_shared_store_says_so(stores: Opened) -> None:
    assert [store.shared for store in stores] == [True, True, True]


# Catching up


async def test_others_read_a_commit_when_they_have_caught_up(stores: Opened) -> None:
    first, second, _ = stores
    await first.commit([commit(5, insert(1, b"a"))])
    snapshot, found = await second.catch_up()
    assert found == [LogEntry(5, "words:save", [Write(doc_id(1), 10001, None, None, insert(1, b"a").points)], [], "a")]
    assert (snapshot.ts, await words(snapshot)) == (5, entries((b"a", 1)))
    async with newest(second) as before:
        assert (before.ts, await words(before)) == (0, [])
    second.advance(5)
    async with newest(second) as after:
        assert (after.ts, await words(after)) == (5, entries((b"a", 1)))
        assert after is snapshot
    snapshot.release()


async def test_own_commits_are_caught_up_with_among_the_others(stores: Opened) -> None:
    first, second, _ = stores
    await first.commit([commit(5, insert(1, b"a"))])
    await caught_up(first)
    await first.commit([commit(6, insert(2, b"b")), commit(7, insert(3, b"c"))])
    await second.commit([], revise=lambda last, found: [])
    await caught_up(second)
    await second.commit([commit(8, insert(4, b"d"))])
    found = await caught_up(first)
    assert found is not None
    assert [(entry.ts, entry.node) for entry in found] == [(6, "a"), (7, "a"), (8, "b")]
    assert await caught_up(first) == []


async def test_catching_up_with_nothing_gives_the_same_moment(stores: Opened) -> None:
    first, second, _ = stores
    await first.commit([commit(5, insert(1, b"a"))])
    await caught_up(second)
    snapshot, found = await second.catch_up()
    assert (snapshot.ts, found) == (5, [])
    second.advance(5)
    snapshot.release()
    async with newest(second) as after:
        assert await words(after) == entries((b"a", 1))


async def test_a_held_snapshot_is_not_changed_by_others(stores: Opened) -> None:
    first, second, _ = stores
    held = second.acquire()
    for ts in range(1, 6):
        await first.commit([commit(ts, insert(ts, b"w"))])
        await caught_up(first)
        found = await caught_up(second)
        assert found is not None
        assert [entry.ts for entry in found] == [ts]
    assert (held.ts, await words(held)) == (0, [])
    held.release()


async def test_the_log_of_a_shared_store_tells_of_all_that_was_touched(stores: Opened) -> None:
    first, second, _ = stores
    await first.commit(
        [
            Commit(4, [], "system", None, [TABLE], [BY_WORD]),
            commit(5, request=3),
            Commit(6, [], "totals", entries=[Point(9, None, key(b"x", 1)), Point(9, key(b"x", 1), key(b"y", 1))]),
            Commit(7, [], "system", shapes={TABLE.number: "any"}),
            Commit(8, [], "system", dropped_indexes=[BY_WORD.id]),
        ]
    )
    found = await caught_up(second)
    assert found is not None
    catalog = Point(CATALOG_INDEX, None, b"")
    assert [(entry.ts, entry.points) for entry in found] == [
        (4, [Point(CATALOG_INDEX, None, b"words"), catalog]),
        (5, [Point(OUTCOME_INDEX, None, outcome_key(SESSION, 3))]),
        (6, [Point(9, None, key(b"x", 1)), Point(9, key(b"x", 1), key(b"y", 1))]),
        (7, [catalog]),
        (8, [catalog]),
    ]
    assert {entry.node for entry in found} == {"a"}


async def test_what_is_forgotten_cannot_be_caught_up_with(stores: Opened) -> None:
    first, second, third = stores
    for ts in range(1, 6):
        await first.commit([commit(ts, insert(ts, b"w"))])
        await caught_up(first)
        if ts == 3:
            await caught_up(third)
    assert await first.prune(log_before=4, outcomes_before=0, limit=99) == 3
    found = await caught_up(third)
    assert found is not None
    assert [entry.ts for entry in found] == [4, 5]
    assert await caught_up(second) is None
    async with newest(second) as snapshot:
        assert (snapshot.ts, len(await words(snapshot))) == (5, 5)


async def test_records_are_those_of_the_moment(stores: Opened) -> None:
    first, second, _ = stores
    building = IndexRecord(8, TABLE.number, "by_length", ("length",), complete=False)
    done = IndexRecord(8, TABLE.number, "by_length", ("length",))
    before = second.acquire()
    await first.commit([Commit(4, [], "system", None, [TABLE], [BY_WORD, building], [], {TABLE.number: "any"})])
    await caught_up(first)
    snapshot, _ = await second.catch_up()
    assert await before.records() == ([], [], {}, 0)
    assert await snapshot.records() == ([TABLE], [BY_WORD, building], {TABLE.number: "any"}, 8)
    second.advance(4)
    await first.commit([Commit(5, [], "system", None, [], [done], [], {TABLE.number: None})])
    assert await snapshot.records() == ([TABLE], [BY_WORD, building], {TABLE.number: "any"}, 8)
    later, _ = await second.catch_up()
    assert await later.records() == ([TABLE], [BY_WORD, done], {}, 8)
    for each in (before, snapshot, later):
        each.release()


# Commits


async def test_who_is_alone_is_not_asked_to_revise(stores: Opened) -> None:
    first, _, _ = stores
    for ts in (1, 2, 3):
        await first.commit([commit(ts, insert(ts, b"w"))], revise=_never)
        await caught_up(first)


async def test_who_comes_second_revises(stores: Opened) -> None:
    first, second, third = stores
    await first.commit([commit(5, insert(1, b"a")), commit(6, insert(2, b"b"))])
    revising = Revising(lambda last, found: [commit(last + 1, insert(3, b"c")), commit(last + 2, insert(4, b"d"))])
    await second.commit([commit(5, insert(9, b"never"))], revise=revising)
    assert revising.told == [(6, [5, 6])]
    for store in stores:
        found = await caught_up(store)
        assert found is not None
        assert [(entry.ts, entry.node) for entry in found] == [(5, "a"), (6, "a"), (7, "b"), (8, "b")]
    async with newest(third) as snapshot:
        assert await words(snapshot) == entries((b"a", 1), (b"b", 2), (b"c", 3), (b"d", 4))


async def test_revising_may_give_nothing(stores: Opened) -> None:
    first, second, third = stores
    await first.commit([commit(5, insert(1, b"a"))])
    news = News(third)
    await news.heard()
    revising = Revising(lambda last, found: [])
    await second.commit([commit(5, insert(2, b"b"))], revise=revising)
    assert revising.told == [(5, [5])]
    found = await caught_up(third)
    assert found is not None
    assert [entry.ts for entry in found] == [5]
    await second.commit([commit(6, insert(2, b"b"))], revise=Revising(lambda last, found: [commit(6, insert(2, b"b"))]))
    await news.heard()


async def test_when_revising_fails_nothing_is_written_and_nobody_is_kept_out(stores: Opened) -> None:
    first, second, _ = stores
    await first.commit([commit(5, insert(1, b"a"))])

    def fails(last: int, found: list[LogEntry] | None) -> list[Commit]:
        raise LookupError("invented")

    with pytest.raises(LookupError, match="invented"):
        await second.commit([commit(6, insert(2, b"b"))], revise=fails)
    await caught_up(first)
    await first.commit([commit(6, insert(3, b"c"))], revise=_never)
    found = await caught_up(second)
    assert found is not None
    assert [entry.ts for entry in found] == [5, 6]


async def test_a_batch_that_cannot_be_revised_is_refused(stores: Opened) -> None:
    first, second, _ = stores
    await first.commit([commit(5, insert(1, b"a"))])
    with pytest.raises(StoreError, match="catch up"):
        await second.commit([commit(6, insert(2, b"b"))])
    await caught_up(second)
    await second.commit([commit(6, insert(2, b"b"))])


async def test_revising_is_told_when_the_log_is_forgotten(stores: Opened) -> None:
    first, second, _ = stores
    for ts in (1, 2, 3):
        await first.commit([commit(ts, insert(ts, b"w"))])
        await caught_up(first)
    await first.prune(log_before=3, outcomes_before=0, limit=99)
    revising = Revising(lambda last, found: [commit(last + 1, insert(9, b"x"))])
    await second.commit([commit(1, insert(9, b"x"))], revise=revising)
    assert revising.told == [(3, None)]


@pytest.mark.parametrize("timestamps", [(5,), (4,), (6, 6), (7, 6)])
async def test_commits_come_after_all_others(stores: Opened, timestamps: tuple[int, ...]) -> None:
    first, second, _ = stores
    await first.commit([commit(5, insert(1, b"a"))])
    await caught_up(second)
    with pytest.raises(StoreError, match="does not come after"):
        await second.commit([commit(ts, insert(ts, b"b")) for ts in timestamps])
    found = await caught_up(first)
    assert found is not None
    assert [entry.ts for entry in found] == [5]


async def test_a_request_has_one_outcome_whoever_runs_it(stores: Opened) -> None:
    first, second, _ = stores
    await first.commit([commit(5, insert(1, b"a"), request=1)])
    with pytest.raises(StoreError):
        await second.commit(
            [commit(6, insert(2, b"b"), request=1)],
            revise=lambda last, found: [commit(6, insert(2, b"b"), request=1)],
        )
    await caught_up(second)
    async with newest(second) as snapshot:
        assert await snapshot.outcome(SESSION, 1) == Outcome(SESSION, 1, b'"ok"', ["a line"], 5)
        assert await words(snapshot) == entries((b"a", 1))


async def test_a_store_that_failed_goes_on_after_catching_up(stores: Opened) -> None:
    first, second, _ = stores
    await first.commit([commit(5, insert(1, b"a"), request=1)])
    await caught_up(first)
    with pytest.raises(StoreError):
        await first.commit([commit(6, insert(2, b"b"), request=1)])
    assert await caught_up(first) == []
    await first.commit([commit(7, insert(2, b"b"), request=2)], revise=_never)
    found = await caught_up(second)
    assert found is not None
    assert [entry.ts for entry in found] == [5, 7]


# Keeping others out


async def test_who_is_exclusive_commits_and_others_wait(stores: Opened) -> None:
    first, second, _ = stores
    revising = Revising(lambda last, found: [commit(last + 1, insert(2, b"b"))])
    async with first.exclusive():
        waiting = asyncio.create_task(second.commit([commit(5, insert(2, b"b"))], revise=revising))
        await caught_up(first)
        await first.commit([commit(5, insert(1, b"a"))], revise=_never)
        assert not waiting.done()
    await waiting
    assert revising.told == [(5, [5])]
    found = await caught_up(first)
    assert found is not None
    assert [(entry.ts, entry.node) for entry in found] == [(5, "a"), (6, "b")]


async def test_who_is_exclusive_catches_up_first(stores: Opened) -> None:
    first, second, _ = stores
    await first.commit([commit(5, insert(1, b"a"))])
    async with second.exclusive():
        found = await caught_up(second)
        assert found is not None
        assert [entry.ts for entry in found] == [5]
        await second.commit([commit(6, update(1, b"a", b"b"))], revise=_never)
    await caught_up(second)
    async with newest(second) as snapshot:
        assert await words(snapshot) == entries((b"b", 1))


async def test_who_leaves_without_committing_lets_others_in(stores: Opened) -> None:
    first, second, third = stores
    async with first.exclusive():
        pass
    with pytest.raises(LookupError):
        async with second.exclusive():
            raise LookupError
    async with third.exclusive():
        await third.commit([commit(1, insert(1, b"a"))])
    await caught_up(first)
    await first.commit([commit(2, insert(2, b"b"))], revise=_never)


async def test_one_is_exclusive_at_a_time(stores: Opened) -> None:
    inside: list[int] = []

    async def count(store: Store) -> None:
        for _ in range(3):
            async with store.exclusive():
                inside.append(1)
                await caught_up(store)
                assert sum(inside) == 1
                async with newest(store) as snapshot:
                    ts = snapshot.ts + 1
                inside.pop()  # a commit may be the end of it
                await store.commit([commit(ts, insert(ts, b"w"))], revise=_never)
            await caught_up(store)

    await asyncio.gather(*map(count, stores))
    await caught_up(stores[0])
    async with newest(stores[0]) as snapshot:
        assert (snapshot.ts, len(await words(snapshot))) == (9, 9)


async def test_the_schema_is_changed_by_one_at_a_time(stores: Opened) -> None:
    first, second, third = stores
    turns: list[str] = []

    async def change(store: Store, name: str) -> None:
        async with store.schema_turn():
            turns.append(name)

    async with first.schema_turn():
        waiting = [asyncio.create_task(change(second, "b")), asyncio.create_task(change(third, "c"))]
        # Commits go on meanwhile, whoever makes them.
        await second.commit([commit(1, insert(1, b"a"))])
        await first.commit([commit(2)], revise=lambda last, found: [commit(2, insert(2, b"b"))])
        assert turns == []
    await asyncio.gather(*waiting)
    assert sorted(turns) == ["b", "c"]


# News


async def test_others_hear_of_commits(stores: Opened) -> None:
    first, second, third = stores
    for ts in range(1, 4):
        news = [News(second), News(third)]
        await first.commit([commit(ts, insert(ts, b"w"))])
        await asyncio.gather(*(each.heard() for each in news))
        await asyncio.gather(*(caught_up(store) for store in stores))


# Upkeep


async def test_an_index_is_filled_by_one_while_others_commit(stores: Opened) -> None:
    first, second, third = stores
    length = IndexRecord(8, TABLE.number, "by_length", ("length",))
    await first.commit([commit(5, *(insert(number, b"a") for number in range(1, 5)))])
    await caught_up(second)
    await second.commit([commit(6, update(2, b"a", b"b"))])
    await first.fill_index(length, entries((b"1", 1), (b"2", 2), (b"3", 3), (b"9", 9)), as_of=5)
    await caught_up(second)
    await second.commit([Commit(7, [], "system", None, [TABLE], [length])], revise=_never)
    snapshot, _ = await third.catch_up()
    assert await snapshot.scan(8, b"", b"\xff", reverse=False, limit=9) == entries((b"1", 1), (b"3", 3))
    assert (await snapshot.records()).last_index == 8
    snapshot.release()


async def test_what_one_dropped_another_removes(stores: Opened) -> None:
    first, second, third = stores
    await first.commit([Commit(5, [insert(1, b"a"), insert(2, b"b")], "system", None, [TABLE], [BY_WORD])])
    await caught_up(second)
    await second.commit([Commit(6, [], "system", dropped_indexes=[BY_WORD.id])])
    await third.prune(log_before=0, outcomes_before=0, limit=99)
    await first.prune(log_before=0, outcomes_before=0, limit=99)
    snapshot, _ = await third.catch_up()
    assert await words(snapshot) == []
    assert (await snapshot.records())[1:] == ([], {}, BY_WORD.id)
    snapshot.release()


async def test_who_comes_later_finds_everything(sharing: Sharing) -> None:
    first = sharing("a")
    await first.open()
    await first.commit([Commit(4, [insert(1, b"a")], "system", None, [TABLE], [BY_WORD], [], {TABLE.number: "any"})])
    later = sharing("b")
    await later.open()
    assert (later.tables, later.indexes, later.shapes, later.last_index) == ([TABLE], [BY_WORD], {10001: "any"}, 3)
    async with newest(later) as snapshot:
        assert (snapshot.ts, await words(snapshot)) == (4, entries((b"a", 1)))
    await first.close()
    await later.commit([commit(5, insert(2, b"b"))], revise=_never)
    await later.close()


async def test_a_closed_store_says_so(stores: Opened) -> None:
    first, second, _ = stores
    await first.close()
    with pytest.raises(StoreError, match="open"):
        await first.commit([commit(5, insert(1, b"a"))])
    with pytest.raises(StoreError, match="open"):
        await first.catch_up()
    with pytest.raises(StoreError, match="open"):
        async with first.exclusive():
            pass
    await second.commit([commit(5, insert(1, b"a"))])


def _never(last: int, found: list[LogEntry] | None) -> list[Commit]:
    raise AssertionError(f"others have committed up to {last}: {found}")
