"""Copies of databases: the same through the seam, whatever was written meanwhile and wherever a copy broke off."""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from reactor.errors import SettingsError, StoreError, StoreLocked, StoreVersion
from reactor.store.copying.places import place_at
from reactor.store.copying.tables import Catalog
from reactor.store.seam import Commit, Point
from reactor.store.sharing.store import SharedSqliteStore
from tests.integration.store.copies import (
    LATER,
    TOTALS,
    Broken,
    Do,
    Served,
    Told,
    Unreliable,
    World,
    copied,
    copier,
    everything,
    folder_of,
    source,
    target,
)
from tests.integration.store.rows import BY_WORD, SESSION, TABLE, commit, insert
from tests.support.patience import PATIENCE
from tests.support.postgres import Postgres, database_of

KINDS = ("sqlite", "postgres")
WAYS = [(one, other) for one in KINDS for other in KINDS]

LONG = b"l" * 3_000
"""A word whose entries PostgreSQL keeps elsewhere."""

Make = Callable[[str], str]


@pytest.fixture
def address(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Make]:
    """Makes the address of an empty place of a kind."""
    numbers = count()
    with ExitStack() as databases:

        def make(kind: str) -> str:
            if kind == "sqlite":
                return f"sqlite:{tmp_path / str(next(numbers))}"
            postgres: Postgres = request.getfixturevalue("postgres")
            return postgres.url(databases.enter_context(postgres.database()))

        yield make


FIRST = [
    *(Do("put", number, b"word %d" % number) for number in range(40)),
    *(Do("put", number, LONG + b"%d" % number) for number in range(40, 44)),
    *(Do("node", 0, b"%d" % number) for number in range(5)),
    Do("prune"),
    Do("build", 0),
    Do("drop", 0),
    Do("build", 1),
    Do("begin"),
    *(Do("put", number, b"other") for number in range(0, 40, 3)),
    *(Do("delete", number) for number in range(0, 44, 5)),
    Do("node", 0, b"2"),
]
"""All that may be in a database."""


async def filled(address: str) -> World:
    """A database with data, whose server runs."""
    world = await World(address).open()
    for order in FIRST:
        await world.do(order)
    return world


async def stopped(address: str) -> None:
    """A database with data, whose server is stopped."""
    await (await filled(address)).store.close()


@pytest.mark.parametrize(("one", "other"), WAYS)
async def test_a_copy_is_equal_and_so_is_the_way_back(address: Make, one: str, other: str) -> None:
    here, there, back = address(one), address(other), address(one)
    await stopped(here)
    told = Told()
    counts = await copied(source(here), target(there), told=told)
    was = await everything(here)
    assert await everything(there) == was
    await copied(source(there), target(back))
    assert await everything(back) == was
    assert counts == {
        f"table {TABLE.name}": len(was["documents"]),
        "history": len(was["log"]),
        "outcomes of mutations": sum(outcome is not None for outcome in was["outcomes"]),
        f"index {TABLE.name}.by_creation_time": len(was["entries"][TABLE.by_creation]),
        f"index {TABLE.name}.by_word": len(was["entries"][BY_WORD.id]),
        f"index {TABLE.name}.by_size": 4,
        f"index {TABLE.name}.later_1": len(was["documents"]),
    }
    assert told.stages == ["counting", "copying", "the last of it", "comparing"]


@pytest.mark.parametrize(("one", "other"), WAYS)
async def test_a_copy_is_served_as_its_source_was(address: Make, one: str, other: str) -> None:
    here, there = address(one), address(other)
    await stopped(here)
    await copied(source(here), target(there))
    both: list[object] = []
    for each in (here, there):
        world = World(each)
        await world.store.open()
        # No number of an index is given twice, also of those whose entries were not copied.
        assert world.store.last_index == LATER[1] or world.store.last_index == 9
        world.ts, world.requests, world.words = 1_000, 150, {}
        await world.do(Do("put", 101, b"new"))
        snapshot = world.store.acquire()
        log = [(entry.ts, entry.source, entry.writes) for entry in await snapshot.log(999, limit=10)]
        both.append((log, await snapshot.last_request(SESSION)))
        snapshot.release()
        await world.store.close()
    assert both[0] == both[1]


async def test_what_processes_that_share_a_file_tell_each_other_comes_along(address: Make) -> None:
    here, there = address("sqlite"), address("sqlite")
    store = SharedSqliteStore(folder_of(here), node="one")
    await store.open()
    batch = [
        Commit(5, [], "schema", tables=[TABLE], indexes=[BY_WORD, replace(TOTALS, complete=False)]),
        commit(6, insert(1, b"a"), request=3),
        Commit(7, [], "words:count", entries=[Point(TOTALS.id, None, b"\x11n\x10-\x00")]),
    ]
    await store.commit(batch)
    caught = await store.catch_up()
    store.advance(caught.snapshot.ts)
    caught.snapshot.release()
    await store.close()
    await copied(source(here), target(there))
    was, found = await everything(here), await everything(there)
    assert [entry.node for entry in found["log"]] == ["one"] * 3
    assert found["log"] == was["log"]
    # An index that was being built is not there; whoever has a schema with it builds it.
    assert found["indexes"] == [BY_WORD]
    assert found["entries"] == {index: was["entries"][index] for index in (TABLE.by_creation, BY_WORD.id)}


ORDERS = st.one_of(
    st.builds(Do, st.just("put"), st.integers(0, 12), st.sampled_from([b"a", b"b", b"c", LONG, LONG + b"2"])),
    st.builds(Do, st.just("delete"), st.integers(0, 12)),
    st.builds(Do, st.just("node"), st.just(0), st.sampled_from([b"x", b"y", b"z"])),
    st.builds(Do, st.sampled_from(["build", "drop"]), st.integers(0, 2)),
    st.builds(Do, st.sampled_from(["prune", "begin", "fail"])),
)
WORK = st.lists(st.lists(ORDERS, max_size=6), max_size=14)


class Trial:
    """A copy that is broken off whenever something fails, and then goes on, until it has come to its end."""

    def __init__(self, here: str, there: str, page_rows: int) -> None:
        self.here, self.there, self.page_rows = here, there, page_rows
        self.told = Told()

    async def run(self, first: list[Do], work: list[list[Do]], breaks: list[tuple[int, bool]]) -> None:
        world = await World(self.here).open()
        for order in first:
            if order.what != "fail":
                await world.do(order)
        plan: list[Sequence[Do]] = [list(orders) for orders in work]
        while True:
            at, before = breaks.pop(0) if breaks else (0, False)
            theirs = Served(source(self.here, page_rows=self.page_rows), world, plan)
            ours = Unreliable(target(self.there, page_rows=self.page_rows), at, before=before)
            try:
                await copied(theirs, ours, told=self.told, leg_seconds=0)
            except Broken:
                continue
            break
        assert await everything(self.there) == await everything(self.here)
        # Entries of indexes that are gone, or were never completed, have not come along.
        left = World(self.there).store
        await left.open()
        assert await left.prune(log_before=0, outcomes_before=0, limit=1_000) == 0
        await left.close()


TRIAL = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.mark.timeout(240)
@settings(TRIAL, max_examples=50)
@given(
    st.lists(ORDERS, max_size=20),
    WORK,
    st.lists(st.tuples(st.integers(1, 25), st.booleans()), max_size=4),
    st.integers(1, 5),
)
async def test_whatever_happens_meanwhile_a_copy_is_equal(
    first: list[Do], work: list[list[Do]], breaks: list[tuple[int, bool]], page_rows: int
) -> None:
    with TemporaryDirectory() as folder:
        await Trial(f"sqlite:{folder}/here", f"sqlite:{folder}/there", page_rows).run(first, work, breaks)


@pytest.mark.timeout(240)
@settings(TRIAL, max_examples=12)
@given(
    st.sampled_from([way for way in WAYS if "postgres" in way]),
    st.lists(ORDERS, max_size=20),
    WORK,
    st.lists(st.tuples(st.integers(1, 25), st.booleans()), max_size=3),
    st.integers(1, 5),
)
async def test_whatever_happens_meanwhile_a_copy_is_equal_with_postgres(
    postgres: Postgres,
    way: tuple[str, str],
    first: list[Do],
    work: list[list[Do]],
    breaks: list[tuple[int, bool]],
    page_rows: int,
) -> None:
    with TemporaryDirectory() as folder, postgres.database() as one, postgres.database() as other:
        places = [
            f"sqlite:{folder}/{name}" if kind == "sqlite" else postgres.url(name)
            for kind, name in zip(way, (one, other), strict=True)
        ]
        await Trial(places[0], places[1], page_rows).run(first, work, breaks)


# What one leg finds


async def served(here: str, there: str, work: list[Sequence[Do]], told: Told, first: Sequence[Do] = FIRST) -> None:
    """Copy beside a server that does some of its work before each leg, each of one page of three rows."""
    world = await World(here).open()
    for order in first:
        await world.do(order)
    theirs = Served(source(here, page_rows=3), world, work)
    await copied(theirs, target(there, page_rows=3), told=told, leg_seconds=0)
    assert await everything(there) == await everything(here)


@pytest.mark.parametrize(("one", "other"), WAYS)
async def test_what_was_forgotten_before_it_was_followed_is_found_by_comparing(
    address: Make, one: str, other: str
) -> None:
    told = Told()
    changes = [Do("put", 20, b"changed"), Do("delete", 21), Do("put", 90, LONG), Do("put", 41, b"short"), Do("prune")]
    await served(address(one), address(other), [*[()] * 30, changes], told)
    assert told.prunings == 1


@pytest.mark.parametrize("legs", range(4, 24, 2))
async def test_an_index_may_be_completed_while_one_of_a_higher_number_is_copied(address: Make, legs: int) -> None:
    first = [*(Do("put", number, b"w%d" % number) for number in range(6)), Do("build", 2)]
    work: list[Sequence[Do]] = [*[()] * legs, [Do("build", 0), Do("put", 3, b"other")]]
    await served(address("sqlite"), address("sqlite"), work, Told(), first)


async def test_an_index_may_be_dropped_while_it_is_copied(address: Make) -> None:
    first = [*(Do("put", number, b"w%d" % number) for number in range(30)), Do("build", 2)]
    for legs in (30, 33, 36, 39, 42):  # before, while and after its entries are copied
        work: list[Sequence[Do]] = [*[()] * legs, [Do("drop", 2)]]
        await served(address("sqlite"), address("sqlite"), work, Told(), first)


async def test_a_copy_that_is_near_says_so_once_it_is_and_ends_without_waiting(address: Make) -> None:
    here, there, told = address("sqlite"), address("sqlite"), Told()
    world = await filled(here)
    async with copier(Served(source(here), world, [], stops=False), target(there), told) as running:
        assert await running.run(wait=False) is None
    assert told.nears == 0
    await world.do(Do("put", 200, b"later"))

    async def stop() -> None:
        await world.store.close()

    async with copier(source(here), target(there), told, pause=stop) as running:
        assert await running.run(wait=True) is not None
        await running.complete()
    assert told.nears == 1
    assert await everything(there) == await everything(here)


# What is refused


@pytest.mark.parametrize("kind", KINDS)
async def test_a_target_with_data_is_left_as_it_is(address: Make, kind: str) -> None:
    here, there = address("sqlite"), address(kind)
    await stopped(here)
    await stopped(there)
    was = await everything(there)
    for again in (False, True):
        with pytest.raises(StoreError, match="has data, and a copy is made only where there are none: choose another"):
            await copied(source(here), target(there), again=again)
    assert await everything(there) == was


@pytest.mark.parametrize("kind", KINDS)
async def test_a_target_with_a_server_is_refused(address: Make, kind: str) -> None:
    here, there = address("sqlite"), address(kind)
    await stopped(here)
    world = await World(there).open()
    with pytest.raises(StoreLocked, match="stop"):
        await copied(source(here), target(there))
    await world.store.close()


@pytest.mark.parametrize("kind", KINDS)
async def test_an_unfinished_copy_is_nobodys_database(address: Make, kind: str) -> None:
    here, there = address(kind), address(kind)
    await stopped(here)
    with pytest.raises(Broken):
        await copied(source(here), Unreliable(target(there), 2, before=False))
    with pytest.raises(StoreError, match="is a copy that is not complete: give the same `reactor copy` again"):
        await World(there).store.open()
    with pytest.raises(StoreError, match="is itself a copy that is not complete"):
        await copied(source(there), target(address("sqlite")))
    await copied(source(here), target(there))
    assert await everything(there) == await everything(here)


@pytest.mark.parametrize("kind", KINDS)
async def test_an_unfinished_copy_of_something_else_is_forgotten_only_when_that_is_said(
    address: Make, kind: str
) -> None:
    here, other, there = address("sqlite"), address("sqlite"), address(kind)
    await stopped(here)
    await stopped(other)
    with pytest.raises(Broken):
        await copied(source(other), Unreliable(target(there), 4, before=False))
    with pytest.raises(StoreError, match=f"has an unfinished copy of {other}"):
        await copied(source(here), target(there))
    await copied(source(here), target(there), again=True)
    assert await everything(there) == await everything(here)


async def test_a_source_that_was_put_back_is_noticed(address: Make, tmp_path: Path) -> None:
    here, there = address("sqlite"), address("sqlite")
    world = await filled(here)
    await world.store.close()
    folder = folder_of(here)
    shutil.copy(folder / "reactor.db", tmp_path / "backup.db")
    world = World(here)
    await world.store.open()
    world.ts = 1_000
    await world.do(Do("put", 100, b"later"))
    await world.store.close()
    with pytest.raises(Broken):
        await copied(source(here), Unreliable(target(there), 3, before=False))
    shutil.copy(tmp_path / "backup.db", folder / "reactor.db")
    with pytest.raises(StoreError, match="stands at an earlier commit than its copy.*--again"):
        await copied(source(here), target(there))
    await copied(source(here), target(there), again=True)
    assert await everything(there) == await everything(here)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_source_without_data_is_refused(address: Make, kind: str) -> None:
    with pytest.raises(StoreError, match="name the (data folder|database) of the server to be copied"):
        await copied(source(address(kind)), target(address("sqlite")))


async def test_an_older_format_is_not_brought_up_to_date_by_a_copy(address: Make) -> None:
    here = address("sqlite")
    await stopped(here)
    connection = sqlite3.connect(folder_of(here) / "reactor.db")
    connection.execute("PRAGMA user_version = 1")
    connection.close()
    with pytest.raises(StoreVersion, match="start a server of this version on it once"):
        await copied(source(here), target(address("sqlite")))


# What makes sure


async def test_a_difference_is_found_and_named(address: Make) -> None:
    here, there = address("sqlite"), address("sqlite")
    await stopped(here)

    class Wrong(Unreliable):
        async def settle(self, catalog: Catalog, *, first_outcome: int) -> None:
            await super().settle(catalog, first_outcome=first_outcome)
            connection = sqlite3.connect(folder_of(there) / "reactor.db")
            connection.execute("UPDATE documents SET value = x'00' WHERE id = (SELECT max(id) FROM documents)")
            connection.execute("DELETE FROM index_entries WHERE index_id = ?", (BY_WORD.id,))
            connection.commit()
            connection.close()

    with pytest.raises(StoreError, match=r"not equal to its source: index words\.by_word, table words\. .*--again"):
        await copied(source(here), Wrong(target(there), 0, before=False))
    with pytest.raises(StoreError, match="not complete"):
        await World(there).store.open()


async def test_a_lock_that_was_lost_is_noticed_before_the_end(
    address: Make, postgres: Postgres, postgres_url: str
) -> None:
    there = address("sqlite")
    await stopped(postgres_url)
    async with copier(source(postgres_url), target(there), Told()) as running:
        await running.run(wait=True)
        postgres.sql(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_locks WHERE locktype = 'advisory' AND database = "
            f"(SELECT oid FROM pg_database WHERE datname = '{database_of(postgres_url)}')"
        )
        with pytest.raises(StoreError, match="the lock on .* was lost.*again"):
            await running.complete()
    await copied(source(postgres_url), target(there))
    assert await everything(there) == await everything(postgres_url)


async def test_a_server_that_lost_the_connection_of_its_lock_still_has_its_database(
    postgres: Postgres, postgres_url: str
) -> None:
    world = await filled(postgres_url)
    theirs = source(postgres_url)
    await theirs.open()
    postgres.sql(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_locks WHERE locktype = 'advisory' AND database = "
        f"(SELECT oid FROM pg_database WHERE datname = '{database_of(postgres_url)}')"
    )
    assert not await theirs.take()
    await world.do(Do("put", 150, b"later"))
    await world.store.close()
    async with asyncio.timeout(PATIENCE):
        while not await theirs.take():
            pass  # PostgreSQL has connections on its list for a moment after they were closed
    await theirs.close()


@pytest.mark.parametrize("kind", KINDS)
async def test_no_server_begins_on_the_source_of_a_copy_that_ends(address: Make, kind: str) -> None:
    here, there = address(kind), address("sqlite")
    await stopped(here)
    async with copier(source(here), target(there), Told()) as running:
        await running.run(wait=True)
        with pytest.raises(StoreLocked):
            await World(here).store.open()


async def test_a_source_is_only_read(address: Make) -> None:
    here = address("sqlite")
    await stopped(here)
    file = folder_of(here) / "reactor.db"
    was = file.read_bytes()
    await copied(source(here), target(address("sqlite")))
    assert file.read_bytes() == was


# Addresses


def test_addresses_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert place_at("sqlite:/srv/data", "--to").folder == Path("/srv/data")
    assert place_at(" sqlite:data ", "--to").folder == tmp_path / "data"
    found = place_at("postgresql://ann:secret@db.example:5433/chat?sslmode=require", "--to")
    assert found.folder is None
    assert str(found) == "postgresql://ann@db.example:5433/chat"
    assert "secret" not in repr(found)


@pytest.mark.parametrize(
    "text", ["", "sqlite:", "/srv/data", "mysql://ann:secret@host/chat", "postgresql://a b:secret@c"]
)
def test_what_is_no_address_is_not_repeated(text: str) -> None:
    with pytest.raises(SettingsError, match=r"--from is no address of a database\. Write it like sqlite:") as refused:
        place_at(text, "--from")
    assert "secret" not in str(refused.value)
