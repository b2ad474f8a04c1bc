"""Vector searches in transactions: held against looking at every document."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from reactor.database import document_pass, vector_spaces
from reactor.database.reader import DatabaseReader
from reactor.database.transaction import Transaction
from reactor.database.vector_search import VectorMatch
from reactor.database.writer import DatabaseWriter
from reactor.errors import DeveloperError, StoreError
from reactor.schema import Schema, define_table
from reactor.store.seam import Store
from reactor.values import Int64, v
from tests.integration.database.traffic import Traffic, words

GENRES = ("novel", "poem", "play", None)


def vectors(dimensions: int = 3, *, staged: bool = False, filters: Sequence[str] = ("genre", "lent")) -> Schema:
    table = define_table(v.any())
    return words(
        table.vector_index("near", vector_field="at", dimensions=dimensions, filter_fields=filters, staged=staged)
    )


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document_pass, "_PAGE", 4)
    monkeypatch.setattr(vector_spaces, "_PAGE", 4)


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    lengths = math.hypot(*one) * math.hypot(*other)
    return math.fsum(a * b for a, b in zip(one, other, strict=True)) / lengths if lengths else 0.0


def expected(
    documents: Sequence[dict[str, Any]], query: Sequence[float], passes: Callable[[dict[str, Any]], bool]
) -> list[tuple[str, float]]:
    """Every document that may be found, the best first."""
    scored = [
        (each["_id"], cosine(each["at"], query))
        for each in documents
        if isinstance(each.get("at"), list) and len(each["at"]) == len(query) and passes(each)
    ]
    return sorted(scored, key=lambda match: (-match[1], match[0]))


def check(found: list[VectorMatch], wanted: list[tuple[str, float]], limit: int) -> None:
    scores = dict(wanted)
    # Different vectors that are equally near may be told apart by a rounding.
    assert [each["_score"] for each in found] == pytest.approx([score for _, score in wanted[:limit]], abs=1e-6)
    assert [each["_score"] for each in found] == pytest.approx([scores[each["_id"]] for each in found], abs=1e-6)
    assert found == sorted(found, key=lambda each: (-each["_score"], each["_id"]))
    assert len({each["_id"] for each in found}) == len(found)


def random_vector(rng: random.Random) -> list[float]:
    # Of few directions, so that equal ones occur.
    return [float(rng.choice((-2, -1, 0, 1, 2))) for _ in range(3)]


def random_fields(rng: random.Random) -> dict[str, Any]:
    fields: dict[str, Any] = {"at": random_vector(rng)}
    if rng.random() < 0.15:
        fields["at"] = rng.choice([[1.0, 2.0], [Int64(1), 1.0, 1.0], [1.0, True, 0.0], "no vector", None])
    genre = rng.choice(GENRES)
    if genre is not None:
        fields["genre"] = genre
    return fields | {"lent": rng.random() < 0.5}


def findable(fields: dict[str, Any]) -> bool:
    return "at" in fields and isinstance(fields["at"], list) and all(type(each) is float for each in fields["at"])


async def look(reader: DatabaseReader, documents: Sequence[dict[str, Any]], rng: random.Random) -> None:
    """A few random searches find what looking at all documents finds."""
    documents = [each for each in documents if findable(each)]
    for _ in range(3):
        query, limit = random_vector(rng), rng.randint(1, 8)
        found = await reader.vector_search("words", "near", vector=query, limit=limit)
        check(found, expected(documents, query, lambda _: True), limit)
        genre, lent = rng.choice(GENRES[:3]), rng.random() < 0.5
        found = await reader.vector_search(
            "words", "near", vector=query, limit=limit, filter=lambda q: q.eq("genre", genre) | q.eq("lent", lent)
        )
        both = expected(documents, query, lambda each: each.get("genre") == genre or each.get("lent") is lent)
        check(found, both, limit)


async def change(db: DatabaseWriter, rng: random.Random) -> None:
    """A few random writes, of which some are taken back; own writes are seen in between."""
    for _ in range(rng.randint(1, 4)):
        documents = await db.query("words").collect()
        id = rng.choice(documents)["_id"] if documents else ""
        nested = rng.random() < 0.3
        if nested:
            db._tx.push()
        match rng.choice(["insert", "insert", "patch", "other", "drop", "delete"]) if id else "insert":
            case "insert":
                await db.insert("words", random_fields(rng))
            case "patch":
                await db.patch(id, random_fields(rng))
            case "other":
                await db.patch(id, {"read": rng.random()})
            case "drop":
                await db.replace(id, {})
            case _:
                await db.delete(id)
        if nested:
            db._tx.pop(keep=rng.random() < 0.5)
        await look(db, await db.query("words").collect(), rng)


async def reading(world: Traffic, work: Callable[[Transaction], Any]) -> Any:
    snapshot = world.db.store.acquire()
    try:
        return await work(world.db.read(snapshot))
    finally:
        snapshot.release()


async def check_all(world: Traffic, rng: random.Random) -> None:
    documents = await world.all("words")
    await reading(world, lambda tx: look(DatabaseReader(tx), documents, rng))


@pytest.mark.parametrize("seed", range(6))
async def test_it_finds_what_a_look_at_everything_finds(reopened: Callable[[], Store], seed: int) -> None:
    rng = random.Random(seed)
    world = await Traffic(reopened()).open(vectors())
    for _ in range(20):
        await world.mutate(lambda db: change(db, rng))
        await check_all(world, rng)
    await world.close()
    world = await Traffic(reopened()).open(vectors())
    await check_all(world, rng)
    await world.close()


async def test_older_moments_are_seen_as_they_were(reopened: Callable[[], Store]) -> None:
    rng = random.Random(7)
    world = await Traffic(reopened()).open(vectors())
    held: list[tuple[Any, list[dict[str, Any]]]] = []
    for turn in range(24):
        await world.mutate(lambda db: change_blindly(db, rng))
        if turn % 4 == 0:
            held.append((world.db.store.acquire(), await world.all("words")))
    # Nothing was in memory yet: what is loaded now begins after all of these.
    for snapshot, documents in held:
        await look(DatabaseReader(world.db.read(snapshot)), documents, rng)
    for _ in range(12):
        await world.mutate(lambda db: change_blindly(db, rng))
        for snapshot, documents in held:
            await look(DatabaseReader(world.db.read(snapshot)), documents, rng)
    moments = [(snapshot.ts, documents) for snapshot, documents in held]
    for snapshot, _ in held:
        snapshot.release()
    for ts, documents in moments:
        await reading(world, lambda tx: look_back(world, tx, ts, documents, rng))
    await world.close()


async def look_back(
    world: Traffic, tx: Transaction, ts: int, documents: list[dict[str, Any]], rng: random.Random
) -> None:
    await look(DatabaseReader(await world.db.read_past(tx.snapshot, ts)), documents, rng)


async def change_blindly(db: DatabaseWriter, rng: random.Random) -> None:
    documents = await db.query("words").collect()
    if documents and rng.random() < 0.5:
        await db.patch(rng.choice(documents)["_id"], random_fields(rng))
    if len(documents) > 20:
        await db.delete(rng.choice(documents)["_id"])
    await db.insert("words", random_fields(rng))


async def test_commits_that_come_while_it_is_loaded_are_in_it(reopened: Callable[[], Store]) -> None:
    rng = random.Random(3)
    world = await Traffic(reopened()).open(vectors())
    for _ in range(30):
        await world.mutate(lambda db: change_blindly(db, rng))
    searching = asyncio.ensure_future(check_all(world, rng))
    while not world.db.vectors._loading:
        await asyncio.sleep(0)
    for _ in range(5):
        await world.mutate(lambda db: change_blindly(db, rng))
    await searching
    await check_all(world, rng)
    await world.close()


async def test_undurable_writes_are_seen_by_mutations_and_lost_with_their_group(reopened: Callable[[], Store]) -> None:
    world = await Traffic(reopened()).open(vectors())
    await world.add({"at": [1.0, 0.0, 0.0]})

    async def best(db: DatabaseReader) -> float:
        (found,) = await db.vector_search("words", "near", vector=[0.0, 0.0, 1.0], limit=1)
        return found["_score"]

    async def add(db: DatabaseWriter) -> float:
        await db.insert("words", {"at": [0.0, 0.0, 5.0]})
        return await best(db)

    assert await reading(world, lambda tx: best(DatabaseReader(tx))) == 0.0
    world.gate.hold()
    world.gate.batches.clear()
    first = world.submit(add)
    await world.until(lambda: bool(world.gate.batches))
    second = world.submit(best)
    assert await reading(world, lambda tx: best(DatabaseReader(tx))) == 0.0
    world.gate.failures.append(StoreError("the disk is gone"))
    world.gate.release()
    with pytest.raises(StoreError):
        await first.result
    assert (await second.result, second.runs) == (0.0, 2)
    assert await world.mutate(add) == 1.0
    assert await reading(world, lambda tx: best(DatabaseReader(tx))) == 1.0
    await world.close()


@pytest.mark.parametrize("staged", [False, True])
async def test_it_is_built_beside_writes(reopened: Callable[[], Store], staged: bool) -> None:
    rng = random.Random(4)
    world = await Traffic(reopened()).open()
    await world.add(*(random_fields(rng) for _ in range(20)))

    async def beside() -> None:
        await world.mutate(lambda db: change_blindly(db, rng))

    world.before_fill = world.after_fill = beside
    await world.push(vectors(staged=staged))
    if staged:
        await world.until(lambda: not world.info().filling)
        await refused(world, "IndexStagedError", "currently staged and not available to query")
        await world.push(vectors())
    assert len(world.filled) > 4
    await check_all(world, rng)
    await world.close()


async def refused(world: Traffic, code: str, text: str, **options: Any) -> None:
    given = {"vector": [1.0, 0.0, 0.0], **options}
    with pytest.raises(DeveloperError, match=text) as caught:
        await reading(world, lambda tx: DatabaseReader(tx).vector_search("words", "near", **given))
    assert caught.value.code == code


async def test_other_dimensions_are_another_index(reopened: Callable[[], Store]) -> None:
    world = await Traffic(reopened()).open(vectors())
    (old,) = await world.add({"at": [1.0, 0.0, 0.0]})
    assert [old] == await ids(world, [1.0, 0.0, 0.0])
    await world.push(vectors(2))
    assert await ids(world, [1.0, 0.0]) == []
    assert list(world.db.vectors._spaces) == [world.info().searches["near"].id]
    (new,) = await world.add({"at": [1.0, 0.0]})
    assert await ids(world, [1.0, 0.0]) == [new]
    await refused(world, "IncorrectVectorDimensions", "Expected a vector with dimensions 2, .* one with 3 was given")
    await world.close()


async def ids(world: Traffic, vector: Sequence[float], limit: int = 10) -> list[str]:
    found = await reading(
        world, lambda tx: DatabaseReader(tx).vector_search("words", "near", vector=vector, limit=limit)
    )
    return [each["_id"] for each in found]


async def test_a_reader_from_before_the_index_went_goes_on_with_it(reopened: Callable[[], Store]) -> None:
    world = await Traffic(reopened()).open(vectors())
    (id,) = await world.add({"at": [1.0, 0.0, 0.0]})
    snapshot = world.db.store.acquire()
    tx = world.db.read(snapshot)
    await world.push(words())
    assert not world.info().searches
    found = await DatabaseReader(tx).vector_search("words", "near", vector=[1.0, 0.0, 0.0])
    assert found == [{"_id": id, "_score": 1.0}]
    assert not world.db.vectors._spaces
    snapshot.release()
    await world.close()


async def test_memory_is_bounded(reopened: Callable[[], Store]) -> None:
    def two(table: Any) -> Schema:
        for name in ("near", "far"):
            table = table.vector_index(name, vector_field=name, dimensions=1000)
        return words(table)

    world = Traffic(reopened(), vector_bytes=100_000)
    await world.open(two(define_table(v.any())))
    await world.add(*({"near": [1.0] * 1000, "far": [1.0] * 1000} for _ in range(20)))

    async def search(name: str) -> int:
        found = await reading(world, lambda tx: DatabaseReader(tx).vector_search("words", name, vector=[1.0] * 1000))
        return len(found)

    searches = {index.name: index.id for index in world.info().derived}
    assert await search("near") == 10
    assert list(world.db.vectors._spaces) == [searches["near"]]
    assert await search("far") == 10
    assert list(world.db.vectors._spaces) == [searches["far"]]  # there is room for one
    assert world.db.vectors.bytes <= 100_000
    await world.add({"far": [1.0] * 1000}, {"far": [1.0] * 1000}, {"far": [1.0] * 1000})
    assert world.db.vectors.bytes == 0
    with pytest.raises(
        DeveloperError, match=r"23 vectors of 1000 numbers, which take about 0\.1 MiB .* Raise the"
    ) as e:
        await search("far")
    assert e.value.code == "VectorIndexTooLarge"
    assert await search("near") == 10
    await world.close()


async def test_what_comes_while_vectors_are_loaded_needs_room_too(
    reopened: Callable[[], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = Traffic(reopened(), vector_bytes=50_000)
    await world.open(words(define_table(v.any()).vector_index("near", vector_field="at", dimensions=1000)))
    await world.add(*({"at": [1.0] * 1000} for _ in range(10)))
    filled, go = asyncio.Event(), asyncio.Event()
    fill = vector_spaces.VectorSpaces._fill

    async def slow(*args: Any) -> None:
        await fill(*args)
        filled.set()
        await go.wait()

    async def search(tx: Transaction) -> Any:
        return await DatabaseReader(tx).vector_search("words", "near", vector=[1.0] * 1000)

    monkeypatch.setattr(vector_spaces.VectorSpaces, "_fill", slow)
    searching = asyncio.ensure_future(reading(world, search))
    await filled.wait()
    await world.add(*({"at": [1.0] * 1000} for _ in range(10)))
    go.set()
    with pytest.raises(DeveloperError, match="20 vectors of 1000 numbers") as e:
        await searching
    assert e.value.code == "VectorIndexTooLarge"
    assert world.db.vectors.bytes == 0
    await world.close()


async def test_a_search_reads_what_may_change_its_answer(reopened: Callable[[], Store]) -> None:
    world = await Traffic(reopened()).open(vectors())
    near, middle, far = await world.add(
        *({"at": at, "genre": "novel"} for at in ([1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 1.0, 0.0]))
    )

    async def touched(write: Callable[[DatabaseWriter], Any], **options: Any) -> bool:
        """Whether a write concerns who searched before it."""

        async def search(tx: Transaction) -> Any:
            await DatabaseReader(tx).vector_search("words", "near", vector=[1.0, 0.0, 0.0], **options)
            return tx.reads.ranges()

        ranges = await reading(world, search)
        touches = await world.touches(write)
        return any(range.touched(touch) for range in ranges for touch in touches)

    def novels(q: Any) -> Any:
        return q.eq("genre", "novel")

    def lent(q: Any) -> Any:
        return q.eq("genre", "play") | q.eq("lent", True)

    def put(at: list[float], **more: Any) -> Callable[[DatabaseWriter], Any]:
        return lambda db: db.insert("words", {"at": at, **more})

    # Two were found, and the last of them scores about 0.7.
    assert not await touched(put([0.0, 0.0, 1.0]), limit=2)
    assert not await touched(lambda db: db.patch(far, {"at": [0.1, 1.0, 0.0]}), limit=2)
    assert not await touched(lambda db: db.patch(near, {"read": 1}), limit=2)
    assert not await touched(lambda db: db.patch(near, {"genre": "poem"}), limit=2)
    assert await touched(lambda db: db.patch(near, {"genre": "novel"}), limit=2, filter=novels)
    assert not await touched(put([1.0, 0.0, 0.0], genre="poem"), limit=2, filter=novels)
    assert await touched(put([1.0, 0.5, 0.0], genre="novel"), limit=2, filter=novels)
    assert not await touched(put([1.0, 0.2, 0.0]), limit=2)  # two are the same as what is looked for by now
    assert await touched(put([2.0, 0.0, 0.0]), limit=2)
    assert await touched(lambda db: db.delete(near), limit=2)
    assert await touched(lambda db: db.patch(middle, {"lent": True}), filter=lent)
    # Fewer were found than may be, so any vector is one more.
    assert await touched(put([-1.0, 0.0, 0.0]), limit=200)
    assert not await touched(put([1.0, 0.0]), limit=200)
    await world.close()


async def test_many_vectors_are_looked_at_in_a_thread(
    reopened: Callable[[], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vector_spaces, "_AT_ONCE", 0)
    rng = random.Random(5)
    world = await Traffic(reopened()).open(vectors())
    for _ in range(4):
        await world.mutate(lambda db: change(db, rng))
    await asyncio.gather(*(check_all(world, rng) for _ in range(4)))
    assert world.db.vectors._threads is not None
    await world.close()
    assert world.db.vectors._threads is None


async def test_equal_vectors_are_told_apart_by_id(reopened: Callable[[], Store]) -> None:
    world = await Traffic(reopened()).open(vectors())
    added = await world.add(*({"at": [0.1 * length, 0.3 * length, 0.7 * length]} for length in range(1, 31)))
    await world.add({"at": [0.0, 0.0, 0.0]})
    assert await ids(world, [0.1, 0.3, 0.7], 12) == sorted(added)[:12]
    assert len(await ids(world, [0.0, 0.0, 0.0], 31)) == 31
    await world.close()


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        ({"vector": []}, "InvalidVector", r"needs a vector: a list of 3 numbers, not \[\]"),
        ({"vector": None}, "InvalidVector", "not None"),
        (
            {"vector": [1.0] * 4},
            "IncorrectVectorDimensions",
            "Expected a vector with dimensions 3, .* with 4 was given",
        ),
        ({"vector": [1.0, math.nan, 0.0]}, "InvalidVector", "finite numbers"),
        ({"vector": [1.0, Int64(1), 0.0]}, "InvalidVector", "no Int64"),
        ({"vector": [1.0, True, 0.0]}, "InvalidVector", "no booleans"),
        ({"limit": 0}, "InvalidVectorLimit", "from 1 to 256, not 0"),
        ({"limit": 257}, "InvalidVectorLimit", "from 1 to 256, not 257"),
        ({"limit": 1.5}, "InvalidVectorLimit", "from 1 to 256, not 1.5"),
        (
            {"filter": lambda q: q.eq("title", 1)},
            "IncorrectFilterField",
            r"no filter field 'title' \(it has: genre, lent",
        ),
        ({"filter": lambda q: None}, "VectorFilterExpression", "returned None, and not a condition"),
        ({"filter": lambda q: q.or_()}, "VectorFilterExpression", "at least one"),
        ({"filter": lambda q: q.or_(1)}, "VectorFilterExpression", "was given 1, and not a condition"),
        ({"filter": lambda q: q.eq("genre", 1) & q.eq("lent", 2)}, "VectorFilterExpression", "no `and`"),
        ({"filter": lambda q: q.eq("genre", 1) and q.eq("lent", 2)}, "VectorFilterExpression", "no truth of its own"),
        (
            {"filter": lambda q: q.or_(*(q.eq("genre", n) for n in range(65)))},
            "TooManyFilterConditions",
            r"65 conditions \(limit: 64\)",
        ),
    ],
)
async def test_what_is_refused(reopened: Callable[[], Store], options: dict[str, Any], code: str, text: str) -> None:
    world = await Traffic(reopened()).open(vectors())
    await refused(world, code, text, **options)
    await world.close()


async def test_what_is_no_vector_index_is_refused(reopened: Callable[[], Store]) -> None:
    table = define_table(v.any()).index("by", ["n"]).vector_index("near", vector_field="at", dimensions=2)
    world = await Traffic(reopened()).open(words(table))

    async def search(table: str, index: str) -> None:
        await reading(world, lambda tx: DatabaseReader(tx).vector_search(table, index, vector=[1.0, 0.0]))

    with pytest.raises(DeveloperError, match=r"Index words.by not found among the vector indexes .*\(it has: near\)"):
        await search("words", "by")
    with pytest.raises(DeveloperError, match=r"Index nothing.near not found .*\(it has: none\)"):
        await search("nothing", "near")
    with pytest.raises(DeveloperError, match=r"System tables can only be accessed with db\.system"):
        await search("_storage", "near")
    with pytest.raises(DeveloperError, match=r"Index words\.near is a vector index and has no order: search it"):
        await reading(world, lambda tx: DatabaseReader(tx).query("words").with_index("near").collect())
    await world.close()


async def test_whoever_gives_up_waiting_takes_nothing_from_others(reopened: Callable[[], Store]) -> None:
    rng = random.Random(9)
    world = await Traffic(reopened()).open(vectors())
    for _ in range(10):
        await world.mutate(lambda db: change_blindly(db, rng))
    impatient, patient = (asyncio.ensure_future(check_all(world, rng)) for _ in range(2))
    await world.until(lambda: bool(world.db.vectors._loading))
    impatient.cancel()
    await patient
    assert impatient.cancelled()
    assert len(world.db.vectors._spaces) == 1
    await world.close()


async def test_a_store_that_cannot_be_read_loses_the_transaction_and_no_more(reopened: Callable[[], Store]) -> None:
    world = await Traffic(reopened()).open(vectors())
    (id,) = await world.add({"at": [1.0, 0.0, 0.0]})
    acquire = world.db.vectors.acquire
    broken: Any = lambda: Broken(acquire())
    world.db.vectors.acquire = broken

    async def failing(tx: Transaction) -> StoreError | None:
        with pytest.raises(StoreError, match="cannot be read"):
            await DatabaseReader(tx).vector_search("words", "near", vector=[1.0, 0.0, 0.0])
        return tx.fault

    assert await reading(world, failing) is not None
    world.db.vectors.acquire = acquire
    assert await ids(world, [1.0, 0.0, 0.0]) == [id]
    await world.close()


class Broken:
    """A snapshot whose entries cannot be read."""

    def __init__(self, snapshot: Any) -> None:
        self._snapshot = snapshot

    def __getattr__(self, name: str) -> Any:
        return getattr(self._snapshot, name)

    async def scan(self, *_: Any, **__: Any) -> Any:
        raise StoreError("the disk cannot be read")


async def test_closing_ends_what_is_being_loaded(reopened: Callable[[], Store]) -> None:
    rng = random.Random(10)
    world = await Traffic(reopened()).open(vectors())
    for _ in range(10):
        await world.mutate(lambda db: change_blindly(db, rng))
    searching = asyncio.ensure_future(check_all(world, rng))
    await world.until(lambda: bool(world.db.vectors._loading))
    await world.db.vectors.close()
    with pytest.raises(asyncio.CancelledError):
        await searching
    assert not world.db.vectors._loading
    await world.close()


async def test_after_a_start_vectors_are_read_beside_the_traffic(reopened: Callable[[], Store]) -> None:
    rng = random.Random(11)
    world = await Traffic(reopened()).open(vectors())
    for _ in range(10):
        await world.mutate(lambda db: change_blindly(db, rng))
    await world.close()
    world = await Traffic(reopened()).open(vectors())
    world.db.warm()
    await world.until(lambda: bool(world.db.vectors._loading))
    await world.mutate(lambda db: change_blindly(db, rng))
    await world.until(lambda: bool(world.db.vectors._spaces))
    assert not world.db.vectors._loading
    await check_all(world, rng)
    await world.close()


async def test_closing_does_not_wait_for_what_is_read_beside(reopened: Callable[[], Store]) -> None:
    rng = random.Random(12)
    world = await Traffic(reopened()).open(vectors())
    for _ in range(10):
        await world.mutate(lambda db: change_blindly(db, rng))
    world.db.warm()
    await asyncio.sleep(0)
    await world.close()
    assert not world.db.vectors._spaces


async def test_a_search_in_the_very_turn_in_which_loading_ends(reopened: Callable[[], Store]) -> None:
    world = await Traffic(reopened()).open(vectors())
    (id,) = await world.add({"at": [1.0, 0.0, 0.0]})
    loading = world.db.vectors._begin(world.info().searches["near"])
    assert loading is not None
    await world.until(loading.task.done)
    assert not loading.done.done()
    assert await ids(world, [1.0, 0.0, 0.0]) == [id]
    await world.close()
