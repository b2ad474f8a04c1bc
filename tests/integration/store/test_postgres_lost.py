"""Stores on one PostgreSQL whose connections are lost at bad moments: nothing is committed twice, or told wrongly."""

import asyncio

import pytest

from reactor.errors import StoreError
from reactor.store.postgres import doorbell, locks
from reactor.store.postgres.store import STATEMENTS, PostgresStore
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
    commit,
    commit_and_advance,
    entries,
    insert,
    key,
    newest,
    update,
    words,
)
from tests.integration.store.shared_rows import News, caught_up, moved, never
from tests.support.link import Link
from tests.support.postgres import Postgres, database_of, postgres_server

Two = tuple[PostgresStore, PostgresStore]

# Connections that are lost


async def test_a_commit_whose_connection_is_lost_is_made_again(two: Two, postgres: Postgres, postgres_url: str) -> None:
    first, second = two
    await commit_and_advance(first, commit(5, insert(1, b"a")))
    await caught_up(second)
    kill(postgres, postgres_url, WRITERS)
    await second.commit([commit(6, insert(2, b"b"))], revise=moved(insert(2, b"b")))
    await first.commit([commit(6, insert(3, b"c"))], revise=moved(insert(3, b"c")))
    await caught_up(first)
    async with newest(first) as snapshot:
        assert await words(snapshot) == entries((b"a", 1), (b"b", 2), (b"c", 3))


@pytest.mark.parametrize("others", [False, True], ids=["alone", "overtaken"])
@pytest.mark.parametrize("arrives", [False, True], ids=["not there", "there"])
async def test_a_commit_is_looked_up_when_its_connection_is_lost(
    two: Two, postgres_url: str, monkeypatch: pytest.MonkeyPatch, arrives: bool, others: bool
) -> None:
    first, second = two
    await commit_and_advance(first, commit(5, insert(1, b"a")))
    write, lost = first._writer._write, False

    async def write_and_lose(connection: object, attempt: object, **named: bool) -> bool:
        nonlocal lost
        if lost:
            return await write(connection, attempt, **named)  # pyright: ignore
        lost = True
        if arrives:
            done = await write(connection, attempt, **named)  # pyright: ignore
            if others:
                await connection.execute("COMMIT")  # pyright: ignore
            assert done
        if others and arrives:
            await second.commit([commit(9, insert(3, b"c"))], revise=moved(insert(3, b"c")))
        connection.terminate()  # pyright: ignore
        raise ConnectionResetError

    monkeypatch.setattr(first._writer, "_write", write_and_lose)
    if others:
        first._writer.log.told = 6
        await caught_up(second)
        await second.commit([commit(6, insert(4, b"d"))])
    revising = moved(insert(2, b"b"))
    await first.commit([commit(7, insert(2, b"b"))], revise=revising)
    found = await caught_up(first)
    assert found is not None
    assert sorted(entry.node for entry in found) == ["a", *("b" for _ in range(others + (others and arrives)))]
    async with newest(first) as snapshot:
        assert [word for word, _ in await words(snapshot)].count(key(b"b", 2)) == 1
    found = await caught_up(second)
    assert found is not None
    assert [entry.node for entry in found].count("a") == 1 + (not others)


async def test_what_a_lost_connection_sent_too_late_commits_nothing(
    two: Two, postgres: Postgres, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The statement of a commit is on its way when everybody believes that it is lost."""
    first, second = two
    await commit_and_advance(first, commit(5, insert(1, b"a")))
    late: list[list[object]] = []
    real = first._writer._write

    async def delayed(connection: object, attempt: object, **named: bool) -> bool:
        from reactor.store.postgres.columns import columns_of, rows_of

        if late:
            return await real(connection, attempt, **named)  # pyright: ignore
        columns, _, _ = columns_of(rows_of(attempt.batch, "a"))  # pyright: ignore
        late.append([attempt.batch[-1].ts, attempt.base, *columns, "a"])  # pyright: ignore
        connection.terminate()  # pyright: ignore
        raise ConnectionResetError

    monkeypatch.setattr(first._writer, "_write", delayed)
    with pytest.raises(StoreError, match="the commit failed at"):
        await first.commit([commit(7, insert(2, b"b"))])
    async with by_hand(postgres_url) as connection:
        assert await connection.fetchval(STATEMENTS["commit"].sql, *late[0]) is None
    assert await caught_up(first) == []
    await commit_and_advance(first, commit(8, insert(2, b"b")))
    assert [entry.ts for entry in await caught_up(second) or []] == [5, 8]


async def test_a_commit_whose_end_nobody_knows_is_settled_before_the_next(
    two: Two, postgres: Postgres, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = two
    monkeypatch.setattr("reactor.store.postgres.writer._SETTLE_SECONDS", 0.0)
    await commit_and_advance(first, commit(5, insert(1, b"a")))
    real, connect = first._writer._write, first._address.connect

    async def unreachable(purpose: str) -> object:
        raise StoreError("it cannot be reached")

    async def write_and_lose(connection: object, attempt: object, **named: bool) -> bool:
        await real(connection, attempt, **named)  # pyright: ignore
        monkeypatch.setattr(first._address, "connect", unreachable)
        connection.terminate()  # pyright: ignore
        raise ConnectionResetError

    monkeypatch.setattr(first._writer, "_write", write_and_lose)
    with pytest.raises(StoreError, match="whether the commit is there shows when"):
        await first.commit([commit(6, insert(2, b"b"))], revise=never)
    monkeypatch.setattr(first._address, "connect", connect)
    monkeypatch.setattr(first._writer, "_write", real)
    found = await caught_up(first)
    assert found is not None
    assert [(entry.ts, entry.node) for entry in found] == [(6, "a")]
    await first.commit([commit(7, insert(3, b"c"))], revise=never)
    assert [entry.ts for entry in await caught_up(first) or []] == [7]
    assert [entry.ts for entry in await caught_up(second) or []] == [5, 6, 7]


async def test_who_lost_the_lock_is_told_what_came_meanwhile(two: Two, postgres: Postgres, postgres_url: str) -> None:
    first, second = two
    revising = moved(insert(2, b"b"))
    async with first.exclusive():
        await caught_up(first)
        waiting = asyncio.create_task(second.commit([commit(5, insert(1, b"a"))]))
        await until_stuck(postgres, postgres_url)
        kill(postgres, postgres_url, f"{WRITERS} AND state = 'idle in transaction'")
        await waiting
        await first.commit([commit(5, insert(2, b"b"))], revise=revising)
        assert revising.told == [(5, [5])]
    async with first.exclusive():
        await caught_up(first)
        await first.commit([commit(7, insert(3, b"c"))], revise=never)


async def test_who_gives_up_waiting_for_the_lock_does_not_keep_it(
    two: Two, postgres: Postgres, postgres_url: str
) -> None:
    first, second = two

    async def hold() -> None:
        async with first.exclusive():
            raise AssertionError("it was not to come to this")

    async with second.exclusive():
        holding = asyncio.create_task(hold())
        await until_stuck(postgres, postgres_url)
        holding.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await holding
    await second.commit([commit(5, insert(1, b"a"))])
    await caught_up(first)
    await first.commit([commit(6, insert(2, b"b"))], revise=never)


async def test_a_moment_that_has_passed_is_told_and_comes_anew(two: Two, postgres: Postgres, postgres_url: str) -> None:
    first, second = two
    await commit_and_advance(first, commit(5, insert(1, b"a")))
    await caught_up(second)
    news = News(second)
    await news.heard()
    async with newest(second) as snapshot:
        kill(postgres, postgres_url, READERS)
        assert await words(snapshot) == entries((b"a", 1)), "nothing has been committed since"
        await commit_and_advance(first, commit(6, update(1, b"a", b"b")))
        await news.heard()
        kill(postgres, postgres_url, READERS)
        with pytest.raises(StoreError, match=r"the state of commit 5 cannot be read any more.*ask again"):
            await words(snapshot, reverse=True)  # what has been scanned is known
        await news.heard()
    await caught_up(second)
    async with newest(second) as snapshot:
        assert await words(snapshot) == entries((b"b", 1))


async def test_the_turn_for_the_schema_ends_with_its_connection(
    two: Two, postgres: Postgres, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = two
    monkeypatch.setattr(locks, "_TURN_SECONDS", 1)
    entered = asyncio.Event()

    async def wait() -> None:
        async with second.schema_turn():
            entered.set()

    async with first.schema_turn():
        waiting = asyncio.create_task(wait())
        await until_stuck(postgres, postgres_url, SCHEMA_TURNS)
        assert not entered.is_set()
        kill(postgres, postgres_url, f"{SCHEMA_TURNS} AND wait_event_type <> 'Lock'")
        await waiting
    async with first.schema_turn():
        waiting = asyncio.create_task(wait())
        await until_stuck(postgres, postgres_url, SCHEMA_TURNS)
        kill(postgres, postgres_url, f"{SCHEMA_TURNS} AND wait_event_type = 'Lock'")
        with pytest.raises(StoreError, match="waiting for the turn to change the schema failed"):
            await waiting


# The doorbell


async def test_own_commits_do_not_ring(two: Two) -> None:
    first, second = two
    rung: list[int] = []
    mine, theirs = News(first), News(second)
    await asyncio.gather(mine.heard(), theirs.heard())
    first.listen(lambda: rung.append(1))
    for ts in range(1, 20):
        await commit_and_advance(first, commit(ts, insert(ts, b"w")))
    await theirs.heard()
    assert rung == []
    await caught_up(second)
    second.listen(lambda: None)
    heard = News(first)
    await second.commit([commit(20, insert(20, b"w"))])
    await heard.heard()


async def test_what_nobody_rang_for_is_found_by_looking(postgres: Postgres, postgres_url: str) -> None:
    store = PostgresStore(postgres_url, poll_seconds=0.05)
    await store.open()
    news = News(store)
    await news.heard()
    postgres.sql("UPDATE reactor.meta SET value = 5 WHERE key = 'last_ts'", database=database_of(postgres_url))
    await news.heard()
    await caught_up(store)
    await store.close()


async def test_a_doorbell_is_mended(postgres_url: str, postgres: Postgres) -> None:
    first, second = PostgresStore(postgres_url), PostgresStore(postgres_url, poll_seconds=0.05)
    await first.open()
    await second.open()
    news = News(second)
    await news.heard()
    for ts in range(1, 4):
        kill(postgres, postgres_url, LISTENERS)
        await news.heard()
        await commit_and_advance(first, commit(ts, insert(ts, b"w")))
        await news.heard()
        await caught_up(second)
    await first.close()
    await second.close()


async def test_a_doorbell_that_hears_nothing_any_more_is_replaced(
    postgres: Postgres, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the database sends is lost on the way, and nothing tells that the connection is of no use."""
    monkeypatch.setattr(doorbell, "_ANSWER_SECONDS", 0.2)
    with Link(postgres.port) as link:
        url = f"postgresql://postgres@127.0.0.1:{link.port}/{database_of(postgres_url)}"
        first, second = PostgresStore(postgres_url), PostgresStore(url, poll_seconds=0.05)
        await first.open()
        await second.open()
        news = News(second)
        await news.heard()
        (before,) = postgres.sql(
            f"SELECT pid FROM pg_stat_activity WHERE {LISTENERS} AND datname = '{database_of(postgres_url)}'"
        )
        link.deafen()
        await commit_and_advance(first, commit(5, insert(1, b"a")))
        await until_there(postgres, postgres_url, f"{LISTENERS} AND pid <> {before}")
        link.mend()
        await news.heard()
        assert [entry.ts for entry in await caught_up(second) or []] == [5]
        await first.close()
        await second.close()


async def test_a_server_that_was_started_anew_is_listened_to_again() -> None:
    with postgres_server() as server, server.database() as name:
        first, second = (PostgresStore(server.url(name, tcp=True), poll_seconds=0.05) for _ in range(2))
        await first.open()
        await second.open()
        news = News(second)
        await news.heard()
        await asyncio.to_thread(server.restart)
        await first.commit([commit(5, insert(1, b"a"))], revise=moved(insert(1, b"a")))
        async with asyncio.timeout(20):
            while not await _seen(second):
                await news.heard()
        await first.close()
        await second.close()


async def _seen(store: PostgresStore) -> bool:
    try:
        await caught_up(store)
    except StoreError:
        return False
    async with newest(store) as snapshot:
        return await words(snapshot) == entries((b"a", 1))
