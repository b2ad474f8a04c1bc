"""Several stores on one PostgreSQL: who may serve a database, whose commit counts, and who is told."""

import asyncio

import pytest

from reactor.errors import StoreError, StoreLocked, StoreVersion
from reactor.store.postgres import locks
from reactor.store.postgres import log as log_module
from reactor.store.postgres.database_format import FORMAT
from reactor.store.postgres.driver import Connection
from reactor.store.postgres.store import STATEMENTS, PostgresStore
from reactor.store.postgres.writer import Attempt
from reactor.store.seam import Commit, IndexRecord, Point
from tests.integration.store.backends import (
    LISTENERS,
    READERS,
    SCHEMA_TURNS,
    WRITERS,
    by_hand,
    kill,
    until_stuck,
    until_there,
)
from tests.integration.store.rows import (
    BY_WORD,
    TABLE,
    commit,
    commit_and_advance,
    doc_id,
    entries,
    insert,
    key,
    newest,
    update,
    words,
)
from tests.integration.store.shared_rows import News, caught_up, moved, never
from tests.support.postgres import Postgres, database_of

Two = tuple[PostgresStore, PostgresStore]

REAC = 0x52454143


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits for a database gives up at once."""
    monkeypatch.setattr(locks, "_SECONDS", 0.0)


# Who serves a database


async def test_many_may_be_the_first(postgres_url: str) -> None:
    stores = [PostgresStore(postgres_url) for _ in range(8)]
    await asyncio.gather(*(store.open() for store in stores))
    assert len({store.node for store in stores}) == 8
    await commit_and_advance(stores[0], commit(1, insert(1, b"a")))
    for store in stores:
        await caught_up(store)
        async with newest(store) as snapshot:
            assert await words(snapshot) == entries((b"a", 1))
    await asyncio.gather(*(store.close() for store in stores))


@pytest.mark.usefixtures("short")
async def test_who_has_it_alone_keeps_others_out(postgres_url: str) -> None:
    """So did versions of Reactor that knew one server only."""
    store = PostgresStore(postgres_url)
    async with by_hand(postgres_url) as other:
        await other.execute("SET application_name = 'reactor elder 7'")
        assert await other.fetchval("SELECT pg_try_advisory_lock($1)", REAC)
        with pytest.raises(
            StoreLocked, match=r"held by reactor elder 7 \(PostgreSQL process \d+\), which needs it alone"
        ):
            await store.open()
        await other.execute("SELECT pg_advisory_unlock_all()")
        await store.open()
        # And the other way round.
        assert not await other.fetchval("SELECT pg_try_advisory_lock($1)", REAC)
    await store.close()


async def _as_format_1(url: str) -> None:
    """Make of a database what the first version left behind, in the middle of building index 9."""
    async with by_hand(url) as connection:
        await connection.execute(
            "ALTER TABLE commit_log DROP COLUMN points, DROP COLUMN node; ALTER TABLE indexes DROP COLUMN complete; "
            "UPDATE meta SET value = 1 WHERE key = 'format'; INSERT INTO index_entries VALUES (9, 'x')"
        )


COLUMNS = (
    "SELECT table_name || column_name || data_type || column_default || is_nullable FROM information_schema.columns "
    "WHERE table_schema = 'reactor' ORDER BY table_name, ordinal_position"
)


async def test_a_database_of_format_1_is_brought_up_to_date(postgres: Postgres, postgres_url: str) -> None:
    name = database_of(postgres_url)
    store = PostgresStore(postgres_url)
    await store.open()
    fresh = postgres.sql(COLUMNS, database=name)
    await commit_and_advance(store, Commit(5, [insert(1, b"a")], "system", None, [TABLE], [BY_WORD]))
    await store.close()
    await _as_format_1(postgres_url)
    assert postgres.sql(COLUMNS, database=name) != fresh
    stores = [PostgresStore(postgres_url) for _ in range(3)]
    await asyncio.gather(*(store.open() for store in stores))
    assert postgres.sql(COLUMNS, database=name) == fresh
    assert postgres.sql("SELECT value FROM reactor.meta WHERE key = 'format'", database=name) == [str(FORMAT)]
    for store in stores:
        assert (store.tables, store.indexes, store.last_index) == ([TABLE], [BY_WORD], 9)
        async with newest(store) as snapshot:
            assert await words(snapshot) == entries((b"a", 1))
            assert [(entry.ts, entry.points, entry.node) for entry in await snapshot.log(0, limit=9)] == [(5, [], "")]
    assert await stores[0].prune(log_before=0, outcomes_before=0, limit=9) == 2, "an entry, and the index itself"
    for store in stores:
        await store.close()
    # The number is not given again, though nothing has it any more.
    await store.open()
    assert store.last_index == 9
    await store.close()


@pytest.mark.usefixtures("short")
async def test_a_database_that_is_served_is_not_brought_up_to_date(two: Two, postgres_url: str) -> None:
    async with by_hand(postgres_url) as connection:
        await connection.execute("UPDATE meta SET value = 1 WHERE key = 'format'")
    newer = PostgresStore(postgres_url)
    with pytest.raises(StoreLocked, match=r"in use by reactor \S+ \d+ writes \(Postgre.*\); stop all servers of it"):
        await newer.open()


async def test_who_was_away_while_it_was_brought_up_to_date_is_told(
    two: Two, postgres: Postgres, postgres_url: str
) -> None:
    first, _ = two
    kill(postgres, postgres_url, WRITERS)
    postgres.sql("UPDATE reactor.meta SET value = 99 WHERE key = 'format'", database=database_of(postgres_url))
    with pytest.raises(StoreError):  # the loss may be noticed in the middle of it
        await first.prune(log_before=0, outcomes_before=0, limit=1)
    with pytest.raises(StoreVersion, match="has format 99, and this version of Reactor supports 1 to"):
        await first.prune(log_before=0, outcomes_before=0, limit=1)


async def test_connections_tell_what_they_are_for(two: Two, postgres: Postgres, postgres_url: str) -> None:
    News(two[0])
    async with two[0].schema_turn():
        for who, number in ((WRITERS, 2), (READERS, 2), (LISTENERS, 1), (SCHEMA_TURNS, 1)):
            await until_there(postgres, postgres_url, who, number)


# Commits that meet


async def test_a_commit_that_waited_for_a_filling_sees_what_that_did(
    two: Two, postgres: Postgres, postgres_url: str
) -> None:
    """Its statement began before; by itself it would not see the entry that it has to remove."""
    first, _ = two
    await commit_and_advance(first, commit(5, insert(1, b"a")))
    filled = IndexRecord(8, TABLE.number, "by_length", ("length",), complete=False)
    changed = update(1, b"a", b"b")
    changed.points.append(Point(filled.id, key(b"1", 1), key(b"2", 1)))
    async with by_hand(postgres_url) as other, other.transaction():
        await other.execute(STATEMENTS["take_turn"].sql)
        await other.execute(STATEMENTS["fill_entries"].sql, filled.id, [key(b"1", 1)], [doc_id(1)], 5)
        committing = asyncio.create_task(first.commit([commit(6, changed)], revise=never))
        await until_stuck(postgres, postgres_url)
    await committing
    await caught_up(first)
    async with newest(first) as snapshot:
        assert await snapshot.scan(filled.id, b"", b"\xff", reverse=False, limit=9) == entries((b"2", 1))


async def test_a_filling_waits_for_a_commit_and_leaves_out_what_it_wrote(
    two: Two, postgres: Postgres, postgres_url: str
) -> None:
    first, second = two
    await commit_and_advance(first, commit(5, insert(1, b"a"), insert(2, b"a")))
    filled = IndexRecord(8, TABLE.number, "by_length", ("length",), complete=False)
    async with by_hand(postgres_url) as other, other.transaction():
        await other.execute("UPDATE meta SET value = 6 WHERE key = 'last_ts'")
        await other.execute("UPDATE documents SET ts = 6 WHERE id = $1", doc_id(1))
        filling = asyncio.create_task(second.fill_index(filled, entries((b"1", 1), (b"1", 2)), as_of=5))
        await until_stuck(postgres, postgres_url)
    await filling
    await caught_up(first)
    async with newest(first) as snapshot:
        assert await snapshot.scan(filled.id, b"", b"\xff", reverse=False, limit=9) == entries((b"1", 2))


async def test_who_has_heard_that_it_was_overtaken_reads_the_log_first(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = two
    written: list[int] = []
    write = second._writer._write

    async def watched(connection: Connection, attempt: Attempt, *, alone: bool = True) -> bool:
        written.append(attempt.base)
        return await write(connection, attempt, alone=alone)

    monkeypatch.setattr(second._writer, "_write", watched)
    news = News(second)
    await news.heard()  # as who begins to listen
    await commit_and_advance(first, commit(1, insert(1, b"a")))
    while second._writer.log.told < 1:
        await news.heard()
    await second.commit([commit(1, insert(2, b"b"))], revise=moved(insert(2, b"b")))
    assert written == [1], "no attempt was made upon what it had seen"
    await caught_up(second)
    await commit_and_advance(second, commit(5, insert(3, b"c")))
    assert written == [1, 2], "nor was the log read when nobody had been faster"


async def test_who_is_overtaken_again_and_again_has_its_turn(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = two
    log = second._writer.log
    read = log.after
    numbers = iter(range(3))

    async def read_slowly(connection: Connection, ts: int) -> log_module.News:
        found = await read(connection, ts)
        for number in numbers:
            await first.commit([commit(10 + number, insert(10 + number, b"faster"))], revise=never)
            await caught_up(first)
            break
        return found

    await commit_and_advance(first, commit(1, insert(1, b"a")))
    monkeypatch.setattr(log, "after", read_slowly)
    revising = moved(insert(2, b"b"))
    await second.commit([commit(1, insert(2, b"b"))], revise=revising)
    # The last time nobody could come between, or it would have waited for that for ever.
    assert revising.told == [(1, [1]), (10, [1, 10]), (11, [1, 10, 11]), (12, [1, 10, 11, 12])]
    found = await caught_up(first)
    assert found is not None
    assert [entry.ts for entry in found] == [13]


async def test_timestamps_do_not_go_back_when_clocks_differ(two: Two) -> None:
    ahead, behind = two
    await ahead.commit([commit(10**18, insert(1, b"a"))])
    await behind.commit([commit(10**9, insert(2, b"b"))], revise=moved(insert(2, b"b")))
    await ahead.commit([commit(10**18 + 1, insert(3, b"c"))], revise=moved(insert(3, b"c")))
    for store in two:
        found = await caught_up(store)
        assert found is not None
        assert [(entry.ts - 10**18, entry.node) for entry in found] == [(0, "a"), (1, "b"), (2, "a")]


async def test_catching_up_goes_in_pages_and_mixes_own_with_others(two: Two) -> None:
    ts = 0
    for _ in range(3):
        for store in two:
            batch = [commit(ts + number, insert(ts + number, b"w")) for number in range(1, 301)]
            await store.commit(batch, revise=lambda last, found, batch=batch: batch)
            ts += 300
    expected = [(ts, "a" if (ts - 1) // 300 % 2 == 0 else "b") for ts in range(1, 1801)]
    for store in two:
        found = await caught_up(store)
        assert found is not None
        assert [(entry.ts, entry.node) for entry in found] == expected
        async with newest(store) as snapshot:
            assert await snapshot.log(0, limit=2_000) == found


async def test_who_is_behind_by_very_much_is_not_told_every_bit(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = two
    monkeypatch.setattr("reactor.store.postgres.log._MOST_BYTES", 10_000)
    for ts in range(1, 4):
        await commit_and_advance(first, commit(ts, *(insert(ts * 100 + number, b"w") for number in range(100))))
    assert await caught_up(second) is None
    async with newest(second) as snapshot:
        assert len(await words(snapshot)) == 300
    assert await caught_up(second) == []


async def test_more_commits_than_are_remembered_are_read(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    first, _ = two
    monkeypatch.setattr("reactor.store.postgres.log._MOST_KNOWN", 5)
    for ts in range(1, 30, 3):
        batch = [commit(ts + number, insert(ts + number, b"w")) for number in range(3)]
        await first.commit(batch, revise=lambda last, found, batch=batch: batch)
    found = await caught_up(first)
    assert found is not None
    assert [(entry.ts, entry.node) for entry in found] == [(ts, "a") for ts in range(1, 31)]


# What a snapshot has in memory


async def test_a_small_table_follows_what_others_do(two: Two) -> None:
    first, second = two
    await commit_and_advance(first, commit(5, insert(1, b"a"), insert(2, b"b")))
    await caught_up(second)
    for store in two:
        await store.keep_resident(TABLE.number, BY_WORD.id)
    await commit_and_advance(first, commit(6, update(1, b"a", b"c"), insert(3, b"d")), commit(7, update(3, b"d", b"e")))
    before = second.acquire()
    for store in two:
        await caught_up(store)
        with_it = store.acquire()
        with pytest.raises(StopIteration) as stop:
            words(with_it).send(None)
        assert stop.value.value == entries((b"b", 2), (b"c", 1), (b"e", 3))
        assert await with_it.get([doc_id(1), doc_id(3)]) == {doc_id(1): b"c", doc_id(3): b"e"}
        with_it.release()
    assert await words(before) == entries((b"a", 1), (b"b", 2))
    before.release()
    # Also when what was done is forgotten.
    await commit_and_advance(first, commit(8, update(2, b"b", b"f")))
    await first.prune(log_before=9, outcomes_before=0, limit=9)
    assert await caught_up(second) is None
    async with newest(second) as snapshot:
        assert await words(snapshot) == entries((b"c", 1), (b"e", 3), (b"f", 2))


async def test_long_keys_of_others_are_found(two: Two) -> None:
    first, second = two
    long = b"x" * 3_000
    await commit_and_advance(first, commit(5, insert(1, b"a")))
    await caught_up(second)
    await commit_and_advance(first, commit(6, insert(2, long)))
    await caught_up(second)
    async with newest(second) as snapshot:
        assert await words(snapshot) == entries((b"a", 1), (long, 2))
        assert await snapshot.count(BY_WORD.id, b"", b"\xff", limit=9) == (2, key(long, 2))


async def test_long_keys_that_another_has_filled_in_are_found(two: Two) -> None:
    first, second = two
    long = b"x" * 3_000
    building = IndexRecord(8, TABLE.number, "by_length", ("length",), complete=False)
    await commit_and_advance(first, Commit(4, [], "system", None, [TABLE], [building]))
    await commit_and_advance(first, commit(5, insert(1, b"a")))
    await caught_up(second)
    await first.fill_index(building, entries((long, 1)), as_of=5)
    await commit_and_advance(first, Commit(6, [], "system", None, [], [IndexRecord(*_fields(building))]))
    await caught_up(second)
    async with newest(second) as snapshot:
        assert await snapshot.scan(8, b"", b"\xff", reverse=False, limit=9) == entries((long, 1))


def _fields(index: IndexRecord) -> tuple[int, int, str, tuple[str, ...]]:
    return index.id, index.table, index.name, index.fields


async def test_entries_of_an_index_that_another_builds_are_left_alone(postgres_url: str, two: Two) -> None:
    first, _ = two
    building = IndexRecord(8, TABLE.number, "by_length", ("length",), complete=False)
    await commit_and_advance(first, commit(5, insert(1, b"a")))
    await commit_and_advance(first, Commit(6, [], "system", None, [TABLE], [BY_WORD, building]))
    await first.fill_index(building, entries((b"1", 1)), as_of=5)
    other = PostgresStore(postgres_url)
    await other.open()
    assert other.indexes == [BY_WORD, building]
    assert await other.prune(log_before=0, outcomes_before=0, limit=99) == 0
    # And of one that has got its record since.
    other._upkeep.unfinished = [building.id]
    await other.prune(log_before=0, outcomes_before=0, limit=99)
    await caught_up(other)
    async with newest(other) as snapshot:
        assert (await snapshot.records()).indexes == [BY_WORD, building]
        assert await snapshot.scan(8, b"", b"\xff", reverse=False, limit=9) == entries((b"1", 1))
    await other.close()
