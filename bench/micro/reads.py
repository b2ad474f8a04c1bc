"""CPU time of a read inside a query: `ctx.db.get`, and ten documents by an index.

    python reads.py FOLDER bare SECONDS            by sqlite3 alone: the statements it takes, and decoding
    python reads.py FOLDER cached SECONDS          Reactor, every document in its cache
    python reads.py FOLDER uncached SECONDS        Reactor without that cache

Prints one JSON object: microseconds of CPU for one read. Documents have 200 stored bytes; the pages of the database are
in memory, since reads from a disk would measure the disk.
"""

import asyncio
import json
import random
import sqlite3
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path

import msgspec

from reactor.app.parts import Parts
from reactor.runtime.calls import Call
from reactor.settings import Settings
from reactor.values import encode_value, prefix_end

__all__ = ["bare", "reactor"]

APP = Path(__file__).resolve().parents[1] / "app"
KEYS, DEPTH = 1_000, 10
READS = 100
"""So many reads are made in one query: its own cost, measured apart, is then small beside them."""

ONE = "SELECT value FROM documents WHERE id = ?"
RANGE = "SELECT key FROM index_entries WHERE index_id = ? AND key >= ? AND key < ? ORDER BY key LIMIT 10"
TEN = f"SELECT id, value FROM documents WHERE id IN ({', '.join(['?'] * DEPTH)})"

decode = msgspec.json.Decoder().decode


class Sample:
    """What is read: ids and keys, in an order that no cache of a processor likes, and the same in each run."""

    def __init__(self, ids: Sequence[str]) -> None:
        chance = random.Random(1)
        self.ids = chance.sample(list(ids), len(ids))
        self.keys = chance.sample([f"k{number:06d}" for number in range(KEYS)], KEYS)

    def portions(self, of: list[str]) -> list[list[str]]:
        return [of[start : start + READS] for start in range(0, len(of), READS)]


async def per_read(portions: Sequence[Callable[[], Awaitable[None]]], seconds: float) -> float:
    """CPU seconds of one read: the median over calls that make READS of them."""
    for portion in portions:
        await portion()
    taken: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for portion in portions:
            start = time.thread_time_ns()
            await portion()
            taken.append((time.thread_time_ns() - start) / 1e9 / READS)
    return statistics.median(taken)


# Reactor


@asynccontextmanager
async def opened(folder: Path, cache: int | None) -> AsyncIterator[Parts]:
    """The parts of a server without its sockets."""
    sizes = {} if cache is None else {"document_cache_bytes": cache}
    parts = Parts(Settings(data=folder, **sizes), APP, lambda kind, /, **fields: None)
    await parts.open()
    try:
        yield parts
    finally:
        await parts.close()


async def fill(parts: Parts, folder: Path) -> Sample:
    """The documents to read, written unless they are there."""
    known = folder / "ids.json"
    if not known.exists():
        ids: list[str] = []
        for first in range(0, KEYS, 100):
            done = asyncio.get_running_loop().create_future()
            args = json.dumps({"first": first, "keys": 100, "depth": DEPTH}).encode()
            parts.mutations.submit(Call("reads:fill", args), done.set_result)
            result = await done
            if result.failure is not None:
                raise RuntimeError(result.failure.message)
            ids += json.loads(result.value)
        known.write_text(json.dumps(ids))
    return Sample(json.loads(known.read_text()))


async def reactor(folder: Path, seconds: float, *, cache: int | None) -> dict[str, float]:
    """Microseconds of CPU for each read of a query, the query's own cost taken off."""
    async with opened(folder, cache) as parts:
        sample = await fill(parts, folder)

        def queries(path: str, name: str, portions: list[list[str]]) -> list[Callable[[], Awaitable[None]]]:
            calls = [Call(path, json.dumps({name: some}).encode()) for some in portions]
            return [partial(run, parts, call) for call in calls]

        async def cost(path: str, name: str, values: list[str]) -> float:
            portions = sample.portions(values)
            whole = await per_read(queries(f"reads:{path}", name, portions), seconds)
            return whole - await per_read(queries(f"reads:nothing_by_{name}", name, portions), seconds / 4)

        return figures(await cost("gets", "ids", sample.ids), await cost("ranges", "keys", sample.keys))


async def run(parts: Parts, call: Call) -> None:
    snapshot = parts.store.acquire()
    try:
        done = await parts.runner.query(call, parts.database.read(snapshot))
    finally:
        snapshot.release()
    if done.failure is not None:
        raise RuntimeError(done.failure.message)


# Without Reactor


async def bare(folder: Path, seconds: float) -> dict[str, float]:
    """Microseconds of CPU for the same reads by the statements that they take, and nothing around them."""
    async with opened(folder, None) as parts:
        sample = await fill(parts, folder)
        index = parts.database.catalog.table("documents").indexes["by_key"].id
    with closing(sqlite3.connect(folder / "reactor.db", isolation_level=None)) as database:
        database.execute("PRAGMA cache_size = -8192")
        database.execute("BEGIN")

        async def gets(ids: list[str]) -> None:
            for id in ids:
                decode(database.execute(ONE, (id,)).fetchall()[0][0])

        async def ranges(bounds: list[tuple[int, bytes, bytes]]) -> None:
            for of in bounds:
                keys = database.execute(RANGE, of).fetchall()
                ids = [key[key.rindex(0x10) + 1 : -1].decode() for (key,) in keys]
                found = dict(database.execute(TEN, ids).fetchall())
                [decode(found[id]) for id in ids]

        bounds = {key: (index, encode_value(key), prefix_end(encode_value(key))) for key in sample.keys}
        by_id = [partial(gets, ids) for ids in sample.portions(sample.ids)]
        by_key = [partial(ranges, [bounds[key] for key in keys]) for keys in sample.portions(sample.keys)]
        return figures(await per_read(by_id, seconds), await per_read(by_key, seconds))


def figures(get: float, ten: float) -> dict[str, float]:
    return {"get_us": get * 1e6, "ten_us": ten * 1e6}


def main() -> None:
    folder, kind, seconds = Path(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    measured = bare(folder, seconds) if kind == "bare" else reactor(folder, seconds, cache=CACHES[kind])
    sys.stdout.write(json.dumps(asyncio.run(measured)) + "\n")


CACHES = {"cached": None, "uncached": 0}

if __name__ == "__main__":
    main()
