"""`ctx`: what a function gets first.

| member | query | mutation | action |
| --- | --- | --- | --- |
| `db` | reads | reads and writes | |
| `auth` | yes | yes | yes |
| `now`, `random` | frozen, seeded | frozen, seeded | |
| `run_query` | same transaction | same transaction | own transaction |
| `run_mutation` | | nested transaction | own transaction |
| `run_action` | | | yes |
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from types import CoroutineType
from typing import Any, Protocol, TypeAlias

from reactor.database.made_calls import MadeCall, frame, note
from reactor.database.pages import Pager
from reactor.database.reader import DatabaseReader
from reactor.database.transaction import Transaction
from reactor.database.writer import DatabaseWriter
from reactor.runtime.functions import Function, Kind
from reactor.runtime.missing_await import refuse_unbegun, refuse_unended
from reactor.runtime.run import Auth, Run

__all__ = ["ActionCtx", "Calls", "MutationCtx", "QueryCtx", "Reference"]

Reference = str | Function[..., Any]
"""What names a function in a call: the decorated function itself, or its path."""

Calling: TypeAlias = "CoroutineType[Any, Any, Any]"
"""What calls of other functions give: they are made when it is awaited."""


class Calls(Protocol):
    """Calls from one function to another, as contexts make them."""

    def within(
        self, run: Run, tx: Transaction, caller: Kind, kind: Kind, function: Reference, args: dict[str, Any]
    ) -> Coroutine[Any, Any, Any]:
        """Call a query or mutation inside the caller's transaction."""
        ...

    def apart(self, run: Run, kind: Kind, function: Reference, args: dict[str, Any]) -> Coroutine[Any, Any, Any]:
        """Call a function from an action, in a transaction of its own."""
        ...


class _Ctx:
    __slots__ = ("_calls", "_run", "auth")

    def __init__(self, run: Run, calls: Calls) -> None:
        self._run, self._calls = run, calls
        self.auth = Auth(run)

    def finish(self) -> None:
        """The function has returned. Raises DeveloperError for calls that it made and did not await."""


class _TransactionCtx(_Ctx):
    __slots__ = ("_turn", "_tx")

    def __init__(self, run: Run, calls: Calls, tx: Transaction) -> None:
        super().__init__(run, calls)
        self._tx = tx
        self._turn: asyncio.Lock | None = None

    async def _within(self, kind: Kind, function: Reference, args: dict[str, Any]) -> Any:
        # One call after another, also when they were started together: each takes back its own writes only.
        if self._turn is None:
            self._turn = asyncio.Lock()
        async with self._turn:
            return await self._calls.within(self._run, self._tx, self._kind(), kind, function, args)

    @property
    def now(self) -> float:
        """The time at which this run began, in milliseconds since 1970; it does not move.

        The result of a query that looked serves others who ask the same for a short time only; a live query does not
        run again because time has passed
        (get-convex/convex-backend, crates/application/src/cache/mod.rs).
        """
        self._run.looked_at_time = True
        return self._run.now

    @property
    def random(self) -> random.Random:
        """A random number generator with a seed of this run."""
        return self._run.random

    async def run_query(self, function: Reference, args: dict[str, Any] | None = None, /, **named: Any) -> Any:
        """Run another query in this transaction: `await ctx.run_query(threads.list, user_id=id)`."""
        return await self._within(Kind.QUERY, function, {**(args or {}), **named})

    def _kind(self) -> Kind:
        return Kind.QUERY


class QueryCtx(_TransactionCtx):
    """What a query may use. `db` reads at one moment."""

    __slots__ = ("db",)

    def __init__(self, run: Run, calls: Calls, tx: Transaction, pager: Pager | None = None) -> None:
        super().__init__(run, calls, tx)
        self.db = DatabaseReader(tx, pager)


class MutationCtx(_TransactionCtx):
    """What a mutation may use. `db` reads and writes in one transaction."""

    __slots__ = ("db", "made_calls")

    def __init__(self, run: Run, calls: Calls, tx: Transaction, pager: Pager | None = None) -> None:
        super().__init__(run, calls, tx)
        self.db = DatabaseWriter(tx, pager)
        self.made_calls = self.db.made_calls

    def run_mutation(self, function: Reference, args: dict[str, Any] | None = None, /, **named: Any) -> Calling:
        """Run another mutation in this transaction. If it raises, its writes are undone; catch it to go on without."""
        call = self._run_mutation(function, {**(args or {}), **named})
        note(self.made_calls, call, frame(1))
        return call

    async def _run_mutation(self, function: Reference, args: dict[str, Any]) -> Any:
        return await self._within(Kind.MUTATION, function, args)

    def finish(self) -> None:
        if self.made_calls:
            refuse_unended(self.made_calls)

    def _kind(self) -> Kind:
        return Kind.MUTATION


class ActionCtx(_Ctx):
    """What an action may use: calls of other functions, each a transaction of its own. Anything else is Python's."""

    __slots__ = ("made_calls",)

    def __init__(self, run: Run, calls: Calls) -> None:
        super().__init__(run, calls)
        self.made_calls: list[MadeCall] = []

    async def run_query(self, function: Reference, args: dict[str, Any] | None = None, /, **named: Any) -> Any:
        """Run a query on the newest state and return its result."""
        return await self._calls.apart(self._run, Kind.QUERY, function, {**(args or {}), **named})

    def run_mutation(self, function: Reference, args: dict[str, Any] | None = None, /, **named: Any) -> Calling:
        """Run a mutation; it is durable when this returns."""
        call = self._run_mutation(function, {**(args or {}), **named})
        note(self.made_calls, call, frame(1))
        return call

    async def _run_mutation(self, function: Reference, args: dict[str, Any]) -> Any:
        return await self._calls.apart(self._run, Kind.MUTATION, function, args)

    def run_action(self, function: Reference, args: dict[str, Any] | None = None, /, **named: Any) -> Calling:
        """Run another action and wait for it."""
        call = self._run_action(function, {**(args or {}), **named})
        note(self.made_calls, call, frame(1))
        return call

    async def _run_action(self, function: Reference, args: dict[str, Any]) -> Any:
        return await self._calls.apart(self._run, Kind.ACTION, function, args)

    def finish(self) -> None:
        if self.made_calls:
            refuse_unbegun(self.made_calls)
