"""One pass over an index to see that no two documents have the same values in its fields.

None or missing in one of the fields exempts a document.
"""

from reactor.database.key_parts import key_part
from reactor.schema import Index, SchemaMismatch, Table
from reactor.store.seam import Snapshot, Store
from reactor.values import UNSET, decode_trusted, encode_value, prefix_end, successor

__all__ = ["UniquePass", "values_in_key"]

_PAGE = 512
_ABSENT = (encode_value(None), encode_value(UNSET))
_TIME = len(encode_value(0.0))


def values_in_key(key: bytes) -> bytes:
    """An index key without creation time and id, which end every key: the values that a unique index tells apart.

    (No id contains the byte that strings begin with, and a creation time has a fixed length.)
    """
    return key[: key.rindex(b"\x10") - _TIME]


class UniquePass:
    """Goes through an index of which no entry is missing, in pages as a DocumentPass does.

    `number` is the index's. What is written from the first page on has to be looked at with `look_at` as well.
    """

    def __init__(self, table: Table, index: Index, number: int) -> None:
        self.table, self.index, self.number = table, index, number
        self.documents = 0
        self.complete = False
        self._parts = [key_part(field) for field in index.fields]
        self._lower = self._last = b""

    async def page(self, store: Store) -> None:
        """See the next entries. Raises SchemaMismatch naming two documents with the same values, StoreError."""
        snapshot = store.acquire()
        try:
            page = await snapshot.scan(self.number, self._lower, b"\xff", reverse=False, limit=_PAGE)
            for key, _ in page:
                values = values_in_key(key)
                # Of the last page, the entry may be gone by now: so equal neighbours are looked at once more.
                if values == self._last:
                    await self.look_at(values, snapshot)
                self._last = values
        finally:
            snapshot.release()
        self.documents += len(page)
        if len(page) < _PAGE:
            self.complete = True
        else:
            self._lower = successor(page[-1][0])

    async def look_at(self, values: bytes, snapshot: Snapshot) -> None:
        """Raises SchemaMismatch when two documents have these values, as they stand in a key."""
        found = await snapshot.scan(self.number, values, prefix_end(values), reverse=False, limit=2)
        if len(found) < 2:
            return
        (_, first), (_, second) = found
        document = decode_trusted((await snapshot.get([first]))[first])
        if not any(part(document) in _ABSENT for part in self._parts):
            raise SchemaMismatch.of_twins(self.table.name, self.index, first, second)
