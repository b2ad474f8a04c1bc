"""Work on the database that nobody waits for: filling new indexes, forgetting the past, removing what is dropped.

It goes in pages, each a transaction of its own, so that a commit waits for one page at most.
"""

import sqlite3
from collections.abc import Callable, Sequence
from functools import partial

from reactor.store.checkpoints import Checkpoints
from reactor.store.statements import Statement
from reactor.store.writer import Writer

__all__ = ["Upkeep"]

_FILL_ROWS = 512
"""Entries added in one transaction: about a millisecond."""

_PRUNE_ROWS = 128
"""Rows removed in one transaction. They lie all over their index, so this many take as long as 512 that are added."""


class Upkeep:
    """Runs its work through the writer, in turn with commits.

    `unfinished`: numbers of indexes whose filling did not come to its end before the store was opened.
    """

    def __init__(self, writer: Writer, checkpoints: Checkpoints, statements: dict[str, Statement]) -> None:
        self._writer = writer
        self._checkpoints = checkpoints
        self._statements = statements
        self.unfinished: list[int] = []

    async def fill(self, index: int, entries: Sequence[tuple[bytes, str]], as_of: int) -> None:
        """Add entries (key, document id) to an index, but for documents that were written after commit `as_of`."""
        for start in range(0, len(entries), _FILL_ROWS):
            page = entries[start : start + _FILL_ROWS]
            await self._page(partial(self._fill, index=index, entries=page, as_of=as_of))

    async def prune(self, *, log_before: int, outcomes_before: int, limit: int) -> int:
        """Delete up to `limit` rows: old log entries, old outcomes, entries of dropped indexes. Returns how many."""
        works = (
            partial(self._prune_log, before=log_before),
            partial(self._prune_outcomes, before=outcomes_before),
            self._prune_dropped,
        )
        count = 0
        for work in works:
            while count < limit:
                found = await self._page(partial(work, limit=min(_PRUNE_ROWS, limit - count)))
                if not found:
                    break
                count += found
        return count

    async def _page(self, work: Callable[[sqlite3.Connection], int]) -> int:
        await self._checkpoints.before_write()
        count = await self._writer.transaction(work)
        self._checkpoints.written()
        return count

    def _fill(
        self, connection: sqlite3.Connection, *, index: int, entries: Sequence[tuple[bytes, str]], as_of: int
    ) -> int:
        rows = [part for key, id in entries for part in (index, key, id, as_of)]
        for sql, parameters in self._statements["fill_entries"].portions(rows):
            connection.execute(sql, parameters)
        connection.execute(self._statements["raise_last_index"].sql, (index,))
        return len(entries)

    def _prune_log(self, connection: sqlite3.Connection, *, before: int, limit: int) -> int:
        last = connection.execute(self._statements["last_of_log_page"].sql, (before, limit)).fetchone()[0]
        if last is None:
            return 0
        connection.execute(self._statements["move_history_start"].sql, (last,))
        return connection.execute(self._statements["delete_log"].sql, (last,)).rowcount

    def _prune_outcomes(self, connection: sqlite3.Connection, *, before: int, limit: int) -> int:
        return connection.execute(self._statements["delete_outcomes"].sql, (before, limit)).rowcount

    def _prune_dropped(self, connection: sqlite3.Connection, *, limit: int) -> int:
        dropped = [*self.unfinished, *(row[0] for row in connection.execute(self._statements["dropped_indexes"].sql))]
        if not dropped:
            return 0
        index = dropped[0]
        count = connection.execute(self._statements["delete_index_entries"].sql, (index, index, limit)).rowcount
        if count < limit:
            # The index itself is counted as a row, so that one without entries does not end the pruning.
            count += 1
            connection.execute(self._statements["forget_index"].sql, (index,))
            self.unfinished = [other for other in self.unfinished if other != index]
        return count
