import asyncio
import contextvars
import functools
import logging
from collections.abc import Awaitable, Callable, Generator
from types import coroutine
from typing import Any

import pytest

from reactor.database.driving import resume
from reactor.errors import FunctionInterrupted
from reactor.runtime.functions import Function, query
from reactor.runtime.logs import Level, RunLog, current_run
from reactor.runtime.stepping import Steps
from reactor.runtime.watchdog import Watchdog

ENDLESS = 0.02
"""CPU seconds that a run of these tests may use."""


@pytest.fixture
def watchdog() -> Generator[Watchdog]:
    watchdog = Watchdog(tick=0.002)
    watchdog.start()
    yield watchdog
    watchdog.stop()


def run(function: Function[..., Any], watchdog: Watchdog | None = None, **keywords: Any) -> Awaitable[Any]:
    return Steps(watchdog or Watchdog(), cpu_seconds=ENDLESS).run(function, "ctx", keywords, RunLog("rooms:list"))


def by_hand(awaitable: Awaitable[Any]) -> Any:
    """The result of something that never waits."""
    with pytest.raises(StopIteration) as done:
        next(awaitable.__await__())
    return done.value.value


def for_ever() -> None:
    while True:
        pass


def test_a_coroutine_that_never_waits_needs_no_loop() -> None:
    @query
    async def add(ctx: str, a: int, b: int = 0) -> tuple[str, int]:
        return ctx, a + b

    assert by_hand(run(add, a=1, b=2)) == ("ctx", 3)


def test_plain_functions_are_called() -> None:
    @query
    def add(ctx: str, a: int) -> tuple[str, int]:
        return ctx, a

    assert by_hand(run(add, a=1)) == ("ctx", 1)


def test_a_plain_wrapper_around_a_coroutine_is_awaited() -> None:
    async def inner(ctx: str) -> str:
        return ctx

    @query
    @functools.wraps(inner)
    def wrapper(ctx: str) -> Any:
        return inner(ctx)

    assert by_hand(run(wrapper)) == "ctx"


@pytest.mark.parametrize("error", [ValueError("no"), asyncio.CancelledError(), RuntimeError("x")])
def test_what_a_handler_raises_comes_out(error: BaseException) -> None:
    @query
    async def failing(ctx: str) -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        by_hand(run(failing))
    assert caught.value is error


async def test_waiting_for_everything_asyncio_has() -> None:
    event = asyncio.Event()

    async def three() -> int:
        await asyncio.sleep(0)
        return 3

    @query
    async def waiting(ctx: str) -> list[Any]:
        await asyncio.sleep(0)
        gathered = await asyncio.gather(three(), three())
        asyncio.get_running_loop().call_soon(event.set)
        await event.wait()
        async with asyncio.timeout(60):
            in_time = await three()
        async with asyncio.TaskGroup() as group:
            task = group.create_task(three())
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(future.set_result, 4)
        return [*gathered, in_time, task.result(), await future]

    assert await run(waiting) == [3, 3, 3, 3, 4]


async def test_a_run_that_was_started_by_hand_goes_on_in_a_task() -> None:
    @query
    async def waiting(ctx: str) -> list[int]:
        await asyncio.sleep(0)
        return await asyncio.gather(*(asyncio.sleep(0, number) for number in range(3)))

    async def outer() -> Any:
        return await run(waiting)

    started = outer()
    yielded = started.send(None)
    assert await asyncio.create_task(resume(started, yielded)) == [0, 1, 2]


async def test_what_a_future_raises_can_be_caught_where_it_is_awaited() -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(future.set_exception, ValueError("lost"))

    @query
    async def careful(ctx: str) -> str:
        try:
            await future
        except ValueError as error:
            return str(error)
        return "nothing"

    assert await run(careful) == "lost"


async def test_cancellation_reaches_the_handler() -> None:
    entered, seen = asyncio.Event(), list[str]()

    @query
    async def waiting(ctx: str) -> None:
        try:
            entered.set()
            await asyncio.Event().wait()
        finally:
            seen.append("cleaned up")

    async def outer() -> Any:
        return await run(waiting)

    task = asyncio.create_task(outer())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == ["cleaned up"]


async def test_a_handler_may_outlive_a_cancellation() -> None:
    entered = asyncio.Event()

    @query
    async def stubborn(ctx: str) -> str:
        try:
            entered.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
        return "still here"

    async def outer() -> Any:
        return await run(stubborn)

    task = asyncio.create_task(outer())
    await entered.wait()
    task.cancel()
    assert await task == "still here"


async def test_dropping_a_run_that_waits_closes_its_coroutine() -> None:
    seen: list[str] = []

    @query
    async def waiting(ctx: str) -> None:
        try:
            await _pause()
        finally:
            seen.append("closed")

    generator = run(waiting).__await__()
    assert next(generator) is None
    generator.close()
    assert seen == ["closed"]


@coroutine
def _pause() -> Generator[None]:
    yield


async def test_trouble_while_closing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    @query
    async def messy(ctx: str) -> None:
        try:
            await _pause()
        finally:
            raise ValueError("while cleaning up")

    generator = run(messy).__await__()
    next(generator)
    generator.close()
    (record,) = caplog.records
    assert record.name == "reactor.runtime.stepping"
    assert "ValueError: while cleaning up" in logging.Formatter().format(record)


async def spin(ctx: str) -> None:
    for_ever()


async def spin_after_waiting(ctx: str) -> None:
    await asyncio.sleep(0)
    for_ever()


async def spin_when_cancelled(ctx: str) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        for_ever()


def spin_plainly(ctx: str) -> None:
    for_ever()


@pytest.mark.parametrize("handler", [spin, spin_after_waiting, spin_plainly])
async def test_every_step_is_watched(handler: Callable[..., Any], watchdog: Watchdog) -> None:
    with pytest.raises(FunctionInterrupted, match="timed out"):
        await run(query(handler), watchdog)


async def test_what_is_done_after_a_cancellation_is_watched(watchdog: Watchdog) -> None:
    async def outer() -> Any:
        return await run(query(spin_when_cancelled), watchdog)

    task = asyncio.create_task(outer())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(FunctionInterrupted):
        await task


async def test_an_interrupted_run_that_would_go_on_is_closed(watchdog: Watchdog) -> None:
    seen: list[str] = []

    @query
    async def hiding(ctx: str) -> None:
        try:
            for_ever()
        except BaseException:
            seen.append("hidden")
        try:
            await asyncio.sleep(0)
            seen.append("went on")
        finally:
            seen.append("closed")

    with pytest.raises(FunctionInterrupted):
        await run(hiding, watchdog)
    assert seen == ["hidden", "closed"]


async def test_the_log_is_current_during_every_step_and_only_then() -> None:
    log = RunLog("rooms:list")
    seen: list[RunLog | None] = []

    @query
    async def waiting(ctx: str) -> None:
        log.write(Level.LOG, "half ")
        await _pause()
        seen.append(current_run())
        log.write(Level.LOG, "a line")

    generator = Steps(Watchdog()).run(waiting, "ctx", {}, log).__await__()
    # Each step in a context of its own, as when a task takes over.
    contextvars.Context().run(next, generator)
    assert current_run() is None
    with pytest.raises(StopIteration):
        contextvars.Context().run(next, generator)
    assert seen == [log]
    assert log.lines == ["[LOG] half a line"]
