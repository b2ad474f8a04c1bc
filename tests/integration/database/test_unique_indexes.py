"""Indexes that become unique: what is stored must not contradict them, nor what is written meanwhile."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reactor.database import document_pass, unique_pass
from reactor.database.adoption import Step
from reactor.database.unique_pass import values_in_key
from reactor.errors import DeveloperError, StoreError, UniqueViolation
from reactor.schema import Schema, SchemaMismatch, define_table
from reactor.store.memory import MemoryStore
from reactor.store.seam import Store
from reactor.values import UNSET, Int64, encode_id, encode_key, v
from tests.integration.database.traffic import Traffic, by, numbered, words
from tests.unit.values.strategies import keyed


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document_pass, "_PAGE", 4)
    monkeypatch.setattr(unique_pass, "_PAGE", 3)


def unique(*fields: str) -> Schema:
    return words(define_table(v.any()).unique("by", list(fields or ("n",))))


@given(st.lists(keyed, min_size=1, max_size=3), st.floats(0, 1e15), st.binary(min_size=16, max_size=16))
def test_a_key_without_its_end_is_the_values(values: list[Any], time: float, id: bytes) -> None:
    whole = encode_key([*values, time, encode_id(10_001, id)])
    assert values_in_key(whole) == encode_key(values)


async def test_two_documents_with_the_same_values_refuse_it(reopened: Callable[[], Store]) -> None:
    world = await Traffic(reopened()).open(by("other"))
    ids = await world.add(*numbered(8), {"n": 5.0})
    before = dict(world.indexes)
    with pytest.raises(SchemaMismatch) as caught:
        await world.push(unique())
    told = str(caught.value)
    assert f'"{ids[5]}" and "{ids[8]}" in table "words" have the same values in `n`' in told
    assert 'the index "by" over them is unique' in told
    assert "Change or delete one of the two" in told
    assert world.indexes == before
    await world.mutate(lambda db: db.delete(ids[5]))
    await world.push(unique())
    (index,) = world.indexes.values()
    assert index.unique
    await world.close()


async def test_an_index_that_is_there_becomes_unique(reopened: Callable[[], Store]) -> None:
    world = await Traffic(reopened()).open(by("n"))
    (first, *_), number = await world.add(*numbered(7), {"n": 6}), world.info().indexes["by"].id
    with pytest.raises(SchemaMismatch, match="`n`"):
        await world.push(unique())
    assert not world.indexes[number].unique
    await world.mutate(lambda db: db.patch(first, {"n": "other"}))
    twin = (await world.all("words"))[-1]["_id"]
    await world.mutate(lambda db: db.delete(twin))
    await world.push(unique())
    assert world.info().indexes["by"].id == number
    assert world.filled == []
    await world.close()

    world = Traffic(reopened())
    steps: list[Step] = []
    await world.db.open(unique(), steps.append)
    assert steps == [], "that it is unique is known"
    await world.push(by("n"))
    await world.push(unique())
    assert [step.unique for step in world.steps] == ["by"] * 3, "while it was not, nobody saw to it"
    await world.close()


async def test_missing_and_none_never_collide(reopened: Callable[[], Store]) -> None:
    world = await Traffic(reopened()).open()
    await world.add(
        {}, {}, {"a": 1}, {"a": 1}, {"b": 1}, {"b": 1}, {"a": None, "b": 2}, {"a": None, "b": 2}, {"a": 1, "b": 1},
        {"a": Int64(1), "b": 1}, {"a": True, "b": 1}, {"a": {"deep": None}, "b": 1}, {"a": 1, "b": None},
    )  # fmt: skip
    await world.push(unique("a", "b"))
    await world.push(unique("a.deep", "b"))
    await world.push(by("a.deep", "b"))
    await world.add({"a": {"deep": 7}, "b": 1})
    twin = await world.add({"a": {"deep": 7}, "b": 1})
    with pytest.raises(SchemaMismatch, match=twin[0]):
        await world.push(unique("b", "a.deep"))
    await world.close()


@pytest.mark.parametrize("step", [1, 3, 4, 5])
async def test_a_twin_that_is_written_meanwhile_fails_the_push(reopened: Callable[[], Store], step: int) -> None:
    world = await Traffic(reopened()).open()
    ids = await world.add(*numbered(9))
    jobs: list[Any] = []

    def write(_: Step) -> None:
        if len(world.steps) == step:
            jobs.append(world.submit(lambda db: db.patch(ids[0], {"n": 8})))

    world.at_step = write
    with pytest.raises(SchemaMismatch) as caught:
        await world.push(unique())
    assert ids[0] in str(caught.value) and ids[8] in str(caught.value)
    await jobs[0].result
    assert "by" not in world.info().indexes
    await world.close()


async def test_documents_that_change_places_meanwhile_are_no_twins(reopened: Callable[[], Store]) -> None:
    """What the last page showed may be gone when the next one shows its successor."""
    world = await Traffic(reopened()).open()
    ids = await world.add(*numbered(9))
    jobs: list[Any] = []

    async def move(db: Any) -> None:
        await db.delete(ids[2])
        await db.insert("words", {"n": 2})

    def write(step: Step) -> None:
        if step.unique and not jobs:
            jobs.append(world.submit(move))

    world.at_step = write
    await world.push(unique())
    await jobs[0].result
    assert await world.entries(world.info().indexes["by"].id) == await world.expected("n")
    await world.close()


@pytest.mark.stores("sqlite", because="where others may write, a state was read before it is shown")
@pytest.mark.parametrize("schema", [by("other"), by("n")])
async def test_what_cannot_be_read_is_not_taken_for_unique(
    reopened: Callable[[], Store], monkeypatch: pytest.MonkeyPatch, schema: Schema
) -> None:
    world = await Traffic(reopened()).open(schema)
    ids = await world.add(*numbered(3))

    def advance(ts: int) -> None:
        raise StoreError("no file descriptors")

    def write(_: Step) -> None:
        if len(world.steps) == 1:
            jobs.append(world.submit(lambda db: db.patch(ids[0], {"n": 2})))

    jobs: list[Any] = []
    world.at_step = write
    with monkeypatch.context() as unreadable:
        unreadable.setattr(world.gate, "advance", advance, raising=False)
        with pytest.raises(StoreError, match="cannot be read"):
            await world.push(unique())
    await jobs[0].result
    await world.add({"n": 9})
    with pytest.raises(SchemaMismatch, match=ids[2]):
        await world.push(unique())
    await world.close()


async def test_it_refuses_twins_from_the_moment_on_in_which_it_serves(reopened: Callable[[], Store]) -> None:
    world = await Traffic(reopened()).open(unique("n"))
    ids = await world.add({"n": 1, "m": 1}, {"n": 2, "m": 2})
    refused: list[bool] = []

    async def twin() -> None:
        with pytest.raises(UniqueViolation, match="by"):
            await world.add({"n": 1, "m": 3})
        (id,) = await world.add({"n": 3, "m": 2})  # the index being built has the same name, and refuses nobody
        await world.mutate(lambda db: db.delete(id))
        refused.append(True)

    world.before_fill = twin
    await world.push(unique("m"))
    assert refused
    await world.add({"n": 1, "m": 4})
    with pytest.raises(UniqueViolation, match=ids[0]):
        await world.add({"n": 5, "m": 1})
    await world.close()


async def test_a_new_table_may_have_one(reopened: Callable[[], Store]) -> None:
    world = await Traffic(reopened()).open(unique())
    await world.add({"n": 1})
    assert [index.unique for index in world.indexes.values()] == [True]
    await world.close()


values = st.sampled_from([0, 1, 2, None, UNSET, "a"])


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    first=st.lists(values, max_size=9),
    meanwhile=st.lists(st.tuples(st.integers(0, 8), values), max_size=9),
)
async def test_it_is_unique_whatever_is_written_meanwhile(first: list[Any], meanwhile: list[tuple[int, Any]]) -> None:
    world = await Traffic(MemoryStore()).open()
    ids = await world.add(*({"n": value} for value in first))
    jobs: list[Any] = []

    def write(_: Step) -> None:
        if meanwhile:
            which, value = meanwhile.pop()
            if which < len(ids):
                jobs.append(world.submit(lambda db: db.patch(ids[which], {"n": value})))

    world.at_step = write
    try:
        await world.push(unique())
    except SchemaMismatch:
        served = False
    else:
        served = True
    present = [each["n"] for each in await world.all("words") if each.get("n") is not None]
    assert len(set(present)) == len(present) or not served
    meanwhile.clear()
    for job in jobs:
        with suppress(DeveloperError):  # by now it may be refused
            await job.result
    await world.close()
