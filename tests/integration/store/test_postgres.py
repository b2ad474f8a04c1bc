"""What only the PostgreSQL store promises: of its connections, and what it says of servers that will not do."""

import asyncio
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reactor.errors import StoreError, StoreFull, StoreVersion
from reactor.store.postgres.database_format import FORMAT
from reactor.store.postgres.failures import store_error
from reactor.store.postgres.snapshot import PostgresSnapshot
from reactor.store.postgres.store import STATEMENTS, PostgresStore
from reactor.store.seam import Commit, IndexRecord
from tests.integration.store.backends import READERS, WRITERS, kill
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
from tests.support.postgres import Postgres, database_of, postgres_server


@pytest.fixture
def store(postgres_store: PostgresStore) -> PostgresStore:
    return postgres_store


async def _refused(url: str, **options: Any) -> str:
    """Opens a store that cannot be; gives what it says."""
    store = PostgresStore(url, **options)
    with pytest.raises(StoreError) as refusal:
        await store.open()
    await store.close()
    return str(refusal.value)


async def test_a_folder_has_one_owner(postgres: Postgres, postgres_url: str, tmp_path: Path) -> None:
    store = PostgresStore(postgres_url, folder=tmp_path / "data")
    await store.open()
    with postgres.database() as other:
        assert "data folder" in await _refused(postgres.url(other), folder=tmp_path / "data")
    await store.close()


# Lost connections


async def test_the_newest_moment_outlives_its_connections(
    store: PostgresStore, postgres: Postgres, postgres_url: str
) -> None:
    await commit_and_advance(store, commit(5, insert(1, b"a")))
    async with newest(store) as snapshot:
        assert await words(snapshot) == entries((b"a", 1))
        for _ in range(2):
            kill(postgres, postgres_url, READERS)
            assert await words(snapshot) == entries((b"a", 1))


async def test_an_older_moment_is_lost_with_its_connections(
    store: PostgresStore, postgres: Postgres, postgres_url: str
) -> None:
    await commit_and_advance(store, commit(5, insert(1, b"a")))
    async with newest(store) as older:
        await commit_and_advance(store, commit(6, update(1, b"a", b"b")))
        kill(postgres, postgres_url, READERS)
        with pytest.raises(StoreError, match=r"the state of commit 5 cannot be read any more.*ask again"):
            await words(older)
    async with newest(store) as snapshot:
        assert await words(snapshot) == entries((b"b", 1))


async def test_a_server_that_was_started_anew_is_found_again() -> None:
    with postgres_server() as server, server.database() as name:
        store = PostgresStore(server.url(name, tcp=True))
        await store.open()
        await commit_and_advance(store, commit(5, insert(1, b"a")))
        held = store.acquire()
        await asyncio.to_thread(server.restart)
        assert await words(held) == entries((b"a", 1))
        held.release()
        await commit_and_advance(store, commit(6, insert(2, b"b")))
        async with newest(store) as snapshot:
            assert await words(snapshot) == entries((b"a", 1), (b"b", 2))
        await store.close()


# Reading beside each other


async def test_many_read_one_moment_at_a_time(store: PostgresStore) -> None:
    await commit_and_advance(store, commit(5, *(insert(number, b"%d" % number) for number in range(200))))
    async with newest(store) as snapshot:
        # Later commits do not show on connections that join.
        await commit_and_advance(store, commit(6, *(update(number, b"%d" % number, b"x") for number in range(200))))
        found = await asyncio.gather(*(snapshot.get([doc_id(number)]) for number in range(200)))
        assert found == [{doc_id(number): b"%d" % number} for number in range(200)]
        assert isinstance(snapshot, PostgresSnapshot)
        assert len(snapshot._all) > 1


async def test_more_moments_than_connections_wait_for_each_other(postgres_url: str) -> None:
    store = PostgresStore(postgres_url, connections=4)
    await store.open()
    await commit_and_advance(store, commit(1, insert(1, b"1")))
    held: list[Any] = []
    for ts in range(2, 4):
        held.append(store.acquire())
        await commit_and_advance(store, commit(ts, update(1, b"%d" % (ts - 1), b"%d" % ts)))
    readings = [asyncio.ensure_future(snapshot.get([doc_id(1)])) for snapshot in held for _ in range(20)]
    await commit_and_advance(store, commit(4, update(1, b"3", b"4")))
    assert await asyncio.gather(*readings) == [{doc_id(1): b"1"}] * 20 + [{doc_id(1): b"2"}] * 20
    for snapshot in held:
        snapshot.release()
    async with newest(store) as snapshot:
        assert await snapshot.get([doc_id(1)]) == {doc_id(1): b"4"}
    await store.close()


async def test_who_gives_up_reading_costs_nobody_the_moment(store: PostgresStore) -> None:
    await commit_and_advance(store, commit(5, insert(1, b"a")))
    older = store.acquire()
    await commit_and_advance(store, commit(6, update(1, b"a", b"b")))
    readings = [asyncio.ensure_future(words(older)) for _ in range(20)]
    await asyncio.sleep(0)
    for reading in readings[::2]:
        reading.cancel()
    found = await asyncio.gather(*readings, return_exceptions=True)
    assert [type(each) for each in found[::2]] == [asyncio.CancelledError] * 10
    assert found[1::2] == [entries((b"a", 1))] * 10
    older.release()


async def test_a_store_can_be_closed_while_it_is_read(postgres_url: str) -> None:
    store = PostgresStore(postgres_url)
    await store.open()
    await commit_and_advance(store, commit(5, insert(1, b"a")))
    snapshot = store.acquire()
    readings = [asyncio.ensure_future(words(snapshot)) for _ in range(20)]
    await asyncio.sleep(0)
    await store.close()
    found = await asyncio.gather(*readings, return_exceptions=True)
    assert all(isinstance(each, (StoreError, asyncio.CancelledError, list)) for each in found)
    with pytest.raises(StoreError, match="closed"):
        await words(snapshot)
    snapshot.release()


async def test_what_a_closed_store_remembers_is_not_read_either(postgres_url: str) -> None:
    store = PostgresStore(postgres_url)
    await store.open()
    await commit_and_advance(store, commit(5, insert(1, b"a")))
    snapshot = store.acquire()
    assert len(await words(snapshot)) == 1
    await store.close()
    with pytest.raises(StoreError, match="closed"):
        await words(snapshot)
    snapshot.release()


async def test_a_released_snapshot_is_not_read(store: PostgresStore) -> None:
    snapshot = store.acquire()
    snapshot.release()
    with pytest.raises(StoreError, match="after its release"):
        await words(snapshot)


async def test_connections_are_given_back(store: PostgresStore, postgres: Postgres, postgres_url: str) -> None:
    for ts in range(1, 40):
        await commit_and_advance(store, commit(ts, insert(ts, b"w")))
        async with newest(store) as snapshot:
            await asyncio.gather(*(words(snapshot) for _ in range(5)))
    name = database_of(postgres_url)
    (number,) = postgres.sql(f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}'")
    assert int(number) <= 1 + 10, "one that writes, ten that read"


# Long keys


async def test_long_keys_are_filled_counted_and_dropped(postgres_url: str) -> None:
    long = IndexRecord(BY_WORD.id + 1, TABLE.number, "by_length", ("length",))
    pairs = [(b"a" * (2_490 + number), number) for number in range(1, 30)]
    store = PostgresStore(postgres_url)
    await store.open()
    await commit_and_advance(store, commit(5, *(insert(number, b"w") for number in range(1, 30))))
    await store.fill_index(long, entries(*pairs), as_of=5)
    await store.fill_index(long, entries(*pairs), as_of=5)
    await commit_and_advance(store, Commit(6, [], "system", None, [TABLE], [BY_WORD, long]))
    await store.close()
    await store.open()
    async with newest(store) as snapshot:
        assert await snapshot.scan(long.id, b"", b"\xff", reverse=False, limit=99) == sorted(entries(*pairs))
        assert await snapshot.scan(long.id, b"", b"\xff", reverse=True, limit=3) == sorted(entries(*pairs))[:-4:-1]
        assert await snapshot.count(long.id, b"", b"\xff", limit=99) == (29, max(key(*pair) for pair in pairs))
    await commit_and_advance(store, Commit(7, [], "system", None, [], [], [long.id]))
    pruned = await store.prune(log_before=0, outcomes_before=0, limit=20)
    pruned += await store.prune(log_before=0, outcomes_before=0, limit=20)
    assert pruned == 30
    await commit_and_advance(store, commit(8))
    async with newest(store) as snapshot:
        assert await snapshot.scan(long.id, b"", b"\xff", reverse=False, limit=99) == []
    await store.close()


# Plans


LOOKED_UP = {
    "get": "text[]",
    "scan": "bigint, bytea, bytea, bigint",
    "scan_reverse": "bigint, bytea, bytea, bigint",
    "scan_long": "bigint, bytea, bytea, bigint, bytea, bytea",
    "scan_long_reverse": "bigint, bytea, bytea, bigint, bytea, bytea",
    "count": "bigint, bytea, bytea, bigint",
    "scan_ids": "text, text, bigint",
    "scan_ids_reverse": "text, text, bigint",
    "outcome": "bytea, bigint",
    "last_request": "bytea",
    "log": "bigint, bigint",
    "news": "bigint, bigint",
    "is_logged": "bigint, text",
    "pass_over": "bigint",
    "lock": "",
    "take_turn": "",
    "last_ts": "",
    "prune_log": "bigint, bigint",
    "prune_outcomes": "bigint, bigint",
    "delete_index_entries": "bigint, bigint",
    "fill_entries": "bigint, bytea[], text[], bigint",
    "commit": "bigint, bigint, text[], bigint[], bigint[], bytea[], text[], bigint[], bigint[], bytea[], text[], "
    "bigint[], bytea[], bigint[], bytea[], bigint[], bytea[], "
    "bigint[], text[], bytea[], bytea[], text[], bigint[], bytea[], bigint[], bytea[], bytea[], text",
}


@pytest.mark.parametrize("name", LOOKED_UP)
async def test_a_plan_from_when_the_tables_were_small_holds_when_they_are_large(
    store: PostgresStore, name: str
) -> None:
    await commit_and_advance(store, commit(1, *(insert(number, b"w") for number in range(5)), request=1))
    connection = await store._snapshots.connections.take()
    types = LOOKED_UP[name]
    assert await connection.fetchval("SHOW plan_cache_mode") == "force_generic_plan"
    await connection.execute(f"PREPARE looked{f'({types})' if types else ''} AS {STATEMENTS[name].sql}")
    nulls = f"({', '.join('NULL' for _ in types.split(','))})" if types else ""
    plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN EXECUTE looked{nulls}"))
    assert "Seq Scan" not in plan, plan
    assert "Bitmap" not in plan, plan
    if name.startswith("scan"):
        assert "Index" in plan
        assert not re.search(r"(?<!Incremental )Sort\b(?! Key)", plan), plan
    store._snapshots.connections.give(connection)


# Servers and databases that will not do


@pytest.fixture
def alice(postgres: Postgres) -> Iterator[str]:
    """A user who has no rights but to connect."""
    postgres.sql("CREATE ROLE alice LOGIN PASSWORD 'pencil!'")
    yield "alice"
    postgres.sql("DROP OWNED BY alice", "DROP ROLE alice")


async def test_an_address_is_shown_without_its_password() -> None:
    told = await _refused("postgresql://ann:s3cret%21@127.0.0.1:1/lists")
    assert told.startswith("connecting failed at postgresql://ann@127.0.0.1:1/lists: ")
    assert "check that the server runs, and host and port in the setting database" in told
    assert "s3cret" not in told


async def test_an_address_that_is_none_is_not_repeated() -> None:
    told = await _refused("postgresql://ann:s3cret@host:port/lists")
    assert "write it like postgresql://user:password@host:5432/name" in told
    assert "s3cret" not in told


async def test_a_database_that_is_not_there(postgres: Postgres) -> None:
    told = await _refused(postgres.url("nobodys"))
    assert 'database "nobodys" does not exist; there is no such database: make it with createdb' in told


async def test_a_user_without_the_right_to_make_tables(postgres: Postgres, postgres_url: str, alice: str) -> None:
    told = await _refused(postgres.url(database_of(postgres_url), user=alice))
    assert "permission denied for database" in told
    assert "GRANT CREATE ON DATABASE" in told


async def test_a_wrong_password() -> None:
    with postgres_server() as server, server.database() as name:
        server.sql("CREATE ROLE ann SUPERUSER LOGIN PASSWORD 'pencil!'")
        server.demand_passwords("ann")
        told = await _refused(server.url(name, user="ann", password="guessed", tcp=True))
        assert 'password authentication failed for user "ann"; the user or the password is wrong' in told
        assert "guessed" not in told
        store = PostgresStore(server.url(name, user="ann", password="pencil!", tcp=True))
        await store.open()
        await store.close()


async def test_text_that_is_no_utf8_is_refused(postgres: Postgres) -> None:
    with postgres.database("ENCODING 'SQL_ASCII' TEMPLATE template0") as name:
        assert "keeps text as SQL_ASCII, and Reactor needs UTF8" in await _refused(postgres.url(name))


async def test_ids_are_in_the_order_of_their_bytes_whatever_the_collation(postgres: Postgres) -> None:
    options = "LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C.UTF-8' TEMPLATE template0"
    with postgres.database(options) as name:
        store = PostgresStore(postgres.url(name))
        await store.open()
        ids = ["a", "B", "b", "A", "a0", "_", "Z"]
        writes = [insert(number, b"w") for number in range(len(ids))]
        for write, id in zip(writes, ids, strict=True):
            write.id = id
        await commit_and_advance(store, commit(5, *writes))
        async with newest(store) as snapshot:
            assert await snapshot.scan_ids("", "~", reverse=False, limit=99) == sorted(ids)
            assert await snapshot.scan_ids("A", "a", reverse=True, limit=99) == ["_", "Z", "B", "A"]
        await store.close()


async def test_tables_of_others_are_left_alone(postgres: Postgres, postgres_url: str) -> None:
    name = database_of(postgres_url)
    postgres.sql("CREATE TABLE documents (id int)", "CREATE SCHEMA reactor", database=name)
    store = PostgresStore(postgres_url)
    await store.open()
    await store.close()
    assert postgres.sql("SELECT count(*) FROM public.documents", database=name) == ["0"]


async def test_a_schema_of_others_is_refused(postgres: Postgres, postgres_url: str) -> None:
    name = database_of(postgres_url)
    postgres.sql("CREATE SCHEMA reactor", "CREATE TABLE reactor.fuel (id int)", database=name)
    store = PostgresStore(postgres_url)
    with pytest.raises(StoreVersion, match="the schema reactor of .* has tables of another program"):
        await store.open()


async def test_a_newer_format_is_refused(store: PostgresStore, postgres: Postgres, postgres_url: str) -> None:
    await store.close()
    name = database_of(postgres_url)
    assert postgres.sql("SELECT value FROM reactor.meta WHERE key = 'format'", database=name) == [str(FORMAT)]
    postgres.sql("UPDATE reactor.meta SET value = 99 WHERE key = 'format'", database=name)
    with pytest.raises(StoreVersion, match=f"has format 99, and this version of Reactor supports 1 to {FORMAT}"):
        await store.open()


async def test_an_answered_commit_is_on_the_disk_whatever_the_server_is_set_to(
    postgres: Postgres, postgres_url: str
) -> None:
    name = database_of(postgres_url)
    postgres.sql(f"ALTER DATABASE {name} SET synchronous_commit = off", database=name)
    store = PostgresStore(postgres_url)
    await store.open()
    kill(postgres, postgres_url, WRITERS)
    await store.commit([commit(5, insert(1, b"a"))], revise=lambda ts, found: [commit(ts + 1, insert(1, b"a"))])
    connection = store._writer._connection
    assert connection is not None
    assert await connection.fetchval("SHOW synchronous_commit") == "on"
    await store.close()


def test_a_full_disk_is_told_as_such() -> None:
    import asyncpg  # pyright: ignore[reportMissingTypeStubs]

    error = store_error(asyncpg.DiskFullError("could not extend file"), "the commit", "postgresql://here/lists")
    assert isinstance(error, StoreFull)
    assert "free some space" in str(error)


# What a killed process leaves behind


async def test_kill_9_loses_nothing_acknowledged_and_halves_nothing(postgres_url: str) -> None:
    for after in (1, 9, 40):
        acknowledged = _run_andkill(postgres_url, after)
        store = PostgresStore(postgres_url)
        await store.open()
        async with newest(store) as snapshot:
            last = snapshot.ts
            assert last >= acknowledged
            assert await snapshot.get([doc_id(0)]) == {doc_id(0): b"%d" % last}
            found = await snapshot.scan_ids("", "z", reverse=False, limit=10**6)
            assert found == [doc_id(0), *(doc_id(ts) for ts in range(2, last + 1))]
            assert {id for _, id in await words(snapshot, limit=10**6)} == set(found)
            assert [entry.ts for entry in await snapshot.log(0, limit=10**6)] == list(range(1, last + 1))
        await store.close()


def _run_andkill(url: str, after: int) -> int:
    """Runs a child until it has acknowledged so many batches; returns the last timestamp it acknowledged."""
    program = "tests.integration.store.commits_until_killed"
    with subprocess.Popen(
        [sys.executable, "-m", program, url], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]
    ) as child:
        assert child.stdout is not None
        acknowledged = [child.stdout.readline() for _ in range(after)]
        child.kill()
        # The pipe may hold more than was read: all of it had been acknowledged.
        acknowledged += child.stdout.read().splitlines(keepends=True)
    whole = [int(line) for line in acknowledged if line.endswith("\n")]
    assert len(whole) >= after
    return whole[-1]
