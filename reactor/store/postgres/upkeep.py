"""Work on the database that nobody waits for: filling new indexes, forgetting the past, removing what is dropped.

It goes in pages, each a transaction of its own, so that a commit waits for one page at most.
"""

from collections.abc import Sequence
from functools import partial

from reactor.store.postgres.columns import split_long
from reactor.store.postgres.driver import Connection
from reactor.store.postgres.writer import Writer
from reactor.store.statements import Statement

__all__ = ["Upkeep"]

_FILL_ROWS = 1_024
_PRUNE_ROWS = 512
"""Rows in one transaction: a few milliseconds."""


class Upkeep:
    """Runs its work through the writer, in turn with commits.

    `unfinished`: numbers of indexes that had entries and no record when the store was opened: nobody fills those any
    more, since an index is recorded before it is filled.
    """

    def __init__(self, writer: Writer, statements: dict[str, Statement]) -> None:
        self._writer, self._statements = writer, statements
        self.unfinished: list[int] = []

    async def fill(self, index: int, entries: Sequence[tuple[bytes, str]], as_of: int) -> bool:
        """Add entries (key, document id) to an index, but for documents that were written after commit `as_of`.

        Says whether there were long ones among them.
        """
        long = False
        for start in range(0, len(entries), _FILL_ROWS):
            page = entries[start : start + _FILL_ROWS]
            long |= await self._writer.transaction(
                partial(self._fill, index=index, entries=page, as_of=as_of), "filling an index"
            )
        return long

    async def prune(self, *, log_before: int, outcomes_before: int, limit: int) -> int:
        """Delete up to `limit` rows: old log entries, old outcomes, entries of dropped indexes. Returns how many."""
        works = (
            partial(self._prune, name="prune_log", before=log_before),
            partial(self._prune, name="prune_outcomes", before=outcomes_before),
            self._prune_dropped,
        )
        count = 0
        for work in works:
            while count < limit:
                page = partial(work, limit=min(_PRUNE_ROWS, limit - count))
                found = await self._writer.transaction(page, "forgetting what is old")
                if not found:
                    break
                count += found
        return count

    async def _fill(
        self, connection: Connection, *, index: int, entries: Sequence[tuple[bytes, str]], as_of: int
    ) -> bool:
        await connection.execute(self._statements["take_turn"].sql)
        ids = dict(entries)
        (_, keys), long = split_long((index, key) for key, _ in entries)
        args = index, keys, [ids[key] for key in keys], as_of
        await connection.execute(self._statements["fill_entries"].sql, *args)
        if long[0]:
            _, heads, digests, keys = long
            args = index, keys, [ids[key] for key in keys], as_of, heads, digests
            await connection.execute(self._statements["fill_long_entries"].sql, *args)
        await connection.execute(self._statements["raise_last_index"].sql, index)
        return bool(long[0])

    async def _prune(self, connection: Connection, *, name: str, before: int, limit: int) -> int:
        return await connection.fetchval(self._statements[name].sql, before, limit)

    async def _prune_dropped(self, connection: Connection, *, limit: int) -> int:
        dropped = [
            *self.unfinished,
            *(row[0] for row in await connection.fetch(self._statements["dropped_indexes"].sql)),
        ]
        if not dropped:
            return 0
        index = dropped[0]
        count = await connection.fetchval(self._statements["delete_index_entries"].sql, index, limit)
        if count < limit:
            count += await connection.fetchval(self._statements["delete_long_index_entries"].sql, index, limit - count)
        if count < limit:
            # The index itself is counted as a row, so that one without entries does not end the pruning.
            count += 1
            await connection.execute(self._statements["forget_index"].sql, index)
            self.unfinished = [other for other in self.unfinished if other != index]
        return count
