"""Scheduled functions, cron jobs and migrations with several nodes: each once, whoever dies and whoever leads."""

import asyncio
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from reactor.database.backlog import Backlog
from reactor.errors import StoreError
from reactor.files.links import STORAGE
from reactor.files.seam import Stored
from reactor.jobs.runs import Due
from reactor.nodes.membership import NotLeading
from reactor.nodes.rows import delete_node
from reactor.values.ids import new_id
from tests.integration.jobs.test_crons import application, rows
from tests.integration.jobs.test_executor import Stage
from tests.integration.jobs.test_migrating_under_load import mutation, visits
from tests.integration.nodes.pair import Node, shared_engine
from tests.integration.sync.engine import Client


async def test_the_leader_runs_what_is_scheduled(tmp_path: Path) -> None:
    async with shared_engine(tmp_path, "jobs") as nodes:
        stage, second = Stage(nodes.parts), await nodes.another()
        nodes.first.start()
        second.start()
        for number in range(20):
            await stage.mutation("later", text=str(number))
        await stage.mutation("schedule_acts", count=5)
        await stage.until_states(*["success"] * 25)
        await asyncio.gather(*nodes.first.executor.running.values())
        assert await stage.query("texts") == [str(number) for number in range(20)]
        assert await stage.query("starts") == list(range(5))
        assert (nodes.first.job_runs.ran, second.job_runs.ran) == (25, 0)


async def test_the_next_one_goes_on_when_the_leader_has_left(tmp_path: Path) -> None:
    async with shared_engine(tmp_path, "jobs") as nodes:
        stage, second = Stage(nodes.parts), await nodes.another()
        second.start()
        await stage.mutation("later", text="while nobody runs")
        await nodes.first.members.close()
        await second.members.look()
        await stage.until_texts("while nobody runs")
        await asyncio.gather(*second.executor.running.values())
        assert second.job_runs.ran == 1


async def test_who_does_not_lead_any_more_is_refused(tmp_path: Path) -> None:
    async with shared_engine(tmp_path, "jobs") as nodes:
        stage, second = Stage(nodes.parts), await nodes.another()
        nodes.first.beating = False
        await nodes.turn()
        assert nodes.first.members.leads, "it has stood still, and does not know it"
        jobs = [
            (await stage.mutation("later", text="one"), "jobs:note", b'{"text":"one"}'),
            (await stage.mutation("schedule", path="jobs:act", args={"number": 7}), "jobs:act", b'{"number":7}'),
            (await stage.mutation("schedule", path="jobs:texts"), "jobs:gone", b"{}"),
        ]
        for job in jobs:
            with pytest.raises(NotLeading):
                await nodes.first.job_runs.run(Due(*job))
        with pytest.raises(NotLeading):
            await nodes.first.executor.run_due()
        assert await stage.query("states") == ["pending", "pending", "pending"]
        second.start()
        await stage.until_states("success", "success", "failed")
        assert await stage.query("starts") == [7]
        with pytest.raises(NotLeading):
            await nodes.parts.jobs.forget(nodes.parts.database.now() + 1_000)
        assert len(await stage.query("states")) == 3


async def test_a_scheduled_mutation_that_waits_while_its_node_is_declared_dead(tmp_path: Path) -> None:
    async with shared_engine(tmp_path, "jobs") as nodes:
        stage, second = Stage(nodes.parts), await nodes.another()
        await stage.mutation("later", text="once")
        await nodes.parts.database.committer.pause()
        taken_up = asyncio.get_running_loop().create_task(nodes.first.executor.run_due())
        second.start()
        burial = asyncio.get_running_loop().create_task(second.members._transact(_delete(nodes.first)))  # pyright: ignore[reportPrivateUsage]
        nodes.parts.database.committer.proceed()
        await burial
        await second.members.look()
        await stage.until_states("success")
        await taken_up
        assert await stage.query("texts") == ["once"]


def _delete(node: Node) -> Any:
    assert node.members.id is not None
    return lambda tx, id=node.members.id: delete_node(tx, id)


async def test_actions_of_living_nodes_go_on_when_another_leads(tmp_path: Path) -> None:
    async with shared_engine(tmp_path, "jobs") as nodes:
        stage, second = Stage(nodes.parts), await nodes.another("newer code")
        await second.members.bring("newer code")
        await nodes.first.members.bring("newer code")
        await second.members.look()
        assert second.members.leads
        second.start()
        id = await stage.mutation("wait_later", name="goes on")
        await stage.until_states("inProgress")
        assert (await stage.query("job", id=id))["state"]["node"] == second.members.id
        await nodes.first.members.bring("newest code")
        await second.members.look()
        assert not second.members.leads
        nodes.first.start()
        await stage.mutation("later", text="by the first")
        await stage.until_states("inProgress", "success")
        stage.jobs.STOPPED["goes on"].set()
        await stage.until_states("success", "success", "success", "success")
        assert "node" not in (await stage.query("job", id=id))["state"]
        assert second.job_runs.ran == 1


async def test_what_a_dead_node_ran_has_failed_and_is_not_begun_again(tmp_path: Path) -> None:
    async with shared_engine(tmp_path, "jobs") as nodes:
        stage, second = Stage(nodes.parts), await nodes.another()
        nodes.first.start()
        second.start()
        id = await stage.mutation("wait_later", name="dies")
        await stage.until_states("inProgress")
        nodes.first.beating = False
        await nodes.turn()
        await stage.until_states("failed")
        assert "the server ended" in (await stage.query("job", id=id))["state"]["error"]
        # The first one finds out; what it still ran is broken off, and nothing more is recorded of it.
        nodes.first.beating = True
        await nodes.first.members.look()
        await asyncio.gather(*nodes.first.executor.running.values(), return_exceptions=True)
        stage.jobs.STOPPED["dies"].set()
        await nodes.turn()
        assert await stage.query("states") == ["failed"]
        assert await stage.query("texts") == ["dies began"]


async def test_a_node_that_leaves_records_what_it_breaks_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reactor.jobs.executor._GRACE_SECONDS", 0)
    async with shared_engine(tmp_path, "jobs") as nodes:
        stage = Stage(nodes.parts)
        nodes.first.start()
        await stage.mutation("wait_later", name="broken off")
        await stage.until_states("inProgress")
        second = await nodes.another()
        second.start()
        await nodes.first.executor.close()
        assert await stage.query("states") == ["failed"]


async def test_a_start_leaves_alone_what_others_run(tmp_path: Path) -> None:
    async with shared_engine(tmp_path, "jobs") as nodes:
        stage, second = Stage(nodes.parts), await nodes.another()
        nodes.first.start()
        await stage.mutation("wait_later", name="of the first")
        await stage.until_states("inProgress")
        second.start()
        await second.executor._recover()  # pyright: ignore[reportPrivateUsage]
        assert await stage.query("states") == ["inProgress"]
        stage.jobs.STOPPED["of the first"].set()
        await stage.until_states("success", "success", "success")


async def test_a_cron_action_of_a_dead_node_is_recorded_and_the_next_run_comes(tmp_path: Path) -> None:
    folder = application(tmp_path / "app", 'crons.interval("hold", {"seconds": 1}, "work:act", name="held")')
    async with shared_engine(tmp_path / "data", folder) as nodes:
        work: Any = nodes.parts.application.modules["work"]
        work.STOPPED["held"] = asyncio.Event()
        second = await nodes.another()

        async def running() -> str | None:
            states = [row["state"] for row in await rows(nodes.parts, "_cron_next_run")]
            return states[0].get("node") if states else None

        async def on(node: str | None) -> bool:
            return await running() == node

        first_life = nodes.first.members.id
        nodes.first.start()
        second.start()
        await nodes.until(lambda: on(first_life))
        nodes.first.beating = False
        await nodes.turn()
        await nodes.until(lambda: on(second.members.id))
        logs = await rows(nodes.parts, "_cron_job_logs")
        assert [log["status"]["type"] for log in logs] == ["err"]
        assert "the server ended" in logs[0]["status"]["error"]
        work.STOPPED["held"].set()

        async def succeeded() -> bool:
            return any(log["status"]["type"] == "success" for log in await rows(nodes.parts, "_cron_job_logs"))

        await nodes.until(succeeded)


async def test_the_leader_hears_of_the_end_of_a_cron_action_elsewhere(tmp_path: Path) -> None:
    folder = application(tmp_path / "app", 'crons.interval("hold", {"seconds": 1}, "work:act", name="elsewhere")')
    async with shared_engine(tmp_path / "data", folder) as nodes:
        work: Any = nodes.parts.application.modules["work"]
        work.STOPPED["elsewhere"] = asyncio.Event()
        second = await nodes.another()
        first_life = nodes.first.members.id

        async def on(node: str | None) -> bool:
            return any(row["state"].get("node") == node for row in await rows(nodes.parts, "_cron_next_run"))

        nodes.first.start()
        await nodes.until(lambda: on(first_life))
        await second.members.bring("newer")
        await nodes.first.members.look()
        second.start()
        await second.members.look()
        work.STOPPED["elsewhere"].set()
        await nodes.until(lambda: on(second.members.id))
        logs = await rows(nodes.parts, "_cron_job_logs")
        assert {log["status"]["type"] for log in logs} <= {"success", "canceled"}


@pytest.mark.parametrize("seed", range(4))
async def test_mutations_once_and_actions_at_most_once_whoever_dies(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    async with shared_engine(tmp_path, "jobs") as nodes:
        stage = Stage(nodes.parts)
        nodes.first.start()
        for _ in range(2):
            (await nodes.another()).start()
        for number in range(8):
            await stage.mutation("many", count=20, first=number * 20)
            await stage.mutation("schedule_acts", count=10, first=number * 10)
            leading = [node for node in nodes.nodes if node.members.leads and node.beating]
            for node in leading:
                # Dead as far as the others can tell: it neither beats nor looks, and what it runs goes on for a while.
                node.beating = chance.random() < 0.5
            await nodes.turn(chance.choice([1.0, 11.0]))
            for node in nodes.nodes:
                if not node.beating and chance.random() < 0.5:
                    node.beating = True
                    await node.members.look()
        for node in nodes.nodes:
            node.beating = True
        await nodes.turn()

        async def all_ended() -> bool:
            return set(await stage.query("states")) <= {"success", "failed"}

        await stage.until(all_ended)
        texts, starts, ends = await stage.query("texts"), await stage.query("starts"), await stage.query("ends")
        assert Counter(texts) == Counter(str(number) for number in range(160)), "each mutation exactly once"
        assert max(Counter(starts).values()) == 1, "no action twice"
        assert {number for number, state, _ in ends if state == "success"} <= set(starts)
        assert nodes.parts.backlog.pending == 0


async def test_a_migration_goes_on_where_a_dead_leader_stopped(tmp_path: Path) -> None:
    async with shared_engine(tmp_path, "moves") as nodes:
        parts, second = nodes.parts, await nodes.another()
        for first in range(0, 6_000, 2_000):
            await mutation(parts, "people:add", count=2_000, first=first)
        client = Client(parts)
        await client.add(0, "people:progress")
        nodes.first.migrator.start()
        second.migrator.start()
        await mutation(parts, "migrations:visit")
        await client.until(lambda: client.value(0)[0]["processed"] > 0)
        assert second.migrator._runs.batches == 0  # pyright: ignore[reportPrivateUsage]
        nodes.first.beating = False
        await nodes.turn()
        await client.until(lambda: client.value(0)[0]["state"] == "success")
        assert await visits(parts) == {"1": 6_000}
        assert parts.migration_runs.documents + second.migrator._runs.documents == 6_000  # pyright: ignore[reportPrivateUsage]


async def test_pending_jobs_are_counted_while_others_schedule(tmp_path: Path) -> None:
    async with shared_engine(tmp_path, "jobs") as nodes:
        stage = Stage(nodes.parts)
        await stage.mutation("many", count=50)
        counted = Backlog(1_000)
        before = nodes.parts.database.on_visible
        nodes.parts.database.on_visible = lambda commits: (before(commits), counted.news(commits))[0]
        opening = asyncio.get_running_loop().create_task(counted.open(nodes.parts.database))
        for number in range(10):
            await stage.mutation("many", count=2, first=number)
        await opening
        await stage.mutation("many", count=3)
        assert counted.pending == nodes.parts.backlog.pending == 73


# Files


async def test_bytes_that_may_be_arriving_elsewhere_are_looked_at_twice(tmp_path: Path) -> None:
    async with shared_engine(tmp_path, "gallery") as nodes:
        upkeep, folder = nodes.parts.files.upkeep, nodes.parts.settings.data / "files"
        late, orphan = new_id(STORAGE, 1e12), new_id(STORAGE, 1e12)
        for id in (late, orphan):
            (folder / id).write_bytes(b"x")
        await upkeep.sweep()
        await nodes.parts.files._enter(late, _STORED, None)  # pyright: ignore[reportPrivateUsage] - at another server
        await upkeep.condemn()
        assert upkeep.orphans == 1
        assert (folder / orphan).exists(), "until the history is over"
        assert await nodes.parts.files.row(late) is not None
        with pytest.raises(StoreError, match="Store it again"):
            await nodes.parts.files._enter(orphan, _STORED, None)  # pyright: ignore[reportPrivateUsage]
        assert await nodes.parts.files.row(orphan) is None
        assert await upkeep.unknown([late, orphan]) == []


_STORED = Stored(size=1, sha256=b"s" * 32)
