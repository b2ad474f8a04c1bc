"""Running touched queries while their commit is still on its way to the disk.

The loop has nothing to do while the disk works, and what a commit will make visible is known by then. A result that is
ready when the commit is durable goes out at once; one whose commit is lost, or is overtaken by another before the
round, is thrown away and nobody ever sees it.
"""

import time
from collections.abc import Callable, Coroutine
from typing import Any

from reactor.database.committed import Committed
from reactor.database.overlay import Overlay
from reactor.live.directory import Directory
from reactor.live.live_query import LiveQuery
from reactor.runtime.query_run import QueryRun
from reactor.store.seam import Snapshot, Store

__all__ = ["Ahead", "RunAhead"]

_SECONDS = 0.002
"""How long it may take: longer than a disk needs, waiting is the better use of the time."""

RunAhead = Callable[[LiveQuery, Snapshot, Overlay], Coroutine[Any, Any, QueryRun]]


class Ahead:
    """Results that will hold at `ts`, should that moment come as it is expected."""

    __slots__ = ("_directory", "_generation", "_run", "_runs", "_store", "ts")

    def __init__(self, store: Store, directory: Directory, run: RunAhead) -> None:
        self._store, self._directory, self._run = store, directory, run
        self._runs: dict[LiveQuery, QueryRun] = {}
        self._generation = 0
        self.ts = 0

    def look(self, news: list[Committed], overlay: Overlay) -> None:
        """These commits are on the way, and change the visible state by `overlay`: run what they touch."""
        self.forget()
        touched = self._directory.touched(news)
        if not touched:
            return
        self.ts, self._generation = news[-1].ts, self._directory.generation
        until = time.monotonic() + _SECONDS
        snapshot = self._store.acquire()
        try:
            for query in touched:
                run = _at_once(self._run(query, snapshot, overlay))
                if run is not None:
                    self._runs[query] = run
                if time.monotonic() > until:
                    break
        finally:
            snapshot.release()

    def forget(self) -> None:
        """The moment that was expected does not come."""
        self._runs.clear()

    def take(self, query: LiveQuery, ts: int) -> QueryRun | None:
        """The result of a query at `ts`, if it is ready."""
        if ts != self.ts or self._generation != self._directory.generation:
            return None
        return self._runs.pop(query, None)


def _at_once(run: Coroutine[Any, Any, QueryRun]) -> QueryRun | None:
    """What a run gives without waiting; one that would wait is given up."""
    try:
        run.send(None)
    except StopIteration as done:
        return done.value
    run.close()
    return None
