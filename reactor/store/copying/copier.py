"""A copy from its beginning to its end.

What is copied is as of one commit: documents and entries of indexes up to where the copy is, and all log entries and
outcomes. While a server goes on writing to the source, the copy goes in legs. Each reads one moment. It begins by
bringing what is there already to that moment, by the log of the commits since; then it copies on. So a leg never reads
an old moment for long, the log is followed before it is pruned, and going on after an interruption is just the next
leg. When all is there, legs only follow, until nobody writes to the source any more.
"""

import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from functools import partial
from typing import Any

from msgspec.structs import replace

from reactor.errors import StoreError
from reactor.store.copying.check import check
from reactor.store.copying.comparing import differing_entries
from reactor.store.copying.ends import LAST_KEY, Change, Progress, Reader, Source, Target
from reactor.store.copying.following import compare, follow
from reactor.store.copying.pages import first, itself, pages
from reactor.store.copying.tables import DOCUMENTS, LOG, OUTCOMES, Catalog, Table, in_bytes
from reactor.store.copying.watch import Watch

__all__ = ["Copier"]

_LEG_SECONDS = 30.0
_NEAR = 2_000
"""Commits that the last leg may have followed for the copy to count as close behind."""


class Copier:
    """Copies `source` to `target`, both of them open, from where `progress` says that it is.

    `pause` is waited for between looks at a source whose server goes on.
    """

    def __init__(
        self,
        source: Source,
        target: Target,
        progress: Progress,
        watch: Watch,
        *,
        pause: Callable[[], Awaitable[None]],
        leg_seconds: float = _LEG_SECONDS,
    ) -> None:
        self._source, self._target, self._watch = source, target, watch
        self.progress = progress
        self._pause, self._leg_seconds = pause, leg_seconds

    async def run(self, *, wait: bool, checked: bool = True) -> dict[str, int] | None:
        """Copy everything, then compare both sides if that is wanted; gives how many rows each part has.

        While a server has the source: follows it until it is stopped; without `wait`, ends with None when it is near.
        The copy is not complete before `complete`.
        """
        await self._count()
        while True:
            taken = await self._source.take()
            moment = await self._source.moment()
            catalog = await moment.catalog()
            commits = await self._catch_up(moment, catalog)
            whole = await self._copy_on(moment, catalog, None if taken else time.monotonic() + self._leg_seconds)
            if whole and taken:
                return await self._finish(moment, catalog, checked)
            if whole and commits <= _NEAR:
                if not wait:
                    return None
                self._watch.near()
            if whole:
                await self._pause()

    async def complete(self) -> None:
        """Let servers have the copy. Raises StoreError when a server may have had the source meanwhile."""
        if not await self._source.still_taken():
            raise StoreError(
                f"the lock on {self._source.place} was lost, so a server may have written to it: give the same command "
                "again, which goes on"
            )
        await self._target.complete()

    # A leg

    async def _count(self) -> None:
        self._watch.stage("counting", None)
        total = await (await self._source.moment()).rows()
        there = await self._target.reader().rows() if self.progress.ts else 0
        self._watch.stage("copying", total)
        self._watch.did(there or 0, 0)

    async def _catch_up(self, moment: Reader, catalog: Catalog) -> int:
        """Bring what is there to a moment. Says how many commits that took."""
        progress, commits = self.progress, 0
        if catalog.ts < progress.ts:
            raise StoreError(
                f"{self._source.place} stands at an earlier commit than its copy: it is not the database that was "
                "copied first, or was put back to a former state. Give --again to begin anew"
            )
        await self._drop(catalog)
        if progress.ts != catalog.ts:
            if progress.ts and catalog.history_start > progress.ts:
                self._watch.pruned()
                await compare(moment, self._target.reader(), self.progress, self._write)
            elif progress.ts:
                commits = await follow(moment, self.progress, self._write)
            await self._write(Change(), ts=catalog.ts)
        await self._append(moment, LOG, "log")
        await self._append(moment, OUTCOMES, "outcomes")
        return commits

    async def _drop(self, catalog: Catalog) -> None:
        """Forget indexes that are gone since."""
        live, progress = set(catalog.live()), self.progress
        gone = [index for index in [*progress.indexes, progress.index] if index and index not in live]
        if gone:
            await self._target.drop(gone)
            kept = [index for index in progress.indexes if index in live]
            own = {} if progress.index in live else {"index": 0, "key": b""}
            await self._write(Change(), indexes=kept, **own)

    async def _append(self, moment: Reader, table: Table[int], name: str) -> None:
        """Copy rows that are newer than those that are there."""
        read = pages(partial(moment.page, table, upto=table.last), getattr(self.progress, name), first)
        async with aclosing(read):
            async for rows in read:
                await self._write(Change(new=[(table, rows)]), **{name: rows[-1][0]})
                self._watch.did(len(rows), in_bytes(table, rows))

    async def _copy_on(self, moment: Reader, catalog: Catalog, until: float | None) -> bool:
        """Copy documents and entries on, at most until a time. Says whether all of the moment is there."""
        if not await self._copy_documents(moment, until):
            return False
        # An index that was begun comes first: only one can be on its way.
        for index in sorted(catalog.live(), key=lambda number: number != self.progress.index):
            if index not in self.progress.indexes and not await self._copy_entries(moment, index, until):
                return False
        return True

    async def _copy_documents(self, moment: Reader, until: float | None) -> bool:
        if self.progress.documents is None:
            return True
        read = pages(partial(moment.page, DOCUMENTS, upto=DOCUMENTS.last), self.progress.documents, first)
        async with aclosing(read):
            async for rows in read:
                await self._write(Change(new=[(DOCUMENTS, rows)]), documents=rows[-1][0])
                self._watch.did(len(rows), in_bytes(DOCUMENTS, rows))
                if _late(until):
                    return False
        await self._write(Change(), documents=None)
        return True

    async def _copy_entries(self, moment: Reader, index: int, until: float | None) -> bool:
        after = self.progress.key if index == self.progress.index else b""
        read = pages(partial(moment.entries, index, upto=LAST_KEY), after, itself)
        async with aclosing(read):
            async for keys in read:
                await self._write(Change(new_entries=[(index, key) for key in keys]), index=index, key=keys[-1])
                self._watch.did(len(keys), sum(map(len, keys)))
                if _late(until):
                    return False
        await self._write(Change(), indexes=[*self.progress.indexes, index], index=0, key=b"")
        return True

    # The end

    async def _finish(self, moment: Reader, catalog: Catalog, checked: bool) -> dict[str, int]:
        self._watch.stage("the last of it", None)
        for index in catalog.unlogged():
            async with aclosing(differing_entries(moment, self._target.reader(), index, LAST_KEY)) as changes:
                async for change in changes:
                    await self._write(change)
        outcomes = await moment.page(OUTCOMES, OUTCOMES.first, OUTCOMES.last)
        await self._target.settle(catalog, first_outcome=outcomes[0][0] if outcomes else OUTCOMES.last)
        if not checked:
            return {}
        self._watch.stage("comparing", await moment.rows())
        return await check(moment, self._target.reader(), self._watch.did)

    async def _write(self, change: Change, **moved: Any) -> None:
        """Change the target, and how far the copy is, in one transaction."""
        progress = replace(self.progress, **moved)
        await self._target.write(change, progress)
        self.progress = progress


def _late(until: float | None) -> bool:
    return until is not None and time.monotonic() > until
