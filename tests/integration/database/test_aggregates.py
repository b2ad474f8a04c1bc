"""Aggregates against counting again."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from reactor.database import document_pass, total_pass, total_tree
from reactor.database.pages import Pager
from reactor.database.reader import DatabaseReader
from reactor.database.transaction import Transaction
from reactor.database.writer import DatabaseWriter
from reactor.errors import DeveloperError, LoadError
from reactor.schema import define_schema, define_table
from reactor.store.seam import Store
from reactor.values import COMMIT_TS, Int64, v
from tests.integration.database.sums import change, check, some, summed
from tests.integration.database.traffic import Traffic, nothing, words
from tests.integration.database.world import CURSORS, touched


@pytest.fixture(autouse=True)
def tall_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every second leaf begins a node, so that few documents make many levels."""
    monkeypatch.setattr(total_tree, "_BITS", 1)
    monkeypatch.setattr(total_tree, "_PAGE", 3)
    monkeypatch.setattr(total_pass, "_PAGE", 3)
    monkeypatch.setattr(document_pass, "_PAGE", 4)


async def entries_of(world: Traffic, index: str) -> list[bytes]:
    """Everything but the mark of how far it was built."""
    return [key for key, _ in await world.entries(world.info().searches[index].id) if key[0]]


async def check_as_built_anew(world: Traffic) -> None:
    """The tree is the one that building it from its leaves gives."""
    before = await entries_of(world, "by_day")
    anew = define_table(v.any()).aggregate("anew", ["team", "day"], sum="amount").aggregate(
        "by_day", ["team", "day"], sum="amount"
    )  # fmt: skip
    with pytest.raises(LoadError, match="same fields"):
        words(anew)
    await world.push(words())
    await world.push(summed())
    assert await entries_of(world, "by_day") == before


@pytest.mark.parametrize("seed", range(6))
async def test_totals_are_those_of_counting_again(reopened: Callable[[], Store], seed: int) -> None:
    rng = random.Random(seed)
    world = await Traffic(reopened()).open(summed())
    for _ in range(20):
        await world.mutate(lambda db: change(db, rng))
        await world.read(lambda db: check(db, rng))
    await world.close()
    world = await Traffic(reopened()).open(summed())
    await world.read(lambda db: check(db, rng))
    await check_as_built_anew(world)
    await world.close()


async def test_hundreds_of_documents_in_one_mutation(reopened: Callable[[], Store]) -> None:
    rng = random.Random(3)
    world = await Traffic(reopened()).open(summed())

    async def many(db: DatabaseWriter) -> None:
        for _ in range(200):
            await db.insert("words", some(rng))

    await world.mutate(many)
    await world.read(lambda db: check(db, rng))
    await check_as_built_anew(world)

    async def most_go(db: DatabaseWriter) -> None:
        for row in (await db.query("words").collect())[:190]:
            await db.delete(row["_id"])

    await world.mutate(most_go)
    await world.read(lambda db: check(db, rng))
    await check_as_built_anew(world)
    await world.close()


@pytest.mark.parametrize("staged", [False, True])
@pytest.mark.parametrize("seed", range(3))
async def test_it_is_built_beside_writes(reopened: Callable[[], Store], seed: int, staged: bool) -> None:
    rng = random.Random(seed)
    world = await Traffic(reopened()).open()
    await world.add(*(some(rng) for _ in range(40)))
    jobs: list[Any] = []

    async def blind(db: DatabaseWriter) -> None:
        documents = await db.query("words").collect()
        await db.patch(rng.choice(documents)["_id"], {"amount": rng.random()})
        await db.replace(rng.choice(documents)["_id"], some(rng))
        await db.delete(rng.choice(documents)["_id"])
        await db.insert("words", some(rng))

    async def beside() -> None:
        jobs.append(world.submit(blind))

    world.before_fill = world.after_fill = beside
    submit = world.db.committer.submit

    def with_another(job: Any) -> None:
        submit(job)
        if job.source == "schema":
            jobs.append(world.submit(blind))

    world.db.committer.submit = with_another
    await world.push(summed(staged=staged))
    if staged:
        await world.until(lambda: not world.info().filling)
        await world.push(summed())
    for job in jobs:
        await job.result
    assert len(jobs) > 20
    world.before_fill = world.after_fill = nothing
    world.db.committer.submit = submit
    await world.read(lambda db: check(db, rng))
    await check_as_built_anew(world)
    await world.close()


async def test_a_table_that_comes_while_another_is_looked_at(reopened: Callable[[], Store]) -> None:
    """The old code, which does not know the aggregate, makes the table before the new schema serves."""
    world = await Traffic(reopened()).open()
    await world.add(*({"n": n} for n in range(10)))

    async def beside() -> None:
        await world.mutate(lambda db: db.insert("late", {"day": 1, "amount": 2.5}))

    world.before_fill = beside
    late = define_table(v.any()).aggregate("by_day", ["day"], sum="amount")
    await world.push(define_schema({"words": define_table(v.any()).index("by", ["n"]), "late": late}))
    await world.mutate(lambda db: db.insert("late", {"day": 1, "amount": 2.5}))
    count = len(await world.all("late"))
    assert count > 2
    totals = await world.read(lambda db: db.aggregate("late", "by_day", lambda q: q.eq("day", 1)))
    assert (totals["count"], totals["sum"]) == (count, 2.5 * count)
    await world.close()


async def test_commits_that_are_lost_take_their_totals_with_them(reopened: Callable[[], Store]) -> None:
    rng = random.Random(5)
    world = await Traffic(reopened()).open(summed())
    await world.mutate(lambda db: change(db, rng))
    world.gate.hold()
    world.gate.failures.append(OSError("the disk"))
    batches = len(world.gate.batches)
    lost = world.submit(lambda db: db.insert("words", {"team": "a", "day": 1, "amount": 7}))
    await world.until(lambda: len(world.gate.batches) > batches)
    later = world.submit(lambda db: db.insert("words", {"team": "a", "day": 1, "amount": 9}))
    world.gate.release()
    with pytest.raises(OSError, match="the disk"):
        await lost.result
    await later.result
    await world.read(lambda db: check(db, rng))
    await check_as_built_anew(world)
    await world.close()


async def test_the_past_has_its_totals(reopened: Callable[[], Store]) -> None:
    rng = random.Random(6)
    world = await Traffic(reopened()).open(summed())
    moments: list[int] = []
    for _ in range(15):
        await world.mutate(lambda db: change(db, rng))
        moments.append(world.db.committer.visible)
    for ts in moments:
        snapshot = world.db.store.acquire()
        try:
            await check(DatabaseReader(await world.db.read_past(snapshot, ts), Pager(CURSORS)), rng)
        finally:
            snapshot.release()
    await world.close()


async def test_a_reader_hears_of_its_own_range_only(reopened: Callable[[], Store]) -> None:
    world = await Traffic(reopened()).open(summed())
    ids = await world.add(*({"team": "a", "day": day, "amount": day} for day in range(7)))
    _, ranges = await world.watch(
        lambda db: db.aggregate("words", "by_day", lambda q: q.eq("team", "a").gte("day", 2).lt("day", 5))
    )
    assert len(ranges) == 1

    async def wakes(write: Callable[[DatabaseWriter], Any]) -> bool:
        return touched(ranges, await world.touches(write))

    assert not await wakes(lambda db: db.insert("words", {"team": "a", "day": 5, "amount": 1}))
    assert not await wakes(lambda db: db.insert("words", {"team": "b", "day": 3, "amount": 1}))
    assert not await wakes(lambda db: db.patch(ids[0], {"amount": 100}))
    assert not await wakes(lambda db: db.patch(ids[3], {"other": 1}))
    assert await wakes(lambda db: db.patch(ids[3], {"amount": 100}))
    assert await wakes(lambda db: db.patch(ids[0], {"day": 2}))
    assert await wakes(lambda db: db.delete(ids[4]))
    assert await wakes(lambda db: db.insert("words", {"team": "a", "day": 4}))
    await world.close()


async def test_reading_and_writing_take_few_steps(
    reopened: Callable[[], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(total_tree, "_BITS", 5)
    monkeypatch.setattr(total_tree, "_PAGE", 128)
    monkeypatch.setattr(total_pass, "_PAGE", 512)
    monkeypatch.setattr(document_pass, "_PAGE", 512)
    rng = random.Random(7)
    world = await Traffic(reopened()).open()

    async def many(db: DatabaseWriter) -> None:
        for n in range(3_000):
            await db.insert("words", {"team": "a", "day": rng.random(), "amount": n})

    await world.mutate(many)
    await world.push(summed())
    seen = 0
    entries = Transaction.entries

    async def counting(tx: Transaction, *args: Any, **options: Any) -> list[tuple[bytes, str]]:
        nonlocal seen
        found = await entries(tx, *args, **options)
        seen += len(found) + 1
        return found

    monkeypatch.setattr(Transaction, "entries", counting)
    await world.read(lambda db: db.aggregate("words", "by_day", lambda q: q.eq("team", "a").gt("day", 0.1)))
    assert seen < 500
    seen = 0
    await world.mutate(lambda db: db.insert("words", {"team": "a", "day": 0.5, "amount": 1}))
    assert seen < 500
    await world.close()


async def test_int64s_add_up_to_one(reopened: Callable[[], Store]) -> None:
    world = await Traffic(reopened()).open(summed())
    await world.add({"team": "a", "day": 1, "amount": Int64(2**60)}, {"team": "a", "day": 1, "amount": Int64(3)})
    totals = await world.read(lambda db: db.aggregate("words", "by_day"))
    assert totals["sum"] == 2**60 + 3
    assert isinstance(totals["sum"], Int64)
    await world.close()


@pytest.mark.parametrize(
    ("call", "code", "text"),
    [
        (lambda db: db.aggregate("words", "by_hour"), "IndexNotFound", "Aggregates of this table: all, by_day"),
        (lambda db: db.aggregate("words", "by_day", lambda q: q.eq("day", 1)), "InvalidIndexRange", "in order"),
        (lambda db: db.aggregate("words", "by_day", lambda q: None), "InvalidIndexRange", "must return the range"),
        (lambda db: db.aggregate_groups("words", "all"), "InvalidIndexRange", "fixes all of its fields"),
        (lambda db: db.aggregate_groups("words", "by_day", limit=0), "QueryBuilder", "from 1 to 1,000"),
        (lambda db: db.aggregate_groups("words", "by_day", order="up"), "QueryBuilder", '"asc" or "desc"'),
        (lambda db: db.query("words").with_index("by_day").collect(), "IndexNotFound", "ctx.db.aggregate"),
        (lambda db: db.insert("words", {"day": COMMIT_TS}), "AggregateOfCommitTs", "not known before the commit"),
    ],
)
async def test_what_is_wrong_is_told(reopened: Callable[[], Store], call: Any, code: str, text: str) -> None:
    world = await Traffic(reopened()).open(summed())
    await world.add({"team": "a", "day": 1, "amount": 1})
    with pytest.raises(DeveloperError, match=text) as caught:
        await world.mutate(call)
    assert caught.value.code == code
    assert len(await world.all("words")) == 1
    await world.close()


async def test_a_table_without_documents(reopened: Callable[[], Store]) -> None:
    world = await Traffic(reopened()).open(summed())
    nothing = {"count": 0, "sum": 0.0, "min": None, "max": None, "mean": None}
    assert await world.read(lambda db: db.aggregate("words", "by_day")) == nothing
    assert await world.read(lambda db: db.aggregate("ghosts", "by_day")) == nothing
    assert await world.read(lambda db: db.aggregate_groups("words", "by_day")) == []
    await world.close()


def test_heights_are_rare() -> None:
    heights = [total_tree.height(f"document {number}") for number in range(2_000)]
    assert 800 < sum(1 for each in heights if each) < 1_200
