"""A server in small that shares a database with others, to be killed, stopped and cut off.

Run with the address of a PostgreSQL database and a number of its own. Each commit adds one to a counter that all of
them have, and inserts a document; it prints the number of each document whose commit was acknowledged. It ends by
itself when what it sees of its own and others' commits cannot be.
"""

import asyncio
import sys

from reactor.errors import StoreError
from reactor.store.postgres.store import PostgresStore
from reactor.store.seam import Commit, LogEntry, Snapshot, Write
from tests.integration.store.rows import commit, doc_id, insert, newest, update
from tests.integration.store.shared_rows import COUNTER, caught_up


class Counting:
    """What this server knows of the counter, and does to it."""

    def __init__(self, store: PostgresStore, first: int) -> None:
        self.store, self.next = store, first
        self.seen = self.last_ts = 0
        self._committed = False

    async def begin(self) -> None:
        async with newest(self.store) as snapshot:
            self.seen, self.last_ts = await _counter(snapshot), snapshot.ts

    async def follow(self) -> None:
        """Catch up, and see that every commit of everybody came once and in its order."""
        entries = await caught_up(self.store)
        assert entries is not None
        for entry in entries:
            assert entry.ts > self.last_ts, (entry.ts, self.last_ts)
            assert _replaced(entry) == self.seen, (_replaced(entry), self.seen)
            self.seen, self.last_ts = self.seen + 1, entry.ts
        async with newest(self.store) as snapshot:
            assert await _counter(snapshot) == self.seen

    async def add(self, *, exclusively: bool) -> None:
        if exclusively:
            async with self.store.exclusive():
                await self.follow()
                await self._commit()
        else:
            await self._commit()
        await self.settle()

    async def settle(self) -> None:
        """Also after a failure: the commit is there if it was acknowledged, and only then."""
        await self.follow()
        async with newest(self.store) as snapshot:
            there = bool(await snapshot.get([doc_id(self.next)]))
        assert there == self._committed, (self.next, there)
        if there:
            print(self.next, flush=True)
            self.next, self._committed = self.next + 1, False

    async def _commit(self) -> None:
        await self.store.commit([self._made(self.last_ts + 1, self.seen)], revise=self._revise)
        self._committed = True

    def _revise(self, last: int, entries: list[LogEntry] | None) -> list[Commit]:
        assert entries is not None
        return [self._made(last + 1, self.seen + len(entries))]

    def _made(self, ts: int, count: int) -> Commit:
        counted = update(COUNTER, b"%d" % count, b"%d" % (count + 1)) if count else insert(COUNTER, b"1")
        return commit(ts, counted, insert(self.next, b"w"), request=self.next)


async def _counter(snapshot: Snapshot) -> int:
    return int((await snapshot.get([doc_id(COUNTER)])).get(doc_id(COUNTER), b"0"))


def _replaced(entry: LogEntry) -> int:
    counted: list[Write] = [write for write in entry.writes if write.id == doc_id(COUNTER)]
    return int(counted[0].old or b"0")


async def main(url: str, number: int) -> None:
    counting = await _begun(url, number * 10**6 + 1)
    for round in range(10**9):
        try:
            await counting.add(exclusively=round % 3 == 0)
        except StoreError:
            await _until_settled(counting)


async def _begun(url: str, first: int) -> Counting:
    """Begins again and again, as whoever looks after a server would have it do."""
    while True:
        store = PostgresStore(url, connections=4, poll_seconds=0.05)
        counting = Counting(store, first)
        try:
            await store.open()
            store.listen(lambda: None)
            await counting.begin()
        except StoreError:
            await store.close()
            await asyncio.sleep(0.01)
        else:
            return counting


async def _until_settled(counting: Counting) -> None:
    while True:
        try:
            await counting.settle()
        except StoreError:
            await asyncio.sleep(0.01)
        else:
            return


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
