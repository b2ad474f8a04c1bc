"""What is kept of results, for whom, for how long, and within which bounds."""

import tracemalloc
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.database.ranges import KeyRange
from reactor.live.live_query import QueryKey
from reactor.live.result_cache import CachedResult, ResultCache
from reactor.values import encode_id, encode_key
from tests.unit.live.clients import commit, point

ROOM = 2**20


def result(
    args: bytes = b"{}", *keys: bytes, identity: str | None = None, value: bytes = b"1", lines: Sequence[str] = ()
) -> CachedResult:
    key: QueryKey = ("rooms:list", args, None, identity)
    return CachedResult(key, args, value, list(lines), [point(key) for key in keys], 1)


def kept(cache: ResultCache, *arguments: bytes) -> list[bytes]:
    """Those of these arguments that have a result for everybody; asking is use."""
    return [args for args in arguments if cache.find("rooms:list", args, "") is not None]


def test_a_result_for_all_and_one_for_somebody():
    cache = ResultCache(ROOM)
    shared, anns = result(b"a"), result(b"b", identity="ann")
    cache.put(shared)
    cache.put(anns)
    assert cache.find("rooms:list", b"a", "ann") is cache.find("rooms:list", b"a", "") is shared
    assert cache.find("rooms:list", b"b", "ann") is anns
    assert cache.find("rooms:list", b"b", "") is None
    assert cache.find("rooms:get", b"a", "ann") is None
    assert len(cache) == 2


def test_a_commit_drops_what_it_touches_and_says_so():
    cache = ResultCache(ROOM)
    room = encode_id(10_001, bytes(16))
    written = encode_key(["red", room])
    for entry in (result(b"a", written, b"l"), result(b"b", written, b"m"), result(b"c", b"m")):
        cache.put(entry)
    cache.news([commit(written, b"l", ts=7, source="rooms:rename"), commit(b"x", ts=8)])
    assert kept(cache, b"a", b"b", b"c") == [b"c"]
    assert cache.dropped["commit"] == 2
    said = cache.drops.recent(str)
    assert [drop["args"] for drop in said] == ["b", "a"]
    assert {(drop["cause"], drop["ts"], drop["source"], drop["document"]) for drop in said} == {
        ("commit", "7", "rooms:rename", room)
    }


def test_a_commit_that_touches_one_result_by_several_ranges_drops_it_once():
    cache = ResultCache(ROOM)
    entry = result(b"a")
    entry.ranges = [KeyRange(1, b"k", b"k\x00"), KeyRange(1, b"k", b"k\xff")]
    cache.put(entry)
    cache.news([commit(b"k", b"k")])
    assert (len(cache), cache.bytes, cache.dropped["commit"]) == (0, 0, 1)


def test_a_newer_result_replaces_the_older():
    cache = ResultCache(ROOM)
    cache.put(result(b"a", b"old"))
    newer = result(b"a", b"new")
    cache.put(newer)
    cache.news([commit(b"old")])
    assert cache.find("rooms:list", b"a", "") is newer
    assert cache.bytes == newer.size


def test_what_was_asked_for_longest_ago_goes_first():
    sample = result(b"00", b"k")
    cache = ResultCache(sample.size * 20)
    for number in range(20):
        cache.put(result(b"%02d" % number, b"k"))
    assert kept(cache, b"00", b"01") == [b"00", b"01"]
    cache.put(result(b"20", b"k"))
    cache.put(result(b"21", b"k"))
    assert kept(cache, b"00", b"01", b"02", b"03", b"04", b"20", b"21") == [b"00", b"01", b"04", b"20", b"21"]
    assert cache.dropped["room"] > 0
    assert cache.bytes <= cache.max_bytes


def test_a_result_that_takes_more_than_a_sixteenth_is_not_kept():
    cache = ResultCache(64 * 1024)
    cache.put(result(b"a", value=b"x" * 4096))
    cache.put(result(b"b", value=b"x" * 3000))
    cache.put(result(b"c", *(b"%d" % number for number in range(20))))
    cache.put(result(b"d", lines=["x" * 4096]))
    assert kept(cache, b"a", b"b", b"c", b"d") == [b"b"]


def test_without_room_nothing_is_wanted_or_kept():
    cache = ResultCache(0)
    assert not any(cache.wants("rooms:list", b"a", 1) for _ in range(3))
    cache.put(result(b"a"))
    assert len(cache) == cache.bytes == 0


def test_a_result_is_wanted_when_it_is_asked_for_again():
    cache = ResultCache(ROOM)
    assert [cache.wants("rooms:list", b"a", 100) for _ in range(3)] == [False, True, True]
    assert not cache.wants("rooms:get", b"a", 100)
    assert not cache.wants("rooms:list", b"a", ROOM)


def test_what_served_nobody_before_it_was_dropped_has_to_be_asked_for_twice_again():
    cache = ResultCache(ROOM)
    for args in (b"useful", b"useless"):
        cache.wants("rooms:list", args, 100)
        cache.put(result(args, b"k"))
    cache.find("rooms:list", b"useful", "")
    cache.news([commit(b"k")])
    assert cache.wants("rooms:list", b"useful", 100)
    assert not cache.wants("rooms:list", b"useless", 100)


def test_a_live_query_takes_the_place_of_a_result():
    cache = ResultCache(ROOM)
    cache.put(result(b"a"))
    cache.superseded(("rooms:list", b"b", None, None))
    cache.superseded(("rooms:list", b"a", "a journal", None))
    assert kept(cache, b"a") == [b"a"]
    cache.superseded(("rooms:list", b"a", None, None))
    assert kept(cache, b"a") == []
    assert cache.dropped["live"] == 1


def test_new_code_forgets_everything():
    cache = ResultCache(ROOM)
    cache.put(result(b"a", b"k"))
    cache.clear()
    assert (len(cache), cache.bytes, cache.generation, cache.dropped["code"]) == (0, 0, 1, 1)
    cache.news([commit(b"k")])
    cache.put(result(b"a", b"k"))
    assert kept(cache, b"a") == [b"a"]


@pytest.mark.parametrize("end", [b"\x00", b"\x01", b"\xff"], ids=["key", "range", "prefix"])
@pytest.mark.parametrize("many", [1, 30])
def test_the_bookkeeping_is_counted(end: bytes, many: int):
    def fill(cache: ResultCache, number: int) -> None:
        keys = [encode_key([f"room {number}.{range}"]) for range in range(many)]
        args = b'{"room":"room %d"}' % number
        ranges = [KeyRange(5, key, key + end) for key in keys]
        cache.put(CachedResult(("rooms:list", args, None, None), args, b"[%d]" % number, [], ranges, 1))

    tracemalloc.start()
    try:
        cache = ResultCache(2**30)
        before = tracemalloc.get_traced_memory()[0]
        for number in range(500):
            fill(cache, number)
        taken = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert 0.8 < cache.bytes / taken < 2


KEYS = [b"k", b"l", b"m"]
step = st.one_of(
    st.tuples(
        st.just("put"),
        st.sampled_from([b"a", b"b", b"c", b"d"]),
        st.sets(st.sampled_from(KEYS)),
        st.sampled_from([1, 500, 900, 2000]),
    ),
    st.tuples(st.just("find"), st.sampled_from([b"a", b"b", b"c", b"d"])),
    st.tuples(st.just("news"), st.sampled_from(KEYS)),
    st.tuples(st.just("superseded"), st.sampled_from([b"a", b"b"])),
    st.tuples(st.just("clear")),
)


@given(st.lists(step, max_size=60))
def test_against_a_list(steps: list[Any]):
    """The cache against a list of what it must hold, least recently used first."""
    cache = ResultCache(20_000)
    model: list[CachedResult] = []

    def without(args: bytes) -> list[CachedResult]:
        return [entry for entry in model if entry.key[1] != args]

    for name, *parts in steps:
        if name == "put":
            args, keys, size = parts
            entry = result(args, *keys, value=b"x" * size)
            cache.put(entry)
            if entry.size <= 20_000 // 16:
                model = [*without(args), entry]
                while sum(each.size for each in model) > 20_000:
                    model.pop(0)
        elif name == "find":
            found = cache.find("rooms:list", parts[0], "somebody")
            assert found is next((entry for entry in model if entry.key[1] == parts[0]), None)
            model = without(parts[0]) + ([found] if found else [])
        elif name == "news":
            cache.news([commit(parts[0])])
            model = [entry for entry in model if point(parts[0]) not in entry.ranges]
        elif name == "superseded":
            cache.superseded(("rooms:list", parts[0], None, None))
            model = without(parts[0])
        else:
            cache.clear()
            model = []
        assert (len(cache), cache.bytes) == (len(model), sum(entry.size for entry in model))
