"""Unique indexes: what they refuse, when, and what they say."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reactor.database.writer import DatabaseWriter
from reactor.errors import DeveloperError, UniqueViolation
from reactor.schema import define_schema, define_table
from reactor.store.memory import MemoryStore
from reactor.store.seam import Store
from reactor.values import UNSET, Int64, compare, v
from tests.integration.database.world import World, small, touched

SCHEMA = define_schema(
    {
        "users": define_table(v.any())
        .unique("by_email", ["email"])
        .unique("by_seat", ["team", "place.seat"])
        .index("by_age", ["age"]),
        "notes": define_table(v.any()),
    }
)


@pytest.fixture
async def world(reopened: Callable[[], Store]) -> AsyncIterator[World]:
    world = await World(reopened()).open(SCHEMA)
    yield world
    await world.close()


async def add(world: World, **fields: Any) -> str:
    return await world.mutate(lambda db: db.insert("users", fields))


async def refused(world: World, function: Callable[[DatabaseWriter], Awaitable[Any]]) -> UniqueViolation:
    with pytest.raises(UniqueViolation) as raised:
        await world.mutate(function)
    return raised.value


async def emails(world: World) -> list[Any]:
    return [user.get("email") for user in await world.all("users")]


# What it refuses


async def test_a_second_document_with_the_same_value_is_refused(world: World) -> None:
    ada, bob = await add(world, email="ada@x"), await add(world, email="bob@x")
    for write in (
        lambda db: db.insert("users", {"email": "ada@x"}),
        lambda db: db.patch(bob, {"email": "ada@x"}),
        lambda db: db.replace("users", bob, {"email": "ada@x", "age": 3}),
    ):
        error = await refused(world, write)
        assert (error.table, error.index, error.fields, error.document_id) == ("users", "by_email", ("email",), ada)
    assert await emails(world) == ["ada@x", "bob@x"]


async def test_the_error_says_what_collides_and_what_to_do(world: World) -> None:
    ada = await add(world, email="ada@x", team="red", place={"seat": 1})
    error = await refused(world, lambda db: db.insert("users", {"email": "ada@x"}))
    assert str(error) == (
        f'Index users.by_email is unique, and document "{ada}" has the same value in `email`. Choose another one, or '
        "change or delete that document first."
    )
    error = await refused(world, lambda db: db.insert("users", {"team": "red", "place": {"seat": 1.0}}))
    assert str(error) == (
        f'Index users.by_seat is unique, and document "{ada}" has the same values in `team`, `place.seat`. Choose '
        "others, or change or delete that document first."
    )
    assert isinstance(error, DeveloperError)
    assert error.code == "UniqueViolation"


async def test_what_is_missing_or_none_never_collides(world: World) -> None:
    for _ in range(2):
        await add(world)
        await add(world, email=None)
        await add(world, email=UNSET)
        await add(world, team="red")
        await add(world, team="red", place=None)
        await add(world, team="red", place={"seat": None})
        await add(world, team="red", place="anywhere")
        await add(world, team="red", place={"seat": UNSET})
        await add(world, team=None, place={"seat": 1})
        await add(world, place={"seat": 1})
    assert len(await world.all("users")) == 20


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        (1, 1.0, True),
        (Int64(1), Int64(1), True),
        (1, Int64(1), False),
        (1, True, False),
        (0.0, -0.0, False),
        (float("nan"), float("nan"), True),
        ("a", "A", False),
        ("a", "a\x00", False),
        ("a\x00", "a", False),
        (b"a", "a", False),
        ([1, 2], [1, 2], True),
        ([1], [1, 2], False),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({}, {"a": 1}, False),
        (False, False, True),
        ("", "", True),
    ],
)
async def test_kinds_are_strict(world: World, one: Any, two: Any, same: bool) -> None:
    await add(world, email=one)
    if same:
        await refused(world, lambda db: db.insert("users", {"email": two}))
    else:
        await add(world, email=two)


async def test_all_fields_together_must_differ(world: World) -> None:
    await add(world, team="red", place={"seat": 1})
    await add(world, team="red", place={"seat": 2})
    await add(world, team="blue", place={"seat": 1, "row": 7})
    await refused(world, lambda db: db.insert("users", {"team": "blue", "place": {"seat": 1, "row": 8}}))


async def test_every_unique_index_is_looked_into(world: World) -> None:
    await add(world, email="ada@x")
    seated = await add(world, team="red", place={"seat": 1})
    error = await refused(world, lambda db: db.insert("users", {"email": "b@x", "team": "red", "place": {"seat": 1}}))
    assert (error.index, error.document_id) == ("by_seat", seated)


# One transaction


async def test_own_writes_count(world: World) -> None:
    async def twice(db: DatabaseWriter) -> None:
        first = await db.insert("users", {"email": "ada@x"})
        with pytest.raises(UniqueViolation) as raised:
            await db.insert("users", {"email": "ada@x"})
        assert raised.value.document_id == first
        await db.insert("users", {"email": "bob@x"})

    await world.mutate(twice)
    assert await emails(world) == ["ada@x", "bob@x"]


async def test_what_was_deleted_or_changed_is_free(world: World) -> None:
    ada, bob = await add(world, email="ada@x"), await add(world, email="bob@x")

    async def write(db: DatabaseWriter) -> None:
        await db.delete(ada)
        await db.insert("users", {"email": "ada@x"})
        await db.patch(bob, {"email": UNSET})
        await db.insert("users", {"email": "bob@x"})

    await world.mutate(write)
    assert await emails(world) == [None, "ada@x", "bob@x"]


async def test_two_documents_exchange_their_values(world: World) -> None:
    ada, bob = await add(world, email="ada@x"), await add(world, email="bob@x")

    async def exchange(db: DatabaseWriter) -> None:
        await db.patch(ada, {"email": None})
        await db.patch(bob, {"email": "ada@x"})
        await db.patch(ada, {"email": "bob@x"})

    await world.mutate(exchange)
    assert await emails(world) == ["bob@x", "ada@x"]
    await refused(world, lambda db: db.patch(bob, {"email": "bob@x"}))


async def test_a_document_does_not_collide_with_itself(world: World) -> None:
    ada = await add(world, email="ada@x")
    await world.mutate(lambda db: db.patch(ada, {"email": "ada@x", "age": 1}))
    await world.mutate(lambda db: db.replace(ada, {"email": "ada@x"}))

    async def there_and_back(db: DatabaseWriter) -> None:
        await db.patch(ada, {"email": "other"})
        await db.patch(ada, {"email": "ada@x"})

    await world.mutate(there_and_back)


async def test_what_a_nested_mutation_took_back_is_free(world: World) -> None:
    ada = await add(world, email="ada@x")

    async def outer(db: DatabaseWriter) -> None:
        tx = db._tx  # pyright: ignore[reportPrivateUsage]
        tx.push()
        await db.insert("users", {"email": "bob@x"})
        await db.delete(ada)
        tx.pop(keep=False)
        await db.insert("users", {"email": "bob@x"})
        with pytest.raises(UniqueViolation):
            await db.insert("users", {"email": "ada@x"})
        tx.push()
        await db.insert("users", {"email": "carol@x"})
        tx.pop(keep=True)
        with pytest.raises(UniqueViolation):
            await db.insert("users", {"email": "carol@x"})

    await world.mutate(outer)
    assert await emails(world) == ["ada@x", "bob@x", "carol@x"]


async def test_what_is_decided_but_not_durable_counts(world: World) -> None:
    world.gate.hold()
    jobs = [world.submit(lambda db: db.insert("users", {"email": "ada@x"})) for _ in range(3)]
    world.gate.release()
    await jobs[0].result
    for job in jobs[1:]:
        with pytest.raises(UniqueViolation):
            await job.result
    assert await emails(world) == ["ada@x"]


async def test_a_refused_write_costs_nothing_of_the_rest(world: World) -> None:
    ada = await add(world, email="ada@x")

    async def go_on(db: DatabaseWriter) -> str:
        bob = await db.insert("users", {"email": "bob@x"})
        with pytest.raises(UniqueViolation):
            await db.patch(bob, {"email": "ada@x", "age": 9})
        return bob

    bob = await world.mutate(go_on)
    found = await world.read(lambda db: db.get(bob))
    assert found is not None
    assert (found["email"], "age" in found) == ("bob@x", False)
    assert await world.read(lambda db: db.get(ada)) is not None


# Reading


async def test_it_is_read_like_any_index(world: World) -> None:
    ada = await add(world, email="ada@x", age=3)
    found = await world.read(
        lambda db: db.query("users").with_index("by_email", lambda q: q.eq("email", "ada@x")).unique()
    )
    assert found is not None
    assert found["_id"] == ada


async def ranges_of(world: World, function: Callable[[DatabaseWriter], Awaitable[Any]]) -> list[Any]:
    """What a mutation read; its writes are kept."""
    found: list[Any] = []

    async def run(db: DatabaseWriter) -> None:
        await function(db)
        found.extend(db._tx.reads.ranges())  # pyright: ignore[reportPrivateUsage]

    await world.mutate(run)
    return found


async def test_the_look_up_is_a_read(world: World) -> None:
    bob = await add(world, email="bob@x")
    ranges = await ranges_of(world, lambda db: db.insert("users", {"email": "ada@x"}))
    (ada,) = [user["_id"] for user in await world.all("users") if user["email"] == "ada@x"]
    assert not touched(ranges, await world.touches(lambda db: db.insert("users", {"email": "carol@x"})))
    assert not touched(ranges, await world.touches(lambda db: db.patch(bob, {"email": "bobby@x"})))
    assert touched(ranges, await world.touches(lambda db: db.delete(ada)))
    assert touched(ranges, await world.touches(lambda db: db.patch(bob, {"email": "ada@x"})))


async def test_nothing_is_looked_up_when_the_values_stay(world: World) -> None:
    ada = await add(world, email="ada@x")
    alone = await ranges_of(world, lambda db: db.get(ada))
    for change in ({"age": 5}, {"email": "ada@x"}, {"place": {"seat": 4}}):
        assert await ranges_of(world, lambda db, change=change: db.patch(ada, change)) == alone
    assert len(await ranges_of(world, lambda db: db.patch(ada, {"team": "red"}))) == 2
    assert await ranges_of(world, lambda db: db.insert("notes", {"email": "ada@x"})) == []


async def test_look_ups_do_not_use_up_the_reads(reopened: Callable[[], Store]) -> None:
    world = await World(reopened(), limits=small(read_ranges=2)).open(SCHEMA)

    async def many(db: DatabaseWriter) -> None:
        for number in range(20):
            await db.insert("users", {"email": f"{number}@x"})
        await db.query("users").collect()

    await world.mutate(many)
    assert len(await world.all("users")) == 20
    await world.close()


# Against the definition

KEYS = st.sampled_from([UNSET, None, 1, 1.0, Int64(1), True, "a", "a\x00", [1], {"b": None}])
STEPS = st.lists(
    st.tuples(st.sampled_from(["insert", "patch", "delete", "push", "pop", "undo"]), KEYS, st.integers(0, 5))
)


def collide(one: Any, two: Any) -> bool:
    return all(value is not None and value is not UNSET for value in (one, two)) and compare(one, two) == 0


class Model:
    """What documents have as `email`, in layers."""

    def __init__(self) -> None:
        self.layers: list[dict[str, Any]] = [{}]

    @property
    def top(self) -> dict[str, Any]:
        return self.layers[-1]

    def twin(self, value: Any, but: str | None = None) -> str | None:
        return next((id for id, other in self.top.items() if id != but and collide(other, value)), None)


async def step(db: DatabaseWriter, model: Model, what: str, value: Any, which: int) -> None:
    tx = db._tx  # pyright: ignore[reportPrivateUsage]
    ids = list(model.top)
    id = ids[which] if which < len(ids) else None
    if what == "push":
        tx.push()
        model.layers.append(dict(model.top))
    elif what in ("pop", "undo") and len(model.layers) > 1:
        tx.pop(keep=what == "pop")
        top = model.layers.pop()
        if what == "pop":
            model.layers[-1] = top
    elif what == "delete" and id is not None:
        await db.delete(id)
        del model.top[id]
    elif what == "patch" and id is not None:
        await write(model, id, value, lambda: db.patch(id, {"email": value}))
    elif what == "insert":
        await write(model, None, value, lambda: db.insert("users", {"email": value}))


async def write(model: Model, id: str | None, value: Any, call: Callable[[], Awaitable[str | None]]) -> None:
    twin = model.twin(value, id)
    try:
        given = await call()
    except UniqueViolation as error:
        assert error.document_id == twin
    else:
        assert twin is None
        model.top[id or given or ""] = value


@settings(max_examples=150, deadline=None)
@given(STEPS)
async def test_writes_are_refused_exactly_when_there_is_a_twin(steps: list[tuple[str, Any, int]]) -> None:
    world = await World(MemoryStore()).open(SCHEMA)

    async def play(db: DatabaseWriter) -> dict[str, Any]:
        model = Model()
        for what, value, which in steps:
            await step(db, model, what, value, which)
        while len(model.layers) > 1:
            await step(db, model, "pop", None, 0)
        return model.top

    expected = await world.mutate(play)
    assert {user["_id"]: user.get("email", UNSET) for user in await world.all("users")} == expected
    await world.close()
