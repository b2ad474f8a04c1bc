"""One process of several that share a SQLite file, for tests to start, stop and kill.

It takes commands as lines of JSON: `open` a folder, `run` a plan, `write` until the next line, `hold` the turn until
the next line, `follow` by news until it has seen so many commits, `accompany` by news until the next line, `close`. It
answers with a line for each, and one for each commit that was acknowledged. Whatever it catches up with is held against
what it reads: the counter's value is the number of commits in the log that counted.
"""

import asyncio
import json
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reactor.store.seam import Commit, LogEntry
from reactor.store.sharing import gate
from reactor.store.sharing.store import SharedSqliteStore
from tests.integration.store.rows import doc_id, insert, newest, update
from tests.integration.store.shared_rows import COUNTER, News

COUNTED, ADDED = "count", "add"


class SharedProcess:
    def __init__(self, folder: Path, node: str, pages: int) -> None:
        self.store = SharedSqliteStore(folder, node=node, wal_pages=pages)
        self.seen: list[tuple[int, str]] = []
        self._counted = 0

    async def open(self) -> None:
        await self.store.open()
        self.news = News(self.store)
        async with newest(self.store) as snapshot:
            entries = await snapshot.log(0, limit=10**6)
        self._take_in(entries)

    async def follow(self) -> None:
        snapshot, entries = await self.store.catch_up()
        assert entries is not None
        self._take_in(entries)
        value = (await snapshot.get([doc_id(COUNTER)])).get(doc_id(COUNTER), b"0")
        assert int(value) == self._counted, f"{value} was read at {snapshot.ts}, and {self._counted} have counted"
        assert snapshot.ts == (self.seen[-1][0] if self.seen else 0)
        self.store.advance(snapshot.ts)
        snapshot.release()

    async def follow_until(self, count: int) -> None:
        while len(self.seen) < count:
            await self.news.heard()
            await self.follow()

    async def add(self, numbers: Sequence[int]) -> list[int]:
        """Documents that no other process writes, each in a commit of its own; gives the commits' timestamps."""
        wrote: list[Commit] = []

        def dated(last: int, entries: list[LogEntry] | None) -> list[Commit]:
            wrote[:] = [Commit(last + n, [insert(number, b"w")], ADDED) for n, number in enumerate(numbers, 1)]
            return wrote

        dated(await self._last(), [])
        await self.store.commit(wrote, revise=dated)
        await self.follow()
        return [each.ts for each in wrote]

    async def count(self) -> int:
        """Count upon what was read; once others were faster, keep them out."""
        ts = await self._try_to_count()
        while ts is None:
            async with self.store.exclusive():
                await self.follow()
                ts = await self._try_to_count()
        return ts

    async def _try_to_count(self) -> int | None:
        async with newest(self.store) as snapshot:
            found = await snapshot.get([doc_id(COUNTER)])
            value, last = int(found[doc_id(COUNTER)]), snapshot.ts
        write = update(COUNTER, b"%d" % value, b"%d" % (value + 1))
        wrote: list[Commit] = [Commit(last + 1, [write], COUNTED)]

        def revise(last: int, entries: list[LogEntry] | None) -> list[Commit]:
            counted = entries is None or any(entry.source == COUNTED for entry in entries)
            wrote[:] = [] if counted else [Commit(last + 1, [write], COUNTED)]
            return wrote

        await self.store.commit(list(wrote), revise=revise)
        await self.follow()
        return wrote[0].ts if wrote else None

    async def _last(self) -> int:
        async with newest(self.store) as snapshot:
            return snapshot.ts

    def _take_in(self, entries: list[LogEntry]) -> None:
        self.seen += [(entry.ts, entry.node) for entry in entries]
        self._counted += sum(entry.source == COUNTED for entry in entries)


async def _perform(process: SharedProcess, kind: str, numbers: Sequence[int]) -> None:
    for ts in [await process.count()] if kind == COUNTED else await process.add(numbers):
        _say([ts, kind])


async def _write(process: SharedProcess, first: int, lines: asyncio.Queue[Any]) -> None:
    while lines.empty():
        await _perform(process, COUNTED if first % 3 else ADDED, [first])
        first += 1
    await lines.get()


async def _accompany(process: SharedProcess, lines: asyncio.Queue[Any]) -> None:
    """See what others commit when it comes, as a server does."""
    told = asyncio.create_task(lines.get())
    while not told.done():
        heard = asyncio.create_task(process.news.heard())
        await asyncio.wait({told, heard}, return_when=asyncio.FIRST_COMPLETED)
        if heard.done():
            await process.follow()
        heard.cancel()


async def _hold(process: SharedProcess, number: int, lines: asyncio.Queue[Any]) -> None:
    async with process.store.exclusive():
        await process.follow()
        _say("held")
        await lines.get()
        for ts in await process.add([number]):
            _say([ts, ADDED])


async def main() -> None:
    lines: asyncio.Queue[Any] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def read() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(lines.put_nowait, json.loads(line))
        loop.call_soon_threadsafe(lines.put_nowait, {"do": "end"})

    threading.Thread(target=read, daemon=True).start()
    process: SharedProcess | None = None
    while (command := await lines.get())["do"] != "end":
        process = await _obey(process, command, lines)
        _say("done")


async def _obey(process: SharedProcess | None, command: dict[str, Any], lines: asyncio.Queue[Any]) -> SharedProcess:
    if command["do"] == "open":
        gate._PATIENCE = command["patience"]
        process = SharedProcess(Path(command["folder"]), command["node"], command["pages"])
        await process.open()
    assert process is not None
    if command["do"] == "run":
        for kind, numbers in command["plan"]:
            await _perform(process, kind, numbers)
    elif command["do"] == "write":
        await _write(process, command["first"], lines)
    elif command["do"] == "hold":
        await _hold(process, command["number"], lines)
    elif command["do"] == "follow":
        await process.follow_until(command["count"])
    elif command["do"] == "accompany":
        await _accompany(process, lines)
    elif command["do"] == "close":
        await process.store.close()
        _say(process.seen)
    return process


def _say(what: object) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
