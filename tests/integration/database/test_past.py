"""Reading the past equals what was read then."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from reactor.database.reader import DatabaseReader
from reactor.database.writer import DatabaseWriter
from reactor.errors import DeveloperError
from reactor.schema import define_schema, define_table
from reactor.store.seam import Store
from reactor.values import v
from tests.integration.database.world import World


async def at(world: World, ts: int, read: Callable[[DatabaseReader], Any]) -> Any:
    snapshot = world.db.store.acquire()
    try:
        return await read(DatabaseReader(await world.db.read_past(snapshot, ts)))
    finally:
        snapshot.release()


async def everything(db: DatabaseReader) -> list[Any]:
    return [
        await db.query("users").collect(),
        await db.query("users").with_index("by_name").order("desc").collect(),
        await db.query("users").with_index("by_id").collect(),
        await db.query("users").with_index("by_team_age", lambda q: q.eq("team", "x").gt("age", 3)).collect(),
        await db.query("ghosts").collect(),
    ]


async def random_writes(db: DatabaseWriter, random: random.Random) -> None:
    users = await db.query("users").collect()
    for _ in range(random.randint(1, 4)):
        fields = {"name": random.choice("abcdef"), "team": random.choice("xy"), "age": random.randint(0, 5)}
        user = random.choice(users) if users else None
        kind = random.choice(["insert", "patch", "replace", "delete", "ghost"])
        if kind == "ghost":
            await db.insert("ghosts", fields)
        elif kind == "insert" or user is None:
            await db.insert("users", fields)
        elif kind == "patch":
            await db.patch(user["_id"], {"name": fields["name"]})
        elif kind == "replace":
            await db.replace(user["_id"], fields)
        else:
            await db.delete(user["_id"])
            users.remove(user)


@pytest.mark.parametrize("seed", range(5))
async def test_every_moment_can_be_read_again(world: World, seed: int) -> None:
    rng = random.Random(seed)
    moments: list[tuple[int, list[Any]]] = [(world.db.committer.visible, await world.read(everything))]
    for _ in range(30):
        await world.mutate(lambda db: random_writes(db, rng))
        moments.append((world.db.committer.visible, await world.read(everything)))
    for ts, then in moments:
        assert await at(world, ts, everything) == then
    between = (moments[10][0] + moments[11][0]) // 2
    assert await at(world, between, everything) == moments[10][1]
    assert await at(world, moments[-1][0] + 5, everything) == moments[-1][1]


async def test_a_long_past_is_read_in_pages(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reactor.database.past._PAGE", 3)
    rng = random.Random(7)
    await world.mutate(lambda db: random_writes(db, rng))
    ts, then = world.db.committer.visible, await world.read(everything)
    for _ in range(20):
        await world.mutate(lambda db: random_writes(db, rng))
    assert await at(world, ts, everything) == then


async def test_the_past_is_read_with_the_indexes_of_today(world: World) -> None:
    users = define_table(v.any()).index("by_name", ["name"]).index("by_team_age", ["team", "age"])
    ids = [await world.mutate(lambda db, n=n: db.insert("users", {"name": f"{n}", "rank": 9 - n})) for n in range(3)]
    ts = world.db.committer.visible
    await world.mutate(lambda db: db.delete(ids[0]))
    await world.mutate(lambda db: db.patch(ids[1], {"rank": 100}))
    await world.db.adopt(define_schema({"users": users.index("by_rank", ["rank"])}))
    await world.mutate(lambda db: db.patch(ids[2], {"rank": 200}))

    async def ranks(db: DatabaseReader) -> list[int]:
        return [user["rank"] for user in await db.query("users").with_index("by_rank").collect()]

    assert await at(world, ts, ranks) == [7, 8, 9]
    assert await world.read(ranks) == [100, 200]


async def test_what_is_forgotten_cannot_be_read(world: World) -> None:
    stamps: list[int] = []
    for number in range(5):
        await world.mutate(lambda db, n=number: db.insert("users", {"n": n}))
        stamps.append(world.db.committer.visible)
    await world.db.store.prune(log_before=stamps[2] + 1, outcomes_before=0, limit=100)
    await world.mutate(lambda db: db.insert("users", {"n": 5}))
    count: Any = lambda db: db.query("users").collect()
    for ts in stamps[:2]:
        with pytest.raises(
            DeveloperError, match=f"{ts} is older than the history that is kept.*history_seconds"
        ) as raised:
            await at(world, ts, count)
        assert raised.value.code == "OutOfRetention"
    assert [len(await at(world, ts, count)) for ts in stamps[2:]] == [3, 4, 5]


async def test_what_lies_too_far_back_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reactor.database.past._MOST_DOCUMENTS", 2)
    ts = world.db.committer.visible
    ids = [await world.mutate(lambda db: db.insert("users", {})) for _ in range(2)]
    await world.mutate(lambda db: db.patch(ids[0], {"n": 1}))
    assert await at(world, ts, everything) == [[]] * 5
    await world.mutate(lambda db: db.insert("users", {}))
    with pytest.raises(DeveloperError, match="lies too far back: more than 2 documents have changed since"):
        await at(world, ts, everything)


async def test_the_past_stays_after_a_restart(reopened: Callable[[], Store]) -> None:
    world = await World(reopened()).open()
    rng = random.Random(3)
    for _ in range(5):
        await world.mutate(lambda db: random_writes(db, rng))
    ts, then = world.db.committer.visible, await world.read(everything)
    await world.close()
    world = await World(reopened()).open()
    for _ in range(5):
        await world.mutate(lambda db: random_writes(db, rng))
    assert await at(world, ts, everything) == then
    await world.close()
