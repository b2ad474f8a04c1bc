"""What one transaction may read and write."""

from collections.abc import Mapping
from typing import Any, TypedDict

import msgspec
from msgspec.structs import replace

from reactor.errors import DeveloperError
from reactor.values import DOCUMENT, Limits
from reactor.values.identifiers import camel_case

__all__ = ["CallLimits", "TransactionLimits", "Usage"]


class CallLimits(TypedDict, total=False):
    """Budgets of one call, `transaction_limits=` of `ctx.run_query` and `ctx.run_mutation`; bytes are bytes.

    Each counts from where the call begins, and can only narrow what the caller has left.
    (get-convex/convex-backend, npm-packages/convex/src/server/registration.ts)
    """

    documents_read: int
    bytes_read: int
    read_ranges: int
    documents_written: int
    bytes_written: int
    functions_scheduled: int
    scheduled_args_bytes: int


class Usage(msgspec.Struct):
    """What a transaction has used of its budgets; `read_ranges` are counted after merging."""

    documents_read: int = 0
    bytes_read: int = 0
    read_ranges: int = 0
    documents_written: int = 0
    bytes_written: int = 0
    functions_scheduled: int = 0
    scheduled_args_bytes: int = 0


class TransactionLimits(msgspec.Struct, frozen=True):
    """Budgets of one function execution, nested calls included. Bytes are those of the stored form.

    `document` limits each single one, `query_operators` the steps of a single query. A budget that was exceeded stays
    spent: whoever catches the error can neither read nor write more. `granted` are the amounts of those budgets that
    `transaction_limits` of a call narrowed.
    """

    documents_read: int = 32_000
    bytes_read: int = 16 * 2**20
    read_ranges: int = 4_096
    documents_written: int = 16_000
    bytes_written: int = 16 * 2**20
    functions_scheduled: int = 1_000
    scheduled_args_bytes: int = 16 * 2**20
    query_operators: int = 256
    document: Limits = DOCUMENT
    granted: dict[str, int] = {}

    def check_read(self, documents: int, size: int) -> None:
        """Raises DeveloperError naming the exceeded budget."""
        if documents > self.documents_read:
            remedy = "read fewer with an index range or take()"
            raise self._exceeded("documents_read", "documents read", remedy, "TooManyDocumentsRead")
        if size > self.bytes_read:
            raise self._exceeded("bytes_read", "bytes read", "read fewer or smaller documents", "TooManyBytesRead")

    def check_written(self, documents: int, size: int) -> None:
        """Raises DeveloperError naming the exceeded budget."""
        if documents > self.documents_written:
            raise self._exceeded("documents_written", "writes", _SPLIT, "TooManyWrites")
        if size > self.bytes_written:
            raise self._exceeded("bytes_written", "bytes written", _SPLIT, "TooManyBytesWritten")

    def check_scheduled(self, functions: int, size: int) -> None:
        """Raises DeveloperError naming the exceeded budget."""
        if functions > self.functions_scheduled:
            raise self._exceeded(
                "functions_scheduled", "functions scheduled", _SCHEDULE_ON, "TooManyFunctionsScheduled", "this mutation"
            )
        if size > self.scheduled_args_bytes:
            raise self._exceeded(
                "scheduled_args_bytes",
                "bytes of arguments of functions scheduled",
                "store what is large in documents and pass their ids",
                "ScheduledFunctionsArgumentsTooLarge",
                "this mutation",
            )

    def too_many_ranges(self) -> DeveloperError:
        """The error for more ranges read than `read_ranges`, of which a document by id is one."""
        remedy = "read one range of an index instead of many single documents, or split the work over several calls"
        return self._exceeded("read_ranges", "reads", remedy, "TooManyReads")

    def narrowed(self, given: CallLimits, used: Usage) -> "TransactionLimits":
        """The budgets of a call that gets `given` besides what is used already; never more than these.

        Raises DeveloperError when `given` is no mapping of budgets to whole numbers of at least 0.
        """
        changes: dict[str, int] = {}
        granted = dict(self.granted)
        for name, amount in _amounts(given):
            limit = getattr(used, name) + amount
            if limit < getattr(self, name):
                changes[name], granted[name] = limit, amount
        return replace(self, **changes, granted=granted)

    def _exceeded(self, name: str, what: str, remedy: str, code: str, by: str = "") -> DeveloperError:
        if name in self.granted:
            text = f"Too many {what} in a nested call (limit: {self.granted[name]}, of its transaction_limits)"
            return DeveloperError(f"{text}. To stay below it, {remedy}, or grant the call more.", code=code)
        return DeveloperError(
            f"Too many {what} {f'by {by}' if by else 'in a single function execution'} "
            f"(limit: {getattr(self, name)}). To stay below it, "
            f"{remedy}. The limit is the setting max_{name}.",
            code=code,
        )


_SPLIT = "split the work over several mutations"
_SCHEDULE_ON = "schedule one function that works through a list, or that schedules the next part"

_BUDGETS = Usage.__struct_fields__
_SPELLINGS = {
    **{name: name for name in _BUDGETS},
    **{camel_case(name): name for name in _BUDGETS},
    # As `ctx.meta` calls them:
    "database_queries": "read_ranges",
    "databaseQueries": "read_ranges",
    "scheduledFunctionArgsBytes": "scheduled_args_bytes",
}


def _amounts(given: Any) -> list[tuple[str, int]]:
    if not isinstance(given, Mapping):
        raise _no_limits(f"is a dict, not {type(given).__name__}")
    found: list[tuple[str, int]] = []
    for name, amount in given.items():  # pyright: ignore[reportUnknownVariableType]
        if name not in _SPELLINGS:
            raise _no_limits(f"has no {name!r:.80}")
        whole = amount.is_integer() if isinstance(amount, float) else type(amount) is int  # pyright: ignore[reportUnknownArgumentType]
        if not whole or amount < 0:
            raise _no_limits(f"takes whole numbers of at least 0, and {name} is {amount!r:.80}")
        found.append((_SPELLINGS[name], int(amount)))  # pyright: ignore[reportUnknownArgumentType]
    return found


def _no_limits(fault: str) -> DeveloperError:
    return DeveloperError(
        f"transaction_limits {fault}. Give any of: {', '.join(_BUDGETS)}.", code="InvalidTransactionLimits"
    )
