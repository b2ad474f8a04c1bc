"""Order and equality of values, found by looking at the values themselves.

The order is that of keys.py, which gives it as bytes; tests hold the two against each other.
"""

import math
import struct
from collections.abc import Sequence
from typing import Any, cast

from .kinds import COMMIT_TS, LAST_INT64, UNSET, Int64, UnsetType, Value, exact_float, kind_of, plain

__all__ = ["compare", "ordered_bits", "same"]

_DOUBLE = struct.Struct(">d")
_ALL_ONES = (1 << 64) - 1
_SIGN = 1 << 63

_NUMBER, _ARRAY, _OBJECT = 3, 7, 8
_RANKS: dict[type, int] = {
    UnsetType: 0,
    type(None): 1,
    Int64: 2,
    int: _NUMBER,
    float: _NUMBER,
    bool: 4,
    str: 5,
    bytes: 6,
    list: _ARRAY,
    tuple: _ARRAY,
    dict: _OBJECT,
}


def ordered_bits(value: float) -> int:
    """An unsigned 64-bit number for each double, in the total order of IEEE 754: -NaN first, NaN last, -0 before 0."""
    bits = int.from_bytes(_DOUBLE.pack(value), "big")
    return bits ^ (_ALL_ONES if bits & _SIGN else _SIGN)


def compare(a: Value | UnsetType, b: Value | UnsetType) -> int:
    """Negative, zero or positive as `a` sorts before, with or after `b`; UNSET is the missing field, before all.

    Raises InvalidValue for what is no value.
    """
    one, two = _known(a), _known(b)
    rank, other = _RANKS[type(one)], _RANKS[type(two)]
    if rank != other:
        return _order(rank, other)
    if rank == _NUMBER:
        return _order(_number_bits(one), _number_bits(two))
    if rank == _ARRAY:
        return _compare_sequences(one, two)
    if rank == _OBJECT:
        return _compare_sequences(_pairs(one), _pairs(two))
    return 0 if one is two else _order(one, two)


def _known(value: Any) -> Any:
    return value if type(value) in _RANKS else LAST_INT64 if value is COMMIT_TS else plain(value)


def _order(a: Any, b: Any) -> int:
    return (a > b) - (a < b)


def _number_bits(number: float) -> int:
    return ordered_bits(exact_float(number) if isinstance(number, int) else number)


def _compare_sequences(a: Sequence[Value], b: Sequence[Value]) -> int:
    for one, two in zip(a, b, strict=False):
        if order := compare(one, two):
            return order
    return _order(len(a), len(b))


def _pairs(value: dict[str, Value]) -> list[Value]:
    """Names and values by turns, sorted by name: objects compare like this list."""
    return [part for name in sorted(value) if value[name] is not UNSET for part in (name, value[name])]


def same(a: Value, b: Value) -> bool:
    """Whether two values are equal, kinds included.

    1 and 1.0 are equal, Int64(1) and 1 are not, nor True and 1, nor -0.0 and 0.0; NaN equals the same NaN.
    """
    if a is b:
        return True
    kind = kind_of(a)
    if kind is str:
        return isinstance(b, str) and a == b
    if kind is dict and type(b) is dict:
        return _same_objects(a, cast(dict[str, Value], b))
    if isinstance(a, int | float) and isinstance(b, int | float):
        return _same_numbers(a, b)
    return _same_others(a, b)


def _same_objects(a: dict[str, Value], b: dict[str, Value]) -> bool:
    return len(a) == len(b) and all(name in b and same(item, b[name]) for name, item in a.items())


def _same_numbers(a: float, b: float) -> bool:
    if isinstance(a, bool | Int64) or isinstance(b, bool | Int64):
        return type(a) is type(b) and a == b
    if a == b:
        return a != 0 or math.copysign(1.0, a) == math.copysign(1.0, b)
    return a != a and b != b and ordered_bits(a) == ordered_bits(b)


def _same_others(a: Value, b: Value) -> bool:
    if not isinstance(a, list | tuple | dict | str):
        return kind_of(a) is kind_of(b) and a == b
    if isinstance(a, dict):
        return isinstance(b, dict) and _same_objects(cast(dict[str, Value], a), cast(dict[str, Value], b))
    if isinstance(a, str):
        return isinstance(b, str) and a == b
    one, two = cast(Sequence[Value], a), cast(Sequence[Value], b)
    return isinstance(b, list | tuple) and len(one) == len(two) and all(map(same, one, two))
