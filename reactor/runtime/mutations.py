"""Mutations from outside: run in order, answered when durable, once for each request of a client."""

import logging
import time
from collections.abc import Callable
from typing import Any, Protocol

from reactor.database.committer import Ending
from reactor.database.database import Database
from reactor.database.latencies import Latencies
from reactor.database.transaction import Transaction
from reactor.errors import ReactorError, StoreError, StoreFull
from reactor.runtime.calls import Call
from reactor.runtime.failures import describe, request_id
from reactor.runtime.query_run import RunResult
from reactor.runtime.runner import Runner
from reactor.store.seam import Outcome
from reactor.values import settle

__all__ = ["Answer", "Line", "Mutations"]

_log = logging.getLogger("reactor.mutations")

Answer = Callable[[RunResult], None]
"""Gets the result once it is durable; `ts` is the commit's timestamp (of a failure: of the state it read)."""


class Line(Protocol):
    """Mutations whose client sends those again, in their order, that were not answered: those of a connection.

    `broken` becomes True when the store could not say of one whether it has happened, or did not keep it. To answer
    that it failed might be wrong, and those behind it must not overtake it: none of them is kept, the client asks anew.
    """

    broken: bool


class Mutations:
    """Takes mutations and answers them."""

    def __init__(self, database: Database, runner: Runner) -> None:
        self.database, self.runner = database, runner
        self.answered = self.repeated = 0
        self.seconds = Latencies()
        """From when they were submitted until they were durable."""

    def submit(self, call: Call, answer: Answer, line: Line | None = None) -> None:
        """Run a mutation after those submitted before it; `answer` is called later, and is void if `line` is broken."""
        self.database.committer.submit(_Mutation(self, call, answer, line))


class _Mutation:
    """A mutation on its way through the committer."""

    __slots__ = ("_answer", "_call", "_caller", "_crowd", "_line", "_mutations", "_since", "source")

    def __init__(self, mutations: Mutations, call: Call, answer: Answer, line: Line | None) -> None:
        self._mutations, self._call, self._answer, self._line = mutations, call, answer, line
        self.source = call.path
        self._since = time.perf_counter()
        entrance = mutations.runner.entrance
        self._caller = None if entrance.spares(call) else entrance.enter(call)
        self._crowd = None if self._caller is None else entrance.crowd(self._caller, call.path)

    async def run(self, tx: Transaction) -> Ending:
        if self._line is not None and self._line.broken:
            behind = StoreError("a mutation before it on its connection was not kept: send both again, in their order")
            return Ending(self._not_kept(behind), keep=False)
        try:
            return await self._run(tx)
        except StoreError as error:
            self._break_line(error)
            raise

    async def _run(self, tx: Transaction) -> Ending:
        call, outcomes = self._call, self._mutations.database.outcomes
        if call.session is not None:
            recorded = await outcomes.find(call.session, call.request, tx)
            if recorded is not None:
                self._mutations.repeated += 1
                return Ending(recorded, keep=False)
        if self._crowd is not None:
            return Ending(self._mutations.runner.refused(call, self._crowd), keep=False)
        result = await self._mutations.runner.mutation(call, tx)
        if result.failure is not None:
            self._break_line(result.failure.error)
            return Ending(result, keep=False)
        if call.session is None:
            return Ending(result, keep=True)
        return Ending(result, True, Outcome(call.session, call.request, result.value, result.logs))

    def done(self, payload: Any, ts: int, error: BaseException | None) -> None:
        self._mutations.answered += 1
        if self._caller is not None:
            self._mutations.runner.entrance.leave(self._caller)
        self._mutations.seconds.add(time.perf_counter() - self._since)
        if error is not None:
            self._break_line(error)
            _log.error("mutation %s was not kept", self._call.path, exc_info=error)
            self._answer(self._not_kept(error))
        elif isinstance(payload, Outcome):
            self._answer(RunResult(payload.result, None, payload.logs, payload.ts))
        else:
            payload.ts, payload.value = ts, settle(payload.value, ts)
            self._answer(payload)

    def _not_kept(self, error: BaseException) -> RunResult:
        # What a store says of itself helps callers too ("the disk is full"); other faults are ours to look into.
        text = "Your request couldn't be completed. Try again later."
        fault = error if isinstance(error, StoreError) else ReactorError(text)
        failure = describe(fault, self._call.request_id or request_id())
        return RunResult(b"null", failure, [], 0)

    def _break_line(self, error: BaseException) -> None:
        # A full disk says so, and that it wrote nothing: whoever has the reason can do something about it.
        if self._line is not None and isinstance(error, StoreError) and not isinstance(error, StoreFull):
            self._line.broken = True
