"""`ctx.db` of queries: get, normalize_id, and what is wrong with their arguments."""

import re
from typing import Any

import pytest

from reactor.database.reader import DatabaseReader
from reactor.errors import DeveloperError
from reactor.values import encode_id
from tests.integration.database.world import World

ELSEWHERE = encode_id(12345, bytes(16))
"""An id of a table that does not exist."""


async def test_get_gives_the_document_or_none(world: World) -> None:
    id = await world.mutate(lambda db: db.insert("users", {"name": "Ada", "tags": ["a", {"b": 1}]}))
    (document,) = await world.all("users")
    assert document == {"_id": id, "_creationTime": document["_creationTime"], "name": "Ada", "tags": ["a", {"b": 1}]}
    assert await world.read(lambda db: db.get(id)) == document
    assert await world.read(lambda db: db.get("users", id)) == document
    await world.mutate(lambda db: db.delete(id))
    assert await world.read(lambda db: db.get(id)) is None
    assert await world.read(lambda db: db.get("users", id)) is None


async def test_documents_are_copies(world: World) -> None:
    id = await world.mutate(lambda db: db.insert("users", {"name": "Ada", "tags": ["a"]}))

    async def spoil(db: DatabaseReader) -> list[dict[str, Any] | None]:
        for _ in range(2):
            for document in [await db.get(id), *await db.query("users").collect(), await db.query("users").first()]:
                assert document is not None
                document["name"] = "Eve"
                document["tags"].append("b")
        return [await db.get(id), *await db.query("users").collect()]

    for document in await world.read(spoil):
        assert document is not None
        assert (document["name"], document["tags"]) == ("Ada", ["a"])


async def test_an_id_of_a_table_that_does_not_exist_has_no_document(world: World) -> None:
    assert await world.read(lambda db: db.get(ELSEWHERE)) is None
    with pytest.raises(
        DeveloperError, match=f'expected to be an Id<"users">, got another table instead \\("{ELSEWHERE}"\\)'
    ):
        await world.read(lambda db: db.get("users", ELSEWHERE))


async def test_an_id_of_another_table_is_refused_where_the_table_is_named(world: World) -> None:
    id = await world.mutate(lambda db: db.insert("users", {}))
    with pytest.raises(
        DeveloperError, match=f'expected to be an Id<"notes">, got Id<"users"> instead \\("{id}"\\)'
    ) as raised:
        await world.read(lambda db: db.get("notes", id))
    assert raised.value.code == "InvalidTable"


@pytest.mark.parametrize("text", ["", "users", "x" * 32, "x" * 100, ELSEWHERE.upper(), ELSEWHERE + "0", "é" * 32])
async def test_text_that_is_no_id_cannot_be_decoded(world: World, text: str) -> None:
    message = f'Invalid argument `id` for `db.get`: Unable to decode ID "{text[:64]}"'
    with pytest.raises(DeveloperError, match=re.escape(message)) as raised:
        await world.read(lambda db: db.get(text))
    assert raised.value.code == "InvalidId"


@pytest.mark.parametrize("wrong", [None, 7, 7.0, b"id", ["id"], {"_id": "id"}])
async def test_what_is_not_text_is_no_id(world: World, wrong: Any) -> None:
    for call in (lambda db: db.get(wrong), lambda db: db.get("users", wrong)):
        with pytest.raises(
            DeveloperError, match="Must provide arg 1 `id` to `get`.* not " + type(wrong).__name__
        ) as raised:
            await world.read(call)
        assert raised.value.code == "TypeError"


async def test_normalize_id_knows_the_ids_of_a_table(world: World) -> None:
    id = await world.mutate(lambda db: db.insert("users", {}))

    async def normalize(db: DatabaseReader) -> list[str | None]:
        texts = [(table, text) for table in ("users", "notes", "ghosts") for text in (id, ELSEWHERE, "users", "")]
        return [db.normalize_id(table, text) for table, text in texts]

    assert (await world.watch(normalize)) == ([id, *[None] * 11], [])


async def test_normalize_id_refuses_what_cannot_be_meant(world: World) -> None:
    async def of_system(db: DatabaseReader) -> str | None:
        return db.normalize_id("_storage", ELSEWHERE)

    async def of_nothing(db: DatabaseReader) -> str | None:
        return db.normalize_id("users", None)  # pyright: ignore[reportArgumentType]

    with pytest.raises(DeveloperError, match="System tables can only be accessed with db.system"):
        await world.read(of_system)

    async def in_nothing(db: DatabaseReader) -> str | None:
        return db.normalize_id(None, ELSEWHERE)  # pyright: ignore[reportArgumentType]

    with pytest.raises(DeveloperError, match="Must provide arg 1 `id` to `normalize_id`"):
        await world.read(of_nothing)
    with pytest.raises(DeveloperError, match="takes the name of a table, not NoneType") as raised:
        await world.read(in_nothing)
    assert raised.value.code == "TypeError"


async def test_query_takes_the_name_of_a_users_table(world: World) -> None:
    with pytest.raises(DeveloperError, match="System tables can only be accessed with db.system") as raised:
        await world.read(lambda db: db.query("_storage").collect())
    assert raised.value.code == "SystemTable"
    with pytest.raises(DeveloperError, match="the name of a table, not int"):
        await world.read(lambda db: db.query(7).collect())  # pyright: ignore[reportArgumentType]
