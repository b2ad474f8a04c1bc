"""Which bytes a `Range` header asks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.http.byte_ranges import Whole, requested


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", range(1)),
        ("bytes=2-5", range(2, 6)),
        ("bytes=2-", range(2, 10)),
        ("bytes=2-99", range(2, 10)),
        ("bytes=-3", range(7, 10)),
        ("bytes=-99", range(10)),
        ("bytes= 1-2 ", range(1, 3)),
        ("bytes=10-", Whole.NOTHING),
        ("bytes=99999999999999999999-", Whole.NOTHING),
        ("bytes=-0", Whole.NOTHING),
        ("bytes=0-1,3-4", Whole.NOTHING),
        (None, Whole.FILE),
        ("", Whole.FILE),
        ("lines=1-2", Whole.FILE),
        ("bytes=", Whole.FILE),
        ("bytes=-", Whole.FILE),
        ("bytes=5-2", Whole.FILE),
        ("bytes=a-b", Whole.FILE),
        ("bytes=1-2,x", Whole.FILE),
        ("bytes=0x1-2", Whole.FILE),
        ("bytes=" + "9" * 5000 + "-", Whole.FILE),
    ],
)
def test_of_ten_bytes(header: str | None, expected: range | Whole):
    assert requested(header, 10) == expected


def test_nothing_has_no_part():
    assert requested("bytes=0-0", 0) is Whole.FILE


@given(st.integers(0, 300), st.integers(0, 300), st.integers(1, 200))
def test_a_range_is_the_slice(first: int, last: int, size: int):
    content = list(range(size))
    wanted = content[first : last + 1]
    found = requested(f"bytes={first}-{last}", size)
    if last < first:
        assert found is Whole.FILE
    elif not wanted:
        assert found is Whole.NOTHING
    else:
        assert isinstance(found, range)
        assert list(found) == wanted


@given(st.text(alphabet="bytes=0123456789-, \t", max_size=40), st.integers(0, 100))
def test_a_part_lies_within_the_file_whatever_is_asked(header: str, size: int):
    found = requested(header, size)
    assert isinstance(found, Whole) or (found and 0 <= found.start < found.stop <= size and found.step == 1)
