"""Staged indexes: built in the background, kept up by writes, read when the flag is gone."""

import asyncio
from collections.abc import Callable

import pytest

from reactor.database import adopter, document_pass
from reactor.errors import DeveloperError, StoreFull
from reactor.schema import SchemaMismatch, define_table
from reactor.store.seam import Store
from reactor.values import v
from tests.integration.database.traffic import Traffic, by, numbered, numbers, words

STAGED = by("n", staged=True)
ENABLED = by("n")


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document_pass, "_PAGE", 4)


class Halt:
    """Stops the filling of indexes before a page, until it is told to go on."""

    def __init__(self, world: Traffic, page: int) -> None:
        self._world, self._page = world, page
        self.reached, self._go = asyncio.Event(), asyncio.Event()
        world.before_fill = self._before

    async def _before(self) -> None:
        if len(self._world.filled) == self._page:
            self.reached.set()
            await self._go.wait()

    def go_on(self) -> None:
        self._go.set()


async def staged_refused(world: Traffic) -> None:
    with pytest.raises(DeveloperError, match=r"Index words\.by is currently staged and not available") as caught:
        await world.read(lambda db: db.query("words").with_index("by").collect())
    assert caught.value.code == "IndexStagedError"


async def ordered(world: Traffic) -> list[float]:
    return numbers(await world.read(lambda db: db.query("words").with_index("by").collect()))


async def built(world: Traffic) -> None:
    """Wait until no index is being built any more."""
    await world.until(lambda: not world.info().filling)


async def test_a_push_does_not_wait_for_it_and_it_is_enabled_at_once(reopened: Callable[[], Store]) -> None:
    world = await Traffic(reopened()).open()
    ids = await world.add(*numbered(10))
    halt = Halt(world, 2)
    await world.push(STAGED)
    assert world.steps == []
    await halt.reached.wait()
    await staged_refused(world)
    await world.mutate(lambda db: db.patch(ids[0], {"n": 50}))
    await world.mutate(lambda db: db.delete(ids[9]))
    await world.add({"n": -1})
    halt.go_on()
    await built(world)
    await staged_refused(world)
    await world.mutate(lambda db: db.patch(ids[1], {"n": 60}))
    pages = len(world.filled)
    await world.push(ENABLED)
    assert (world.steps, len(world.filled)) == ([], pages)
    assert await ordered(world) == [-1, 2, 3, 4, 5, 6, 7, 8, 50, 60]
    assert await world.entries(world.info().indexes["by"].id) == await world.expected("n")
    await world.close()


async def test_a_push_without_the_flag_waits_for_the_rest(reopened: Callable[[], Store]) -> None:
    world = await Traffic(reopened()).open()
    await world.add(*numbered(20))
    halt = Halt(world, 3)
    await world.push(STAGED)
    await halt.reached.wait()
    pushing = asyncio.ensure_future(world.push(ENABLED))
    await asyncio.sleep(0)
    assert not pushing.done()
    halt.go_on()
    await pushing
    assert [step.documents for step in world.steps] == [16, 20, 20], "what was filled is not filled again"
    assert len(set(world.filled)) == 1
    assert await ordered(world) == list(range(20))
    await world.close()


async def test_other_pushes_let_it_go_on(reopened: Callable[[], Store]) -> None:
    world = await Traffic(reopened()).open()
    await world.add(*numbered(20))
    halt = Halt(world, 3)
    await world.push(STAGED)
    await halt.reached.wait()
    halt.go_on()
    more = words(define_table(v.any()).index("by", ["n"], staged=True).index("by_text", ["text"]))
    await world.push(more)
    with pytest.raises(SchemaMismatch):
        await world.push(words(define_table({"n": v.string()}).index("by", ["n"], staged=True)))
    await staged_refused(world)
    await built(world)
    await world.push(ENABLED)
    assert await ordered(world) == list(range(20))
    assert await world.entries(world.info().indexes["by"].id) == await world.expected("n")
    await world.close()


async def test_one_that_is_dropped_while_it_is_built_is_gone(reopened: Callable[[], Store]) -> None:
    world = await Traffic(reopened()).open()
    await world.add(*numbered(20))
    halt = Halt(world, 3)
    await world.push(STAGED)
    await halt.reached.wait()
    halt.go_on()
    await world.push(words())
    (number,) = set(world.filled)
    assert (world.info().filling, world.indexes) == (frozenset(), {})
    await world.gate.prune(log_before=0, outcomes_before=0, limit=1000)
    await world.add({"n": 20})
    assert await world.entries(number) == []
    await world.push(ENABLED)
    assert await ordered(world) == list(range(21))
    await world.close()


async def test_a_restart_in_the_middle_begins_anew(reopened: Callable[[], Store]) -> None:
    world = await Traffic(reopened()).open()
    await world.add(*numbered(20))
    halt = Halt(world, 3)
    await world.push(STAGED)
    await halt.reached.wait()
    halt.go_on()
    await world.close()

    world = await Traffic(reopened()).open(STAGED)
    await staged_refused(world)
    await world.add({"n": -1})
    await built(world)
    await world.close()
    world = await Traffic(reopened()).open(STAGED)
    assert not world.info().filling
    await world.add({"n": 20})
    await world.close()
    world = await Traffic(reopened()).open(ENABLED)
    assert world.filled == []
    assert await ordered(world) == list(range(-1, 21))
    await world.close()


async def test_one_that_becomes_unique_is_looked_through(reopened: Callable[[], Store]) -> None:
    world = await Traffic(reopened()).open()
    await world.add(*numbered(6), {"n": 3})
    halt = Halt(world, 2)
    await world.push(STAGED)
    await halt.reached.wait()
    halt.go_on()
    unique = words(define_table(v.any()).unique("by", ["n"]))
    with pytest.raises(SchemaMismatch, match="same values in `n`"):
        await world.push(unique)
    await staged_refused(world)
    await world.mutate(lambda db: db.insert("words", {"n": 7}))
    twin = next(each["_id"] for each in await world.all("words") if each["n"] == 3)
    await world.mutate(lambda db: db.delete(twin))
    await world.push(unique)
    assert await ordered(world) == [0, 1, 2, 3, 4, 5, 7]
    await world.close()


async def test_what_the_store_refuses_is_tried_again(
    reopened: Callable[[], Store], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(adopter, "_RETRY_SECONDS", 0.001)
    world = await Traffic(reopened()).open()
    await world.add(*numbered(10))
    failures = [StoreFull("no room")] * 2

    async def fail() -> None:
        if failures and len(world.filled) > 1:
            raise failures.pop()

    world.before_fill = fail
    await world.push(STAGED)
    await built(world)
    assert caplog.text.count("staged indexes could not be built further; it is tried again: no room") == 2
    await world.push(ENABLED)
    assert await ordered(world) == list(range(10))
    await world.close()


async def test_closing_does_not_wait_for_the_next_try(
    reopened: Callable[[], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adopter, "_RETRY_SECONDS", 1e6)
    world = await Traffic(reopened()).open()
    await world.add(*numbered(10))
    failed = asyncio.Event()

    async def fail() -> None:
        failed.set()
        raise StoreFull("no room")

    world.before_fill = fail
    await world.push(STAGED)
    await failed.wait()
    await world.close()
