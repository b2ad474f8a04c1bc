"""Equality of values by kind. (Their order is tested with the keys that must agree with it.)"""

from __future__ import annotations

import copy
import math

import pytest
from hypothesis import given

from reactor.errors import InvalidValue
from reactor.values import UNSET, Int64, Value, compare, same

from .samples import Colour, Level
from .strategies import values


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (1, 1.0),
        (Int64(1), Int64(1)),
        (math.nan, float("nan")),
        ([1, {"a": (2.0,)}], [1.0, {"a": [2]}]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (Colour.RED, "red"),
        ("red", Colour.RED),
        (Level.HIGH, 3),
    ],
)
def test_equal(a: Value, b: Value) -> None:
    assert same(a, b)
    assert same([a], [b])


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (1, Int64(1)),
        (1.0, Int64(1)),
        (True, 1),
        (1.0, True),
        (Int64(1), True),
        (0.0, -0.0),
        (0, -0.0),
        (math.nan, -math.nan),
        (math.nan, 1.0),
        ("a", b"a"),
        (None, False),
        ([], {}),
        ({}, None),
        ("", []),
        ({"a": 1}, {"b": 1}),
        ({"a": 1}, {"a": 1, "b": 1}),
        ([1], [1, 1]),
        ([1, Int64(1)], [1, 1]),
    ],
)
def test_different(a: Value, b: Value) -> None:
    assert not same(a, b)
    assert not same({"x": b}, {"x": a})


@given(values, values)
def test_equality_is_the_order_s_equality(a: Value, b: Value) -> None:
    assert same(a, copy.deepcopy(a))
    assert same(a, b) == (compare(a, b) == 0)


def test_unset_members_have_no_part_in_the_order() -> None:
    assert compare({"a": UNSET, "b": 1}, {"b": 1}) == 0


def test_only_values_have_a_place_in_the_order() -> None:
    with pytest.raises(InvalidValue, match="set is not a supported value"):
        compare(1, {1})
