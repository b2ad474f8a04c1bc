"""What one transaction may read and write."""

import msgspec

from reactor.errors import DeveloperError
from reactor.values import DOCUMENT, Limits

__all__ = ["TransactionLimits"]


class TransactionLimits(msgspec.Struct, frozen=True):
    """Budgets of one function execution, nested calls included. Bytes are those of the stored form.

    `document` limits each single one. A budget that was exceeded stays spent: whoever catches the error can neither
    read nor write more.
    """

    documents_read: int = 32_000
    bytes_read: int = 16 * 2**20
    read_ranges: int = 4_096
    documents_written: int = 16_000
    bytes_written: int = 16 * 2**20
    query_operators: int = 256
    document: Limits = DOCUMENT

    def check_read(self, documents: int, size: int) -> None:
        """Raises DeveloperError naming the exceeded budget."""
        if documents > self.documents_read:
            remedy = "read fewer with an index range or take()"
            raise _exceeded("documents read", self.documents_read, remedy, code="TooManyDocumentsRead")
        if size > self.bytes_read:
            remedy = "read fewer or smaller documents"
            raise _exceeded("bytes read", self.bytes_read, remedy, code="TooManyBytesRead")

    def check_written(self, documents: int, size: int) -> None:
        """Raises DeveloperError naming the exceeded budget."""
        if documents > self.documents_written:
            remedy = "split the work over several mutations"
            raise _exceeded("writes", self.documents_written, remedy, code="TooManyWrites")
        if size > self.bytes_written:
            remedy = "split the work over several mutations"
            raise _exceeded("bytes written", self.bytes_written, remedy, code="TooManyBytesWritten")


def _exceeded(what: str, limit: int, remedy: str, *, code: str) -> DeveloperError:
    return DeveloperError(
        f"Too many {what} in a single function execution (limit: {limit}). To stay below it, {remedy}.", code=code
    )
