"""Actions: ordinary code outside of any transaction, many at a time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import anyio.to_thread

from reactor.database.database import Database
from reactor.database.transaction import Transaction
from reactor.errors import DeveloperError, FunctionInterrupted
from reactor.runtime.calls import Call, decode_args
from reactor.runtime.contexts import ActionCtx, Reference
from reactor.runtime.functions import Function, Kind
from reactor.runtime.logs import capture
from reactor.runtime.mutations import Mutations
from reactor.runtime.query_run import RunResult
from reactor.runtime.run import Run
from reactor.runtime.runner import Runner
from reactor.runtime.stepping import Steps
from reactor.values import ANY, decode_trusted, encode

__all__ = ["Actions"]


class Actions:
    """Runs actions, each as a task of its own (plain functions in threads), at most a set number at a time."""

    def __init__(
        self,
        database: Database,
        runner: Runner,
        mutations: Mutations,
        steps: Steps,
        ask: Callable[[Call], Awaitable[RunResult]],
    ) -> None:
        """`ask` answers the queries that actions call."""
        self._database, self._runner, self._mutations, self._steps = database, runner, mutations, steps
        self._ask = ask
        self._places = asyncio.Semaphore(runner.limits.actions)

    async def run(self, call: Call) -> RunResult:
        """Run an action; its failure is part of the result."""
        async with self._places:
            return await self._attempt(call)

    async def _attempt(self, call: Call) -> RunResult:
        run = self._runner.begin(call, self._database.now())
        try:
            function = self._runner.find(call, run, Kind.ACTION)
            args = decode_args(function, call.args, self._runner.limits)
            value = await self._invoke(function, args, run)
        except (Exception, FunctionInterrupted) as error:
            return self._runner.failed(run, error)
        return self._runner.succeeded(run, value)

    async def _invoke(self, function: Function[..., Any], args: dict[str, Any], run: Run) -> bytes:
        keywords = function.accept(args, self._database.catalog)
        ctx = ActionCtx(run, self)
        seconds = self._runner.limits.action_seconds
        if function.is_async:
            # On the loop, so what it computes holds up everybody: watched like a query, with more time.
            value = await self._steps.run(function, ctx, keywords, run.log)
            ctx.finish()
            return self._runner.encode_result(function, value)
        deadline = asyncio.timeout(seconds)
        try:
            async with deadline:
                with capture(run.log):
                    value = await anyio.to_thread.run_sync(
                        lambda: function.handler(ctx, **keywords), abandon_on_cancel=True
                    )
        except TimeoutError:
            if not deadline.expired():
                raise
            raise DeveloperError(f"Function execution timed out (maximum duration: {seconds:g}s)") from None
        ctx.finish()
        return self._runner.encode_result(function, value)

    # Calls from actions

    async def within(
        self, run: Run, tx: Transaction, caller: Kind, kind: Kind, function: Reference, args: dict[str, Any]
    ) -> Any:
        """Actions have no transaction to call within."""
        raise DeveloperError("An action has no transaction.", code="InvalidFunctionCall")

    async def apart(self, run: Run, kind: Kind, function: Reference, args: dict[str, Any]) -> Any:
        """See `Calls.apart`. Raises what the called function raised."""
        target = self._runner.resolve(function)
        if target.kind is not kind:
            raise DeveloperError(
                f"Cannot call a {target.kind.value} function as a {kind.value}: {target.path}.",
                code="InvalidFunctionCall",
            )
        call = Call(target.path, encode(args, limits=ANY), run.identity, request_id=run.request_id, trusted=True)
        result = await self._call(kind, call, run)
        run.log.lines.extend(result.logs)
        if result.failure is not None:
            raise result.failure.error
        return decode_trusted(result.value)

    async def _call(self, kind: Kind, call: Call, run: Run) -> RunResult:
        if kind is Kind.ACTION:
            return await self._attempt(call)  # in its caller's place: waiting for another could be for ever
        if kind is Kind.MUTATION:
            answered: asyncio.Future[RunResult] = asyncio.get_running_loop().create_future()
            self._mutations.submit(call, lambda result: None if answered.done() else answered.set_result(result))
            return await answered
        return await self._ask(call)
