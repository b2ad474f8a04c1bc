"""What several test modules need: values of subclasses, large values, and the texts of refusals."""

from __future__ import annotations

import enum

import pytest

from reactor.errors import InvalidValue
from reactor.values import ANY, Limits, Value, decode, encode


class Colour(enum.StrEnum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


def nested(depth: int, innermost: Value = None) -> Value:
    """`innermost` inside `depth` lists."""
    for _ in range(depth):
        innermost = [innermost]
    return innermost


def numbered_fields(count: int, item: Value = 1) -> dict[str, Value]:
    """An object of `count` fields."""
    return {f"f{index}": item for index in range(count)}


def refused(value: object, *, limits: Limits = ANY, where: str = "") -> str:
    """The error text of encoding `value`."""
    with pytest.raises(InvalidValue) as caught:
        encode(value, limits=limits, where=where)
    return str(caught.value)


def unreadable(raw: bytes | str) -> str:
    """The error text of decoding `raw`."""
    with pytest.raises(InvalidValue) as caught:
        decode(raw)
    return str(caught.value)
