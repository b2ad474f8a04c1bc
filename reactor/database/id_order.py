"""The built-in index by_id: documents in the order of their ids' text.

It has no entries of its own, since the documents themselves are kept in that order; here its key bounds become
bounds on ids.
"""

from functools import lru_cache

from reactor.values import encode_id

__all__ = ["id_bounds"]

_STRING_TAG = b"\x10"


def id_bounds(table: int, lower: bytes, upper: bytes) -> tuple[str, str]:
    """Ids of a table with lower <= encoded id < upper, as first <= id < last."""
    first, last = _ids_of(table)
    return _bound(lower, first, last), _bound(upper, first, last)


def _bound(key: bytes, first: str, last: str) -> str:
    if key[:1] < _STRING_TAG:
        return first
    if key[:1] > _STRING_TAG:
        return last
    text, _, rest = key[1:].partition(b"\x00")
    # No id contains NUL, so what lies behind an id's key lies between it and the next id.
    bound = text.decode() + "\x00" if rest else text.decode()
    # The text in a bound may be anything, also the id of a document in another table.
    return min(max(bound, first), last)


@lru_cache(maxsize=1024)
def _ids_of(table: int) -> tuple[str, str]:
    """Between which texts the ids of a table lie. No other table's do: no number's bytes begin those of another."""
    return _stem(table, b"\x00" * 16), _stem(table, b"\xff" * 16) + "\x7f"


def _stem(table: int, internal: bytes) -> str:
    """The characters of an id that its table number and internal id alone decide (its end holds the checksum)."""
    id = encode_id(table, internal)
    return id[: (len(id) * 5 // 8 - 2) * 8 // 5]
