"""Applications whose transactions are none: the checker sees through them, and so would see through ours."""

import asyncio
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.support.elle import Append, Op, Outcome, Read, Report, Transaction, check
from tests.support.server import Server
from tests.support.sync_client import Response, SyncClient

pytestmark = pytest.mark.stores("sqlite", "postgres", because="its functions meet in the memory of one process")


class Clients:
    """Two clients. Each call of theirs is recorded as the one transaction that its caller takes it for."""

    def __init__(self, *clients: SyncClient) -> None:
        self._clients = clients
        self._history: list[Transaction] = []
        self._ticks = count(1)

    async def both(self, path: str, *calls: dict[str, Any]) -> None:
        """An action of each client at the same time: it reads the list `read` and appends to the list `append`."""
        await asyncio.gather(*(self._act(number, path, args) for number, args in enumerate(calls)))

    async def _act(self, number: int, path: str, args: dict[str, Any]) -> None:
        invoked = next(self._ticks)
        answer = await self._clients[number].action(path, **args, meeting="here")
        assert answer.success, answer
        self._record(number, invoked, answer, Read(args["read"], answer.result), Append(args["append"], args["value"]))

    async def append(self, path: str, key: str, value: int, *, fails: bool) -> None:
        """A mutation of the first client."""
        invoked = next(self._ticks)
        answer = await self._clients[0].mutation(path, key=key, value=value, fails=fails)
        assert answer.success is not fails, answer
        self._record(0, invoked, answer, Append(key, value))

    async def report(self, *keys: str) -> Report:
        """What the checker says when an honest program has read these lists."""
        invoked = next(self._ticks)
        answer = await self._clients[0].mutation("lists:run", steps=[["read", key] for key in keys])
        assert answer.success, answer
        self._record(0, invoked, answer, *(Read(*read) for read in zip(keys, answer.result, strict=True)))
        return check(self._history)

    def _record(self, number: int, invoked: int, answer: Response, *ops: Op) -> None:
        outcome = Outcome.OK if answer.success else Outcome.FAIL
        self._history.append(Transaction(f"client {number}", outcome, ops, invoked, next(self._ticks), answer.ts))


@pytest.fixture
async def clients(tmp_path: Path) -> AsyncIterator[Clients]:
    with Server("lists", tmp_path / "data") as server:
        async with SyncClient(server.url) as one, SyncClient(server.url) as other:
            yield Clients(one, other)


@pytest.mark.parametrize("kind", ["d", "i"])
async def test_write_skew_of_actions_that_read_and_append_in_two_transactions(clients: Clients, kind: str) -> None:
    one, other = f"{kind}1", f"{kind}2"
    calls = {"read": one, "append": other, "value": 1}, {"read": other, "append": one, "value": 2}
    await clients.both("broken:read_then_append", *calls)
    report = await clients.report(one, other)
    assert report.names == {"G2"}, report
    assert f"read {one} [], append 1 to {other}" in str(report)


async def test_a_lost_update_of_actions_that_read_and_write_in_two_transactions(clients: Clients) -> None:
    calls = {"read": "d1", "append": "d1", "value": 1}, {"read": "d1", "append": "d1", "value": 2}
    await clients.both("broken:replace", *calls)
    report = await clients.report("d1")
    assert "lost update" in report.names, report
    # The append that was written over is not there, although it was acknowledged.
    assert report.names & {"G-single", "G-single-process", "G-single-realtime"}, report


async def test_a_mutation_that_remembers_what_was_taken_back(clients: Clients) -> None:
    await clients.append("broken:append_or_whisper", "d1", 1, fails=True)
    await clients.append("broken:append_or_whisper", "d1", 2, fails=False)
    report = await clients.report("d1")
    assert report.names == {"G1a"}, report


async def test_the_same_calls_as_one_transaction_each_are_in_order(clients: Clients) -> None:
    await clients.append("broken:append_or_whisper", "d1", 1, fails=False)
    await clients.append("broken:append_or_whisper", "d1", 2, fails=False)
    report = await clients.report("d1", "d2")
    assert not report.anomalies, report
