"""`ctx`: what a function gets first.

| member | query | mutation | action |
| --- | --- | --- | --- |
| `db` | reads | reads and writes | |
| `auth`, `env`, `meta`, `cloud_url`, `site_url` | yes | yes | yes |
| `storage` | looks | looks, deletes | everything |
| `now`, `random` | frozen, seeded | frozen, seeded | |
| `run_query` | same transaction | same transaction | own transaction |
| `run_mutation` | | nested transaction | own transaction |
| `run_action` | | | yes |
| `vector_search` | `db.vector_search` | `db.vector_search` | newest state |
| `scheduler` | | with the commit | own transaction |

What one of them does not have it refuses with NotInContext, which says where it is.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from functools import partial
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

from reactor.database.limits import CallLimits
from reactor.database.made_calls import MadeCall, frame, note
from reactor.database.pages import Pager
from reactor.database.reader import DatabaseReader
from reactor.database.transaction import Transaction
from reactor.database.vector_search import FilterFunction, VectorMatch
from reactor.database.writer import DatabaseWriter
from reactor.files.files import Files
from reactor.runtime.calls import named_arguments
from reactor.runtime.environment import Environment, of_action, of_transaction
from reactor.runtime.functions import Function, Kind, Reference
from reactor.runtime.members import absent
from reactor.runtime.meta import ActionMeta, MutationMeta, QueryMeta
from reactor.runtime.missing_await import refuse_unbegun, refuse_unended
from reactor.runtime.run import Auth, Run
from reactor.runtime.scheduling import Scheduler, Scheduling
from reactor.runtime.storage import ActionStorage, MutationStorage, QueryStorage

__all__ = ["ActionCalls", "ActionCtx", "Arguments", "Calls", "MutationCtx", "QueryCtx", "Reference"]

T = TypeVar("T")

Calling: TypeAlias = "CoroutineType[Any, Any, Any]"
"""What calls of other functions give: they are made when it is awaited."""

Arguments = Mapping[str, Any] | None
"""The arguments of a call as one dict; None when they are given by name, or when there are none."""


class Calls(Protocol):
    """Calls from one function to another, as contexts make them, and the files that they reach."""

    @property
    def files(self) -> Files:
        """The files of this deployment."""
        ...

    @property
    def scheduling(self) -> Scheduling:
        """What schedulers of contexts share."""
        ...

    def within(
        self,
        run: Run,
        tx: Transaction,
        caller: Kind,
        kind: Kind,
        function: Reference,
        args: dict[str, Any],
        *,
        limits: CallLimits | None,
        stale: bool,
    ) -> Coroutine[Any, Any, Any]:
        """Call a query or mutation inside the caller's transaction; a `stale` one does not see what that wrote."""
        ...

    def apart(
        self, run: Run, kind: Kind, function: Reference, args: dict[str, Any], *, limits: CallLimits | None
    ) -> Coroutine[Any, Any, Any]:
        """Call a function from an action, in a transaction of its own."""
        ...


class ActionCalls(Calls, Protocol):
    """Calls from actions."""

    def now(self) -> float:
        """Milliseconds since 1970."""
        ...

    def variables(self) -> Mapping[str, str]:
        """The environment variables as they are."""
        ...

    def transact(self, source: str, work: Callable[[Transaction], Awaitable[T]], /) -> Awaitable[T]:
        """Run `work` in a transaction of its own; `source` is the function that writes."""
        ...

    def read(self, work: Callable[[Transaction], Awaitable[T]], /) -> Awaitable[T]:
        """Run `work`, which only reads, on the newest state."""
        ...


_OURS = ("finish", "made_calls")
"""Members of `ctx` that are not for functions."""


class _Ctx:
    __slots__ = ("_calls", "_function", "_run", "auth")

    _KIND = Kind.QUERY

    def __init__(self, run: Run, calls: Calls, function: Function[..., Any]) -> None:
        self._run, self._calls, self._function = run, calls, function
        self.auth = Auth(run)

    @property
    def cloud_url(self) -> str:
        """The address that clients connect to, without a slash at the end."""
        return self._run.origins.cloud

    @property
    def site_url(self) -> str:
        """The address of the application's HTTP endpoints, without a slash at the end."""
        return self._run.origins.site

    @property
    def env(self) -> Environment:
        """The environment variables of the deployment, by name."""
        raise NotImplementedError

    def finish(self) -> None:
        """The function has returned. Raises DeveloperError for calls that it made and did not await."""

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            present = [each for each in dir(type(self)) if not each.startswith("_") and each not in _OURS]
            raise absent(self._KIND, "ctx", name, present)


class _TransactionCtx(_Ctx):
    __slots__ = ("_turn", "_tx")

    def __init__(self, run: Run, calls: Calls, function: Function[..., Any], tx: Transaction) -> None:
        super().__init__(run, calls, function)
        self._tx = tx
        self._turn: asyncio.Lock | None = None

    async def _within(
        self, kind: Kind, function: Reference, args: dict[str, Any], limits: CallLimits | None, stale: bool = False
    ) -> Any:
        # One call after another, also when they were started together: each takes back its own writes only.
        if self._turn is None:
            self._turn = asyncio.Lock()
        async with self._turn:
            return await self._calls.within(
                self._run, self._tx, self._KIND, kind, function, args, limits=limits, stale=stale
            )

    @property
    def env(self) -> Environment:
        return of_transaction(self._run.origins, self._tx)

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

    async def run_query(
        self,
        function: Reference,
        args: Arguments = None,
        /,
        *,
        transaction_limits: CallLimits | None = None,
        use_stale_snapshot: bool = False,
        **named: Any,
    ) -> Any:
        """Run another query in this transaction: `await ctx.run_query(threads.list, user_id=id)`.

        `transaction_limits` narrows what it may read; going beyond fails this call only. With `use_stale_snapshot`, in
        mutations, it does not see what this transaction has written, and what it reads is no dependency of it. Raises
        what the query raises, and DeveloperError for a call that cannot be made
        (get-convex/convex-backend, npm-packages/convex/src/server/registration.ts).
        """
        given = named_arguments(args, named)
        return await self._within(Kind.QUERY, function, given, transaction_limits, use_stale_snapshot)


class QueryCtx(_TransactionCtx):
    """What a query may use. `db` reads at one moment."""

    __slots__ = ("db",)

    def __init__(
        self, run: Run, calls: Calls, function: Function[..., Any], tx: Transaction, pager: Pager | None = None
    ) -> None:
        super().__init__(run, calls, function, tx)
        self.db = DatabaseReader(tx, pager)

    @property
    def meta(self) -> QueryMeta:
        """What there is to know about this run."""
        return QueryMeta(self._run, self._function, self._tx)

    @property
    def storage(self) -> QueryStorage:
        """Files, to look at."""
        return QueryStorage(self._calls.files, self._run, self._tx)


class MutationCtx(_TransactionCtx):
    """What a mutation may use. `db` reads and writes in one transaction."""

    __slots__ = ("db", "made_calls")

    _KIND = Kind.MUTATION

    def __init__(
        self, run: Run, calls: Calls, function: Function[..., Any], tx: Transaction, pager: Pager | None = None
    ) -> None:
        super().__init__(run, calls, function, tx)
        self.db = DatabaseWriter(tx, pager)
        self.made_calls = self.db.made_calls

    @property
    def meta(self) -> MutationMeta:
        """What there is to know about this run."""
        return MutationMeta(self._run, self._function, self._tx)

    @property
    def storage(self) -> MutationStorage:
        """Files: to look at, to have uploaded, and to delete."""
        return MutationStorage(self._calls.files, self._run, self._tx, self.made_calls)

    @property
    def scheduler(self) -> Scheduler:
        """Schedules functions to run later, with the commit of this transaction."""
        return Scheduler(
            self._run, self._calls.scheduling, self._here, self.made_calls, lambda: self._tx.now, in_transaction=True
        )

    async def _here(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        return await work(self._tx)

    def run_mutation(
        self,
        function: Reference,
        args: Arguments = None,
        /,
        *,
        transaction_limits: CallLimits | None = None,
        **named: Any,
    ) -> Calling:
        """Run another mutation in this transaction. If it raises, its writes are undone; catch it to go on without.

        `transaction_limits` narrows what it may read and write; going beyond fails this call only. Raises what the
        mutation raises, and DeveloperError for a call that cannot be made.
        """
        call = self._run_mutation(function, args, named, transaction_limits)
        note(self.made_calls, call, frame(1))
        return call

    async def _run_mutation(
        self, function: Reference, args: Arguments, named: dict[str, Any], limits: CallLimits | None
    ) -> Any:
        return await self._within(Kind.MUTATION, function, named_arguments(args, named), limits)

    def finish(self) -> None:
        if self.made_calls:
            refuse_unended(self.made_calls)


class ActionCtx(_Ctx):
    """What an action may use: calls of other functions, each a transaction of its own. Anything else is Python's.

    A failure of what it calls is an exception that it may catch, whatever the cause.
    """

    __slots__ = ("_action_calls", "_env", "made_calls")

    _KIND = Kind.ACTION

    def __init__(self, run: Run, calls: ActionCalls, function: Function[..., Any]) -> None:
        super().__init__(run, calls, function)
        self._action_calls = calls
        self.made_calls: list[MadeCall] = []
        self._env: Environment | None = None

    @property
    def env(self) -> Environment:
        if self._env is None:
            self._env = of_action(self._run.origins, self._action_calls.variables())
        return self._env

    @property
    def meta(self) -> ActionMeta:
        """What there is to know about this run."""
        return ActionMeta(self._run, self._function)

    @property
    def storage(self) -> ActionStorage:
        """Files: to store, to read, and to delete."""
        return ActionStorage(self._calls.files, self.made_calls)

    @property
    def scheduler(self) -> Scheduler:
        """Schedules functions to run later, each in a transaction of its own."""
        calls = self._action_calls
        transacting = partial(calls.transact, self._function.path)
        return Scheduler(self._run, calls.scheduling, transacting, self.made_calls, calls.now, in_transaction=False)

    async def vector_search(
        self,
        table: str,
        index: str,
        /,
        *,
        vector: Sequence[float],
        limit: float = 10,
        filter: FilterFunction | None = None,
    ) -> list[VectorMatch]:
        """The documents whose vectors are most similar to `vector`, in the newest state: see `ctx.db.vector_search` of
        queries, which is live and can read the documents in the same moment
        (get-convex/convex-backend, npm-packages/convex/src/server/vector_search.ts).
        """

        async def search(tx: Transaction) -> list[VectorMatch]:
            return await DatabaseReader(tx).vector_search(table, index, vector=vector, limit=limit, filter=filter)

        return await self._action_calls.read(search)

    async def run_query(
        self,
        function: Reference,
        args: Arguments = None,
        /,
        *,
        transaction_limits: CallLimits | None = None,
        **named: Any,
    ) -> Any:
        """Run a query on the newest state and return its result. `transaction_limits` narrows what it may read."""
        return await self._apart(Kind.QUERY, function, named_arguments(args, named), transaction_limits)

    def run_mutation(
        self,
        function: Reference,
        args: Arguments = None,
        /,
        *,
        transaction_limits: CallLimits | None = None,
        **named: Any,
    ) -> Calling:
        """Run a mutation; it is durable when this returns. `transaction_limits` narrows what it may read and write."""
        call = self._run_mutation(function, args, named, transaction_limits)
        note(self.made_calls, call, frame(1))
        return call

    async def _run_mutation(
        self, function: Reference, args: Arguments, named: dict[str, Any], limits: CallLimits | None
    ) -> Any:
        return await self._apart(Kind.MUTATION, function, named_arguments(args, named), limits)

    def run_action(self, function: Reference, args: Arguments = None, /, **named: Any) -> Calling:
        """Run another action and wait for it."""
        call = self._run_action(function, args, named)
        note(self.made_calls, call, frame(1))
        return call

    async def _run_action(self, function: Reference, args: Arguments, named: dict[str, Any]) -> Any:
        return await self._apart(Kind.ACTION, function, named_arguments(args, named), None)

    def finish(self) -> None:
        if self.made_calls:
            refuse_unbegun(self.made_calls)

    async def _apart(self, kind: Kind, function: Reference, args: dict[str, Any], limits: CallLimits | None) -> Any:
        return await self._calls.apart(self._run, kind, function, args, limits=limits)
