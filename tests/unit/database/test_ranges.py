from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.database.limits import TransactionLimits
from reactor.database.ranges import KeyRange, OpenScan, ReadSet
from reactor.errors import DeveloperError

keys = st.binary(max_size=2)


def point(index: int, key: bytes) -> KeyRange:
    return KeyRange(index, key, key + b"\x00")


def test_a_scan_has_read_up_to_its_last_key() -> None:
    scan = OpenScan(1, b"b", b"y", reverse=False)
    assert (scan.read(), scan.rest()) == (None, (b"b", b"y"))
    scan.consume(b"d")
    assert (scan.read(), scan.rest()) == (KeyRange(1, b"b", b"d\x00"), (b"d\x00", b"y"))
    scan.consume(b"f")
    assert (scan.read(), scan.rest()) == (KeyRange(1, b"b", b"f\x00"), (b"f\x00", b"y"))
    scan.exhausted = True
    assert scan.read() == KeyRange(1, b"b", b"y")


def test_a_scan_backwards_has_read_down_to_its_last_key() -> None:
    scan = OpenScan(1, b"b", b"y", reverse=True)
    assert (scan.read(), scan.rest()) == (None, (b"b", b"y"))
    scan.consume(b"f")
    assert (scan.read(), scan.rest()) == (KeyRange(1, b"f", b"y"), (b"b", b"f"))
    scan.exhausted = True
    assert scan.read() == KeyRange(1, b"b", b"y")


def test_ranges_are_sorted_and_told_once() -> None:
    reads = ReadSet(TransactionLimits(read_ranges=10))
    for index, key in ((2, b"a"), (1, b"z"), (1, b"a"), (2, b"a")):
        reads.add_point(index, key)
    assert reads.ranges() == [point(1, b"a"), point(1, b"z"), point(2, b"a")]


def test_ranges_that_meet_are_one() -> None:
    reads = ReadSet(TransactionLimits(read_ranges=10))
    first = reads.open_scan(1, b"a", b"m", reverse=False)
    second = reads.open_scan(1, b"m", b"z", reverse=True)
    other = reads.open_scan(2, b"a", b"z", reverse=False)
    reads.add_point(1, b"c")
    assert reads.ranges() == [point(1, b"c")]
    first.exhausted = second.exhausted = True
    assert reads.ranges() == [KeyRange(1, b"a", b"z")]
    other.consume(b"b")
    assert reads.ranges() == [KeyRange(1, b"a", b"z"), KeyRange(2, b"a", b"b\x00")]


@given(st.lists(st.tuples(st.integers(1, 2), keys, keys), max_size=8), st.lists(st.tuples(st.integers(1, 2), keys)))
def test_merged_ranges_hold_the_same_keys(
    scans: list[tuple[int, bytes, bytes]], probes: list[tuple[int, bytes]]
) -> None:
    reads = ReadSet(TransactionLimits(read_ranges=100))
    wanted = [KeyRange(index, min(a, b), max(a, b)) for index, a, b in scans if a != b]
    for index, lower, upper, _ in wanted:
        reads.open_scan(index, lower, upper, reverse=False).exhausted = True
    merged = reads.ranges()

    def holds(ranges: list[KeyRange], index: int, key: bytes) -> bool:
        return any(r.index == index and r.lower <= key < r.upper for r in ranges)

    edges = [(r.index, key) for r in wanted for key in (r.lower, r.upper)]
    assert all(holds(merged, *probe) == holds(wanted, *probe) for probe in probes + edges)
    gaps = pairwise(merged)
    assert all(a.index < b.index or a.upper < b.lower for a, b in gaps)


def test_reads_are_limited_after_merging() -> None:
    reads = ReadSet(TransactionLimits(read_ranges=3))
    for key in (b"a", b"b", b"c", b"a", b"b"):
        reads.add_point(1, key)
    for _ in range(2):  # the budget stays spent
        with pytest.raises(
            DeveloperError, match=r"Too many reads in a single function execution \(limit: 3\)"
        ) as raised:
            reads.add_point(1, b"d")
        assert raised.value.code == "TooManyReads"


def test_what_was_merged_makes_room() -> None:
    reads = ReadSet(TransactionLimits(read_ranges=3))
    everything = reads.open_scan(1, b"", b"\xff", reverse=False)
    everything.exhausted = True
    for number in range(100):
        reads.add_point(1, b"%d" % number)
    reads.add_point(2, b"a")
    reads.add_point(2, b"b")
    with pytest.raises(DeveloperError, match="Too many reads"):
        reads.add_point(2, b"c")


def test_a_scan_that_has_not_begun_needs_room_all_the_same() -> None:
    reads = ReadSet(TransactionLimits(read_ranges=2))
    scans = [reads.open_scan(1, key, key + b"z", reverse=False) for key in (b"a", b"b")]
    with pytest.raises(DeveloperError, match="Too many reads"):
        reads.open_scan(1, b"c", b"d", reverse=False)
    for scan in scans:
        scan.exhausted = True
    assert len(reads.ranges()) == 2


def test_what_writes_looked_up_is_read_but_takes_no_room() -> None:
    reads = ReadSet(TransactionLimits(read_ranges=2))
    for number in range(10):
        reads.look_up(1, b"%d" % number, b"%dz" % number)
    reads.add_point(1, b"0a")
    reads.add_point(2, b"a")
    with pytest.raises(DeveloperError, match="Too many reads"):
        reads.add_point(2, b"b")
    assert len([range for range in reads.ranges() if range.index == 1]) == 10
