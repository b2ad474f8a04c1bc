import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.database.catalog import IndexInfo
from reactor.database.index_range import IndexRange
from reactor.errors import DeveloperError, InvalidValue
from reactor.values import UNSET, Int64, compare, encode_key, encode_value

INDEX = IndexInfo(7, "by_a_b", ("a", "b", "_creationTime", "_id"))

values: st.SearchStrategy[Any] = st.sampled_from(
    [UNSET, None, Int64(-3), Int64(1), 0, 1, 1.5, -0.0, False, True, "", "a", "a\x00", "a\x00b", "b", b"", [], [1], {}]
)
bounds = st.none() | st.tuples(values, st.booleans())

Range = Callable[[IndexRange], IndexRange]


def new() -> IndexRange:
    return IndexRange("words", INDEX)


def fails(range: Range, code: str, text: str) -> None:
    with pytest.raises(DeveloperError, match=re.escape(text)) as raised:
        range(new()).bounds()
    assert raised.value.code == code


@given(st.lists(values, max_size=2), bounds, bounds, st.tuples(values, values, values))
def test_a_key_is_within_the_bounds_when_its_fields_are(
    equal: list[Any], lower: tuple[Any, bool] | None, upper: tuple[Any, bool] | None, fields: tuple[Any, Any, Any]
) -> None:
    q, holds = new(), True
    for name, value, field in zip(INDEX.fields, equal, fields, strict=False):
        q = q.eq(name, value)
        holds = holds and compare(field, value) == 0
    name, field = INDEX.fields[len(equal)], fields[len(equal)]
    if lower is not None:
        q = (q.gte if lower[1] else q.gt)(name, lower[0])
        holds = holds and compare(field, lower[0]) >= (0 if lower[1] else 1)
    if upper is not None:
        q = (q.lte if upper[1] else q.lt)(name, upper[0])
        holds = holds and compare(field, upper[0]) <= (0 if upper[1] else -1)
    first, last = q.bounds()
    assert (first <= encode_key(fields) < last) == holds


def test_bounds_are_the_narrowest_prefix() -> None:
    assert new().bounds() == (b"", b"\xff")
    key = encode_value("x")
    assert new().eq("a", "x").bounds() == (key, key + b"\xff")
    assert new().eq("a", "x").gt("b", 1).bounds() == (key + encode_value(1) + b"\xff", key + b"\xff")
    assert new().lt("a", "x").bounds() == (b"", key)


def test_equalities_may_come_in_any_order() -> None:
    assert new().eq("b", 1).eq("a", 2).bounds() == new().eq("a", 2).eq("b", 1).bounds()
    assert new().gt("b", 1).eq("a", 2).bounds() == new().eq("a", 2).gt("b", 1).bounds()


@pytest.mark.parametrize(
    ("range", "kind"),
    [
        (lambda q: q.gt("a", 1).gt("a", 2), "lower"),
        (lambda q: q.gt("a", 1).gte("b", 2), "lower"),
        (lambda q: q.lt("a", 1).lte("a", 2), "upper"),
        (lambda q: q.eq("a", 1).eq("a", 1), "equality"),
        (lambda q: q.eq("a", 1).gt("a", 0), "equality"),
        (lambda q: q.lt("a", 1).eq("a", 0), "equality"),
        (lambda q: q.eq("a", 1).eq("b", 1).eq("_creationTime", 1).eq("_id", "x").gt("_id", "y"), "equality"),
    ],
)
def test_a_bound_is_given_once(range: Range, kind: str) -> None:
    fails(range, "AlreadyDefinedBound", f"Already defined {kind} bound in the range of index words.by_a_b")


@pytest.mark.parametrize(
    "range",
    [
        lambda q: q.gt("a", 1).lt("b", 2),
        lambda q: q.gt("b", 1).lt("a", 2),
        lambda q: q.eq("a", 0).gt("b", 1).lt("_id", "x"),
    ],
)
def test_bounds_are_on_one_field(range: Range) -> None:
    fails(range, "BoundsOnMultipleFields", "Bounds can only be applied to a single index field")


@pytest.mark.parametrize(
    ("range", "missing"),
    [
        (lambda q: q.eq("b", 1), "fixes `b`, but not `a`"),
        (lambda q: q.eq("a", 1).eq("_creationTime", 1), "fixes `a`, `_creationTime`, but not `b`"),
        (lambda q: q.gt("b", 1), "`b` is bounded before the fields ahead of it"),
        (lambda q: q.eq("a", 1).lt("_id", "x"), "`_id` is bounded before the fields ahead of it"),
    ],
)
def test_fields_come_in_the_order_of_the_index(range: Range, missing: str) -> None:
    fails(
        range,
        "InvalidIndexRange",
        "didn't use the index fields in order: it has fields `a`, `b`, `_creationTime`, `_id`",
    )
    fails(range, "InvalidIndexRange", missing)


@pytest.mark.parametrize("method", ["eq", "gt", "gte", "lt", "lte"])
def test_fields_are_those_of_the_index(method: str) -> None:
    fails(
        lambda q: getattr(q, method)("c", 1),
        "InvalidIndexRange",
        "The index words.by_a_b has no field `c`. Its fields in order: `a`",
    )


def test_what_is_compared_is_a_value() -> None:
    with pytest.raises(InvalidValue):
        new().eq("a", object()).bounds()
