from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.database.limits import TransactionLimits, Usage
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


AMOUNTS = st.integers(0, 100)


@given(st.dictionaries(st.sampled_from(Usage.__struct_fields__), AMOUNTS), st.builds(Usage, *[AMOUNTS] * 5))
def test_budgets_of_a_call_only_narrow_and_count_from_its_beginning(amounts: Any, used: Usage) -> None:
    narrowed = SMALL.narrowed(amounts, used)
    for name in Usage.__struct_fields__:
        whole = getattr(SMALL, name)
        expected = min(whole, getattr(used, name) + amounts[name]) if name in amounts else whole
        assert getattr(narrowed, name) == expected
        assert (name in narrowed.granted) is (expected < whole)


def test_an_exceeded_budget_of_a_call_says_what_was_granted() -> None:
    narrowed = SMALL.narrowed({"documents_written": 2}, Usage(documents_written=1))
    narrowed.check_written(3, 0)
    with pytest.raises(DeveloperError) as raised:
        narrowed.check_written(4, 0)
    assert str(raised.value).startswith("Too many writes in a nested call (limit: 2, of its transaction_limits). To ")
    assert raised.value.code == "TooManyWrites"
