"""What is known of ranges from before holds until something in them changes, or is changed with it."""

from collections.abc import Iterable, Sequence

from hypothesis import given
from hypothesis import strategies as st

from reactor.database.overlay import Overlay
from reactor.database.range_cache import Change, RangeCache
from reactor.store.seam import Commit, Point, Write

INDEX, OTHER = 7, 8


def apply(cache: RangeCache[int], ts: int, *points: Point) -> None:
    overlay = Overlay()
    for point in points:
        for key, there in ((point.old, False), (point.new, True)):
            if key is not None:
                overlay.set_entry(point.index, key, there=there)
    cache.apply(overlay, [Commit(ts, [Write("id", 1, b"", b"", [point])], "test", None) for point in points], ts)


def come(keys: Iterable[bytes], index: int = INDEX) -> list[Point]:
    return [Point(index, None, key) for key in keys]


def go(keys: Iterable[bytes], index: int = INDEX) -> list[Point]:
    return [Point(index, key, None) for key in keys]


def count(found: int, changes: Sequence[Change]) -> int | None:
    """Keys of a range; more than nine are not counted."""
    found += sum(1 if change.came else -1 for change in changes)
    return None if found > 9 else found


def known(cache: RangeCache[int], ts: int, lower: bytes = b"b", upper: bytes = b"d") -> int | None:
    return cache.find(INDEX, lower, upper, ts)


def test_a_range_is_known_until_something_in_it_changes() -> None:
    cache, totals = RangeCache[int](), 17
    assert known(cache, 1) is None
    cache.add(INDEX, b"b", b"d", 1, totals)
    for ts, key in enumerate((b"a", b"d", b"dd"), 2):
        apply(cache, ts, *come([key]))
        assert known(cache, ts) is totals
    apply(cache, 5, *come([b"b"], OTHER))
    assert known(cache, 5) is totals
    apply(cache, 6, *go([b"c"]))
    assert known(cache, 6) is None


def test_a_range_is_changed_with_what_is_in_it() -> None:
    cache = RangeCache[int](count)
    cache.add(INDEX, b"b", b"d", 1, 3)
    apply(cache, 2, *come([b"b", b"c", b"d"]), *go([b"bb"]))
    assert known(cache, 2) == 4
    apply(cache, 3, Point(INDEX, b"b", b"bbb"), Point(INDEX, b"c", b"d"), Point(INDEX, b"cc", b"cc"))
    assert known(cache, 3) == 3
    apply(cache, 4, *come([b"b%d" % number for number in range(8)]))
    assert known(cache, 4) is None, "it could not be told"
    assert known(cache, 4) is None


def test_what_was_asked_of_a_range_tells_it_from_others() -> None:
    cache = RangeCache[int](count)
    cache.add(INDEX, b"b", b"d", 1, 3, asked="all")
    cache.add(INDEX, b"b", b"d", 1, 1, asked="one")
    apply(cache, 2, *come([b"c"]))
    assert [cache.find(INDEX, b"b", b"d", 2, asked) for asked in ("all", "one", None)] == [4, 2, None]


def test_an_older_snapshot_does_not_get_what_came_later() -> None:
    cache = RangeCache[int](count)
    cache.add(INDEX, b"b", b"d", 5, 3)
    assert known(cache, 4) is None
    assert known(cache, 5) == 3
    apply(cache, 7, *come([b"c"]))
    assert known(cache, 6) is None, "it is known for 5, but not kept as it was"
    assert known(cache, 7) == 4
    assert known(cache, 6) is None
    apply(cache, 8, *come([b"x"]))
    assert known(cache, 7) == 4, "nothing in the range has changed since"


def test_what_an_older_snapshot_showed_is_not_kept() -> None:
    cache = RangeCache[int]()
    apply(cache, 5, *come([b"c"]))
    cache.add(INDEX, b"b", b"d", 4, 17)
    assert known(cache, 5) is None


def test_a_range_that_was_not_read_for_long_is_read_anew() -> None:
    cache = RangeCache[int](count)
    cache.add(INDEX, b"b", b"d", 1, 1)
    cache.add(INDEX, b"b", b"c", 1, 1)
    for ts in range(2, 40):
        apply(cache, ts, *come(b"x%d-%d" % (ts, number) for number in range(100)))
        assert known(cache, ts) is not None, "it was read all the time"
    assert known(cache, 40, b"b", b"c") is None


def test_there_is_an_end_to_how_many_are_known() -> None:
    cache = RangeCache[int](most=100)
    for number in range(1_000):
        cache.add(INDEX, b"%04d" % number, b"x", 1, 17)
    held = [number for number in range(1_000) if known(cache, 1, b"%04d" % number, b"x") is not None]
    assert 90 <= len(held) <= 100
    assert held[-1] == 999


KEYS = st.binary(min_size=1, max_size=2)


@given(st.lists(st.one_of(st.sets(KEYS, max_size=3), st.tuples(KEYS, KEYS, st.integers(0, 2))), max_size=40))
def test_it_agrees_with_reading_anew(steps: list[set[bytes] | tuple[bytes, bytes, int]]) -> None:
    """Every commit takes out what is there and puts in what is not; readers stand at it or up to two commits before."""
    cache, states = RangeCache[int](count, most=5), [frozenset[bytes]()]
    for step in steps:
        if isinstance(step, set):
            there = states[-1]
            states.append(there ^ step)
            apply(cache, len(states) - 1, *go(step & there), *come(step - there))
            continue
        lower, upper, ago = step
        ts = max(0, len(states) - 1 - ago)
        expected = sum(1 for key in states[ts] if lower <= key < upper)
        found = cache.find(INDEX, lower, upper, ts)
        if found is None:
            found = expected
            cache.add(INDEX, lower, upper, ts, found)
        assert found == expected
