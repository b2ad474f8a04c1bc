"""How large and how deep a value is, and how large and deep it may be.

Sizes are counted as Convex counts them, whatever the encoding in use: null and booleans 1, numbers 9, strings
and bytes 2 + length (of the UTF-8), arrays 2 + elements, objects 2 + for each field name + 1 + value.
(get-convex/convex-backend, crates/value/src/size.rs and the `size` of each kind.)
"""

from collections.abc import Iterable
from itertools import chain
from typing import Any, cast

import msgspec

from ..errors import InvalidValue
from .kinds import UNSET, CommitTs, Value, kind_of, plain

__all__ = ["ANY", "ARGS", "DOCUMENT", "RESULT", "Limits", "depth_of", "format_bytes", "size_of"]

MIB = 1 << 20


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one value may be at most.

    `max_bytes` is a Convex size, `max_depth` counts containers inside each other, `max_array` elements of one
    array, `max_fields` fields of one object. `what` names the value in errors, `too_large` is their wording.
    """

    what: str
    max_bytes: int = 16 * MIB
    max_depth: int = 64
    max_array: int = 8192
    max_fields: int = 1024
    too_large: str = "is too large (actual: {actual}, limit: {limit})"

    def refuse_size(self, size: int, where: str = "") -> InvalidValue:
        """The error for a value of `size` bytes; `where` stands for a more exact subject than `what`."""
        actual, limit = format_bytes(size), format_bytes(self.max_bytes)
        if actual == limit:
            actual = f"{size} bytes"
        text = self.too_large.format(actual=actual, limit=limit)
        remedy = "split it, or store large data as files"
        return InvalidValue(f"{where or self.what} {text}: {remedy}", code="ValueTooLargeError")


_STORED = "is too large ({actual} > maximum size {limit})"

ARGS = Limits(what="Arguments", too_large="are too large (actual: {actual}, limit: {limit})")
RESULT = Limits(what="Return value")
DOCUMENT = Limits(what="Document", max_bytes=MIB, max_depth=16, too_large=_STORED)
ANY = Limits(what="Value", max_bytes=32 * MIB, too_large=_STORED)


def format_bytes(size: int) -> str:
    """A size for people: `300 B`, `1.5 KiB`, `16 MiB`."""
    if size < 1024:
        return f"{size} B"
    unit, name = (1024, "KiB") if size < MIB else (MIB, "MiB")
    return f"{f'{size / unit:.2f}'.rstrip('0').rstrip('.')} {name}"


def size_of(value: Value) -> int:
    """The Convex size in bytes; members that are UNSET count as absent. Raises InvalidValue for what is no value."""
    total = 0
    # A stack of our own: values may be nested deeper than Python calls may.
    waiting: list[Any] = [value]
    while waiting:
        item = waiting.pop()
        kind = kind_of(item)
        if kind is str:
            total += 2 + _utf8_length(item)
        elif kind is dict:
            total += 2 + _push_fields(item, waiting)
        elif kind is list or kind is tuple:
            total += 2
            waiting.extend(item)
        elif kind is bytes:
            total += 2 + len(item)
        else:
            total += _number_size(item, waiting)
    return total


def _utf8_length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _push_fields(fields: dict[str, Value], waiting: list[Any]) -> int:
    names = 0
    for name, item in fields.items():
        if item is not UNSET:
            names += len(name) + 1
            waiting.append(item)
    return names


def _number_size(item: Any, waiting: list[Any]) -> int:
    if item is None or item is True or item is False:
        return 1
    if isinstance(item, int | float | CommitTs):
        return 9
    waiting.append(plain(item))
    return 0


def depth_of(value: Value) -> int:
    """How many containers stand inside each other: 0 for a scalar, 1 for `[]` and `{"a": 1}`."""
    depth = 0
    level: list[Any] = [value]
    while containers := [_children(item) for item in level if isinstance(item, list | tuple | dict)]:
        depth += 1
        level = list(chain.from_iterable(containers))
    return depth


def _children(container: Any) -> Iterable[Any]:
    return cast(dict[str, Any], container).values() if isinstance(container, dict) else container
