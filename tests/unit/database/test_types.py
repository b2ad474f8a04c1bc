# ruff: noqa: F821, UP037 - Id["users"] names a table, not a type
"""What type checkers make of `ctx.db`: they check this file, and running it shows that it is right."""

from typing import Any, Literal, TypedDict, assert_type

from reactor.database.reader import DatabaseReader
from reactor.database.writer import DatabaseWriter
from reactor.values import UNSET, Id
from tests.unit.database.test_transaction import begun


class User(TypedDict):
    name: str


async def test_an_id_has_the_type_of_its_table() -> None:
    db = DatabaseWriter(begun())
    user_id = await db.insert("users", {"name": "Ada"})
    assert_type(user_id, Literal["users"])
    table = str.lower("Notes")
    assert_type(await db.insert(table, {"text": "a"}), str)
    kept: Id["users"] = user_id
    wrong: Id["notes"] = user_id  # pyright: ignore[reportAssignmentType]
    assert kept == wrong != "users"


async def create(db: DatabaseWriter, name: str) -> Id["users"]:
    return await db.insert("users", {"name": name})


async def test_calls_take_ids_texts_and_typed_dicts() -> None:
    db = DatabaseWriter(begun())
    id = await create(db, "Ada")
    text: str = id
    user = User(name="Bob")
    await db.insert("users", user)
    await db.patch(id, {"name": UNSET})
    await db.patch("users", text, user)
    await db.replace(id, user)
    await db.replace("users", text, user)
    for found in (await db.get(id), await db.get(text), await db.get("users", id)):
        assert_type(found, dict[str, Any] | None)
        assert found is not None and found["name"] == "Bob"
    await db.delete("users", id)
    reader: DatabaseReader = db
    assert_type(await reader.query("users").with_index("by_creation_time").order("desc").take(5), list[dict[str, Any]])
    async for document in reader.query("users"):
        assert_type(document, dict[str, Any])
