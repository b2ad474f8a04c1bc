"""A store that cannot be read: nothing is built upon a transaction that met it, whatever its function makes of it."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import pytest

from reactor import MutationCtx
from reactor.errors import StoreError
from reactor.schema import define_schema, define_table
from reactor.store.memory import MemoryStore
from reactor.testing import Backend
from reactor.values import v

SCHEMA = define_schema({"notes": define_table(text=v.string())})


class Snapshot:
    """One that cannot be read while its store is told so."""

    def __init__(self, store: "Faulty", real: Any) -> None:
        self._store, self._real = store, real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def get(self, ids: Sequence[str]) -> dict[str, bytes]:
        self._store.read("get")
        return await self._real.get(ids)

    async def scan(self, *args: Any, **options: Any) -> Any:
        self._store.read("scan")
        return await self._real.scan(*args, **options)

    async def count(self, *args: Any, **options: Any) -> Any:
        self._store.read("count")
        return await self._real.count(*args, **options)


class Faulty(MemoryStore):
    """A store of which some kind of reading fails."""

    broken = ""

    def read(self, kind: str) -> None:
        if kind == self.broken:
            raise StoreError("reading failed: disk I/O error")

    def acquire(self) -> Any:
        return Snapshot(self, super().acquire())


READS: dict[str, Callable[[MutationCtx, str], Any]] = {
    "get": lambda ctx, id: ctx.db.get(id),
    "scan": lambda ctx, id: ctx.db.query("notes").collect(),
    "count": lambda ctx, id: ctx.db.query("notes").count(),
}


@pytest.mark.parametrize("kind", READS)
async def test_a_mutation_that_swallows_the_fault_is_not_kept(kind: str) -> None:
    store = Faulty()
    async with Backend(functions=[], schema=SCHEMA, store=store, document_cache_bytes=0) as backend:
        id = await backend.run(lambda ctx: ctx.db.insert("notes", {"text": "before"}))

        async def swallows(ctx: MutationCtx) -> str:
            with suppress(Exception):
                await READS[kind](ctx, id)
            await ctx.db.insert("notes", {"text": "after"})
            return "as if nothing had happened"

        store.broken = kind
        with pytest.raises(StoreError, match="disk I/O error"):
            await backend.run(swallows)
        store.broken = ""
        notes = await backend.run(lambda ctx: ctx.db.query("notes").collect())
        assert [note["text"] for note in notes] == ["before"]
        assert await backend.run(swallows) == "as if nothing had happened"
