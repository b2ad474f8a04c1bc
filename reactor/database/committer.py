"""The committer: one order for all mutations, and durability for many at a time.

Mutations run one after another against the newest decided state, which is the newest visible snapshot plus the
commits that are decided but not yet durable; so they never conflict, hot documents included. While one group of
commits is being made durable the next one forms. Nobody outside hears of a commit before it is durable: `done`
callbacks, and the news to live queries, wait for it. When a group fails, what was built upon it runs again.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Protocol

import msgspec
from msgspec.structs import replace

from reactor.database.catalog import Catalog
from reactor.database.committed import Committed
from reactor.database.documents import DocumentCache
from reactor.database.driving import drive
from reactor.database.latencies import Latencies
from reactor.database.limits import TransactionLimits
from reactor.database.overlay import Overlay
from reactor.database.preparation import prepare
from reactor.database.ranges import KeyRange
from reactor.database.touched import TouchedKey
from reactor.database.transaction import Transaction
from reactor.store.seam import Commit, LogEntry, Outcome, Snapshot, Store

__all__ = ["Committer", "Decided", "Ending", "Group", "Job", "Settled", "guarded"]

_SLICE_SECONDS = 0.004
"""How long queued mutations may run before the loop gets a turn."""


class Ending(msgspec.Struct, gc=False):
    """How a job's transaction ended: whether its writes count, what to record with them, and what to hand on."""

    payload: Any
    keep: bool
    outcome: Outcome | None = None


class Job(Protocol):
    """A mutation to run. `run` may be called again when what it was built upon failed to become durable."""

    source: str

    def run(self, tx: Transaction) -> Coroutine[Any, Any, Ending]:
        """Run the function in `tx`. Function errors are part of the payload, they are not raised."""
        ...

    def done(self, payload: Any, ts: int, error: BaseException | None) -> None:
        """It ended, durably. `ts` is its commit's timestamp, or that of the state it read when it wrote nothing.

        With `error` (a StoreError, or a fault of ours) nothing of it was kept.
        """
        ...


class Decided(msgspec.Struct):
    """What a job's transaction comes to: its commit, what is to be told of it, and the writes as others lie over them.

    `dated`: the commit's time is part of what it writes.
    """

    commit: Commit
    news: Committed
    own: Overlay | None
    dated: bool

    def date(self, ts: int) -> None:
        """The commit gets another time, which is no part of what it writes."""
        self.commit.ts, self.news = ts, replace(self.news, ts=ts)
        if self.commit.outcome is not None:
            self.commit.outcome.ts = ts


class Settled(msgspec.Struct):
    """A job that ended, and what it is to be told. Only in a shared store the rest is kept as well."""

    job: Job
    payload: Any
    ts: int
    error: BaseException | None = None
    tx: Transaction | None = None
    decided: Decided | None = None
    place: int = 0
    marks: list[TouchedKey] | None = None
    """The keys that it touched, once somebody has asked."""

    def reads(self) -> list[KeyRange]:
        """What it read, as far as that is kept."""
        return [] if self.tx is None else self.tx.reads.ranges()


class Group:
    """Jobs that ended on the same undurable ground, and the commits among them."""

    __slots__ = ("commits", "news", "overlay", "settled")

    def __init__(self) -> None:
        self.commits: list[Commit] = []
        self.news: list[Committed] = []
        self.overlay = Overlay()
        self.settled: list[Settled] = []

    def add(self, decided: Decided) -> None:
        """One more commit, over those before it."""
        commit, own, outcome = decided.commit, decided.own, decided.commit.outcome
        self.commits.append(commit)
        self.news.append(decided.news)
        if own is not None:
            self.overlay.absorb(own)
        if outcome is not None:
            outcome.ts = commit.ts
            self.overlay.outcomes[outcome.session, outcome.request] = outcome

    def join(self, later: "Group") -> None:
        """What ended upon this group goes with it."""
        # New lists: whoever was given the old ones holds what the group was.
        self.settled = [*self.settled, *later.settled]
        self.commits = [*self.commits, *later.commits]
        self.news = [*self.news, *later.news]
        self.overlay.absorb(later.overlay)

    def remake(self, kept: list[Settled]) -> None:
        """It has only these any more."""
        self.settled, self.commits, self.news, self.overlay = kept, [], [], Overlay()
        for settled in kept:
            if settled.decided is not None:
                self.add(settled.decided)

    def number(self, above: int) -> int:
        """Give the commits times after `above`, which others have reached; the last one's."""
        last = above
        for settled in self.settled:
            decided = settled.decided
            if decided is not None:
                if decided.commit.ts <= last:
                    decided.date(last + 1)
                last = decided.commit.ts
            settled.ts = last
        self.news = [settled.decided.news for settled in self.settled if settled.decided is not None]
        return last


class Committer:
    """Runs jobs in order and makes their commits durable. Belongs to one event loop.

    A job is in `_queue`, then `_running`, then in `_forming`, which as a whole becomes `_in_flight`, then in `_ended`.
    """

    def __init__(
        self,
        store: Store,
        cache: DocumentCache,
        limits: TransactionLimits,
        *,
        catalog: Callable[[], Catalog],
        on_visible: Callable[[list[Committed]], None],
        after: Callable[[], None],
        on_the_way: Callable[[list[Committed], Overlay], None],
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._store, self._cache, self._limits = store, cache, limits
        self._catalog, self._on_visible, self._after, self._clock = catalog, on_visible, after, clock
        self._on_the_way = on_the_way
        self._queue: deque[Job] = deque()
        self._running: Job | None = None
        self._forming = Group()
        self._in_flight: Group | None = None
        self._ended: deque[Group] = deque()
        base = store.acquire()
        self._decided = self.visible = base.ts
        base.release()
        # Commits are no older than the creation times in them, but for rounding: so the next one follows all there are.
        self._creation = math.nextafter(base.ts / 1e6, math.inf)
        self.watch: Callable[[Sequence[Commit | LogEntry], Overlay], None] | None = None
        """Called with commits that became durable and the documents that they left, before anybody sees them."""
        self._epoch = 0
        """Counts lost groups: a job that began in an earlier epoch stands on what is not there."""
        self._pauses = 0
        self._drain_asked = self._flush_asked = self._telling = False
        self._idle = asyncio.Event()
        self._untold: list[Committed] = []
        """Durable, but not visible yet, because the store could not let them be read."""
        self.commits = self.groups = 0
        self.reruns = self.insisted = self.others = 0
        """Where several processes write: mutations that ran again because of others, those that were run while others
        had to wait, and commits of others."""
        self.follow_seconds = Latencies()
        """From hearing of others' commits until they were visible here."""
        self.group_seconds = Latencies()
        self._flushed = 0.0
        self.fault: BaseException | None = None
        """Why the latest group did not become durable, None when it did."""

    # Asking

    def submit(self, job: Job) -> None:
        """Run a job now, or behind those that wait; its `done` is called later, never before this returns."""
        if self._running is not None or self._queue or self._pauses:
            self._queue.append(job)
        else:
            self._start(job)

    @property
    def waiting(self) -> int:
        """Jobs that have not begun."""
        return len(self._queue)

    async def pause(self) -> None:
        """Let what runs end and become durable, and begin nothing new until `proceed`."""
        self._pauses += 1
        try:
            while self._busy():
                await self._next_idle()
        except BaseException:
            self._pauses -= 1
            self._drain()
            raise

    def proceed(self) -> None:
        """Take back one `pause`."""
        self._pauses -= 1
        self._drain()

    async def reach(self, ts: int) -> bool:
        """Whether commit `ts` can be read. Where several processes write, this one catches up first."""
        return ts <= self.visible

    async def settle(self) -> None:
        """Wait until everything submitted so far, and what it led to, has ended."""
        while self._busy() or self._queue:
            await self._next_idle()

    async def write(self, commit: Commit) -> None:
        """Commit something that is no transaction (tables, indexes) while paused. `commit.ts` is filled in.

        Raises StoreError when it is not durable. It may be durable and not visible yet: see `fault` then.
        """
        assert self._pauses and not self._busy()
        self._decided = commit.ts = max(self._decided + 1, self._clock())
        await self._store.commit([commit])
        try:
            self._make_visible(commit.ts)
        except Exception as fault:
            self.fault = fault

    async def close(self) -> None:
        """Let everything submitted end."""
        await self.settle()

    # Running

    def _start(self, job: Job) -> None:
        self._running = job
        try:
            # Held until the job ends: while it waits, a group may become visible and replace the newest snapshot.
            held = self._store.acquire()
        except Exception as error:
            self._running = None
            self._forming.settled.append(Settled(job, None, self._decided, error))
            self._flush_soon()
            return
        now, catalog = self._clock() / 1_000_000, self._catalog()
        tx = Transaction(
            held, catalog, self._cache, self._limits, now=now, below=self._layers(), creation=self._creation
        )
        drive(job.run(tx), partial(self._run_ended, job, tx, held, self._epoch))

    def _layers(self) -> list[Overlay]:
        groups = (self._forming,) if self._in_flight is None else (self._in_flight, self._forming)
        return [group.overlay for group in groups if group.commits]

    def _run_ended(
        self,
        job: Job,
        tx: Transaction,
        held: Snapshot,
        epoch: int,
        ending: Ending | None,
        error: BaseException | None,
    ) -> None:
        self._running = None
        tx.ended = True
        try:
            held.release()
        except Exception as fault:
            _complain(fault)
        if epoch != self._epoch:
            self._wake()  # it stood on commits that were lost, and is in the queue again
        else:
            decided = None
            if ending is not None:
                try:
                    decided = self._decide(job, tx, ending)
                except Exception as fault:
                    error = fault
            payload = None if ending is None or error is not None else ending.payload
            self._settle(Settled(job, payload, self._decided, error), tx, decided)
        self._drain_soon()

    def _decide(self, job: Job, tx: Transaction, ending: Ending) -> Decided | None:
        if not ending.keep:
            return None
        ts, outcome = max(self._decided + 1, self._clock(), int(tx.next_creation * 1e6)), ending.outcome
        result = None if outcome is None else outcome.result
        prepared = prepare(tx, ts, job.source, outcome)
        if prepared is None:
            return None
        commit, touches = prepared
        self._decided, self._creation = ts, tx.next_creation
        dated = bool(tx.pending) or (outcome is not None and outcome.result != result)
        decided = Decided(commit, Committed(ts, job.source, touches), tx.writes(), dated)
        self._forming.add(decided)
        return decided

    def _settle(self, settled: Settled, tx: Transaction, decided: Decided | None) -> None:
        """A job has ended, and has its place in the group that forms."""
        self._forming.settled.append(settled)
        self._flush_soon()

    def _flush_soon(self) -> None:
        # Everything that arrives in the same turn of the loop shares a group.
        if self._in_flight is None and not self._flush_asked:
            self._flush_asked = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _drain_soon(self) -> None:
        if self._queue and not self._drain_asked:
            self._drain_asked = True
            asyncio.get_running_loop().call_soon(self._drain)

    def _drain(self) -> None:
        self._drain_asked = False
        until = time.monotonic() + _SLICE_SECONDS
        while self._queue and self._running is None and not self._pauses:
            self._start(self._queue.popleft())
            if time.monotonic() > until:
                self._drain_soon()
                break

    # Making durable

    def _flush(self) -> None:
        self._flush_asked = False
        if self._in_flight is not None or not self._forming.settled:
            return
        group, self._forming = self._forming, Group()
        if group.commits:
            self._in_flight = group
            self._flushed = time.perf_counter()
            on_the_way = partial(self._tell_on_the_way, group)
            drive(self._store.commit(group.commits, on_the_way=on_the_way), partial(self._written, group))
        else:
            self._ended.append(group)
            self._tell()

    def _tell_on_the_way(self, group: Group) -> None:
        if self._in_flight is group:
            guarded(self._on_the_way, group.news, group.overlay)

    def _written(self, group: Group, _: None, error: BaseException | None) -> None:
        self.fault = error
        self.group_seconds.add(time.perf_counter() - self._flushed)
        self._ended.append(group)
        if error is None:
            self._keep(group)
            self._flush()  # so that the next group is on its way to the disk while this one's callers are answered
        else:
            self._lose(group, error)
        self._tell()

    def _keep(self, group: Group) -> None:
        """A group is durable: let everybody see it."""
        last = group.commits[-1].ts
        self.commits += len(group.commits)
        self.groups += 1
        numbering = self._catalog().numbering
        for commit in group.commits:
            numbering.add(commit.tables)
        if self.watch is not None:
            guarded(self.watch, group.commits, group.overlay)
        self._cache.apply(group.overlay, group.commits, last)
        self._in_flight = None
        self._untold += group.news
        try:
            self._make_visible(last)
        except Exception as fault:
            self.fault = fault  # the commits are durable, but cannot be read
        else:
            news, self._untold = self._untold, []
            guarded(self._on_visible, news)

    def _lose(self, group: Group, error: BaseException) -> None:
        """A group did not become durable: its jobs fail, and those that stood on it run again, in their order."""
        for settled in group.settled:
            settled.payload, settled.error = None, error
        later, self._forming, self._in_flight = self._forming, Group(), None
        self._epoch += 1
        if self._running is not None:
            self._queue.appendleft(self._running)
        self._queue.extendleft(settled.job for settled in reversed(later.settled))
        self._drain_soon()

    def _make_visible(self, ts: int) -> None:
        self._store.advance(ts)
        self.visible = ts

    def _tell(self) -> None:
        """Answer the callers of groups that have ended, in the order of the groups."""
        if self._telling:
            return
        self._telling = True
        while self._ended:
            for settled in self._ended[0].settled:
                try:
                    settled.job.done(settled.payload, settled.ts, settled.error)
                except Exception as fault:
                    _complain(fault)
            guarded(self._after)
            self._ended.popleft()
        self._telling = False
        self._wake()

    # Waiting

    def _busy(self) -> bool:
        return bool(self._running is not None or self._in_flight is not None or self._forming.settled or self._ended)

    def _wake(self) -> None:
        if not self._busy():
            self._idle.set()

    async def _next_idle(self) -> None:
        self._idle.clear()
        await self._idle.wait()


def guarded(callback: Callable[..., None], *args: Any) -> None:
    """Tell somebody something."""
    try:
        callback(*args)
    except Exception as fault:
        _complain(fault)


def _complain(fault: Exception) -> None:
    """Somebody who was told something failed. That must not keep others from being told, so it is only logged."""
    asyncio.get_running_loop().call_exception_handler(
        {"message": "The committer told somebody, who failed; this is a bug of Reactor", "exception": fault}
    )
