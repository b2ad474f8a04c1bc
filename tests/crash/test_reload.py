"""A new version of the code under load: sessions stay, writes stay, results follow the new code."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from tests.support.patience import until
from tests.support.server import APPS, Server
from tests.support.sync_client import SyncClient

SESSIONS, CHANNELS, WRITERS = 200, 20, 4
RETURN = "return newest[::-1]"


class Source:
    """A file of the application, as somebody edits it."""

    def __init__(self, app: Path) -> None:
        self.file = app / "functions" / "messages.py"
        self.original = self.file.read_text()

    def edit(self, edition: int) -> None:
        """Let `messages:list` add a field to each message."""
        changed = f'return [{{**message, "edition": {edition}}} for message in newest[::-1]]'
        self.file.write_text(self.original.replace(RETURN, changed))

    def spoil(self) -> None:
        self.file.write_text(self.original.replace(RETURN, "return newest[::-1"))


class Writer:
    """A session that writes until it is told to rest, and remembers what was acknowledged."""

    def __init__(self, client: SyncClient, number: int) -> None:
        self.client = client
        self.number = number
        self.resting = False
        self.acknowledged: list[tuple[str, str]] = []

    async def write(self) -> None:
        while not self.resting:
            count = len(self.acknowledged)
            channel, body = f"c{count % CHANNELS}", f"{self.number}/{count}"
            response = await self.client.mutation("messages:send", channel=channel, body=body)
            assert response.success, response
            self.acknowledged.append((channel, body))


@asynccontextmanager
async def audience(url: str) -> AsyncIterator[list[SyncClient]]:
    """Sessions of which each watches the newest messages of a channel."""
    async with AsyncExitStack() as stack:
        watchers = [await stack.enter_async_context(SyncClient(url)) for _ in range(SESSIONS)]
        adds = (w.add("messages:list", channel=f"c{n % CHANNELS}", limit=3) for n, w in enumerate(watchers))
        await asyncio.gather(*adds)
        yield watchers


async def all_see(watchers: list[SyncClient], edition: int) -> None:
    def sees(watcher: SyncClient) -> bool:
        messages = watcher.results[0]
        return bool(messages) and all(message.get("edition") == edition for message in messages)

    await asyncio.gather(*(watcher.until(lambda w=watcher: sees(w)) for watcher in watchers))


async def more_writes(writers: list[Writer]) -> None:
    """Wait until each writer got two more acknowledgements."""
    goals = [(writer, len(writer.acknowledged) + 2) for writer in writers]
    for writer, goal in goals:
        await writer.client.until(lambda w=writer, goal=goal: len(w.acknowledged) >= goal)


@pytest.mark.timeout(120)
async def test_reload_with_200_sessions_under_writes(tmp_path: Path):
    app = shutil.copytree(APPS / "chat", tmp_path / "app")
    source = Source(app)
    with Server(app, tmp_path / "data", command="dev") as server:
        async with audience(server.url) as watchers, AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(SyncClient(server.url)) for _ in range(WRITERS)]
            writers = [Writer(client, number) for number, client in enumerate(clients)]
            async with asyncio.TaskGroup() as group:
                for writer in writers:
                    group.create_task(writer.write())
                await more_writes(writers)
                source.edit(2)
                await all_see(watchers, 2)
                source.spoil()
                await asyncio.to_thread(until, lambda: "SyntaxError" in server.log, "the error in the terminal")
                await more_writes(writers)
                await all_see(watchers, 2)
                source.edit(3)
                await all_see(watchers, 3)
                await more_writes(writers)
                for writer in writers:
                    writer.resting = True
            assert [w.ended for w in (*watchers, *clients)] == [None] * (SESSIONS + WRITERS), "no session was lost"
            assert server.metrics()["reactor_sessions"] == SESSIONS + WRITERS
        written = {
            f"c{n}": await asyncio.to_thread(server.query, "messages:bodies", channel=f"c{n}") for n in range(20)
        }
    for writer in writers:
        for channel, bodies in written.items():
            own = [body for body in bodies if body.startswith(f"{writer.number}/")]
            assert own == [body for where, body in writer.acknowledged if where == channel]


async def test_a_broken_edit_shows_where_and_keeps_the_old_version(tmp_path: Path):
    app = shutil.copytree(APPS / "chat", tmp_path / "app")
    source = Source(app)
    with Server(app, tmp_path / "data", command="dev") as server:
        async with SyncClient(server.url) as client:
            query = await client.add("messages:bodies", channel="c")
            source.spoil()
            await asyncio.to_thread(until, lambda: "SyntaxError" in server.log, "the error in the terminal")
            assert "messages.py" in server.log
            assert (await client.mutation("messages:send", channel="c", body="still here")).success
            await client.until_result(query, ["still here"])


async def test_functions_come_and_go_with_an_edit(tmp_path: Path):
    app = shutil.copytree(APPS / "chat", tmp_path / "app")
    source = Source(app)
    with Server(app, tmp_path / "data", command="dev") as server:
        async with SyncClient(server.url) as client:
            query = await client.add("messages:renamed", channel="c")
            assert "Could not find public function for 'messages:renamed'." in client.results[query].message
            source.file.write_text(source.original.replace("def bodies(", "def renamed("))
            await client.until_result(query, [])
            source.file.write_text(source.original)
            await client.until(lambda: client.results[query] != [])
            assert "Could not find public function" in client.results[query].message
