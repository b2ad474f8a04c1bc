"""Byte keys whose memcmp order is the order of values.

missing < null < int64 < float64 < boolean < string < bytes < array < object, as Convex orders them. The key of
several values is the concatenation of theirs, and all keys that begin with the same values form one range,
`[prefix, prefix_end(prefix))`. (get-convex/convex-backend, crates/value/src/sorting.rs.)

Such a range is not the same as "all keys that start with these bytes": "a" is 10 61 00, and "a\0" is 10 61 00 ff 00,
since a zero byte inside text is escaped by the ff that no value begins with. `has_prefix` tells the two apart.
"""

import struct
from collections.abc import Callable, Iterable
from typing import Any

from ..errors import InvalidValue
from .comparison import compare, ordered_bits
from .kinds import LAST_INT64, UNSET, CommitTs, Int64, UnsetType, Value, exact_float, plain

__all__ = ["compare", "encode_key", "encode_value", "has_prefix", "prefix_end", "successor"]

_FLOAT_TAG = 0x0D
_TAGGED_DOUBLE = struct.Struct(">Bd").pack
_TAGGED_BITS = struct.Struct(">BQ").pack
_ZERO = b"\x0d\x80\x00\x00\x00\x00\x00\x00\x00"
# By whole bytes that the digits fill beside the sign: how far the tag is from that of zero, and the bytes that follow.
_INT64_WIDTHS = ((1, 1), (2, 2), (3, 4), (3, 4), (4, 8), (4, 8), (4, 8), (4, 8))


def encode_key(values: Iterable[Value | UnsetType]) -> bytes:
    """The encodings of `values` one after the other; UNSET stands for a missing field.

    Raises InvalidValue for what is no value.
    """
    return b"".join([_ENCODERS[type(value)](value) for value in values])


def encode_value(value: Value | UnsetType) -> bytes:
    """The key bytes of one value, or of UNSET."""
    return _ENCODERS[type(value)](value)


def prefix_end(prefix: bytes) -> bytes:
    """The end (exclusive) of all keys that begin with the values of `prefix`."""
    return prefix + b"\xff"


def has_prefix(key: bytes, prefix: bytes) -> bool:
    """Whether `key` begins with the values of `prefix`, which is to say: lies between it and its `prefix_end`."""
    return key.startswith(prefix) and key[len(prefix) : len(prefix) + 1] != b"\xff"


def successor(key: bytes) -> bytes:
    """The smallest byte string above `key`: as a start it excludes exactly `key`."""
    return key + b"\x00"


def _missing(_: UnsetType) -> bytes:
    return b"\x01"


def _null(_: None) -> bytes:
    return b"\x03"


def _int64(value: Int64) -> bytes:
    if value == 0:
        return b"\x08"
    step, width = _INT64_WIDTHS[(value if value > 0 else ~value).bit_length() // 8]
    tag = 8 + step if value > 0 else 8 - step
    return tag.to_bytes() + value.to_bytes(width, "big", signed=True)


def _commit_ts(_: CommitTs) -> bytes:
    return _int64(LAST_INT64)


def _float(value: float) -> bytes:
    # For positive numbers, flipping the sign bit is what negation does; the rest is rarer and goes by its bits.
    return _TAGGED_DOUBLE(_FLOAT_TAG, -value) if value > 0 else _TAGGED_BITS(_FLOAT_TAG, ordered_bits(value))


def _int(value: int) -> bytes:
    return _float(exact_float(value)) if value else _ZERO


def _boolean(value: bool) -> bytes:
    return b"\x0f" if value else b"\x0e"


def _string(value: str) -> bytes:
    try:
        return b"\x10%b\x00" % _escaped(value.encode()) if "\x00" in value else f"\x10{value}\x00".encode()
    except UnicodeEncodeError:
        raise InvalidValue(f"{value!r:.80} has a lone surrogate: text must be valid Unicode, repair it") from None


def _bytes(value: bytes) -> bytes:
    return b"\x11%b\x00" % _escaped(value)


def _escaped(raw: bytes) -> bytes:
    return raw.replace(b"\x00", b"\x00\xff")


def _array(value: list[Value] | tuple[Value, ...]) -> bytes:
    return b"\x12%b\x00" % encode_key(value)


def _object(value: dict[str, Value]) -> bytes:
    parts = [b"\x15"]
    for name in sorted(value):
        item = value[name]
        if item is not UNSET:
            # An empty name would begin with the byte that ends an object.
            parts.append(b"%b\x00" % _escaped(name.encode()) if name else b"\x00\xff")
            parts.append(encode_value(item))
    parts.append(b"\x00")
    return b"".join(parts)


def _derived(value: Any) -> bytes:
    return encode_value(plain(value))


class _Encoders(dict[type, Callable[[Any], bytes]]):
    """An encoder for each exact type; all others are asked what they derive from."""

    def __missing__(self, _: type) -> Callable[[Any], bytes]:
        return _derived


_ENCODERS = _Encoders(
    {
        UnsetType: _missing,
        type(None): _null,
        Int64: _int64,
        CommitTs: _commit_ts,
        int: _int,
        float: _float,
        bool: _boolean,
        str: _string,
        bytes: _bytes,
        list: _array,
        tuple: _array,
        dict: _object,
    }
)
