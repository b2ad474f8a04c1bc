"""Looking for the jobs whose time has come, in the index over their states and times."""

from collections.abc import Callable
from typing import NamedTuple

from reactor.database.database import Database
from reactor.database.documents import Document
from reactor.database.scheduled import SOURCE, State, delete_job, ended_before, find_job, node_of, of_state, state_of
from reactor.database.system_tables import SCHEDULED
from reactor.database.transact import transact
from reactor.database.transaction import Transaction
from reactor.nodes.membership import Membership
from reactor.values import successor

__all__ = ["Found", "Jobs"]

_PAGE = 256
"""Rows that are deleted in one transaction."""

_ENDED = (State.SUCCESS, State.FAILED, State.CANCELED)


class Found(NamedTuple):
    """The rows of due jobs, earliest first, and the time of the next one that is not due, in ms since 1970."""

    due: list[Document]
    next_time: float | None


class Jobs:
    """The table of scheduled functions as the server looks at it."""

    def __init__(self, database: Database, members: Membership) -> None:
        self._database, self._members = database, members

    async def find(self, limit: int, skip: Callable[[str], bool]) -> Found:
        """The first `limit` pending jobs but for those to `skip`, as far as their time has come.

        The cost does not depend on how many there are besides.
        """
        now = self._database.now()
        rows = await self._rows(State.PENDING, limit)
        due = [row for row in rows if _time(row) <= now and not skip(row.id)]
        later = next((_time(row) for row in rows if _time(row) > now), None)
        return Found(due, later)

    async def next_time(self) -> float | None:
        """The time of the earliest pending job, in ms since 1970."""
        rows = await self._rows(State.PENDING, 1)
        return _time(rows[0]) if rows else None

    async def lateness(self) -> float:
        """By how many seconds the earliest pending job is late, 0 when none is."""
        time = await self.next_time()
        return 0.0 if time is None else max(0.0, self._database.now() - time) / 1000

    async def running(self) -> dict[str, str | None]:
        """Ids of actions that have begun and not ended, with the nodes that run them."""
        table = self._database.catalog.table(SCHEDULED)
        assert table is not None
        index, lower, upper = of_state(table, State.IN_PROGRESS)
        running: dict[str, str | None] = {}
        snapshot = self._database.store.acquire()
        try:
            while entries := await snapshot.scan(index.id, lower, upper, reverse=False, limit=_PAGE):
                raw = await snapshot.get([id for _, id in entries])
                running.update((id, node_of(Document(id, raw[id]))) for _, id in entries)
                lower = successor(entries[-1][0])
        finally:
            snapshot.release()
        return running

    async def forget(self, before: float) -> int:
        """Delete the rows of jobs that ended before a time, in ms since 1970; gives how many.

        Raises StoreError, and NotLeading when that is another node's business.
        """
        total = 0
        for state in _ENDED:
            while ids := await self._ended(state, before):
                total += await transact(self._database.committer, SOURCE, lambda tx: self._delete(tx, ids))
                if len(ids) < _PAGE:
                    break
        return total

    async def _rows(self, state: State, limit: int) -> list[Document]:
        table = self._database.catalog.table(SCHEDULED)
        assert table is not None
        index, lower, upper = of_state(table, state)
        snapshot = self._database.store.acquire()
        try:
            ids = [id for _, id in await snapshot.scan(index.id, lower, upper, reverse=False, limit=limit)]
            raw = await snapshot.get(ids)
        finally:
            snapshot.release()
        return [Document(id, raw[id]) for id in ids]

    async def _ended(self, state: State, before: float) -> list[str]:
        table = self._database.catalog.table(SCHEDULED)
        assert table is not None
        index, lower, upper = ended_before(table, state, before)
        snapshot = self._database.store.acquire()
        try:
            return [id for _, id in await snapshot.scan(index.id, lower, upper, reverse=False, limit=_PAGE)]
        finally:
            snapshot.release()

    async def _delete(self, tx: Transaction, ids: list[str]) -> int:
        await self._members.require(tx)
        deleted = 0
        for id in ids:
            row = await find_job(tx, id)
            if row is not None and state_of(row) in _ENDED:
                delete_job(tx, row)
                deleted += 1
        return deleted


def _time(row: Document) -> float:
    return row.value()["scheduledTime"]
