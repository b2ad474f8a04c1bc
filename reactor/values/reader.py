"""The careful way in: what msgspec read, with wrapper objects replaced and every rule of the wire checked."""

import struct
from binascii import a2b_base64
from typing import Any, cast

from .faults import PathError, Walk
from .kinds import COMMIT_TS, EXACT_INT, Int64, Value, kind_of
from .names import name_fault
from .plainness import is_plain_float
from .writer import base64_text

__all__ = ["Reader", "unwrap_trusted"]

_DOUBLE = struct.Struct("<d")


class Reader(Walk):
    """Turns decoded JSON into a value, in place; raises PathError for what is none."""

    __slots__ = ()

    def read(self, value: Any, depth: int) -> Value:
        """The value of `value`, for which `depth` more levels are allowed."""
        kind = kind_of(value)
        if kind is dict:
            return self._object(value, depth)
        if kind is list:
            return self._array(value, depth)
        if kind is int and not -EXACT_INT <= value <= EXACT_INT:
            return _nearest(value)
        return value

    def _object(self, value: dict[str, Any], depth: int) -> Value:
        if len(value) == 1:
            ((name, content),) = value.items()
            if name.startswith("$"):
                return _unwrap(name, content)
        self.enter_object(len(value), depth)
        for name, item in value.items():
            self.check_name(name)
            try:
                value[name] = self.read(item, depth - 1)
            except PathError as fault:
                raise fault.inside(name) from None
        return value

    def _array(self, value: list[Any], depth: int) -> list[Value]:
        self.enter_array(len(value), depth)
        for index, item in enumerate(value):
            try:
                value[index] = self.read(item, depth - 1)
            except PathError as fault:
                raise fault.inside(index) from None
        return value


def _nearest(number: int) -> int | float:
    try:
        double = float(number)
    except OverflowError:
        raise PathError(f"a number of {number.bit_length()} bits is out of range: send it as a string") from None
    return number if int(double) == number else double


_NOT_VALUES = {
    "$set": "$set is no longer supported: send an array",
    "$map": "$map is no longer supported: send an array of pairs",
    "$commitTs": "$commitTs may stand only in what a running mutation writes: send an $integer",
    "$undefined": "$undefined is not a value: leave the field out, or send null",
}


def _unwrap(wrapper: str, content: Any) -> Value:
    if wrapper not in ("$integer", "$float", "$bytes"):
        raise PathError(_NOT_VALUES.get(wrapper) or name_fault(wrapper) or "")
    raw = _bytes_of(wrapper, content)
    if wrapper == "$bytes":
        return raw
    if len(raw) != 8:
        raise PathError(f"{wrapper} holds {len(raw)} bytes: send the base64 of exactly 8, little-endian")
    if wrapper == "$integer":
        return Int64(int.from_bytes(raw, "little", signed=True))
    number: float = _DOUBLE.unpack(raw)[0]
    if is_plain_float(number):
        raise PathError(f"$float holds {number!r}, for which JSON has a number: send it as that")
    return number


def _bytes_of(wrapper: str, content: Any) -> bytes:
    fault = f"{wrapper} holds something else than standard base64 with padding: send that, as a string"
    if type(content) is not str:
        raise PathError(fault)
    try:
        raw = a2b_base64(content, strict_mode=True)
    except ValueError:
        raise PathError(fault) from None
    # Stray bits in the last character pass; a second text for the same bytes would be a second encoding of a value.
    if base64_text(raw) != content:
        raise PathError(fault)
    return raw


def unwrap_trusted(value: Any) -> Value:
    """`value` with wrapper objects replaced in place; for what `encode` wrote, so nothing is checked."""
    if type(value) is list:
        items = cast(list[Any], value)
        items[:] = [unwrap_trusted(item) if type(item) is dict or type(item) is list else item for item in items]
        return items
    return _trusted_object(cast(dict[str, Any], value)) if type(value) is dict else value


def _trusted_object(value: dict[str, Any]) -> Value:
    if len(value) == 1:
        ((name, content),) = value.items()
        if name[:1] == "$":
            return _trusted_wrapper(name, content)
    for name, item in value.items():
        if type(item) is dict or type(item) is list:
            value[name] = unwrap_trusted(item)
    return value


def _trusted_wrapper(wrapper: str, content: str | None) -> Value:
    if content is None:
        return COMMIT_TS
    raw = a2b_base64(content)
    if wrapper == "$integer":
        return Int64(int.from_bytes(raw, "little", signed=True))
    return raw if wrapper == "$bytes" else _DOUBLE.unpack(raw)[0]
