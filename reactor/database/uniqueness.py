"""Unique indexes: no two documents have the same values in all of the index's fields.

A document's key in an index is the values of its fields and then its creation time and id. So the keys of twins lie
next to each other, and one look into the range of the values finds out whether there is one.
"""

from typing import Any

from reactor.database.catalog import TableInfo, UniqueIndex
from reactor.database.documents import Document
from reactor.database.transaction import Transaction
from reactor.errors import UniqueViolation
from reactor.values import UNSET, prefix_end

__all__ = ["refuse_twin", "unique_part"]


async def refuse_twin(
    tx: Transaction, table: TableInfo, old: Document | None, new: Document, fields: dict[str, Any]
) -> None:
    """Raises UniqueViolation when another document has the values of `new` in a unique index of the table.

    `old` is what `new` is about to replace (None: an insert), `fields` the value of `new`. Only indexes in which the
    two differ are looked into; what was looked at belongs to what the transaction read.
    """
    before = old.keys(table) if old is not None else None
    for index in table.unique:
        if before is not None and before[index.position] == new.keys(table)[index.position]:
            continue
        part = unique_part(table, index, new, fields)
        if part is not None:
            await _look_up(tx, table, index, part)


def unique_part(
    table: TableInfo, index: UniqueIndex, document: Document, fields: dict[str, Any] | None = None
) -> bytes | None:
    """The start of a document's key that no other document may share, `has_prefix` being the test.

    None when it collides with nobody, because a field is missing or None. `fields` is the document's value, when it is
    at hand.
    """
    value = document.value() if fields is None else fields
    for get in index.getters:
        field = get(value)
        if field is None or field is UNSET:
            return None
    keys = document.keys(table)
    # The key in by_creation_time, which comes first, is creation time and id: what every key ends with.
    return keys[index.position][: -len(keys[0])]


async def _look_up(tx: Transaction, table: TableInfo, index: UniqueIndex, part: bytes) -> None:
    lower, upper = part, prefix_end(part)
    tx.reads.look_up(index.info.id, lower, upper)
    for _, id in await tx.entries(table, index.info, lower, upper, reverse=False, limit=1):
        raise UniqueViolation(table.name, index.info.name, index.info.fields[:-2], id)
