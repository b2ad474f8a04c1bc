"""Tasks that a function starts, by `asyncio.gather` or a task group: they are watched like the function itself.

The loop makes them through `task_factory`. Without it, one that computes for ever would hold up everybody for ever:
the watchdog looks at the steps of functions, and a task is nobody's step.
"""

import asyncio
import inspect
from collections.abc import Coroutine, Generator
from typing import Any

from reactor.runtime import logs
from reactor.runtime.watchdog import Budget, Watchdog

__all__ = ["coroutine_of", "task_factory"]


def task_factory(loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> asyncio.Task[Any]:
    """For `loop.set_task_factory`: tasks begun inside of a function share what it may compute."""
    run = logs.current_run()
    if run is not None and run.guard is not None and inspect.iscoroutine(coro):
        coro = _Watched(coro, *run.guard)
    return asyncio.Task(coro, loop=loop, **options)


def coroutine_of(task: asyncio.Task[Any]) -> Any:
    """The coroutine that a task was made for."""
    coro: Any = task.get_coro()
    return coro.coro if isinstance(coro, _Watched) else coro


class _Watched(Coroutine[Any, Any, Any]):
    """A coroutine of which each step is watched. In all else it is the one that it stands for."""

    __slots__ = ("_budget", "_watchdog", "coro")

    def __init__(self, coro: Coroutine[Any, Any, Any], watchdog: Watchdog, budget: Budget) -> None:
        self.coro, self._watchdog, self._budget = coro, watchdog, budget

    def send(self, value: Any, /) -> Any:
        return self._watchdog.step(self._budget, self.coro.send, value)

    def throw(self, *error: Any) -> Any:
        return self._watchdog.step(self._budget, lambda given: self.coro.throw(*given), error)

    def close(self) -> None:
        self.coro.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self.coro.__await__()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.coro, name)
