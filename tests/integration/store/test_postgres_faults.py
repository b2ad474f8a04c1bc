"""Servers in small on one PostgreSQL that are killed, stopped and cut off at random: each commit is there once."""

import asyncio
import random
import signal
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from pathlib import Path

import pytest

from reactor.store.postgres.store import PostgresStore
from tests.integration.store.backends import LISTENERS, READERS, WRITERS, kill
from tests.integration.store.rows import doc_id, newest, words
from tests.integration.store.shared_rows import COUNTER
from tests.support.link import Link
from tests.support.patience import PATIENCE
from tests.support.postgres import Postgres, postgres_server

PROGRAM = "tests.integration.store.counts_with_others"


class Children:
    """Three of them; one that is killed is followed by another of a new number."""

    def __init__(self, url: str, luck: random.Random) -> None:
        self._url, self._luck = url, luck
        self._numbers = iter(range(1, 1_000))
        self.running: list[Process] = []
        self.acknowledged: list[int] = []
        self._news = asyncio.Event()
        self._reading: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", PROGRAM, self._url, str(next(self._numbers))),
            stdout=PIPE,
            stderr=PIPE,
            cwd=Path(__file__).parents[3],
        )
        self.running.append(child)
        self._reading.append(asyncio.create_task(self._read(child)))

    async def more(self, number: int) -> None:
        """Wait until so many more commits were acknowledged."""
        wanted = len(self.acknowledged) + number
        async with asyncio.timeout(2 * PATIENCE):
            while len(self.acknowledged) < wanted:
                self._news.clear()
                await self._news.wait()
        self.check()

    def check(self) -> None:
        for reading in self._reading:
            if reading.done():
                reading.result()

    def chosen(self) -> Process:
        return self._luck.choice(self.running)

    async def kill(self) -> None:
        child = self.chosen()
        self.running.remove(child)
        child.kill()
        await child.wait()
        await self.start()

    async def stop(self) -> None:
        """One stands still while the others go on, for whom it may have had the lock."""
        child = self.chosen()
        child.send_signal(signal.SIGSTOP)
        try:
            await self.more(10)
        finally:
            child.send_signal(signal.SIGCONT)

    async def close(self) -> None:
        for child in self.running:
            child.kill()
        await asyncio.gather(*self._reading)

    async def _read(self, child: Process) -> None:
        assert child.stdout is not None
        assert child.stderr is not None
        while line := await child.stdout.readline():
            if line.endswith(b"\n"):
                self.acknowledged.append(int(line))
                self._news.set()
        assert await child.wait() == -signal.SIGKILL, (await child.stderr.read()).decode()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("seed", range(2))
async def test_each_commit_is_there_once_whatever_happens(seed: int) -> None:
    luck = random.Random(seed)
    with postgres_server() as server, server.database() as name, Link(server.port) as link:
        url = server.url(name, tcp=True)
        children = Children(url.replace(str(server.port), str(link.port)), luck)
        faults = _faults(children, server, url, link)
        try:
            for _ in range(3):
                await children.start()
            for fault in luck.sample(list(faults), len(faults)):
                await children.more(15)
                await faults[fault]()
            await children.more(15)
        finally:
            with suppress(ProcessLookupError):
                await children.close()
        await _check(url, children.acknowledged)


def _faults(children: Children, server: Postgres, url: str, link: Link):
    async def lose(who: str) -> None:
        await asyncio.to_thread(kill, server, url, f"{who} AND random() < 0.7")

    async def cut() -> None:
        for _ in range(10):
            await children.more(2)
            link.cut()

    async def orphan() -> None:
        for _ in range(3):
            await children.more(2)
            link.orphan()
            link.mend()

    return {
        "cut off": cut,
        "orphaned": orphan,
        "killed": children.kill,
        "killed again": children.kill,
        "stopped": children.stop,
        "stopped again": children.stop,
        "writers lost": lambda: lose(WRITERS),
        "writers that have the lock lost": lambda: lose(f"{WRITERS} AND state <> 'idle'"),
        "readers lost": lambda: lose(READERS),
        "listeners lost": lambda: lose(LISTENERS),
        "all lost": lambda: lose("true"),
        "restarted": lambda: asyncio.to_thread(server.restart),
    }


async def _check(url: str, acknowledged: list[int]) -> None:
    store = PostgresStore(url)
    await store.open()
    async with newest(store) as snapshot:
        entries = await snapshot.log(0, limit=10**6)
        counts = [write.old for entry in entries for write in entry.writes if write.id == doc_id(COUNTER)]
        assert counts == [None, *(b"%d" % number for number in range(1, len(entries)))]
        assert [entry.ts for entry in entries] == sorted({entry.ts for entry in entries})
        assert await snapshot.get([doc_id(COUNTER)]) == {doc_id(COUNTER): b"%d" % len(entries)}
        documents = set(await snapshot.scan_ids("", "z", reverse=False, limit=10**6)) - {doc_id(COUNTER)}
        assert len(documents) == len(entries), "one with each commit"
        assert {doc_id(number) for number in acknowledged} <= documents
        assert {id for _, id in await words(snapshot, limit=10**6)} == documents | {doc_id(COUNTER)}
    assert len(set(acknowledged)) == len(acknowledged)
    await store.close()
