"""Scheduling functions, running them when it is time, and what is recorded of them."""

import asyncio
import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from reactor import DeveloperError
from reactor.testing import Backend

DAY_MS = 86_400_000
Make = Callable[..., Backend]


async def test_a_function_runs_when_it_is_time(backend: Make) -> None:
    async with backend(now=1_000_000.0) as b:
        id = await b.mutation("jobs:later", text="hello", delay=5_000)
        assert await b.query("jobs:job", id=id) == {
            "_id": id,
            "_creationTime": 1_000_000.0,
            "name": "jobs.js:note",
            "args": [{"text": "hello"}],
            "scheduledTime": 1_005_000.0,
            "state": {"kind": "pending"},
        }
        assert await b.run_due() == 0
        assert await b.advance(milliseconds=4_999) == 0
        assert await b.query("jobs:texts") == []
        assert await b.advance(milliseconds=1) == 1
        assert await b.query("jobs:texts") == ["hello"]
        job = await b.query("jobs:job", id=id)
        assert (job["state"], job["completedTime"]) == ({"kind": "success"}, 1_005_000.0)
        assert await b.run_due() == 0


async def test_times_are_kept_on_the_way_and_ties_are_first_in_first_out(backend: Make) -> None:
    async with backend() as b:
        for text, delay in (("c", 300), ("a", 100), ("b", 200), ("a2", 100), ("past", 0)):
            await b.mutation("jobs:later", text=text, delay=delay)
        assert await b.advance(seconds=1) == 5
        assert await b.query("jobs:texts") == ["past", "a", "a2", "b", "c"]


async def test_what_is_scheduled_by_what_is_due_runs_as_well(backend: Make) -> None:
    async with backend() as b:
        await b.mutation("jobs:schedule", path="jobs:later", args={"text": "second"})
        assert await b.run_due() == 2
        assert await b.query("jobs:texts") == ["second"]


async def test_what_is_rolled_back_is_not_scheduled(backend: Make) -> None:
    async with backend() as b:
        with pytest.raises(ValueError, match="broken off"):
            await b.mutation("jobs:break_off", text="x")
        assert await b.query("jobs:states") == []
        assert await b.mutation("jobs:nested") == [2, 27]
        assert await b.query("jobs:states") == ["pending"]
        assert await b.run_due() == 1
        assert await b.query("jobs:texts") == ["kept"]


async def test_a_failed_mutation_leaves_its_state_and_nothing_else(backend: Make) -> None:
    async with backend() as b:
        id = await b.mutation("jobs:schedule", path="jobs:break_off", args={"text": "x"})
        assert await b.run_due() == 1
        assert await b.query("jobs:texts") == []
        assert await b.query("jobs:states") == ["failed"]
        error = (await b.query("jobs:job", id=id))["state"]["error"]
        assert error.startswith("Uncaught ValueError: broken off\n    at break_off (functions/jobs.py:")


async def test_a_mutation_that_spent_its_budget_is_recorded_all_the_same(backend: Make) -> None:
    async with backend(max_documents_written=1, max_functions_scheduled=1) as b:
        await b.mutation("jobs:schedule", path="jobs:many", args={"count": 2})
        assert await b.run_due() == 1
        assert await b.query("jobs:states") == ["failed"]


async def test_a_running_mutation_sees_itself_in_progress_and_nobody_signed_in(backend: Make) -> None:
    async with backend() as b:
        await b.as_user(name="Ada").mutation("jobs:schedule", path="jobs:look")
        async with b.subscribe("jobs:states") as states:
            assert await states.next() == ["pending"]
            await b.run_due()
            assert await states.next() == ["success"]
            assert states.pending == 0
        assert await b.query("jobs:texts") == ["inProgress", "None"]


async def test_an_action_schedules_at_once_whatever_becomes_of_it(backend: Make) -> None:
    async with backend() as b:
        with pytest.raises(ValueError, match="afterwards"):
            await b.action("jobs:from_action", text="a", fails=True)
        assert await b.query("jobs:states") == ["pending"]
        await b.run_due()
        assert await b.query("jobs:texts") == ["a"]


async def test_actions_run_and_their_end_is_recorded(backend: Make) -> None:
    async with backend() as b:
        await b.mutation("jobs:schedule_acts", count=3)
        failing = await b.mutation("jobs:schedule", path="jobs:fail")
        assert await b.run_due() == 4
        assert sorted(await b.query("jobs:starts")) == [0, 1, 2]
        assert await b.query("jobs:states") == ["success"] * 3 + ["failed"]
        assert "no luck" in (await b.query("jobs:job", id=failing))["state"]["error"]


async def test_what_cannot_run_fails_and_says_why(backend: Make) -> None:
    async with backend() as b:
        id = await b.mutation("jobs:schedule", path="jobs:texts")
        await b.run_due()
        state = (await b.query("jobs:job", id=id))["state"]
        assert state["kind"] == "failed" and "Unsupported function type" in state["error"]


# Canceling


async def test_a_canceled_function_does_not_run(backend: Make) -> None:
    async with backend() as b:
        id = await b.mutation("jobs:later", text="x")
        await b.mutation("jobs:cancel", id=id)
        assert await b.run_due() == 0
        job = await b.query("jobs:job", id=id)
        assert job["state"] == {"kind": "canceled"} and "completedTime" in job
        await b.mutation("jobs:cancel", id=id)
        assert await b.query("jobs:job", id=id) == job


async def test_canceling_what_has_run_changes_nothing(backend: Make) -> None:
    async with backend() as b:
        id = await b.mutation("jobs:later", text="x")
        await b.run_due()
        await b.mutation("jobs:cancel", id=id)
        assert await b.query("jobs:states") == ["success"]


async def test_a_mutation_cannot_cancel_itself(backend: Make) -> None:
    async with backend() as b:
        id = await b.mutation("jobs:schedule", path="jobs:cancel_newest")
        await b.run_due()
        assert "A mutation cannot cancel itself" in (await b.query("jobs:job", id=id))["state"]["error"]


async def test_a_canceled_action_goes_on_and_schedules_nothing(backend: Make) -> None:
    async with backend() as b:
        id = await b.mutation("jobs:schedule", path="jobs:wait", args={"name": "slow"})
        async with b.subscribe("jobs:texts") as texts:
            assert await texts.next() == []
            running = asyncio.get_running_loop().create_task(b.run_due())
            assert await texts.next() == ["slow began"]
            assert await b.query("jobs:states") == ["inProgress"]
            await b.mutation("jobs:cancel", id=id)
            assert await b.query("jobs:states") == ["canceled"]
            b.modules["jobs"].STOPPED["slow"].set()
            await running
        assert await b.query("jobs:states") == ["canceled"] * 3
        assert await b.query("jobs:texts") == ["slow began"]


# Records


async def test_records_are_kept_for_a_week(backend: Make) -> None:
    async with backend() as b:
        await b.mutation("jobs:later", text="x")
        await b.mutation("jobs:cancel", id=await b.mutation("jobs:later", text="y"))
        await b.mutation("jobs:later", text="later", delay=30 * DAY_MS)
        await b.run_due()
        await b.advance(days=6.9)
        assert await b.query("jobs:states") == ["success", "canceled", "pending"]
        await b.advance(days=0.2)
        assert await b.query("jobs:states") == ["pending"]


async def test_what_is_pending_outlives_a_restart(backend: Make) -> None:
    b = backend()
    async with b:
        await b.mutation("jobs:later", text="x")
    async with b:
        assert await b.query("jobs:states") == ["pending"]
        assert await b.run_due() == 1
        assert await b.query("jobs:texts") == ["x"]


# What is refused


@pytest.mark.parametrize(
    "delay", [-1, float("nan"), float("inf"), 10**400, True, "1", 6 * 366 * DAY_MS, dt.timedelta(seconds=-1)]
)
async def test_bad_delays_are_refused(delay: Any) -> None:
    async with Backend(functions=[]) as b:
        with pytest.raises(DeveloperError) as caught:
            await b.run(lambda ctx: ctx.scheduler.run_after(delay, "x"))
        assert caught.value.code == "InvalidScheduledFunctionDelay"


@pytest.mark.parametrize("time", [0, float("nan"), None, dt.datetime(2030, 1, 1), 9e15])
async def test_bad_times_are_refused(time: Any) -> None:
    async with Backend(functions=[]) as b:
        with pytest.raises(DeveloperError) as caught:
            await b.run(lambda ctx: ctx.scheduler.run_at(time, "x"))
        assert caught.value.code == "InvalidScheduledFunctionDelay"


async def test_a_time_may_be_a_datetime_and_a_delay_a_timedelta(backend: Make) -> None:
    async with backend(now=dt.datetime(2030, 1, 1, tzinfo=dt.UTC)) as b:
        noon = dt.datetime(2030, 1, 1, 12, tzinfo=dt.UTC)
        await b.run(lambda ctx: ctx.scheduler.run_at(noon, "jobs:note", text="noon"))
        await b.run(lambda ctx: ctx.scheduler.run_after(dt.timedelta(hours=11), "jobs:note", text="eleven"))
        assert await b.advance(hours=13) == 2
        assert await b.query("jobs:texts") == ["eleven", "noon"]


async def test_limits_of_a_mutation(backend: Make) -> None:
    async with backend(max_functions_scheduled=5, max_pending_jobs=7) as b:
        with pytest.raises(DeveloperError, match="Too many functions scheduled by this mutation .limit: 5."):
            await b.mutation("jobs:many", count=6)
        await b.mutation("jobs:many", count=5)
        with pytest.raises(DeveloperError, match="have not run yet .limit: 7"):
            await b.mutation("jobs:many", count=3)
        await b.mutation("jobs:many", count=2)
        await b.run_due()
        await b.mutation("jobs:many", count=5)


async def test_arguments_are_values_and_not_too_large(backend: Make) -> None:
    async with backend(max_scheduled_args_bytes=1024, max_args_bytes=4096) as b:
        with pytest.raises(DeveloperError, match="bytes of arguments of functions scheduled by this mutation"):
            await b.mutation("jobs:later", text="x" * 2000)
        with pytest.raises(DeveloperError, match="set is not a supported value"):
            await b.run(lambda ctx: ctx.scheduler.run_after(0, "jobs:note", text={1}))


async def test_a_call_that_is_not_awaited_is_told(backend: Make) -> None:
    async def forget(ctx: object) -> None:
        ctx.scheduler.run_after(0, "jobs:note", text="x")  # pyright: ignore

    async with backend() as b:
        with pytest.raises(DeveloperError, match=r"`ctx\.scheduler\.run_after\(\.\.\.\)` was called and not awaited"):
            await b.run(forget)


async def test_a_nested_call_may_be_given_a_budget_for_scheduling(backend: Make) -> None:
    async with backend() as b:
        with pytest.raises(DeveloperError, match=r"Too many functions scheduled in a nested call \(limit: 1,"):
            await b.run(
                lambda ctx: ctx.run_mutation("jobs:many", count=2, transaction_limits={"functions_scheduled": 1})
            )
        await b.run(lambda ctx: ctx.run_mutation("jobs:many", count=1, transaction_limits={"functions_scheduled": 1}))
        assert await b.query("jobs:states") == ["pending"]
