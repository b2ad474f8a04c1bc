"""One batch of a migration: the next documents of its table, each given to the migration, in one transaction."""

import inspect
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any

from reactor.database.catalog import TableInfo
from reactor.database.documents import Document
from reactor.database.ranges import OpenScan
from reactor.database.transaction import Transaction
from reactor.errors import DeveloperError
from reactor.runtime.contexts import MutationCtx
from reactor.runtime.migration_span import Span
from reactor.runtime.migrations import Migration

__all__ = ["Batch"]

_PORTION = 64
"""So many documents are loaded at once."""

_SHARE = 0.5
"""A batch ends when it has used this part of what one transaction may read or write."""

Saw = Callable[[dict[str, Any], dict[str, Any] | None], None]
"""Is told of a document that changed: as it was, and as it is (None: it is deleted)."""


class Batch:
    """A batch to be run; afterwards it says how far it came.

    `cursor` is the key of the last document that is done. `document` is the one that the migration has in hand, and
    after a failure the one at which it failed. `until` is set when the migration creates documents in its own table:
    it is not to visit those.
    """

    def __init__(
        self,
        migration: Migration,
        cursor: bytes | None,
        most: int,
        *,
        until: float | None = None,
        seconds: float = 1.0,
        saw: Saw | None = None,
    ) -> None:
        """At most `most` documents, and no further one when `seconds` have passed; none that was created at `until`
        (milliseconds since 1970) or later."""
        self.migration, self.cursor, self._most, self._seconds = migration, cursor, most, seconds
        self.until, self._saw = until, saw
        self.processed = self.changed = 0
        self.done = False
        """Nothing lies behind."""
        self.document: str | None = None
        self._stop = self._limit = 0.0

    async def run(self, ctx: MutationCtx) -> None:
        """Raises what the migration raises, and DeveloperError for what it returns or leaves undone."""
        tx: Transaction = ctx._tx  # pyright: ignore[reportPrivateUsage] - it reads without spending a function's budget
        self._stop = perf_counter() + self._seconds
        # What the migration itself creates comes behind all that there is, and could keep it busy for ever.
        first = tx.next_creation
        self._limit = first if self.until is None else min(first, self.until)
        span = Span(tx, self.migration)
        scan = span.open(tx, self.cursor)
        self.done = scan is None
        while scan is not None and not self.done and not self._enough(tx):
            await self._portion(ctx, tx, span, scan)
        if self.until is None and tx.next_creation != first and _inserted(tx, span.table):
            self.until = first

    async def _portion(self, ctx: MutationCtx, tx: Transaction, span: Span, scan: OpenScan) -> None:
        size = min(_PORTION, self._most - self.processed)
        entries = await tx.entries(span.table, span.index, *scan.rest(), reverse=False, limit=size)
        await tx.load([id for _, id in entries])  # at once; what is written meanwhile is looked up below
        for key, id in entries:
            document = (await tx.load([id]))[0]
            late = self._is_late(document)
            if late and span.by_creation:
                self.done = True
                return
            if document.raw is not None and not late:
                await self._visit(ctx, tx, document)
            self.cursor = key
            scan.consume(key)
            if self._enough(tx):
                return
        if len(entries) < size:
            self.done = scan.exhausted = True

    def _enough(self, tx: Transaction) -> bool:
        return self.processed >= self._most or perf_counter() > self._stop or _spent(tx)

    def _is_late(self, document: Document) -> bool:
        return document.raw is not None and document.value()["_creationTime"] >= self._limit

    async def _visit(self, ctx: MutationCtx, tx: Transaction, document: Document) -> None:
        self.document = document.id
        tx.consumed(document)
        before = tx.version
        changes = self.migration.migrate(ctx, document.copy())
        if inspect.isawaitable(changes):
            changes = await changes
        if changes is not None:
            await ctx.db.patch(document.id, _mapping(changes))
        ctx.finish()
        ctx.made_calls.clear()
        self.document = None
        self.processed += 1
        if tx.version != before:
            await self._note(tx, document)

    async def _note(self, tx: Transaction, old: Document) -> None:
        self.changed += 1
        if self._saw is not None:
            new = (await tx.load([old.id]))[0]
            self._saw(old.copy(), None if new.raw is None else new.copy())


def _mapping(changes: object) -> Mapping[str, Any]:
    if not isinstance(changes, Mapping):
        raise DeveloperError(
            f"A migration returns a dict of changes, or None to leave the document; not {type(changes).__name__}.",
            code="InvalidMigrationResult",
        )
    return changes  # pyright: ignore[reportUnknownVariableType] - `patch` looks at the keys


def _spent(tx: Transaction) -> bool:
    limits, reads = tx.limits, tx.reads
    return (
        reads.documents > limits.documents_read * _SHARE
        or reads.size > limits.bytes_read * _SHARE
        or tx.documents_written > limits.documents_written * _SHARE
        or tx.bytes_written > limits.bytes_written * _SHARE
    )


def _inserted(tx: Transaction, table: TableInfo) -> bool:
    return any(info.number == table.number and old.raw is None for info, old in tx.before.values())
