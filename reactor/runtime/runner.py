"""Running one function: arguments checked, handler called, result checked and encoded, failures put into words."""

from collections.abc import Callable
from typing import Any, Protocol

from reactor.database.catalog import Catalog
from reactor.database.cursors import Cursors
from reactor.database.pages import Pager
from reactor.database.transaction import Transaction
from reactor.errors import DeveloperError, FunctionInterrupted, FunctionNotFound, InvalidValue, ReturnsValidationError
from reactor.runtime.calls import Call, decode_args
from reactor.runtime.contexts import Calls, MutationCtx, QueryCtx, Reference
from reactor.runtime.failures import Failure, describe
from reactor.runtime.functions import Function, Kind
from reactor.runtime.limits import FunctionLimits
from reactor.runtime.logs import RunLog, Sink
from reactor.runtime.query_run import QueryRun, RunResult
from reactor.runtime.registry import Registry, with_extension
from reactor.runtime.run import Run
from reactor.runtime.stepping import Steps
from reactor.runtime.system import SYSTEM_PREFIX, system_functions
from reactor.values import ANY, Limits, ValidationFailure, decode_trusted, encode

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
        catalog: Callable[[], Catalog],
        steps: Steps,
        limits: FunctionLimits,
        *,
        redact: bool,
        cursors: Callable[[], Cursors],
        sink: Sink | None = None,
        on_failure: Callable[[str, Failure], None] | None = None,
    ) -> None:
        self._code, self._catalog, self._steps = code, catalog, steps
        self.limits, self.redact = limits, redact
        self._cursors, self._sink, self._on_failure = cursors, sink, on_failure
        self._result_limits = Limits(max_bytes=limits.result_bytes, max_depth=limits.value_depth, what="return value")
        self._calls: Calls = NestedCalls(self)
        self._system = system_functions(lambda: code().registry)
        self.query_runs: dict[str, int] = {}

    # From outside

    async def query(self, call: Call, tx: Transaction, journal: str | None = None) -> QueryRun:
        """Run a query. Its failure is part of the result; nothing is raised."""
        run, pager = self.begin(call, tx.now), self._pager(journal)
        result = await self.attempt(call, run, Kind.QUERY, lambda r: QueryCtx(r, self._calls, tx, pager))
        # Paths that are no function's are one: clients can make up as many as they like.
        path = run.log.path if run.found else "(not found)"
        self.query_runs[path] = self.query_runs.get(path, 0) + 1
        ended = pager.next_journal(failed=result.failure is not None)
        time = run.now if run.looked_at_time else None
        return QueryRun(result, tx.reads.ranges(), run.looked_at_identity, ended, run.log.lines, time)

    async def mutation(self, call: Call, tx: Transaction) -> RunResult:
        """Run a mutation in `tx`, which the caller commits if it did not fail."""
        run = self.begin(call, tx.now)
        return await self.attempt(call, run, Kind.MUTATION, lambda r: MutationCtx(r, self._calls, tx, self._pager()))

    @property
    def registry(self) -> Registry:
        """The functions that serve now."""
        return self._code().registry

    def _pager(self, journal: str | None = None) -> Pager:
        return Pager(self._cursors(), journal)

    # Parts, which actions use as well

    def begin(self, call: Call, now: float) -> Run:
        """The state of a new run."""
        return Run(RunLog(call.path, self._sink), call, now)

    async def attempt(self, call: Call, run: Run, kind: Kind, context: Callable[[Run], Any]) -> RunResult:
        """Find the function, run it, and put what comes of it, or the failure, into a result."""
        try:
            function = self.find(call, run, kind)
            args = decode_args(function, call.args, self.limits)
            value = await self.invoke(function, context(run), args, run)
        except (Exception, FunctionInterrupted) as error:
            return self.failed(run, error)
        return self.succeeded(run, value)

    def find(self, call: Call, run: Run, kind: Kind) -> Function[..., Any]:
        """The function that is called. Raises DeveloperError as `Registry.expect` does."""
        admin = call.identity.is_admin or call.trusted
        registry = self._system if call.path.startswith(SYSTEM_PREFIX) else self.registry
        function = registry.find(call.path)
        if function is None or (function.internal and not call.trusted):
            # What the caller may see depends on who it is.
            run.looked_at_identity = True
        if function is not None:
            run.found, run.log.path = True, function.path
        return registry.expect(call.path, kind, admin=admin)

    async def invoke(self, function: Function[..., Any], ctx: Any, args: dict[str, Any], run: Run) -> bytes:
        """Check arguments, call, check and encode the result. Raises whatever the function raises."""
        keywords = function.accept(args, self._catalog())
        value = await self._steps.run(function, ctx, keywords, run.log)
        ctx.finish()
        return self.encode_result(function, value, pending=function.kind is Kind.MUTATION)

    def encode_result(self, function: Function[..., Any], value: Any, *, pending: bool = False) -> bytes:
        """The result's encoded value. Raises DeveloperError when it is none, ReturnsValidationError when it is not
        what `returns` declares. `pending`: the time of the commit may stand in it, as its placeholder."""
        if function.flatten is not None:
            value = function.flatten(value)
        if function.returns is not None:
            try:
                function.returns.check(value, self._catalog())
            except ValidationFailure as failure:
                raise ReturnsValidationError(str(failure)) from None
        try:
            return encode(value, limits=self._result_limits, pending=pending)
        except InvalidValue as error:
            text = f"Function {with_extension(function)} {error}"
            raise DeveloperError(text, code="FunctionReturnInvalidJson") from None

    def resolve(self, reference: Reference) -> Function[..., Any]:
        """A function that another one calls. Raises DeveloperError when there is none."""
        if isinstance(reference, Function):
            return reference
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
        if self._on_failure is not None:
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

    async def nested(
        self, run: Run, tx: Transaction, kind: Kind, function: Function[..., Any], args: dict[str, Any]
    ) -> Any:
        """Run a function inside another's transaction and run."""
        keywords = function.accept(decode_trusted(encode(args, limits=ANY, pending=True)), self._catalog())
        context = MutationCtx if kind is Kind.MUTATION else QueryCtx
        ctx = context(run, self._calls, tx, self._pager())
        value = function.handler(ctx, **keywords)
        if function.is_async:
            value = await value
        ctx.finish()
        return decode_trusted(self.encode_result(function, value, pending=True))


class NestedCalls:
    """Calls inside a transaction: same snapshot, same run; a nested mutation's writes can be undone by themselves."""

    __slots__ = ("_runner",)

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def within(
        self, run: Run, tx: Transaction, caller: Kind, kind: Kind, function: Reference, args: dict[str, Any]
    ) -> Any:
        """See `Calls.within`."""
        target = self._runner.resolve(function)
        _check_kind(target, kind)
        run.depth += 1
        if kind is Kind.MUTATION:
            tx.push()
        kept = False
        try:
            if run.depth > self._runner.limits.nested_calls:
                raise DeveloperError(
                    f"Function call depth limit exceeded (limit: {self._runner.limits.nested_calls}). Call plain "
                    "Python functions for what is shared.",
                    code="MaximumCallDepthExceeded",
                )
            value = await self._runner.nested(run, tx, kind, target, args)
            kept = True
            return value
        finally:
            run.depth -= 1
            if kind is Kind.MUTATION:
                tx.pop(keep=kept)

    async def apart(self, run: Run, kind: Kind, function: Reference, args: dict[str, Any]) -> Any:
        """See `Calls.apart`; transactions have no such calls."""
        raise DeveloperError(f"Cannot call a {kind.value} function from here.", code="InvalidFunctionCall")


def _check_kind(function: Function[..., Any], kind: Kind) -> None:
    if function.kind is not kind:
        raise DeveloperError(
            f"Trying to execute {with_extension(function)} as {kind.value}, but it is defined as "
            f"{function.kind.value}.",
            code="InvalidFunctionCall",
        )
