"""Derived indexes, in which a document has any number of keys: here one for each of its tags."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from reactor.database import derived, document_pass
from reactor.database.transaction import Transaction
from reactor.database.writer import DatabaseWriter
from reactor.schema import Index, Schema, Table, define_table
from reactor.store.seam import Store
from reactor.values import encode_value, v
from tests.integration.database.traffic import Traffic, words

TAGS = ("a", "b", "c", "d")


def by_tag(_kind: str, fields: tuple[str, ...]) -> derived.Derivation:
    return lambda document: [key(tag, document["_id"]) for tag in document.get(fields[0], ())]


def initials(length: str, fields: tuple[str, ...]) -> derived.Derivation:
    return lambda document: [key(tag[: int(length)], document["_id"]) for tag in document[fields[0]]]


def key(tag: str, id: str) -> bytes:
    return encode_value(tag) + encode_value(id)


def tagged(*, staged: bool = False) -> Schema:
    table: Table = define_table(v.any())
    return words(table._add(Index("tags", ("tags",), kind="tags", staged=staged)))


@pytest.fixture(autouse=True)
def derivation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(derived.DERIVATIONS, "tags", by_tag)
    monkeypatch.setattr(document_pass, "_PAGE", 4)


async def found(tx: Transaction) -> list[tuple[bytes, str]]:
    table = tx.table("words")
    assert table is not None
    return await tx.entries(table, table.searches["tags"], b"", b"\xff", reverse=False, limit=1_000)


def expected(documents: list[dict[str, Any]]) -> list[tuple[bytes, str]]:
    return sorted((key(tag, each["_id"]), each["_id"]) for each in documents for tag in each.get("tags", ()))


async def check(world: Traffic) -> None:
    """The index holds what an index made anew would hold."""
    snapshot = world.db.store.acquire()
    try:
        assert await found(world.db.read(snapshot)) == expected(await world.all("words"))
    finally:
        snapshot.release()


async def change(db: DatabaseWriter, rng: random.Random) -> None:
    """A few random writes, of which some are taken back; own writes are seen in between."""
    for _ in range(rng.randint(1, 5)):
        documents = await db.query("words").collect()
        tags = {"tags": rng.sample(TAGS, rng.randint(0, 3))}
        id = rng.choice(documents)["_id"] if documents else ""
        nested = rng.random() < 0.3
        if nested:
            db._tx.push()
        match rng.choice(["insert", "patch", "drop", "delete"]) if id else "insert":
            case "insert":
                await db.insert("words", tags)
            case "patch":
                await db.patch(id, tags)
            case "drop":
                await db.replace(id, {})
            case _:
                await db.delete(id)
        if nested:
            db._tx.pop(keep=rng.random() < 0.5)
        assert await found(db._tx) == expected(await db.query("words").collect())


@pytest.mark.parametrize("seed", range(4))
async def test_it_is_kept_up_seen_in_own_writes_and_over_a_restart(reopened: Callable[[], Store], seed: int) -> None:
    rng = random.Random(seed)
    world = await Traffic(reopened()).open(tagged())
    for _ in range(25):
        await world.mutate(lambda db: change(db, rng))
        await check(world)
    await world.close()
    world = await Traffic(reopened()).open(tagged())
    await check(world)
    assert [index.kind for index in world.indexes.values()] == ["tags"]
    await world.close()


async def test_the_past_has_its_own_entries(reopened: Callable[[], Store]) -> None:
    rng = random.Random(1)
    world = await Traffic(reopened()).open(tagged())
    moments: list[tuple[int, list[dict[str, Any]]]] = []
    for _ in range(20):
        await world.mutate(lambda db: change(db, rng))
        moments.append((world.db.committer.visible, await world.all("words")))
    for ts, documents in moments:
        snapshot = world.db.store.acquire()
        try:
            assert await found(await world.db.read_past(snapshot, ts)) == expected(documents)
        finally:
            snapshot.release()
    await world.close()


@pytest.mark.parametrize("staged", [False, True])
async def test_it_is_built_beside_writes(reopened: Callable[[], Store], staged: bool) -> None:
    rng = random.Random(2)
    world = await Traffic(reopened()).open()
    await world.add(*({"tags": rng.sample(TAGS, 2)} for _ in range(20)))

    async def beside() -> None:
        await world.mutate(lambda db: plain(db, rng))

    world.before_fill = world.after_fill = beside
    await world.push(tagged(staged=staged))
    if staged:
        await world.until(lambda: not world.info().filling)
        assert not world.info().searches
        world.before_fill = world.after_fill = no_more
        await world.push(tagged())
    assert len(world.filled) > 4
    await check(world)
    await world.close()


async def plain(db: DatabaseWriter, rng: random.Random) -> None:
    documents = await db.query("words").collect()
    await db.patch(rng.choice(documents)["_id"], {"tags": rng.sample(TAGS, 2)})
    # Its keys stay, and the entries may not be there yet.
    await db.patch(rng.choice(documents)["_id"], {"other": rng.random()})
    await db.delete(rng.choice(documents)["_id"])
    await db.insert("words", {"tags": rng.sample(TAGS, 2)})


async def no_more() -> None:
    """Nothing is written beside."""


async def test_a_write_touches_what_comes_and_goes(reopened: Callable[[], Store]) -> None:
    world = await Traffic(reopened()).open(tagged())
    (id,) = await world.add({"tags": ["a", "b"]})
    number = world.info().searches["tags"].id

    async def touched(fields: dict[str, Any]) -> list[tuple[bytes, list[bytes | None]]]:
        touches = await world.touches(lambda db: db.patch(id, fields))
        return [(at, [each.raw for each in documents or ()]) for index, at, documents in touches if index == number]

    async def stored() -> bytes | None:
        snapshot = world.db.store.acquire()
        try:
            return (await snapshot.get([id]))[id]
        finally:
            snapshot.release()

    before = await stored()
    came = await touched({"tags": ["b", "c"]})
    assert came == [(key("a", id), [before]), (key("c", id), [await stored()])]
    assert await touched({"other": 1}) == []
    before = await stored()
    assert await touched({"tags": []}) == [(key("b", id), [before]), (key("c", id), [before])]
    await world.close()


async def test_another_kind_is_another_index(reopened: Callable[[], Store], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(derived.DERIVATIONS, "initials", initials)
    world = await Traffic(reopened()).open(tagged())
    await world.add({"tags": ["a"]})
    first = world.info().searches["tags"].id
    table: Table = define_table(v.any())
    await world.push(words(table._add(Index("tags", ("tags",), kind="initials 1"))))
    second = world.info().searches["tags"]
    assert (second.id > first, second.record.kind, len(await world.entries(second.id))) == (True, "initials 1", 1)
    assert first not in world.indexes
    await world.close()
