"""Groups that do not become durable: their jobs fail, what stood on them runs again, and nobody saw what was lost."""

import asyncio

import pytest

from reactor.database.writer import DatabaseWriter
from reactor.errors import StoreError, StoreFull
from tests.integration.database.counters import add, counter, turns, value
from tests.integration.database.world import World

FULL = StoreFull("the disk is full; make room")


async def test_a_group_that_fails_takes_its_jobs_along(world: World) -> None:
    id = await counter(world)
    world.news.clear()
    visible = world.db.committer.visible
    world.gate.failures.append(FULL)
    jobs = [world.submit(add(id)) for _ in range(3)]
    reading = world.submit(lambda db: db.get(id))
    for job in (*jobs, reading):
        with pytest.raises(StoreFull):
            await job.result
    assert ([job.runs for job in jobs], world.told[1:]) == ([1, 1, 1], [*jobs, reading])
    assert (world.news, world.db.committer.visible, world.db.committer.fault) == ([], visible, FULL)
    assert await value(world, id) == 0
    assert await world.mutate(add(id)) == 0
    assert world.db.committer.fault is None
    assert await value(world, id) == 1


async def test_what_stood_on_a_lost_group_runs_again_in_its_order(world: World) -> None:
    id = await counter(world)
    go = asyncio.Event()
    world.gate.hold()
    world.gate.failures.append(FULL)
    lost = world.submit(add(id, 1000))
    await turns()
    later = [world.submit(add(id, 1)), world.submit(add(id, 10))]
    reading = world.submit(lambda db: db.get(id))
    await turns()
    running = world.submit(add(id, 100, go))
    queued = world.submit(add(id, 1))
    await turns()
    assert [job.runs for job in (lost, *later, reading, running, queued)] == [1, 1, 1, 1, 1, 0]
    world.gate.release()
    with pytest.raises(StoreFull):
        await lost.result
    assert not any(job.result.done() for job in (*later, reading, running, queued))
    go.set()
    assert [await job.result for job in later] == [0, 1]
    assert (await reading.result)["n"] == 11
    assert [await running.result, await queued.result] == [11, 111]
    assert [job.runs for job in (*later, reading, running, queued)] == [2, 2, 2, 2, 1]
    assert world.told[1:] == [lost, *later, reading, running, queued]
    assert await value(world, id) == 112
    commits = [job.ts for job in (*later, running, queued)]
    assert commits == sorted(set(commits))


async def test_groups_may_be_lost_one_after_another(world: World) -> None:
    id = await counter(world)
    world.gate.hold()
    world.gate.failures += [FULL, FULL]
    first = world.submit(add(id))
    await turns()
    second = world.submit(add(id))
    await turns()
    world.gate.release()
    with pytest.raises(StoreFull):
        await first.result
    await turns()
    third = world.submit(add(id))
    with pytest.raises(StoreFull):
        await second.result
    assert await third.result == 0
    assert await value(world, id) == 1


async def test_nothing_of_a_lost_group_is_remembered(world: World) -> None:
    """Neither documents in memory, nor index entries, nor tables."""
    kept = await world.mutate(lambda db: db.insert("users", {"name": "kept"}))
    world.gate.failures.append(FULL)

    async def write(db: DatabaseWriter) -> None:
        await db.patch(kept, {"name": "lost"})
        await db.insert("users", {"name": "lost"})
        await db.insert("ghosts", {"name": "lost"})

    with pytest.raises(StoreFull):
        await world.mutate(write)
    assert [user["name"] for user in await world.all("users")] == ["kept"]
    by_name = await world.read(lambda db: db.query("users").with_index("by_name").collect())
    assert [user["name"] for user in by_name] == ["kept"]
    assert await world.all("ghosts") == []
    assert world.db.catalog.table("ghosts") is None
    again = await world.mutate(lambda db: db.insert("ghosts", {"name": "there"}))
    assert [ghost["_id"] for ghost in await world.all("ghosts")] == [again]


async def test_a_table_that_was_lost_is_made_by_who_runs_again(world: World) -> None:
    world.gate.hold()
    world.gate.failures.append(FULL)
    lost = world.submit(lambda db: db.insert("ghosts", {"n": 1}))
    await turns()
    later = world.submit(lambda db: db.insert("ghosts", {"n": 2}))
    await turns()
    world.gate.release()
    with pytest.raises(StoreFull):
        await lost.result
    id = await later.result
    assert [ghost["_id"] for ghost in await world.all("ghosts")] == [id]


async def test_pause_waits_for_what_runs_again(world: World) -> None:
    id = await counter(world)
    go = asyncio.Event()
    world.gate.hold()
    world.gate.failures.append(StoreError("lost"))
    lost = world.submit(add(id))
    await turns()
    running = world.submit(add(id, 1, go))
    pause = asyncio.ensure_future(world.db.committer.pause())
    world.gate.release()
    with pytest.raises(StoreError):
        await lost.result
    await turns()
    assert not pause.done()
    go.set()
    await pause
    assert (world.db.committer.waiting, running.runs) == (1, 1)
    world.db.committer.proceed()
    assert await running.result == 0
    assert await value(world, id) == 1


async def test_a_cancelled_commit_counts_as_lost(world: World) -> None:
    id = await counter(world)
    world.gate.hold()
    job = world.submit(add(id))
    await turns()
    # What is driven by hand and waits; a store may have tasks of its own beside it.
    (writing,) = [task for task in asyncio.all_tasks() if getattr(task.get_coro(), "__name__", "") == "_go_on"]
    writing.cancel()
    with pytest.raises(RuntimeError, match="CancelledError"):
        await job.result
    world.gate.release()
    assert await world.mutate(add(id)) == 0
