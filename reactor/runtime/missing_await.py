"""A function that returned without awaiting what it called: told with the places, instead of nothing happening."""

import asyncio
import inspect
from collections.abc import Sequence
from itertools import islice

from reactor.database.made_calls import MadeCall, unended
from reactor.database.writer import DatabaseWriter
from reactor.errors import DeveloperError
from reactor.runtime.frames import short_file
from reactor.runtime.offspring import coroutine_of
from reactor.runtime.scheduling import Scheduler
from reactor.runtime.storage import ActionStorage, MutationStorage

__all__ = ["refuse_unbegun", "refuse_unended"]

_SHOWN = 3
_OWNERS = {
    DatabaseWriter.__name__: "db.",
    Scheduler.__name__: "scheduler.",
    MutationStorage.__name__: "storage.",
    ActionStorage.__name__: "storage.",
}
"""Where on `ctx` the methods of a class are found."""


def refuse_unended(made: list[MadeCall]) -> None:
    """For a transaction, which ends with its function. Raises DeveloperError when a call has not ended by then."""
    if left := unended(made):
        raise _error(left, "Nothing of this mutation was kept")


def refuse_unbegun(made: list[MadeCall]) -> None:
    """For an action, whose tasks may go on. Raises DeveloperError when a call was never awaited, by no task either."""
    tasks = _of_tasks()
    left = [call for call in made if inspect.getcoroutinestate(call[0]) == inspect.CORO_CREATED]
    if left := [call for call in left if id(call[0]) not in tasks]:
        raise _error(left, "What the action had done before stays done")


def _error(left: list[MadeCall], outcome: str) -> DeveloperError:
    _dispose(left)
    method, place = _method(left[0]), _places(left)
    return DeveloperError(
        f"`{method}(...)` was called and not awaited ({place}), and without `await` it does nothing. Write "
        f"`await {method}(...)`; of several that run together, await the gather or every task. {outcome}.",
        code="MissingAwait",
    )


def _method(call: MadeCall) -> str:
    owner, _, name = call[0].__qualname__.rpartition(".")
    return f"ctx.{_OWNERS.get(owner, '')}{name.lstrip('_')}"


def _places(left: Sequence[MadeCall]) -> str:
    shown = [_place(call) for call in left[:_SHOWN]]
    more = len(left) - len(shown)
    return ", ".join(shown) + (f", and {more} more" if more else "")


def _place(call: MadeCall) -> str:
    _, code, instruction = call
    line = next(islice(code.co_positions(), instruction // 2, None))[0]
    return f"{short_file(code.co_filename)}:{line}"


def _dispose(left: Sequence[MadeCall]) -> None:
    """Close those that nobody will ever run, of which Python would complain as well."""
    tasks = _of_tasks()
    for coroutine, _, _ in left:
        if id(coroutine) not in tasks and inspect.getcoroutinestate(coroutine) == inspect.CORO_CREATED:
            coroutine.close()


def _of_tasks() -> set[int]:
    """The coroutines that are run by tasks, by their `id`."""
    return {id(coroutine_of(task)) for task in asyncio.all_tasks()}
