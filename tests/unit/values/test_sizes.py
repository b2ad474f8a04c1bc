"""Convex sizes and depths, and how the limits speak."""

from __future__ import annotations

import pytest
from hypothesis import given

from reactor.errors import InvalidValue
from reactor.values import ANY, ARGS, DOCUMENT, RESULT, UNSET, Int64, Value, depth_of, encode, size_of
from reactor.values.sizes import format_bytes

from .samples import Colour, nested
from .strategies import values


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (None, 1),
        (True, 1),
        (False, 1),
        (0, 9),
        (1.5, 9),
        (Int64(0), 9),
        ("", 2),
        ("hi", 4),
        ("é😀", 8),
        (b"", 2),
        (b"abc", 5),
        ([], 2),
        ([None, 1, "a"], 2 + 1 + 9 + 3),
        ((1,), 11),
        ({}, 2),
        ({"a": 1, "b": "hi"}, 19),
        ({"": None}, 2 + 1 + 1),
        ({"a": UNSET, "b": None}, 2 + 2 + 1),
        ({"a": [{"b": b"x"}]}, 2 + 2 + 2 + 2 + 2 + 3),
        (Colour.RED, 5),
        ("\ud800", 5),
    ],
)
def test_sizes(value: Value, size: int) -> None:
    assert size_of(value) == size


@pytest.mark.parametrize(
    ("value", "depth"),
    [(1, 0), ("[[", 0), ([], 1), ({}, 1), ([1], 1), ({"a": []}, 2), ([1, [2, {"a": ()}], []], 4), (nested(70), 70)],
)
def test_depths(value: Value, depth: int) -> None:
    assert depth_of(value) == depth


def test_measuring_does_not_run_into_pythons_limit_of_calls() -> None:
    deep = nested(100_000)
    assert depth_of(deep) == 100_000
    assert size_of(deep) == 200_001
    while deep:  # taken apart from the outside: dropping it in one go would be as deep
        deep = deep.pop()


def test_what_is_no_value_has_no_size() -> None:
    with pytest.raises(InvalidValue, match="set is not a supported value"):
        size_of([{1}])


@given(values)
def test_no_value_is_larger_than_five_times_its_text(value: Value) -> None:
    """What spares most values an exact count."""
    assert size_of(value) <= len(encode(value, limits=ANY)) * 5 + 4


@pytest.mark.parametrize("value", [0, [0] * 1000, {"": 0}, [[0]] * 50, {str(digit): 0 for digit in range(10)}])
def test_the_values_that_are_large_for_their_text(value: Value) -> None:
    assert size_of(value) <= len(encode(value)) * 5 + 4


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1 KiB"), (1536, "1.5 KiB"), (1 << 20, "1 MiB"), (17 << 20, "17 MiB")],
)
def test_sizes_for_people(size: int, text: str) -> None:
    assert format_bytes(size) == text


def test_limits_name_what_they_limit() -> None:
    assert str(ARGS.refuse_size(17 << 20)).startswith("Arguments are too large (actual: 17 MiB, limit: 16 MiB)")
    assert str(RESULT.refuse_size(17 << 20)).startswith("Return value is too large (actual: 17 MiB, limit: 16 MiB)")
    assert str(DOCUMENT.refuse_size(3 << 20)).startswith("Document is too large (3 MiB > maximum size 1 MiB)")
    assert str(ANY.refuse_size((32 << 20) + 1)).startswith("Value is too large (33554433 bytes > maximum size 32 MiB)")
