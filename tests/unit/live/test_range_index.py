"""From written keys to those who read them, against a naive list; keys are those that values really have."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.database.ranges import KeyRange
from reactor.live.range_index import RangeIndex
from reactor.values import encode_key, prefix_end, successor

TEXT = st.text(alphabet="\x00\x01ab\xff😀", max_size=3)
FIELDS = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 2), TEXT, st.binary(max_size=2), st.lists(TEXT, max_size=2)
)
KEYS = st.lists(FIELDS, max_size=3).map(encode_key)


@st.composite
def ranges(draw: st.DrawFn) -> KeyRange:
    """What reads look like: one key, a whole prefix, a part of a prefix, or anything."""
    index, key = draw(st.integers(0, 1)), draw(KEYS)
    kind = draw(st.sampled_from(["point", "prefix", "from", "to", "any"]))
    other = key + draw(KEYS)
    lower, upper = {
        "point": (key, successor(key)),
        "prefix": (key, prefix_end(key)),
        "from": (successor(other), prefix_end(key)),
        "to": (key, successor(other)),
        "any": (draw(KEYS), draw(KEYS)),
    }[kind]
    return KeyRange(index, lower, upper)


def naive(owned: Iterable[tuple[KeyRange, str]], index: int, key: bytes) -> list[tuple[str, KeyRange]]:
    return sorted((name, r) for r, name in owned if r.index == index and r.lower <= key < r.upper)


@given(st.lists(st.tuples(ranges(), st.sampled_from("abc")), unique=True, max_size=20), st.lists(KEYS, max_size=10))
def test_who_reads_a_key(owned: list[tuple[KeyRange, str]], keys: list[bytes]):
    tree = RangeIndex[str]()
    for range, name in owned:
        tree.add([range], name)
    # The edges of the ranges are the keys most likely to be wrong about.
    probes = {*keys, *(edge for range, _ in owned for edge in (range.lower, range.upper))}
    while True:
        for index, key in ((index, key) for index in (0, 1, 2) for key in probes):
            assert sorted(tree.touched((index, key, ()))) == naive(owned, index, key)
        if not owned:
            break
        range, name = owned.pop(len(owned) // 2)
        tree.remove([range], name)
    assert not tree


def test_text_that_goes_on_after_a_nul_is_not_in_the_prefix_of_what_stands_before_it():
    tree = RangeIndex[str]()
    prefix = encode_key(["a"])
    tree.add([KeyRange(1, prefix, prefix_end(prefix))], "reader of a")
    assert [name for name, _ in tree.touched((1, encode_key(["a", "id"]), ()))] == ["reader of a"]
    assert list(tree.touched((1, encode_key(["a\x00b", "id"]), ()))) == []


def test_a_reader_of_several_ranges_is_found_by_each_and_goes_with_all():
    tree = RangeIndex[str]()
    channel = encode_key(["general"])
    reads = [
        KeyRange(1, channel, prefix_end(channel)),
        KeyRange(2, b"k", successor(b"k")),
        KeyRange(2, b"m", b"p"),
        KeyRange(2, b"r", b"t"),
    ]
    tree.add(reads, "reader")
    assert list(tree.touched((2, b"o", ()))) == [("reader", reads[2])]
    assert list(tree.touched((2, b"s", ()))) == [("reader", reads[3])]
    assert list(tree.touched((1, channel + b"x", ()))) == [("reader", reads[0])]
    tree.remove(reads[1:3], "reader")
    assert list(tree.touched((2, b"o", ()))) == []
    assert list(tree.touched((2, b"s", ()))) == [("reader", reads[3])]
    tree.remove([reads[0], reads[3]], "reader")
    assert not tree


def test_equal_ranges_of_several_readers():
    tree = RangeIndex[str]()
    prefix = encode_key(["general"])
    first, second, third = readers = ["a", "b", "c"]
    for range in (KeyRange(1, prefix, prefix_end(prefix)), KeyRange(1, b"k", b"k\x00"), KeyRange(1, b"k", b"p")):
        for reader in readers:
            tree.add([range], reader)
        tree.remove([range], second)
        assert sorted(name for name, _ in tree.touched((1, range.lower, ()))) == [first, third]
        for reader in (first, third):
            tree.remove([range], reader)
    assert not tree


def test_what_was_not_added_cannot_be_removed():
    tree = RangeIndex[str]()
    tree.add([KeyRange(1, b"a", b"a\x00")], "a")
    for range, name in ((KeyRange(2, b"a", b"a\x00"), "a"), (KeyRange(1, b"a", b"a\x00"), "b")):
        with pytest.raises(KeyError):
            tree.remove([range], name)
