"""Several databases on one store that they share: what one commits reaches the others, and nobody undoes anybody."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reactor.database.committed import Committed
from reactor.database.overlay import Overlay
from reactor.database.shared_committer import SharedCommitter
from reactor.database.transact import transact
from reactor.database.writer import DatabaseWriter
from reactor.errors import StoreError
from reactor.schema import define_schema, define_table
from reactor.store.memory_shared import SharedMemory, SharedMemoryStore
from reactor.store.seam import Commit, Outcome
from reactor.values import v
from tests.integration.database.world import SCHEMA, World, touched
from tests.support.shared_stores import SHARED, Sharing, sharing_of

SESSION = b"s" * 16

Worlds = list[World]


def world_of(sharing: Sharing, name: str, **options: Any) -> World:
    return World(sharing(name), **options)


@pytest.fixture(params=SHARED)
def sharing(request: pytest.FixtureRequest, tmp_path: Path) -> Sharing:
    return sharing_of(request, tmp_path)


@pytest.fixture
async def worlds(sharing: Sharing) -> AsyncIterator[Worlds]:
    made = [world_of(sharing, name) for name in "abc"]
    for world in made:
        await world.open()
    yield made
    for world in made:
        await world.close()


async def level(worlds: Worlds) -> None:
    """Until all have seen everything."""
    newest = max(world.db.committer.visible for world in worlds)
    for world in worlds:
        assert isinstance(world.db.committer, SharedCommitter)
        await asyncio.wait_for(world.db.committer.reach(newest), 10)


def adding(name: str, by: int = 1) -> Callable[[DatabaseWriter], Awaitable[int]]:
    async def add(db: DatabaseWriter) -> int:
        found = await db.query("users").with_index("by_name", lambda q: q.eq("name", name)).first()
        if found is None:
            await db.insert("users", {"name": name, "team": "x", "age": by})
            return by
        await db.patch(found["_id"], {"age": found["age"] + by})
        return found["age"] + by

    return add


async def test_others_see_a_commit(worlds: Worlds) -> None:
    a, b, _ = worlds
    id = await a.mutate(lambda db: db.insert("users", {"name": "Ada"}))
    await level(worlds)
    assert [user["_id"] for user in await b.all("users")] == [id]
    # And are told as if it were their own.
    theirs, own = b.news[-1], a.news[-1]
    assert (theirs.ts, theirs.source) == (own.ts, own.source)
    assert [touch[:2] for touch in theirs.touches] == [touch[:2] for touch in own.touches]


async def test_touches_of_others_have_the_versions_of_the_document(worlds: Worlds) -> None:
    a, b, _ = worlds
    id = await a.mutate(lambda db: db.insert("users", {"name": "Ada", "age": 1}))
    await a.mutate(lambda db: db.patch(id, {"age": 2}))
    await a.mutate(lambda db: db.patch(id, {"age": 3}))
    await a.mutate(lambda db: db.delete(id))
    await level(worlds)
    by_id = a.db.catalog.table("users").by_id.id  # pyright: ignore[reportOptionalMemberAccess]
    seen = [
        [version.value()["age"] for version in versions]
        for commit in b.news
        for index, _, versions in commit.touches
        if index == by_id and versions is not None
    ]
    assert seen == [[1], [1, 2], [2, 3], [3]]


async def test_what_nobody_here_reads_stays_unread(worlds: Worlds) -> None:
    a, b, _ = worlds
    await a.mutate(lambda db: db.insert("users", {"name": "Bob", "age": 5}))
    await level(worlds)
    b.db.is_read = lambda index: False
    _, ranges = await b.watch(lambda db: db.query("users").filter(lambda q: q.eq(q.field("age"), 1)).collect())
    seen = len(b.news)
    id = await a.mutate(lambda db: db.insert("users", {"name": "Ada", "age": 1}))
    await level(worlds)
    assert not b.db.cache.knows(id)
    touches = [touch for commit in b.news[seen:] for touch in commit.touches]
    assert [versions for _, _, versions in touches] == [None] * 4
    assert touched(ranges, touches), "it may have passed the filter"
    # Who asks for it has it, and is told of what changes in it.
    assert [user["age"] for user in await b.all("users")] == [5, 1]
    seen = len(b.news)
    await a.mutate(lambda db: db.patch(id, {"age": 2}))
    await level(worlds)
    assert all(versions for commit in b.news[seen:] for _, _, versions in commit.touches)
    assert [user["age"] for user in await b.all("users")] == [5, 2]
    assert await b.mutate(adding("Ada")) == 3


async def test_own_and_unread_commits_come_in_one_step(worlds: Worlds) -> None:
    a, b, _ = worlds
    id = await a.mutate(lambda db: db.insert("users", {"name": "Ada", "age": 1}))
    await level(worlds)
    for world in worlds:
        world.db.is_read = lambda index: False
    b.gate.hold()
    own = b.submit(lambda db: db.insert("users", {"name": "Bob", "age": 2}))
    await asyncio.sleep(0)
    await a.mutate(lambda db: db.insert("users", {"name": "Cleo", "age": 3}))
    await a.mutate(lambda db: db.delete(id))
    b.gate.release()
    await own.result
    await level(worlds)
    for world in worlds:
        assert sorted(user["name"] for user in await world.all("users")) == ["Bob", "Cleo"]


async def test_what_ends_while_a_group_waits_for_its_turn_goes_with_it(worlds: Worlds) -> None:
    a, b, _ = worlds
    await a.mutate(adding("Ada"))
    await level(worlds)
    committer: Any = a.db.committer
    groups = committer.groups
    a.gate.hold()
    jobs = [a.submit(adding("Bob"))]
    await asyncio.sleep(0)
    jobs += [a.submit(adding(name)) for name in ("Bob", "Cleo", "Ada", "Bob")]
    while len(committer._forming.settled) < 4:
        await asyncio.sleep(0)
    await b.mutate(adding("Dan"))
    a.gate.release()
    assert [await job.result for job in jobs] == [1, 2, 1, 2, 3]
    assert [job.runs for job in jobs] == [1] * 5
    assert committer.groups == groups + 1
    await level(worlds)
    for world in worlds:
        found = {user["name"]: user["age"] for user in await world.all("users")}
        assert found == {"Ada": 2, "Bob": 3, "Cleo": 1, "Dan": 1}


async def test_what_was_built_upon_a_loser_does_not_join_the_group_that_lost_it(worlds: Worlds) -> None:
    """The group is adapted twice, since others were faster again, and in between ends what ran meanwhile."""
    a, b, _ = worlds
    await a.mutate(adding("hot"))
    await level(worlds)
    committer: Any = a.db.committer
    go, add, commit = asyncio.Event(), adding("cold"), a.gate.commit

    async def waiting(db: DatabaseWriter) -> int:
        await go.wait()
        return await add(db)

    async def adapted_twice(batch: list[Commit], *, revise: Any, **named: Any) -> None:
        a.gate.commit = commit  # pyright: ignore[reportAttributeAccessIssue]
        await b.mutate(adding("hot", 100))
        snapshot, entries = await a.db.store.catch_up()
        revise(snapshot.ts, entries)
        snapshot.release()
        go.set()
        while not committer._forming.settled:
            await asyncio.sleep(0)
        await commit(batch, revise=revise, **named)

    a.gate.commit = adapted_twice  # pyright: ignore[reportAttributeAccessIssue]
    loser = a.submit(adding("hot", 10), session=SESSION, request=1)
    follower = a.submit(waiting, session=SESSION, request=2)
    assert [await job.result for job in (loser, follower)] == [111, 1]
    assert (loser.runs, follower.runs) == (2, 2)
    assert loser.ts < follower.ts


async def test_a_counter_that_all_write_comes_out_exact(worlds: Worlds) -> None:
    jobs = [world.submit(adding("hot")) for _ in range(20) for world in worlds]
    results = [await job.result for job in jobs]
    assert sorted(results) == list(range(1, 61))
    await level(worlds)
    for world in worlds:
        assert [user["age"] for user in await world.all("users")] == [60]


async def test_what_does_not_meet_is_not_run_again(worlds: Worlds) -> None:
    jobs = [world.submit(lambda db: db.insert("users", {"name": "x"})) for _ in range(20) for world in worlds]
    for job in jobs:
        await job.result
    assert [job.runs for job in jobs] == [1] * 60
    await level(worlds)
    assert [len(await world.all("users")) for world in worlds] == [60] * 3


async def test_a_mutation_that_lost_runs_under_the_lock_and_succeeds(worlds: Worlds) -> None:
    a, b, _ = worlds
    await a.mutate(adding("hot"))
    await level(worlds)
    a.gate.hold()
    slow = a.submit(adding("hot", 10))
    await asyncio.sleep(0)
    assert await b.mutate(adding("hot", 100)) == 101
    a.gate.release()
    assert (await slow.result, slow.runs) == (111, 2)
    committer = a.db.committer
    assert isinstance(committer, SharedCommitter)
    assert (committer.reruns, committer.insisted) == (1, 1)


@pytest.mark.parametrize("sharing", ["sqlite"], indirect=True)
async def test_what_is_on_the_way_is_told_unless_others_came_first_and_when_it_is_lost(worlds: Worlds) -> None:
    a, b, _ = worlds
    await a.mutate(adding("hot"))
    await level(worlds)
    told: list[tuple[list[int], list[int]]] = []

    def look(news: list[Committed], overlay: Overlay) -> None:
        told.append(([each.ts for each in news], [each.value()["age"] for each in overlay.documents.values()]))

    a.db.on_the_way = look
    await a.mutate(adding("hot"))
    assert told == [([a.db.committer.visible], [2])]
    told.clear()
    a.gate.hold()
    slow = a.submit(lambda db: db.insert("users", {"name": "other", "age": 7}))
    await asyncio.sleep(0)
    await b.mutate(adding("hot"))
    a.gate.release()
    await slow.result
    assert told == [], "what the other one wrote cannot be read yet"
    a.gate.failures.append(StoreError("the disk is gone"))
    with pytest.raises(StoreError):
        await a.mutate(adding("hot"))
    assert told == [([], [])]


async def test_what_was_built_upon_a_loser_runs_again_too(worlds: Worlds) -> None:
    a, b, _ = worlds
    await a.mutate(adding("hot"))
    await level(worlds)
    a.gate.hold()
    first = a.submit(adding("hot", 10))
    second = a.submit(adding("hot", 20))
    apart = a.submit(adding("cold", 5))
    await asyncio.sleep(0)
    later = a.submit(adding("hot", 40))  # in the next group
    await b.mutate(adding("hot", 100))
    a.gate.release()
    assert [await job.result for job in (first, second, apart, later)] == [111, 131, 5, 171]
    assert apart.runs == 1
    assert first.ts < second.ts < later.ts


async def test_mutations_of_a_client_keep_their_order(worlds: Worlds) -> None:
    a, b, _ = worlds
    await a.mutate(adding("hot"))
    await level(worlds)
    a.gate.hold()
    loser = a.submit(adding("hot", 10), session=SESSION, request=1)
    follower = a.submit(adding("cold", 5), session=SESSION, request=2)
    await asyncio.sleep(0)
    await b.mutate(adding("hot", 100))
    a.gate.release()
    assert [await job.result for job in (loser, follower)] == [111, 5]
    assert loser.ts < follower.ts


async def test_one_that_was_running_when_those_before_it_lost_stays_behind_them(worlds: Worlds) -> None:
    a, b, _ = worlds
    await a.mutate(adding("hot"))
    await level(worlds)
    go, add = asyncio.Event(), adding("cold", 5)

    async def waiting(db: DatabaseWriter) -> int:
        await go.wait()
        return await add(db)

    a.gate.hold()
    losers = [a.submit(adding("hot", 10), session=SESSION, request=number) for number in (1, 2)]
    await asyncio.sleep(0)
    follower = a.submit(waiting, session=SESSION, request=3)
    await b.mutate(adding("hot", 100))
    a.gate.release()
    committer = a.db.committer
    assert isinstance(committer, SharedCommitter)
    while committer.reruns < len(losers):
        await asyncio.sleep(0)
    go.set()
    assert [await job.result for job in (*losers, follower)] == [111, 121, 5]
    assert losers[0].ts < losers[1].ts < follower.ts


async def test_one_that_was_running_when_a_group_was_not_kept_stays_behind_those_that_lost(
    worlds: Worlds, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b, _ = worlds
    await a.mutate(adding("hot"))
    await level(worlds)
    go, add, commit, commits = asyncio.Event(), adding("cold", 5), a.gate.commit, count(1)
    written, more = asyncio.Event(), asyncio.Event()

    async def waiting(db: DatabaseWriter) -> int:
        await go.wait()
        return await add(db)

    async def the_second_fails(batch: list[Commit], **named: Any) -> None:
        if next(commits) == 2:
            raise StoreError("cut off")
        await commit(batch, **named)
        written.set()
        await more.wait()

    monkeypatch.setattr(a.gate, "commit", the_second_fails)
    a.gate.hold()
    first = a.submit(adding("first"))
    await asyncio.sleep(0)
    loser = a.submit(adding("hot", 10), session=SESSION, request=1)
    await b.mutate(adding("hot", 100))
    a.gate.release()
    await written.wait()
    unkept = a.submit(adding("unkept"))  # too late for the group that was written
    follower = a.submit(waiting, session=SESSION, request=2)
    more.set()
    assert await first.result == 1
    with pytest.raises(StoreError):
        await unkept.result
    go.set()
    assert [await job.result for job in (loser, follower)] == [111, 5]
    assert loser.ts < follower.ts


async def test_a_request_that_another_process_has_run_is_answered_from_its_record(worlds: Worlds) -> None:
    a, b, c = worlds
    assert await a.submit(adding("x"), session=SESSION, request=1).result == 1
    await level(worlds)
    again = b.submit(adding("x"), session=SESSION, request=1)
    assert isinstance(await again.result, Outcome)
    # Also where it was remembered that the client had nothing as high.
    assert await c.submit(adding("x"), session=SESSION, request=2).result == 2
    assert await b.submit(adding("x"), session=SESSION, request=3).result == 3
    await level(worlds)
    third = c.submit(adding("x"), session=SESSION, request=3)
    assert isinstance(await third.result, Outcome)


async def test_one_request_in_two_processes_at_once_takes_effect_once(worlds: Worlds) -> None:
    jobs = [world.submit(adding("x"), session=SESSION, request=7) for world in worlds]
    results = [await job.result for job in jobs]
    assert [result for result in results if not isinstance(result, Outcome)] == [1]
    await level(worlds)
    assert [user["age"] for user in await worlds[0].all("users")] == [1]


async def test_two_processes_make_the_same_table_at_once(sharing: Sharing) -> None:
    loose = define_schema({}, schema_validation=False)
    made = [world_of(sharing, name) for name in "ab"]
    for world in made:
        await world.open(loose)
    tables = ["dogs", "dogs", "cats"]
    jobs = [world.submit(lambda db, t=table: db.insert(t, {"n": 1.0})) for table in tables for world in made]
    for job in jobs:
        await job.result
    await level(made)
    for world in made:
        assert [len(await world.all(table)) for table in ("dogs", "cats")] == [4, 2]
        records = world.db.numbering.tables
        assert len({record.number for record in records.values()}) == len(records)
    assert made[0].db.numbering.tables == made[1].db.numbering.tables
    for world in made:
        await world.close()


async def test_all_start_at_once_on_an_empty_store(sharing: Sharing) -> None:
    made = [world_of(sharing, name) for name in "abc"]
    await asyncio.gather(*(world.open() for world in made))
    await made[0].mutate(adding("x"))
    await level(made)
    assert [len(await world.all("users")) for world in made] == [1, 1, 1]
    assert made[0].db.numbering.indexes == made[1].db.numbering.indexes == made[2].db.numbering.indexes
    for world in made:
        await world.close()


async def test_a_mutation_that_writes_nothing_reads_what_others_were_told_before(worlds: Worlds) -> None:
    a, b, _ = worlds
    await a.mutate(adding("x"))
    await level(worlds)
    for age in range(2, 8):
        await a.mutate(adding("x"))
        # Not level: b may not have heard of it yet.
        assert [user["age"] for user in await b.mutate(lambda db: db.query("users").collect())] == [age]


async def test_a_mutation_does_not_fail_for_what_others_have_changed_before(worlds: Worlds) -> None:
    a, b, _ = worlds

    async def refuse_empty(db: DatabaseWriter) -> None:
        if not await db.query("users").collect():
            raise ValueError("there is nobody")

    await a.mutate(adding("x"))
    await b.mutate(refuse_empty)


async def test_clocks_that_differ_by_minutes_do_not_set_time_back(sharing: Sharing) -> None:
    fast, slow = 2_000_000_000_000_000_000, 1_999_999_000_000_000_000
    made = [world_of(sharing, name, clock=lambda now=now: now) for name, now in (("a", fast), ("b", slow))]
    for world in made:
        await world.open()
    times: list[int] = []
    for turn in range(6):
        world = made[turn % 2]
        job = world.submit(adding("x"))
        await job.result
        times.append(job.ts)
        await level(made)
    assert times == sorted(set(times))
    for world in made:
        await world.close()


async def test_a_commit_time_that_is_written_is_that_of_the_commit(worlds: Worlds) -> None:
    a, b, _ = worlds

    async def stamp(db: DatabaseWriter) -> str:
        return await db.insert("users", {"name": "t", "at": db.vars.commit_ts})

    a.gate.hold()
    job = a.submit(stamp)
    await asyncio.sleep(0)
    await b.mutate(adding("y"))
    a.gate.release()
    id = await job.result
    stamped = next(user for user in await a.all("users") if user["_id"] == id)
    assert int(stamped["at"]) == job.ts


async def test_an_index_is_built_while_another_process_writes(sharing: Sharing) -> None:
    a, b = world_of(sharing, "a"), world_of(sharing, "b")
    await a.open()
    await b.open()
    for number in range(700):
        await a.mutate(lambda db, n=number: db.insert("users", {"name": f"n{n:04}", "age": n % 7}))
    await level([a, b])
    newer = define_schema({**SCHEMA.tables, "users": define_table(v.any()).index("by_age", ["age"])})
    outdated, wrote = asyncio.Event(), asyncio.Event()
    b.db.on_outdated = outdated.set
    _enter_after(a, wrote)
    adopting = asyncio.ensure_future(a.db.adopt(newer))
    written = 0
    job = b.submit(lambda db: db.insert("users", {"name": "m", "age": 1}))
    while not b.db.outdated:
        job = b.submit(lambda db, n=written: db.insert("users", {"name": f"m{n}", "age": n % 7}))
        done, _ = await asyncio.wait(
            [job.result, asyncio.ensure_future(outdated.wait())], return_when="FIRST_COMPLETED"
        )
        written += job.result in done
        wrote.set()
    await adopting
    assert written
    await b.db.adopt(newer)
    await job.result  # it had to wait for the code that fits
    await level([a, b])
    for world in (a, b):
        found = [
            user["_id"]
            for age in range(7)
            for user in await world.read(
                lambda db, n=age: db.query("users").with_index("by_age", lambda q: q.eq("age", n)).collect()
            )
        ]
        assert sorted(found) == sorted(user["_id"] for user in await world.all("users"))
    for world in (a, b):
        await world.close()


async def test_who_has_the_older_schema_lets_mutations_wait_and_refuses_them_when_told_to(sharing: Sharing) -> None:
    a, b = world_of(sharing, "a"), world_of(sharing, "b")
    await a.open()
    await b.open()
    outdated = asyncio.Event()
    b.db.on_outdated = outdated.set
    newer = define_schema({**SCHEMA.tables, "dogs": define_table({"name": v.string()})})
    await a.db.adopt(newer)
    await asyncio.wait_for(outdated.wait(), 5)
    waits = b.submit(adding("x"))
    # That it lives it can say all the same.
    assert await transact(b.db.committer, "tests", lambda tx: answered("alive"), urgent=True) == "alive"
    assert not waits.result.done()
    b.db.refuse("this server has older code than the others")
    with pytest.raises(StoreError, match="older code"):
        await waits.result
    with pytest.raises(StoreError, match="older code"):
        await b.mutate(adding("x"))
    await b.db.adopt(newer)
    assert await b.mutate(adding("x")) == 1
    for world in (a, b):
        await world.close()


async def answered(value: str) -> str:
    return value


async def test_a_server_that_waits_for_newer_code_can_stop(sharing: Sharing) -> None:
    a, b = world_of(sharing, "a"), world_of(sharing, "b")
    await a.open()
    await b.open()
    outdated = asyncio.Event()
    b.db.on_outdated = outdated.set
    await a.db.adopt(define_schema({}, schema_validation=False))
    await asyncio.wait_for(outdated.wait(), 5)
    waits = b.submit(adding("x"))
    await asyncio.wait_for(b.close(), 5)
    with pytest.raises(StoreError, match="stopped"):
        await waits.result
    await a.close()


async def test_a_document_that_another_process_writes_can_fail_the_schema(sharing: Sharing) -> None:
    loose = define_schema({"users": define_table(v.any())})
    a, b = world_of(sharing, "a"), world_of(sharing, "b")
    await a.open(loose)
    await b.open(loose)
    for _ in range(600):
        await a.mutate(lambda db: db.insert("users", {"name": "fits"}))
    strict = define_schema({"users": define_table({"name": v.string()})})
    began = asyncio.Event()
    adopting = asyncio.ensure_future(a.db.adopt(strict, progress=lambda step: began.set()))
    await began.wait()
    written = asyncio.Event()
    _enter_after(a, written)
    await b.mutate(lambda db: db.insert("users", {"name": 5}))
    written.set()
    with pytest.raises(Exception, match="name"):
        await adopting
    assert not b.db.outdated
    await b.mutate(lambda db: db.insert("users", {"name": 6}))
    for world in (a, b):
        await world.close()


def _enter_after(world: World, event: asyncio.Event) -> None:
    """Let a database keep others out only after something has happened."""
    exclusive = world.gate.exclusive

    @asynccontextmanager
    async def enter() -> AsyncIterator[None]:
        await event.wait()
        async with exclusive():
            yield

    world.gate.exclusive = enter  # pyright: ignore[reportAttributeAccessIssue]


async def test_history_that_was_forgotten_is_read_anew() -> None:
    memory = SharedMemory()
    a, b = worlds = [world_of(lambda node: SharedMemoryStore(memory, node), name) for name in "ab"]
    for world in worlds:
        await world.open()
    id = await a.mutate(lambda db: db.insert("users", {"name": "Ada", "age": 1}))
    await level(worlds)
    assert (await b.all("users"))[0]["age"] == 1
    forgotten: list[str] = []
    b.db.on_forgotten = lambda: forgotten.append("b")
    store: Any = b.gate._store  # pyright: ignore[reportPrivateUsage]
    hear, store.hear = store.hear, lambda: None
    for age in (2, 3):
        await a.mutate(lambda db, n=age: db.patch(id, {"age": n}))
    await a.db.store.prune(log_before=2**62, outcomes_before=0, limit=1_000)
    store.hear = hear
    hear()
    await level([b])
    assert (await b.all("users"))[0]["age"] == 3
    assert forgotten == ["b"]
    assert await b.mutate(adding("Ada")) == 4
    for world in worlds:
        await world.close()


async def test_a_store_that_fails_under_the_lock_is_told_and_then_it_goes_on(worlds: Worlds) -> None:
    a, b, _ = worlds
    await a.mutate(adding("hot"))
    await level(worlds)
    a.gate.hold()
    job = a.submit(adding("hot", 10))
    await asyncio.sleep(0)
    await b.mutate(adding("hot", 100))
    real = a.gate.commit
    calls: list[int] = []

    async def commit(*args: Any, **named: Any) -> None:
        calls.append(len(calls))
        if len(calls) == 2:
            raise StoreError("the disk is full")
        await real(*args, **named)

    a.gate.release()
    a.gate.commit = commit  # pyright: ignore[reportAttributeAccessIssue]
    # The first call is held in `real` already, so it is the one under the lock that fails.
    calls.append(0)
    with pytest.raises(StoreError, match="the disk is full"):
        await job.result
    assert await a.mutate(adding("hot", 1)) == 102


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    plan=st.lists(
        st.tuples(st.integers(0, 2), st.lists(st.sampled_from("pqr"), min_size=1, max_size=3), st.booleans()),
        min_size=5,
        max_size=40,
    ),
    data=st.data(),
    reads=st.booleans(),
)
def test_random_transfers_add_up(plan: list[tuple[int, list[str], bool]], data: st.DataObject, *, reads: bool) -> None:
    """Each mutation reads some counters and adds one to all of them or fails; each counter's results are 1, 2, 3 ..."""

    async def bump(db: DatabaseWriter, names: list[str], fail: bool) -> list[tuple[str, int]]:
        found = [(name, await adding(name)(db)) for name in dict.fromkeys(names)]
        if fail:
            raise ValueError("not kept")
        return found

    async def check() -> None:
        memory = SharedMemory()
        made = [world_of(lambda node: SharedMemoryStore(memory, node), name) for name in "abc"]
        for world in made:
            await world.open()
            world.db.is_read = lambda _: reads
        jobs = []
        for node, names, fail in plan:
            jobs.append(made[node].submit(lambda db, n=names, f=fail: bump(db, n, f)))
            for _ in range(data.draw(st.integers(0, 4))):
                await asyncio.sleep(0)
        results = [await asyncio.gather(job.result, return_exceptions=True) for job in jobs]
        seen: dict[str, list[int]] = {name: [] for name in "pqr"}
        for (found,), (_, _, fail) in zip(results, plan, strict=True):
            assert isinstance(found, ValueError) == fail
            for name, number in [] if fail else found:
                seen[name].append(number)
        assert all(sorted(numbers) == list(range(1, len(numbers) + 1)) for numbers in seen.values())
        await level(made)
        states = [sorted((user["name"], user["age"]) for user in await world.all("users")) for world in made]
        assert states == [sorted((name, len(numbers)) for name, numbers in seen.items() if numbers)] * 3
        for world in made:
            await world.close()

    asyncio.run(check())
