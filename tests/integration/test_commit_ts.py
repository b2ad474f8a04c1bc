"""The time of the commit in results, over all the way from a client's request to its answer."""

from pathlib import Path

import pytest

from tests.integration.http.api import open_api
from tests.integration.sync.engine import Client, engine, timestamp


def nanoseconds(value: dict[str, str]) -> int:
    """An int64 in its wire form."""
    return timestamp(value["$integer"])


async def test_a_client_is_told_the_time_of_its_commit(tmp_path: Path):
    async with engine(tmp_path) as parts:
        client = Client(parts)
        responses = [await client.mutation("stamps:mark") for _ in range(3)]
        times = [nanoseconds(response["result"]) for response in responses]
        assert times == [timestamp(response["ts"]) for response in responses]
        assert times == sorted(set(times))
        assert [nanoseconds(at) for at in await client.add(0, "stamps:times")] == times


async def test_a_resent_mutation_is_told_the_same_time(tmp_path: Path):
    async with engine(tmp_path) as parts:
        first = Client(parts)
        answers = [await first.mutation("stamps:mark"), await first.mutation("stamps:only_tell")]
        await first.mutation("stamps:mark")
        second = Client(parts, session=first.session)
        assert [await second.mutation("stamps:mark", 0), await second.mutation("stamps:only_tell", 1)] == answers
        assert all(nanoseconds(answer["result"]) == timestamp(answer["ts"]) for answer in answers)


async def test_nested_calls_pass_the_placeholder_on(tmp_path: Path):
    async with engine(tmp_path) as parts:
        client = Client(parts)
        response = await client.mutation("stamps:nested")
        result, now = response["result"], timestamp(response["ts"])
        assert [nanoseconds(at) for at in (*result["times"], result["seen"]["at"])] == [now] * 3


async def test_an_action_gets_the_time_itself(tmp_path: Path):
    async with engine(tmp_path) as parts:
        client = Client(parts)
        await client.mutation("stamps:only_tell")
        given, kind, error = (await client.action("stamps:through_action"))["result"]
        assert kind == "Int64"
        assert [nanoseconds(at) for at in await client.add(0, "stamps:times")] == [nanoseconds(given)]
        assert "the time of the commit is not known yet" in error


@pytest.mark.parametrize(("function", "kind"), [("stamps:smuggle", "query"), ("stamps:throw", "mutation")])
async def test_nobody_else_can_give_it_away(tmp_path: Path, function: str, kind: str):
    async with open_api(tmp_path, "club") as api:
        await api.value("mutation", "stamps:only_tell")
        message = await api.failure(kind, function)
        assert "its placeholder may stand only in what a mutation writes, passes to nested calls or gives" in message


async def test_clients_cannot_send_it(tmp_path: Path):
    async with open_api(tmp_path, "club") as api:
        message = await api.failure("mutation", "stamps:take", {"at": {"$commitTs": None}})
        assert "$commitTs may stand only in what a running mutation writes: send an $integer" in message
        assert await api.value("mutation", "stamps:take", {"at": {"$integer": "BQAAAAAAAAA="}}) == "5"
        assert "v.commitTs()" in await api.failure("mutation", "stamps:take", {"at": 5})


async def test_without_a_commit_it_is_the_time_of_what_was_read(tmp_path: Path):
    async with open_api(tmp_path, "club") as api:
        marked = await api.value("mutation", "stamps:mark", format="json")
        told = await api.value("mutation", "stamps:only_tell", format="json")
        assert told == marked
