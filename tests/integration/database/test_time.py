"""Timestamps and creation times never go back: not with the clock, not over a restart."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import pytest

from reactor.database.writer import DatabaseWriter
from reactor.store.seam import Store
from tests.integration.database.world import World

NOW = 1_700_000_000_000_000_000


class Clock:
    """Nanoseconds since 1970, as the test says."""

    def __init__(self, now: int = NOW) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


async def insert(world: World, count: int = 1) -> int:
    async def function(db: DatabaseWriter) -> None:
        for _ in range(count):
            await db.insert("users", {})

    job = world.submit(function)
    await job.result
    return job.ts


async def births(world: World) -> list[float]:
    return [user["_creationTime"] for user in await world.all("users")]


def rises(values: Sequence[float]) -> bool:
    return all(before < after for before, after in pairwise(values))


async def test_timestamps_are_of_the_clock(reopened: Callable[[], Store]) -> None:
    clock = Clock()
    world = await World(reopened(), clock=clock).open()
    clock.now += 5_000_000_000
    ts = await insert(world)
    assert clock.now <= ts < clock.now + 1_000
    assert abs((await births(world))[0] - clock.now / 1e6) < 0.001
    await world.close()


@pytest.mark.parametrize("step", [0, -1, 1, -3_600_000_000_000, 100])
async def test_they_rise_whatever_the_clock_does(reopened: Callable[[], Store], step: int) -> None:
    clock = Clock()
    stamps: list[int] = []
    for _ in range(3):
        world = await World(reopened(), clock=clock).open()
        assert stamps[-1:] in ([], [world.db.committer.visible])
        for count in (1, 50, 1):
            clock.now += step
            stamps.append(await insert(world, count))
        clock.now += step
        assert rises(await births(world))
        await world.close()
    assert rises(stamps)


async def test_a_clock_that_goes_to_and_fro(reopened: Callable[[], Store]) -> None:
    def ticks() -> Iterator[int]:
        now = NOW
        while True:
            for step in (7, -1_000_000_000, 999_999_000, 1_000, -50):
                now += step
                yield now

    clock = ticks()
    world = await World(reopened(), clock=lambda: next(clock)).open()
    stamps = [await insert(world, 1 + number % 3) for number in range(30)]
    assert rises(stamps)
    assert rises(await births(world))
    await world.close()


async def test_a_failed_or_nested_insert_uses_its_creation_time_up(world: World) -> None:
    async def function(db: DatabaseWriter) -> list[float]:
        tx = db._tx  # pyright: ignore[reportPrivateUsage]
        await db.insert("users", {})
        tx.push()
        lost = await db.get(await db.insert("users", {}))
        tx.pop(keep=False)
        await db.insert("users", {})
        assert lost is not None
        return [lost["_creationTime"]]

    (lost,) = await world.mutate(function)
    first, last = await births(world)
    assert first < lost < last


async def test_creation_time_stays(world: World) -> None:
    await insert(world)
    (user,) = await world.all("users")
    await world.mutate(lambda db: db.replace(user["_id"], {"n": 1}))
    await world.mutate(lambda db: db.patch(user["_id"], {"n": 2}))
    assert await births(world) == [user["_creationTime"]]


@pytest.mark.parametrize("ms", [1_795_636_815_382, 1_700_000_000_001, 4_000_000_000_003])
async def test_a_whole_millisecond_is_one(reopened: Callable[[], Store], ms: int):
    world = await World(reopened(), clock=lambda: ms * 1_000_000).open()
    assert world.db.now() == ms
    await insert(world)
    assert await births(world) == [ms]
    await world.close()
