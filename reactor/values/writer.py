"""The careful way out: a copy of a value with nothing in it that msgspec would write wrongly."""

import struct
from binascii import b2a_base64
from typing import Any, cast

import msgspec

from ..errors import InvalidValue
from .faults import PathError, Walk
from .kinds import COMMIT_TS, UNSET, Int64, Value, exact_float, kind_of, plain
from .plainness import is_plain_float
from .sizes import Limits

__all__ = ["DOLLAR", "Writer", "base64_text", "float_wrapper", "integer_text", "integer_wrapper", "surrogate_fault"]

_DOUBLE = struct.Struct("<d")

DOLLAR = 0x24
"""The byte in every wrapper object. `DOLLAR in encoded` is a tenth of a search for text, and most values have none."""


def base64_text(raw: bytes) -> str:
    """Standard base64 with padding."""
    return b2a_base64(raw, newline=False).decode("ascii")


def float_wrapper(value: float) -> dict[str, str]:
    """The wire form of a float that JSON has no number for, bit for bit."""
    return {"$float": base64_text(_DOUBLE.pack(value))}


def integer_wrapper(value: Any) -> dict[str, str]:
    """The wire form of an Int64; what msgspec asks about types that it does not know."""
    if type(value) is not Int64:
        raise TypeError(f"{type(value).__name__} was taken for a plain value: please report this as a bug of Reactor")
    return {"$integer": base64_text(value.to_bytes(8, "little", signed=True))}


def integer_text(value: Int64) -> bytes:
    """The wire form of an Int64 as JSON text."""
    return b'{"$integer":"%b"}' % base64_text(value.to_bytes(8, "little", signed=True)).encode()


class Writer(Walk):
    """Copies a value into what msgspec writes right; raises PathError for what is no value.

    `pending` lets the placeholder of the commit's time pass.
    """

    __slots__ = ("_pending",)

    def __init__(self, limits: Limits, *, pending: bool = False) -> None:
        super().__init__(limits)
        self._pending = pending

    def write(self, value: Value, depth: int) -> Any:
        """The copy of `value`, for which `depth` more levels are allowed."""
        kind = kind_of(value)
        if kind is str or value is None or kind is bool or kind is Int64:
            return value
        if kind is dict:
            return self._object(value, depth)
        if kind is list or kind is tuple:
            return self._array(value, depth)
        if kind is float:
            return value if is_plain_float(value) else float_wrapper(value)
        if kind is bytes:
            return {"$bytes": base64_text(value)}
        if value is COMMIT_TS:
            return self._placeholder()
        return self._other(value, depth)

    def _placeholder(self) -> dict[str, None]:
        if not self._pending:
            raise PathError(
                "the time of the commit is not known yet: its placeholder may stand only in what a mutation writes, "
                "passes to nested calls or gives back"
            )
        return {"$commitTs": None}

    def _other(self, value: Any, depth: int) -> Any:
        try:
            if type(value) is int:
                exact_float(value)
                return value
            simple = plain(value)
        except InvalidValue as error:
            raise PathError(str(error)) from None
        return self.write(simple, depth)

    def _object(self, value: dict[str, Value], depth: int) -> dict[str, Any]:
        self.enter_object(len(value), depth)
        out: dict[str, Any] = {}
        for name, item in value.items():
            self.check_name(name)
            if item is UNSET:
                continue
            try:
                out[name] = self.write(item, depth - 1)
            except PathError as fault:
                raise fault.inside(name) from None
        return out

    def _array(self, value: list[Value] | tuple[Value, ...], depth: int) -> list[Any]:
        self.enter_array(len(value), depth)
        out: list[Any] = []
        for index, item in enumerate(value):
            try:
                out.append(self.write(item, depth - 1))
            except PathError as fault:
                raise fault.inside(index) from None
        return out


def surrogate_fault(value: Value) -> PathError:
    """The error for the first text in `value` that is not valid Unicode: only half of a UTF-16 pair."""
    for step, item in _parts(value):
        if _has_surrogate(item):
            return surrogate_fault(item).inside(step)
    return PathError(
        "text with a lone surrogate is not valid Unicode: repair it, text.encode('utf-8', 'replace').decode()"
    )


def _parts(value: Value) -> list[tuple[str | int, Value]]:
    if isinstance(value, dict):
        return list(cast(dict[str | int, Value], value).items())
    return list(enumerate(cast(list[Value], value))) if isinstance(value, list | tuple) else []


def _has_surrogate(value: Value) -> bool:
    try:
        msgspec.json.encode(value, enc_hook=str)
    except UnicodeEncodeError:
        return True
    return False
