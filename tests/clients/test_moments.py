"""Two queries of one client are never seen from different moments: their sum must stay constant under writes."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.support.script import Script, node, python
from tests.support.server import Server
from tests.support.sync_client import SyncClient


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server("bank", tmp_path_factory.mktemp("bank") / "data") as server:
        yield server


def check(script: Script, total: float) -> None:
    script.finish()
    totals = script.of("totals")
    assert {event["north"] + event["south"] for event in totals} == {total}
    assert len({event["north"] for event in totals}) > 5, "money moved while it was watched"


def test_npm_client(bank: Server):
    total = bank.mutation("bank:open", bank="npm")
    with node("moments.mjs", bank.url, bank="npm", transfers=50) as script:
        check(script, total)


def test_python_client(bank: Server):
    total = bank.mutation("bank:open", bank="py")
    with python("python_client.py", bank.url, scene="moments", bank="py", changes=40) as script:
        script.next("totals")
        while script.process.poll() is None:
            bank.mutation("bank:transfer", bank="py")
        check(script, total)


async def test_every_transition_on_the_wire(bank: Server):
    total = await asyncio.to_thread(bank.mutation, "bank:open", bank="wire")
    async with SyncClient(bank.url, remember=True) as watcher, SyncClient(bank.url) as one, SyncClient(bank.url) as two:
        north, south = await watcher.add_all(
            ("bank:branch_total", {"bank": "wire", "branch": "north"}),
            ("bank:branch_total", {"bank": "wire", "branch": "south"}),
        )
        late: list[int] = []

        async def write(client: SyncClient) -> int | None:
            last = None
            for number in range(60):
                response = await client.mutation("bank:transfer", bank="wire")
                assert response.success, response
                last = response.ts
                if client is one and number % 10 == 5:  # results of a subscription that joins in between fit as well
                    late.append(await watcher.add("bank:branch_total", bank="wire", branch="south"))
            return last

        for ts in await asyncio.gather(write(one), write(two)):
            await watcher.reach(ts)
    whole = [results for _, results in watcher.moments if north in results and south in results]
    assert {results[north] + results[south] for results in whole} == {total}
    assert {results[id] - results[south] for results in whole for id in late if id in results} == {0}
    assert len({results[north] for results in whole}) > 5, "money moved while it was watched"


async def test_equal_timestamps_mean_equal_results_for_all_clients(bank: Server):
    await asyncio.to_thread(bank.mutation, "bank:open", bank="shared")
    async with (
        SyncClient(bank.url, remember=True) as one,
        SyncClient(bank.url, remember=True) as two,
        SyncClient(bank.url) as writer,
    ):
        for watcher in (one, two):
            await watcher.add("bank:branch_total", bank="shared", branch="north")
        responses = [await writer.mutation("bank:transfer", bank="shared") for _ in range(40)]
        for watcher in (one, two):
            await watcher.reach(responses[-1].ts)
    seen = dict(two.moments)
    shared = [(results, seen[ts]) for ts, results in one.moments if ts in seen]
    assert shared
    assert all(ours == theirs for ours, theirs in shared)
