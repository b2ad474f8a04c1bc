"""What counts as read: ranges that end at the last consumed key, and which later writes touch them."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from reactor.database.ranges import KeyRange
from reactor.database.reader import DatabaseReader
from reactor.database.writer import DatabaseWriter
from reactor.store.seam import CATALOG_INDEX
from reactor.values import encode_value
from tests.integration.database.world import World, touched

Read = Callable[[DatabaseReader], Awaitable[Any]]


@pytest.fixture
async def twenty(world: World) -> World:
    """Users n10 … n29."""

    async def fill(db: DatabaseWriter) -> None:
        for number in range(10, 30):
            await db.insert("users", {"name": f"n{number}"})

    await world.mutate(fill)
    return world


def by_name(db: DatabaseReader, order: Any = "asc", low: str = "", high: str = "z") -> Any:
    return db.query("users").with_index("by_name", lambda q: q.gte("name", low).lt("name", high)).order(order)


async def affected(world: World, read: Read, *names: str) -> list[bool]:
    """For each name, whether an insert of it touches what was read before."""
    _, ranges = await world.watch(read)
    return [
        touched(ranges, await world.touches(lambda db, name=name: db.insert("users", {"name": name}))) for name in names
    ]


async def test_take_depends_on_nothing_behind_its_last(twenty: World) -> None:
    names = ("a", "n185", "n19", "n195", "n25", "n30", "zz")
    expected = [True, True, False, False, False, False, False]
    assert await affected(twenty, lambda db: by_name(db).take(10), *names) == expected


async def test_a_full_page_does_not_reach_for_the_next_key(twenty: World) -> None:
    assert await affected(twenty, lambda db: by_name(db).take(20), "n295", "y") == [False, False]


async def test_a_page_that_is_not_full_depends_on_the_whole_range(twenty: World) -> None:
    assert await affected(twenty, lambda db: by_name(db).take(21), "n295", "y", "z") == [True, True, False]


async def test_collect_depends_on_the_whole_range(twenty: World) -> None:
    read: Read = lambda db: by_name(db, low="n15", high="n17").collect()
    assert await affected(twenty, read, "n149", "n15", "n1699", "n17") == [False, True, True, False]


async def test_descending_reads_end_at_their_last(twenty: World) -> None:
    names = ("zz", "y", "n205", "n20", "n199", "a")
    expected = [False, True, True, True, False, False]
    assert await affected(twenty, lambda db: by_name(db, "desc").take(10), *names) == expected


async def test_first_and_unique(twenty: World) -> None:
    assert await affected(twenty, lambda db: by_name(db, low="n15").first(), "n149", "n15", "n151") == [
        False,
        False,
        False,
    ]
    assert await affected(twenty, lambda db: by_name(db, low="n16").first(), "n1599", "n17") == [False, False]
    exactly: Read = lambda db: by_name(db, low="n20", high="n200").unique()
    assert await affected(twenty, exactly, "n20", "n199", "n21") == [True, False, False]


async def test_take_of_none_reads_nothing(twenty: World) -> None:
    assert (await twenty.watch(lambda db: by_name(db).take(0)))[1] == []


async def test_a_range_without_room_reads_nothing(twenty: World) -> None:
    assert await twenty.watch(lambda db: by_name(db, low="n20", high="n10").collect()) == ([], [])
    assert await twenty.watch(lambda db: by_name(db, low="n20", high="n20").collect()) == ([], [])


async def test_iteration_depends_on_what_was_reached(twenty: World) -> None:
    async def until(db: DatabaseReader, count: int) -> None:
        async for _ in by_name(db):
            count -= 1
            if count <= 0:
                break

    assert await affected(twenty, lambda db: until(db, 5), "n13", "n135", "n14", "n145") == [True, True, False, False]
    assert await affected(twenty, lambda db: until(db, 100), "n295", "y", "zz") == [True, True, False]

    async def untouched(db: DatabaseReader) -> None:
        aiter(by_name(db))

    assert (await twenty.watch(untouched))[1] == []


async def test_get_depends_on_its_document_alone(twenty: World) -> None:
    first, second, *_ = await twenty.all("users")
    _, ranges = await twenty.watch(lambda db: db.get(first["_id"]))
    index = twenty.db.catalog.table("users")
    assert index is not None
    assert ranges == [KeyRange(index.by_id.id, encode_value(first["_id"]), encode_value(first["_id"]) + b"\x00")]
    assert not touched(ranges, await twenty.touches(lambda db: db.patch(second["_id"], {"n": 1})))
    assert not touched(ranges, await twenty.touches(lambda db: db.insert("users", {})))
    assert touched(ranges, await twenty.touches(lambda db: db.patch(first["_id"], {"n": 1})))
    assert touched(ranges, await twenty.touches(lambda db: db.delete(first["_id"])))


async def test_a_document_that_is_missing_is_read_too(twenty: World) -> None:
    gone = await twenty.mutate(lambda db: db.insert("users", {}))
    await twenty.mutate(lambda db: db.delete(gone))
    assert len((await twenty.watch(lambda db: db.get(gone)))[1]) == 1


async def test_reads_by_id_end_at_their_last(twenty: World) -> None:
    ids = sorted(user["_id"] for user in await twenty.all("users"))
    _, ranges = await twenty.watch(lambda db: db.query("users").with_index("by_id").take(3))
    expected = [True, True, True, False, False]
    found = [touched(ranges, await twenty.touches(lambda db, id=id: db.delete(id))) for id in ids[:5]]
    assert found == expected


async def test_a_table_that_does_not_exist_is_read_by_its_name(world: World) -> None:
    _, ranges = await world.watch(lambda db: db.query("ghosts").collect())
    assert ranges == [KeyRange(CATALOG_INDEX, b"ghosts", b"ghosts\x00")]
    assert not touched(ranges, await world.touches(lambda db: db.insert("spirits", {})))
    assert touched(ranges, await world.touches(lambda db: db.insert("ghosts", {})))


async def test_reads_of_the_same_are_one_range(twenty: World) -> None:
    async def often(db: DatabaseReader) -> None:
        for _ in range(3):
            await by_name(db).take(5)
            await by_name(db, low="n12").take(5)
            await db.get((await by_name(db).first())["_id"])

    assert len((await twenty.watch(often))[1]) == 2
