"""What a vector index takes from a document: its vector, and the values that a search may ask for.

A document that is found has a key for searches that ask for nothing, and one for each filter field:

    00                   digest of the vector   id
    number of the field  value of the field     digest of the vector   id

So a search with a filter reads the ranges of the values that it asks for, and a change of anything but the vector and
these values changes no key. The vector itself stays in the document: keys are small in every store.
"""

from array import array
from base64 import b64encode
from collections.abc import Sequence
from hashlib import blake2b
from math import isfinite
from typing import Any, cast

from reactor.values import encode_value, prefix_end
from reactor.values.field_paths import field_getter

__all__ = ["EVERYTHING", "KIND", "VectorFields", "filter_part", "numbers", "value_range"]

KIND = "vector"
"""The first word of the kind of these indexes; the number of dimensions follows."""

_LONGEST_PART = 64
_NUMBERS = frozenset({int, float})


class VectorFields:
    """The fields of a vector index. `fields` begin with that of the vector; the others are what searches filter by."""

    __slots__ = ("_getters", "_vector", "dimensions", "filters")

    def __init__(self, dimensions: int, fields: tuple[str, ...]) -> None:
        self.dimensions, self.filters = dimensions, fields[1:]
        self._vector = field_getter(fields[0])
        self._getters = tuple(field_getter(field) for field in self.filters)

    @staticmethod
    def of_kind(rest: str, fields: tuple[str, ...]) -> "VectorFields":
        """From what follows the first word of an index's kind, and its fields."""
        return VectorFields(int(rest), fields)

    def vector(self, document: dict[str, Any]) -> "array[float] | None":
        """The document's vector, None when it has none of this length with finite numbers in it."""
        return numbers(self._vector(document), self.dimensions)

    def parts(self, document: dict[str, Any]) -> list[bytes]:
        """What stands in keys for the value of each filter field."""
        return [filter_part(getter(document)) for getter in self._getters]

    def keys(self, document: dict[str, Any]) -> list[bytes]:
        """The document's keys; none when it has no vector."""
        vector = self.vector(document)
        if vector is None:
            return []
        tail = b64encode(blake2b(vector.tobytes(), digest_size=15).digest()) + encode_value(document["_id"])
        own = [value_range(number, part)[0] + tail for number, part in enumerate(self.parts(document))]
        return [b"\x00" + tail, *own]


def numbers(value: object, dimensions: int) -> "array[float] | None":
    """A list of so many finite numbers as an array, None for anything else."""
    # A 64-bit integer is another kind than a number, and so is a boolean, though both are ints in Python.
    if type(value) is not list:
        return None
    elements = cast("list[Any]", value)
    if len(elements) != dimensions or not _NUMBERS.issuperset(map(type, elements)):
        return None
    try:
        found = array("d", elements)
    except OverflowError:
        return None
    # The sum is finite unless one of them is not, or they are immense.
    return found if isfinite(sum(found)) or all(map(isfinite, found)) else None


def filter_part(value: Any) -> bytes:
    """What stands in keys for a value of a filter field (UNSET: a missing one): of a long one a digest."""
    encoded = encode_value(value)
    if len(encoded) <= _LONGEST_PART:
        return encoded
    # No value's key begins with the byte before the digest.
    return b"\xfe" + blake2b(encoded, digest_size=16).digest()


def value_range(field: int, part: bytes) -> tuple[bytes, bytes]:
    """The keys of documents whose filter field of this number has this value, lower <= key < upper."""
    lower = bytes((field + 1,)) + part
    return lower, prefix_end(lower)


EVERYTHING: Sequence[tuple[bytes, bytes]] = ((b"\x00", prefix_end(b"\x00")),)
"""The range of one key for every document with a vector."""
