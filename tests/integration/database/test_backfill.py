"""Indexes that are built while documents change."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from reactor.database import document_pass
from reactor.database.adoption import Step
from reactor.database.system_tables import SYSTEM_TABLES
from reactor.database.writer import DatabaseWriter
from reactor.errors import DeveloperError, StoreFull
from reactor.schema import define_schema, define_table
from reactor.store.memory import MemoryStore
from reactor.store.seam import Snapshot, Store
from reactor.store.sqlite import SqliteStore
from reactor.values import v
from tests.integration.database.traffic import Traffic, by, indexed, numbered, numbers, words
from tests.integration.database.world import Job


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document_pass, "_PAGE", 4)
    monkeypatch.setattr(document_pass, "_PORTION", 3)


# Against an index built from scratch


@pytest.fixture(params=["sqlite", "memory"])
def runner(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[asyncio.Runner, Traffic]]:
    with asyncio.Runner() as runner:
        world = Traffic(SqliteStore(tmp_path) if request.param == "sqlite" else MemoryStore())
        runner.run(world.open())
        yield runner, world
        runner.run(world.close())


places = st.sampled_from(["before a page is filled", "after it", "beside"])
writes = st.tuples(st.sampled_from(["insert", "patch", "other", "delete"]), st.integers(0, 20), st.integers(0, 3))
traffic = st.lists(st.tuples(places, st.lists(writes, min_size=1, max_size=3)), max_size=12)


class Writes:
    """Mutations as they were drawn, taken one group after the other."""

    def __init__(self, world: Traffic, groups: list[tuple[str, list[tuple[str, int, int]]]], ids: list[str]) -> None:
        self._world, self._groups, self._ids = world, groups, ids
        self.jobs: list[Job] = []
        world.before_fill = lambda: self._at("before a page is filled", wait=True)
        world.after_fill = lambda: self._at("after it", wait=True)
        world.at_step = lambda step: self._beside()

    async def _at(self, place: str, *, wait: bool) -> None:
        while self._groups and self._groups[-1][0] == place:
            _, group = self._groups.pop()
            jobs = [self._submit(write) for write in group]
            for job in jobs:
                await job.result

    def _beside(self) -> None:
        while self._groups and self._groups[-1][0] == "beside":
            _, group = self._groups.pop()
            self.jobs += [self._submit(write) for write in group]

    def _submit(self, write: tuple[str, int, int]) -> Job:
        kind, which, value = write

        async def run(db: DatabaseWriter) -> None:
            if kind == "insert":
                self._ids.append(await db.insert("words", {"n": value}))
                return
            id = self._ids[which % len(self._ids)]
            if await db.get(id) is None:
                return
            if kind == "delete":
                await db.delete(id)
            else:
                await db.patch(id, {"n": value} if kind == "patch" else {"other": value})

        return self._world.submit(run)

    async def rest(self) -> None:
        for job in self.jobs:
            await job.result


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(first=st.lists(st.integers(0, 3), min_size=1, max_size=14), groups=traffic)
def test_a_backfill_under_writes_equals_an_index_from_scratch(
    runner: tuple[asyncio.Runner, Traffic], first: list[int], groups: list[Any]
) -> None:
    loop, world = runner

    async def run() -> None:
        ids = await world.add(*({"n": n} for n in first))
        drawn = len(groups)
        writing = Writes(world, groups, ids)
        await world.push(by("n"))
        event(f"groups used: {drawn - len(groups) > 0}")
        await writing.rest()
        number = world.info().indexes["by"].id
        assert await world.entries(number) == await world.expected("n")
        groups.clear()
        await world.push(words())
        await world.mutate(clear)
        assert await world.entries(world.info().by_id.id) == []

    loop.run(run())


async def clear(db: DatabaseWriter) -> None:
    for word in await db.query("words").collect():
        await db.delete(word["_id"])


# Single cases of the same


async def test_a_write_that_leaves_the_key_as_it_was(reopened: Callable[[], Store]) -> None:
    """Its commit would not bring an entry that is there already, and filling leaves the document out."""
    world = await Traffic(reopened()).open()
    first, _ = await world.add({"n": 1}, {"n": 2})

    async def patch() -> None:
        await world.mutate(lambda db: db.patch(first, {"other": 1}))

    world.before_fill = patch
    await world.push(by("n"))
    assert await world.entries(world.info().indexes["by"].id) == await world.expected("n")
    assert len(await world.expected("n")) == 2
    await world.close()


async def test_a_document_that_goes_meanwhile_leaves_no_entry(reopened: Callable[[], Store]) -> None:
    world = await Traffic(reopened()).open()
    first, second = await world.add({"n": 1}, {"n": 2})

    async def change() -> None:
        await world.mutate(lambda db: db.delete(first))
        await world.mutate(lambda db: db.patch(second, {"n": 7}))

    world.before_fill = change
    await world.push(by("n"))
    assert numbers(await world.read(lambda db: db.query("words").with_index("by").collect())) == [7]
    assert len(await world.entries(world.info().indexes["by"].id)) == 1
    await world.close()


async def test_mutations_commit_between_pages(reopened: Callable[[], Store]) -> None:
    world = await Traffic(reopened()).open()
    await world.add(*numbered(20))
    pages: list[bool] = []

    async def write() -> None:
        world.before_fill = write
        (id,) = await world.add({"n": 100})
        pages.append(await world.read(lambda db: db.get(id)) is not None)

    world.before_fill = write
    await world.push(by("n"))
    assert len(pages) >= 5 and all(pages)
    assert await world.entries(world.info().indexes["by"].id) == await world.expected("n")
    await world.close()


@pytest.mark.stores("sqlite", because="looks into what the SQLite store has open")
async def test_no_snapshot_is_held_from_page_to_page(tmp_path: Path) -> None:
    world = await Traffic(SqliteStore(tmp_path)).open()
    await world.add(*numbered(10))
    held: list[bool] = []
    world.at_step = lambda step: held.append(world.gate._snapshots.held)
    await world.push(by("n"))
    assert held == [False] * 3
    await world.close()


@pytest.mark.timeout(120)
async def test_fifty_thousand_documents_under_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document_pass, "_PAGE", 512)
    monkeypatch.setattr(document_pass, "_PORTION", 64)
    world = await Traffic(SqliteStore(tmp_path)).open()

    async def insert_many(db: DatabaseWriter) -> None:
        for number in range(10_000):
            await db.insert("words", {"n": number % 977})

    for _ in range(5):
        await world.mutate(insert_many)
    running, answered = True, list[int]()

    async def write() -> None:
        while running:
            answered.append(len(world.steps))
            (id,) = await world.add({"n": -1})
            await world.mutate(lambda db: db.patch(id, {"n": len(answered)}))

    writing = asyncio.ensure_future(write())
    await world.push(by("n"))
    running = False
    await writing
    assert len(world.steps) >= 50_000 // 512
    assert len(set(answered)) > 20, "mutations were answered between pages, all the way"
    assert await world.entries(world.info().indexes["by"].id) == await world.expected("n")
    await world.close()


# What can be read


async def test_an_index_that_is_being_built_cannot_be_read(reopened: Callable[[], Store]) -> None:
    world = await Traffic(reopened()).open(by("other"))
    await world.add({"n": 1})
    told: list[str | None] = []

    async def look() -> None:
        for index in ("by", "more"):
            try:
                await world.read(lambda db, index=index: db.query("words").with_index(index).collect())
                told.append("read")
            except DeveloperError as error:
                assert "Index words.more is currently being built and not available to query" in str(error)
                told.append(error.code)

    world.before_fill = look
    await world.push(indexed(by=["n"], more=["m"]))
    assert told == ["read", "IndexBackfillingError"] * 2
    await world.read(lambda db: db.query("words").with_index("more").collect())
    await world.close()


async def test_a_snapshot_from_before_is_read_without_the_new_index(reopened: Callable[[], Store]) -> None:
    world = await Traffic(reopened()).open(by("other"))
    await world.add({"n": 1})
    before = world.db.store.acquire()
    await world.push(indexed(new=["n"]))
    after = world.db.store.acquire()
    assert (readable(world, before), readable(world, after)) == ({"by"}, {"new"})
    before.release()
    after.release()
    await world.close()


def readable(world: Traffic, snapshot: Snapshot) -> set[str]:
    """The declared indexes with which a snapshot is read."""
    info = world.db.read(snapshot).table("words")
    assert info is not None
    return set(info.indexes) - {"by_id", "by_creation_time"}


# Failure


async def test_what_a_failed_backfill_left_is_removed(reopened: Callable[[], Store]) -> None:
    world = await Traffic(reopened()).open(by("other"))
    await world.add(*numbered(10))
    known, catalog = dict(world.db.numbering.indexes), world.db.catalog.schema
    fills = 0

    async def fail_at_the_second() -> None:
        nonlocal fills
        fills += 1
        if fills == 2:
            raise StoreFull("no room")

    world.before_fill = fail_at_the_second
    with pytest.raises(StoreFull):
        await world.push(by("n"))
    assert (world.db.numbering.indexes, world.db.catalog.schema) == (known, catalog)
    assert world.info().filling == frozenset()
    built, _ = world.filled
    await world.gate.prune(log_before=0, outcomes_before=0, limit=1000)
    await world.add({"n": 11})
    assert await world.entries(built) == []
    await world.push(by("n"))
    assert await world.entries(world.info().indexes["by"].id) == await world.expected("n")
    await world.close()


async def test_a_backfill_that_is_cancelled_changes_nothing(reopened: Callable[[], Store]) -> None:
    world = await Traffic(reopened()).open()
    await world.add(*numbered(10))
    pushing = asyncio.ensure_future(world.push(by("n")))
    await world.until(lambda: len(world.steps) == 2)
    pushing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pushing
    assert world.info().filling == frozenset()
    await world.add({"n": 1})
    world.steps.clear()
    await world.push(by("n"))
    assert world.steps[-1].documents == 11
    await world.close()


async def test_a_cancellation_at_the_end_comes_too_late(reopened: Callable[[], Store]) -> None:
    world = await Traffic(reopened()).open()
    await world.add({"n": 1})
    held: list[int] = []

    def hold(_: Step) -> None:
        """All is made, and what is committed next is the record of it."""
        world.gate.hold()
        held.append(len(world.gate.batches))

    world.at_step = hold
    pushing = asyncio.ensure_future(world.push(by("n")))
    await world.until(lambda: bool(held) and len(world.gate.batches) > held[0])
    pushing.cancel()
    await asyncio.sleep(0)
    world.gate.release()
    with pytest.raises(asyncio.CancelledError):
        await pushing
    assert "by" in world.info().indexes
    await world.add({"n": 0})
    assert numbers(await world.read(lambda db: db.query("words").with_index("by").collect())) == [0, 1]
    await world.close()


@pytest.mark.stores("sqlite", because="several processes look at what they announced before they record it")
async def test_what_is_recorded_serves_though_it_cannot_be_read_yet(
    reopened: Callable[[], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await Traffic(reopened()).open(by("other"))
    await world.add({"n": 1})

    def advance(ts: int) -> None:
        raise StoreFull("no file descriptors")

    with monkeypatch.context() as unreadable:
        unreadable.setattr(world.gate, "advance", advance, raising=False)
        await world.push(indexed(new=["n"]))
        before = world.db.store.acquire()
        assert readable(world, before) == {"by"}
        before.release()
    await world.add({"n": 0})
    assert numbers(await world.read(lambda db: db.query("words").with_index("new").collect())) == [0, 1]
    await world.close()


async def test_a_newer_schema_overtakes_one_that_is_being_built(reopened: Callable[[], Store]) -> None:
    world = await Traffic(reopened()).open()
    await world.add(*numbered(20))
    first = asyncio.ensure_future(world.push(by("n")))
    await world.until(lambda: len(world.steps) == 2)
    second = asyncio.ensure_future(world.push(by("n", "other")))
    with pytest.raises(DeveloperError, match="A newer version of the schema came") as caught:
        await first
    assert caught.value.code == "RaceDetected"
    await second
    assert world.info().indexes["by"].fields[:2] == ("n", "other")
    assert await world.entries(world.info().indexes["by"].id) == await world.expected("n", "other")
    await world.close()


async def test_closing_gives_up_what_is_being_built(reopened: Callable[[], Store]) -> None:
    world = await Traffic(reopened()).open()
    await world.add(*numbered(20))
    pushing = asyncio.ensure_future(world.push(by("n")))
    await world.until(lambda: len(world.steps) == 1)
    await world.close()
    with pytest.raises(DeveloperError, match="newer version"):
        await pushing
    world = await Traffic(reopened()).open()
    assert len(await world.all("words")) == 20
    await world.close()


# Tables that come meanwhile


async def test_a_table_that_is_made_while_a_schema_that_declares_it_is_on_its_way(
    reopened: Callable[[], Store],
) -> None:
    world = await Traffic(reopened()).open()
    await world.add({"n": 1})

    async def insert() -> None:
        await world.mutate(lambda db: db.insert("others", {"m": 2}))

    world.before_fill = insert
    both = {name: define_table(v.any()).index("by", ["n" if name == "words" else "m"]) for name in ("words", "others")}
    await world.push(define_schema(both))
    await world.mutate(lambda db: db.insert("others", {"m": 1}))
    found = await world.read(lambda db: db.query("others").with_index("by").collect())
    assert [each["m"] for each in found] == [1, 2]
    await world.close()
    world = await Traffic(reopened()).open(define_schema({}))
    assert set(world.db.numbering.tables) - set(SYSTEM_TABLES) == {"words", "others"}
    assert len(await world.all("others")) == 2
    await world.close()
