"""Tasks that a function starts, by `asyncio.gather` or a task group: they are watched like the function itself.

The loop makes them through `task_factory`. Without it, one that computes for ever would hold up everybody for ever:
the watchdog looks at the steps of functions, and a task is nobody's step.
"""

import asyncio
import inspect
from collections.abc import Callable, Coroutine, Generator
from typing import Any
from weakref import WeakKeyDictionary

from reactor.runtime import logs
from reactor.runtime.watchdog import Budget, Watchdog

__all__ = ["coroutine_of", "task_factory"]

_inner: WeakKeyDictionary[asyncio.Task[Any], Any] = WeakKeyDictionary()
"""What a watched task runs."""


def task_factory(loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> asyncio.Task[Any]:
    """For `loop.set_task_factory`: tasks begun inside of a function share what it may compute."""
    run = logs.current_run()
    guard = None if run is None else run.guard
    if guard is None or not inspect.iscoroutine(coro):
        return asyncio.Task(coro, loop=loop, **options)
    watched = _watched(coro, *guard)
    watched.__name__, watched.__qualname__ = coro.__name__, coro.__qualname__  # what shows up in errors and listings
    task = asyncio.Task(watched, loop=loop, **options)
    _inner[task] = coro
    return task


def coroutine_of(task: asyncio.Task[Any]) -> Any:
    """The coroutine that a task was made for."""
    return _inner.get(task) or task.get_coro()


async def _watched(coro: Coroutine[Any, Any, Any], watchdog: Watchdog, budget: Budget) -> Any:
    return await _Steps(coro, watchdog, budget)


class _Steps:
    """Awaits a coroutine as `await` itself would, each of its steps watched."""

    __slots__ = ("_budget", "_coro", "_watchdog")

    def __init__(self, coro: Coroutine[Any, Any, Any], watchdog: Watchdog, budget: Budget) -> None:
        self._coro, self._watchdog, self._budget = coro, watchdog, budget

    def __await__(self) -> Generator[Any, Any, Any]:
        coro = self._coro
        call: Callable[[Any], Any] = coro.send
        argument: Any = None
        while True:
            try:
                yielded = self._watchdog.step(self._budget, call, argument)
            except StopIteration as done:
                return done.value
            try:
                call, argument = coro.send, (yield yielded)
            except GeneratorExit:  # nobody waits any more
                coro.close()
                raise
            except BaseException as error:  # a cancellation, or what else the task throws in
                call, argument = coro.throw, error
