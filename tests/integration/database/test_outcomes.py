"""Exactly once: a client's mutation that is sent again is answered with what became of it."""

import asyncio
from collections.abc import Callable

import pytest

from reactor.errors import StoreFull
from reactor.store.seam import Outcome, Store
from tests.integration.database.counters import add, counter, turns, value
from tests.integration.database.world import Job, World

ADA, BOB = b"ada's session id", b"bob's session id"


def recorded(job: Job, request: int = 0, session: bytes = ADA, ts: int | None = None) -> Outcome:
    return Outcome(session, request, b'"done"', ["a line"], job.ts if ts is None else ts)


async def test_a_resend_is_answered_from_the_record(world: World) -> None:
    id = await counter(world)
    first = world.submit(add(id), session=ADA, request=0)
    assert await first.result == 0
    again = world.submit(add(id), session=ADA, request=0)
    assert await again.result == recorded(first)
    assert await value(world, id) == 1


async def test_numbers_and_sessions_are_told_apart(world: World) -> None:
    id = await counter(world)
    jobs = [world.submit(add(id), session=session, request=request) for request in (0, 1, 5) for session in (ADA, BOB)]
    assert [await job.result for job in jobs] == [0, 1, 2, 3, 4, 5]
    late = world.submit(add(id), session=ADA, request=3)
    assert await late.result == 6
    assert isinstance(await world.submit(add(id), session=BOB, request=5).result, Outcome)
    assert isinstance(await world.submit(add(id), session=ADA, request=3).result, Outcome)
    assert await value(world, id) == 7


async def test_a_resend_while_the_first_is_on_its_way_to_the_disk(world: World) -> None:
    id = await counter(world)
    world.gate.hold()
    first = world.submit(add(id), session=ADA, request=0)
    same_group = world.submit(add(id), session=ADA, request=0)
    await turns()
    next_group = world.submit(add(id), session=ADA, request=0)
    await turns()
    assert not any(job.result.done() for job in (first, same_group, next_group))
    world.gate.release()
    assert await first.result == 0
    assert await same_group.result == await next_group.result == recorded(first)
    assert await value(world, id) == 1


async def test_a_resend_behind_one_that_waits(world: World) -> None:
    id = await counter(world)
    go = asyncio.Event()
    first = world.submit(add(id, 1, go), session=ADA, request=0)
    again = world.submit(add(id), session=ADA, request=0)
    go.set()
    assert await first.result == 0
    assert await again.result == recorded(first)


async def test_a_resend_after_the_group_was_lost_runs(world: World) -> None:
    id = await counter(world)
    world.gate.failures.append(StoreFull("no room"))
    lost = world.submit(add(id), session=ADA, request=0)
    with pytest.raises(StoreFull):
        await lost.result
    again = world.submit(add(id), session=ADA, request=0)
    assert await again.result == 0
    assert await world.submit(add(id), session=ADA, request=0).result == recorded(again)
    assert await value(world, id) == 1


async def test_what_runs_again_after_a_lost_group_is_not_taken_for_done(world: World) -> None:
    id = await counter(world)
    go = asyncio.Event()
    world.gate.hold()
    world.gate.failures.append(StoreFull("no room"))
    lost = world.submit(add(id, 1000), session=ADA, request=0)
    await turns()
    resent = world.submit(add(id, 1), session=ADA, request=0)
    later = world.submit(add(id, 10), session=BOB, request=0)
    await turns()
    running = world.submit(add(id, 100, go), session=BOB, request=1)
    resent_running = world.submit(add(id, 100), session=BOB, request=1)
    world.gate.release()
    with pytest.raises(StoreFull):
        await lost.result
    go.set()
    assert [await job.result for job in (resent, later, running)] == [0, 1, 11]
    assert await resent_running.result == recorded(running, 1, BOB)
    assert await value(world, id) == 111
    for session, request in ((ADA, 0), (BOB, 0), (BOB, 1)):
        assert isinstance(await world.submit(add(id), session=session, request=request).result, Outcome)


async def test_a_resend_after_a_restart(reopened: Callable[[], Store]) -> None:
    world = await World(reopened()).open()
    id = await counter(world)
    first = world.submit(add(id), session=ADA, request=7)
    await first.result
    await world.close()
    world = await World(reopened()).open()
    assert await world.submit(add(id), session=ADA, request=7).result == recorded(first, 7)
    assert await world.submit(add(id), session=ADA, request=8).result == 1
    assert await world.submit(add(id), session=ADA, request=8).result == recorded(world.told[1], 8)
    assert await value(world, id) == 2
    await world.close()


async def test_a_mutation_that_failed_runs_again(world: World) -> None:
    id = await counter(world)
    failed = world.submit(lambda db: db.patch(id, {"_no": 1}), session=ADA, request=0)
    with pytest.raises(Exception, match="_no"):
        await failed.result
    assert await world.submit(add(id), session=ADA, request=0).result == 0


async def test_a_mutation_that_writes_nothing_is_recorded_too(world: World) -> None:
    id = await counter(world)
    first = world.submit(lambda db: db.get(id), session=ADA, request=0)
    assert (await first.result)["n"] == 0
    assert await world.submit(add(id), session=ADA, request=0).result == recorded(first)
    assert first.ts == world.db.committer.visible
    assert world.news[-1].touches == []


async def test_sessions_that_are_forgotten_are_looked_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reactor.database.outcomes._REMEMBERED_SESSIONS", 3)
    id = await counter(world)
    sessions = [b"session %08d" % number for number in range(10)]
    for session in sessions:
        await world.submit(add(id), session=session, request=0).result
    for session in sessions:
        assert isinstance(await world.submit(add(id), session=session, request=0).result, Outcome)
    assert await value(world, id) == 10
