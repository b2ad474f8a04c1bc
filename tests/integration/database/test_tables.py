"""Tables and indexes: made by a schema or an insert, numbered once, filled, dropped, found again after a restart."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from reactor.database.adoption import Step
from reactor.database.database import Database
from reactor.database.writer import DatabaseWriter
from reactor.errors import DeveloperError, StoreFull
from reactor.schema import Schema, SchemaOvertaken, define_schema, define_table
from reactor.store.seam import Store
from reactor.values import v
from tests.integration.database.world import World, small

EMPTY = define_schema({})


def words(**indexes: list[str]) -> Schema:
    table = define_table(v.any())
    for name, fields in indexes.items():
        table = table.index(name, fields)
    return define_schema({"words": table})


def numbers(db: Database, name: str = "words") -> dict[str, int]:
    """What a table and its indexes are numbered."""
    table = db.catalog.table(name)
    assert table is not None
    return {"": table.number, **{index.name: index.id for index in table.indexes.values()}}


async def sorted_by(world: World, index: str, field: str) -> list[Any]:
    return [word[field] for word in await world.read(lambda db: db.query("words").with_index(index).collect())]


async def fill(world: World, count: int = 5) -> None:
    async def insert(db: DatabaseWriter) -> None:
        for number in range(count):
            await db.insert("words", {"up": number, "down": count - number})

    await world.mutate(insert)


# Tables


async def test_a_schemas_tables_exist_though_empty(world: World) -> None:
    assert world.db.catalog.number_of("users") == 10_001
    assert world.db.catalog.name_of(10_002) == "notes"
    assert world.db.catalog.number_of("ghosts") is None
    assert world.db.catalog.name_of(99) is None


async def test_a_first_insert_makes_a_table(world: World) -> None:
    async def insert(db: DatabaseWriter) -> list[Any]:
        first = await db.insert("ghosts", {"n": 1})
        second = await db.insert("ghosts", {"n": 2})
        found = await db.query("ghosts").order("desc").collect()
        return [
            db.normalize_id("ghosts", first),
            (await db.get("ghosts", second) or {})["n"],
            [row["n"] for row in found],
        ]

    id, *rest = await world.mutate(insert)
    assert rest == [2, [2, 1]]
    assert await world.read(lambda db: db.get("ghosts", id)) is not None
    assert world.db.catalog.number_of("ghosts") == 10_003


async def test_a_table_is_made_once_though_its_commit_is_not_durable_yet(world: World) -> None:
    world.gate.hold()
    jobs = [world.submit(lambda db: db.insert("ghosts", {}))]
    for _ in range(3):
        await asyncio.sleep(0)
        jobs.append(world.submit(lambda db: db.insert("ghosts", {})))

    async def see(db: DatabaseWriter) -> list[Any]:
        found = await db.query("ghosts").collect()
        assert [await db.get("ghosts", row["_id"]) for row in found] == found
        return found

    seen = world.submit(see)
    world.gate.release()
    ids = [await job.result for job in jobs]
    assert [row["_id"] for row in await world.all("ghosts")] == ids
    assert [row["_id"] for row in await seen.result] == ids
    assert [table.name for table in world.db.numbering.tables.values() if table.name[0] != "_"] == [
        "users",
        "notes",
        "ghosts",
    ]


async def test_a_first_insert_that_fails_makes_no_table(world: World) -> None:
    async def insert(db: DatabaseWriter) -> None:
        with pytest.raises(DeveloperError):
            await db.insert("ghosts", {"_x": 1})
        with pytest.raises(DeveloperError):
            await db.insert("ghosts", {"x": object()})
        await db.insert("users", {})

    await world.mutate(insert)
    assert world.db.catalog.table("ghosts") is None


async def test_a_first_insert_beyond_the_budget_makes_no_table(reopened: Callable[[], Store]) -> None:
    world = await World(reopened(), limits=small(documents_written=1)).open()

    async def insert(db: DatabaseWriter) -> None:
        await db.insert("users", {})
        with pytest.raises(DeveloperError, match="Too many writes"):
            await db.insert("ghosts", {})

    await world.mutate(insert)
    assert world.db.catalog.table("users") is not None
    assert world.db.catalog.table("ghosts") is None
    await world.close()


async def test_tables_are_found_again(reopened: Callable[[], Store]) -> None:
    world = await World(reopened()).open()
    id = await world.mutate(lambda db: db.insert("ghosts", {"n": 1}))
    before = [numbers(world.db, name) for name in ("users", "notes", "ghosts")]
    await world.close()
    world = await World(reopened()).open()
    assert [numbers(world.db, name) for name in ("users", "notes", "ghosts")] == before
    assert (await world.read(lambda db: db.get("ghosts", id)) or {})["n"] == 1
    await world.mutate(lambda db: db.insert("spirits", {}))
    used = [number for table in before for number in table.values()]
    assert not set(numbers(world.db, "spirits").values()) & set(used)
    await world.close()


async def test_a_table_that_leaves_the_schema_stays(reopened: Callable[[], Store]) -> None:
    world = await World(reopened()).open(words(by_up=["up"]))
    await fill(world)
    await world.db.adopt(EMPTY)
    assert len(await world.all("words")) == 5
    with pytest.raises(DeveloperError, match="Index words.by_up not found"):
        await sorted_by(world, "by_up", "up")
    await fill(world, 2)
    await world.db.adopt(words(by_up=["up"]))
    assert await sorted_by(world, "by_up", "up") == [0, 0, 1, 1, 2, 3, 4]
    await world.close()


async def test_there_are_so_many_tables_and_no_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reactor.database.catalog.MAX_TABLES", 3)
    await world.mutate(lambda db: db.insert("third", {}))
    with pytest.raises(DeveloperError, match=r'"fourth" would be one too many \(limit: 3\)'):
        await world.mutate(lambda db: db.insert("fourth", {}))


# Indexes


async def test_a_new_index_holds_the_documents_that_there_are(reopened: Callable[[], Store]) -> None:
    world = await World(reopened()).open(words())
    await fill(world)
    told: list[Step] = []
    await world.db.adopt(words(by_down=["down"]), progress=told.append)
    assert told == [Step("words", False, ("by_down",), None, 5)]
    assert await sorted_by(world, "by_down", "down") == [1, 2, 3, 4, 5]
    await fill(world, 2)
    assert await sorted_by(world, "by_down", "down") == [1, 1, 2, 2, 3, 4, 5]
    await world.close()

    world = await World(reopened()).open(words(by_down=["down"], by_up=["up"], by_both=["up", "down"]))
    assert await sorted_by(world, "by_down", "down") == [1, 1, 2, 2, 3, 4, 5]
    assert await sorted_by(world, "by_up", "up") == [0, 0, 1, 1, 2, 3, 4]
    assert await sorted_by(world, "by_both", "down") == [2, 5, 1, 4, 3, 2, 1]
    await world.close()


async def test_an_index_is_filled_in_pages(reopened: Callable[[], Store], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reactor.database.document_pass._PAGE", 4)
    monkeypatch.setattr("reactor.database.document_pass._PORTION", 3)
    for count in (7, 8, 9):
        world = await World(reopened()).open(words())
        await world.mutate(lambda db: clear(db))
        await fill(world, count)
        told: list[int] = []
        await world.db.adopt(words(by_down=["down"]), progress=lambda step: told.append(step.documents))
        assert told == [*range(4, count + 1, 4), count][: count // 4 + 1]
        assert await sorted_by(world, "by_down", "down") == list(range(1, count + 1))
        await world.close()


async def clear(db: DatabaseWriter) -> None:
    for word in await db.query("words").collect():
        await db.delete(word["_id"])


async def test_a_dropped_index_is_not_maintained_and_comes_back_complete(reopened: Callable[[], Store]) -> None:
    world = await World(reopened()).open(words(by_up=["up"], by_down=["down"]))
    await fill(world)
    before = numbers(world.db)
    await world.db.adopt(words(by_down=["down"]))
    with pytest.raises(DeveloperError, match="Index words.by_up not found"):
        await sorted_by(world, "by_up", "up")
    await world.mutate(lambda db: clear(db))
    await fill(world, 3)
    assert await sorted_by(world, "by_down", "down") == [1, 2, 3]
    await world.db.adopt(words(by_up=["up"], by_down=["down"]))
    after = numbers(world.db)
    assert await sorted_by(world, "by_up", "up") == [0, 1, 2]
    assert after["by_up"] not in before.values()
    assert {**after, "by_up": 0} == {**before, "by_up": 0}
    await world.close()


async def test_an_index_that_changes_its_fields_is_another(reopened: Callable[[], Store]) -> None:
    world = await World(reopened()).open(words(by=["up"]))
    await fill(world)
    old = numbers(world.db)["by"]
    await world.db.adopt(words(by=["down"]))
    assert await sorted_by(world, "by", "down") == [1, 2, 3, 4, 5]
    assert numbers(world.db)["by"] > old
    await world.mutate(lambda db: clear(db))
    await fill(world, 2)
    assert await sorted_by(world, "by", "down") == [1, 2]
    number = numbers(world.db)["by"]
    await world.close()
    world = await World(reopened()).open(words(by=["down"]))
    assert numbers(world.db)["by"] == number
    assert await sorted_by(world, "by", "down") == [1, 2]
    await world.close()


async def test_two_indexes_change_names(reopened: Callable[[], Store]) -> None:
    world = await World(reopened()).open(words(first=["up"], second=["down"]))
    await fill(world)
    await world.mutate(lambda db: db.insert("words", {"up": 9, "down": 9}))
    await world.db.adopt(words(first=["down"], second=["up"]))
    assert await sorted_by(world, "first", "down") == [1, 2, 3, 4, 5, 9]
    assert await sorted_by(world, "second", "up") == [0, 1, 2, 3, 4, 9]
    (word, *_) = await world.all("words")
    await world.mutate(lambda db: db.patch(word["_id"], {"up": 100, "down": 100}))
    assert await sorted_by(world, "first", "down") == [1, 2, 3, 4, 9, 100]
    assert await sorted_by(world, "second", "up") == [1, 2, 3, 4, 9, 100]
    await world.close()


async def test_numbers_of_indexes_are_never_used_again(reopened: Callable[[], Store]) -> None:
    used: set[int] = set()
    for round in range(4):
        world = await World(reopened()).open(words(**{f"by{round}": ["up"]}))
        number = numbers(world.db)[f"by{round}"]
        assert number not in used
        used |= set(numbers(world.db).values())
        await world.close()


async def test_an_unchanged_schema_changes_nothing(world: World) -> None:
    before = numbers(world.db, "users")
    visible = world.db.committer.visible
    id = await world.mutate(lambda db: db.insert("users", {"name": "a"}))
    await world.db.adopt(world.db.catalog.schema)
    assert numbers(world.db, "users") == before
    assert world.gate.batches == [1, 1]
    assert visible < world.db.committer.visible
    assert (await world.read(lambda db: db.get(id)) or {})["name"] == "a"


# Adopting


async def test_a_schema_that_cannot_be_made_leaves_the_old_one(reopened: Callable[[], Store]) -> None:
    world = await World(reopened()).open(words(by_up=["up"]))
    await fill(world)
    before, swaps = numbers(world.db), list[int]()
    for failure in (StoreFull("no room"), StoreFull("no room")):
        world.gate.failures.append(failure)
        with pytest.raises(StoreFull):
            await world.db.adopt(words(by_down=["down"]), swap=lambda: swaps.append(1))
    assert (numbers(world.db), swaps) == (before, [])
    await fill(world, 2)
    assert await sorted_by(world, "by_up", "up") == [0, 0, 1, 1, 2, 3, 4]
    await world.db.adopt(words(by_down=["down"]), swap=lambda: swaps.append(1))
    assert await sorted_by(world, "by_down", "down") == [1, 1, 2, 2, 3, 4, 5]
    assert swaps == [1]
    await world.close()


async def test_mutations_wait_while_a_schema_is_recorded_and_queries_do_not(world: World) -> None:
    await world.mutate(lambda db: db.insert("users", {"name": "a", "rank": 1}))
    fields = define_schema({"users": define_table(v.any()).index("by_name", ["name"]).index("by_rank", ["rank"])})
    world.gate.hold()
    adopting = asyncio.ensure_future(world.db.adopt(fields))
    while len(world.gate.batches) < 3:
        await asyncio.sleep(0)
    job = world.submit(lambda db: db.insert("users", {"name": "b", "rank": 0}))
    assert [user["name"] for user in await world.all("users")] == ["a"]
    assert (job.runs, world.db.committer.waiting) == (0, 1)
    world.gate.release()
    await adopting
    await job.result
    ranked = await world.read(lambda db: db.query("users").with_index("by_rank").collect())
    assert [user["name"] for user in ranked] == ["b", "a"]


async def test_of_several_schemas_the_last_one_wins(world: World) -> None:
    adopting = (world.db.adopt(words(**{f"by{n}": ["up"]})) for n in range(4))
    first, *overtaken, last = await asyncio.gather(*adopting, return_exceptions=True)
    assert [type(each) for each in overtaken] == [SchemaOvertaken] * 2
    assert last is None
    if world.db.store.shared:  # what is to be made is announced to the others first
        assert first is None or type(first) is SchemaOvertaken
    else:
        assert first is None, "what is recorded at once is not overtaken"
    assert set(numbers(world.db)) == {"", "by_id", "by_creation_time", "by3"}
    assert len([index for index in world.db.numbering.indexes.values() if index.name.startswith("by")]) == 1


async def test_a_document_keeps_its_place_when_indexes_change(world: World) -> None:
    """Documents in memory remember keys, which are those of the indexes at the time."""
    id = await world.mutate(lambda db: db.insert("users", {"name": "a", "team": "t", "age": 1, "rank": 7}))
    users = define_table(v.any()).index("by_rank", ["rank"]).index("by_name", ["name"])
    await world.db.adopt(define_schema({"users": users}))
    await world.mutate(lambda db: db.patch(id, {"rank": 8}))
    for index in ("by_rank", "by_name"):
        found = await world.read(lambda db, index=index: db.query("users").with_index(index).collect())
        assert [user["rank"] for user in found] == [8]


# Opening


async def test_what_fails_to_open_leaves_nothing_open(reopened: Callable[[], Store]) -> None:
    world = World(reopened())
    world.gate.failures.append(StoreFull("no room"))
    with pytest.raises(StoreFull):
        await world.open()
    await world.close()
    world = await World(reopened()).open()
    assert await world.mutate(lambda db: db.insert("users", {}))
    await world.close()


async def test_a_database_that_was_never_opened_can_be_closed(reopened: Callable[[], Store]) -> None:
    await World(reopened()).close()
