"""A batch of commits as the arrays that PostgreSQL's statements take."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from reactor.store.batch import GONE, NEW, PUT, Rows
from reactor.store.seam import Commit

__all__ = ["HEAD", "LONGEST", "LongEntries", "columns_of", "head", "rows_of", "split_long"]

LONGEST = 2_500
"""Bytes of the longest key that is kept among the others: an entry of a b-tree of PostgreSQL has 2,704 at most."""

HEAD = 2_000
"""Bytes of a longer key by which the b-tree puts it in order."""

LongEntries = tuple[list[int], list[bytes], list[bytes], list[bytes]]
"""Index, head, digest and whole key of each."""


def rows_of(batch: Sequence[Commit], node: str) -> Rows:
    """What a batch of the server `node` leaves behind."""
    rows = Rows(node)
    for commit in batch:
        rows.add(commit)
    return rows


def columns_of(rows: Rows) -> tuple[list[Any], LongEntries, LongEntries]:
    """Parameters of the statement `commit` but for the first two and the last; and the long entries that go, and those
    that come."""
    here = [row for row in rows.documents.values() if row[3] is not None]
    gone = [row[0] for row in rows.documents.values() if row[3] is None]
    dead, long_dead = _entries(rows, GONE)
    live, long_live = _entries(rows, PUT)
    new, long_new = _entries(rows, NEW)
    columns = [
        *_turned([row for row in here if row[0] in rows.new]),
        *_turned([row for row in here if row[0] not in rows.new]),
        gone,
        *dead,
        *new,
        *live,
        *(rows.log[place::5] for place in range(5)),
        *(rows.outcomes[place::5] for place in range(5)),
    ]
    for column, more in zip(long_live, long_new, strict=True):
        column.extend(more)  # pyright: ignore[reportArgumentType] - the same column of both
    return columns, long_dead, long_live


def _turned(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    """Rows of documents as columns."""
    return [[row[place] for row in rows] for place in range(4)]


def _entries(rows: Rows, how: int) -> tuple[tuple[list[int], list[bytes]], LongEntries]:
    return split_long(entry for entry, each in rows.entries.items() if each == how)


def split_long(entries: Iterable[tuple[int, bytes]]) -> tuple[tuple[list[int], list[bytes]], LongEntries]:
    """Entries (index, key) as columns: those of the usual length, and the long ones."""
    indexes: list[int] = []
    keys: list[bytes] = []
    long: LongEntries = ([], [], [], [])
    for index, key in entries:
        if len(key) <= LONGEST:
            indexes.append(index)
            keys.append(key)
        else:
            for column, part in zip(long, (index, head(key), hashlib.sha256(key).digest(), key), strict=True):
                column.append(part)  # pyright: ignore[reportArgumentType] - each column gets its own part
    return (indexes, keys), long


def head(key: bytes) -> bytes:
    """The part of a key, or of a bound, that the b-tree of long ones knows."""
    return key[:HEAD]
