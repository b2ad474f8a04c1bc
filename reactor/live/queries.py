"""Queries that are asked once: over HTTP, and by actions.

Each is answered from what is known to be the newest result, in this order:

    a live query     that asks the same, when it is up to date
    the cache        of results that no commit has touched
    a run            of the same that is under way on the newest moment
    a run of its own

What is given is what a run at the newest visible moment would give: never the state before a write whose caller has
its answer, and never somebody else's result if the function looked at who asks.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from reactor.database.database import Database
from reactor.errors import DeveloperError, InvalidValue
from reactor.live.directory import Directory
from reactor.live.flight import Flight
from reactor.live.live_query import LiveQuery, Result, short_args_key
from reactor.live.meanwhile import Meanwhile
from reactor.live.result_cache import CachedResult, ResultCache
from reactor.runtime.calls import Call, args_key
from reactor.runtime.functions import Kind
from reactor.runtime.query_run import QueryRun, RunResult
from reactor.runtime.runner import Runner
from reactor.store.seam import Snapshot

if TYPE_CHECKING:
    from reactor.database.committed import Committed

__all__ = ["Queries"]

_LONGEST_ARGS = 64 * 1024
"""Bytes of arguments beyond which nobody is expected to ask the same again: finding out costs more than it saves."""

_FlightKey = tuple[str, bytes, str | None, bool]


class _Asked:
    """A call that may be answered with a result of another one. `redacts`: its caller may not see what went on."""

    __slots__ = ("args_key", "call", "identity_key", "path", "redacts")

    def __init__(self, call: Call, path: str, args_key: bytes, *, redacts: bool) -> None:
        self.call, self.path, self.args_key, self.redacts = call, path, args_key, redacts
        self.identity_key = call.identity.key

    def sees(self, lines: list[str]) -> list[str]:
        """Those of a run's log lines that the caller may see."""
        return [] if self.redacts else lines


class Queries:
    """Answers queries. `fresh` says of a live query with a result whether it is up to date.

    `clock_seconds`: how long a result serves further calls whose function looked at the clock.
    """

    def __init__(
        self,
        database: Database,
        runner: Runner,
        directory: Directory,
        cache: ResultCache,
        *,
        fresh: Callable[[LiveQuery], bool],
        clock_seconds: float,
    ) -> None:
        self._database, self._runner, self._directory, self._fresh = database, runner, directory, fresh
        self._clock_ms = clock_seconds * 1000
        self.cache = cache
        self._flights: dict[_FlightKey, Flight] = {}
        self._meanwhile = Meanwhile()
        self._lookers: set[str] = set()
        """Paths of functions that looked at the identity before. They are likely to again, so others do not wait."""
        self.hits: dict[str, int] = dict.fromkeys(("live", "cache", "flight"), 0)
        self.misses = 0

    # Asking

    async def answer(self, call: Call) -> RunResult:
        """The result at the newest visible moment. A failure is part of it; raises StoreError when nothing can be
        read at all."""
        return await self._runner.let_in(call, Kind.QUERY, lambda: self._answer(call))

    async def answer_at(self, call: Call, snapshot: Snapshot) -> RunResult:
        """The result at the moment of a snapshot, which the caller holds meanwhile."""
        return await self._runner.let_in(call, Kind.QUERY, lambda: self._answer_at(call, snapshot))

    def first_run(self, query: LiveQuery, snapshot: Snapshot) -> QueryRun | None:
        """What the first run of a live query would give at a snapshot's moment, when that is known from before."""
        if query.result is not None or query.journal is not None or not self._public(query.path):
            return None
        found = self._cached(query.path, query.key[1], query.identity.key)
        # It has been so from `found.ts` on until now, and a round may stand at a moment before that.
        if found is None or found.ts > snapshot.ts:
            return None
        self.hits["cache"] += 1
        # It is for all subscribers, also for those that are no admins.
        result = RunResult(found.value, None, [] if self._runner.redact else found.lines)
        return QueryRun(result, found.ranges, found.key[3] is not None, found.journal, found.lines, found.time)

    # What happens

    def news(self, commits: "list[Committed]") -> None:
        """Commits became visible. To be told before anybody who waits for them is."""
        self._meanwhile.news(commits)
        self.cache.news(commits)

    def ran(self, query: LiveQuery) -> None:
        """A live query has a new result."""
        if _servable(query) is not None:
            self.cache.superseded(query.key)

    def code_changed(self) -> None:
        """Other code serves from now on."""
        self.cache.clear()
        self._flights.clear()
        self._lookers.clear()

    # Answering

    async def _answer(self, call: Call) -> RunResult:
        asked = self._asked(call)
        while True:
            snapshot = self._database.store.acquire()
            try:
                if asked is None:
                    return (await self._runner.query(call, self._database.read(snapshot))).result
                known = self._known(asked)
                if known is not None:
                    return known
                flight = self._flights.get(self._flight_key(asked))
                if flight is None or flight.ts != snapshot.ts:
                    return await self._lead(asked, snapshot)
            finally:
                snapshot.release()
            run = await flight.landed()
            if run is not None and flight.serves(run, asked.identity_key) and self._in_time(run.time):
                self.hits["flight"] += 1
                return run.result

    async def _answer_at(self, call: Call, snapshot: Snapshot) -> RunResult:
        asked = self._asked(call)
        if asked is None:
            return (await self._runner.query(call, self._database.read(snapshot))).result
        known = self._known(asked) if snapshot.ts == self._database.committer.visible else None
        return known or (await self._run(asked, snapshot)).result

    # What is known

    def _asked(self, call: Call) -> _Asked | None:
        """None for a call that is not answered by others' results, mostly because it can only fail."""
        if len(call.args) > _LONGEST_ARGS:
            return None
        try:
            function = self._runner.registry.find(call.path)
            if function is None or function.kind is not Kind.QUERY:
                return None
            if function.internal and not (call.trusted or call.identity.is_admin):
                return None
            key = short_args_key(args_key(call.args))
        except (DeveloperError, InvalidValue):
            return None
        return _Asked(call, function.path, key, redacts=self._runner.redacts(call))

    def _public(self, path: str) -> bool:
        """Whether everybody may call a function: others' results of it may become those of a live query for all."""
        try:
            function = self._runner.registry.find(path)
        except DeveloperError:
            return False
        return function is not None and function.kind is Kind.QUERY and not function.internal

    def _known(self, asked: _Asked) -> RunResult | None:
        live = self._directory.find(asked.path, asked.args_key, asked.identity_key)
        if live is not None:
            result = _servable(live)
            if result is not None and self._in_time(result.time) and self._fresh(live):
                self.hits["live"] += 1
                return RunResult(result.value(), None, asked.sees(result.lines))
        found = self._cached(asked.path, asked.args_key, asked.identity_key)
        if found is None:
            return None
        self.hits["cache"] += 1
        return RunResult(found.value, None, asked.sees(found.lines))

    def _cached(self, path: str, args_key: bytes, identity_key: str) -> CachedResult | None:
        found = self.cache.find(path, args_key, identity_key)
        if found is None or self._in_time(found.time):
            return found
        self.cache.drop(found, "clock")
        return None

    def _in_time(self, time: float | None) -> bool:
        # A clock that was put back says nothing of a result's age.
        return time is None or 0 <= self._database.now() - time < self._clock_ms

    # What is not

    def _flight_key(self, asked: _Asked) -> _FlightKey:
        identity_key = asked.identity_key if asked.path in self._lookers else None
        return asked.path, asked.args_key, identity_key, asked.redacts

    async def _lead(self, asked: _Asked, snapshot: Snapshot) -> RunResult:
        """Run it, for all who ask the same meanwhile."""
        key = self._flight_key(asked)
        flight = self._flights[key] = Flight(snapshot.ts, asked.identity_key)
        run: QueryRun | None = None
        try:
            run = await self._run(asked, snapshot)
            return run.result
        finally:
            if self._flights.get(key) is flight:
                del self._flights[key]
            flight.land(run)

    async def _run(self, asked: _Asked, snapshot: Snapshot) -> QueryRun:
        self.misses += 1
        newest = snapshot.ts == self._database.committer.visible
        generation = self.cache.generation
        self._meanwhile.begin()
        try:
            run = await self._runner.query(asked.call, self._database.read(snapshot))
            if generation == self.cache.generation:
                if run.looked_at_identity:
                    self._lookers.add(asked.path)
                if newest and run.failure is None:
                    self._keep(asked, run, snapshot.ts)
            return run
        finally:
            self._meanwhile.end()

    def _keep(self, asked: _Asked, run: QueryRun, ts: int) -> None:
        if not self.cache.wants(asked.path, asked.args_key, len(run.result.value)):
            return
        live = self._directory.find(asked.path, asked.args_key, asked.identity_key)
        result = None if live is None else _servable(live)
        if result is not None and self._in_time(result.time):
            return  # the next round brings that one up to date
        if self._meanwhile.touched(run.ranges, ts):
            return
        key = (asked.path, asked.args_key, None, asked.identity_key if run.looked_at_identity else None)
        value = run.result.value
        self.cache.put(CachedResult(key, asked.call.args, value, run.lines, run.ranges, ts, run.time, run.journal))


def _servable(live: LiveQuery) -> Result | None:
    """The result of a live query, if it is one that a single call could get as well, should it be up to date.

    A page that runs again keeps to the end that it had at first, which a new call does not know.
    """
    result = live.result
    if result is None or not result.size or live.key[2] is not None:
        return None
    return result if result.journal is None or live.runs == 1 else None
