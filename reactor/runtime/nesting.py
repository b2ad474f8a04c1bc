"""Calls inside a transaction: one function calls another in its own run.

The called one has the same snapshot, time, random numbers, identity and log. What it writes can be undone by itself;
what it read stays read, and what it used of the budgets stays used
(get-convex/convex-backend, crates/isolate/src/environment/udf).
"""

import inspect
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, Protocol

from reactor.database.limits import CallLimits
from reactor.database.pages import Pager
from reactor.database.transaction import Transaction
from reactor.errors import ConvexError, DeveloperError
from reactor.files.files import Files
from reactor.runtime.calls import encode_args
from reactor.runtime.contexts import MutationCtx, QueryCtx, Reference
from reactor.runtime.failures import check_data
from reactor.runtime.functions import Function, Kind
from reactor.runtime.limits import FunctionLimits
from reactor.runtime.registry import with_extension
from reactor.runtime.results import Results
from reactor.runtime.run import Run
from reactor.runtime.scheduling import Scheduling
from reactor.values import decode_trusted

__all__ = ["NestedCalls", "check_method"]

_MAY_CALL = {Kind.QUERY: (Kind.QUERY,), Kind.MUTATION: (Kind.QUERY, Kind.MUTATION)}


class _Resolver(Protocol):
    def __call__(self, reference: Reference, /) -> Function[..., Any]: ...


class NestedCalls:
    """The calls of queries and mutations."""

    __slots__ = ("_limits", "_pager", "_resolve", "_results", "files", "scheduling")

    def __init__(
        self,
        resolve: _Resolver,
        results: Results,
        limits: FunctionLimits,
        pager: Callable[[], Pager],
        scheduling: Scheduling,
        files: Files,
    ) -> None:
        self._resolve, self._results, self._limits, self._pager = resolve, results, limits, pager
        self.scheduling, self.files = scheduling, files

    async def within(
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
    ) -> Any:
        """See `Calls.within`."""
        target = self._resolve(function)
        _check_kinds(target, kind, caller)
        if stale and caller is not Kind.MUTATION:
            raise DeveloperError(
                "use_stale_snapshot is for mutations: what a query reads is always a dependency of it. Leave it out.",
                code="InvalidFunctionCall",
            )
        above, run.log.path = run.log.path, target.path
        run.depth += 1
        try:
            self._check_depth(run)
            if limits is None and not stale:
                return await self._call(run, tx, target, args)
            with _narrowed(tx, limits, stale) as seen:
                return await self._call(run, seen, target, args)
        finally:
            run.depth -= 1
            run.log.path = above

    async def apart(
        self, run: Run, kind: Kind, function: Reference, args: dict[str, Any], *, limits: CallLimits | None
    ) -> Any:
        """See `Calls.apart`; transactions have no such calls."""
        raise DeveloperError(f"Cannot call a {kind.value} function from here.", code="InvalidFunctionCall")

    async def _call(self, run: Run, tx: Transaction, function: Function[..., Any], args: dict[str, Any]) -> Any:
        # Both ways through the wire form: neither side can change what the other one holds.
        keywords = function.accept(decode_trusted(encode_args(function, args, self._limits, pending=True)), tx)
        if function.kind is Kind.QUERY:
            return decode_trusted(
                await self._run(QueryCtx(run, self, function, tx, self._pager()), function, keywords, tx, run)
            )
        tx.push()
        kept = False
        try:
            writing = MutationCtx(run, self, function, tx, self._pager())
            encoded = await self._run(writing, function, keywords, tx, run)
            kept = True
        finally:
            tx.pop(keep=kept)
        return decode_trusted(encoded)

    async def _run(
        self, ctx: Any, function: Function[..., Any], keywords: dict[str, Any], tx: Transaction, run: Run
    ) -> bytes:
        try:
            value = function.handler(ctx, **keywords)
            if inspect.iscoroutine(value):
                value = await value
            ctx.finish()
        except ConvexError as error:
            check_data(error)
            raise
        return self._results.encode(function, value, tx, run.log, pending=True)

    def _check_depth(self, run: Run) -> None:
        if run.depth > self._limits.nested_calls:
            raise DeveloperError(
                f"Function call depth limit exceeded (limit: {self._limits.nested_calls}, the setting "
                "max_nested_calls). Call plain Python functions for what is shared.",
                code="MaximumCallDepthExceeded",
            )


@contextmanager
def _narrowed(tx: Transaction, limits: CallLimits | None, stale: bool) -> Generator[Transaction]:
    """The transaction as a nested call sees it."""
    seen = tx.stale() if stale else tx
    before = seen.limits if limits is None else seen.narrow(limits)
    try:
        yield seen
    finally:
        if limits is not None:
            seen.limit_to(before)
        if stale:
            tx.charge(seen)


def _check_kinds(target: Function[..., Any], kind: Kind, caller: Kind) -> None:
    if target.kind not in _MAY_CALL[caller]:
        remedy = "from an action" if caller is Kind.MUTATION else "from a mutation or an action"
        raise DeveloperError(
            f"Cannot call a {target.kind.value} function from a {caller.value} function: call "
            f"{with_extension(target)} {remedy}.",
            code="InvalidFunctionCall",
        )
    check_method(target, kind)


def check_method(target: Function[..., Any], kind: Kind) -> None:
    """Raises DeveloperError when a function is called by the method for another kind."""
    if target.kind is not kind:
        raise DeveloperError(
            f"Trying to execute {with_extension(target)} as {kind.value}, but it is defined as {target.kind.value}: "
            f"call it by ctx.run_{target.kind.value.lower()}.",
            code="InvalidFunctionCall",
        )
