"""Intervals against the plainest thing that could be right: a list that is searched from end to end."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.live.intervals import Intervals


class Owner:
    """Owners have no order, and asking for one is an error."""

    def __init__(self, name: int) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"owner {self.name}"


Interval = tuple[bytes, bytes, Owner]

OWNERS = [Owner(number) for number in range(4)]
KEYS = st.binary(max_size=3).map(lambda key: bytes(b"\x00\x01a\xff"[byte % 4] for byte in key))
INTERVALS = st.tuples(KEYS, KEYS, st.sampled_from(OWNERS))


def naive(intervals: list[Interval], key: bytes) -> list[tuple[bytes, bytes, int]]:
    return sorted((lower, upper, owner.name) for lower, upper, owner in intervals if lower <= key < upper)


def found(intervals: Intervals[Owner], key: bytes) -> list[tuple[bytes, bytes, int]]:
    return sorted((lower, upper, owner.name) for owner, lower, upper, _ in intervals.containing(key))


@given(st.lists(INTERVALS), st.lists(KEYS), st.data())
def test_adding_and_removing(added: list[Interval], keys: list[bytes], data: st.DataObject):
    intervals = Intervals[Owner]()
    for interval in added:
        intervals.add(*interval)
    left = list(added)
    for interval in data.draw(st.permutations(added)):
        for key in keys:
            assert found(intervals, key) == naive(left, key)
        intervals.remove(*interval)
        left.remove(interval)
    assert not intervals


def many(count: int, seed: int) -> list[Interval]:
    """Intervals of all lengths, some of them equal, in no order."""
    chance = random.Random(seed)
    places = [b"%05d" % chance.randrange(20_000) for _ in range(2 * count)]
    pairs = [sorted(places[at : at + 2]) for at in range(0, 2 * count, 2)]
    return [(lower, upper, chance.choice(OWNERS)) for lower, upper in pairs]


@pytest.mark.parametrize("narrow", [True, False])
def test_more_than_fit_into_one_group_of_blocks(narrow: bool):
    intervals, kept = Intervals[Owner](), many(6000, seed=1)
    if narrow:
        kept = [(lower, lower + b"~", owner) for lower, _, owner in kept]
    for interval in kept:
        intervals.add(*interval)
    probes = [b"%05d" % place for place in range(0, 20_000, 997)]
    for rest in (6000, 3000, 40, 0):
        for interval in kept[rest:]:
            intervals.remove(*interval)
        kept = kept[:rest]
        for key in probes:
            assert found(intervals, key) == naive(kept, key)


def test_many_that_begin_at_one_key():
    intervals = Intervals[Owner]()
    kept: list[Interval] = [(b"a", b"b%04d" % number, OWNERS[number % 4]) for number in range(500)]
    for interval in kept:
        intervals.add(*interval)
    for interval in kept[1::2]:
        intervals.remove(*interval)
    assert found(intervals, b"b0400") == naive(kept[::2], b"b0400")


def test_the_upper_end_is_outside():
    intervals = Intervals[Owner]()
    intervals.add(b"b", b"d", OWNERS[0])
    assert [bool(found(intervals, key)) for key in (b"a", b"b", b"c\xff", b"d")] == [False, True, True, False]


def test_an_interval_without_keys_contains_none():
    intervals = Intervals[Owner]()
    intervals.add(b"b", b"a", OWNERS[0])
    assert found(intervals, b"b") == []
    intervals.remove(b"b", b"a", OWNERS[0])


def test_what_was_not_added_cannot_be_removed():
    intervals = Intervals[Owner]()
    intervals.add(b"a", b"b", OWNERS[0])
    for wrong in ((b"a", b"b", OWNERS[1]), (b"a", b"c", OWNERS[0]), (b"0", b"b", OWNERS[0])):
        with pytest.raises(KeyError):
            intervals.remove(*wrong)


def test_looking_up_does_not_ask_those_that_end_before():
    """A look-up among disjoint intervals touches a few blocks, however many there are."""
    asked = 0

    class Counted(bytes):
        __hash__ = bytes.__hash__

        def __lt__(self, other: bytes) -> bool:
            nonlocal asked
            asked += 1
            return bytes.__lt__(self, other)

        def __gt__(self, other: bytes) -> bool:
            nonlocal asked
            asked += 1
            return bytes.__gt__(self, other)

    intervals = Intervals[Owner]()
    for number in range(20_000):
        intervals.add(b"%06d" % number, b"%06d~" % number, OWNERS[0])
    assert found(intervals, Counted(b"019999!")) == [(b"019999", b"019999~", 0)]
    assert asked < 300
