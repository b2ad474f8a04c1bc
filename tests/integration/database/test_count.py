"""Counting ranges without loading documents, live like any other read."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.database import counting
from reactor.database.reader import DatabaseReader
from reactor.database.writer import DatabaseWriter
from reactor.store.memory import MemoryStore
from tests.integration.database.world import World, small, touched


async def fill(world: World, count: int) -> list[str]:
    async def insert(db: DatabaseWriter) -> list[str]:
        return [await db.insert("users", {"name": f"n{n:03}"}) for n in range(count)]

    return await world.mutate(insert)


async def test_ranges_are_counted_in_pages(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = await fill(world, 25)
    monkeypatch.setattr(counting, "_PAGE", 5)
    monkeypatch.setattr(counting, "_IDS", 5)

    async def count(db: DatabaseReader) -> list[int]:
        return [
            await db.query("users").count(),
            await db.query("users").order("desc").count(),
            await db.query("users").with_index("by_name", lambda q: q.gte("name", "n005").lt("name", "n020")).count(),
            await db.query("users").with_index("by_name", lambda q: q.eq("name", "nobody")).count(),
            await db.query("users").with_index("by_name", lambda q: q.gt("name", "b").lt("name", "a")).count(),
            await db.query("users").with_index("by_id").count(),
            await db.query("users").with_index("by_id", lambda q: q.eq("_id", ids[3])).count(),
            await db.query("notes").count(),
            await db.query("ghosts").count(),
        ]

    assert await world.read(count) == [25, 25, 15, 0, 0, 25, 1, 0, 0]


async def test_no_document_counts_as_read(world: World) -> None:
    await fill(world, 25)
    world.db.limits = small(documents_read=1, bytes_read=1)
    assert await world.read(lambda db: db.query("users").count()) == 25


async def test_a_count_depends_on_its_whole_range_and_on_nothing_else(world: World) -> None:
    ids = await fill(world, 5)
    _, ranges = await world.watch(
        lambda db: db.query("users").with_index("by_name", lambda q: q.gte("name", "n002")).count()
    )
    assert not touched(ranges, await world.touches(lambda db: db.insert("users", {"name": "n001x"})))
    assert not touched(ranges, await world.touches(lambda db: db.delete(ids[1])))
    assert touched(ranges, await world.touches(lambda db: db.insert("users", {"name": "z"})))
    assert touched(ranges, await world.touches(lambda db: db.delete(ids[4])))


CHANGES = st.lists(
    st.tuples(st.sampled_from(["insert", "rename", "delete", "push", "keep", "drop"]), st.integers(0, 9)), max_size=25
)


@given(CHANGES)
async def test_own_writes_are_counted(changes: list[tuple[str, int]]) -> None:
    world = await World(MemoryStore()).open()
    ids = await fill(world, 5)

    async def run(db: DatabaseWriter) -> None:
        depth = 0
        for change, number in changes:
            depth += await _apply(db, ids, change, number, depth)
            for query in (
                lambda: db.query("users"),
                lambda: db.query("users").with_index("by_id"),
                lambda: db.query("users").with_index("by_name", lambda q: q.gte("name", "n002").lt("name", "n007")),
            ):
                assert await query().count() == len(await query().collect())
        for _ in range(depth):
            db._tx.pop(keep=True)

    await world.mutate(run)
    await world.close()


async def _apply(db: DatabaseWriter, ids: list[str], change: str, number: int, depth: int) -> int:
    """Do one change; returns by how much the depth of nested mutations changes."""
    tx: Any = db._tx
    if change == "insert":
        await db.insert("users", {"name": f"n{number:03}"})
    elif change == "push":
        tx.push()
        return 1
    elif change in ("keep", "drop"):
        if depth:
            tx.pop(keep=change == "keep")
            return -1
    elif await db.get(ids[number % 5]) is not None:
        await (
            db.delete(ids[number % 5]) if change == "delete" else db.patch(ids[number % 5], {"name": f"n{number:03}"})
        )
    return 0
