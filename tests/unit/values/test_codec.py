"""Values to Convex JSON and back: the vectors of the protocol, and round trips."""

from __future__ import annotations

import json
import math
import random
from base64 import b64encode
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.values import ANY, UNSET, Int64, Value, decode, decode_trusted, encode, same

from .strategies import plain_documents, values

WRAPPED = [
    (math.nan, b'{"$float":"AAAAAAAA+H8="}'),
    (-0.0, b'{"$float":"AAAAAAAAAIA="}'),
    (math.inf, b'{"$float":"AAAAAAAA8H8="}'),
    (-math.inf, b'{"$float":"AAAAAAAA8P8="}'),
    (Int64(1), b'{"$integer":"AQAAAAAAAAA="}'),
    (Int64(-1), b'{"$integer":"//////////8="}'),
    (Int64(2**63 - 1), b'{"$integer":"/////////38="}'),
    (b"\x00\x10\x83", b'{"$bytes":"ABCD"}'),
    (b"", b'{"$bytes":""}'),
]


def expected_json(value: Value) -> object:
    """The wire form by the table of the protocol, for comparison with what `encode` writes."""
    if isinstance(value, dict):
        return {name: expected_json(item) for name, item in value.items()}
    if isinstance(value, list):
        return [expected_json(item) for item in value]
    if isinstance(value, bytes):
        return {"$bytes": b64encode(value).decode()}
    if isinstance(value, Int64):
        return {"$integer": b64encode(pack("<q", value)).decode()}
    if isinstance(value, float) and (not math.isfinite(value) or (value == 0 and math.copysign(1, value) < 0)):
        return {"$float": b64encode(pack("<d", value)).decode()}
    return value


@pytest.mark.parametrize(("value", "raw"), WRAPPED)
def test_special_values_have_the_protocols_wrappers_in_all_places(value: Value, raw: bytes) -> None:
    assert encode(value) == raw
    assert encode([1, value]) == b"[1," + raw + b"]"
    assert encode({"b": value, "a": None}) == b'{"a":null,"b":' + raw + b"}"
    assert encode([{"a": 1.5}, {"a": {"x": value}}]) == b'[{"a":1.5},{"a":{"x":' + raw + b"}}]"


@given(values)
def test_encode_writes_what_the_table_of_the_protocol_says(value: Value) -> None:
    assert json.loads(encode(value, limits=ANY)) == expected_json(value)


@given(values)
def test_values_survive_the_round_trip(value: Value) -> None:
    raw = encode(value, limits=ANY)
    assert same(decode(raw), value)
    assert same(decode(raw.decode()), value)
    assert same(decode_trusted(raw), value)


@given(st.lists(plain_documents, max_size=5))
def test_documents_of_scalars_survive_the_round_trip(documents: list[Value]) -> None:
    raw = encode(documents)
    assert decode(raw) == documents
    assert decode_trusted(raw) == documents
    assert encode(decode(raw)) == raw


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 9)), st.randoms())
def test_equal_objects_give_equal_bytes_whatever_the_order_of_their_keys(value: Value, chance: random.Random) -> None:
    mixed = list(value.items())
    chance.shuffle(mixed)
    assert encode(dict(mixed)) == encode(value)


@given(st.lists(plain_documents, max_size=3), values)
def test_a_value_that_needs_care_does_not_change_how_its_neighbours_are_written(
    documents: list[Value], value: Value
) -> None:
    alone = json.loads(encode(documents))
    assert json.loads(encode([documents, value, b""], limits=ANY))[0] == alone


def test_unset_members_are_left_out() -> None:
    assert encode({"a": UNSET, "b": {"c": UNSET}}) == b'{"b":{}}'


def test_tuples_are_arrays() -> None:
    assert encode((1, (b"a", "b"))) == b'[1,[{"$bytes":"YQ=="},"b"]]'
    assert encode({"a": (1, 2)}) == b'{"a":[1,2]}'


def test_text_that_looks_like_a_wrapper_stays_text() -> None:
    value = {"a": '{"$integer":"AQAAAAAAAAA="}', "b": "$5", "c": "null -0.0", "d": [None, 0.0]}
    assert decode_trusted(encode(value)) == decode(encode(value)) == value


@pytest.mark.parametrize("number", [2**53, -(2**53), 2**60, 10**22, 2**1000])
def test_ints_that_a_double_holds_are_numbers(number: int) -> None:
    assert decode(encode(number)) == number


def test_kinds_that_python_confuses_are_kept_apart() -> None:
    assert encode([True, 1, 1.0, Int64(1)]) == b'[true,1,1.0,{"$integer":"AQAAAAAAAAA="}]'
    assert [type(item) for item in decode(encode([True, 1, 1.0, Int64(1)]))] == [bool, int, float, Int64]


@pytest.mark.parametrize(("value", "raw"), WRAPPED)
def test_wrappers_are_read(value: Value, raw: bytes) -> None:
    assert same(decode(raw), value)
    assert same(decode(b'{"a":[' + raw + b"]}"), {"a": [value]})
    assert same(decode_trusted(raw), value)
