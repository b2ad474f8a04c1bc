"""`ctx.db` of mutations: insert, patch, replace, delete, and every rule about them."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from reactor.database.writer import DatabaseWriter
from reactor.errors import DeveloperError, InvalidValue
from reactor.schema import SchemaMismatch
from reactor.store.seam import Store
from reactor.values import UNSET, Int64, encode_id, table_of
from tests.integration.database.world import World, small, touched

NOBODY = encode_id(10_001, bytes(16))
"""An id of the first table, which no document has."""
ELSEWHERE = encode_id(12_345, bytes(16))
"""An id of a table that does not exist."""


async def stored(world: World, id: str) -> dict[str, Any]:
    document = await world.read(lambda db: db.get(id))
    assert document is not None
    return document


async def own(world: World, id: str) -> dict[str, Any]:
    """A document's fields without the system's."""
    return {name: value for name, value in (await stored(world, id)).items() if not name.startswith("_")}


# Insert


async def test_insert_gives_id_and_creation_time(world: World) -> None:
    before = world.db.now()
    id = await world.mutate(lambda db: db.insert("users", {"name": "Ada", "age": Int64(7), "none": None}))
    document = await stored(world, id)
    assert document == {"name": "Ada", "age": 7, "none": None, "_id": id, "_creationTime": document["_creationTime"]}
    assert isinstance(document["age"], Int64)
    assert before <= document["_creationTime"] <= world.db.now()
    assert table_of(id) == world.db.catalog.number_of("users")


async def test_unset_members_are_left_out(world: World) -> None:
    id = await world.mutate(lambda db: db.insert("users", {"name": UNSET, "deep": {"a": 1, "b": UNSET}}))
    assert await own(world, id) == {"deep": {"a": 1}}


async def test_unset_members_of_nested_objects_are_left_out(world: World) -> None:
    id = await world.mutate(lambda db: db.insert("users", {"deep": {"a": 1}}))
    await world.mutate(lambda db: db.patch(id, {"deep": {"b": UNSET, "list": [{"c": UNSET, "d": 1}]}}))
    assert await own(world, id) == {"deep": {"list": [{"d": 1}]}}
    await world.mutate(lambda db: db.replace(id, {"deep": {"b": UNSET}}))
    assert await own(world, id) == {"deep": {}}
    with pytest.raises(InvalidValue, match="UNSET means 'no such field'"):
        await world.mutate(lambda db: db.patch(id, {"deep": [UNSET]}))


async def test_what_was_given_is_not_kept(world: World) -> None:
    given = {"tags": ["a"]}
    id = await world.mutate(lambda db: db.insert("users", given))
    given["tags"].append("b")
    assert await own(world, id) == {"tags": ["a"]}
    await world.mutate(lambda db: db.patch(id, given))
    given["tags"].clear()
    assert given == {"tags": []}
    assert await own(world, id) == {"tags": ["a", "b"]}


@pytest.mark.parametrize("wrong", [None, 7, "text", ["name"], b"x", {"name"}])
async def test_a_document_is_a_dict(world: World, wrong: Any) -> None:
    id = await world.mutate(lambda db: db.insert("users", {}))
    for call in (
        lambda db: db.insert("users", wrong),
        lambda db: db.patch("users", id, wrong),
        lambda db: db.replace("users", id, wrong),
    ):
        with pytest.raises(DeveloperError, match="needs a document, which is a dict") as raised:
            await world.mutate(call)
        assert raised.value.code == "TypeError"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"when": object()}, "object"),
        ({"n": 2**53 + 1}, "Int64"),
        ({"text": "\ud800"}, "surrogate"),
        ({"$no": 1}, r"\$no"),
        ({1: 1}, "1"),
    ],
)
async def test_a_document_holds_values(world: World, value: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        await world.mutate(lambda db: db.insert("users", value))
    assert await world.all("users") == []


async def test_a_document_has_at_most_a_megabyte(world: World) -> None:
    await world.mutate(lambda db: db.insert("users", {"text": "x" * (2**20 - 100)}))
    with pytest.raises(InvalidValue, match=r"is too large \(.* > maximum size 1 MiB\)") as raised:
        await world.mutate(lambda db: db.insert("users", {"text": "x" * 2**20}))
    assert raised.value.code == "ValueTooLargeError"


@pytest.mark.parametrize(
    ("fields", "code"),
    [({"_id": NOBODY}, "InvalidIdError"), ({"_creationTime": 1.0}, "InvalidCreationTimeError")],
)
async def test_system_fields_are_not_chosen(world: World, fields: dict[str, Any], code: str) -> None:
    with pytest.raises(DeveloperError, match=f'to insert into "users" has `{next(iter(fields))}`') as raised:
        await world.mutate(lambda db: db.insert("users", fields))
    assert raised.value.code == code
    await world.mutate(lambda db: db.insert("users", dict.fromkeys(fields, UNSET)))


@pytest.mark.parametrize("name", ["_x", "_", "_ID"])
async def test_other_fields_do_not_begin_with_an_underscore(world: World, name: str) -> None:
    id = await world.mutate(lambda db: db.insert("users", {"deep": {name: "is fine"}}))
    for call in (
        lambda db: db.insert("users", {name: 1}),
        lambda db: db.patch(id, {name: 1}),
        lambda db: db.replace(id, {name: 1}),
    ):
        with pytest.raises(DeveloperError, match="only allowed for system fields like '_id'") as raised:
            await world.mutate(call)
        assert raised.value.code == "InvalidDocumentError"
    await world.mutate(lambda db: db.patch(id, {name: UNSET}))
    await world.mutate(lambda db: db.replace(id, {name: UNSET}))
    assert await own(world, id) == {}


@pytest.mark.parametrize("table", ["_storage", "_scheduled_functions", "_"])
async def test_system_tables_are_read_only(world: World, table: str) -> None:
    for call in (
        lambda db: db.insert(table, {}),
        lambda db: db.patch(table, NOBODY, {}),
        lambda db: db.replace(table, NOBODY, {}),
        lambda db: db.delete(table, NOBODY),
    ):
        with pytest.raises(DeveloperError, match=r"System tables \(prefixed with `_`\) are read-only") as raised:
            await world.mutate(call)
        assert raised.value.code == "SystemTable"


@pytest.mark.parametrize("table", ["", "1st", "a b", "a-b", "x" * 65, "é", "a.b"])
async def test_a_new_table_has_an_identifier_as_name(world: World, table: str) -> None:
    with pytest.raises(DeveloperError, match="cannot be the name of a table") as raised:
        await world.mutate(lambda db: db.insert(table, {}))
    assert raised.value.code == "InvalidTableName"
    with pytest.raises(DeveloperError, match="by its name, not by int"):
        await world.mutate(lambda db: db.insert(7, {}))  # pyright: ignore[reportCallIssue,reportArgumentType]


async def test_documents_are_as_their_table_declares(world: World) -> None:
    id = await world.mutate(lambda db: db.insert("notes", {"text": "a"}))
    for call in (
        lambda db: db.insert("notes", {"text": 1}),
        lambda db: db.insert("notes", {}),
        lambda db: db.insert("notes", {"text": "a", "more": 1}),
        lambda db: db.insert("notes", {"text": "a", "owner": id}),
        lambda db: db.patch(id, {"text": UNSET}),
        lambda db: db.patch(id, {"more": 1}),
        lambda db: db.replace(id, {"text": 1}),
    ):
        with pytest.raises(SchemaMismatch, match='Failed to insert or update a document in table "notes"') as raised:
            await world.mutate(call)
        assert raised.value.code == "SchemaEnforcementError"
    assert await own(world, id) == {"text": "a"}


# Patch and replace


async def test_patch_merges_at_the_top(world: World) -> None:
    id = await world.mutate(lambda db: db.insert("users", {"a": 1, "b": {"x": 1, "y": 2}, "c": 3, "d": 4}))
    changes = {"b": {"x": 5}, "c": UNSET, "d": None, "e": "new", "missing": UNSET}
    await world.mutate(lambda db: db.patch(id, changes))
    assert await own(world, id) == {"a": 1, "b": {"x": 5}, "d": None, "e": "new"}
    await world.mutate(lambda db: db.patch("users", id, {"a": 2}))
    assert (await own(world, id))["a"] == 2


async def test_replace_stores_what_is_given(world: World) -> None:
    id = await world.mutate(lambda db: db.insert("users", {"a": 1, "b": 2}))
    born = (await stored(world, id))["_creationTime"]
    await world.mutate(lambda db: db.replace(id, {"c": 3, "d": UNSET}))
    assert await stored(world, id) == {"_id": id, "_creationTime": born, "c": 3}
    await world.mutate(lambda db: db.replace("users", id, {}))
    assert await stored(world, id) == {"_id": id, "_creationTime": born}


async def test_system_fields_may_be_given_when_they_are_the_same(world: World) -> None:
    id = await world.mutate(lambda db: db.insert("users", {"a": 1}))
    before = await stored(world, id)
    await world.mutate(lambda db: db.patch(id, {**before, "a": 2}))
    await world.mutate(lambda db: db.replace(id, {**before, "b": 3}))
    await world.mutate(lambda db: db.patch(id, {"_id": UNSET, "_creationTime": UNSET}))
    await world.mutate(lambda db: db.replace(id, {"_id": UNSET, "_creationTime": UNSET, "a": 1, "b": 3}))
    assert await stored(world, id) == {**before, "b": 3}


async def test_system_fields_never_change(world: World) -> None:
    id = await world.mutate(lambda db: db.insert("users", {}))
    born = (await stored(world, id))["_creationTime"]
    cases: list[tuple[dict[str, Any], str]] = [
        ({"_id": NOBODY}, "InvalidIdError"),
        ({"_id": None}, "InvalidIdError"),
        ({"_creationTime": 1.0}, "InvalidCreationTimeError"),
        ({"_creationTime": str(born)}, "InvalidCreationTimeError"),
        ({"_creationTime": object()}, "InvalidCreationTimeError"),
    ]
    for fields, code in cases:
        for call in (lambda db, f=fields: db.patch(id, f), lambda db, f=fields: db.replace(id, f)):
            with pytest.raises(DeveloperError, match="of a document never changes") as raised:
                await world.mutate(call)
            assert raised.value.code == code


# What is not there


@pytest.mark.parametrize("id", [NOBODY, ELSEWHERE])
async def test_missing_documents_cannot_be_written(world: World, id: str) -> None:
    for title, call in (
        ("Update", lambda db: db.patch(id, {})),
        ("Replace", lambda db: db.replace(id, {})),
        ("Delete", lambda db: db.delete(id)),
    ):
        with pytest.raises(DeveloperError, match=f"^{title} on nonexistent document ID {id}$") as raised:
            await world.mutate(call)
        assert raised.value.code == "NonexistentDocument"


async def test_a_document_can_be_deleted_once(world: World) -> None:
    id = await world.mutate(lambda db: db.insert("users", {}))

    async def twice(db: DatabaseWriter) -> None:
        await db.delete("users", id)
        assert await db.get(id) is None
        await db.delete(id)

    with pytest.raises(DeveloperError, match=f"Delete on nonexistent document ID {id}"):
        await world.mutate(twice)
    assert await world.read(lambda db: db.get(id)) is not None
    await world.mutate(lambda db: db.delete(id))
    assert await world.all("users") == []


async def test_ids_of_other_tables_are_refused_where_the_table_is_named(world: World) -> None:
    id = await world.mutate(lambda db: db.insert("users", {}))
    for call in (
        lambda db: db.patch("notes", id, {}),
        lambda db: db.replace("notes", id, {}),
        lambda db: db.delete("notes", id),
    ):
        with pytest.raises(DeveloperError, match='expected to be an Id<"notes">, got Id<"users"> instead') as raised:
            await world.mutate(call)
        assert raised.value.code == "InvalidTable"


async def test_ids_are_text_that_can_be_decoded(world: World) -> None:
    calls: dict[str, list[Any]] = {
        "patch": [lambda db, id: db.patch(id, {}), lambda db, id: db.patch("users", id, {})],
        "replace": [lambda db, id: db.replace(id, {}), lambda db, id: db.replace("users", id, {})],
        "delete": [lambda db, id: db.delete(id), lambda db, id: db.delete("users", id)],
    }
    for method, (short, long) in calls.items():
        for call in (short, long):
            with pytest.raises(DeveloperError, match=re.escape(f'for `db.{method}`: Unable to decode ID "nonsense"')):
                await world.mutate(lambda db, call=call: call(db, "nonsense"))
            with pytest.raises(DeveloperError, match=f"Must provide arg 1 `id` to `{method}`.*NoneType"):
                await world.mutate(lambda db, call=call: call(db, None))


async def test_a_call_without_document_says_so(world: World) -> None:
    id = await world.mutate(lambda db: db.insert("users", {}))
    wrong: Any = "text"
    for call in (
        lambda db: db.patch("users", id),
        lambda db: db.patch(id, wrong),
        lambda db: db.patch(id, None),
    ):
        with pytest.raises(DeveloperError, match=r"`db.patch\(id, ...\)` needs a document"):
            await world.mutate(call)
    with pytest.raises(DeveloperError, match="Must provide arg 1 `id` to `patch`.*NoneType"):
        await world.mutate(lambda db: db.patch(None, wrong))  # pyright: ignore[reportCallIssue, reportArgumentType]


# What writes cost


async def test_unchanged_documents_are_not_written(world: World) -> None:
    values = {"n": 1, "f": 2.0, "t": "x", "deep": {"list": [1, 2.0, None]}, "nan": float("nan"), "big": 10**16}
    id = await world.mutate(lambda db: db.insert("users", values))
    same = {"n": 1.0, "f": 2, "deep": {"list": [1.0, 2, None]}, "nan": float("nan"), "big": 1e16, "none": UNSET}
    document, _ = await world.watch(lambda db: db.get(id))
    for call in (
        lambda db: db.patch(id, {}),
        lambda db: db.patch(id, {"n": 1}),
        lambda db: db.patch(id, same),
        lambda db: db.replace(id, values),
        lambda db: db.replace(id, {**same, "t": "x"}),
        lambda db: db.replace(id, document),
    ):
        assert await world.touches(call) == []
    for changes in ({"n": Int64(1)}, {"n": True}, {"n": 2}, {"f": -0.0}, {"n": "1"}, {"nan": None}):
        assert await world.touches(lambda db, changes=changes: db.patch(id, changes)) != []


async def test_minus_zero_is_another_number(world: World) -> None:
    id = await world.mutate(lambda db: db.insert("users", {"n": 0}))
    assert await world.touches(lambda db: db.patch(id, {"n": 0.0})) == []
    assert await world.touches(lambda db: db.patch(id, {"n": -0.0})) != []


async def test_a_document_that_ends_as_it_was_is_not_written(world: World) -> None:
    id = await world.mutate(lambda db: db.insert("users", {"n": 1}))

    async def there_and_back(db: DatabaseWriter) -> None:
        await db.patch(id, {"n": 2})
        await db.patch(id, {"n": 1})
        await db.delete(await db.insert("users", {"n": 3}))

    commits = world.db.committer.commits
    assert await world.touches(there_and_back) == []
    assert world.db.committer.commits == commits


async def test_a_write_touches_what_was_and_what_is(world: World) -> None:
    ada = await world.mutate(lambda db: db.insert("users", {"name": "Ada", "team": "x", "age": 1}))
    _, named = await world.watch(
        lambda db: db.query("users").with_index("by_name", lambda q: q.eq("name", "Ada")).collect()
    )
    _, other = await world.watch(
        lambda db: db.query("users").with_index("by_name", lambda q: q.eq("name", "Bob")).collect()
    )
    _, got = await world.watch(lambda db: db.get(ada))
    for change, of_named, of_other in (
        ({"age": 2}, True, False),
        ({"name": "Bob"}, True, True),
        ({"age": 3}, False, True),
    ):
        touches = await world.touches(lambda db, change=change: db.patch(ada, change))
        assert (touched(named, touches), touched(other, touches)) == (of_named, of_other)
        assert touched(got, touches)
    assert touched(got, await world.touches(lambda db: db.delete(ada)))


# One transaction


async def test_own_writes_are_visible_at_once(world: World) -> None:
    old = await world.mutate(lambda db: db.insert("users", {"name": "old"}))

    async def write(db: DatabaseWriter) -> list[list[str]]:
        seen: list[list[str]] = []

        async def look() -> None:
            found = await db.query("users").with_index("by_name").collect()
            assert [await db.get(user["_id"]) for user in found] == found
            seen.append([user["name"] for user in found])

        await look()
        new = await db.insert("users", {"name": "new"})
        await look()
        await db.patch(old, {"name": "zzz"})
        await look()
        await db.replace(new, {"name": "aaa"})
        await look()
        await db.delete(old)
        await look()
        return seen

    assert await world.mutate(write) == [["old"], ["new", "old"], ["new", "zzz"], ["aaa", "zzz"], ["aaa"]]
    assert [user["name"] for user in await world.all("users")] == ["aaa"]


async def test_a_failed_mutation_leaves_nothing(world: World) -> None:
    id = await world.mutate(lambda db: db.insert("users", {"n": 1}))

    async def fail(db: DatabaseWriter) -> None:
        await db.patch(id, {"n": 2})
        await db.insert("users", {})
        await db.insert("ghosts", {})
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await world.mutate(fail)
    assert [user["n"] for user in await world.all("users")] == [1]
    assert world.db.catalog.table("ghosts") is None


async def test_an_error_that_is_caught_costs_only_its_call(world: World) -> None:
    async def go_on(db: DatabaseWriter) -> str:
        id = await db.insert("users", {"n": 1})
        for call in (
            db.patch(id, {"_x": 1}),
            db.patch(NOBODY, {}),
            db.insert("notes", {}),
            db.replace(id, {"a": object()}),
        ):
            with pytest.raises(DeveloperError):
                await call
        await db.patch(id, {"n": 2})
        return id

    id = await world.mutate(go_on)
    assert await own(world, id) == {"n": 2}
    assert await world.all("notes") == []


async def test_a_nested_mutation_can_be_taken_back(world: World) -> None:
    kept = await world.mutate(lambda db: db.insert("users", {"name": "kept", "n": 0}))

    async def outer(db: DatabaseWriter) -> list[Any]:
        tx = db._tx  # pyright: ignore[reportPrivateUsage]
        await db.patch(kept, {"n": 1})
        tx.push()
        await db.patch(kept, {"n": 2})
        inner = await db.insert("users", {"name": "inner"})
        tx.push()
        await db.delete(kept)
        await db.patch(inner, {"name": "innermost"})
        await db.insert("ghosts", {})
        tx.pop(keep=False)
        first = [(user["name"], user.get("n")) for user in await db.query("users").with_index("by_name").collect()]
        tx.pop(keep=True)
        tx.push()
        await db.patch(inner, {"name": "gone"})
        await db.delete(kept)
        tx.pop(keep=False)
        last = [(user["name"], user.get("n")) for user in await db.query("users").with_index("by_name").collect()]
        return [first, last, await db.query("ghosts").collect()]

    names = [("inner", None), ("kept", 2)]
    assert await world.mutate(outer) == [names, names, []]
    assert [(user["name"], user.get("n")) for user in await world.all("users")] == [("kept", 2), ("inner", None)]
    assert world.db.catalog.table("ghosts") is None


async def test_a_table_that_was_taken_back_can_come_to_exist_again(world: World) -> None:
    async def outer(db: DatabaseWriter) -> str:
        tx = db._tx  # pyright: ignore[reportPrivateUsage]
        tx.push()
        lost = await db.insert("ghosts", {"name": "lost"})
        assert await db.get(lost) is not None
        tx.pop(keep=False)
        assert await db.get(lost) is None
        assert db.normalize_id("ghosts", lost) is None
        with pytest.raises(DeveloperError, match="Delete on nonexistent document ID"):
            await db.delete(lost)
        return await db.insert("ghosts", {"name": "kept"})

    kept = await world.mutate(outer)
    assert [ghost["name"] for ghost in await world.all("ghosts")] == ["kept"]
    assert await world.read(lambda db: db.get("ghosts", kept)) is not None


async def test_what_was_taken_back_stays_spent(reopened: Callable[[], Store]) -> None:
    world = await World(reopened(), limits=small(documents_written=3)).open()

    async def outer(db: DatabaseWriter) -> None:
        tx = db._tx  # pyright: ignore[reportPrivateUsage]
        tx.push()
        await db.delete(await db.insert("users", {}))
        tx.pop(keep=False)
        id = await db.insert("users", {})
        for _ in range(2):
            with pytest.raises(DeveloperError, match=r"Too many writes .*\(limit: 3\)") as raised:
                await db.patch(id, {"n": 1})
            assert raised.value.code == "TooManyWrites"
        await db.patch(id, {})  # changes nothing, so it is no write

    await world.mutate(outer)
    assert len(await world.all("users")) == 1
    await world.close()


async def test_what_was_taken_back_stays_read(world: World) -> None:
    kept = await world.mutate(lambda db: db.insert("users", {"n": 0}))
    ranges: list[Any] = []

    async def outer(db: DatabaseWriter) -> None:
        tx = db._tx  # pyright: ignore[reportPrivateUsage]
        tx.push()
        await db.delete(kept)
        tx.pop(keep=False)
        ranges.extend(tx.reads.ranges())

    assert await world.touches(outer) == []
    assert touched(ranges, await world.touches(lambda db: db.delete(kept)))
