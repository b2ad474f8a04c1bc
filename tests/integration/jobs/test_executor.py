"""The executor on a whole engine: it runs by itself, in order, a few at a time, and survives what stores do."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from reactor.app.parts import Parts
from reactor.errors import StoreError
from reactor.runtime.calls import Call
from tests.integration.database.world import Gate
from tests.integration.sync.engine import Client, engine
from tests.support.profile import BRIEF

WAITING = 2_000 if BRIEF else 10_000


class Stage:
    """Calls functions, and waits for what the executor makes of them."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.jobs: Any = parts.application.modules["jobs"]

    async def mutation(self, path: str, /, **args: Any) -> Any:
        answered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.parts.mutations.submit(Call(f"jobs:{path}", json.dumps(args).encode()), answered.set_result)
        result = await answered
        assert result.failure is None, result.failure.text
        return json.loads(result.value)

    async def query(self, path: str, /, **args: Any) -> Any:
        snapshot = self.parts.store.acquire()
        try:
            call = Call(f"jobs:{path}", json.dumps(args).encode())
            run = await self.parts.runner.query(call, self.parts.database.read(snapshot))
        finally:
            snapshot.release()
        return json.loads(run.result.value)

    async def until(self, happened: Callable[[], Awaitable[bool]]) -> None:
        """Wait for commits until something is so."""
        while not await happened():
            ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            news = self.parts.database.on_visible

            def heard(commits: Any) -> None:
                news(commits)
                if not ended.done():
                    ended.set_result(None)

            self.parts.database.on_visible = heard
            try:
                if not await happened():
                    await ended
            finally:
                self.parts.database.on_visible = news

    async def until_states(self, *states: str) -> None:
        async def reached() -> bool:
            return await self.query("states") == list(states)

        await self.until(reached)

    async def until_texts(self, *texts: str) -> None:
        async def reached() -> bool:
            return await self.query("texts") == list(texts)

        await self.until(reached)


async def test_it_runs_what_is_scheduled_by_itself(tmp_path: Path) -> None:
    async with engine(tmp_path, "jobs") as parts:
        parts.executor.start()
        stage = Stage(parts)
        await stage.mutation("later", text="now")
        await stage.mutation("later", text="soon", delay=20)
        await stage.mutation("schedule_acts", count=1)
        await stage.until_states("success", "success", "success")
        assert await stage.query("texts") == ["now", "soon"]
        await asyncio.gather(*parts.executor.running.values())
        assert (parts.backlog.pending, parts.job_runs.ran, parts.job_runs.failed) == (0, 3, 0)


@pytest.mark.timeout(180)
async def test_thousands_of_due_jobs_drain_in_order_while_clients_are_served(tmp_path: Path) -> None:
    async with engine(tmp_path, "jobs") as parts:
        stage = Stage(parts)
        for first in range(0, WAITING, 1_000):
            await stage.mutation("many", count=1_000, first=first)
        assert parts.backlog.pending == WAITING
        client = Client(parts)
        await client.add(0, "jobs:newest")
        before = client.transitions
        parts.executor.start()
        for number in range(20):
            # Answered while jobs wait: a mutation is behind a few of them only, and its effect is seen at once.
            await stage.mutation("note_now", text=f"client {number}")
        assert parts.backlog.pending > WAITING // 2

        async def drained() -> bool:
            return not parts.backlog.pending

        await stage.until(drained)
        texts = await stage.query("texts") + await stage.query("texts", skip=6_000)
        assert [text for text in texts if not text.startswith("client")] == [str(number) for number in range(WAITING)]
        await client.until(lambda: client.value(0) == str(WAITING - 1))
        assert client.transitions > before + 20


async def test_so_many_run_at_a_time(tmp_path: Path) -> None:
    async with engine(tmp_path, "jobs", max_jobs=2) as parts:
        stage = Stage(parts)
        for name in "abc":
            await stage.mutation("schedule", path="jobs:wait", args={"name": name})
        parts.executor.start()
        await stage.until_states("inProgress", "inProgress", "pending")
        assert len(parts.executor.running) == 2
        for name in "abc":
            stage.jobs.STOPPED.setdefault(name, asyncio.Event()).set()

        async def all_ended() -> bool:
            return set(await stage.query("states")) == {"success"}

        await stage.until(all_ended)


# Ends of servers


async def test_an_action_that_a_stop_interrupts_is_recorded_as_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reactor.jobs.executor._GRACE_SECONDS", 0)
    async with engine(tmp_path, "jobs") as parts:
        stage = Stage(parts)
        id = await stage.mutation("schedule", path="jobs:wait", args={"name": "stopped"})
        await stage.mutation("later", text="after the restart", delay=3_600_000)
        parts.executor.start()
        await stage.until_states("inProgress", "pending")
    async with engine(tmp_path, "jobs") as parts:
        stage = Stage(parts)
        state = (await stage.query("job", id=id))["state"]
        assert state["kind"] == "failed" and "Transient error" in state["error"]
        assert await stage.query("states") == ["failed", "pending"]
        assert parts.backlog.pending == 1


async def test_actions_that_had_begun_before_a_crash_are_failed_by_the_next_start(tmp_path: Path) -> None:
    async with engine(tmp_path, "jobs") as parts:
        stage = Stage(parts)
        await stage.mutation("schedule", path="jobs:wait", args={"name": "crashed"})
        parts.executor.start()
        await stage.until_texts("crashed began")
        for task in parts.executor.running.values():
            task.cancel()
        await asyncio.wait(parts.executor.running.values())
        parts.executor.running.clear()
        assert await stage.query("states") == ["inProgress"]
        await parts.executor.close()
    async with engine(tmp_path, "jobs") as parts:
        stage = Stage(parts)
        parts.executor.start()
        await stage.until_states("failed")
        assert await stage.query("texts") == ["crashed began"]


# Failing stores


async def test_a_failing_disk_makes_jobs_wait_and_does_not_spin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reactor.jobs.backoff.FIRST_SECONDS", 0.01)
    async with engine(tmp_path, "jobs") as parts:
        stage = Stage(parts)
        gate = Gate(parts.store)
        await stage.mutation("many", count=20)
        monkeypatch.setattr(parts.database.committer, "_store", gate)
        gate.failures += [StoreError("no disk")] * 3
        parts.executor.start()

        async def all_ran() -> bool:
            return parts.backlog.pending == 0

        await stage.until(all_ran)
        assert await stage.query("texts") == [str(number) for number in range(20)]
        assert not gate.failures
        assert len(gate.batches) <= 3 + 20


async def test_the_end_of_an_action_is_recorded_when_the_disk_is_back_and_it_runs_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reactor.jobs.backoff.FIRST_SECONDS", 0.01)
    async with engine(tmp_path, "jobs") as parts:
        stage = Stage(parts)
        gate = Gate(parts.store)
        await stage.mutation("schedule", path="jobs:wait", args={"name": "once"})
        parts.executor.start()
        await stage.until_texts("once began")
        monkeypatch.setattr(parts.database.committer, "_store", gate)
        # What the action itself schedules fails it; then its end cannot be recorded, twice.
        gate.failures += [StoreError("no disk")] * 3
        stage.jobs.STOPPED.setdefault("once", asyncio.Event()).set()
        await stage.until_states("failed")
        assert not gate.failures
        assert await stage.query("texts") == ["once began"]


async def test_a_fault_of_ours_makes_one_job_wait_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reactor.jobs.backoff.FIRST_SECONDS", 0.05)
    async with engine(tmp_path, "jobs") as parts:
        stage = Stage(parts)
        await stage.mutation("many", count=3)
        faults, run = [RuntimeError("a bug")], parts.runner.mutation

        async def faulty(call: Call, tx: Any) -> Any:
            if call.job is not None and faults:
                raise faults.pop()
            return await run(call, tx)

        monkeypatch.setattr(parts.runner, "mutation", faulty)
        parts.executor.start()
        await stage.until_texts("1", "2", "0")
        assert await stage.query("states") == ["success"] * 3


async def test_a_store_that_cannot_be_read_is_not_the_functions_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reactor.jobs.backoff.FIRST_SECONDS", 0.01)
    async with engine(tmp_path, "jobs") as parts:
        stage = Stage(parts)
        await stage.mutation("many", count=1)
        faults, run = [StoreError("unreadable")], parts.runner.mutation

        async def unreadable(call: Call, tx: Any) -> Any:
            tx.fault = faults.pop() if faults else None
            return await run(call, tx)

        monkeypatch.setattr(parts.runner, "mutation", unreadable)
        parts.executor.start()
        await stage.until_texts("0")
        assert await stage.query("states") == ["success"]


# Time


async def test_a_clock_that_is_set_forward_makes_jobs_due(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reactor.jobs.executor._LONGEST_SLEEP", 0.01)
    hours = [0]
    async with engine(tmp_path, "jobs", clock=lambda: time.time_ns() + hours[0] * 3_600_000_000_000) as parts:
        stage = Stage(parts)
        parts.executor.start()
        await stage.mutation("later", text="in an hour", delay=3_600_000)
        await stage.mutation("later", text="now")
        await stage.until_texts("now")
        hours[0] = 1
        await stage.until_texts("now", "in an hour")


# Clients


async def test_clients_see_jobs_begin_and_end(tmp_path: Path) -> None:
    async with engine(tmp_path, "jobs") as parts:
        client = Client(parts)
        assert await client.add(0, "jobs:states") == []
        parts.executor.start()
        await client.mutation("jobs:wait_later", name="seen")
        await client.until(lambda: client.value(0) == ["inProgress"])
        Stage(parts).jobs.STOPPED.setdefault("seen", asyncio.Event()).set()
        await client.until(lambda: client.value(0) == ["success"] * 3)
        seen = [moment[0] for moment in client.moments]
        assert ["pending"] in seen and seen.index(["pending"]) < seen.index(["inProgress"])
