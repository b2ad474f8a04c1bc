"""Vector search: how long a search takes, how good it is, and what vectors cost.

    python vectors.py FOLDER bare COUNT        numpy alone: one matrix in memory, its product, and the ten best
    python vectors.py FOLDER reactor COUNT     Reactor: COUNT documents with a vector of 384 numbers in a table

Prints one JSON object. Times are those that whoever searches waits, p50 over searches one after the other.
"""

import asyncio
import json
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reactor.database.database import Database
from reactor.database.reader import DatabaseReader
from reactor.database.transact import transact
from reactor.database.transaction import Transaction
from reactor.database.writer import DatabaseWriter
from reactor.schema import define_schema, define_table
from reactor.store.sqlite import SqliteStore
from reactor.values import v

__all__ = ["bare", "reactor"]

DIMENSIONS, CLUSTERS, BEST, SEARCHES, BATCH = 384, 200, 10, 50, 500
RARE, COMMON = 100, 3
"""One document in so many has the value that is asked for."""

PLAIN = define_schema({"texts": define_table(v.any())})
INDEXED = define_schema(
    {
        "texts": define_table(v.any()).vector_index(
            "near", vector_field="at", dimensions=DIMENSIONS, filter_fields=["rare", "common"]
        )
    }
)

Numbers = NDArray[np.float32]


class Sample:
    """Vectors around the centres of clusters, as those of texts lie, and others to look for."""

    def __init__(self, count: int) -> None:
        chance = np.random.default_rng(1)
        centres = 0.8 * chance.standard_normal((CLUSTERS, DIMENSIONS))
        around = [
            centres[chance.integers(0, CLUSTERS, number)] + chance.standard_normal((number, DIMENSIONS))
            for number in (count, SEARCHES)
        ]
        self.vectors, self.queries = (each.astype(np.float32) for each in around)
        lengths = np.linalg.norm(self.vectors, axis=1)
        self.best = [set(np.argsort(-(self.vectors @ query) / lengths)[:BEST].tolist()) for query in self.queries]


async def p50_ms(search: Callable[[Numbers], Awaitable[object]], queries: Numbers) -> float:
    taken: list[float] = []
    for query in queries:
        start = time.perf_counter()
        await search(query)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken) * 1e3


async def bare(folder: Path, count: int) -> dict[str, float]:
    """The least that looking at every vector takes."""
    sample = Sample(count)
    unit = sample.vectors / np.linalg.norm(sample.vectors, axis=1, keepdims=True)

    async def search(query: Numbers) -> list[int]:
        scores = np.vecdot(unit, query)
        best = np.argpartition(scores, -BEST)[-BEST:]
        return best[np.argsort(-scores[best])].tolist()

    return {"search_ms": await p50_ms(search, sample.queries)}


class Searches:
    """Searches of a database, as queries make them."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def all(self, query: Numbers) -> list[str]:
        return await self._search(query)

    async def rare(self, query: Numbers) -> list[str]:
        return await self._search(query, filter=lambda q: q.eq("rare", 0))

    async def common(self, query: Numbers) -> list[str]:
        return await self._search(query, filter=lambda q: q.eq("common", 0))

    async def _search(self, query: Numbers, **options: object) -> list[str]:
        snapshot = self.database.store.acquire()
        try:
            reader = DatabaseReader(self.database.read(snapshot))
            found = await reader.vector_search("texts", "near", vector=query.tolist(), limit=BEST, **options)
            return [match["_id"] for match in found]
        finally:
            snapshot.release()


@asynccontextmanager
async def opened(folder: Path, schema: object) -> AsyncIterator[Database]:
    database = Database(SqliteStore(folder))
    await database.open(schema)
    try:
        yield database
    finally:
        await database.close()


async def fill(database: Database, vectors: Numbers) -> tuple[list[str], float]:
    """Ids of documents with these vectors, and the microseconds that each took."""
    ids: list[str] = []
    start = time.perf_counter()
    for first in range(0, len(vectors), BATCH):
        rows = vectors[first : first + BATCH].tolist()

        async def work(tx: Transaction, rows: list[list[float]] = rows, first: int = first) -> list[str]:
            db = DatabaseWriter(tx)
            fields = ({"at": at, "rare": n % RARE, "common": n % COMMON} for n, at in enumerate(rows, first))
            return [await db.insert("texts", each) for each in fields]

        ids += await transact(database.committer, "bench", work)
    return ids, (time.perf_counter() - start) / len(vectors) * 1e6


async def reactor(folder: Path, count: int) -> dict[str, float]:
    """Figures of Reactor: of searches, of the first one after a start, and of writes with and without the index."""
    sample = Sample(count)
    async with opened(folder / "plain", PLAIN) as database:
        _, plain_us = await fill(database, sample.vectors[: count // 10])
    async with opened(folder / "indexed", INDEXED) as database:
        ids, write_us = await fill(database, sample.vectors)
    async with opened(folder / "indexed", INDEXED) as database:
        search = Searches(database)
        start = time.perf_counter()
        await search.all(sample.queries[0])
        first = time.perf_counter() - start
        places = {id: place for place, id in enumerate(ids)}
        pairs = zip(sample.queries, sample.best, strict=True)
        hits = [len({places[id] for id in await search.all(query)} & best) for query, best in pairs]
        return {
            "search_ms": await p50_ms(search.all, sample.queries),
            "rare_ms": await p50_ms(search.rare, sample.queries),
            "common_ms": await p50_ms(search.common, sample.queries),
            "recall": sum(hits) / BEST / SEARCHES,
            "first_s": first,
            "memory_mib": database.vectors.bytes / 2**20,
            "write_us": write_us,
            "write_without_index_us": plain_us,
        }


def main() -> None:
    folder, kind, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    measured = {"bare": bare, "reactor": reactor}[kind](folder, count)
    sys.stdout.write(json.dumps(asyncio.run(measured)) + "\n")


if __name__ == "__main__":
    main()
