"""Several processes' use of a shared store, spelled briefly."""

import asyncio
from collections.abc import Callable, Sequence

from reactor.store.seam import Commit, LogEntry, Store, Write
from tests.integration.store.rows import commit

COUNTER = 0
"""Number of the document that everybody counts with."""


async def caught_up(store: Store) -> list[LogEntry] | None:
    """Let a store see the newest state; returns what is new to it."""
    snapshot, entries = await store.catch_up()
    store.advance(snapshot.ts)
    snapshot.release()
    return entries


class Revising:
    """Gives `commits` in place of a batch, and remembers what others had committed."""

    def __init__(self, give: Callable[[int, list[LogEntry] | None], Sequence[Commit]]) -> None:
        self.told: list[tuple[int, list[int] | None]] = []
        self._give = give

    def __call__(self, last: int, entries: list[LogEntry] | None) -> Sequence[Commit]:
        self.told.append((last, None if entries is None else [entry.ts for entry in entries]))
        return self._give(last, entries)


class News:
    """Hears of others' commits."""

    def __init__(self, store: Store) -> None:
        self._heard = asyncio.Event()
        store.listen(self._heard.set)

    async def heard(self) -> None:
        """Wait until there is news, and forget that there was."""
        await self._heard.wait()
        self._heard.clear()


def moved(*writes: Write) -> Revising:
    """Commits the same after the others."""
    return Revising(lambda last, found: [commit(last + 1, *writes)])


def never(last: int, found: list[LogEntry] | None) -> list[Commit]:
    """Revises a batch of which nobody is to ask it."""
    raise AssertionError(f"others have committed up to {last}: {found}")
