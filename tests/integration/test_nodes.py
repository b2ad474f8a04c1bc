"""Three servers with one database: one counter, one set of live queries, one order, and news that get through."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest

from tests.support.nodes import Node, Nodes
from tests.support.postgres import Postgres
from tests.support.sync_client import Response, SyncClient, timestamp

ADD, COUNT, ENTRIES = "ledger:add", "ledger:count", "ledger:entries"


@pytest.fixture(scope="module")
def running(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    with Nodes("bank", tmp_path_factory.mktemp("nodes"), postgres, 3) as nodes:
        yield nodes


@pytest.fixture
def nodes(running: Nodes) -> Iterator[Nodes]:
    """Three that work, however a test leaves them."""
    yield running
    for node in running.all:
        node.link.mend()
        if node.process is None:
            node.start()


@pytest.fixture
def ledger(request: pytest.FixtureRequest) -> str:
    """The test's own."""
    return request.node.name


async def _add(client: SyncClient, ledger: str, writer: str, number: int) -> list[Response]:
    return [await client.mutation(ADD, ledger=ledger, writer=writer, sequence=n) for n in range(number)]


async def _watch(stack: AsyncExitStack, node: Node, ledger: str) -> tuple[SyncClient, int]:
    client = await stack.enter_async_context(SyncClient(node.url))
    return client, await client.add(COUNT, ledger=ledger)


async def test_64_writers_at_three_nodes_and_one_counter(nodes: Nodes, ledger: str) -> None:
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(SyncClient(nodes[n % 3].url)) for n in range(64)]
        watchers = [await _watch(stack, node, ledger) for node in nodes.all]
        answers = await asyncio.gather(*(_add(client, ledger, f"w{n}", 5) for n, client in enumerate(clients)))
        told = [response for each in answers for response in each]
        assert all(response.success for response in told), [response for response in told if not response.success]
        assert sorted(response.result for response in told) == list(range(1, 321)), "each run that counted, counted on"
        assert len({response.ts for response in told}) == 320
        in_order = sorted(told, key=lambda response: response.ts or 0)
        assert [response.result for response in in_order] == list(range(1, 321)), "timestamps say the same as the data"
        for watcher, id in watchers:
            await watcher.until_result(id, 320)
    entries = nodes[0].query(ENTRIES, ledger=ledger)
    assert sorted((writer, n) for writer, n, _ in entries) == sorted((f"w{n}", m) for n in range(64) for m in range(5))


async def test_a_write_at_one_node_reaches_subscribers_of_the_others(nodes: Nodes, ledger: str) -> None:
    async with AsyncExitStack() as stack:
        watchers = [await _watch(stack, node, ledger) for node in nodes.all]
        writers = [await stack.enter_async_context(SyncClient(node.url)) for node in nodes.all]
        for number in range(12):
            response = await writers[number % 3].mutation(ADD, ledger=ledger, writer="w", sequence=number)
            for watcher, id in watchers:
                await watcher.reach(response.ts)
                assert watcher.results[id] == number + 1, "with the moment comes what was written up to it"


async def test_a_client_that_moves_on_never_sees_an_older_state(nodes: Nodes, ledger: str) -> None:
    """The node that it comes to may be behind: it catches up first."""
    seen, session = 0, None
    for number in range(30):
        async with SyncClient(nodes[number % 3].url, session=session, observed=seen) as client:
            session = client.session
            entry = {"ledger": ledger, "writer": "w", "sequence": number}
            assert (await client.request("Mutation", ADD, entry, request_id=number)).success
            id = await client.add(COUNT, ledger=ledger)
            assert client.results[id] == number + 1
            seen = timestamp(client.version["ts"])


async def test_a_mutation_that_is_sent_again_to_another_node_ran_once(nodes: Nodes, ledger: str) -> None:
    call = "Mutation", ADD, {"ledger": ledger, "writer": "w", "sequence": 0}
    async with SyncClient(nodes[0].url) as first:
        answer = await first.request(*call, request_id=0)
    for node in nodes.all:
        async with SyncClient(node.url, session=first.session) as again:
            repeated = await again.request(*call, request_id=0)
            assert (repeated.success, repeated.result, repeated.ts) == (True, answer.result, answer.ts)
    assert len(nodes[2].query(ENTRIES, ledger=ledger)) == 1


async def test_a_mutation_whose_node_died_is_known_at_the_others(nodes: Nodes, ledger: str) -> None:
    call = "Mutation", ADD, {"ledger": ledger, "writer": "w", "sequence": 0}
    async with SyncClient(nodes[0].url) as first:
        answer = await first.request(*call, request_id=0)
        await asyncio.to_thread(nodes[0].kill)
        await first.until_ended()
    async with SyncClient(nodes[1].url, session=first.session) as again:
        assert (await again.request(*call, request_id=0)).ts == answer.ts
        following = {"ledger": ledger, "writer": "w", "sequence": 1}
        assert (await again.request("Mutation", ADD, following, request_id=1)).result == 2


@pytest.mark.parametrize("fault", ["cut_doorbell", "deafen"])
async def test_a_lost_doorbell_delays_news_and_loses_none(nodes: Nodes, ledger: str, fault: str) -> None:
    """Lost at once, and lost without anybody being told of it."""
    async with AsyncExitStack() as stack:
        watcher, id = await _watch(stack, nodes[1], ledger)
        writer = await stack.enter_async_context(SyncClient(nodes[0].url))
        for round in range(1, 4):
            await asyncio.to_thread(getattr(nodes[1].link, fault))
            await _add(writer, ledger, f"round {round}", 5)
            await watcher.until_result(id, 5 * round)
    assert nodes[1].link.listened, "there was a doorbell to lose"


async def test_a_node_that_was_cut_off_catches_up(nodes: Nodes, ledger: str) -> None:
    async with AsyncExitStack() as stack:
        watcher, id = await _watch(stack, nodes[1], ledger)
        writer = await stack.enter_async_context(SyncClient(nodes[0].url))
        await asyncio.to_thread(nodes[1].link.refuse)
        await _add(writer, ledger, "w", 20)
        await asyncio.to_thread(nodes[1].link.mend)
        await watcher.until_result(id, 20)
        own = await stack.enter_async_context(SyncClient(nodes[1].url))
        assert [response.result for response in await _add(own, ledger, "own", 2)] == [21, 22]


async def test_a_node_that_stood_still_catches_up(nodes: Nodes, ledger: str) -> None:
    async with AsyncExitStack() as stack:
        watcher, id = await _watch(stack, nodes[1], ledger)
        writer = await stack.enter_async_context(SyncClient(nodes[0].url))
        nodes[1].pause()
        try:
            await _add(writer, ledger, "w", 20)
        finally:
            nodes[1].resume()
        await watcher.until_result(id, 20)
