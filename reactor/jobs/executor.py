"""Runs scheduled functions and cron jobs when their time has come: earliest first, a bounded number at a time.

At most so many mutations of it wait in the committer's queue, so clients' mutations are never behind more than these.

Where servers share the database, their leader takes up what is due. What it has taken up stays its own until it ends,
also when another leads by then; what nodes that died have left behind is the leader's to record.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from reactor.database.database import Database
from reactor.errors import StoreError
from reactor.jobs.backoff import FIRST_SECONDS, Backoff
from reactor.jobs.crons import Crons
from reactor.jobs.due import Jobs
from reactor.jobs.runs import Due, Runs
from reactor.nodes.membership import Membership, NotLeading

__all__ = ["Executor"]

_LONGEST_SLEEP = 1.0
"""Seconds after which the clock is looked at again: it may have been set meanwhile."""

_GRACE_SECONDS = 5.0
"""How long actions that run may go on when the server stops."""

_LONGEST_BACKOFF = 7200.0
_PAGE = 256

_log = logging.getLogger("reactor.jobs")


class Executor:
    """Give it `start` on a server; without, nothing runs but by `run_due`."""

    def __init__(
        self, database: Database, jobs: Jobs, runs: Runs, crons: Crons, members: Membership, *, places: int
    ) -> None:
        """`places`: so many jobs run at a time."""
        self._database, self._jobs, self._runs, self._crons, self._places = database, jobs, runs, crons, places
        self._members, self._node = members, members.id
        self._recovered: int | None = None
        self.running: dict[str, asyncio.Task[None]] = {}
        """Jobs that have been taken up, by id."""
        self._failing: dict[str, _Failing] = {}
        self._begun = 0
        self._bell = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None
        self._store_backoff, self._rest_until = Backoff(), 0.0

    def start(self) -> None:
        """Begin to run what is due, and go on until `close`."""
        self._node = self._members.id
        self._members.on_change.append(self._members_changed)
        self._serving = asyncio.get_running_loop().create_task(self._serve())

    def wake(self) -> None:
        """Something was scheduled, or has ended."""
        self._bell.set()

    async def run_due(self) -> int:
        """Run all that is due, and what is due by then; gives how many jobs were taken up. Not beside `start`."""
        before = self._begun
        while True:
            await self._take_up()
            if not self.running:
                return self._begun - before
            await asyncio.wait(self.running.values(), return_when=asyncio.FIRST_COMPLETED)

    async def close(self) -> None:
        """Take up nothing more. What runs gets a moment to end; actions that do not are recorded as failed."""
        serving, self._serving = self._serving, None
        if serving is not None:
            serving.cancel()
            await asyncio.wait([serving])
        if not self.running:
            return
        _, late = await asyncio.wait(self.running.values(), timeout=_GRACE_SECONDS)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)
            await self._lose_quietly()

    # Serving

    async def _serve(self) -> None:
        # Python 3.11 loses a cancellation that comes in the same turn as the bell, so `close` is also looked for here.
        while self._serving is not None:
            self._bell.clear()
            pause = await self._persist(self._turn)
            await self._sleep(pause)

    async def _turn(self) -> float | None:
        """Do what is the leader's to do; gives as `_take_up`."""
        if not self._members.leads:
            return None
        departures = self._members.departures
        try:
            if self._recovered != departures:
                await self._recover()
                self._recovered = departures
            return await self._take_up()
        except NotLeading:
            return _LONGEST_SLEEP

    def _members_changed(self) -> None:
        if self._node != self._members.id:
            # The others have taken this node for dead. They record its actions as lost, and may run them once more.
            for task in self.running.values():
                task.cancel()
        self._node = self._members.id
        self.wake()

    async def _sleep(self, seconds: float | None) -> None:
        """Sleep until the bell; or so long at most."""
        timeout = None if seconds is None else min(seconds, _LONGEST_SLEEP)
        try:
            await asyncio.wait_for(self._bell.wait(), timeout)
        except TimeoutError:
            return

    async def _take_up(self) -> float | None:
        """Begin what is due and has a place. Gives seconds after which to look again; None: when the bell rings."""
        now = asyncio.get_running_loop().time()
        free = self._places - len(self.running)
        if free <= 0:
            return None
        if now < self._rest_until:
            return self._rest_until - now
        free -= await self._take_up_crons(free)
        found = await self._jobs.find(self._places + len(self._failing) + 1, self._is_taken)
        for row in found.due[:free]:
            job = Due.of(row)
            self._begin(row.id, job.path, lambda job=job: self._runs.run(job))
        if len(found.due) > free:
            return None
        pauses = [failing.until - now for failing in self._failing.values() if failing.until > now]
        times = [time for time in (found.next_time, self._crons.next_time()) if time is not None]
        pauses.extend(max(time - self._database.now(), 1.0) / 1000 for time in times)
        return min(pauses, default=None)

    async def _take_up_crons(self, free: int) -> int:
        """Begin cron jobs first: there are few of them, and what waits behind may be many thousands."""
        await self._crons.adopt()
        due = [one for one in self._crons.due() if not self._is_taken(one.id)][:free]
        for one in due:
            self._begin(one.id, f"{one.cron.path} (cron job {one.cron.name})", lambda one=one: self._crons.run(one))
        return len(due)

    def _is_taken(self, id: str) -> bool:
        failing = self._failing.get(id)
        return id in self.running or (failing is not None and asyncio.get_running_loop().time() < failing.until)

    def _begin(self, id: str, path: str, run: Callable[[], Awaitable[None]]) -> None:
        self._begun += 1
        task = asyncio.get_running_loop().create_task(self._run(id, path, run))
        self.running[id] = task
        task.add_done_callback(lambda _: self._ended(id))

    def _ended(self, id: str) -> None:
        self.running.pop(id, None)
        self.wake()

    async def _run(self, id: str, path: str, run: Callable[[], Awaitable[None]]) -> None:
        try:
            await run()
        except NotLeading:
            self._rest_until = asyncio.get_running_loop().time() + FIRST_SECONDS
        except StoreError as error:
            self._rest(path, error)
        except Exception:
            failing = self._failing.setdefault(id, _Failing())
            failing.until = asyncio.get_running_loop().time() + failing.backoff.next()
            _log.exception("scheduled function %s could not be run, and is tried again", path)
        else:
            self._failing.pop(id, None)
            self._store_backoff.reset()

    def _rest(self, path: str, error: StoreError) -> None:
        """It is not the job's fault, so all of them rest; those that failed together count as one failure."""
        now = asyncio.get_running_loop().time()
        if now >= self._rest_until:
            self._rest_until = now + self._store_backoff.next()
            _log.warning("scheduled function %s could not be recorded, and is tried again: %s", path, error)

    # What nodes that ended left behind, and this one

    async def _recover(self) -> None:
        begun = list((await self._jobs.running()).items())
        for first in range(0, len(begun), _PAGE):
            await self._runs.lose(dict(begun[first : first + _PAGE]))
        await self._crons.lose()

    async def _lose_quietly(self) -> None:
        try:
            await self._runs.lose_own(await self._jobs.running())
            await self._crons.lose_own()
        except StoreError as error:
            _log.warning("actions that were interrupted are not recorded as failed; the next start does it: %s", error)

    async def _persist(self, work: Callable[[], Awaitable[float | None]]) -> float | None:
        """Do something for as long as it takes the store to let it happen."""
        backoff = Backoff()
        while True:
            try:
                return await work()
            except StoreError as error:
                _log.warning("scheduled functions have to wait: %s", error)
            except Exception:
                _log.exception("scheduled functions have to wait")
            await asyncio.sleep(backoff.next())


class _Failing:
    """A job that something of ours keeps from running."""

    __slots__ = ("backoff", "until")

    def __init__(self) -> None:
        self.backoff, self.until = Backoff(longest=_LONGEST_BACKOFF), 0.0
