"""Interrupts a function that computes for too long, so that `while True` in one function does not stop the server.

A function runs in steps, between which it is suspended. While a step is going on, a monitor thread looks every so often
at the CPU clock of the thread it runs in, and when the limit is used up makes that thread raise FunctionInterrupted.

What makes it safe:
- The monitor injects only while `_budget` is set, and under `_lock`. A step that it has looked at ends by clearing
  `_budget` and then taking the lock: from there on nothing can be injected, and what was injected but has not come up
  yet is taken back. So the exception never appears in code that runs later. A step that it has not looked at has not
  been injected into either, and ends without the lock: two looks are a tick apart, longer than any store is in flight.
- Only user code is hit, and what it calls in libraries. When Reactor itself is at work for the function, the monitor
  tries again a moment later: our own code need not be prepared to be cut off anywhere. Its work is bounded by limits.
- A function may swallow the exception (`except BaseException`). It is then raised again and again while the step lasts,
  after a while so that it cannot be swallowed (see `insistence`), and the run fails however the step ends.

What it cannot do: stop a call into C, which raises only when it returns, or notice a thread that sleeps. Time counts
from the first look at a step, so a limit is enforced up to a tick late, and steps shorter than a tick, which hold up
nobody, are free.
"""

import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

from reactor.errors import FunctionInterrupted
from reactor.runtime.frames import is_library, is_own
from reactor.runtime.insistence import Insisting, end, inject

__all__ = ["Budget", "Watchdog"]

A = TypeVar("A")
R = TypeVar("R")

_IDLE_LOOKS = 40
_RETRY_SECONDS = 0.002
_PATIENT = 10
"""So many times a step is interrupted in a way that it may swallow, or clean up after."""


class Budget:
    """CPU seconds that one run may use in all its steps together; `interrupted` once it was stopped for that."""

    __slots__ = ("interrupted", "limit", "used")

    def __init__(self, limit: float = 1.0) -> None:
        self.limit = limit
        self.used = 0.0
        self.interrupted = False


class Watchdog:
    """Watches the steps of one thread: the one that calls `start`, and later `step`.

    Its own thread sleeps for good while there is nothing to watch, and is woken by the first step after that.
    """

    __slots__ = (
        "_asleep",
        "_budget",
        "_clock",
        "_injected",
        "_interruptions",
        "_lock",
        "_looked_at",
        "_monitor",
        "_since",
        "_step",
        "_stopped",
        "_tick",
        "_victim",
        "_wake",
    )

    def __init__(self, *, tick: float = 0.05) -> None:
        """`tick`: seconds between looks while functions run."""
        self._tick = tick
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._step = 0
        self._budget: Budget | None = None
        self._looked_at = 0  # the step that the monitor has seen going on, and the clock's reading then
        self._since = 0.0
        self._injected = False
        self._interruptions = 0
        self._asleep = False
        self._stopped = False
        self._victim = 0
        self._clock: Callable[[], float] = time.monotonic
        self._monitor = threading.Thread(target=self._patrol, name="reactor-watchdog", daemon=True)

    def start(self) -> None:
        """Begin to watch the calling thread."""
        self._victim = threading.get_ident()
        self._clock = _cpu_clock(self._victim)
        self._monitor.start()

    def stop(self) -> None:
        """End the monitor thread and wait for it. Safe when it was never started."""
        self._stopped = True
        self._wake.set()
        if self._monitor.ident is not None:
            self._monitor.join()

    def step(self, budget: Budget, call: Callable[[A], R], argument: A) -> R:
        """`call(argument)`, interrupted when the run's budget is used up.

        Raises FunctionInterrupted then, even if the call swallowed it and returned. Inside a step of another run, which
        is an action that calls a query, say, that run's budget is left alone meanwhile.
        """
        outer = self._budget
        if outer is not None:
            return call(argument) if outer is budget else self._step_inside(outer, budget, call, argument)
        self._step += 1
        self._budget = budget
        try:
            if self._asleep:
                self._rouse()
            return call(argument)
        finally:
            # No call stands before this assignment, so nothing can come up between the end of the step and it.
            self._budget = None
            while self._looked_at == self._step:
                try:
                    self._settle(budget)
                except FunctionInterrupted:  # it came up just now; there is no second one after _budget is cleared
                    budget.interrupted = True
            if budget.interrupted:
                raise _failure(budget, sys.exc_info()[1]) from None

    def _step_inside(self, outer: Budget, budget: Budget, call: Callable[[A], R], argument: A) -> R:
        self._budget = None
        while self._looked_at == self._step:
            try:
                self._settle(outer)
            except FunctionInterrupted:
                outer.interrupted = True
        try:
            return self.step(budget, call, argument)
        finally:
            # To the monitor the rest of the outer step is another one; if it is interrupted it fails at its end.
            self._step += 1
            self._budget = outer

    def _settle(self, budget: Budget) -> None:
        with self._lock:
            if self._injected:
                budget.interrupted = True
                end()
                inject(self._victim, None)
                self._injected = False
            budget.used += self._clock() - self._since
            self._looked_at = 0

    def _rouse(self) -> None:
        self._asleep = False
        self._wake.set()

    def _patrol(self) -> None:
        idle, seen = 0, 0
        while not self._stopped:
            self._wake.wait(self._look())
            idle = idle + 1 if self._budget is None and self._step == seen else 0
            seen = self._step
            if idle > _IDLE_LOOKS:
                self._sleep()
                idle = 0

    def _sleep(self) -> None:
        self._asleep = True
        # A step that began without seeing this is visible one tick later at the latest, or over.
        self._wake.wait(self._tick)
        if self._budget is None and not self._stopped:
            self._wake.wait()
        self._asleep = False
        self._wake.clear()

    def _look(self) -> float:
        """Seconds until the next look."""
        with self._lock:
            budget = self._budget
            if budget is None:
                return self._tick
            now = self._clock()
            if self._looked_at != self._step:
                self._looked_at, self._since, self._interruptions = self._step, now, 0
                return self._tick
            left = budget.limit - budget.used - (now - self._since)
            if left > 0:
                return min(self._tick, max(left, _RETRY_SECONDS))
            if _in_user_code(_frame_of(self._victim)):
                self._injected = True
                self._interruptions += 1
                inject(self._victim, FunctionInterrupted if self._interruptions <= _PATIENT else Insisting)
            return _RETRY_SECONDS


def _failure(budget: Budget, error: BaseException | None) -> FunctionInterrupted:
    failure = FunctionInterrupted(f"Function execution timed out (maximum duration: {budget.limit:g}s)")
    # Where it was hit is what its author wants to see.
    return failure.with_traceback(error.__traceback__) if isinstance(error, FunctionInterrupted) else failure


def _frame_of(thread: int) -> FrameType | None:
    return sys._current_frames().get(thread)  # pyright: ignore[reportPrivateUsage] - documented in spite of its name


def _in_user_code(frame: FrameType | None) -> bool:
    """Whether the innermost frame outside of libraries is neither Reactor's nor the interpreter's own."""
    while frame is not None:
        file = frame.f_code.co_filename
        if file == __file__:
            return frame.f_code is Watchdog.step.__code__
        if is_own(file):
            return False
        if not is_library(file):
            return True
        frame = frame.f_back
    return False


def _cpu_clock(thread: int) -> Callable[[], float]:
    """Reads the CPU seconds a thread has used; where the system cannot tell, the seconds that have passed."""
    if not hasattr(time, "pthread_getcpuclockid"):
        return time.monotonic
    clock = time.pthread_getcpuclockid(thread)
    return lambda: time.clock_gettime(clock)
