import pytest

from reactor.database.limits import TransactionLimits
from reactor.errors import DeveloperError

SMALL = TransactionLimits(documents_read=5, bytes_read=50, documents_written=4, bytes_written=40)


def test_defaults_are_convexs() -> None:
    limits = TransactionLimits()
    assert (limits.documents_read, limits.bytes_read, limits.read_ranges) == (32_000, 16 * 2**20, 4_096)
    assert (limits.documents_written, limits.bytes_written) == (16_000, 16 * 2**20)


def test_a_budget_may_be_used_up() -> None:
    SMALL.check_read(5, 50)
    SMALL.check_written(4, 40)


@pytest.mark.parametrize(
    ("read", "documents", "size", "text", "code"),
    [
        (True, 6, 0, "Too many documents read in a single function execution (limit: 5)", "TooManyDocumentsRead"),
        (True, 0, 51, "Too many bytes read in a single function execution (limit: 50)", "TooManyBytesRead"),
        (False, 5, 0, "Too many writes in a single function execution (limit: 4)", "TooManyWrites"),
        (False, 0, 41, "Too many bytes written in a single function execution (limit: 40)", "TooManyBytesWritten"),
    ],
)
def test_an_exceeded_budget_is_named_with_a_remedy(read: bool, documents: int, size: int, text: str, code: str) -> None:
    with pytest.raises(DeveloperError) as raised:
        (SMALL.check_read if read else SMALL.check_written)(documents, size)
    assert str(raised.value).startswith(text + ". To stay below it, ")
    assert raised.value.code == code
