"""The query builder: ranges, order, terminals, iteration, and what is wrong with its use."""

from collections.abc import Callable
from typing import Any

import pytest

from reactor.database.index_range import IndexRange
from reactor.database.query import Query
from reactor.database.reader import DatabaseReader
from reactor.database.writer import DatabaseWriter
from reactor.errors import DeveloperError
from reactor.store.seam import Store
from reactor.values import UNSET, Int64, encode_id, table_of
from tests.integration.database.world import World, small

AGES: list[Any] = [UNSET, None, Int64(5), 1, 2.5, 10, False, True, "a", "b", b"x", [1], {"a": 1}]
"""Values in their order."""

Range = Callable[[IndexRange], IndexRange]


@pytest.fixture
async def people(world: World) -> World:
    """Thirteen users of one team, whose ages are of all kinds, and one of another."""

    async def fill(db: DatabaseWriter) -> None:
        for number, age in reversed(list(enumerate(AGES))):
            await db.insert("users", {"name": f"n{number:02}", "team": "x", "age": age})
        await db.insert("users", {"name": "other", "team": "y", "age": 1})

    await world.mutate(fill)
    return world


def numbers(users: list[dict[str, Any]]) -> list[int]:
    return [int(user["name"][1:]) if user["name"] != "other" else 99 for user in users]


async def find(world: World, range: Range | None, order: Any = "asc") -> list[int]:
    return numbers(
        await world.read(lambda db: db.query("users").with_index("by_team_age", range).order(order).collect())
    )


@pytest.mark.parametrize(
    ("range", "expected"),
    [
        (lambda q: q, [*range(13), 99]),
        (lambda q: q.eq("team", "x"), [*range(13)]),
        (lambda q: q.eq("team", "y"), [99]),
        (lambda q: q.eq("team", "z"), []),
        (lambda q: q.gt("team", "x"), [99]),
        (lambda q: q.lt("team", "y"), [*range(13)]),
        (lambda q: q.eq("team", "x").eq("age", 1), [3]),
        (lambda q: q.eq("age", 1).eq("team", "x"), [3]),
        (lambda q: q.eq("team", "x").eq("age", 1.0), [3]),
        (lambda q: q.eq("team", "x").eq("age", True), [7]),
        (lambda q: q.eq("team", "x").eq("age", Int64(1)), []),
        (lambda q: q.eq("team", "x").eq("age", UNSET), [0]),
        (lambda q: q.eq("team", "x").gt("age", UNSET), [*range(1, 13)]),
        (lambda q: q.eq("team", "x").gte("age", None), [*range(1, 13)]),
        (lambda q: q.eq("team", "x").gt("age", 1), [*range(4, 13)]),
        (lambda q: q.eq("team", "x").gte("age", 1), [*range(3, 13)]),
        (lambda q: q.eq("team", "x").lt("age", 5), [0, 1, 2, 3, 4]),
        (lambda q: q.eq("team", "x").lte("age", 10), [0, 1, 2, 3, 4, 5]),
        (lambda q: q.eq("team", "x").gt("age", Int64(5)).lt("age", "b"), [3, 4, 5, 6, 7, 8]),
        (lambda q: q.lte("age", "b").eq("team", "x").gte("age", "a"), [8, 9]),
        (lambda q: q.eq("team", "x").gt("age", 10).lt("age", 1), []),
        (lambda q: q.eq("team", "x").gt("age", 1).lt("age", 1), []),
        (lambda q: q.eq("team", "x").eq("age", 1).gt("_creationTime", 0), [3]),
        (lambda q: q.eq("team", "x").eq("age", 1).gt("_creationTime", 1e15), []),
    ],
)
async def test_ranges(people: World, range: Range, expected: list[int]) -> None:
    assert await find(people, range) == expected
    assert await find(people, range, "desc") == expected[::-1]


async def test_creation_time_and_id_follow_the_fields(people: World) -> None:
    ada = (await people.all("users"))[5]

    def exactly(q: IndexRange) -> IndexRange:
        q = q.eq("team", ada["team"]).eq("age", ada["age"])
        return q.eq("_creationTime", ada["_creationTime"]).eq("_id", ada["_id"])

    assert await find(people, exactly) == [int(ada["name"][1:])]
    assert await find(people, lambda q: exactly(q)) == await find(people, lambda q: exactly(q), "desc")


async def test_order_of_a_table_is_that_of_creation(people: World) -> None:
    ascending = [*range(13)][::-1] + [99]
    assert numbers(await people.read(lambda db: db.query("users").collect())) == ascending
    assert numbers(await people.read(lambda db: db.query("users").order("desc").collect())) == ascending[::-1]
    times = [user["_creationTime"] for user in await people.all("users")]
    assert times == sorted(set(times))
    later = await people.read(
        lambda db: (
            db.query("users").with_index("by_creation_time", lambda q: q.gt("_creationTime", times[10])).collect()
        )
    )
    assert numbers(later) == ascending[11:]


async def test_ties_are_ordered_by_creation(world: World) -> None:
    for name in "abc":
        await world.mutate(lambda db, name=name: db.insert("users", {"name": "same", "is": name}))
    found = await world.read(lambda db: db.query("users").with_index("by_name").order("desc").collect())
    assert [user["is"] for user in found] == ["c", "b", "a"]


async def test_terminals(people: World) -> None:
    def ages(db: DatabaseReader, only: str = "x") -> Query:
        return db.query("users").with_index("by_team_age", lambda q: q.eq("team", only))

    async def collect(db: DatabaseReader) -> list[Any]:
        return [
            numbers(await ages(db).take(3)),
            numbers(await ages(db).take(3.0)),
            numbers(await ages(db).order("desc").take(2)),
            await ages(db).take(0),
            len(await ages(db).take(10**400)),
            numbers([await ages(db).first() or {}]),
            await ages(db, "nobody").first(),
            numbers([await ages(db, "y").unique() or {}]),
            await ages(db, "nobody").unique(),
        ]

    assert await people.read(collect) == [[0, 1, 2], [0, 1, 2], [12, 11], [], 13, [0], None, [99], None]


async def test_unique_names_those_it_found(people: World) -> None:
    first, second, *_ = await people.all("users")
    message = (
        f"unique\\(\\) query returned more than one result from table users: \\[{first['_id']}, {second['_id']}, ...\\]"
    )
    with pytest.raises(DeveloperError, match=message) as raised:
        await people.read(lambda db: db.query("users").unique())
    assert raised.value.code == "NotUnique"


@pytest.mark.parametrize("n", [-1, 1.5, True, "3", None, float("inf"), float("nan")])
async def test_take_needs_a_whole_number(people: World, n: Any) -> None:
    with pytest.raises(DeveloperError, match="take\\(\\) needs a whole number of at least 0"):
        await people.read(lambda db: db.query("users").take(n))


async def test_a_table_that_does_not_exist_is_empty(world: World) -> None:
    async def look(db: DatabaseReader) -> list[Any]:
        query = db.query("ghosts").with_index("by_anything", lambda q: q.eq("x", 1)).order("desc")
        async for _ in db.query("ghosts"):
            pytest.fail("there is nothing")
        return [await query.collect(), await db.query("ghosts").first(), await db.query("ghosts").unique()]

    assert await world.read(look) == [[], None, None]


async def test_an_index_that_does_not_exist_is_an_error(world: World) -> None:
    known = "by_creation_time, by_id, by_name, by_team_age"
    with pytest.raises(DeveloperError, match=f"Index users.by_age not found. .*: {known}") as raised:
        await world.read(lambda db: db.query("users").with_index("by_age").collect())
    assert raised.value.code == "IndexNotFound"


async def test_a_range_is_what_the_function_returns(world: World) -> None:
    kept: list[IndexRange] = []

    def keep(q: IndexRange) -> IndexRange:
        kept.append(q)
        return q

    await world.read(lambda db: db.query("users").with_index("by_name", keep).collect())
    wrongs: list[tuple[Any, str]] = [
        (lambda q: None, "NoneType"),
        (lambda q: True, "bool"),
        (lambda q: kept[0], "another range"),
    ]
    for wrong, name in wrongs:
        with pytest.raises(DeveloperError, match=f"must return the range it was given.* returned {name}"):
            await world.read(lambda db, wrong=wrong: db.query("users").with_index("by_name", wrong).collect())


# Builders


async def test_a_builder_is_continued_once(world: World) -> None:
    starts: list[Callable[[Query], Any]] = [
        lambda query: query.with_index("by_name"),
        lambda query: query.order("asc"),
        lambda query: aiter(query),
    ]
    for first in starts:
        for second in starts:

            async def reuse(db: DatabaseReader, first: Any = first, second: Any = second) -> None:
                query = db.query("users")
                first(query)
                second(query)

            with pytest.raises(DeveloperError, match="can only be chained once and can't be chained after iteration"):
                await world.read(reuse)


async def test_a_builder_ends_once(world: World) -> None:
    for terminal in (Query.collect, Query.first, Query.unique, lambda query: query.take(1)):

        async def twice(db: DatabaseReader, terminal: Any = terminal) -> None:
            query = db.query("users")
            await terminal(query)
            await terminal(query)

        with pytest.raises(DeveloperError, match="can only be chained once"):
            await world.read(twice)


@pytest.mark.parametrize(
    ("chain", "message"),
    [
        (lambda query: query.order("asc").order("desc"), "can only be ordered once"),
        (lambda query: query.order("up"), 'takes "asc" or "desc", not \'up\''),
        (lambda query: query.order("asc").with_index("by_name"), "comes once, and before order"),
        (lambda query: query.with_index("by_name").with_index("by_id"), "comes once, and before order"),
    ],
)
async def test_steps_come_in_their_order(world: World, chain: Callable[[Query], Query], message: str) -> None:
    with pytest.raises(DeveloperError, match=message):
        await world.read(lambda db: chain(db.query("users")).collect())


# Iteration


async def test_iteration_gives_all_in_order(world: World) -> None:
    async def fill(db: DatabaseWriter) -> None:
        for number in range(700):
            await db.insert("users", {"name": f"{number:03}"})

    await world.mutate(fill)
    names = [f"{number:03}" for number in range(700)]
    for order, expected in (("asc", names), ("desc", names[::-1])):

        async def iterate(db: DatabaseReader, order: Any = order) -> list[str]:
            return [user["name"] async for user in db.query("users").with_index("by_name").order(order)]

        async def collect(db: DatabaseReader, order: Any = order) -> list[str]:
            return [user["name"] for user in await db.query("users").order(order).collect()]

        assert await world.read(iterate) == expected
        assert await world.read(collect) == expected


async def test_iteration_can_be_left_and_does_not_begin_again(people: World) -> None:
    async def leave(db: DatabaseReader) -> list[int]:
        query = db.query("users").with_index("by_name")
        seen: list[dict[str, Any]] = []
        async for user in query:
            seen.append(user)
            if len(seen) == 3:
                break
        with pytest.raises(DeveloperError, match="can't be chained after iteration begins"):
            async for _ in query:
                pytest.fail("it began again")
        return numbers(seen)

    assert await people.read(leave) == [0, 1, 2]


async def test_iteration_shows_own_writes_ahead(world: World) -> None:
    for name in ("b", "d", "f", "h"):
        await world.mutate(lambda db, name=name: db.insert("users", {"name": name}))

    async def iterate(db: DatabaseWriter) -> list[str]:
        seen: list[str] = []
        async for user in db.query("users").with_index("by_name"):
            seen.append(user["name"] + user.get("mark", ""))
            if user["name"] == "b":
                await db.insert("users", {"name": "a"})  # behind
                await db.insert("users", {"name": "c"})
                h = await db.query("users").with_index("by_name", lambda q: q.eq("name", "h")).first()
                assert h is not None
                await db.patch(h["_id"], {"mark": "!"})
            if user["name"] == "d":
                f = await db.query("users").with_index("by_name", lambda q: q.eq("name", "f")).first()
                assert f is not None
                await db.delete(f["_id"])
            if user["name"].startswith("h") and len(user["name"]) < 4:
                await db.patch(user["_id"], {"name": user["name"] + "h"})  # ahead of itself
        return seen

    assert await world.mutate(iterate) == ["b", "c", "d", "h!", "hh!", "hhh!", "hhhh!"]


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_writing_while_iterating_visits_each_once(world: World, order: Any) -> None:
    async def fill(db: DatabaseWriter) -> None:
        for number in range(100):
            await db.insert("users", {"name": f"{number:03}", "visits": 0})

    async def visit(db: DatabaseWriter) -> int:
        count = 0
        async for user in db.query("users").with_index("by_name").order(order):
            await db.patch(user["_id"], {"visits": user["visits"] + 1})
            count += 1
        return count

    await world.mutate(fill)
    assert await world.mutate(visit) == 100
    assert {user["visits"] for user in await world.all("users")} == {1}


# by_id


async def test_tables_do_not_see_each_others_ids(world: World) -> None:
    """Ids of tables whose numbers agree in their lowest bits begin with the same characters."""
    numbers = [10_017, 10_018, *(10_017 + 128 * step for step in (1, 2, 3, 50)), 10_017 + 128**2, 10_017 + 5 * 128**3]
    tables = [f"t{number}" for number in numbers]
    ids: dict[str, list[str]] = {}
    for table, number in zip(tables, numbers, strict=True):
        world.db.numbering._next_table = number  # pyright: ignore[reportPrivateUsage]
        ids[table] = [await world.mutate(lambda db, t=table: db.insert(t, {"is": t})) for _ in range(3)]
        assert {table_of(id) for id in ids[table]} == {number}
    assert len({rows[0][:3] for rows in ids.values()}) < len(tables)
    for table in tables:
        expected = sorted(ids[table])
        assert await by_id(world, table) == expected
        assert await by_id(world, table, lambda q: q.gte("_id", expected[1])) == expected[1:]
        assert await by_id(world, table, lambda q: q.gt("_id", expected[1])) == expected[2:]
        assert await by_id(world, table, lambda q: q.lt("_id", expected[1])) == expected[:1]
        assert await by_id(world, table, lambda q: q.lte("_id", expected[1])) == expected[:2]
        assert await by_id(world, table, lambda q: q.eq("_id", expected[1])) == expected[1:2]


async def by_id(world: World, table: str, range: Range | None = None) -> list[str]:
    found, ascending = await world.watch(lambda db: db.query(table).with_index("by_id", range).collect())
    reverse, descending = await world.watch(
        lambda db: db.query(table).with_index("by_id", range).order("desc").collect()
    )
    assert found == reverse[::-1]
    assert ascending == descending
    assert all(document["is"] == table for document in found)
    return [document["_id"] for document in found]


async def test_bounds_on_ids_may_be_anything(world: World) -> None:
    for table in ("a", "b", "c"):
        for _ in range(2):
            await world.mutate(lambda db, t=table: db.insert(t, {"is": t}))
    everything = await by_id(world, "b")
    others = [await by_id(world, "a"), await by_id(world, "c")]
    below: list[Any] = [UNSET, None, Int64(1), 1, True, "", "\x00", "0", encode_id(1, bytes(16))]
    above: list[Any] = ["zzz", "\U0010ffff", b"x", [1], {"a": 1}]
    for low in below:
        assert await by_id(world, "b", lambda q, low=low: q.gt("_id", low)) == everything
        assert await by_id(world, "b", lambda q, low=low: q.lte("_id", low)) == []
        assert await by_id(world, "b", lambda q, low=low: q.eq("_id", low)) == []
    for high in above:
        assert await by_id(world, "b", lambda q, high=high: q.lt("_id", high)) == everything
        assert await by_id(world, "b", lambda q, high=high: q.gte("_id", high)) == []
        assert await by_id(world, "b", lambda q, high=high: q.eq("_id", high)) == []
    for id in [*others[0], *others[1]]:
        found = await by_id(world, "b", lambda q, id=id: q.gte("_id", id))
        assert found == [mine for mine in everything if mine >= id]
        assert await by_id(world, "b", lambda q, id=id: q.eq("_id", id)) == []
    for text in (everything[0] + "\x00", everything[0] + "\x00b", everything[0][:-1], everything[0] + "z"):
        found = await by_id(world, "b", lambda q, text=text: q.gt("_id", text))
        assert found == [mine for mine in everything if mine > text]


async def test_own_writes_show_in_the_order_of_ids(world: World) -> None:
    old = [await world.mutate(lambda db: db.insert("users", {"n": 0})) for _ in range(4)]

    async def write(db: DatabaseWriter) -> list[list[str]]:
        await db.delete(old[1])
        await db.patch(old[2], {"n": 1})
        new = [await db.insert("users", {"n": 2}) for _ in range(3)]
        await db.delete(new[1])
        found = await db.query("users").with_index("by_id").collect()
        back = await db.query("users").with_index("by_id").order("desc").take(3)
        expected = sorted([old[0], old[2], old[3], new[0], new[2]])
        return [[user["_id"] for user in found], expected, [user["_id"] for user in back], expected[:-4:-1]]

    found, expected, back, expected_back = await world.mutate(write)
    assert (found, back) == (expected, expected_back)


# Limits


async def test_what_a_function_reads_is_limited(reopened: Callable[[], Store]) -> None:
    world = await World(reopened(), limits=small(documents_read=10, bytes_read=3_000, read_ranges=5)).open()
    ids = [await world.mutate(lambda db: db.insert("users", {"name": "x"})) for _ in range(11)]

    async def again(db: DatabaseReader) -> None:
        with pytest.raises(DeveloperError):
            await db.query("users").collect()
        await db.query("users").first()

    for read in (lambda db: db.query("users").collect(), again):
        with pytest.raises(
            DeveloperError, match=r"Too many documents read in a single function execution \(limit: 10\)"
        ):
            await world.read(read)
    assert len(await world.read(lambda db: db.query("users").take(10))) == 10

    async def each(db: DatabaseReader) -> None:
        for id in ids:
            await db.get(id)

    async def queries(db: DatabaseReader) -> None:
        for id in ids:
            await db.query("users").with_index("by_name", lambda q, id=id: q.eq("name", id)).collect()

    for many in (each, queries):
        with pytest.raises(
            DeveloperError, match=r"Too many reads in a single function execution \(limit: 5\)"
        ) as raised:
            await world.read(many)
        assert raised.value.code == "TooManyReads"

    for _ in range(2):
        await world.mutate(lambda db: db.insert("notes", {"text": "x" * 2_000}))
    with pytest.raises(DeveloperError, match=r"Too many bytes read in a single function execution \(limit: 3000\)"):
        await world.read(lambda db: db.query("notes").collect())
    await world.close()


async def test_ranges_that_merge_count_once(reopened: Callable[[], Store]) -> None:
    world = await World(reopened(), limits=small(read_ranges=3)).open()
    ids = [await world.mutate(lambda db: db.insert("users", {})) for _ in range(10)]

    async def each(db: DatabaseReader) -> int:
        found = await db.query("users").with_index("by_id").collect()
        for id in ids:
            assert await db.get(id) is not None
        await db.query("notes").collect()
        return len(found)

    assert await world.read(each) == 10
    await world.close()


async def test_what_a_function_writes_is_limited(reopened: Callable[[], Store]) -> None:
    world = await World(reopened(), limits=small(documents_written=3, bytes_written=1_000)).open()

    async def insert(db: DatabaseWriter, count: int, size: int) -> None:
        for _ in range(count):
            await db.insert("users", {"text": "x" * size})

    with pytest.raises(DeveloperError, match=r"Too many writes in a single function execution \(limit: 3\)"):
        await world.mutate(lambda db: insert(db, 4, 1))
    with pytest.raises(DeveloperError, match=r"Too many bytes written in a single function execution \(limit: 1000\)"):
        await world.mutate(lambda db: insert(db, 2, 500))
    await world.mutate(lambda db: insert(db, 3, 1))

    async def rewrite(db: DatabaseWriter) -> None:
        (user, *_) = await db.query("users").collect()
        for number in range(4):
            await db.patch(user["_id"], {"n": number})

    with pytest.raises(DeveloperError, match="Too many writes"):
        await world.mutate(rewrite)
    await world.close()
