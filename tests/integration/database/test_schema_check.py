"""Stored documents and a schema that changes: what does not match keeps the new one from serving."""

from collections.abc import Callable
from typing import Any

import pytest

from reactor.database import document_pass
from reactor.database.adoption import Step
from reactor.database.writer import DatabaseWriter
from reactor.schema import Schema, SchemaMismatch, define_schema, define_table
from reactor.store.seam import Store
from reactor.values import UNSET, v
from tests.integration.database.traffic import Traffic, numbered, words

LOOSE = words(define_table({"n": v.number(), "text": v.optional(v.string())}))
STRICT = words(define_table({"n": v.number(), "text": v.string()}))
REFERRING = define_schema({"words": define_table({"n": v.number(), "owner": v.optional(v.id("users"))})})
CHECKED = Step("words", checks=True, fills=(), unique=None, documents=2)


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document_pass, "_PAGE", 4)


def state(world: Traffic) -> tuple[Any, ...]:
    """Everything that a failed push must leave alone."""
    known = world.db.numbering
    indexes = {name: index.id for name, index in world.info().indexes.items()}
    return world.db.catalog.schema, indexes, world.info().filling, dict(known.indexes), dict(known.shapes)


async def test_a_document_that_does_not_match_keeps_the_old_schema(reopened: Callable[[], Store]) -> None:
    world = await Traffic(reopened()).open(LOOSE)
    first, second, _ = await world.add({"n": 1, "text": "a"}, {"n": 2}, {"n": 3, "text": "c"})
    before = state(world)
    strict = words(define_table({"n": v.number(), "text": v.string()}).index("by_text", ["text"]))
    swaps: list[int] = []
    with pytest.raises(SchemaMismatch) as caught:
        await world.db.adopt(strict, swap=lambda: swaps.append(1))
    told = str(caught.value)
    assert f'Document with ID "{second}" in table "words" does not match the schema: ' in told
    assert "is missing the required field `text`" in told
    assert "Validator: v.object({n: v.float64(), text: v.string()})" in told
    assert "v.optional" in told and "then require it" in told
    assert (state(world), swaps) == (before, [])
    (id,) = await world.add({"n": 4})
    await world.close()

    world = await Traffic(reopened()).open(LOOSE)
    assert state(world)[3:] == before[3:]
    await world.mutate(lambda db: db.patch(second, {"text": "b"}))
    await world.mutate(lambda db: db.delete(id))
    await world.push(strict)
    with pytest.raises(SchemaMismatch):
        await world.add({"n": 5})
    found = await world.read(lambda db: db.query("words").with_index("by_text").collect())
    assert [each["text"] for each in found] == ["a", "b", "c"]
    assert found[0]["_id"] == first
    await world.close()


async def test_the_error_has_the_path_to_the_value(reopened: Callable[[], Store]) -> None:
    world = await Traffic(reopened()).open()
    (id,) = await world.add({"n": {"deep": [1, "two"]}})
    deep = words(define_table({"n": v.object({"deep": v.array(v.number())})}))
    with pytest.raises(SchemaMismatch) as caught:
        await world.push(deep)
    assert id in str(caught.value)
    assert 'Path: .n.deep[1]\nValue: "two"\nValidator: v.float64()' in str(caught.value)
    await world.close()


@pytest.mark.parametrize("kind", ["insert", "patch", "replace"])
async def test_a_write_that_does_not_fit_succeeds_and_fails_the_push(reopened: Callable[[], Store], kind: str) -> None:
    world = await Traffic(reopened()).open(LOOSE)
    ids = await world.add(*({"n": number, "text": "x"} for number in range(10)))
    before = state(world)
    jobs: list[Any] = []

    def write(step: Step) -> None:
        if step.documents == 8:  # those before are known to match
            jobs.append(world.submit(misfit))

    async def misfit(db: DatabaseWriter) -> None:
        if kind == "insert":
            await db.insert("words", {"n": 99})
        elif kind == "patch":
            await db.patch(ids[0], {"text": UNSET})
        else:
            await db.replace(ids[0], {"n": 99})

    world.at_step = write
    with pytest.raises(SchemaMismatch, match="missing the required field `text`"):
        await world.push(STRICT)
    await jobs[0].result
    assert state(world) == before
    assert [each["n"] for each in await world.all("words") if "text" not in each] in ([99], [0])
    await world.close()


async def test_writes_that_fit_do_not_matter(reopened: Callable[[], Store]) -> None:
    world = await Traffic(reopened()).open(LOOSE)
    ids = await world.add(*({"n": number, "text": "x"} for number in range(10)))
    jobs: list[Any] = []

    def write(step: Step) -> None:
        if ids:
            jobs.append(world.submit(lambda db: db.insert("words", {"n": 50, "text": "y"})))
            gone = ids.pop()
            jobs.append(world.submit(lambda db: db.delete(gone)))

    world.at_step = write
    await world.push(STRICT)
    for job in jobs:
        await job.result
    assert world.db.catalog.schema == STRICT
    await world.close()


# What is known already


async def told(store: Store, schema: Schema) -> list[Step]:
    """What the start with a schema is told of passes over the documents."""
    world, steps = Traffic(store), list[Step]()
    await world.db.open(schema, steps.append)
    await world.close()
    return steps


async def test_a_shape_that_is_known_is_not_looked_for_again(reopened: Callable[[], Store]) -> None:
    world = await Traffic(reopened()).open()
    await world.add({"n": 1, "text": "a"}, {"n": 2, "text": "b"})
    await world.push(STRICT)
    assert world.steps == [CHECKED]
    await world.push(LOOSE)
    await world.push(LOOSE)
    assert len(world.steps) == 1
    await world.push(STRICT)
    assert len(world.steps) == 2
    await world.close()
    assert await told(reopened(), STRICT) == []
    assert await told(reopened(), LOOSE) == []
    assert await told(reopened(), LOOSE) == []
    assert await told(reopened(), STRICT) == [CHECKED]


async def test_of_unchecked_documents_nothing_is_known(reopened: Callable[[], Store]) -> None:
    unchecked = words(define_table({"n": v.number(), "text": v.string()}), schema_validation=False)
    world = await Traffic(reopened()).open(STRICT)
    await world.add({"n": 1, "text": "a"})
    await world.push(unchecked)
    await world.add({"n": 2})
    await world.close()
    with pytest.raises(SchemaMismatch, match="missing the required field `text`"):
        await told(reopened(), STRICT)
    assert await told(reopened(), LOOSE) == [CHECKED]


async def test_without_validation_indexes_are_made_all_the_same(reopened: Callable[[], Store]) -> None:
    world = await Traffic(reopened()).open()
    await world.add({"n": 2}, {"n": 1})
    table = define_table({"n": v.string()}).index("by_n", ["n"])
    await world.push(words(table, schema_validation=False))
    assert [step.checks for step in world.steps] == [False]
    found = await world.read(lambda db: db.query("words").with_index("by_n").collect())
    assert [each["n"] for each in found] == [1, 2]
    await world.close()


async def test_a_table_that_comes_back_is_checked_again(reopened: Callable[[], Store]) -> None:
    world = await Traffic(reopened()).open(STRICT)
    await world.add({"n": 1, "text": "a"})
    await world.push(define_schema({}))
    (odd,) = await world.add({"whatever": True})
    assert len(await world.all("words")) == 2
    with pytest.raises(SchemaMismatch, match=odd):
        await world.push(STRICT)
    await world.mutate(lambda db: db.delete(odd))
    await world.push(STRICT)
    assert [step.documents for step in world.steps if step.checks][-1] == 1
    await world.close()


async def test_a_table_that_was_made_by_an_insert_is_checked_when_it_is_declared(
    reopened: Callable[[], Store],
) -> None:
    world = await Traffic(reopened()).open(define_schema({}))
    (id,) = await world.add({"n": "one"})
    with pytest.raises(SchemaMismatch, match=id):
        await world.push(LOOSE)
    await world.close()


async def test_a_table_that_is_made_meanwhile_has_to_match(reopened: Callable[[], Store]) -> None:
    world = await Traffic(reopened()).open(LOOSE)
    await world.add(*({"n": number, "text": "x"} for number in range(9)))
    jobs: list[Any] = []

    def write(step: Step) -> None:
        jobs.append(world.submit(lambda db: db.insert("others", {"m": 1} if len(jobs) else {"m": "one"})))

    world.at_step = write
    tables = {"words": define_table({"n": v.number(), "text": v.string()}), "others": define_table({"m": v.string()})}
    with pytest.raises(SchemaMismatch, match='table "others"'):
        await world.push(define_schema(tables))
    for job in jobs:
        await job.result
    assert {each["m"] for each in await world.all("others")} == {"one", 1}
    await world.close()


async def test_ids_of_tables_that_come_with_the_schema(reopened: Callable[[], Store]) -> None:
    world = await Traffic(reopened()).open()
    user = await world.mutate(lambda db: db.insert("users", {}))
    await world.add({"n": 1, "owner": user}, {"n": 2})
    await world.push(REFERRING)
    assert world.steps == [CHECKED]
    await world.mutate(lambda db: db.insert("words", {"n": 3, "owner": user}))
    await world.close()


# The start


async def test_a_start_with_documents_that_do_not_match_is_refused(reopened: Callable[[], Store]) -> None:
    world = await Traffic(reopened()).open(LOOSE)
    (odd, *_) = await world.add(*numbered(6))
    await world.close()
    for _ in range(2):
        world = Traffic(reopened())
        with pytest.raises(SchemaMismatch, match=f'Document with ID "{odd}" in table "words"'):
            await world.open(STRICT)
        await world.close()
    world = await Traffic(reopened()).open(LOOSE)
    assert len(await world.all("words")) == 6
    await world.close()
