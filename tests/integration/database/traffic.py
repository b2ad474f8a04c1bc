"""A database whose schema changes under traffic: mutations can be put between any two steps of a backfill."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from reactor.database.adoption import Step
from reactor.database.catalog import TableInfo
from reactor.schema import Schema, Table, define_schema, define_table
from reactor.store.seam import IndexRecord, Store
from reactor.values import decode_trusted, v
from tests.integration.database.world import World


class Traffic(World):
    """`before_fill` and `after_fill` are awaited around each filling of an index; `steps` are what was told."""

    def __init__(self, store: Store, **options: Any) -> None:
        super().__init__(store, **options)
        self.steps: list[Step] = []
        self.filled: list[int] = []
        """Numbers of indexes, as pages of them were filled."""
        self.before_fill: Callable[[], Awaitable[None]] = nothing
        self.after_fill: Callable[[], Awaitable[None]] = nothing
        self.at_step: Callable[[Step], None] = lambda step: None
        gate: Any = self.gate
        fill = gate.fill_index

        async def filled(index: IndexRecord, entries: Sequence[tuple[bytes, str]], *, as_of: int) -> None:
            self.filled.append(index.id)
            await self.before_fill()
            await fill(index, entries, as_of=as_of)
            await self.after_fill()

        gate.fill_index = filled

    async def open(self, schema: Schema | None = None) -> Traffic:
        await super().open(words() if schema is None else schema)
        return self

    async def push(self, schema: Schema) -> None:
        def told(step: Step) -> None:
            self.steps.append(step)
            self.at_step(step)

        await self.db.adopt(schema, progress=told)

    async def add(self, *documents: dict[str, Any]) -> list[str]:
        """Insert words; gives their ids."""
        return [await self.mutate(lambda db, document=document: db.insert("words", document)) for document in documents]

    def info(self) -> TableInfo:
        info = self.db.catalog.table("words")
        assert info is not None
        return info

    async def entries(self, index: int) -> list[tuple[bytes, str]]:
        """All entries of an index."""
        snapshot = self.db.store.acquire()
        try:
            return await snapshot.scan(index, b"", b"\xff", reverse=False, limit=1_000_000)
        finally:
            snapshot.release()

    async def expected(self, *fields: str) -> list[tuple[bytes, str]]:
        """What an index over these fields holds, made from the documents as they are."""
        info = TableInfo(self.info().record, [IndexRecord(0, 0, "", fields)], None)
        snapshot = self.db.store.acquire()
        try:
            ids = await snapshot.scan_ids("", "~", reverse=False, limit=1_000_000)
            raw = await snapshot.get(ids)
        finally:
            snapshot.release()
        return sorted((info.keys_of(decode_trusted(each))[1], id) for id, each in raw.items())

    async def until(self, holds: Callable[[], bool]) -> None:
        """Let everything else go on until something holds."""
        while not holds():
            await asyncio.sleep(0)


async def nothing() -> None:
    """Nothing between."""


def words(table: Table | None = None, **options: Any) -> Schema:
    return define_schema({"words": table or define_table(v.any())}, **options)


def by(*fields: str, **options: Any) -> Schema:
    """Words with an index over the fields."""
    return words(define_table(v.any()).index("by", list(fields), **options))


def indexed(**indexes: list[str]) -> Schema:
    """Words with these indexes."""
    table = define_table(v.any())
    for name, fields in indexes.items():
        table = table.index(name, fields)
    return words(table)


def numbers(documents: Iterable[dict[str, Any]]) -> list[Any]:
    return [document["n"] for document in documents]


def numbered(count: int) -> list[dict[str, Any]]:
    return [{"n": number} for number in range(count)]
