"""The committer: one order, many commits in a group, answers after durability, and nothing that stops it."""

import asyncio
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest

from reactor.database.committed import Committed
from reactor.database.overlay import Overlay
from reactor.database.writer import DatabaseWriter
from reactor.errors import DeveloperError, FunctionInterrupted, StoreError
from reactor.store.seam import Store
from tests.integration.database.counters import add, counter, turns, value
from tests.integration.database.world import Job, World


@pytest.fixture
async def complaints() -> list[BaseException]:
    """What was given to the loop's exception handler."""
    found: list[BaseException] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: found.append(context["exception"]))
    return found


# Order and groups


async def test_mutations_run_in_the_order_they_came(world: World) -> None:
    id = await counter(world)
    jobs = [world.submit(add(id)) for _ in range(100)]
    assert [await job.result for job in jobs] == list(range(100))
    assert world.told[1:] == jobs
    assert [job.ts for job in jobs] == sorted({job.ts for job in jobs})
    assert await value(world, id) == 100


async def test_what_arrives_in_one_turn_shares_a_group(world: World) -> None:
    id = await counter(world)
    batches = len(world.gate.batches)
    jobs = [world.submit(add(id)) for _ in range(50)]
    await asyncio.gather(*(job.result for job in jobs))
    assert world.gate.batches[batches:] == [50]
    assert (world.db.committer.commits, world.db.committer.groups) == (51, 2)


async def test_a_group_forms_while_another_is_being_made_durable(world: World) -> None:
    id = await counter(world)
    world.gate.hold()
    jobs = [world.submit(add(id))]
    await turns()
    for _ in range(10):
        jobs.append(world.submit(add(id)))
        await turns(2)
    assert [job.runs for job in jobs] == [1] * 11
    assert world.told == world.told[:1]
    assert await value(world, id) == 0
    batches = len(world.gate.batches)
    world.gate.release()
    assert [await job.result for job in jobs] == list(range(11))
    assert world.gate.batches[batches - 1 :] == [1, 10]
    assert await value(world, id) == 11


async def test_nobody_is_told_before_the_disk_has_it(world: World) -> None:
    id = await counter(world)
    order: list[str] = []
    world.db.on_visible = lambda news: order.append(f"visible {len(news)}")
    world.db.after_group = lambda: order.append("after")
    world.gate.hold()
    jobs = [world.submit(add(id)), world.submit(lambda db: db.get(id))]
    for job in jobs:
        job.result.add_done_callback(lambda _: order.append("never first"))
    visible = world.db.committer.visible
    await turns()
    assert (order, world.told[1:], world.db.committer.visible) == ([], [], visible)
    world.gate.release()
    await asyncio.gather(*(job.result for job in jobs))
    assert order == ["visible 1", "after", "never first", "never first"]
    assert jobs[0].ts == jobs[1].ts == world.db.committer.visible > visible


async def test_what_is_on_the_way_can_be_read_ahead(world: World) -> None:
    id = await counter(world)
    seen: list[tuple[int, int]] = []

    def look(news: list[Committed], overlay: Overlay) -> None:
        value = overlay.documents[id].value()
        seen.append((len(news), value["n"]))

    world.db.on_the_way = look
    world.gate.hold()
    jobs = [world.submit(add(id)), world.submit(add(id))]
    await turns()
    late = world.gate.on_the_way
    late()
    assert seen == [(2, 2)]
    world.gate.release()
    await asyncio.gather(*(job.result for job in jobs))
    seen.clear()
    late()  # from the writer's thread, it may come when all is over
    assert seen == []
    assert await value(world, id) == 2


async def test_news_tell_what_was_written(world: World) -> None:
    id = await counter(world)
    world.news.clear()
    jobs = [world.submit(add(id)), world.submit(add(id))]
    await asyncio.gather(*(job.result for job in jobs))
    users = world.db.catalog.table("users")
    assert users is not None
    assert [(commit.ts, commit.source) for commit in world.news] == [(job.ts, "tests:job") for job in jobs]
    assert [{index for index, *_ in commit.touches} for commit in world.news] == [
        {users.by_id.id, *users.ordered_ids}
    ] * 2


async def test_what_wrote_nothing_waits_for_what_it_saw(world: World) -> None:
    id = await counter(world)
    world.gate.hold()
    writing = world.submit(add(id))
    await turns()
    reading = world.submit(lambda db: db.get(id))
    failing = world.submit(lambda db: db.patch(id, {"_no": 1}))
    await turns()
    assert world.told == world.told[:1]
    world.gate.release()
    assert (await reading.result)["n"] == 1
    with pytest.raises(DeveloperError):
        await failing.result
    assert reading.ts == failing.ts == writing.ts
    assert world.told[1:] == [writing, reading, failing]
    assert world.gate.batches[-1:] == [1]


async def test_answers_never_come_before_submit_returns(world: World) -> None:
    async def fail(db: DatabaseWriter) -> None:
        raise SystemExit

    async def nothing(db: DatabaseWriter) -> None:
        return None

    for function in (fail, nothing):
        job = world.submit(function)
        assert world.told == []
        with pytest.raises(RuntimeError) if function is fail else nullcontext():
            await job.result
        world.told.clear()


async def test_callers_may_submit_when_they_are_told(world: World) -> None:
    id = await counter(world)
    jobs: list[Job] = []
    last: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def again(job: Job) -> None:
        if len(jobs) == 20:
            last.set_result(None)
        else:
            jobs.append(world.submit(add(id)))

    world.db.on_visible = lambda _: None
    world.told = _Told(again)  # pyright: ignore[reportAttributeAccessIssue]
    jobs.append(world.submit(add(id)))
    await last
    assert [await job.result for job in jobs] == list(range(20))


class _Told:
    def __init__(self, append: Callable[[Job], None]) -> None:
        self.append = append


async def test_a_mutation_that_submits_another_is_before_it(world: World) -> None:
    id = await counter(world)
    inner: list[Job] = []

    async def outer(db: DatabaseWriter) -> int:
        inner.append(world.submit(add(id)))
        assert inner[0].runs == 0
        return await add(id)(db)

    assert await world.mutate(outer) == 0
    assert await inner[0].result == 1


async def test_the_loop_gets_a_turn_while_many_wait(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reactor.database.committer._SLICE_SECONDS", -1.0)
    id = await counter(world)
    await world.db.committer.pause()
    jobs = [world.submit(add(id)) for _ in range(10)]
    assert world.db.committer.waiting == 10
    world.db.committer.proceed()
    seen: list[int] = []
    while world.db.committer.waiting:
        seen.append(world.db.committer.waiting)
        await asyncio.sleep(0)
    # Where others may write, the pause that keeps them out ends a few turns later.
    assert list(dict.fromkeys(seen))[-9:] == list(range(9, 0, -1))
    assert [await job.result for job in jobs] == list(range(10))


# Mutations that wait


async def test_a_mutation_that_waits_keeps_its_place_and_its_snapshot(world: World) -> None:
    id = await counter(world)
    go = asyncio.Event()
    world.gate.hold()
    first = world.submit(add(id))
    await turns()
    waiting = world.submit(add(id, 10, go))
    behind = [world.submit(add(id, 100)) for _ in range(3)]
    await turns()
    assert (waiting.runs, [job.runs for job in behind]) == (1, [0, 0, 0])
    world.gate.release()
    await first.result
    assert await value(world, id) == 1
    go.set()
    assert [await job.result for job in (waiting, *behind)] == [1, 11, 111, 211]
    assert await value(world, id) == 311


async def test_sleeping_mutations_run_one_after_another(world: World) -> None:
    id = await counter(world)

    async def slow(db: DatabaseWriter) -> int:
        found = (await db.get(id) or {})["n"]
        for _ in range(3):
            await asyncio.sleep(0)
            assert (await db.get(id) or {})["n"] == found
        await db.patch(id, {"n": found + 1})
        await asyncio.sleep(0)
        return found

    jobs = [world.submit(slow) for _ in range(20)]
    assert [await job.result for job in jobs] == list(range(20))


async def test_a_mutation_may_gather_reads(world: World) -> None:
    ids = [await counter(world, number) for number in range(5)]

    async def gather(db: DatabaseWriter) -> list[int]:
        found = await asyncio.gather(*(db.get(id) for id in ids))
        return [(document or {})["n"] for document in found]

    assert await world.mutate(gather) == [0, 1, 2, 3, 4]


async def test_old_snapshots_stay_as_they_were(world: World) -> None:
    """Also when documents that they hold are in memory in newer versions."""
    ids = [await counter(world, number) for number in range(3)]
    snapshot = world.db.store.acquire()
    await world.mutate(add(ids[0], 100))
    await world.mutate(lambda db: db.delete(ids[1]))
    tx = world.db.read(snapshot)
    seen = [document.value()["n"] for document in await tx.load(ids)]
    later = await world.read(lambda db: db.query("users").collect())
    again = [document.value()["n"] for document in await world.db.read(snapshot).load(ids)]
    snapshot.release()
    assert (seen, again) == ([0, 1, 2], [0, 1, 2])
    assert [document["n"] for document in later] == [100, 2]
    assert [document["n"] for document in await world.all("users")] == [100, 2]


# Pausing


async def test_pause_waits_for_what_runs_and_holds_what_comes(world: World) -> None:
    id = await counter(world)
    go = asyncio.Event()
    running, behind = world.submit(add(id, 1, go)), world.submit(add(id))
    pauses = [asyncio.ensure_future(world.db.committer.pause()) for _ in range(2)]
    await turns()
    assert not any(pause.done() for pause in pauses)
    world.gate.hold()
    go.set()
    await turns()
    assert not any(pause.done() for pause in pauses)
    world.gate.release()
    await asyncio.gather(*pauses)
    assert (await running.result, behind.runs) == (0, 0)
    late = world.submit(add(id))
    world.db.committer.proceed()
    await turns()
    assert (behind.runs, late.runs, world.db.committer.waiting) == (0, 0, 2)
    world.db.committer.proceed()
    assert [await behind.result, await late.result] == [1, 2]


async def test_a_pause_that_is_given_up_holds_nothing(world: World) -> None:
    id = await counter(world)
    go = asyncio.Event()
    running = world.submit(add(id, 1, go))
    pause = asyncio.ensure_future(world.db.committer.pause())
    await turns()
    behind = world.submit(add(id))
    pause.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pause
    go.set()
    assert [await running.result, await behind.result] == [0, 1]


async def test_pause_with_nothing_to_do_returns_at_once(world: World) -> None:
    await asyncio.wait_for(world.db.committer.pause(), 5)
    world.db.committer.proceed()


async def test_settle_waits_for_all(world: World) -> None:
    await asyncio.wait_for(world.db.committer.settle(), 5)
    id = await counter(world)
    go = asyncio.Event()
    jobs = [world.submit(add(id, 1, go)), *(world.submit(add(id)) for _ in range(5))]
    settling = asyncio.ensure_future(world.db.committer.settle())
    await turns()
    assert not settling.done()
    go.set()
    await settling
    assert all(job.result.done() for job in jobs)


async def test_closing_lets_everything_end(reopened: Callable[[], Store]) -> None:
    world = await World(reopened()).open()
    id = await counter(world)
    jobs = [world.submit(add(id)) for _ in range(20)]
    await world.close()
    assert [job.result.result() for job in jobs] == list(range(20))
    world = await World(reopened()).open()
    assert await value(world, id) == 20
    await world.close()


async def test_a_mutation_after_closing_is_refused(reopened: Callable[[], Store]) -> None:
    world = await World(reopened()).open()
    await world.close()
    with pytest.raises(StoreError, match="open"):
        await world.mutate(lambda db: db.insert("users", {}))


# Faults


@pytest.mark.parametrize(
    "fault",
    [SystemExit(1), asyncio.CancelledError(), FunctionInterrupted("too long"), GeneratorExit(), ValueError("x")],
)
@pytest.mark.parametrize("wait", [False, True])
async def test_whatever_a_job_raises_the_next_one_runs(world: World, fault: BaseException, wait: bool) -> None:
    id = await counter(world)

    class Broken(Job):
        async def run(self, tx: Any) -> Any:
            if wait:
                await asyncio.sleep(0)
            raise fault

    broken = Broken(add(id), world.told.append)
    world.db.committer.submit(broken)
    behind = world.submit(add(id))
    with pytest.raises(type(fault) if isinstance(fault, Exception) else RuntimeError):
        await broken.result
    assert await behind.result == 0
    assert await value(world, id) == 1
    await world.db.committer.settle()


async def test_a_job_that_leaves_a_nested_mutation_open_is_not_kept(world: World) -> None:
    id = await counter(world)

    async def leave(db: DatabaseWriter) -> None:
        db._tx.push()  # pyright: ignore[reportPrivateUsage]
        await db.patch(id, {"n": 5})

    with pytest.raises(AssertionError):
        await world.mutate(leave)
    assert await world.mutate(add(id)) == 0


async def test_whoever_fails_when_told_does_not_stop_the_others(world: World, complaints: list[BaseException]) -> None:
    id = await counter(world)

    class Deaf(Job):
        def done(self, payload: Any, ts: int, error: BaseException | None) -> None:
            raise ValueError("done")

    def fail(_: list[Committed]) -> None:
        raise ValueError("visible")

    def after() -> None:
        raise ValueError("after")

    world.db.on_visible, world.db.after_group = fail, after
    world.db.committer.submit(Deaf(add(id), world.told.append))
    assert await world.submit(add(id)).result == 1
    assert await world.submit(add(id)).result == 2
    await world.db.committer.settle()
    assert [str(error) for error in complaints] == ["visible", "done", "after", "visible", "after"]


async def test_without_a_snapshot_jobs_are_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    id = await counter(world)

    def acquire() -> None:
        raise StoreError("no file descriptors left")

    monkeypatch.setattr(world.gate, "acquire", acquire, raising=False)
    jobs = [world.submit(add(id)) for _ in range(3)]
    assert world.told[1:] == []
    for job in jobs:
        with pytest.raises(StoreError, match="no file descriptors"):
            await job.result
    monkeypatch.undo()
    assert await world.mutate(add(id)) == 0


@pytest.mark.stores("sqlite", because="where others may write, a state was read before it is shown")
async def test_durable_commits_are_answered_even_if_nothing_can_be_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = await counter(world)
    world.news.clear()

    def advance(ts: int) -> None:
        raise StoreError("another program wrote to it")

    monkeypatch.setattr(world.gate, "advance", advance, raising=False)
    assert await world.mutate(add(id)) == 0
    assert (str(world.db.committer.fault), world.news) == ("another program wrote to it", [])
    monkeypatch.undo()
    await world.mutate(add(id))
    assert len({commit.ts for commit in world.news}) == 2, "what could not be read then is news now"
