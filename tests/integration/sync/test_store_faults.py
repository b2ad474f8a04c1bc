"""A store that fails under mutations of sockets: nothing is called failed that may have happened, nothing overtakes."""

from typing import Any

import pytest

from reactor.app.parts import Parts
from reactor.database.outcomes import Outcomes
from reactor.database.transaction import Transaction
from reactor.errors import StoreError, StoreFull
from reactor.runtime.calls import Call
from reactor.runtime.query_run import RunResult
from reactor.store.seam import Outcome
from tests.integration.database.counters import turns
from tests.integration.database.world import Gate
from tests.integration.sync.engine import Client

LIST, ADD = "visits:list", "visits:add"
CUT_OFF = (1011, "InternalServerError")


@pytest.fixture
def gate(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> Gate:
    gate = Gate(parts.store)
    monkeypatch.setattr(parts.database.committer, "_store", gate)
    return gate


async def _send_again(parts: Parts, lost: Client, numbers: range) -> list[Any]:
    """What a client does that has lost its connection; what the room holds in the end."""
    client = Client(parts, session=lost.session)
    for number in numbers:
        client.request("Mutation", ADD, number, room="red", n=number)
    for number in numbers:
        assert (await client.response(number))["success"]
    return await client.add(0, LIST, room="red")


async def test_a_lost_mutation_and_those_behind_it_are_sent_again_in_their_order(parts: Parts, gate: Gate) -> None:
    client, other = Client(parts), Client(parts)
    gate.hold()
    client.request("Mutation", ADD, 0, room="red", n=0)
    await turns()
    gate.failures.append(StoreError("the connection was cut"))
    client.request("Mutation", ADD, 1, room="red", n=1)
    client.request("Mutation", ADD, 2, room="red", n=2)
    number = other.request("Mutation", ADD, room="blue", n=7)
    await turns()
    gate.release()
    await client.until(lambda: client.closed)
    assert client.closed == CUT_OFF
    assert client.responses == {}
    assert (await other.response(number))["success"], "others' mutations in the same group run again by themselves"
    assert await _send_again(parts, client, range(3)) == [0, 1, 2]


async def test_a_client_that_is_gone_finds_the_same(parts: Parts, gate: Gate) -> None:
    client = Client(parts)
    gate.hold()
    client.request("Mutation", ADD, 0, room="red", n=0)
    await turns()
    gate.failures.append(StoreError("the connection was cut"))
    client.request("Mutation", ADD, 1, room="red", n=1)
    client.drop()
    gate.release()
    await parts.database.committer.settle()
    assert await _send_again(parts, client, range(2)) == [0, 1]


async def test_what_happened_is_not_called_failed_because_nobody_can_look_it_up(
    parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Client(parts)
    answer = await first.mutation(ADD, 0, room="red", n=0)
    first.drop()
    find = Outcomes.find
    faults = [StoreError("reading failed")]

    async def failing(self: Outcomes, session: bytes, request: int, tx: Transaction) -> Outcome | None:
        if faults:
            raise faults.pop()
        return await find(self, session, request, tx)

    monkeypatch.setattr(Outcomes, "find", failing)
    second = Client(parts, session=first.session)
    second.request("Mutation", ADD, 0, room="red", n=0)
    second.request("Mutation", ADD, 1, room="red", n=1)
    await second.until(lambda: second.closed)
    assert (second.closed, second.responses) == (CUT_OFF, {})
    third = Client(parts, session=first.session)
    assert await third.mutation(ADD, 0, room="red", n=0) == answer
    assert await _send_again(parts, first, range(2)) == [0, 1]


async def test_a_full_disk_is_told(parts: Parts, gate: Gate) -> None:
    client = Client(parts)
    gate.failures.append(StoreFull("no room on the disk"))
    refused = await client.mutation(ADD, room="red", n=0)
    assert not refused["success"]
    assert "no room on the disk" in refused["result"]
    assert (await client.mutation(ADD, room="red", n=1))["success"]
    assert client.closed is None


async def test_a_call_that_nobody_sends_again_is_told_of_the_fault(parts: Parts, gate: Gate) -> None:
    gate.failures.append(StoreError("the connection was cut"))
    results: list[RunResult] = []
    parts.mutations.submit(Call(ADD, b'{"room": "red", "n": 0}'), results.append)
    await parts.database.committer.settle()
    [result] = results
    assert result.failure is not None
    assert "the connection was cut" in result.failure.message
