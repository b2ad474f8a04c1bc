"""Runs a handler step by step, each step watched and its prints captured.

    value = await Steps(watchdog).run(function, ctx, keywords, log)

A step goes from where a coroutine was resumed to where it waits next. Most functions have a single one, and when the
whole chain of awaits above was started by hand, that costs neither a task nor a turn of the event loop.
"""

import ctypes
import inspect
import logging
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any

from reactor.errors import FunctionInterrupted
from reactor.runtime import logs
from reactor.runtime.functions import Function, Kind
from reactor.runtime.limits import NEAR
from reactor.runtime.patience import Patience
from reactor.runtime.watchdog import Budget, Watchdog

__all__ = ["Steps"]

_SECONDS_TO_CLEAN_UP = 0.1
_ADVICE = " Queries and mutations await nothing but `ctx`: wait for the world outside in an action."
_log = logging.getLogger(__name__)


class Steps:
    """Calls handlers on the watchdog's thread; `cpu_seconds` is what one run may compute in all."""

    __slots__ = ("_cpu_seconds", "_seconds", "_watchdog")

    def __init__(self, watchdog: Watchdog, *, cpu_seconds: float = 1.0, seconds: float = 15.0) -> None:
        """`cpu_seconds` a run may compute, `seconds` it may take in all from when it first waits."""
        self._watchdog = watchdog
        self._cpu_seconds, self._seconds = cpu_seconds, seconds

    def run(self, function: Function[..., Any], ctx: Any, keywords: dict[str, Any], log: logs.RunLog) -> Awaitable[Any]:
        """When awaited, gives what the handler returns; nothing runs before.

        Raises what the handler raises, and FunctionInterrupted when it computes or waits for too long. A function that
        waits inside asyncio's timeouts or task groups must be resumed by the task that started it.
        """
        patience = Patience(self._seconds, "" if function.kind is Kind.ACTION else _ADVICE)
        return _Running(self._watchdog, Budget(self._cpu_seconds), patience, log, function, ctx, keywords)


class _Running:
    """One run of a handler. Awaits its coroutine as `await` itself would, with something around every step."""

    __slots__ = ("_budget", "_coroutine", "_ctx", "_function", "_keywords", "_log", "_patience", "_watchdog")

    _coroutine: Coroutine[Any, Any, Any] | None

    def __init__(
        self,
        watchdog: Watchdog,
        budget: Budget,
        patience: Patience,
        log: logs.RunLog,
        function: Function[..., Any],
        ctx: Any,
        keywords: dict[str, Any],
    ) -> None:
        self._watchdog, self._budget, self._patience, self._log = watchdog, budget, patience, log
        self._function, self._ctx, self._keywords = function, ctx, keywords
        self._coroutine = None  # the one that has yet to go on
        log.guard = (watchdog, budget)

    def __await__(self) -> Generator[Any, Any, Any]:
        patience, log = self._patience, self._log
        try:
            result = self._step(self._begin, None)
            while self._coroutine is not None:
                if patience.lost is not None:
                    self._discard()  # it was told, and waits again
                    break
                thrown: BaseException | None = None
                try:
                    result = yield patience.waits_for(result)
                except GeneratorExit:  # nobody waits any more
                    self._discard()
                    raise
                except BaseException as error:  # a cancellation, or what else the task throws in
                    thrown = error
                result = self._go_on(result, patience.lost or thrown)
            if patience.lost is not None:
                raise patience.lost
            if log.violation is not None:
                raise log.violation
            return result
        finally:
            if self._budget.used > self._budget.limit * NEAR:
                self._warn()
            patience.end(log)
            log.finish()

    def _go_on(self, argument: Any, thrown: BaseException | None) -> Any:
        return self._step(self._send, argument) if thrown is None else self._step(self._throw, thrown)

    def _warn(self) -> None:
        if not self._budget.interrupted:
            used, limit = self._budget.used, self._budget.limit
            self._log.add(logs.Level.WARN, f"UserTimeout: the function computed for {used:.3g}s (limit: {limit:g}s).")

    def _step(self, call: Callable[[Any], Any], argument: Any) -> Any:
        # The log is set for each step: the next one may run in another task, where this context does not hold.
        token = logs.enter(self._log)
        try:
            return self._watchdog.step(self._budget, call, argument)
        except BaseException:
            self._discard()
            raise
        finally:
            logs.leave(token)

    def _begin(self, argument: None) -> Any:
        value = self._function.handler(self._ctx, **self._keywords)
        if inspect.iscoroutine(value):
            self._coroutine = value
            return self._send(argument)
        return value

    def _send(self, argument: Any) -> Any:
        assert self._coroutine is not None
        # Caught here, the end of a coroutine costs much less than when it unwinds the frames above.
        try:
            return self._coroutine.send(argument)
        except StopIteration as done:
            self._coroutine = None
            return done.value

    def _throw(self, error: BaseException) -> Any:
        assert self._coroutine is not None
        try:
            return self._coroutine.throw(error)
        except StopIteration as done:
            self._coroutine = None
            return done.value

    def _discard(self) -> None:
        """Close a coroutine that will not go on: its `finally` blocks run, for a short while at most."""
        coroutine, self._coroutine = self._coroutine, None
        if coroutine is None:
            return
        try:
            with logs.capture(self._log):
                self._watchdog.step(Budget(_SECONDS_TO_CLEAN_UP), _close, coroutine)
        except (Exception, FunctionInterrupted):
            # The run has failed already, so there is nobody to raise it to.
            _log.exception("A function failed while it cleaned up after its end")
        if getattr(coroutine, "cr_frame", None) is not None:
            # It went on when it was closed. Forgotten, it would be closed again, where nobody watches, and at the
            # latest when the process ends: so a reference to it is never given back.
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(coroutine))


def _close(coroutine: Coroutine[Any, Any, Any]) -> None:
    coroutine.close()
