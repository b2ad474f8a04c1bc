"""Rounds: moving all live queries from one moment to the next.

A round takes the newest snapshot, runs each touched query once on it, and hands every affected client what is new,
so that all results of a client are of the same moment. It gives the loop a turn now and then. What happens in such a
turn is kept apart from it:

    commits          are looked at when the round has ended, because what a query reads is known only after its run
    subscriptions    that begin are answered by this round if they can, else by the next
    a reload         ends the round; the next one runs everything under the new code
    whatever else    must not mix with the step that clients are about to get waits in `after`
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from reactor.database.committed import Committed
from reactor.database.driving import drive
from reactor.database.latencies import Latencies
from reactor.database.overlay import Overlay
from reactor.errors import FunctionInterrupted, StoreError
from reactor.live.ahead import Ahead
from reactor.live.directory import Directory
from reactor.live.live_query import LiveQuery, Reason, Result, Subscriber
from reactor.live.meanwhile import touch
from reactor.live.reruns import Reruns
from reactor.runtime.query_run import QueryRun
from reactor.runtime.system import PULSE
from reactor.store.seam import Snapshot, Store

__all__ = ["Deliver", "Rounds", "RunQuery", "Yielding", "result_of"]

_SLICE_SECONDS = 0.004
_RETRY_SECONDS = 1.0
_FEW_COMMITS = 64

_log = logging.getLogger(__name__)

RunQuery = Callable[[LiveQuery, Snapshot], Awaitable[QueryRun]]


class Deliver(Protocol):
    """Gives subscribers the state of a moment."""

    async def __call__(self, ts: int, due: Iterable[Subscriber], breathe: "Yielding") -> None:
        """Bring each of `due` to `ts`; `breathe` now and then lets the loop do other work."""
        ...


class Yielding:
    """Gives the event loop a turn when work has taken long enough, so that replies and pings are not late."""

    __slots__ = ("_until",)

    def __init__(self) -> None:
        self._until = time.monotonic() + _SLICE_SECONDS

    async def __call__(self) -> None:
        if time.monotonic() > self._until:
            await asyncio.sleep(0)
            self._until = time.monotonic() + _SLICE_SECONDS


class Rounds:
    """One round at a time; what is asked for during a round is done by the next.

    `run` runs a query. That it fails is part of what it gives; if it raises all the same, subscribers get an error in
    place of a result, and it is tried again after `retry` seconds, as is a query that failed because of the store.
    `ran` is called whenever a query has a new result.
    """

    def __init__(
        self,
        store: Store,
        directory: Directory,
        run: RunQuery,
        deliver: Deliver,
        *,
        ahead: Ahead | None = None,
        retry: float = _RETRY_SECONDS,
        ran: Callable[[LiveQuery], None] = lambda query: None,
    ) -> None:
        self._store, self._directory, self._run, self._deliver = store, directory, run, deliver
        self._ahead = ahead
        self._retry_seconds, self._ran = retry, ran
        self.reruns = Reruns()
        self.requested: dict[Subscriber, None] = {}
        """Subscribers to be brought up to date by the next round, whether or not a result of theirs changes."""
        self.due: dict[Subscriber, None] = {}
        """Subscribers that the round under way brings up to date; more may come until its queries have run."""
        self._after: list[Callable[[], None]] = []
        self._news: list[Committed] = []
        self._pending: dict[LiveQuery, Reason] = {}
        """What the round under way has yet to run."""
        self._failing: dict[LiveQuery, None] = {}
        self._busy = self._asked = self._closed = False
        self.rounds = self.unchanged = self.faults = 0
        self.seconds = Latencies()
        self._began = 0.0

    # Asking

    def news(self, commits: list[Committed]) -> None:
        """Commits became visible."""
        if self._busy:
            self._news += commits
        else:
            self._directory.news(commits)

    def on_the_way(self, commits: list[Committed], overlay: Overlay) -> None:
        """Commits are being made durable: use the time, unless there is something else to do. An empty list: those
        before were lost."""
        if self._ahead is None:
            return
        if not commits:
            self._ahead.forget()
        elif not (self._busy or self._directory.dirty):
            self._ahead.look(commits, overlay)

    def request(self, subscriber: Subscriber) -> None:
        """Bring this subscriber up to date soon."""
        self.requested[subscriber] = None
        self.soon()

    def after(self, callback: Callable[[], None]) -> None:
        """Call `callback` when the round under way has ended."""
        self._after.append(callback)

    def soon(self) -> None:
        """Hold a round when the loop has handled what it has at hand."""
        if not self._busy and not self._asked:
            self._asked = True
            asyncio.get_running_loop().call_soon(self._now_as_asked)

    def now(self) -> None:
        """Hold a round if there is anything to do and none is under way."""
        if self._busy or self._closed or not (self._directory.dirty or self.requested):
            return
        self._busy = True
        drive(self._round(), self._ended)

    def fresh(self, query: LiveQuery) -> bool:
        """Whether the query has the result that a run on the newest visible moment would give."""
        if query.result is None or query in self._directory.dirty:
            return False
        if not self._busy:
            return True
        # Of news that waits it is not known yet whom it touches. To look once is cheap, as long as there is little.
        return query not in self._pending and len(self._news) <= _FEW_COMMITS and not touch(self._news, query.ranges)

    @property
    def busy(self) -> bool:
        """Whether a round is under way."""
        return self._busy

    def close(self) -> None:
        """Begin no more rounds."""
        self._closed = True

    # One round

    def _now_as_asked(self) -> None:
        self._asked = False
        self.now()

    async def _round(self) -> None:
        self.rounds += 1
        self._began = time.perf_counter()
        snapshot = self._store.acquire()
        try:
            self.due, self.requested = self.requested, {}
            breathe = Yielding()
            if await self._run_all(snapshot, breathe):
                await self._deliver(snapshot.ts, self.due, breathe)
            else:
                self.requested = self.due | self.requested
        finally:
            snapshot.release()

    def _ended(self, _: None, error: BaseException | None) -> None:
        self._busy = False
        self.seconds.add(time.perf_counter() - self._began)
        due, self.due = self.due, {}
        pending, self._pending = self._pending, {}
        self._directory.left(pending)
        news, self._news = self._news, []
        self._directory.news(news)
        after, self._after = self._after, []
        for callback in after:
            callback()
        if isinstance(error, asyncio.CancelledError):
            self.close()
        elif error is not None:
            self._failed(error, due)
        elif self._directory.dirty or self.requested:
            self.soon()

    def _failed(self, error: BaseException, due: dict[Subscriber, None]) -> None:
        """A fault of ours, or no snapshot to be had. Not at once again: whatever it was may last."""
        self.faults += 1
        _log.error("A round of live queries failed; it is held again", exc_info=error)
        self.requested = due | self.requested
        asyncio.get_running_loop().call_later(self._retry_seconds, self.soon)

    async def _run_all(self, snapshot: Snapshot, breathe: Yielding) -> bool:
        """Run what is dirty; False when the code changed meanwhile."""
        directory = self._directory
        generation = directory.generation
        dirty, directory.dirty = directory.dirty, {}
        passes: list[Callable[[], dict[LiveQuery, Reason]]] = [
            lambda: dirty,
            # Subscriptions that began meanwhile; later ones are left to the next round, or this one might never end.
            directory.take_new,
            # What stands in place of queries that turned out to depend on who asks.
            lambda: directory.take_new(private=True),
        ]
        for take in passes:
            self._pending = take()
            for query, reason in list(self._pending.items()):
                if not query.closed:
                    await self._run_one(query, reason, snapshot)
                del self._pending[query]
                await breathe()
                if directory.generation != generation:
                    return False
        return True

    async def _run_one(self, query: LiveQuery, reason: Reason, snapshot: Snapshot) -> None:
        result = await self._result(query, snapshot)
        query.runs += 1
        query.reason = reason
        if query.path != PULSE:  # nobody asks why the server looks at itself
            self.reruns.add(query, reason)
        before, query.result = query.result, result
        self._ran(query)
        if result.same_as(before):
            self.unchanged += 1
            return
        for subscription in query.subscriptions:
            subscription.owner.changed(subscription)
            self.due[subscription.owner] = None

    async def _result(self, query: LiveQuery, snapshot: Snapshot) -> Result:
        try:
            run = self._ahead.take(query, snapshot.ts) if self._ahead is not None else None
            if run is None:
                run = await self._run(query, snapshot)
            self._directory.read(query, run.ranges, looked_at_identity=run.looked_at_identity)
            if run.failure is not None and isinstance(run.failure.error, StoreError):
                self._try_again(query)
            query.journal = run.journal
            return result_of(run)
        except (Exception, FunctionInterrupted):
            self.faults += 1
            _log.exception("A run of the live query %s failed inside of Reactor; it is tried again", query.path)
            self._try_again(query)
            return _FAULT

    def _try_again(self, query: LiveQuery) -> None:
        if not self._failing:
            asyncio.get_running_loop().call_later(self._retry_seconds, self._retry)
        self._failing[query] = None

    def _retry(self) -> None:
        failing, self._failing = self._failing, {}
        self._directory.again(failing)
        self.soon()


def result_of(run: QueryRun) -> Result:
    """What subscribers get of a run."""
    tail = run.tail()
    kind = b"QueryUpdated" if run.failure is None else b"QueryFailed"
    size = 0 if run.failure is not None else len(run.result.value)
    return Result(
        kind,
        tail,
        run.shown(tail),
        run.journal,
        failure=run.failure,
        size=size,
        lines=run.lines,
        time=run.time,
    )


_FAULT_TAIL = b'"errorMessage":"Your request couldn\'t be completed. Try again later.","logLines":[],"journal":null}'
_FAULT = Result(b"QueryFailed", _FAULT_TAIL, _FAULT_TAIL, None)
