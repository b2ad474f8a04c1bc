"""A run that waits too long is told so, whatever it waits for."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from reactor.errors import FunctionInterrupted
from reactor.runtime.functions import Function, Kind
from reactor.runtime.logs import RunLog
from reactor.runtime.stepping import Steps
from reactor.runtime.watchdog import Watchdog


@pytest.fixture
async def steps() -> AsyncIterator[Steps]:
    watchdog = Watchdog()
    watchdog.start()
    yield Steps(watchdog, seconds=0.02)
    watchdog.stop()


async def run(steps: Steps, handler: Callable[..., Any]) -> Any:
    return await steps.run(Function(handler, Kind.QUERY), None, {}, RunLog("a:b"))


async def test_a_run_that_waits_for_ever_ends(steps: Steps) -> None:
    async def handler(ctx: Any) -> None:
        await asyncio.Event().wait()

    with pytest.raises(FunctionInterrupted, match=r"timed out \(maximum duration: 0.02s, waiting included\)"):
        await run(steps, handler)


async def test_swallowing_the_news_does_not_help(steps: Steps) -> None:
    async def handler(ctx: Any) -> str:
        for _ in range(3):
            try:
                await asyncio.Event().wait()
            except FunctionInterrupted:
                continue
        return "went on"

    with pytest.raises(FunctionInterrupted, match="timed out"):
        await run(steps, handler)


async def test_a_run_that_waits_a_little_is_left_alone(steps: Steps) -> None:
    async def handler(ctx: Any) -> str:
        await asyncio.sleep(0)
        return "done"

    assert await run(steps, handler) == "done"
