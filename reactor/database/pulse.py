"""A document of the system's own, written and read like any other: when a write to it arrives, writes arrive.

It is one document, so its writes leave nothing behind but entries of the log, which are pruned with the others.
"""

from typing import Any

from reactor.database.catalog import BY_CREATION, TableInfo
from reactor.database.documents import Document
from reactor.database.query import Query
from reactor.database.system_tables import HEALTH
from reactor.database.transaction import Transaction
from reactor.values import encode

__all__ = ["beat", "pulse"]

_COUNT = "beats"


async def pulse(tx: Transaction) -> float:
    """How often it was written."""
    document = await Query(tx, HEALTH, tx.table(HEALTH), BY_CREATION).first()
    return 0.0 if document is None else document[_COUNT]


async def beat(tx: Transaction) -> float:
    """Write it once more, and give how often it was written."""
    table = tx.table(HEALTH)
    assert table is not None, "it is made when the database is opened"
    found = await Query(tx, HEALTH, table, BY_CREATION).first()
    old = None if found is None else await tx.get(table, found["_id"])
    fields: dict[str, Any] = found or {"_id": tx.new_id(table), "_creationTime": tx.take_creation(), _COUNT: 0.0}
    beats: float = fields[_COUNT] + 1.0
    fields[_COUNT] = beats
    tx.write(table, old, _document(table, fields["_id"], fields))
    return beats


def _document(table: TableInfo, id: str, fields: dict[str, Any]) -> Document:
    document = Document(id, encode(fields))
    document.set_keys(table, table.keys_of(fields))
    return document
