"""Tasks that functions start are watched like the functions, and work as tasks do."""

import asyncio
from typing import Any

import pytest

from reactor import DeveloperError, MutationCtx
from reactor.errors import FunctionInterrupted
from reactor.testing import Backend


@pytest.fixture
async def backend():
    async with Backend(functions=[], function_cpu_seconds=0.1, determinism="off") as backend:
        yield backend


async def forever() -> None:
    while True:
        pass


@pytest.mark.parametrize("waits", [False, True])
async def test_a_task_that_computes_for_ever_is_interrupted(backend: Backend, waits: bool) -> None:
    async def child() -> None:
        if waits:
            await asyncio.sleep(0)
        await forever()

    async def run(ctx: MutationCtx) -> None:
        await ctx.db.insert("notes", {})
        await asyncio.gather(child(), asyncio.sleep(0))

    with pytest.raises((FunctionInterrupted, DeveloperError), match=r"timed out \(maximum duration: 0.1s\)"):
        await backend.run(run)
    assert await backend.run(lambda ctx: ctx.db.query("notes").collect()) == []


async def test_tasks_give_raise_and_end_as_ever(backend: Backend) -> None:
    story: list[Any] = []

    async def gives(value: str) -> str:
        await asyncio.sleep(0)
        return value

    async def raises() -> None:
        await asyncio.sleep(0)
        raise ValueError("no")

    async def is_cancelled() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            story.append("cancelled")
            raise

    async def run(ctx: MutationCtx) -> None:
        story.append(await asyncio.gather(gives("a"), gives("b"), ctx.db.insert("notes", {"n": 1})))
        story.append(await asyncio.gather(gives("c"), raises(), return_exceptions=True))
        task = asyncio.create_task(is_cancelled(), name="mine")
        await asyncio.sleep(0)
        story.append(task.get_name())
        task.cancel()
        story.append(await asyncio.gather(task, return_exceptions=True))

    await backend.run(run)
    (a, b, _), (c, error), name, cancelled, (ended,) = story
    assert (a, b, c, name, cancelled) == ("a", "b", "c", "mine", "cancelled")
    assert (str(error), type(ended)) == ("no", asyncio.CancelledError)


async def test_tasks_outside_of_functions_are_left_alone(backend: Backend) -> None:
    async def plain() -> str:
        return "plain"

    coroutine = plain()
    task = asyncio.create_task(coroutine)
    assert task.get_coro() is coroutine
    assert await task == "plain"


async def test_a_task_that_is_cancelled_before_it_begins_complains_of_nothing(backend: Backend) -> None:
    async def never() -> None:
        pytest.fail("it was cancelled")

    async def run(ctx: MutationCtx) -> bool:
        task = asyncio.create_task(never())
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return task.cancelled()

    assert await backend.run(run)
