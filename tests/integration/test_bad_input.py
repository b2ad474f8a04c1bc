"""Bad input gets a clear error, at the level where it is bad; and the server goes on serving everybody else."""

import asyncio
import itertools
import json
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from tests.support.patience import until
from tests.support.raw_socket import deaf_client, drop_by
from tests.support.server import Server
from tests.support.sync_client import QueryFailure, Refused, SyncClient

MEBIBYTE = 2**20
texts = (f"well {number}" for number in itertools.count())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server("faults", tmp_path_factory.mktemp("faults") / "data", command="dev") as server:
        yield server


@pytest.fixture
async def client(server: Server) -> AsyncIterator[SyncClient]:
    """A client that misbehaves, and beside it one that must not notice: it is asked before and afterwards."""
    async with SyncClient(server.url) as bystander, SyncClient(server.url) as client:
        process = server.process
        before = await bystander.add("faults:healthy", text="before")
        notes = bystander.results[before]["notes"]
        yield client
        after = next(texts)
        query = await bystander.add("faults:healthy", text=after)
        assert bystander.results[query] == {"text": after, "notes": notes}, "nothing was written"
        assert bystander.ended is None
        assert server.process is process
        assert process is not None
        assert process.poll() is None


async def failure(client: SyncClient, path: str, **args: Any) -> QueryFailure:
    """Subscribe to a query that must fail; the connection stays."""
    query = await client.add(path, **args)
    result = client.results[query]
    assert isinstance(result, QueryFailure), result
    assert client.results[await client.add("faults:healthy", text=next(texts))]["text"], "others are served"
    return result


async def refused(client: SyncClient, path: str, **args: Any) -> str:
    """A mutation that must fail; the connection stays."""
    response = await client.mutation(path, **args)
    assert not response.success
    assert response.ts is None
    assert (await client.action("faults:echo", text="still here")).result == "still here"
    return response.result


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


# Functions that are not there, or not for this caller.


@pytest.mark.parametrize("name", ["nope", "hidden"])
async def test_unknown_and_internal_functions_look_alike(client: SyncClient, name: str):
    said = f"Could not find public function for 'faults:{name}'."
    assert said in (await failure(client, f"faults:{name}")).message
    assert said in await refused(client, f"faults:{name}")
    assert said in (await client.action(f"faults:{name}")).result


async def test_a_function_of_another_kind(client: SyncClient):
    said = "Trying to execute faults.js:note as Query, but it is defined as Mutation."
    assert said in (await failure(client, "faults:note", text="x")).message
    said = "Trying to execute faults.js:healthy as Mutation, but it is defined as Query."
    assert said in await refused(client, "faults:healthy")


@pytest.mark.parametrize("path", ["", ":", "faults:", "../secrets:key", "a b:c", "faults.py:healthy", "_system/x:y"])
async def test_a_path_that_is_none(client: SyncClient, path: str):
    """Answered as a failure, so that the client goes on, or as a protocol error that says what is wrong."""
    try:
        response = await client.mutation(path)
    except Refused:
        assert "Invalid JSON" in (client.fatal_error() or ""), client.ended
    else:
        assert not response.success


# Arguments.


async def test_arguments_of_the_wrong_type(client: SyncClient):
    for said in (
        (await failure(client, "faults:healthy", text=5)).message,
        await refused(client, "faults:note", text=5),
    ):
        assert "ArgumentValidationError: Value does not match validator." in said
        for line in ("Path: .text", "Value: 5.0", "Validator: v.string()"):
            assert line in said


async def test_missing_and_extra_arguments(client: SyncClient):
    assert "missing the required field `text`" in await refused(client, "faults:note")
    assert "extra field `colour`" in await refused(client, "faults:note", text="x", colour="red")


@pytest.mark.parametrize("args", [[], [{}, {}], [5], ["text"]])
async def test_arguments_that_are_not_one_object(client: SyncClient, args: list[Any]):
    await client.modify({"type": "Add", "queryId": 0, "udfPath": "faults:healthy", "args": args})
    await client.until(lambda: 0 in client.results)
    assert isinstance(client.results[0], QueryFailure)
    assert "Expected to receive" in client.results[0].message


@pytest.mark.parametrize(
    "value", [{"$integer": "AQ=="}, {"$float": "x"}, {"$bytes": 5}, {"$set": []}, {"$nope": 1}, {"ключ": 1}]
)
async def test_values_that_are_none(client: SyncClient, value: Any):
    assert "Invalid arguments for faults.js:anything" in (await failure(client, "faults:anything", value=value)).message


async def test_17_mebibytes_of_arguments(client: SyncClient, server: Server):
    text = "x" * (17 * MEBIBYTE)
    assert "Arguments for faults.js:note are too large" in await refused(client, "faults:note", text=text)
    assert "too large" in (await failure(client, "faults:healthy", text=text)).message
    status, answer = await asyncio.to_thread(
        server.post, "/api/mutation", {"path": "faults:note", "args": {"text": text}, "format": "json"}
    )
    said = answer.get("errorMessage") or answer["message"]
    assert (status == 200 or 400 <= status < 500) and "large" in said, (status, answer)


async def test_a_message_beyond_the_limit_ends_only_its_connection(client: SyncClient):
    await client.send_text('{"type":"Event","eventType":"' + "x" * (40 * MEBIBYTE) + '"}')
    assert (await client.until_ended()).startswith("1009")


async def test_70_levels_of_nesting(client: SyncClient):
    for said in (
        (await failure(client, "faults:anything", value=nested(70))).message,
        await refused(client, "faults:note", text=nested(70)),
    ):
        assert "nest" in said.lower()
        assert "64" in said, "the limit is named"


async def test_a_document_over_one_mebibyte(client: SyncClient):
    said = await refused(client, "faults:big_document", size=MEBIBYTE)
    assert "too large" in said
    assert "1 MiB" in said


# Messages that break the protocol.

BROKEN = [
    "",
    "hello",
    "{",
    "null",
    "[]",
    "5",
    '{"type":"Nonsense"}',
    '{"no":"type"}',
    '{"type":"Connect","sessionId":"not a uuid","connectionCount":0}',
    '{"type":"Mutation","requestId":"zero","udfPath":"faults:note","args":[{}]}',
    '{"type":"Mutation","requestId":-1,"udfPath":"faults:note","args":[{}]}',
    '{"type":"Mutation","requestId":4294967296,"udfPath":"faults:note","args":[{}]}',
    '{"type":"Mutation","requestId":0,"udfPath":"faults:note"}',
    '{"type":"ModifyQuerySet","baseVersion":0,"newVersion":1,"modifications":[{"type":"Swap"}]}',
    '{"type":"Mutation","requestId":0,"udfPath":"faults:note","args":[{"text":"\\ud800"}]}',
    '{"type":"Mutation","requestId":0,"udfPath":"faults:note","args":[{"text":NaN}]}',
    "[" * 100_000,
    '{"a":' * 100_000,
]


@pytest.mark.parametrize("text", BROKEN, ids=lambda text: text[:60] or "empty")
async def test_malformed_messages(client: SyncClient, text: str):
    await client.send_text(text)
    ended = await client.until_ended()
    said = client.fatal_error()
    assert said is not None, ended
    assert said.startswith("Received Invalid JSON on websocket"), said


async def test_text_that_is_not_unicode(client: SyncClient):
    await client.socket.send(b'{"type":"Event","eventType":"\xff\xfe","event":null}', text=True)
    await client.until_ended()


async def test_a_binary_frame(client: SyncClient):
    await client.send_text(b"\x00\x01\x02")
    assert (await client.until_ended()).startswith("1011")


async def test_a_wrong_base_version(client: SyncClient):
    await client.send(type="ModifyQuerySet", baseVersion=5, newVersion=6, modifications=[])
    await client.until_ended()
    assert client.fatal_error() == "Base version 5 passed up doesn't match the current version 0"


ADD = {"type": "Add", "queryId": 0, "udfPath": "faults:healthy", "args": [{}]}


@pytest.mark.parametrize(
    ("new_version", "modifications"),
    [(0, []), (1, [ADD, ADD]), (1, [{"type": "Remove", "queryId": 77}])],
    ids=["version that does not rise", "query id twice", "removal of an unknown query"],
)
async def test_a_query_set_that_cannot_be(client: SyncClient, new_version: int, modifications: list[Any]):
    await client.send(type="ModifyQuerySet", baseVersion=0, newVersion=new_version, modifications=modifications)
    await client.until_ended()


async def test_a_client_that_saw_the_future(server: Server, client: SyncClient):
    future = "/" * 9 + "38="
    async with SyncClient(server.url, greet=False) as prophet:
        await prophet.send(
            type="Connect",
            sessionId=str(uuid.uuid4()),
            connectionCount=0,
            lastCloseReason=None,
            maxObservedTimestamp=future,
        )
        assert (await prophet.until_ended()).startswith("1011")


async def test_two_clients_with_one_session_id(server: Server, client: SyncClient):
    """They are one client to the server: a request number that both use runs once."""
    session = str(uuid.uuid4())
    async with SyncClient(server.url, session=session) as one, SyncClient(server.url, session=session) as two:
        first = await two.request("Mutation", "faults:note", {"text": "as two"}, request_id=0)
        assert first.success
        try:
            second = await one.request("Mutation", "faults:note", {"text": "as one"}, request_id=0)
        except Exception:  # the older socket may have been closed in favour of the newer
            assert one.ended is not None
        else:
            assert (second.result, second.ts) == (first.result, first.ts)
        assert two.ended is None
        query = await two.add("faults:healthy")
        notes = two.results[query]["notes"]
        await two.request("Mutation", "faults:unnote", {"id": first.result}, request_id=1)
        await two.until_result(query, {"text": "well", "notes": notes - 1})


@pytest.mark.parametrize("path", ["/api/banana/sync", "/api/0.1.0/sync", "/sync", "/api/1.48.0/sync/more"])
async def test_a_socket_at_a_place_that_is_none(server: Server, client: SyncClient, path: str):
    with pytest.raises(Exception, match="HTTP 4"):
        await SyncClient(server.url, path=path).__aenter__()


# HTTP.


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/query", b"hello", 400),
        ("/api/query", b"", 400),
        ("/api/query", b"[]", 400),
        ("/api/query", b"[" * 100_000, 400),
        ("/api/mutation", b'{"args":{}}', 400),
        ("/api/mutation", b'{"path":5,"args":{}}', 400),
        ("/api/action", b'{"path":"faults:echo","args":{},"format":"xml"}', 400),
        ("/api/query", b'{"path":"a b:c","args":{}}', 400),
        ("/api/query", b'{"path":"faults:healthy","args":{"text":"\xff"}}', 400),
        ("/api/nothing", b"{}", 404),
    ],
)
async def test_http_requests_that_are_none(server: Server, client: SyncClient, path: str, body: bytes, status: int):
    found, answer = await asyncio.to_thread(server.post, path, body)
    assert found == status, answer
    if status == 400:
        assert set(answer) == {"code", "message"}


@pytest.mark.parametrize(("kind", "name"), [("query", "nope"), ("query", "hidden"), ("mutation", "nope")])
async def test_functions_that_are_not_there_over_http(server: Server, client: SyncClient, kind: str, name: str):
    status, answer = await asyncio.to_thread(server.post, f"/api/{kind}", {"path": f"faults:{name}", "args": {}})
    assert (status, answer["status"]) == (200, "error")
    assert f"Could not find public function for 'faults:{name}'." in answer["errorMessage"]


# Functions that misbehave.


async def test_a_query_that_raises(client: SyncClient):
    result = await failure(client, "faults:raises")
    assert "Uncaught ValueError: the query failed" in result.message
    assert not result.has_data
    assert (await failure(client, "faults:raises_data")).data == {"code": "FULL", "seats": 30}


async def test_a_mutation_that_raises_writes_nothing(client: SyncClient):
    assert "Uncaught ValueError: the mutation failed" in await refused(client, "faults:writes_then_raises", text="x")


async def test_functions_that_loop_for_ever(client: SyncClient):
    assert "timed out" in (await failure(client, "faults:loops_for_ever")).message
    assert "timed out" in await refused(client, "faults:note_then_loops_for_ever", text="x")


async def test_a_looping_query_of_one_client_does_not_end_the_others(server: Server, client: SyncClient):
    async with SyncClient(server.url) as other:
        looping = asyncio.create_task(client.add("faults:loops_for_ever"))
        assert (await other.action("faults:echo", text="me too")).result == "me too"
        await looping


# Clients that misbehave.


async def test_a_client_that_never_reads_costs_bounded_memory(server: Server, client: SyncClient):
    size = 900_000
    async with SyncClient(server.url) as reader:
        query = await reader.add("faults:big_result", size=size)

        async def push(rounds: int) -> None:
            for _ in range(rounds):
                response = await reader.mutation("faults:turn")
                await reader.until(lambda r=response: reader.results[query]["turns"] == r.result)

        await push(60)
        before = server.memory()
        sessions = server.metrics()["reactor_sessions"]
        with deaf_client(server.port, "faults:big_result", size=size):
            await asyncio.to_thread(until, lambda: server.metrics()["reactor_sessions"] > sessions, "its session")
            await push(120)
            grown = server.memory() - before
            assert grown < 30 * MEBIBYTE, f"{grown / MEBIBYTE:.0f} MiB for 103 MiB that nobody read"
        await asyncio.to_thread(
            until, lambda: server.metrics()["reactor_sessions"] == sessions, "the end of its session"
        )


@pytest.mark.timeout(120)
async def test_10000_connects_and_disconnects(server: Server, client: SyncClient):
    async def drop_by_often(count: int) -> None:
        for number in range(count):
            subscription = ("faults:healthy", {"text": f"guest {number % 7}"}) if number % 2 else None
            await drop_by(server.port, subscription=subscription)

    def at_rest() -> bool:
        return server.metrics()["reactor_sessions"] == sessions and server.descriptors() <= descriptors + 5

    sessions = (await asyncio.to_thread(server.metrics))["reactor_sessions"]
    live = (await asyncio.to_thread(server.metrics))["reactor_live_queries"]
    descriptors = server.descriptors()
    await drop_by_often(1000)
    before = server.memory()
    await asyncio.gather(*(drop_by_often(900) for _ in range(10)))
    await asyncio.to_thread(until, at_rest, "the end of 10,000 sessions")
    assert (await asyncio.to_thread(server.metrics))["reactor_live_queries"] == live
    assert server.memory() - before < 20 * MEBIBYTE
    assert client.ended is None


# What only shows in production.


async def test_production_tells_clients_nothing_of_the_inside(tmp_path_factory: pytest.TempPathFactory):
    with Server("faults", tmp_path_factory.mktemp("faults") / "data", command="start") as server:
        async with SyncClient(server.url) as client:
            response = await client.mutation("faults:writes_then_raises", text="x")
            assert response.result.startswith("[Request ID: ")
            assert response.result.endswith("] Server Error")
            assert (await client.mutation("faults:writes_then_raises_data", text="x")).data["code"] == "REFUSED"
            spoken = await client.mutation("faults:speaks_in_mutation")
            assert (spoken.success, spoken.log_lines) == (True, [])
        assert "the mutation failed" in server.log, "whoever runs the server sees the cause"


def test_the_server_said_nothing_of_its_own_mistakes(server: Server):
    """Last in this module: what came above was the clients' or the functions' fault, and nothing was left unhandled."""
    for line in server.log.splitlines():
        assert "never retrieved" not in line, line
        assert "Exception in callback" not in line, line
    assert json.loads(json.dumps(server.query("faults:healthy")))["text"] == "well"
