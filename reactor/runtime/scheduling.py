"""`ctx.scheduler`: functions that are to run later.

Behaviour matches Convex (get-convex/convex-backend, npm-packages/convex/src/server/impl/scheduler_impl.ts and
crates/model/src/scheduled_jobs).
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Awaitable, Callable, Mapping
from types import CoroutineType
from typing import Any, Protocol, TypeAlias, TypeVar

from reactor.database.backlog import Backlog
from reactor.database.made_calls import MadeCall, frame, note
from reactor.database.scheduled import NewJob, add_job, cancel_job
from reactor.database.transaction import Transaction
from reactor.errors import DeveloperError
from reactor.runtime.calls import encode_args, named_arguments
from reactor.runtime.functions import Function, Reference
from reactor.runtime.limits import FunctionLimits
from reactor.runtime.logs import Level
from reactor.runtime.path_names import PathName
from reactor.runtime.registry import Registry, with_extension
from reactor.runtime.run import Run
from reactor.values import decode_trusted, size_of

__all__ = ["Scheduler", "Scheduling"]

T = TypeVar("T")
Writing: TypeAlias = "CoroutineType[Any, Any, T]"

_YEAR_MS = 365.25 * 86_400_000
_FARTHEST_MS = 5 * _YEAR_MS
_LARGE_ARGS = 4 * 2**20


class Transacting(Protocol):
    """Runs something in the transaction that a scheduler belongs to, or in one of its own."""

    def __call__(self, work: Callable[[Transaction], Awaitable[T]], /) -> Awaitable[T]:
        """Its result."""
        ...


class _Resolver(Protocol):
    def __call__(self, reference: Reference, /) -> Function[..., Any]: ...


class Scheduling:
    """What all schedulers share: the functions there are, and the limits."""

    __slots__ = ("_limits", "_registry", "_resolve", "backlog")

    def __init__(
        self, resolve: _Resolver, registry: Callable[[], Registry], limits: FunctionLimits, backlog: Backlog
    ) -> None:
        self._resolve, self._registry, self._limits, self.backlog = resolve, registry, limits, backlog

    @property
    def registry(self) -> Registry:
        """The functions that serve now."""
        return self._registry()

    def job(self, run: Run, reference: Reference, args: dict[str, Any], time: float, *, pending: bool) -> NewJob:
        """A job for a function at a time, in ms since 1970. Raises DeveloperError for what cannot be scheduled.

        `pending`: the time of the commit may stand in the arguments, as its placeholder.
        """
        function = self._function(reference)
        copy: Any = decode_trusted(encode_args(function, args, self._limits, pending=pending))
        size = size_of(copy)
        name = with_extension(function)
        if size > self._limits.args_bytes:
            raise DeveloperError(
                f"Arguments for {name} are too large (actual: {size} bytes, limit: {self._limits.args_bytes} bytes). "
                "Store what is large in documents and pass their ids. The limit is the setting max_args_bytes.",
                code="ArgumentsTooLarge",
            )
        if size > _LARGE_ARGS:
            run.log.add(
                Level.WARN,
                f"ScheduledFunctionArgumentsTooLarge: the arguments for {name} have {size} bytes. They are written "
                "again with every change of the job's state: store what is large in documents, and pass their ids.",
            )
        return NewJob(name, copy, size, time)

    def _function(self, reference: Reference) -> Function[..., Any]:
        registry = self._registry()
        if isinstance(reference, PathName):
            reference = str(reference)
        if isinstance(reference, str):
            function = registry.find(reference)
        else:
            resolved = self._resolve(reference)
            function = None if registry.find(resolved.path) is None else resolved
        if function is None:
            path = reference if isinstance(reference, str) else reference.path
            raise DeveloperError(
                f"Attempted to schedule function at nonexistent path: {path}. Is it in functions/, and spelled "
                "`folder/module:name`?",
                code="FunctionNotFound",
            )
        return function


class Scheduler:
    """Schedules functions, and cancels them: in a mutation with its commit, in an action at once.

    In a mutation what is scheduled comes to exist with the commit, and not at all when that does not come about; it
    never begins before. An action schedules in a transaction of its own, whatever becomes of the action. The scheduled
    function has no identity: give ids as arguments.
    """

    __slots__ = ("_in_transaction", "_made_calls", "_now", "_run", "_scheduling", "_transacting")

    def __init__(
        self,
        run: Run,
        scheduling: Scheduling,
        transacting: Transacting,
        made_calls: list[MadeCall],
        now: Callable[[], float],
        *,
        in_transaction: bool,
    ) -> None:
        self._run, self._scheduling, self._transacting = run, scheduling, transacting
        self._made_calls, self._now, self._in_transaction = made_calls, now, in_transaction

    def run_after(
        self,
        delay: float | dt.timedelta,
        function: Reference,
        args: Mapping[str, Any] | None = None,
        /,
        **named: Any,
    ) -> Writing[str]:
        """Run a mutation or action later: `await ctx.scheduler.run_after(60_000, reminders.send, user_id=id)`.

        `delay` is in milliseconds, or a timedelta; 0 is as soon as this is committed. The function is named by itself
        or by its path, may be internal, and is checked to exist now; the code that serves when its time has come is
        what runs. Gives the id of the job, a document of `_scheduled_functions`. Raises DeveloperError for a delay
        that is negative, not finite or above five years, and when limits are exceeded.
        """
        call = self._run_after(delay, function, args, named)
        note(self._made_calls, call, frame(1))
        return call

    def run_at(
        self,
        time: float | dt.datetime,
        function: Reference,
        args: Mapping[str, Any] | None = None,
        /,
        **named: Any,
    ) -> Writing[str]:
        """Run a mutation or action at a time: milliseconds since 1970, or a datetime with a zone.

        A time that is past already is as soon as this is committed. Gives and raises what `run_after` does.
        """
        call = self._run_at(time, function, args, named)
        note(self._made_calls, call, frame(1))
        return call

    def cancel(self, id: str, /) -> Writing[None]:
        """Keep a scheduled function from running. One that has run stays as it is, and so does an unknown id.

        An action that runs goes on, but counts as canceled: its end is not recorded, and what it schedules from then
        on is canceled as well. Raises DeveloperError for what is no id of a scheduled function, and in a scheduled
        mutation for its own.
        """
        call = self._cancel(id)
        note(self._made_calls, call, frame(1))
        return call

    async def _run_after(self, delay: Any, function: Reference, args: Any, named: dict[str, Any]) -> str:
        return await self._schedule(_due(self._now(), delay), function, args, named)

    async def _run_at(self, time: Any, function: Reference, args: Any, named: dict[str, Any]) -> str:
        return await self._schedule(_moment(self._now(), time), function, args, named)

    async def _schedule(self, time: float, function: Reference, args: Any, named: dict[str, Any]) -> str:
        given = named_arguments(args, named)
        job = self._scheduling.job(self._run, function, given, time, pending=self._in_transaction)
        parent = self._run.call.job

        async def add(tx: Transaction) -> str:
            self._scheduling.backlog.check(tx.functions_scheduled + 1)
            return await add_job(tx, job, parent)

        return await self._transacting(add)

    async def _cancel(self, id: str) -> None:
        async def cancel(tx: Transaction) -> None:
            await cancel_job(tx, id)

        await self._transacting(cancel)


def _due(now: float, delay: Any) -> float:
    """The time of a job that is to run after `delay`. Raises DeveloperError."""
    milliseconds = delay / dt.timedelta(milliseconds=1) if isinstance(delay, dt.timedelta) else delay
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int | float):
        raise _bad_delay(f"a delay is a number of milliseconds or a timedelta, not {type(delay).__name__}")
    if not _is_finite(milliseconds) or milliseconds < 0:
        raise _bad_delay(f"a delay is a finite number of milliseconds of at least 0, and {delay!r} is not")
    return _near(now, now + milliseconds)


def _moment(now: float, time: Any) -> float:
    """The time of a job that is to run at `time`. Raises DeveloperError."""
    if isinstance(time, dt.datetime):
        if time.tzinfo is None:
            raise _bad_delay(f"{time!r} has no zone, so it could be many moments: write datetime(..., tzinfo=UTC)")
        return _near(now, time.timestamp() * 1000)
    if isinstance(time, bool) or not isinstance(time, int | float):
        raise _bad_delay(f"a time is milliseconds since 1970 or a datetime, not {type(time).__name__}")
    if not _is_finite(time):
        raise _bad_delay(f"a time is a finite number of milliseconds since 1970, and {time!r} is not")
    return _near(now, float(time))


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # an int that no float holds
        return False


def _near(now: float, time: float) -> float:
    if abs(time - now) > _FARTHEST_MS:
        raise _bad_delay("the time is more than five years away; times are milliseconds, not seconds or nanoseconds")
    return time


def _bad_delay(fault: str) -> DeveloperError:
    return DeveloperError(f"Cannot schedule a function: {fault}.", code="InvalidScheduledFunctionDelay")
