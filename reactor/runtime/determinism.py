"""Noticing what makes a query or mutation come to another result on the same data.

A query is run again when a write concerns it, by whichever server, and its result is shared; a mutation may be run
again too. Neither may look at the clock, draw numbers, or reach out of its transaction. Python lets them, so here is
who tells their author.

    watch = Determinism("warn")
    undo = watch.install()        # wrappers and an audit hook; see `lookouts`
    RunLog(path, watcher=watch)   # runs with it are watched

What counts is who calls: the innermost frame outside of libraries must be the application's. When Reactor itself is
at work for a function, or a module is being imported, nothing is said.
"""

from collections.abc import Callable
from types import FrameType
from typing import Literal

from reactor.errors import DeveloperError
from reactor.runtime.frames import is_library, is_own, short_file
from reactor.runtime.logs import Level, RunLog
from reactor.runtime.lookouts import look_out

__all__ = ["Determinism"]

_MOST_PLACES = 1_000
"""So many places are remembered as told; what comes beyond is not told at all."""

_INNOCENT = frozenset({"importlib", "linecache", "logging", "traceback", "warnings"})
"""They read clocks and files to find code or to say where something happened; no result depends on it."""


class Determinism:
    """Told by the lookouts; warns once for each place of a version of the code, or fails the function."""

    def __init__(self, strictness: Literal["warn", "error"]) -> None:
        self._fails = strictness == "error"
        self._told: set[tuple[str, int]] = set()

    def install(self) -> Callable[[], None]:
        """Begin to look; returns what ends it."""
        return look_out()

    def forget(self) -> None:
        """The code is another one now: what was told of the old one is to be told again."""
        self._told.clear()

    def saw(self, run: RunLog, deed: str, remedy: str, frame: FrameType | None) -> None:
        """See `Watcher.saw`. Raises DeveloperError where the function is to fail; catching it does not help."""
        found = _responsible(frame)
        if found is None:
            return
        place = f"{short_file(found.f_code.co_filename)}:{found.f_lineno}"
        text = f"{deed} at {place} in `{found.f_code.co_name}`: a query or mutation must be repeatable. {remedy}"
        if self._fails:
            run.violation = run.violation or DeveloperError(text, code="NotDeterministic")
            raise run.violation
        key = (found.f_code.co_filename, found.f_lineno)
        if key not in self._told and len(self._told) < _MOST_PLACES:
            self._told.add(key)
            run.add(Level.WARN, f"NotDeterministic: {text}")


def _responsible(frame: FrameType | None) -> FrameType | None:
    """The frame of the application that is to answer for what `frame` does, None when none is."""
    while frame is not None:
        file = frame.f_code.co_filename
        if is_own(file):
            return None
        if not is_library(file):
            return None if frame.f_code.co_name == "<module>" else frame
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] in _INNOCENT:
            return None
        frame = frame.f_back
    return None
