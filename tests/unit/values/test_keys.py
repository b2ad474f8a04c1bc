"""Byte keys: the vectors of the protocol, and their order against a plain comparison of values."""

from __future__ import annotations

import math
from struct import pack, unpack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.errors import InvalidValue
from reactor.values import (
    COMMIT_TS,
    UNSET,
    Int64,
    Value,
    compare,
    encode_key,
    encode_value,
    has_prefix,
    prefix_end,
    successor,
)

from .samples import Colour, Level
from .strategies import keyed, scalars

key_parts = st.lists(keyed | scalars, max_size=4)


def sortable(value: Value) -> tuple[object, ...]:
    """A tuple that Python sorts as the documented order says; written for clearness, not derived from any code."""
    if value is UNSET:
        return (0,)
    if value is None:
        return (1,)
    if isinstance(value, bool):
        return (4, value)
    if isinstance(value, Int64):
        return (2, int(value))
    if value is COMMIT_TS:
        return (2, 2**63 - 1)
    if isinstance(value, int | float):
        return (3, *sortable_float(float(value)))
    if isinstance(value, str):
        return (5, [ord(character) for character in value])
    if isinstance(value, bytes):
        return (6, list(value))
    if isinstance(value, list):
        return (7, [sortable(item) for item in value])
    return (8, sorted((name, sortable(item)) for name, item in value.items()))


def sortable_float(number: float) -> tuple[float, ...]:
    sign = math.copysign(1, number)
    if math.isnan(number):
        payload = unpack("<Q", pack("<d", number))[0] & ((1 << 52) - 1)
        return (2 * sign, sign * payload, 0)
    return (0, number, sign)


def sign(number: int) -> int:
    return (number > 0) - (number < 0)


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (UNSET, "01"),
        (None, "03"),
        (Int64(0), "08"),
        (Int64(1), "0901"),
        (Int64(-1), "07ff"),
        (Int64(127), "097f"),
        (Int64(128), "0a0080"),
        (Int64(-128), "0780"),
        (Int64(-129), "06ff7f"),
        (Int64(300), "0a012c"),
        (Int64(32768), "0b00008000"),
        (Int64(2**31), "0c0000000080000000"),
        (Int64(-(2**31)), "0580000000"),
        (Int64(2**63 - 1), "0c7fffffffffffffff"),
        (Int64(-(2**63)), "048000000000000000"),
        (1.0, "0dbff0000000000000"),
        (1, "0dbff0000000000000"),
        (0, "0d8000000000000000"),
        (0.0, "0d8000000000000000"),
        (-0.0, "0d7fffffffffffffff"),
        (-1, "0d400fffffffffffff"),
        (False, "0e"),
        (True, "0f"),
        ("", "1000"),
        ("a\x00b", "106100ff6200"),
        (b"\x00", "1100ff00"),
        ([], "1200"),
        ([None, "a"], "120310610000"),
        (("a",), "1210610000"),
        ({}, "1500"),
        ({"b": None, "a": True}, "1561000f62000300"),
        ({"": None}, "1500ff0300"),
        ({"a": UNSET}, "1500"),
        (Colour.RED, "1072656400"),
        (Level.HIGH, "0dc008000000000000"),
    ],
)
def test_vectors(value: Value, key: str) -> None:
    assert encode_value(value).hex() == key
    assert encode_key([value, value]).hex() == key * 2


@given(keyed, keyed)
def test_keys_sort_as_values_do(a: Value, b: Value) -> None:
    one, two = encode_value(a), encode_value(b)
    assert sign(compare(a, b)) == (one > two) - (one < two)
    assert (one < two) == (sortable(a) < sortable(b))
    assert (one == two) == (sortable(a) == sortable(b))


@given(key_parts, key_parts)
def test_keys_of_several_values_sort_as_their_tuples_do(a: list[Value], b: list[Value]) -> None:
    length = min(len(a), len(b))
    one, two = a[:length], b[:length]
    assert (encode_key(one) < encode_key(two)) == ([*map(sortable, one)] < [*map(sortable, two)])


@given(keyed, keyed)
def test_no_key_begins_with_the_value_of_another(a: Value, b: Value) -> None:
    one, two = encode_value(a), encode_value(b)
    assert has_prefix(one, two) == (one == two)


@pytest.mark.parametrize(
    ("longer", "shorter"), [("a\x00", "a"), (b"\x00", b""), ({"": None}, {}), ("\x00\x00", "\x00")]
)
def test_the_bytes_of_a_key_may_go_on_though_its_values_differ(longer: Value, shorter: Value) -> None:
    key, prefix = encode_value(longer), encode_value(shorter)
    assert key.startswith(prefix)
    assert not has_prefix(key, prefix)
    assert key >= prefix_end(prefix)


@given(key_parts, keyed, key_parts)
def test_a_prefix_and_its_end_hold_exactly_the_keys_that_go_on_from_it(
    prefix: list[Value], other: Value, rest: list[Value]
) -> None:
    start = encode_key(prefix)
    assert start <= encode_key([*prefix, *rest]) < prefix_end(start)
    key = encode_key([*prefix[:-1], other, *rest])
    alike = not prefix or sortable(prefix[-1]) == sortable(other)
    assert (start <= key < prefix_end(start)) == has_prefix(key, start) == alike


@given(st.binary(), st.binary())
def test_nothing_lies_between_a_key_and_its_successor(key: bytes, other: bytes) -> None:
    assert key < successor(key)
    assert not key < other < successor(key)


@given(st.lists(scalars, max_size=5))
def test_an_array_is_a_value_of_its_own(parts: list[Value]) -> None:
    assert encode_value(parts) == b"\x12" + encode_key(parts) + b"\x00"
    assert encode_value(tuple(parts)) == encode_value(parts)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({1, 2}, "set is not a supported value"),
        (2**53 + 1, "use Int64"),
        ("\ud800", "lone surrogate"),
        ("\x00\ud800", "lone surrogate"),
        ([object()], "object is not a supported value"),
    ],
)
def test_what_is_no_value_has_no_key(value: object, text: str) -> None:
    with pytest.raises(InvalidValue, match=text):
        encode_value(value)
    with pytest.raises(InvalidValue, match=text):
        encode_key(["a", value])
