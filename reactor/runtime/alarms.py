"""Warnings in a run's log that a limit is near, so that it is noticed before the data have grown.

A line has the code of the error that would come next (get-convex/convex-backend, crates/udf/src/warnings.rs).
Arguments and time are looked at where they are measured, in `calls`, `stepping` and `patience`.
"""

from reactor.database.limits import TransactionLimits, Usage
from reactor.database.transaction import Transaction
from reactor.runtime.limits import NEAR
from reactor.runtime.logs import Level, RunLog

__all__ = ["Alarms"]

_NAMES = {
    "documents_read": ("TooManyDocumentsRead", "documents read"),
    "bytes_read": ("TooManyBytesRead", "bytes read"),
    "read_ranges": ("TooManyReads", "ranges of indexes read"),
    "documents_written": ("TooManyWrites", "documents written"),
    "bytes_written": ("TooManyBytesWritten", "bytes written"),
    "functions_scheduled": ("TooManyFunctionsScheduled", "functions scheduled"),
    "scheduled_args_bytes": ("ScheduledFunctionsArgumentsTooLarge", "bytes of arguments of functions scheduled"),
}


class Alarms:
    """Looks at the end of every run whether one of its budgets is nearly used up."""

    __slots__ = ("_limits", "_near")

    def __init__(self) -> None:
        self._use(TransactionLimits())

    def _use(self, limits: TransactionLimits) -> None:
        self._limits = limits
        self._near = Usage(**{name: int(getattr(limits, name) * NEAR) for name in _NAMES})

    def look(self, tx: Transaction, log: RunLog) -> None:
        """Add what is to be said of a transaction to the log of its run. Costs a few comparisons as a rule."""
        if tx.limits is not self._limits:
            self._use(tx.limits)
        near, reads = self._near, tx.reads
        if (
            reads.documents > near.documents_read
            or reads.size > near.bytes_read
            or tx.documents_written > near.documents_written
            or tx.bytes_written > near.bytes_written
            or reads.count() > near.read_ranges
            or tx.functions_scheduled > near.functions_scheduled
            or tx.scheduled_args_bytes > near.scheduled_args_bytes
        ):
            self._tell(tx.usage(), log)

    def _tell(self, usage: Usage, log: RunLog) -> None:
        for name, (code, what) in _NAMES.items():
            used, limit = getattr(usage, name), getattr(self._limits, name)
            if getattr(self._near, name) < used <= limit:
                log.add(Level.WARN, f"{code}: {used} {what} in this run (limit: {limit}, the setting max_{name}).")
