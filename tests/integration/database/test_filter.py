"""Filters over ranges: what they let through, what counts as read, and which writes touch their readers."""

from typing import Any

import pytest

from reactor.database.query import Query
from reactor.database.reader import DatabaseReader
from reactor.database.writer import DatabaseWriter
from reactor.errors import DeveloperError
from tests.integration.database.world import World, small, touched

BIG: Any = lambda q: q.field("n") >= 100


@pytest.fixture
async def hundred(world: World) -> World:
    """A hundred users with n from 0 to 99, every tenth of team x."""

    async def fill(db: DatabaseWriter) -> None:
        for n in range(100):
            await db.insert("users", {"name": f"n{n:02}", "n": n, "team": "x" if n % 10 == 0 else "y"})

    await world.mutate(fill)
    return world


def tens(db: DatabaseReader) -> Query:
    return db.query("users").filter(lambda q: q.field("team") == "x")


def ns(found: list[dict[str, Any]]) -> list[int]:
    return [user["n"] for user in found]


async def test_every_end_sees_only_what_passes(hundred: World) -> None:
    async def ends(db: DatabaseReader) -> list[Any]:
        return [
            ns(await tens(db).collect()),
            ns(await tens(db).take(3)),
            ns(await tens(db).take(100)),
            ns(await tens(db).order("desc").take(2)),
            ns(await db.query("users").order("desc").filter(lambda q: q.field("n") < 3).collect()),
            (await tens(db).first() or {})["n"],
            await tens(db).filter(BIG).first(),
            (await tens(db).filter(lambda q: q.field("n") > 85).unique() or {})["n"],
            await tens(db).count(),
            [user["n"] async for user in tens(db)],
            ns(await db.query("users").with_index("by_name", lambda q: q.gt("name", "n90")).filter(BIG).collect()),
        ]

    every = list(range(0, 100, 10))
    assert await hundred.read(ends) == [
        every,
        [0, 10, 20],
        every,
        [90, 80],
        [2, 1, 0],
        0,
        None,
        90,
        10,
        every,
        [],
    ]


async def test_what_a_filter_keeps_out_counts_as_read(hundred: World) -> None:
    hundred.db.limits = small(documents_read=50)
    assert ns(await hundred.read(lambda db: tens(db).take(5))) == [0, 10, 20, 30, 40]
    with pytest.raises(DeveloperError, match="Too many documents read"):
        await hundred.read(lambda db: tens(db).take(6))


async def test_an_error_comes_when_its_document_is_reached(hundred: World) -> None:
    await hundred.mutate(lambda db: db.insert("users", {"name": "odd", "n": "many"}))

    def doubled(db: DatabaseReader) -> Query:
        return db.query("users").filter(lambda q: q.field("n") * 2 < 20)

    assert ns(await hundred.read(lambda db: doubled(db).take(10))) == list(range(10))
    with pytest.raises(DeveloperError, match="Cannot mul") as raised:
        await hundred.read(lambda db: doubled(db).collect())
    assert raised.value.code == "EvalError"


async def test_a_write_that_the_filter_keeps_out_touches_nobody(hundred: World) -> None:
    found, ranges = await hundred.watch(lambda db: tens(db).collect())
    ten, eleven = found[1]["_id"], (await hundred.all("users"))[11]["_id"]

    async def touches(change: Any) -> bool:
        return touched(ranges, await hundred.touches(change))

    assert not await touches(lambda db: db.insert("users", {"team": "y"}))
    assert not await touches(lambda db: db.patch(eleven, {"n": 5}))
    assert not await touches(lambda db: db.delete(eleven))
    assert await touches(lambda db: db.insert("users", {"team": "x"}))
    assert await touches(lambda db: db.patch(ten, {"n": 5}))
    assert await touches(lambda db: db.patch(ten, {"team": "y"}))
    assert not await touches(lambda db: db.patch(ten, {"n": 6}))
    assert await touches(lambda db: db.patch(ten, {"team": "x"}))
    assert await touches(lambda db: db.delete(ten))


async def test_a_filtered_take_ends_at_its_last(hundred: World) -> None:
    _, ranges = await hundred.watch(lambda db: tens(db).take(2))
    users = await hundred.all("users")
    behind, before = users[11], users[5]
    assert not touched(ranges, await hundred.touches(lambda db: db.patch(behind["_id"], {"team": "x"})))
    assert touched(ranges, await hundred.touches(lambda db: db.patch(before["_id"], {"team": "x"})))


async def test_moving_through_an_index_is_seen_by_those_who_let_it_through(hundred: World) -> None:
    def low(db: DatabaseReader) -> Any:
        return db.query("users").with_index("by_name", lambda q: q.lt("name", "n10")).filter(BIG).collect()

    _, ranges = await hundred.watch(low)
    user = (await hundred.all("users"))[50]
    assert not touched(ranges, await hundred.touches(lambda db: db.patch(user["_id"], {"n": 200})))
    assert touched(ranges, await hundred.touches(lambda db: db.patch(user["_id"], {"name": "n00"})))
    assert touched(ranges, await hundred.touches(lambda db: db.patch(user["_id"], {"n": 1})))
    assert not touched(ranges, await hundred.touches(lambda db: db.patch(user["_id"], {"name": "n50"})))


async def test_reading_the_same_range_by_two_filters_depends_on_all_of_it(hundred: World) -> None:
    async def both(db: DatabaseReader) -> None:
        await tens(db).collect()
        await db.query("users").filter(BIG).collect()

    _, ranges = await hundred.watch(both)
    assert touched(ranges, await hundred.touches(lambda db: db.insert("users", {"team": "z", "n": 1})))


async def test_own_writes_are_filtered_too(hundred: World) -> None:
    async def change(db: DatabaseWriter) -> list[int]:
        first = await tens(db).first() or {}
        await db.patch(first["_id"], {"team": "y"})
        await db.insert("users", {"name": "new", "n": 100, "team": "x"})
        return ns(await tens(db).collect())

    assert await hundred.mutate(change) == [*range(10, 101, 10)]


async def test_builders_with_filters(hundred: World) -> None:
    async def reuse(db: DatabaseReader) -> None:
        query = db.query("users")
        query.filter(BIG)
        query.filter(BIG)

    with pytest.raises(DeveloperError, match="can only be chained once"):
        await hundred.read(reuse)
    with pytest.raises(DeveloperError, match=r"with_index\(\) comes once, and before order\(\) and filter\(\)"):
        await hundred.read(lambda db: db.query("users").filter(BIG).with_index("by_name").collect())

    def many(db: DatabaseReader, count: int) -> Query:
        query = db.query("users")
        for _ in range(count):
            query = query.filter(lambda q: True)
        return query

    assert len(await hundred.read(lambda db: many(db, 256).collect())) == 100
    with pytest.raises(DeveloperError, match=r"Too many operators in one query \(limit: 256\)") as raised:
        await hundred.read(lambda db: many(db, 257).collect())
    assert raised.value.code == "TooManyOperators"


async def test_a_table_that_does_not_exist_filters_nothing(world: World) -> None:
    assert await world.read(lambda db: db.query("ghosts").filter(BIG).collect()) == []
