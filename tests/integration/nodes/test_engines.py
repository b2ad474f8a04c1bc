"""Whole engines on one shared store: they schedule for each other, and each thing happens once whoever dies."""

import random
from collections import Counter
from pathlib import Path

import pytest

from reactor.app.parts import Parts
from tests.integration.jobs.test_executor import Stage
from tests.integration.nodes.engines import Engines


@pytest.fixture(params=[False, True], ids=["memory", "file"])
def in_a_file(request: pytest.FixtureRequest) -> bool:
    """What the nodes share."""
    return request.param


async def test_the_leader_runs_at_once_what_another_schedules(tmp_path: Path, in_a_file: bool) -> None:
    async with Engines.of(tmp_path, in_a_file=in_a_file) as nodes:
        first = await nodes.start("first", "jobs")
        second = await nodes.start("second", "jobs")
        first.executor.start()
        second.executor.start()
        stage = Stage(second)
        await stage.mutation("later", text="from the second")
        await stage.mutation("schedule_acts", count=2)
        await stage.until_states("success", "success", "success")
        await Stage(first).until_states("success", "success", "success")
        assert second.job_runs.ran == 0
        assert second.backlog.pending == first.backlog.pending == 0


async def test_jobs_that_wait_are_counted_on_all(tmp_path: Path, in_a_file: bool) -> None:
    async with Engines.of(tmp_path, in_a_file=in_a_file) as nodes:
        first = await nodes.start("first", "jobs")
        await Stage(first).mutation("many", count=10)
        second = await nodes.start("second", "jobs")
        id = await Stage(first).mutation("later", text="never", delay=3_600_000)
        await Stage(second).mutation("many", count=5)
        assert second.backlog.pending == 16
        await Stage(second).mutation("cancel", id=id)

        async def all_known() -> bool:
            return first.backlog.pending == 15

        await Stage(first).until(all_known)
        assert second.backlog.pending == 15


async def test_the_next_start_takes_over_from_who_left(tmp_path: Path, in_a_file: bool) -> None:
    async with Engines.of(tmp_path, in_a_file=in_a_file) as nodes:
        first = await nodes.start("first", "jobs")
        second = await nodes.start("second", "jobs", beats=True)
        second.executor.start()
        await Stage(second).mutation("later", text="waits")
        await first.close()
        await Stage(second).until_states("success")


@pytest.mark.parametrize("seed", range(3))
async def test_mutations_once_and_actions_at_most_once(tmp_path: Path, in_a_file: bool, seed: int) -> None:
    chance = random.Random(seed)
    async with Engines.of(tmp_path, in_a_file=in_a_file) as nodes:
        engines = [await nodes.start(name, "jobs", max_jobs=3) for name in "abc"]
        for parts in engines:
            parts.executor.start()
        silent: list[Parts] = []
        for number in range(6):
            stage = Stage(chance.choice(engines))
            await stage.mutation("many", count=15, first=number * 15)
            await stage.mutation("schedule_acts", count=8, first=number * 8)
            # As if paused, as far as the others can tell; it works on for as long as nothing refuses it.
            silent = [parts for parts in engines if parts.members.leads and chance.random() < 0.6]
            await nodes.turn(*(parts for parts in engines if parts not in silent), seconds=chance.choice([1.0, 11.0]))
            for parts in silent:
                await parts.members.look()
        await nodes.turn(*engines)
        stage = Stage(engines[0])

        async def all_ended() -> bool:
            return set(await stage.query("states")) <= {"success", "failed"}

        await stage.until(all_ended)
        texts, starts, ends = await stage.query("texts"), await stage.query("starts"), await stage.query("ends")
        assert Counter(texts) == Counter(str(number) for number in range(90)), "each mutation exactly once"
        assert max(Counter(starts).values()) == 1, "no action twice"
        assert {number for number, state, _ in ends if state == "success"} <= set(starts)
        assert len(ends) == 48
