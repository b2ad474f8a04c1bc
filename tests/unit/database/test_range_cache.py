"""What is known of ranges from before holds only as long as nothing in their range has changed."""

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from reactor.database.overlay import Overlay
from reactor.database.range_cache import RangeCache

INDEX, OTHER = 7, 8


def changing(keys: Iterable[bytes], index: int = INDEX) -> Overlay:
    overlay = Overlay()
    for key in keys:
        overlay.set_entry(index, key, there=True)
    return overlay


def known(cache: RangeCache[int], ts: int, lower: bytes = b"b", upper: bytes = b"d") -> int | None:
    return cache.find(INDEX, lower, upper, ts)


def test_a_range_is_known_until_something_in_it_changes() -> None:
    cache, totals = RangeCache[int](), 17
    assert known(cache, 1) is None
    cache.add(INDEX, b"b", b"d", 1, totals)
    for ts, key in enumerate((b"a", b"d", b"dd"), 2):
        cache.apply(changing([key]), ts)
        assert known(cache, ts) is totals
    cache.apply(changing([b"b"], OTHER), 5)
    assert known(cache, 5) is totals
    cache.apply(changing([b"c"]), 6)
    assert known(cache, 6) is None


def test_an_older_snapshot_does_not_get_what_came_later() -> None:
    cache = RangeCache[int]()
    cache.add(INDEX, b"b", b"d", 5, 17)
    assert known(cache, 4) is None
    assert known(cache, 5) is not None


def test_what_an_older_snapshot_showed_is_not_kept() -> None:
    cache = RangeCache[int]()
    cache.apply(changing([b"c"]), 5)
    cache.add(INDEX, b"b", b"d", 4, 17)
    assert known(cache, 5) is None


def test_a_range_that_was_not_read_for_long_is_read_anew() -> None:
    cache = RangeCache[int]()
    cache.add(INDEX, b"b", b"d", 1, 17)
    cache.add(INDEX, b"b", b"c", 1, 17)
    for ts in range(2, 40):
        cache.apply(changing(b"x%d-%d" % (ts, number) for number in range(100)), ts)
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


@given(st.lists(st.one_of(st.sets(KEYS, max_size=3), st.tuples(KEYS, KEYS)), max_size=40))
def test_it_agrees_with_reading_anew(steps: list[set[bytes] | tuple[bytes, bytes]]) -> None:
    """Every commit adds one to each key that it changes; a range comes to the sum of its keys."""
    cache, numbers = RangeCache[int](most=5), dict[bytes, int]()
    for ts, step in enumerate(steps, 1):
        if isinstance(step, set):
            for key in step:
                numbers[key] = numbers.get(key, 0) + 1
            cache.apply(changing(step), ts)
            continue
        lower, upper = step
        count = sum(number for key, number in numbers.items() if lower <= key < upper)
        found = cache.find(INDEX, lower, upper, ts)
        if found is None:
            found = count
            cache.add(INDEX, lower, upper, ts, found)
        assert found == count
