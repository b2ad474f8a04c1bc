"""Tables, documents and snapshots for the database's unit tests, spelled briefly."""

from collections.abc import Iterable
from typing import Any

from reactor.database.catalog import TableInfo
from reactor.database.documents import Document
from reactor.store.memory import MemorySnapshot
from reactor.store.seam import Commit, IndexRecord, Point, TableRecord, Write
from reactor.values import encode, encode_id

RECORD = TableRecord("words", 10_001, 1, 2)
BY_WORD = IndexRecord(3, RECORD.number, "by_word", ("word",))
WORDS = TableInfo(RECORD, [BY_WORD], None)


def id_of(number: int, table: int = RECORD.number) -> str:
    return encode_id(table, number.to_bytes(16, "big"))


def document(number: int, **fields: Any) -> Document:
    return Document(id_of(number), encode({"_id": id_of(number), "_creationTime": float(number), **fields}))


def snapshot(documents: Iterable[Document], table: TableInfo = WORDS, ts: int = 1) -> MemorySnapshot:
    """A state that holds these documents."""
    state = MemorySnapshot()
    writes = [
        Write(
            document.id,
            table.number,
            None,
            document.raw,
            [Point(index, None, key) for index, key in zip(table.ordered_ids, document.keys(table), strict=True)],
        )
        for document in documents
    ]
    state.apply(Commit(ts, writes, "tests"))
    return state
