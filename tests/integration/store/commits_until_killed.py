"""A server in small, to be killed: commits batches for ever and prints each timestamp that it acknowledges.

Run with the data folder, or the address of a PostgreSQL database, as its argument. Every commit writes a document,
moves a counter and records an outcome.
"""

import asyncio
import sys
from pathlib import Path

from reactor.store.postgres.store import PostgresStore
from reactor.store.seam import Commit
from reactor.store.sqlite import SqliteStore
from tests.integration.store.rows import advance, commit, insert, newest, update

COUNTER = 0
BATCHES = (1, 7, 64)


async def main(place: str) -> None:
    store = PostgresStore(place) if "://" in place else SqliteStore(Path(place), wal_pages=32)
    await store.open()
    async with newest(store) as snapshot:
        ts = snapshot.ts
    if ts == 0:
        await store.commit([commit(1, insert(COUNTER, b"1"))])
        await advance(store, 1)
        ts = 1
    for round in range(10**9):
        batch: list[Commit] = []
        for _ in range(BATCHES[round % len(BATCHES)]):
            counted = update(COUNTER, b"%d" % ts, b"%d" % (ts + 1))
            ts += 1
            batch.append(commit(ts, insert(ts, b"w%d" % len(batch)), counted, request=ts))
        await store.commit(batch)
        await advance(store, ts)
        print(ts, flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
