import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from reactor.database.driving import drive, resume


class End:
    """Where a driven coroutine says how it ended."""

    def __init__(self) -> None:
        self.future: asyncio.Future[tuple[Any, Any]] = asyncio.get_running_loop().create_future()

    def __call__(self, result: Any, error: BaseException | None) -> None:
        self.future.set_result((result, error))

    @property
    def now(self) -> tuple[Any, Any] | None:
        return self.future.result() if self.future.done() else None


def started(coroutine: Coroutine[Any, Any, Any]) -> End:
    end = End()
    drive(coroutine, end)
    return end


async def give(value: int, waits: int = 0) -> int:
    for _ in range(waits):
        await asyncio.sleep(0)
    return value


async def fail(error: BaseException, waits: int = 0) -> None:
    await give(0, waits)
    raise error


async def test_what_does_not_wait_ends_at_once() -> None:
    tasks = asyncio.all_tasks()
    assert started(give(7)).now == (7, None)
    error = ValueError("x")
    assert started(fail(error)).now == (None, error)
    assert asyncio.all_tasks() == tasks


@pytest.mark.parametrize("waits", [1, 2, 5])
async def test_what_waits_goes_on_as_a_task(waits: int) -> None:
    end = started(give(7, waits))
    assert end.now is None
    assert await end.future == (7, None)
    error = ValueError("x")
    assert await started(fail(error, waits)).future == (None, error)


async def test_it_may_wait_for_a_future() -> None:
    future: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def wait() -> int:
        return await future + await give(1, 1)

    end = started(wait())
    future.set_result(5)
    assert await end.future == (6, None)


async def test_it_may_gather() -> None:
    async def gather() -> tuple[int, int, int]:
        first, second, third = await asyncio.gather(give(1, 3), give(2), give(3, 1))
        return first, second, third

    assert await started(gather()).future == ((1, 2, 3), None)


@pytest.mark.parametrize("waits", [0, 1])
@pytest.mark.parametrize("kind", [SystemExit, GeneratorExit, asyncio.CancelledError, ZeroDivisionError])
async def test_whatever_is_raised_is_told(kind: type[BaseException], waits: int) -> None:
    error = kind()
    result, told = await started(fail(error, waits)).future
    assert (result, type(told)) == (None, kind)


async def test_an_interrupt_from_the_keyboard_is_told_and_raised() -> None:
    end, error = End(), KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        drive(fail(error), end)
    assert end.now == (None, error)


@pytest.mark.parametrize("turns", [0, 1, 3])
async def test_cancelling_its_task_ends_it(turns: int) -> None:
    seen: list[str] = []

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            seen.append("ended")

    before = asyncio.all_tasks()
    end = started(wait())
    (task,) = asyncio.all_tasks() - before
    await give(0, turns)
    task.cancel()
    assert type((await end.future)[1]) is asyncio.CancelledError
    assert seen == ["ended"]


async def test_it_runs_in_no_task_of_the_callers() -> None:
    """Else a timeout in it would cancel whoever happened to call."""
    me = asyncio.current_task()

    async def look(waits: int) -> asyncio.Task[Any] | None:
        await give(0, waits)
        return asyncio.current_task()

    assert started(look(0)).now == (None, None)
    assert asyncio.current_task() is me
    task, _ = await started(look(1)).future
    assert task is not None and task is not me

    async def impatient() -> None:
        async with asyncio.timeout(5):
            await give(0, 1)

    _, error = await started(impatient()).future
    assert isinstance(error, RuntimeError)
    started(fail(ValueError("x")))
    assert asyncio.current_task() is me


async def test_a_callers_task_is_its_own_again_when_driving_is_nested() -> None:
    inner: list[End] = []

    async def outer() -> int:
        inner.append(started(give(1)))
        await asyncio.sleep(0)
        inner.append(started(give(2)))
        return 3

    assert await started(outer()).future == (3, None)
    assert [end.now for end in inner] == [(1, None), (2, None)]


async def test_resume_takes_up_a_coroutine_that_was_begun() -> None:
    coroutine = give(7, 2)
    assert await resume(coroutine, coroutine.send(None)) == 7
