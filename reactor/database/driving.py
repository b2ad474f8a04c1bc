"""Driving a coroutine by hand, and going on as a task only if it really waits.

Most transactions over an embedded database finish without ever suspending; they then cost neither a task nor a
turn of the event loop.
"""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeVar

__all__ = ["drive", "resume"]

T = TypeVar("T")

_running: set[asyncio.Task[Any]] = set()
"""The loop keeps only weak references to tasks; these must live until they end."""


class _Resumed:
    """Awaits a coroutine that was started by hand and has yielded once already."""

    __slots__ = ("_coro", "_yielded")

    def __init__(self, coro: Coroutine[Any, Any, Any], yielded: Any) -> None:
        self._coro, self._yielded = coro, yielded

    def __await__(self) -> Generator[Any, Any, Any]:
        yielded = self._yielded
        while True:
            try:
                sent = yield yielded
            except BaseException as error:
                step = _throw(self._coro, error)
            else:
                step = _send(self._coro, sent)
            if isinstance(step, _Returned):
                return step.value
            yielded = step


class _Returned:
    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def _send(coro: Coroutine[Any, Any, Any], value: Any) -> Any:
    try:
        return coro.send(value)
    except StopIteration as stop:
        return _Returned(stop.value)


def _throw(coro: Coroutine[Any, Any, Any], error: BaseException) -> Any:
    try:
        return coro.throw(error)
    except StopIteration as stop:
        return _Returned(stop.value)


async def resume(coro: Coroutine[Any, Any, T], yielded: Any) -> T:
    """Go on with a coroutine that was started by hand and yielded `yielded`."""
    return await _Resumed(coro, yielded)


def drive(coro: Coroutine[Any, Any, T], done: Callable[[T | None, BaseException | None], None]) -> None:
    """Run a coroutine as far as it goes without waiting; `done(result, error)` is called once it has ended.

    That may be before this returns; if the coroutine waits, it goes on in a task of its own. Whatever it raises goes to
    `done`, so that no function's SystemExit ends a server; only KeyboardInterrupt is raised as well. Must be called
    on a running event loop.
    """
    loop = asyncio.get_running_loop()
    try:
        step = _first_step(coro, loop)
    except BaseException as error:
        done(None, error)
        if isinstance(error, KeyboardInterrupt):
            raise
        return
    if isinstance(step, _Returned):
        done(step.value, None)
        return
    task = loop.create_task(_go_on(coro, step))
    _running.add(task)

    def ended(task: asyncio.Task[tuple[T | None, BaseException | None]]) -> None:
        _running.discard(task)
        if task.cancelled():
            try:
                coro.close()  # it may not have heard, when the task was cancelled before its first step
            finally:
                done(None, asyncio.CancelledError())
        else:
            error = task.exception()
            done(*((None, error) if error is not None else task.result()))

    task.add_done_callback(ended)


def _first_step(coro: Coroutine[Any, Any, Any], loop: asyncio.AbstractEventLoop) -> Any:
    # The caller's task is not the coroutine's: one that begins a timeout or task group here, and ends it in the task
    # that it goes on as, would have the caller cancelled. Without a task asyncio refuses these with an error.
    caller = asyncio.current_task(loop)
    if caller is None:
        return _send(coro, None)
    asyncio.tasks._leave_task(loop, caller)  # pyright: ignore[reportPrivateUsage]
    try:
        return _send(coro, None)
    finally:
        asyncio.tasks._enter_task(loop, caller)  # pyright: ignore[reportPrivateUsage]


async def _go_on(coro: Coroutine[Any, Any, T], yielded: Any) -> tuple[T | None, BaseException | None]:
    try:
        return await resume(coro, yielded), None
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise
    except BaseException as error:
        return None, error
