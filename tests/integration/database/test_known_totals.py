"""Totals that are known from before, beside what has changed since, against counting again."""

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from reactor.database import total_tree
from reactor.database.overlay import Overlay
from reactor.database.reader import DatabaseReader
from reactor.database.writer import DatabaseWriter
from reactor.store.seam import Snapshot, Store
from tests.integration.database.sums import change, check, some, summed
from tests.integration.database.traffic import Traffic


@pytest.fixture
def added_up(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Where the ranges begin that are added up."""
    found, totals = list[bytes](), total_tree.TotalTree.totals

    async def watched(tree: total_tree.TotalTree, lower: bytes, upper: bytes) -> Any:
        found.append(lower)
        return await totals(tree, lower, upper)

    monkeypatch.setattr(total_tree.TotalTree, "totals", watched)
    return found


async def chart(db: DatabaseReader) -> list[float]:
    by_day = [
        await db.aggregate("words", "by_day", lambda q, day=day: q.eq("team", "a").eq("day", day)) for day in range(6)
    ]
    return [float(totals["sum"]) for totals in by_day]


async def test_known_ranges_change_with_their_leaves(reopened: Callable[[], Store], added_up: list[bytes]) -> None:
    world = await Traffic(reopened()).open(summed())
    await world.add(*({"team": "a", "day": day, "amount": 1} for day in range(6)))
    assert (await world.read(chart), len(added_up)) == ([1.0] * 6, 6)
    assert (await world.read(chart), len(added_up)) == ([1.0] * 6, 6)
    (id, _) = await world.add({"team": "a", "day": 3, "amount": 5}, {"team": "b", "day": 4, "amount": 5})
    assert (await world.read(chart), len(added_up)) == ([1.0, 1.0, 1.0, 6.0, 1.0, 1.0], 6)
    await world.mutate(lambda db: db.patch(id, {"amount": 7}))
    assert (await world.read(chart), len(added_up)) == ([1.0, 1.0, 1.0, 8.0, 1.0, 1.0], 6)

    async def adds(db: DatabaseWriter) -> list[float]:
        await db.insert("words", {"team": "a", "day": 0, "amount": 2})
        return await chart(db)

    assert (await world.mutate(adds), len(added_up)) == ([3.0, 1.0, 1.0, 8.0, 1.0, 1.0], 6)
    assert (await world.read(chart), len(added_up)) == ([3.0, 1.0, 1.0, 8.0, 1.0, 1.0], 6)
    await world.mutate(lambda db: db.delete(id))
    # Nobody knows what the largest one is now.
    assert (await world.read(chart), len(added_up)) == ([3.0, 1.0, 1.0, 1.0, 1.0, 1.0], 7)
    await world.close()


async def test_many_with_the_smallest_number_may_go(reopened: Callable[[], Store], added_up: list[bytes]) -> None:
    world = await Traffic(reopened()).open(summed())
    ids = await world.add(*({"team": "a", "day": 1, "amount": amount} for amount in [1, 1, 2, 1, 2, 3]))

    async def ends(db: DatabaseReader) -> Any:
        totals = await db.aggregate("words", "by_day")
        return totals["min"], totals["max"]

    # Of one leaf at least it is known who has the number; a node may stand for several.
    await world.read(ends)
    for id in ids[:1] + ids[2:3]:
        await world.mutate(lambda db, id=id: db.delete(id))
        assert await world.read(ends) == (1, 3)
    await world.mutate(lambda db: db.delete(ids[1]))
    await world.mutate(lambda db: db.delete(ids[3]))
    assert await world.read(ends) == (2, 3)
    await world.close()


async def test_groups_are_walked_again_when_one_comes_or_goes(
    reopened: Callable[[], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await Traffic(reopened()).open(summed())
    walked, leaf_at = list[bytes](), total_tree.TotalTree.leaf_at

    async def watched(tree: total_tree.TotalTree, lower: bytes, upper: bytes, *, reverse: bool = False) -> Any:
        walked.append(lower)
        return await leaf_at(tree, lower, upper, reverse=reverse)

    monkeypatch.setattr(total_tree.TotalTree, "leaf_at", watched)

    async def days(db: DatabaseReader) -> list[tuple[Any, int]]:
        groups = await db.aggregate_groups("words", "by_day", lambda q: q.eq("team", "a"))
        return [(group["value"], group["count"]) for group in groups]

    ids = await world.add(*({"team": "a", "day": day, "amount": 1} for day in (1, 3)))
    assert (await world.read(days), len(walked)) == ([(1, 1), (3, 1)], 3)
    ids += await world.add({"team": "a", "day": 3, "amount": 2}, {"team": "b", "day": 2, "amount": 2})
    assert (await world.read(days), len(walked)) == ([(1, 1), (3, 2)], 3)

    async def adds(db: DatabaseWriter) -> list[tuple[Any, int]]:
        await db.insert("words", {"team": "a", "day": 2, "amount": 2})
        return await days(db)

    assert (await world.mutate(adds), len(walked)) == ([(1, 1), (2, 1), (3, 2)], 7)
    assert (await world.read(days), len(walked)) == ([(1, 1), (2, 1), (3, 2)], 11)
    await world.mutate(lambda db: db.delete(ids[0]))
    assert (await world.read(days), len(walked)) == ([(2, 1), (3, 2)], 14)
    assert (await world.read(days), len(walked)) == ([(2, 1), (3, 2)], 14)
    await world.close()


async def test_the_value_of_a_group_is_the_callers(reopened: Callable[[], Store]) -> None:
    world = await Traffic(reopened()).open(summed())
    await world.add({"team": "a", "day": ["Monday"], "amount": 1})

    async def spoils(db: DatabaseReader) -> Any:
        (group,) = await db.aggregate_groups("words", "by_day", lambda q: q.eq("team", "a"))
        day = list(group["value"])
        group["value"].append("spoiled")
        group["count"] = 7
        return day

    for _ in range(2):
        assert await world.read(spoils) == ["Monday"]
    assert (await world.all("words"))[0]["day"] == ["Monday"]
    await world.close()


@pytest.mark.parametrize("seed", range(8))
async def test_readers_of_all_times_are_told_of_their_own(reopened: Callable[[], Store], seed: int) -> None:
    """What one reader was told is changed for the next, who may stand before it, or ahead of what is durable."""
    rng = random.Random(seed)
    world = await Traffic(reopened()).open(summed())
    await world.add(*(some(rng) for _ in range(30)))
    held: list[Snapshot] = []

    async def look(snapshot: Snapshot, over: Sequence[Overlay] = ()) -> None:
        await check(DatabaseReader(world.db.read(snapshot, over)), rng)

    async def look_ahead(overlay: Overlay) -> None:
        snapshot = world.db.store.acquire()
        try:
            await look(snapshot, (overlay,))
        finally:
            snapshot.release()

    for _ in range(15):
        held.append(world.db.store.acquire())
        ahead: list[asyncio.Future[None]] = []
        world.db.on_the_way = lambda news, overlay, ahead=ahead: ahead.append(
            asyncio.ensure_future(look_ahead(overlay))
        )
        world.gate.hold()
        jobs = [world.submit(lambda db: change(db, rng)) for _ in range(rng.randint(1, 3))]
        told, results = len(world.gate.batches), [job.result for job in jobs]
        # Jobs that took everything back commit nothing.
        await world.until(
            lambda told=told, results=results: len(world.gate.batches) > told or all(map(asyncio.Future.done, results))
        )
        world.gate.on_the_way()
        await asyncio.gather(*ahead)
        world.gate.release()
        await asyncio.gather(*results)
        for snapshot in rng.sample(held, min(3, len(held))):
            await look(snapshot)
        await world.read(lambda db: check(db, rng))
        if len(held) > 4:
            held.pop(rng.randrange(len(held))).release()
    for snapshot in held:
        snapshot.release()
    await world.close()


async def test_totals_of_what_is_on_the_way(reopened: Callable[[], Store]) -> None:
    world = await Traffic(reopened()).open(summed())
    await world.add({"team": "a", "day": 1, "amount": 1})
    ahead: list[Any] = []

    async def total(db: DatabaseReader) -> float:
        return float((await db.aggregate("words", "by_day", lambda q: q.eq("team", "a")))["sum"])

    async def look(news: Any, overlay: Overlay) -> float:
        snapshot = world.db.store.acquire()
        try:
            return await total(DatabaseReader(world.db.read(snapshot, (overlay,))))
        finally:
            snapshot.release()

    assert await world.read(total) == 1
    world.db.on_the_way = lambda news, overlay: ahead.append(asyncio.ensure_future(look(news, overlay)))
    world.gate.hold()
    job = world.submit(lambda db: db.insert("words", {"team": "a", "day": 2, "amount": 10}))
    told = len(world.gate.batches)
    await world.until(lambda: len(world.gate.batches) > told)
    world.gate.on_the_way()
    assert (await ahead[0], await world.read(total)) == (11, 1)
    world.gate.release()
    await job.result
    assert await world.read(total) == 11
    await world.close()
