"""Telling the terminal how far a change of the schema has come, if it takes long enough to be asked for."""

import time
from collections.abc import Callable
from typing import Protocol

from reactor.database.adoption import Step

__all__ = ["SchemaProgress"]

_QUIET_SECONDS, _EVERY_SECONDS = 1.0, 5.0


class _Events(Protocol):
    def __call__(self, kind: str, /, **fields: object) -> None: ...


class SchemaProgress:
    """Hears of every page, and passes on one in a while as the event `schema_progress`: nothing in the first second,
    then every five."""

    def __init__(self, events: _Events, clock: Callable[[], float] = time.monotonic) -> None:
        self._events, self._clock = events, clock
        self._next = clock() + _QUIET_SECONDS

    def __call__(self, step: Step) -> None:
        now = self._clock()
        if now >= self._next:
            self._next = now + _EVERY_SECONDS
            self._events("schema_progress", **step._asdict())
