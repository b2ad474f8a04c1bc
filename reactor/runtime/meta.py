"""`ctx.meta`: what a function may know about its own run.

Keys are data, spelled as other clients of this protocol expect them
(get-convex/convex-backend, npm-packages/convex/src/server/meta.ts).
"""

from typing import TYPE_CHECKING, Any, TypedDict

from reactor.database.transaction import Transaction
from reactor.runtime.functions import Function, Kind
from reactor.runtime.members import absent
from reactor.runtime.run import Run

__all__ = [
    "ActionMeta",
    "Budget",
    "FunctionMetadata",
    "MutationMeta",
    "QueryMeta",
    "RequestMetadata",
    "TransactionMetrics",
]


class Budget(TypedDict):
    """What is used of a budget, and what remains of it, never less than 0."""

    used: int
    remaining: int


class TransactionMetrics(TypedDict):
    """The budgets of a transaction; `databaseQueries` are ranges of indexes that were read, after merging."""

    bytesRead: Budget
    bytesWritten: Budget
    databaseQueries: Budget
    documentsRead: Budget
    documentsWritten: Budget
    functionsScheduled: Budget
    scheduledFunctionArgsBytes: Budget


class FunctionMetadata(TypedDict):
    """`name` is the path, `type` is query, mutation or action, and `visibility` public or internal."""

    name: str
    type: str
    visibility: str


class RequestMetadata(TypedDict):
    """Who asked: the client's address and program, None when they are not known, and the id that errors carry."""

    ip: str | None
    userAgent: str | None
    requestId: str


class _Meta:
    __slots__ = ("_function", "_run")

    _KIND = Kind.QUERY

    def __init__(self, run: Run, function: Function[..., Any]) -> None:
        self._run, self._function = run, function

    async def get_function_metadata(self) -> FunctionMetadata:
        """The function that runs; a nested one tells of itself, not of its caller."""
        function = self._function
        return {
            "name": function.path,
            "type": function.kind.value.lower(),
            "visibility": "internal" if function.internal else "public",
        }

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            raise absent(self._KIND, "ctx.meta", name, [each for each in dir(type(self)) if not each.startswith("_")])


class _Asked(_Meta):
    __slots__ = ()

    async def get_request_metadata(self) -> RequestMetadata:
        """The request that led to this run, also when it came by way of other functions."""
        origin = self._run.call.origin
        return {"ip": origin.ip, "userAgent": origin.user_agent, "requestId": self._run.request_id}


class _Counted(_Meta):
    __slots__ = ("_tx",)

    def __init__(self, run: Run, function: Function[..., Any], tx: Transaction) -> None:
        super().__init__(run, function)
        self._tx = tx

    async def get_transaction_metrics(self) -> TransactionMetrics:
        """What the transaction has used of its budgets so far, callers and nested calls included.

        In a call with `transaction_limits` what remains is what remains of those.
        """
        used, limits = self._tx.usage(), self._tx.limits
        return {
            "bytesRead": _budget(used.bytes_read, limits.bytes_read),
            "bytesWritten": _budget(used.bytes_written, limits.bytes_written),
            "databaseQueries": _budget(used.read_ranges, limits.read_ranges),
            "documentsRead": _budget(used.documents_read, limits.documents_read),
            "documentsWritten": _budget(used.documents_written, limits.documents_written),
            "functionsScheduled": _budget(used.functions_scheduled, limits.functions_scheduled),
            "scheduledFunctionArgsBytes": _budget(used.scheduled_args_bytes, limits.scheduled_args_bytes),
        }


class QueryMeta(_Counted):
    """`ctx.meta` of a query. It does not know the request: results are shared by all who ask."""

    __slots__ = ()


class MutationMeta(_Counted, _Asked):
    """`ctx.meta` of a mutation."""

    __slots__ = ()

    _KIND = Kind.MUTATION


class ActionMeta(_Asked):
    """`ctx.meta` of an action, which has no transaction to measure."""

    __slots__ = ()

    _KIND = Kind.ACTION


def _budget(used: int, limit: int) -> Budget:
    return {"used": used, "remaining": max(limit - used, 0)}
