"""Text search: how long a search takes, and what texts cost.

    python search.py FOLDER fts5 COUNT         SQLite's own full text index, ordered by bm25()
    python search.py FOLDER reactor COUNT      Reactor: COUNT documents of 60 words in a table

Prints one JSON object. The words are made of syllables and as rare as those of a language (Zipf). Times are those that
whoever searches waits for the ten best, p50 over searches one after the other.
"""

import asyncio
import itertools
import json
import random
import sqlite3
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from reactor.database.database import Database
from reactor.database.reader import DatabaseReader
from reactor.database.transact import transact
from reactor.database.transaction import Transaction
from reactor.database.writer import DatabaseWriter
from reactor.schema import define_schema, define_table
from reactor.store.sqlite import SqliteStore
from reactor.values import v

__all__ = ["fts5", "reactor"]

WORDS, LENGTH, BATCH, SEARCHES = 30_000, 60, 100, 20
KINDS = {"common": (0, 30), "middle": (100, 1_000), "rare": (5_000, 30_000)}
"""Places of words in the order of how often they occur."""

PLAIN = define_schema({"texts": define_table(v.any())})
INDEXED = define_schema(
    {"texts": define_table(v.any()).search_index("words", search_field="body", filter_fields=["team"])}
)


class Sample:
    """Texts, and what is looked for."""

    def __init__(self, count: int) -> None:
        chance = random.Random(1)
        syllables = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "er")]
        words: dict[str, None] = {}
        while len(words) < WORDS:
            words["".join(chance.choices(syllables, k=chance.choice((1, 2, 2, 3, 3, 4))))] = None
        self.words = list(words)
        weights = list(itertools.accumulate(1 / (place + 2) for place in range(WORDS)))
        self.texts = [" ".join(chance.choices(self.words, cum_weights=weights, k=LENGTH)) for _ in range(count)]
        self.queries = {name: [self._some(chance, *places) for _ in range(SEARCHES)] for name, places in KINDS.items()}
        self.queries["three"] = [
            " ".join(self._some(chance, *places) for places in KINDS.values()) for _ in range(SEARCHES)
        ]
        self.queries["prefix"] = [self._some(chance, 100, 3_000)[:3] for _ in range(SEARCHES)]

    def _some(self, chance: random.Random, first: int, end: int) -> str:
        return self.words[chance.randrange(first, end)]


async def p50_ms(search: Callable[[str], Awaitable[object]], queries: list[str]) -> float:
    taken: list[float] = []
    for query in queries:
        start = time.perf_counter()
        await search(query)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken) * 1e3


async def figures(search: Callable[[str], Awaitable[object]], sample: Sample) -> dict[str, float]:
    return {f"{name}_ms": await p50_ms(search, queries) for name, queries in sample.queries.items()}


async def fts5(folder: Path, count: int) -> dict[str, float]:
    """SQLite's own index, texts in it, a transaction for so many texts as Reactor has."""
    sample = Sample(count)
    connection = sqlite3.connect(folder / "fts5.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE VIRTUAL TABLE texts USING fts5(body, prefix='2 3')")
    start = time.perf_counter()
    for first in range(0, count, BATCH):
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO texts (body) VALUES (?)", ((t,) for t in sample.texts[first : first + BATCH])
        )
        connection.execute("COMMIT")
    write_us = (time.perf_counter() - start) / count * 1e6

    async def search(query: str) -> list[Any]:
        *words, last = query.split()
        asked = " OR ".join([*(f'"{word}"' for word in words), f'"{last}"*'])
        sql = "SELECT rowid, body FROM texts WHERE texts MATCH ? ORDER BY rank LIMIT 10"
        return connection.execute(sql, (asked,)).fetchall()

    found = await figures(search, sample)
    connection.close()
    return {**found, "write_us": write_us}


async def reactor(folder: Path, count: int) -> dict[str, float]:
    """Figures of Reactor: of searches, and of writes with and without the index."""
    sample = Sample(count)
    _, plain_us = await _filled(folder / "plain", PLAIN, sample.texts[: count // 10])
    database, write_us = await _filled(folder / "indexed", INDEXED, sample.texts, keep=True)

    async def search(query: str, **conditions: object) -> list[Any]:
        snapshot = database.store.acquire()
        try:
            texts = DatabaseReader(database.read(snapshot)).query("texts")

            def asked(q: Any) -> Any:
                q = q.search("body", query)
                return q.eq("team", conditions["team"]) if conditions else q

            return await texts.with_search_index("words", asked).take(10)
        finally:
            snapshot.release()

    found = await figures(search, sample)
    filtered = await p50_ms(lambda query: search(query, team=7), sample.queries["three"])
    await database.close()
    return {**found, "filtered_ms": filtered, "write_us": write_us, "plain_write_us": plain_us}


async def _filled(folder: Path, schema: object, texts: list[str], *, keep: bool = False) -> tuple[Database, float]:
    """A database with these texts, and the microseconds that each took."""
    database = Database(SqliteStore(folder))
    await database.open(schema)
    start = time.perf_counter()
    for first in range(0, len(texts), BATCH):

        async def work(tx: Transaction, first: int = first) -> None:
            db = DatabaseWriter(tx)
            for number, text in enumerate(texts[first : first + BATCH]):
                await db.insert("texts", {"body": text, "team": number % 50})

        await transact(database.committer, "bench", work)
    taken = (time.perf_counter() - start) / len(texts) * 1e6
    if not keep:
        await database.close()
    return database, taken


def main() -> None:
    folder, kind, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    measured = {"fts5": fts5, "reactor": reactor}[kind](folder, count)
    sys.stdout.write(json.dumps(asyncio.run(measured)) + "\n")


if __name__ == "__main__":
    main()
