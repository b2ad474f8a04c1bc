"""Sizes, lengths and depths that values may have, and input that tries to get past them."""

from __future__ import annotations

import json

import pytest

from reactor.errors import InvalidValue
from reactor.values import DOCUMENT, RESULT, UNSET, Limits, Value, decode, encode, same

from .samples import nested, numbered_fields, refused, unreadable


@pytest.mark.parametrize("innermost", [1, b"", {}, [], {"a": 1}])
def test_depth_ends_at_the_limit(innermost: Value) -> None:
    own = 1 if isinstance(innermost, dict | list) else 0
    assert same(decode(encode(nested(64 - own, innermost))), nested(64 - own, innermost))
    assert "nested deeper than 64 levels: flatten it" in refused(nested(65 - own, innermost))
    assert "nested deeper than 16 levels" in refused(nested(17 - own, innermost), limits=DOCUMENT)
    assert encode(nested(16 - own, innermost), limits=DOCUMENT)


@pytest.mark.parametrize("depth", [65, 900, 2000, 100_000])
@pytest.mark.parametrize(
    ("start", "middle", "end"), [(b"[", b"", b"]"), (b'{"a":', b"1", b"}"), (b'[{"":', b"1", b"}]")]
)
def test_deep_nesting_is_refused_not_followed(depth: int, start: bytes, middle: bytes, end: bytes) -> None:
    assert "nested deeper than 64 levels" in unreadable(start * depth + middle + end * depth)


def test_nesting_that_never_closes_is_refused() -> None:
    assert unreadable(b"[" * (17 << 20))
    assert unreadable(b'{"a":' * (3 << 20))


def test_values_that_contain_themselves_are_refused() -> None:
    loop: list[Value] = []
    loop.append(loop)
    assert "nested deeper than 64 levels" in refused(loop)
    circle: dict[str, Value] = {"blob": b""}
    circle["self"] = [circle]
    assert "nested deeper than 64 levels" in refused(circle)


@pytest.mark.parametrize("innermost", [1, b"", []])
def test_values_that_repeat_a_part_on_each_level_do_not_grow_without_end(innermost: Value) -> None:
    small = Limits(what="Value", max_bytes=10_000)
    value: Value = innermost
    for _ in range(60):
        value = [value, value]
    assert "more than 10000 items" in refused(value, limits=small)
    assert "more than 10000 items" in refused([b"needs care", value], limits=small)


@pytest.mark.parametrize("scalar", [0, b"", UNSET])
def test_containers_end_at_their_limits(scalar: Value) -> None:
    element = 1 if scalar is UNSET else scalar
    assert encode([element] * 8192)
    assert "an array of 8193 elements, at most 8192" in refused([element] * 8193)
    assert encode(numbered_fields(1024, scalar))
    assert "an object of 1025 fields, at most 1024" in refused(numbered_fields(1025, scalar))
    assert "an array of 8193 elements" in refused({"a": [(), [element] * 8193]})


def test_long_containers_from_outside_are_refused() -> None:
    assert "an array of 8193 elements" in unreadable(b"[" + b"1," * 8192 + b"1]")
    assert "an object of 1025 fields" in unreadable(json.dumps(numbered_fields(1025)))


def test_a_document_may_have_a_mebibyte() -> None:
    room = (1 << 20) - 2 - 2 - 2
    assert encode({"a": "x" * room}, limits=DOCUMENT)
    message = refused({"a": "x" * (room + 1)}, limits=DOCUMENT, where="Document in table 'notes'")
    assert message.startswith("Document in table 'notes' is too large (1048577 bytes > maximum size 1 MiB)")
    assert "(1.5 MiB > maximum size 1 MiB)" in refused({"a": b"x" * (3 << 19)}, limits=DOCUMENT)


def test_numbers_count_more_than_they_take() -> None:
    """A short text can be a large value, so the limit cannot go by the text."""
    digits = [[[0] * 8000] * 8] * 2
    assert len(encode(digits)) < 300_000
    assert "is too large (1.1 MiB > maximum size 1 MiB)" in refused({"a": digits}, limits=DOCUMENT)


def test_large_input_is_refused() -> None:
    with pytest.raises(InvalidValue) as caught:
        decode(b'{"a":"' + b"x" * (17 << 20) + b'"}', where="Arguments for rooms.js:add")
    assert str(caught.value).startswith("Arguments for rooms.js:add are too large (actual: 17 MiB, limit: 16 MiB)")
    assert caught.value.code == "ValueTooLargeError"
    assert "Return value is too large (actual: 17 MiB, limit: 16 MiB)" in refused("x" * (17 << 20), limits=RESULT)
