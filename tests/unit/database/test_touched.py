"""Keys that commits touched, against what was read."""

from hypothesis import given
from hypothesis import strategies as st

from reactor.database.ranges import KeyRange
from reactor.database.touched import Touched, keys_of
from reactor.store.seam import CATALOG_INDEX, OUTCOME_INDEX, Commit, LogEntry, Outcome, Point, TableRecord, Write
from reactor.values import encode_value

KEYS = st.tuples(st.integers(1, 3), st.binary(max_size=2))
RANGES = st.tuples(KEYS, st.binary(max_size=2)).map(lambda found: KeyRange(*found[0], found[1]))


@given(st.lists(KEYS), st.lists(KEYS), st.lists(RANGES))
def test_a_range_is_met_by_the_keys_in_it(
    first: list[tuple[int, bytes]], more: list[tuple[int, bytes]], ranges: list[KeyRange]
) -> None:
    touched, other = Touched(), Touched()
    touched.add(first)
    assert touched.meets(ranges) == any(r.touched((*key, ())) for r in ranges for key in first)
    other.add(more)
    touched.merge(other)
    assert touched.meets(ranges) == any(r.touched((*key, ())) for r in ranges for key in first + more)
    assert bool(touched) == bool(first + more)


def test_a_key_that_both_wrote_is_met() -> None:
    touched = Touched()
    touched.add([(4, b"k")])
    assert touched.meets([], [(4, b"k")])
    assert not touched.meets([], [(5, b"k"), (4, b"l")])


def test_the_catalog_touches_everything() -> None:
    touched = Touched()
    touched.add([(CATALOG_INDEX, b"dogs")])
    assert touched.meets([])
    other = Touched()
    other.merge(touched)
    assert other.meets([])


def test_a_commit_and_its_entry_of_the_log_have_the_same_keys() -> None:
    write = Write("doc", 7, b"old", b"new", [Point(3, b"a", b"b"), Point(4, b"c", b"c"), Point(5, None, b"d")])
    commit = Commit(
        9,
        [write],
        "f",
        Outcome(b"s" * 16, 2, b"", []),
        [TableRecord("dogs", 8, 10, 11)],
        entries=[Point(6, b"e", None)],
    )
    points = [
        Point(6, b"e", None),
        Point(CATALOG_INDEX, None, b"dogs"),
        Point(OUTCOME_INDEX, None, b"s" * 16 + bytes(7) + b"\x02"),
    ]
    expected = {
        (1, encode_value("doc")), (3, b"a"), (3, b"b"), (4, b"c"), (5, b"d"), (6, b"e"),
        (CATALOG_INDEX, b"dogs"), (OUTCOME_INDEX, b"s" * 16 + bytes(7) + b"\x02"),
    }  # fmt: skip
    assert set(keys_of(commit, {7: 1})) == set(keys_of(LogEntry(9, "f", [write], points), {7: 1})) == expected
