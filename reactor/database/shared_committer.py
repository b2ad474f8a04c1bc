"""The committer of one process among several that write to the same store.

Each runs its own mutations in their order against what it has seen, as the committer of a lone server does. What is
new is that others commit meanwhile:

    before a group of its own   the group is sifted: what read something that they touched runs again, and so does what
                                was built upon that
    at any time                 it catches up with the log, and lets everybody in its process see what they wrote

A mutation that lost once runs again while its process holds the lock of the store, upon the newest state, so it
succeeds however often others write what it reads.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

from reactor.database.committer import Committer, Decided, Group, Job, Settled, guarded
from reactor.database.documents import DocumentCache
from reactor.database.driving import drive
from reactor.database.limits import TransactionLimits
from reactor.database.others import Step, step_to
from reactor.database.overlay import Overlay
from reactor.database.places import Places
from reactor.database.reaching import Reaching
from reactor.database.sifting import marks, sift
from reactor.database.touched import Touched, keys_of
from reactor.database.transaction import Transaction
from reactor.database.way import Way
from reactor.errors import StoreError
from reactor.store.seam import Commit, LogEntry, Store, Write

__all__ = ["SharedCommitter"]

_HOLD_SECONDS = 0.02
"""How long mutations may be begun while others are kept from committing."""

_LOOK_SECONDS = 60.0
_PAUSE_SECONDS = 0.1

_log = logging.getLogger("reactor.database")


class SharedCommitter(Committer):
    """`on_step` takes in what a step changes of what is known of the database; `by_id` gives, by table number, the
    number of the index by id; `wanted` gives a test of whether what others write is to be read at once.
    """

    def __init__(
        self,
        store: Store,
        cache: DocumentCache,
        limits: TransactionLimits,
        *,
        on_step: Callable[[Step], None],
        by_id: Callable[[], dict[int, int]],
        wanted: Callable[[], Callable[[Write], bool]],
        **named: Any,
    ) -> None:
        super().__init__(store, cache, limits, **named)
        self._on_step, self._by_id, self._wanted = on_step, by_id, wanted
        self._losers: set[Job] = set()
        """Jobs in the queue that have lost against others' commits."""
        self._places = Places()
        self._missed = Touched()
        """What was touched since the running job began that it cannot have seen."""
        self._sent: list[Settled] = []
        """The group in flight as it was at first: what is not in it any more was undone by others' commits."""
        self._looking = self._insisting = self._rung = self._closed = False
        self._ran: asyncio.Future[None] | None = None
        self._holding = False
        self._refusal: StoreError | None = None
        self._held: list[Job] = []
        self._pausers = 0
        """So many have the pause that keeps out others too."""
        self._lock: AbstractAsyncContextManager[None] | None = None
        self._turn = asyncio.Lock()
        self._unlocking: asyncio.Task[None] | None = None
        self._way = Way(self._flush)
        self._looks = 0
        self._reaching = Reaching()
        self._store.listen(self._heard)

    # Asking

    def submit(self, job: Job) -> None:
        if self._refusal is not None and not _is_urgent(job):
            self._turn_away([job], self._refusal)
        elif self._holding and not _is_urgent(job):
            self._held.append(job)
        elif self._insisting:
            self._queue.append(job)
        else:
            super().submit(job)

    async def pause(self) -> None:
        """As for a lone server; and until `proceed`, or the one `write` that may follow, nobody else commits either."""
        await super().pause()
        self._pausers += 1
        try:
            async with self._turn:
                await self._take_lock()
        except BaseException:
            self.proceed()
            raise

    def proceed(self) -> None:
        self._pauses -= 1
        self._pausers -= 1
        if not self._pausers and self._lock is not None:
            self._unlocking = asyncio.get_running_loop().create_task(self._unlock())
        else:
            self._go_on()

    async def write(self, commit: Commit) -> None:
        assert self._pauses and self._lock is not None
        self._decided = commit.ts = max(self._decided + 1, self._clock())
        await self._store.commit([commit], revise=_refuse)
        try:
            self._again(self._see(await self._look(None)))
        except Exception as fault:
            self.fault = fault

    def hold(self) -> None:
        """Begin none but urgent jobs until `let_go`."""
        self._holding = True
        self._held = self._places.line_up([*self._held, *(job for job in self._queue if not _is_urgent(job))])
        self._queue = deque(job for job in self._queue if _is_urgent(job))

    def let_go(self) -> None:
        """Take back `hold`, and `refuse`."""
        self._holding, self._refusal = False, None
        held, self._held = self._held, []
        self._queue.extend(held)
        self._drain_soon()

    def refuse(self, error: StoreError) -> None:
        """What is held is told that it will not be begun, as is what comes before `let_go`."""
        held, self._held, self._refusal = self._held, [], error
        self._turn_away(held, error)

    def _turn_away(self, jobs: list[Job], error: StoreError) -> None:
        self._places.forget(jobs)
        self._forming.settled += [Settled(job, None, self.visible, error) for job in jobs]
        self._flush_soon()

    async def reach(self, ts: int) -> bool:
        """Catch up to commit `ts`, if there is one; gives whether there is."""
        if ts <= self.visible:
            return True
        reached = self._reaching.wait(ts, self._looks)
        self._heard()
        return await reached

    async def close(self) -> None:
        if self._holding:
            self.refuse(StoreError("the server has stopped; send it again to another one"))
        await super().close()
        self._closed = True
        if self._unlocking is not None:
            await asyncio.wait([self._unlocking])

    # Running

    def _start(self, job: Job) -> None:
        self._missed = Touched()
        self._places.begin(job)
        super()._start(job)

    def _settle(self, settled: Settled, tx: Transaction, decided: Decided | None) -> None:
        settled.tx, settled.decided, settled.place = tx, decided, self._places.running
        self._forming.settled.append(settled)
        if self._missed:
            missed, self._missed = self._missed, Touched()
            self._again(self._sift(self._forming, missed))
        self._flush_soon()
        if self._ran is not None and not self._ran.done():
            self._ran.set_result(None)

    def _drain(self) -> None:
        self._drain_asked = False
        if self._insisting or self._lock is not None:
            return
        if self._queue and self._queue[0] in self._losers and not self._pauses:
            if not self._busy():
                self._insisting = True
                drive(self._insist(), self._insist_ended)
            return
        super()._drain()

    # Sifting

    def _sift(self, group: Group, touched: Touched, above: int = 0) -> list[Settled]:
        return sift(group, touched, self._by_id(), above)

    def _number(self, group: Group, above: int) -> None:
        """Give the commits of a group times above one that others have reached."""
        self._decided = max(self._decided, group.number(above))

    def _again(self, lost: list[Settled]) -> None:
        """Run these again, before all others."""
        if not lost:
            return
        self.reruns += len(lost)
        self._way.lose(len(lost))
        self._places.again(lost)
        jobs = [settled.job for settled in lost]
        if self._holding:
            self._held = self._places.line_up([*(job for job in jobs if not _is_urgent(job)), *self._held])
            jobs = [job for job in jobs if _is_urgent(job)]
        self._losers.update(jobs)
        self._queue = deque(self._places.line_up([*jobs, *self._queue]))
        self._drain_soon()

    # Making durable

    def _flush(self) -> None:
        self._flush_asked = False
        if self._in_flight is not None or self._looking or self._insisting or not self._forming.settled:
            return
        if self._way.given:
            return
        group, self._forming = self._forming, Group()
        if any(settled.tx is not None for settled in group.settled):
            # Also where nothing was written: what was read must be no older than what others were told before.
            self._send(group)
            drive(self._durable(group), partial(self._made_durable, group))
        else:
            self._ended.append(group)
            self._tell()
            self._drain_soon()

    def _send(self, group: Group) -> None:
        self._in_flight, self._flushed, self._sent = group, time.perf_counter(), group.settled
        self._sift(group, Touched(), self.visible)
        self._number(group, self.visible)

    async def _durable(self, group: Group) -> Step:
        if group.commits:
            on_the_way = partial(self._tell_on_the_way, group)
            await self._store.commit(group.commits, on_the_way=on_the_way, revise=partial(self._revise, group))
        return await self._look(group)

    def _revise(self, group: Group, ts: int, entries: list[LogEntry] | None) -> list[Commit]:
        self._grow(group)
        by_id, touched = self._by_id(), Touched()
        touched.everything = entries is None
        for entry in entries or ():
            touched.add(keys_of(entry, by_id))
        self._sift(group, touched, ts)
        self._number(group, ts)
        return group.commits

    def _grow(self, group: Group) -> None:
        """What has ended while the group waited for its turn goes with it, but for what was built upon what it lost."""
        joined, self._forming, touched = self._forming, Group(), Touched()
        touched.add(key for settled in self._lost(group) for key in marks(settled, self._by_id()))
        self._sent = [*self._sent, *joined.settled]
        self._sift(joined, touched)
        group.join(joined)

    def _lost(self, group: Group) -> list[Settled]:
        stayed = set(map(id, group.settled))
        return [settled for settled in self._sent if id(settled) not in stayed]

    def _take_lost(self, group: Group) -> list[Settled]:
        """What others' commits have undone of the group that was in flight."""
        lost, self._sent = self._lost(group), []
        return lost

    def _made_durable(self, group: Group, step: Step | None, error: BaseException | None) -> None:
        self.fault = error
        self.group_seconds.add(time.perf_counter() - self._flushed)
        if step is not None and not group.commits:
            self._sift(group, step.touched)
        lost = self._take_lost(group)
        self._ended.append(group)
        if step is not None:
            self._kept(group)
            self._again([*lost, *self._see(step, group.commits, lost)])
            if not self._rung and not self._losers:
                self._way.give(len(group.commits), len(step.others), time.perf_counter() - self._flushed)
            self._flush()
        else:
            self._lose(group, error or StoreError("the commit was given up"))
            self._again(lost)
        self._tell()
        self._go_on()

    def _lose(self, group: Group, error: BaseException) -> None:
        self._places.again(self._forming.settled)
        if self._running is not None:
            self._places.break_off(self._running)
        super()._lose(group, error)
        # What was computed for its time is not what another process may commit at that very time.
        guarded(self._on_the_way, [], Overlay())
        self._queue = deque(self._places.line_up(self._queue))
        if self._holding:
            self.hold()

    def _kept(self, group: Group) -> None:
        self.commits += len(group.commits)
        self.groups += bool(group.commits)
        self._in_flight = None
        self._losers.difference_update(settled.job for settled in group.settled)

    # Seeing what is there

    def _heard(self) -> None:
        self._rung = True
        self._way.take()
        self._go_on()

    def _follow(self) -> None:
        """Catch up, unless that comes anyway."""
        if self._rung and not self._closed and not self._occupied():
            self._looking = True
            began = time.perf_counter()
            drive(self._look(None), partial(self._followed, began))

    def _occupied(self) -> bool:
        return self._looking or self._insisting or self._in_flight is not None or self._lock is not None

    def _followed(self, began: float, step: Step | None, error: BaseException | None) -> None:
        self._looking = False
        if step is not None:
            self._again(self._see(step))
            self.follow_seconds.add(time.perf_counter() - began)
            guarded(self._after)
        else:
            self.fault = error
            self._reaching.fail(self.visible)
        self._go_on()

    def _go_on(self) -> None:
        """Do what had to wait."""
        self._flush()
        self._follow()
        self._drain_soon()
        self._wake()

    async def _look(self, group: Group | None) -> Step:
        """Catch up with the log. Of failures it tries again for a while: until then nothing can be decided."""
        until = time.monotonic() + _LOOK_SECONDS
        while True:
            self._rung = False
            try:
                return await self._caught_up(group)
            except StoreError as error:
                if time.monotonic() > until or self._closed:
                    raise
                _log.warning("The log of the database could not be read; it is tried again: %s", error)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _caught_up(self, group: Group | None) -> Step:
        self._looks += 1
        caught = await self._store.catch_up()
        try:
            own = {} if group is None else {news.ts: news for news in group.news}
            changes = Group().overlay if group is None else group.overlay
            return await step_to(caught, own, changes, self._by_id(), self._wanted())
        finally:
            caught.snapshot.release()

    def _see(self, step: Step, commits: Sequence[Commit] = (), lost: Sequence[Settled] = ()) -> list[Settled]:
        """Let everybody see a newer state, with own `commits`; `lost` is what it has undone of the group in flight.

        Gives the jobs that were built upon what it has undone.
        """
        self.others += len(step.others)
        if self.watch is not None and (commits or step.others):
            guarded(self.watch, [*commits, *step.others], step.overlay)
        guarded(self._on_step, step)
        self._decided = max(self._decided, step.ts)
        try:
            self._make_visible(step.ts)
        except Exception as fault:
            self.fault = fault
        guarded(self._on_visible, step.news)
        self._rung |= self._reaching.tell(self.visible, self._looks)
        for settled in lost:
            step.touched.add(marks(settled, self._by_id()))
        undone = self._sift(self._forming, step.touched)
        if self._running is not None:
            self._missed.merge(step.touched)
        return undone

    # Insisting

    async def _insist(self) -> tuple[Group, Step]:
        async with self._store.exclusive():
            self._see(await self._look(None))
            await self._run_some()
            group, self._forming = self._forming, Group()
            self._send(group)
            if group.commits:
                await self._store.commit(group.commits, revise=partial(self._revise, group))
        return group, await self._look(group)

    async def _run_some(self) -> None:
        until = time.monotonic() + _HOLD_SECONDS
        while self._queue and time.monotonic() < until:
            self.insisted += 1
            self._start(self._queue.popleft())
            while self._running is not None:
                self._ran = asyncio.get_running_loop().create_future()
                await self._ran

    def _insist_ended(self, done: tuple[Group, Step] | None, error: BaseException | None) -> None:
        self._insisting = False
        self.fault = error
        if done is not None:
            group, step = done
            lost = self._take_lost(group)
            self._kept(group)
            self._again([*lost, *self._see(step, group.commits, lost)])
            self._ended.append(group)
        else:
            self._insisted_in_vain(error or StoreError("the commit was given up"))
        self._tell()
        self._go_on()

    def _insisted_in_vain(self, error: BaseException) -> None:
        """Those that were run, and those that had lost before, hear that the store does not do it."""
        ended = Group()
        jobs = [settled.job for settled in (*self._sent, *self._forming.settled)]
        jobs += [job for job in self._queue if job in self._losers]
        ended.settled = [Settled(job, None, self._decided, error) for job in jobs]
        self._queue = deque(job for job in self._queue if job not in self._losers)
        self._sent, self._forming, self._in_flight = [], Group(), None
        self._losers.clear()
        self._places.forget(jobs)
        self._ended.append(ended)

    # Keeping others out

    async def _take_lock(self) -> None:
        while super()._busy() or self._looking or self._insisting:
            await self._next_idle()
        if self._lock is not None:
            await self._leave_lock()
        lock = self._lock = self._store.exclusive()
        try:
            await lock.__aenter__()
        except BaseException:
            self._lock = None
            raise
        self._again(self._see(await self._look(None)))

    async def _unlock(self) -> None:
        async with self._turn:
            if not self._pausers:  # nobody else wants the pause to go on
                await self._leave_lock()
        self._rung = True
        self._go_on()

    async def _leave_lock(self) -> None:
        lock, self._lock = self._lock, None
        if lock is not None:
            try:
                await lock.__aexit__(None, None, None)
            except StoreError as error:
                _log.warning("The lock of the database was lost: %s", error)

    def _busy(self) -> bool:
        return super()._busy() or self._looking or self._insisting

    def _wake(self) -> None:
        super()._wake()
        if self._losers:
            self._drain_soon()


def _is_urgent(job: Job) -> bool:
    """Whether it is one by which others see that this process lives."""
    return getattr(job, "urgent", False)


def _refuse(ts: int, entries: Iterable[LogEntry] | None) -> list[Commit]:
    raise StoreError("others have written to the database while its tables were changed; it is to be tried again")
