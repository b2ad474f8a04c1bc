"""The floor of writing to PostgreSQL: documents of the benchmark's size by asyncpg, and nothing around it.

    python insert_postgres.py FOLDER SECONDS

Prints one JSON object: inserts a second over one connection with 1 and with 64 documents in a commit. A document has
one row and its place in an index another, as in Reactor.
"""

import asyncio
import json
import sys
import time
from itertools import count, islice
from pathlib import Path

import asyncpg
from harness.postgres import postgres
from insert import CALL

__all__ = ["rate"]

SCHEMA = """
CREATE TABLE documents (id bytea PRIMARY KEY, document bytea NOT NULL);
CREATE TABLE entries (key bytea PRIMARY KEY, id bytea NOT NULL);
"""
INSERT = """
WITH written AS (INSERT INTO documents SELECT * FROM unnest($1::bytea[], $2::bytea[]))
INSERT INTO entries SELECT key, id FROM unnest($3::bytea[], $1::bytea[]) AS new (key, id)
"""
DOCUMENT = json.dumps({"_creationTime": time.time() * 1000, "author": "bench", **CALL[1]}).encode()


async def rate(connection: asyncpg.Connection, batch: int, seconds: float, numbers: count) -> float:
    """Inserts a second, each document with its index entry; a commit of `batch` is one statement and one flush."""
    done, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        ids = [number.to_bytes(16, "big") for number in islice(numbers, batch)]
        keys = [b"inserts\0" + id for id in ids]
        await connection.execute(INSERT, ids, [DOCUMENT] * batch, keys)
        done += batch
    return done / elapsed


async def measure(url: str, seconds: float) -> dict[str, float]:
    connection, numbers = await asyncpg.connect(url), count()
    await connection.execute(SCHEMA)
    figures = {f"per_second_{batch}_a_commit": await rate(connection, batch, seconds, numbers) for batch in (1, 64)}
    await connection.close()
    return figures


def main() -> None:
    with postgres(Path(sys.argv[1])) as url:
        figures = asyncio.run(measure(url, float(sys.argv[2])))
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()
