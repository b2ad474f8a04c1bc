"""Nodes that share a database: who lives, who leads, what happens when one is silent, and what code they serve."""

import asyncio
from pathlib import Path

import pytest

from reactor.database.database import Database
from reactor.nodes.code import CodeSuperseded
from reactor.nodes.membership import Membership
from reactor.schema import define_schema
from reactor.store.sqlite import SqliteStore
from tests.integration.nodes.group import SILENT, group


async def test_alone_there_is_no_document_and_no_wait(tmp_path: Path) -> None:
    database = Database(SqliteStore(tmp_path / "data"))
    await database.open(define_schema({}))
    try:
        alone = Membership(database, shared=False, silent_seconds=SILENT)
        before = database.committer.visible
        assert alone.leads
        await alone.join("a")
        alone.start()
        await alone.beat()
        await alone.bring("b")
        await alone.close()
        assert alone.leads
        assert not alone.is_outdated
        assert database.committer.visible == before
    finally:
        await database.close()


async def test_the_oldest_leads_and_the_next_one_after_it_left(tmp_path: Path) -> None:
    async with group(tmp_path) as nodes:
        first, second, third = [await nodes.join() for _ in range(3)]
        await nodes.turn(first, second, third)
        assert [node.leads for node in nodes.all] == [True, False, False]
        assert [len(node.nodes) for node in nodes.all] == [3, 3, 3]
        await first.close()
        await nodes.turn(second, third, seconds=1)
        assert [node.leads for node in nodes.all] == [False, True, False]
        assert second.departures
        assert set(await nodes.rows()) == {second.id, third.id}


async def test_who_comes_later_is_younger_whatever_its_clock_says(tmp_path: Path) -> None:
    async with group(tmp_path) as nodes:
        first = await nodes.join()
        nodes.set_back(3_600)
        second = await nodes.join()
        await nodes.turn(first, second)
        assert first.leads
        assert not second.leads


async def test_a_silent_node_is_declared_dead_once(tmp_path: Path) -> None:
    async with group(tmp_path) as nodes:
        first, second, third = [await nodes.join() for _ in range(3)]
        await nodes.turn(first, second, third)
        dead = first.id
        await nodes.turn(second, third, seconds=SILENT * 0.9)
        assert dead in await nodes.rows()
        await nodes.turn(second, third, seconds=SILENT * 0.2)
        assert set(await nodes.rows()) == {second.id, third.id}
        assert second.leads
        assert not third.leads
        assert first.leads, "it has not looked"
        assert not await nodes.allows(first), "and is refused all the same"
        assert await nodes.allows(second)


async def test_who_was_declared_dead_and_lives_is_somebody_else(tmp_path: Path) -> None:
    async with group(tmp_path) as nodes:
        first, second = await nodes.join(), await nodes.join()
        await nodes.turn(first, second)
        former = first.id
        await nodes.turn(second, seconds=SILENT * 1.1)
        changes: list[str | None] = []
        first.on_change.append(lambda: changes.append(first.id))
        await first.look()
        assert first.id != former
        assert changes == [first.id]
        assert not first.leads
        await second.look()
        assert second.leads
        assert set(second.nodes) == {first.id, second.id}


async def test_a_beat_at_the_last_moment_saves(tmp_path: Path) -> None:
    async with group(tmp_path) as nodes:
        first, second = await nodes.join(), await nodes.join()
        await nodes.turn(first, second)
        former, nodes.now = first.id, nodes.now + SILENT * 2
        for _ in range(4):
            await second.beat()
        # Both are under way at once: what `second` has read says that `first` is silent.
        await asyncio.gather(first.beat(), second.look())
        assert first.id == former
        assert former in await nodes.rows()


async def test_nodes_hear_of_each_other_by_commits(tmp_path: Path) -> None:
    async with group(tmp_path) as nodes:
        first = await nodes.join()
        first.start()
        heard: asyncio.Queue[int] = asyncio.Queue()
        first.on_change.append(lambda: heard.put_nowait(len(first.nodes)))
        second = await nodes.join()
        assert await heard.get() == 2
        await second.close()
        assert await heard.get() == 1


# The code


async def test_new_code_leads_at_once_and_stays_the_leader_when_others_follow(tmp_path: Path) -> None:
    async with group(tmp_path) as nodes:
        first = await nodes.join("a")
        second = await nodes.join("b")
        assert not await nodes.allows(first), "it would run with older code"
        await first.look()
        assert first.is_outdated
        assert not first.leads
        assert second.leads
        assert (second.version, second.newest) == (2, first.newest)
        await first.bring("b")
        await nodes.turn(first, second)
        assert not first.is_outdated
        assert (first.leads, second.leads) == (False, True)
        assert await nodes.allows(first)


async def test_of_two_who_bring_code_at_a_time_one_follows_the_other(tmp_path: Path) -> None:
    async with group(tmp_path) as nodes:
        first, second = await nodes.join(), await nodes.join()
        await asyncio.gather(first.bring("b"), second.bring("c"))
        await nodes.turn(first, second)
        assert sorted([first.version, second.version]) == [2, 3]
        assert [node.is_outdated for node in nodes.all] == [node.version == 2 for node in nodes.all]


async def test_a_restarted_straggler_brings_nothing_back(tmp_path: Path) -> None:
    async with group(tmp_path) as nodes:
        straggler, new = await nodes.join("a"), await nodes.join("b")
        await straggler.close()
        with pytest.raises(CodeSuperseded, match="roll_back=on"):
            await nodes.make().join("a")
        going_back = nodes.make()
        await going_back.join("a", roll_back=True)
        await new.look()
        assert going_back.version == 3
        assert new.is_outdated


async def test_older_code_is_let_in_when_nobody_serves_the_newer(tmp_path: Path) -> None:
    async with group(tmp_path) as nodes:
        first, second = await nodes.join("a"), await nodes.join("b")
        await second.close()
        await first.close()
        assert (await nodes.join("a")).version == 3


async def test_a_start_with_older_code_believes_beats_not_documents(tmp_path: Path) -> None:
    async with group(tmp_path) as nodes:
        await nodes.join("a")
        new = await nodes.join("b")
        late = Membership(nodes.database, shared=True, silent_seconds=0.2)
        nodes.all.append(late)
        await late.check("a")  # nobody beats
        await late.join("a")
        assert late.version == 3
        await new.bring("c")
        new._pause = 0.01  # pyright: ignore[reportPrivateUsage] - it beats as often as the one who looks
        new.start()
        with pytest.raises(CodeSuperseded):
            await Membership(nodes.database, shared=True, silent_seconds=60 / 100).check("a")
