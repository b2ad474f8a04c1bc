"""What stands in the keys of a text index.

For each word of a document there is a posting for searches without a filter, and one for each filter field:

    01                                          word  impact  newest first  frequency  length  id
    02  number of the field  value of the field word  impact  newest first  frequency  length  id

So the postings of a word stand in the order in which they matter, and hold what the score is made of: the best are
read, and no document is. A change of anything but the text and these values changes no key.
"""

import struct
from typing import Any

from reactor.search.scoring import TOP_IMPACT, impact
from reactor.search.tokens import counted
from reactor.values import encode_value
from reactor.values.field_paths import field_getter

__all__ = ["EVERYTHING", "KIND", "LENGTHS", "TextFields", "length_of", "posting", "scope", "word_in"]

KIND = "search"
"""The kind of these indexes."""

LENGTHS = "#"
"""In the kind of an aggregate, before the path of a text: it adds up the words of texts."""

EVERYTHING = b"\x01"
"""What postings for searches without a filter begin with."""

MOST_WORDS = 4_096
"""Different words of a document that are found; of more, those that come first in the text."""

_META = struct.Struct(">BQBH")
_BEHIND = _META.size + 2
"""Bytes from there to the end of a key, besides the id."""

_DOUBLE, _BITS = struct.Struct(">d").pack, struct.Struct(">Q").unpack
_ALL = (1 << 64) - 1


class TextFields:
    """The fields of a text index: that of the text, and those that searches filter by."""

    __slots__ = ("_filters", "_text", "fields")

    def __init__(self, fields: tuple[str, ...]) -> None:
        self.fields = fields
        self._text = field_getter(fields[0])
        self._filters = tuple(field_getter(field) for field in fields[1:])

    def keys(self, document: dict[str, Any]) -> list[bytes]:
        """A document's keys; none when its field holds no text."""
        text = self._text(document)
        if not isinstance(text, str):
            return []
        words = counted(text)
        length = min(words.total(), 65_535)
        newest, tail = _newest(document["_creationTime"]), encode_value(document["_id"])
        scopes = [EVERYTHING, *(scope(number, get(document)) for number, get in enumerate(self._filters))]
        keys: list[bytes] = []
        for word, frequency in list(words.items())[:MOST_WORDS]:
            meta = _META.pack(TOP_IMPACT - impact(frequency, length), newest, min(frequency, 255), length)
            rest = encode_value(word) + meta + tail
            keys += [each + rest for each in scopes]
        return keys


def scope(number: int, value: Any) -> bytes:
    """What postings of documents with a value in a filter field begin with."""
    return b"\x02" + bytes([number]) + encode_value(value)


def _newest(creation: float) -> int:
    return _ALL - _BITS(_DOUBLE(creation))[0]


def posting(key: bytes, id: str) -> tuple[int, int, int]:
    """What the key of a document's posting says: a number that is smaller for later documents, how often the document
    has the word, and among how many."""
    _, newest, frequency, length = _META.unpack_from(key, len(key) - len(id) - _BEHIND)
    return newest, frequency, length


def word_in(key: bytes, before: bytes) -> bytes:
    """The encoded word in a key that begins with `before`."""
    end = key.rindex(b"\x10") - _META.size
    return key[len(before) : end]


def length_of(text: Any) -> int | None:
    """How many words a text has; None for what is no text."""
    return min(counted(text).total(), 65_535) if isinstance(text, str) else None
