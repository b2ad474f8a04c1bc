"""`ctx.db.system`: the system's tables, and that neither side reads the other's."""

from collections.abc import Callable
from typing import Any

import pytest

from reactor.database.reader import DatabaseReader
from reactor.database.system_tables import SYSTEM_TABLES
from reactor.errors import DeveloperError
from reactor.store.seam import Store
from reactor.values import encode_id
from tests.integration.database.world import World, small

FILE = encode_id(SYSTEM_TABLES["_storage"], b"f" * 16)
JOB = encode_id(SYSTEM_TABLES["_scheduled_functions"], b"j" * 16)


async def test_the_systems_tables_are_there_and_empty(world: World) -> None:
    async def look(db: DatabaseReader) -> list[Any]:
        return [
            await db.system.query("_storage").collect(),
            await db.system.query("_scheduled_functions").with_index("by_creation_time").order("desc").take(5),
            await db.system.query("_storage").with_index("by_id", lambda q: q.eq("_id", FILE)).unique(),
            await db.system.query("_storage").count(),
            await db.system.get(FILE),
            await db.system.get("_storage", FILE),
            db.system.normalize_id("_storage", FILE),
            db.system.normalize_id("_storage", JOB),
            db.system.normalize_id("_storage", "no id"),
        ]

    assert await world.read(look) == [[], [], None, 0, None, None, FILE, None, None]


async def test_their_numbers_stay_over_restarts(reopened: Callable[[], Store]) -> None:
    numbers: list[dict[str, int]] = []
    for _ in range(2):
        world = await World(reopened()).open()
        numbers.append({name: world.db.numbering.tables[name].number for name in SYSTEM_TABLES})
        await world.close()
    assert numbers == [SYSTEM_TABLES, SYSTEM_TABLES]


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (lambda db: db.get(FILE), "System tables can only be accessed with db.system"),
        (lambda db: db.get("_storage", FILE), "System tables can only be accessed with db.system"),
        (lambda db: db.query("_storage").collect(), "System tables can only be accessed with db.system"),
        (lambda db: db.system.get(USER), "db.system is for system tables .*`users` is none"),
        (lambda db: db.system.get("users", USER), "db.system is for system tables"),
        (lambda db: db.system.query("users").collect(), "db.system is for system tables"),
        (lambda db: db.system.get("_storage", JOB), 'expected to be an Id<"_storage">, got Id<"_scheduled_functions">'),
        (lambda db: db.system.get("garbage"), "`db.system.get`: Unable to decode ID"),
        (lambda db: db.system.query("_storage").with_index("by_size").collect(), "Index _storage.by_size not found"),
    ],
)
async def test_neither_reads_the_others(world: World, read: Any, text: str) -> None:
    with pytest.raises(DeveloperError, match=text):
        await world.read(read)


USER = encode_id(10_001, b"u" * 16)


@pytest.mark.parametrize(
    "write",
    [
        lambda db: db.insert("_storage", {}),
        lambda db: db.patch(FILE, {}),
        lambda db: db.replace("_storage", FILE, {}),
        lambda db: db.delete(JOB),
    ],
)
async def test_functions_do_not_write_them(world: World, write: Any) -> None:
    with pytest.raises(DeveloperError, match=r"System tables \(prefixed with `_`\) are read-only") as raised:
        await world.mutate(write)
    assert raised.value.code == "SystemTable"


async def test_they_do_not_count_as_the_applications_tables(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reactor.database.catalog.MAX_TABLES", 3)
    world.db.limits = small()
    await world.mutate(lambda db: db.insert("third", {}))
    with pytest.raises(DeveloperError, match="one too many"):
        await world.mutate(lambda db: db.insert("fourth", {}))


async def test_a_system_reader_has_no_way_to_write(world: World) -> None:
    async def look(db: DatabaseReader) -> list[bool]:
        return [hasattr(db.system, name) for name in ("insert", "patch", "replace", "delete", "system")]

    assert await world.read(look) == [False] * 5
