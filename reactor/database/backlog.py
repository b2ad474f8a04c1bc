"""How many scheduled functions wait for their time, as the commits tell it."""

from collections.abc import Callable, Iterable

from reactor.database.committed import Committed
from reactor.database.counting import count_entries
from reactor.database.database import Database
from reactor.database.documents import Document
from reactor.database.scheduled import State, of_state, state_of
from reactor.database.system_tables import SCHEDULED
from reactor.errors import DeveloperError

__all__ = ["Backlog"]


class Backlog:
    """Counts pending jobs. `open` it on an open database, and give it the news of commits from then on."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.pending = 0
        self.on_new: Callable[[], None] = lambda: None
        """Called when jobs have become pending."""
        self._by_id, self._since = -1, 0

    async def open(self, database: Database) -> None:
        """Count what is there. Others may commit meanwhile, so the news are to come from before this on."""
        table = database.catalog.table(SCHEDULED)
        assert table is not None
        index, lower, upper = of_state(table, State.PENDING)
        snapshot = database.store.acquire()
        self._by_id, self._since = table.by_id.id, snapshot.ts
        try:
            self.pending += await count_entries(snapshot, (), index.id, lower, upper)
        finally:
            snapshot.release()

    def news(self, commits: Iterable[Committed]) -> None:
        """Commits became visible."""
        by_id, new = self._by_id, False
        for commit in commits:
            if commit.ts <= self._since:
                continue
            for index, _, versions in commit.touches:
                if index == by_id and versions is not None:
                    change = _change(versions)
                    self.pending += change
                    new |= change > 0
        if new:
            self.on_new()

    def check(self, more: int) -> None:
        """Raises DeveloperError when `more` pending jobs would be too many."""
        if self.pending + more > self._limit:
            raise DeveloperError(
                f"Too many functions are scheduled and have not run yet (limit: {self._limit}, the setting "
                "max_pending_jobs). Schedule fewer at a time, or cancel those that need not run.",
                code="TooManyPendingJobs",
            )


def _change(versions: tuple[Document, ...]) -> int:
    """By how much a write changes the number of pending jobs: before and after, or one version of a row that came or
    went. None goes while it is pending."""
    *before, last = versions
    return _is_pending(last) - sum(map(_is_pending, before))


def _is_pending(row: Document) -> bool:
    return state_of(row) is State.PENDING
