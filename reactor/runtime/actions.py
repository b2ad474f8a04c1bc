"""Actions: ordinary code outside of any transaction, many at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar, cast

import anyio.to_thread

from reactor.database.database import Database
from reactor.database.environment import variables
from reactor.database.limits import CallLimits
from reactor.database.transact import transact
from reactor.database.transaction import Transaction
from reactor.errors import DeveloperError, FunctionInterrupted
from reactor.files.files import Files
from reactor.runtime.calls import Call, decode_args, encode_args
from reactor.runtime.contexts import ActionCtx, Reference
from reactor.runtime.failures import Failure, arriving, is_failure
from reactor.runtime.functions import Function, Kind
from reactor.runtime.logs import capture
from reactor.runtime.mutations import Mutations
from reactor.runtime.nesting import check_method
from reactor.runtime.query_run import RunResult
from reactor.runtime.rates import Rate
from reactor.runtime.run import Run
from reactor.runtime.runner import Runner
from reactor.runtime.stepping import Steps
from reactor.values import decode_trusted

__all__ = ["Actions", "Work"]

Work = Callable[[ActionCtx], Coroutine[Any, Any, None]]

T = TypeVar("T")


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
        self.scheduling = runner.scheduling

    async def run(self, call: Call) -> RunResult:
        """Run an action; its failure is part of the result."""
        return await self._runner.let_in(call, Kind.ACTION, lambda: self._in_place(call))

    async def serve(self, call: Call, work: Work, rate: Rate | None = None) -> Failure | None:
        """Run something that is an action in all but its name: in a place of its own, watched, its prints captured.

        Gives why it failed, None when it did not. `call` says who asks and what logs call it, `rate` how often.
        """
        return (await self._runner.let_in(call, Kind.ACTION, lambda: self._serve(call, work), rate)).failure

    async def _serve(self, call: Call, work: Work) -> RunResult:
        function = cast("Function[..., Any]", _Serving(call.path, work))
        async with self._places:
            run = self._runner.begin(call, self._database.now())
            try:
                await self._steps.run(function, ActionCtx(run, self, function), {}, run.log)
            except BaseException as error:
                if not is_failure(error):
                    raise
                return self._runner.failed(run, error)
            return self._runner.succeeded(run, b"null")

    async def _in_place(self, call: Call) -> RunResult:
        async with self._places:
            return await self._attempt(call)

    async def _attempt(self, call: Call) -> RunResult:
        run = self._runner.begin(call, self._database.now())
        try:
            function = self._runner.find(call, run, Kind.ACTION)
            args = decode_args(function, call.args, self._runner.limits, run.log)
            ctx = ActionCtx(run, self, function)
            value = await self._invoke(function, ctx, args, run)
            ctx.finish()
            encoded = self._runner.results.encode(function, value, self._database.catalog, run.log)
        except BaseException as error:
            if not is_failure(error):
                raise
            return self._runner.failed(run, error)
        return self._runner.succeeded(run, encoded)

    async def _invoke(self, function: Function[..., Any], ctx: ActionCtx, args: dict[str, Any], run: Run) -> Any:
        keywords = function.accept(args, self._database.catalog)
        seconds = self._runner.limits.action_seconds
        if function.is_async:
            # On the loop, so what it computes holds up everybody: watched like a query, with more time.
            return await self._steps.run(function, ctx, keywords, run.log)
        _ = ctx.env  # read here: threads have no way to the database
        deadline = asyncio.timeout(seconds)
        try:
            async with deadline:
                with capture(run.log):
                    return await anyio.to_thread.run_sync(
                        lambda: function.handler(ctx, **keywords), abandon_on_cancel=True
                    )
        except TimeoutError:
            if not deadline.expired():
                raise
            raise FunctionInterrupted(
                f"Function execution timed out (maximum duration: {seconds:g}s). Its thread goes on, and its result is "
                "lost.",
                code="SystemTimeout",
            ) from None

    # Calls from actions

    @property
    def files(self) -> Files:
        """See `Calls.files`."""
        return self._runner.files

    def now(self) -> float:
        """See `ActionCalls.now`."""
        return self._database.now()

    def variables(self) -> dict[str, str]:
        """See `ActionCalls.variables`."""
        snapshot = self._database.store.acquire()
        try:
            return variables(self._database.read(snapshot))
        finally:
            snapshot.release()

    async def transact(self, source: str, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """See `ActionCalls.transact`."""
        return await transact(self._database.committer, source, work)

    async def read(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """See `ActionCalls.read`."""
        snapshot = self._database.store.acquire()
        try:
            return await work(self._database.read(snapshot))
        finally:
            snapshot.release()

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
        """Actions have no transaction to call within."""
        raise DeveloperError("An action has no transaction.", code="InvalidFunctionCall")

    async def apart(
        self, run: Run, kind: Kind, function: Reference, args: dict[str, Any], *, limits: CallLimits | None
    ) -> Any:
        """See `Calls.apart`. Raises what the called function raised."""
        target = self._runner.resolve(function)
        check_method(target, kind)
        call = Call(
            target.path,
            encode_args(target, args, self._runner.limits),
            run.identity,
            request_id=run.request_id,
            trusted=True,
            origin=run.call.origin,
            limits=limits,
            job=run.call.job,
        )
        result = await self._call(kind, call, run)
        run.log.absorb(result.logs)
        if result.failure is not None:
            raise arriving(result.failure)
        return decode_trusted(result.value)

    async def _call(self, kind: Kind, call: Call, run: Run) -> RunResult:
        if kind is Kind.ACTION:
            return await self._attempt(call)  # in its caller's place: waiting for another could be for ever
        if kind is Kind.MUTATION:
            answered: asyncio.Future[RunResult] = asyncio.get_running_loop().create_future()
            self._mutations.submit(call, lambda result: None if answered.done() else answered.set_result(result))
            return await answered
        if call.limits is None:
            return await self._ask(call)
        # What others have asked already was read within other limits.
        snapshot = self._database.store.acquire()
        try:
            return (await self._runner.query(call, self._database.read(snapshot))).result
        finally:
            snapshot.release()


class _Serving:
    """All that is asked of a function when it runs."""

    __slots__ = ("handler", "path")
    kind = Kind.ACTION
    internal = False

    def __init__(self, path: str, work: Work) -> None:
        self.path, self.handler = path, work
