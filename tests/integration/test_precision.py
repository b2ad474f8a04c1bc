"""What a write costs: it re-runs the queries that read what it wrote, and sends the results that changed."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest

from tests.support.metrics import Metrics
from tests.support.patience import until
from tests.support.server import Server
from tests.support.sync_client import SyncClient

LIST, FIRST_TEN, IS_EMPTY = "messages:list", "messages:first_ten", "messages:is_empty"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server("chat", tmp_path_factory.mktemp("chat") / "data") as server:
        yield server


class Desk:
    """Writes over HTTP, so that no Transition belongs to the writer, and counts what follows from that.

    The counts of a write are final when a later write to the sentinel's channel has been pushed; that one's own
    cost (a commit, a run of `messages:bodies`, a Transition) is taken off.
    """

    def __init__(self, server: Server, sentinel: SyncClient) -> None:
        self.server = server
        self.sentinel = sentinel
        self.watched = 0

    async def write(self, path: str, **args: object) -> str:
        return await asyncio.to_thread(self.server.mutation, path, **args)

    async def send(self, channel: str, body: str = "text", position: float = 0) -> str:
        return await self.write("messages:send", channel=channel, body=body, position=position)

    async def metrics(self) -> Metrics:
        return await asyncio.to_thread(self.server.metrics)

    async def until_sessions(self, count: int) -> None:
        """Wait until the server has noticed who is gone."""
        await asyncio.to_thread(until, lambda: self.server.metrics()["reactor_sessions"] == count, f"{count} sessions")

    async def cost(self, before: Metrics) -> tuple[dict[str, float], float, float]:
        """What happened since: runs of each query, results found unchanged, Transitions sent."""
        await self.settle()
        spent = await self.metrics() - before
        runs = spent.runs()
        assert runs.pop("messages:bodies") == 1, "the sentinel's own"
        return runs, spent["reactor_query_unchanged_total"], spent["reactor_transitions_sent_total"] - 1

    async def settle(self) -> None:
        await self.send("sentinel", body=str(self.watched))
        await self.sentinel.until(lambda: str(self.watched) in self.sentinel.results[0])
        self.watched += 1


@pytest.fixture
async def desk(server: Server) -> AsyncIterator[Desk]:
    async with SyncClient(server.url) as sentinel:
        query = await sentinel.add("messages:bodies", channel="sentinel")
        desk = Desk(server, sentinel)
        desk.watched = len(sentinel.results[query])
        await desk.until_sessions(1)
        yield desk


async def test_a_write_reruns_only_the_queries_that_read_its_channel(server: Server, desk: Desk):
    async with SyncClient(server.url) as client:
        ids = await client.add_all(*((LIST, {"channel": f"narrow {n}"}) for n in range(50)))
        before = await desk.metrics()
        await desk.send("narrow 7", body="hello")
        assert await desk.cost(before) == ({LIST: 1}, 0, 1)
        assert [len(client.results[id]) for id in ids] == [1 if n == 7 else 0 for n in range(50)]
        before = await desk.metrics()
        await desk.send("unread")
        assert await desk.cost(before) == ({}, 0, 0)


async def test_an_insert_behind_the_last_row_of_a_take_reruns_nothing(server: Server, desk: Desk):
    async with SyncClient(server.url) as client:
        for position in range(10):
            await desk.send("row", position=position)
        query = await client.add(FIRST_TEN, channel="row")
        before = await desk.metrics()
        await desk.send("row", position=20)
        assert await desk.cost(before) == ({}, 0, 0)
        before = await desk.metrics()
        await desk.send("row", position=4.5)
        assert await desk.cost(before) == ({FIRST_TEN: 1}, 0, 1)
        assert [message["position"] for message in client.results[query]] == [0, 1, 2, 3, 4, 4.5, 5, 6, 7, 8]


async def test_an_insert_behind_a_take_that_is_not_full_is_read(server: Server, desk: Desk):
    async with SyncClient(server.url) as client:
        query = await client.add(FIRST_TEN, channel="short")
        before = await desk.metrics()
        await desk.send("short", position=20)
        assert await desk.cost(before) == ({FIRST_TEN: 1}, 0, 1)
        assert len(client.results[query]) == 1


async def test_a_result_that_did_not_change_is_not_sent(server: Server, desk: Desk):
    async with SyncClient(server.url) as client:
        await desk.send("full")
        query = await client.add(IS_EMPTY, channel="full")
        before = await desk.metrics()
        await desk.send("full")
        assert await desk.cost(before) == ({IS_EMPTY: 1}, 1, 0)
        assert client.results[query] is False
        assert client.transitions == 1


async def test_a_write_that_changes_nothing_reruns_nothing(server: Server, desk: Desk):
    async with SyncClient(server.url) as client:
        message = await desk.send("still", body="same")
        await client.add(LIST, channel="still")
        before = await desk.metrics()
        await desk.write("messages:edit", id=message, body="same")
        await desk.write("messages:nothing")
        assert await desk.cost(before) == ({}, 0, 0)
        before = await desk.metrics()
        await desk.write("messages:edit", id=message, body="other")
        assert await desk.cost(before) == ({LIST: 1}, 0, 1)


@pytest.mark.stores("sqlite", "postgres", because="each worker runs its own live queries")
async def test_equal_subscriptions_run_once_and_are_sent_to_each(server: Server, desk: Desk):
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(SyncClient(server.url)) for _ in range(30)]
        live = (await desk.metrics())["reactor_live_queries"]
        for client in clients:
            await client.add(LIST, channel="shared")
        before = await desk.metrics()
        assert before["reactor_live_queries"] == live + 1
        assert before["reactor_sessions"] == 31
        await desk.send("shared")
        await asyncio.gather(*(client.until(lambda c=client: c.results[0]) for client in clients))
        assert await desk.cost(before) == ({LIST: 1}, 0, 30)


async def test_a_scan_of_the_table_reads_every_channel(server: Server, desk: Desk):
    async with SyncClient(server.url) as client:
        await client.add("messages:count_all")
        before = await desk.metrics()
        await desk.send("anywhere")
        runs, _, _ = await desk.cost(before)
        assert runs["messages:count_all"] >= 1


async def test_what_nobody_watches_is_not_run(server: Server, desk: Desk):
    live = (await desk.metrics())["reactor_live_queries"]
    async with SyncClient(server.url) as client, SyncClient(server.url) as gone:
        query = await client.add(LIST, channel="left")
        await gone.add(LIST, channel="left")
        await client.remove(query)
        await gone.socket.close()
        await desk.until_sessions(2)
        before = await desk.metrics()
        await desk.send("left")
        assert await desk.cost(before) == ({}, 0, 0)
        assert (await desk.metrics())["reactor_live_queries"] == live


async def test_commits_are_counted_once(server: Server, desk: Desk):
    before = await desk.metrics()
    for _ in range(5):
        await desk.send("counted")
    assert (await desk.metrics() - before)["reactor_commits_total"] == 5
