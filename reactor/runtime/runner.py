"""Running one function: arguments checked, handler called, result checked and encoded, failures put into words."""

from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any, Protocol

from reactor.database.backlog import Backlog
from reactor.database.cursors import Cursors
from reactor.database.latencies import Latencies
from reactor.database.pages import Pager
from reactor.database.transaction import Transaction
from reactor.errors import CallRefused, DeveloperError, FunctionNotFound
from reactor.files.files import Files
from reactor.runtime.alarms import Alarms
from reactor.runtime.calls import Call, decode_args
from reactor.runtime.contexts import Calls, MutationCtx, QueryCtx, Reference
from reactor.runtime.entrance import Entrance
from reactor.runtime.failures import Failure, describe, failure_kind, is_failure
from reactor.runtime.functions import Function, Kind
from reactor.runtime.limits import FunctionLimits
from reactor.runtime.logs import RunLog, Sink, Watcher
from reactor.runtime.nesting import NestedCalls
from reactor.runtime.origins import LOCAL
from reactor.runtime.path_names import PathName
from reactor.runtime.query_run import QueryRun, RunResult
from reactor.runtime.rates import Rate
from reactor.runtime.registry import Registry
from reactor.runtime.results import Results
from reactor.runtime.run import Run
from reactor.runtime.scheduling import Scheduling
from reactor.runtime.stepping import Steps
from reactor.runtime.system import SYSTEM_PREFIX, system_functions

__all__ = ["Runner"]


class Code(Protocol):
    """The version of the application that serves now."""

    @property
    def registry(self) -> Registry:
        """Its functions."""
        ...


class Runner:
    """Runs queries and mutations in a transaction that the caller provides."""

    def __init__(
        self,
        code: Callable[[], Code],
        steps: Steps,
        limits: FunctionLimits,
        *,
        redact: bool,
        cursors: Callable[[], Cursors],
        backlog: Backlog,
        files: Files,
        entrance: Entrance,
        sink: Sink | None = None,
        on_failure: Callable[[str, Failure], None] | None = None,
        watcher: Watcher | None = None,
    ) -> None:
        """`watcher` is told when a query or mutation is not deterministic; None: nobody looks."""
        self._code, self._steps = code, steps
        self.limits, self.redact = limits, redact
        self._cursors, self._sink, self._on_failure, self._watcher = cursors, sink, on_failure, watcher
        self.results = Results(limits)
        self._alarms = Alarms()
        self.scheduling = Scheduling(self.resolve, lambda: self.registry, limits, backlog)
        self._calls: Calls = NestedCalls(self.resolve, self.results, limits, self._pager, self.scheduling, files)
        self.files, self.entrance = files, entrance
        self._system = system_functions(lambda: code().registry)
        self.query_runs: dict[str, int] = {}
        self.query_seconds = Latencies()
        self.failures: dict[str, int] = {}
        """Failed runs by the code of the error, or by what it was."""
        self.origins = LOCAL
        """Where this deployment is reached."""

    # From outside

    async def query(self, call: Call, tx: Transaction, journal: str | None = None) -> QueryRun:
        """Run a query. Its failure is part of the result; nothing is raised."""
        began = perf_counter()
        run, pager = self.begin(call, tx.now, self._watcher), self._pager(journal)
        result = await self._attempt(call, run, Kind.QUERY, tx, pager)
        # Paths that are no function's are one: clients can make up as many as they like.
        path = run.log.path if run.found else "(not found)"
        self.query_runs[path] = self.query_runs.get(path, 0) + 1
        self.query_seconds.add(perf_counter() - began)
        ended = pager.next_journal(failed=result.failure is not None)
        time = run.now if run.looked_at_time else None
        return QueryRun(result, tx.reads.ranges(), run.looked_at_identity, ended, run.log.lines, time)

    async def mutation(self, call: Call, tx: Transaction) -> RunResult:
        """Run a mutation in `tx`, which the caller commits if it did not fail."""
        run = self.begin(call, tx.now, self._watcher)
        return await self._attempt(call, run, Kind.MUTATION, tx, self._pager())

    async def perform(self, function: Function[..., Any], call: Call, tx: Transaction) -> RunResult:
        """As `mutation`, of a function that the server itself makes for the occasion."""
        run = self.begin(call, tx.now, self._watcher)
        run.found = True
        return await self._attempt(call, run, Kind.MUTATION, tx, self._pager(), function)

    async def _attempt(
        self,
        call: Call,
        run: Run,
        kind: Kind,
        tx: Transaction,
        pager: Pager,
        function: Function[..., Any] | None = None,
    ) -> RunResult:
        try:
            if function is None:
                function = self.find(call, run, kind)
                if function.rate is not None and kind is Kind.MUTATION:
                    self.entrance.pass_rate(function.path, function.rate, call)
            args = decode_args(function, call.args, self.limits, run.log)
            if call.limits is not None:
                tx.narrow(call.limits)
            keywords = function.accept(args, tx)
            context = QueryCtx if kind is Kind.QUERY else MutationCtx
            ctx = context(run, self._calls, function, tx, pager)
            value = await self._steps.run(function, ctx, keywords, run.log)
            ctx.finish()
            if tx.fault is not None:
                raise tx.fault
            encoded = self.results.encode(function, value, tx, run.log, pending=kind is Kind.MUTATION)
        except BaseException as error:
            if not is_failure(error):
                raise
            self._alarms.look(tx, run.log)
            return self.failed(run, error)
        self._alarms.look(tx, run.log)
        return self.succeeded(run, encoded)

    @property
    def registry(self) -> Registry:
        """The functions that serve now."""
        return self._code().registry

    def _pager(self, journal: str | None = None) -> Pager:
        return Pager(self._cursors(), journal)

    # Parts, which actions use as well

    def begin(self, call: Call, now: float, watcher: Watcher | None = None) -> Run:
        """The state of a new run."""
        return Run(RunLog(call.path, self._sink, limits=self.limits.log, watcher=watcher), call, now, self.origins)

    def refusal(self, call: Call, kind: Kind, rate: Rate | None = None) -> RunResult | None:
        """The failure of a query or action that its caller calls too often; None when it may run.

        `rate` is that of something that is no function of the application.

        For mutations it is found out in their turn, for one that is sent again may have run already.
        """
        try:
            function = self.registry.find(call.path) if rate is None else None
            if function is not None and function.rate is not None and function.kind is kind:
                self.entrance.pass_rate(function.path, function.rate, call)
            elif rate is not None:
                self.entrance.pass_rate(call.path, rate, call)
        except CallRefused as error:
            return self.refused(call, error)
        except DeveloperError:
            pass  # its run says what is wrong with the path
        return None

    async def let_in(
        self, call: Call, kind: Kind, run: Callable[[], Awaitable[RunResult]], rate: Rate | None = None
    ) -> RunResult:
        """What `run` gives for a query or action, if the call may run now; its refusal if not."""
        if self.entrance.spares(call):
            return await run()
        caller = self.entrance.enter(call)
        try:
            error = self.entrance.crowd(caller, call.path)
            refused = self.refusal(call, kind, rate) if error is None else self.refused(call, error)
            return refused or await run()
        finally:
            self.entrance.leave(caller)

    def refused(self, call: Call, error: CallRefused) -> RunResult:
        """The failure of a call that did not run."""
        run = self.begin(call, 0.0)
        run.log.path = error.path
        return self.failed(run, error)

    def find(self, call: Call, run: Run, kind: Kind) -> Function[..., Any]:
        """The function that is called. Raises DeveloperError as `Registry.expect` does."""
        admin = call.identity.is_admin or call.trusted
        registry = self._registry_of(call.path)
        function = registry.find(call.path)
        if function is None or (function.internal and not call.trusted):
            # What the caller may see depends on who it is.
            run.looked_at_identity = True
        if function is not None:
            run.found, run.log.path = True, function.path
        return registry.expect(call.path, kind, admin=admin)

    def served(self, path: str) -> Function[..., Any] | None:
        """The function of a path, the server's own ones included. Raises DeveloperError as `Registry.find`."""
        return self._registry_of(path).find(path)

    def _registry_of(self, path: str) -> Registry:
        return self._system if path.startswith(SYSTEM_PREFIX) else self.registry

    def resolve(self, reference: Reference) -> Function[..., Any]:
        """A function that another one calls. Raises DeveloperError when there is none."""
        if isinstance(reference, Function):
            return reference
        if isinstance(reference, PathName):
            reference = str(reference)
        if not isinstance(reference, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise DeveloperError(
                f"A function reference is the decorated function or its path as text, not {type(reference).__name__}."
            )
        function = self._code().registry.find(reference)
        if function is None:
            raise DeveloperError(f"Could not find function for '{reference}'.", code="FunctionNotFound")
        return function

    def succeeded(self, run: Run, value: bytes) -> RunResult:
        """A result, with the log lines that its caller may see."""
        return RunResult(value, None, [] if self.redacts(run.call) else run.log.lines)

    def failed(self, run: Run, error: BaseException) -> RunResult:
        """A failure as a result; the server's own record has it unredacted."""
        redact = self.redacts(run.call)
        failure = describe(error, run.request_id, redact=redact)
        kind = failure_kind(failure.error)
        self.failures[kind] = self.failures.get(kind, 0) + 1
        # Whoever calls without end shall not fill the log with it.
        if self._on_failure is not None and not isinstance(error, CallRefused):
            self._on_failure(run.log.path, failure)
        return RunResult(b"null", failure, [] if redact else run.log.lines)

    def redacts(self, call: Call) -> bool:
        """Whether the caller is kept from what went on inside. A shared result may reach anybody."""
        return self.redact and (call.shared or not call.identity.is_admin)

    def missing(self, call: Call) -> RunResult:
        """The failure of a call to a function that is not there, in the words that command lines look for."""
        run = self.begin(call, 0.0)
        text = f"Could not find function for '{call.path}'. Is it in functions/, and is the server running this code?"
        return self.failed(run, FunctionNotFound(text))
