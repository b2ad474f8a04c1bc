"""The vectors of one index in memory, as they are and as they lately were.

Rows are never changed: a document that changes gets another row, and its former one dies. Each row says from which
commit on it holds, and until which; so readers of an older moment find what held then, and a search in another thread
is not disturbed by commits. Rows lie in blocks. When these are full, those half of whose rows are long dead are given
up before another one is begun.
"""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from struct import Struct
from typing import Any

import numpy as np

from reactor.vectors.fields import VectorFields
from reactor.vectors.nearest import Mask, Rows, Vectors, unit

__all__ = ["Asked", "Directions", "Space", "row_bytes"]

Asked = tuple[int, bytes]
"""The number of a filter field and what stands for its value."""

_BLOCK_BYTES = 4 * 2**20
_ROW_BYTES = 350
"""What a row takes beside its vector: id, digest, life, and its places in dictionaries."""

_KEPT_NS = 30 * 10**9
"""So long a dead row is kept at least, in nanoseconds: who reads an older moment needs longer to find it."""

_NEVER = 2**63 - 1
_TWO_NUMBERS = Struct("<qq")


class _Block:
    __slots__ = ("born", "codes", "count", "dead", "died", "digests", "ids", "newest", "vectors")

    def __init__(self, rows: int, dimensions: int, filters: int) -> None:
        self.vectors = np.empty((rows, dimensions), np.float32)
        self.born = np.empty(rows, np.int64)
        self.died = np.empty(rows, np.int64)
        self.codes = np.empty((2 * filters, rows), np.int64)
        self.ids: list[str] = []
        self.digests: list[bytes] = []
        self.count = self.dead = self.newest = 0

    @property
    def full(self) -> bool:
        return self.count == len(self.born)

    def add_from(self, other: "_Block", row: int) -> int:
        """Take over a row; gives its number here."""
        at = self.count
        self.vectors[at], self.born[at], self.died[at] = other.vectors[row], other.born[row], other.died[row]
        self.codes[:, at] = other.codes[:, row]
        return self._added(other.ids[row], other.digests[row], int(other.born[row]))

    def add(self, id: str, digest: bytes, vector: Sequence[float], codes: Sequence[int], ts: int) -> int:
        """A row that holds from `ts` on; gives its number."""
        at = self.count
        self.vectors[at], self.born[at], self.died[at] = unit(vector), ts, _NEVER
        self.codes[:, at] = codes
        return self._added(id, digest, ts)

    def _added(self, id: str, digest: bytes, ts: int) -> int:
        self.ids.append(id)
        self.digests.append(digest)
        self.newest = max(self.newest, ts)
        self.count += 1
        return self.count - 1

    def alive(self, ts: int) -> Mask | None:
        """Which rows hold at `ts`, None when all do."""
        if not self.dead and self.newest <= ts:
            return None
        return (self.born[: self.count] <= ts) & (self.died[: self.count] > ts)


class Directions:
    """Vectors of documents that were just written. The last one is remembered: many searches ask for the same."""

    __slots__ = ("_document", "_fields", "_vector")

    def __init__(self, fields: VectorFields) -> None:
        self._fields = fields
        self._document: dict[str, Any] | None = None
        self._vector: Vectors | None = None

    def of(self, document: dict[str, Any]) -> Vectors | None:
        """The unit vector of a document, None when it has none."""
        if document is not self._document:
            vector = self._fields.vector(document)
            self._document, self._vector = document, None if vector is None else unit(vector)
        return self._vector


class Space:
    """Every document's vector from the moment `since` (nanoseconds) on. Not for several threads, but for `Rows`."""

    __slots__ = ("_blocks", "_places", "_rows", "directions", "fields", "since", "table")

    def __init__(self, fields: VectorFields, table: int, since: int) -> None:
        self.fields, self.table, self.since = fields, table, since
        self.directions = Directions(fields)
        self._rows = max(16, _BLOCK_BYTES // (4 * fields.dimensions))
        self._blocks: list[_Block] = []
        self._places: dict[str, tuple[_Block, int]] = {}

    def __len__(self) -> int:
        """How many documents have a vector now."""
        return len(self._places)

    @property
    def bytes(self) -> int:
        """About what it takes of memory."""
        return self.held * row_bytes(self.fields)

    @property
    def held(self) -> int:
        """How many vectors it holds, with those of the past."""
        return sum(block.count for block in self._blocks)

    def put(self, id: str, document: dict[str, Any] | None, ts: int) -> None:
        """The document is so from `ts` on (None: it is gone)."""
        vector = None if document is None else self.fields.vector(document)
        place = self._places.get(id)
        if vector is None or document is None:
            if place is not None:
                self._end(id, place, ts)
            return
        parts = self.fields.parts(document)
        digest = blake2b(vector.tobytes() + b"".join(parts), digest_size=16).digest()
        if place is not None:
            if place[0].digests[place[1]] == digest:
                return
            self._end(id, place, ts)
        codes = [code for part in parts for code in _codes(part)]
        block = self._room(ts)
        self._places[id] = block, block.add(id, digest, vector, codes, ts)

    def rows(self, ts: int, asked: Sequence[Asked] | None) -> list[Rows]:
        """The vectors at `ts`, at or after `since`; those of documents with one of the values asked for (None: all)."""
        codes = None if asked is None else [(2 * field, *_codes(part)) for field, part in asked]
        found: list[Rows] = []
        for block in self._blocks:
            mask = block.alive(ts)
            if codes is not None:
                wanted = _wanted(block, codes)
                mask = wanted if mask is None else mask & wanted
            if mask is None or mask.any():
                found.append(Rows(block.vectors[: block.count], block.ids, mask))
        return found

    def _room(self, ts: int) -> _Block:
        block = self._with_room()
        if block is None:
            for old in [each for each in self._blocks if each.dead * 2 > self._rows]:
                self._renew(old, ts - _KEPT_NS)
            block = self._with_room()
        if block is not None:
            return block
        block = _Block(self._rows, self.fields.dimensions, len(self.fields.filters))
        self._blocks.append(block)
        return block

    def _with_room(self) -> _Block | None:
        return next((block for block in reversed(self._blocks) if not block.full), None)

    def _end(self, id: str, place: tuple[_Block, int], ts: int) -> None:
        block, row = place
        del self._places[id]
        block.died[row] = ts
        block.dead += 1

    def _renew(self, block: _Block, horizon: int) -> None:
        """Give up a block half of whose rows died by `horizon`, and keep the others in another one."""
        stays = np.flatnonzero(block.died[: block.count] > horizon).tolist()
        if len(stays) * 2 > self._rows:
            return
        fresh = _Block(self._rows, self.fields.dimensions, len(self.fields.filters))
        for row in stays:
            at = fresh.add_from(block, row)
            if block.died[row] == _NEVER:
                self._places[fresh.ids[at]] = fresh, at
            else:
                fresh.dead += 1
        self.since = max(self.since, horizon)
        place = self._blocks.index(block)
        self._blocks[place : place + 1] = [fresh] if stays else []


def row_bytes(fields: VectorFields) -> int:
    """About what one document's vector takes of memory."""
    return 4 * fields.dimensions + 16 * len(fields.filters) + _ROW_BYTES


def _codes(part: bytes) -> tuple[int, int]:
    """What stands for a value in a row: a digest, since a table of all values that ever were would only grow."""
    return _TWO_NUMBERS.unpack(blake2b(part, digest_size=16).digest())


def _wanted(block: _Block, codes: Iterable[tuple[int, int, int]]) -> Mask:
    wanted = np.zeros(block.count, np.bool_)
    for place, first, second in codes:
        own = block.codes[place : place + 2, : block.count]
        wanted |= (own[0] == first) & (own[1] == second)
    return wanted
