"""The time of the commit in documents: a placeholder while the mutation runs, an Int64 for everybody else."""

from collections.abc import Callable
from typing import Any

import pytest

from reactor.database.writer import DatabaseWriter
from reactor.errors import DeveloperError, StoreFull, UniqueViolation
from reactor.schema import SchemaMismatch, define_schema, define_table
from reactor.store.seam import Store
from reactor.values import COMMIT_TS, UNSET, Int64, v
from tests.integration.database.counters import turns
from tests.integration.database.world import Job, World, touched

LAST = Int64(2**63 - 1)

SCHEMA = define_schema(
    {
        "events": define_table({"at": v.commit_ts(), "n": v.optional(v.number())})
        .index("by_at", ["at"])
        .index("by_n", ["n"]),
        "things": define_table(v.any()).index("by_deep", ["a.b"]),
        "ticks": define_table({"at": v.commit_ts()}).unique("by_at", ["at"]),
        "counts": define_table({"at": v.int64()}),
    }
)


@pytest.fixture
async def world(reopened: Callable[[], Store]):
    world = await World(reopened()).open(SCHEMA)
    yield world
    await world.close()


async def stamped(world: World, n: int | None = None) -> tuple[str, int]:
    """A new event, and when it was committed."""
    event = {"at": COMMIT_TS} if n is None else {"at": COMMIT_TS, "n": n}
    job = world.submit(lambda db: db.insert("events", event))
    return await job.result, job.ts


async def by_at(world: World) -> list[int]:
    events = await world.read(lambda db: db.query("events").with_index("by_at").collect())
    return [event["at"] for event in events]


# What comes of it


async def test_it_becomes_the_time_of_the_commit_wherever_it_stands(world: World) -> None:
    value = {"a": {"b": COMMIT_TS}, "list": [1, [COMMIT_TS, '{"$commitTs":null}']], "text": '{"$commitTs":null}'}

    async def write(db: DatabaseWriter) -> tuple[str, str]:
        assert db.vars.commit_ts is COMMIT_TS
        return await db.insert("things", value), await db.insert("events", {"at": db.vars.commit_ts})

    job = world.submit(write)
    thing, event = [await world.read(lambda db, id=id: db.get(id)) for id in await job.result]
    assert thing is not None
    assert event is not None
    assert thing["a"] == {"b": job.ts}
    assert thing["list"] == [1, [job.ts, '{"$commitTs":null}']]
    assert thing["text"] == '{"$commitTs":null}'
    assert event["at"] == job.ts
    assert {type(at) for at in (thing["a"]["b"], thing["list"][1][0], event["at"])} == {Int64}


async def test_it_grows_with_every_commit(world: World) -> None:
    times = [(await stamped(world))[1] for _ in range(5)]
    assert await by_at(world) == times == sorted(set(times))


async def test_it_is_what_a_store_keeps(reopened: Callable[[], Store]) -> None:
    world = await World(reopened()).open(SCHEMA)
    times = [(await stamped(world))[1] for _ in range(3)]
    await world.close()
    world = await World(reopened()).open(SCHEMA)
    assert await by_at(world) == times
    found = await world.read(
        lambda db: db.query("events").with_index("by_at", lambda q: q.gt("at", Int64(times[0]))).collect()
    )
    assert [event["at"] for event in found] == times[1:]
    await world.close()


async def test_the_next_mutation_sees_the_time(world: World) -> None:
    """Also while the commit is not durable yet."""
    world.gate.hold()
    first = world.submit(lambda db: db.insert("events", {"at": COMMIT_TS}))

    async def read(db: DatabaseWriter) -> list[Any]:
        await db.insert("events", {"at": COMMIT_TS})
        return [event["at"] for event in await db.query("events").with_index("by_at").collect()]

    second = world.submit(read)
    world.gate.release()
    assert await second.result == [first.ts, COMMIT_TS]
    assert await by_at(world) == [first.ts, second.ts]


async def test_a_lost_commit_leaves_no_time_behind(world: World) -> None:
    world.gate.hold()
    world.gate.failures.append(StoreFull("no room"))
    lost = world.submit(lambda db: db.insert("events", {"at": COMMIT_TS}))
    await turns()
    again = world.submit(lambda db: db.insert("events", {"at": COMMIT_TS}))
    world.gate.release()
    with pytest.raises(StoreFull):
        await lost.result
    await again.result
    assert again.runs == 2
    assert await by_at(world) == [again.ts]


# Inside the mutation


async def test_it_reads_back_as_the_placeholder_and_sorts_last(world: World) -> None:
    async def write(db: DatabaseWriter) -> None:
        new = await db.insert("events", {"at": COMMIT_TS})
        await db.insert("events", {"at": Int64(5)})
        await db.insert("events", {"at": Int64(-5)})
        assert await db.get(new) == {**(await db.get(new) or {}), "at": COMMIT_TS}
        events = await db.query("events").with_index("by_at").collect()
        assert [event["at"] for event in events] == [-5, 5, COMMIT_TS]
        last = await db.query("events").with_index("by_at").order("desc").first()
        assert last == events[2]
        for range in (
            lambda q: q.eq("at", COMMIT_TS),
            lambda q: q.gt("at", Int64(5)),
            lambda q: q.eq("at", LAST),
            lambda q: q.lt("at", 0).gt("at", Int64(5)),  # 0 is a float64, which sorts after every int64
        ):
            found = await db.query("events").with_index("by_at", range).unique()
            assert found is not None
            assert found["_id"] == new

    await world.mutate(write)


async def test_a_field_gets_it_or_loses_it(world: World) -> None:
    id, first = await stamped(world, 1)

    async def change(db: DatabaseWriter) -> None:
        await db.patch(id, {"at": COMMIT_TS})
        writes = db._tx.documents_written  # pyright: ignore[reportPrivateUsage]
        await db.patch(id, {"at": COMMIT_TS})
        assert db._tx.documents_written == writes  # pyright: ignore[reportPrivateUsage]

    job = world.submit(change)
    await job.result
    assert await by_at(world) == [job.ts]
    assert job.ts > first

    async def change_back(db: DatabaseWriter) -> None:
        await db.patch(id, {"at": COMMIT_TS, "n": 2})
        await db.replace(id, {"at": Int64(7), "n": 2})
        await db.delete(await db.insert("events", {"at": COMMIT_TS}))

    await world.mutate(change_back)
    assert await by_at(world) == [7]


async def test_a_nested_mutation_takes_it_back(world: World) -> None:
    async def outer(db: DatabaseWriter) -> str:
        tx = db._tx  # pyright: ignore[reportPrivateUsage]
        id = await db.insert("events", {"at": Int64(1)})
        tx.push()
        await db.patch(id, {"at": COMMIT_TS})
        await db.insert("events", {"at": COMMIT_TS})
        tx.pop(keep=False)
        tx.push()
        await db.insert("events", {"at": COMMIT_TS, "n": 3})
        tx.pop(keep=True)
        return id

    job = world.submit(outer)
    await job.result
    assert await by_at(world) == [1, job.ts]


async def test_a_commit_touches_the_place_that_it_is_stored_at(world: World) -> None:
    _, ranges = await world.watch(
        lambda db: db.query("events").with_index("by_at", lambda q: q.lt("at", Int64(2**62))).collect()
    )
    _, beyond = await world.watch(
        lambda db: db.query("events").with_index("by_at", lambda q: q.gte("at", Int64(2**62))).collect()
    )
    touches = await world.touches(lambda db: db.insert("events", {"at": COMMIT_TS}))
    assert (touched(ranges, touches), touched(beyond, touches)) == (True, False)


# Rules


async def test_validators_tell_it_from_int64(world: World) -> None:
    with pytest.raises(SchemaMismatch, match=r"Value: commitTs\nValidator: v.int64\(\)"):
        await world.mutate(lambda db: db.insert("counts", {"at": COMMIT_TS}))
    with pytest.raises(SchemaMismatch, match=r"Value: 5.0\nValidator: v.commitTs\(\)"):
        await world.mutate(lambda db: db.insert("events", {"at": 5}))
    await world.mutate(lambda db: db.insert("events", {"at": Int64(5)}))


async def test_it_is_unique_once_in_a_transaction(world: World) -> None:
    async def twice(db: DatabaseWriter) -> str:
        first = await db.insert("ticks", {"at": COMMIT_TS})
        with pytest.raises(UniqueViolation) as raised:
            await db.insert("ticks", {"at": COMMIT_TS})
        assert raised.value.document_id == first
        return first

    jobs: list[Job] = [world.submit(twice) for _ in range(3)]
    for job in jobs:
        await job.result
    assert [tick["at"] for tick in await world.all("ticks")] == [job.ts for job in jobs]


async def test_a_transaction_without_it_holds_nothing_for_it(world: World) -> None:
    async def write(db: DatabaseWriter) -> set[str]:
        await db.insert("things", {"price": "5 $", "n": Int64(3), "text": '{"$commitTs":null}', "gone": UNSET})
        return db._tx.pending  # pyright: ignore[reportPrivateUsage]

    assert await world.mutate(write) == set()


async def test_filters_compare_it_and_do_not_count_with_it(world: World) -> None:
    async def look(db: DatabaseWriter) -> None:
        new = await db.insert("events", {"at": COMMIT_TS})
        await db.insert("events", {"at": Int64(1)})
        found = await db.query("events").filter(lambda q: q.field("at") > Int64(1)).unique()
        assert found is not None
        assert found["_id"] == new
        with pytest.raises(DeveloperError, match=r"commitTs \(type CommitTs\)"):
            await db.query("events").filter(lambda q: q.field("at") + Int64(1) > Int64(1)).collect()

    await world.mutate(look)
