"""Everything that a client can make large: it is refused, told why where possible, and nobody else notices."""

import json
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.integration.security.vault import Vault, admin, bearer
from tests.support.patience import PATIENCE
from tests.support.raw_http import RawConnection
from tests.support.server import Server
from tests.support.sync_client import SyncClient

MIB = 2**20


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("more", "said"),
    [
        pytest.param([0] * 8193, "8192", id="array"),
        pytest.param({f"f{number}": 0 for number in range(1025)}, "1024", id="object"),
        pytest.param("x" * MIB, "1 MiB", id="text"),
        pytest.param({"$bytes": "AAAA" * (MIB // 3 + 1)}, "MiB", id="bytes"),
        pytest.param({"x" * 1025: 1}, "1024", id="name"),
        pytest.param(nested(65), "64", id="depth of arguments"),
        pytest.param(nested(20), "16", id="depth of a document"),
    ],
)
async def test_values(vault: Vault, more: Any, said: str):
    assert said in vault.fails("mutation", "vault:write", admin(), owner="sizes", text="x", more=more)
    async with SyncClient(vault.server.url) as client:
        answer = await client.mutation("vault:write", owner="sizes", text="x", more=more)
        assert not answer.success
        assert (await client.mutation("vault:write", owner="sizes", text="after", more=1)).success
    assert set(vault.value("query", "vault:notes_of", owner="sizes")) == {"after"}


@pytest.mark.parametrize("depth", [1_000, 100_000, 5_000_000])
def test_nesting_that_no_reader_of_json_could_follow(vault: Vault, depth: int):
    deep = b"[" * depth + b"]" * depth
    body = b'{"path":"vault:write","args":{"owner":"x","text":"x","more":' + deep + b"}}"
    for path in ("/api/mutation", "/api/query", "/api/run/vault/write"):
        answer = vault.http.post(path, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in (200, 400)
        assert '"success"' not in answer.text
    assert vault.is_well()


@pytest.mark.parametrize("number", ["1e999", "-1e999", "1" * 5_000, "0." + "1" * 5_000, '{"$integer":"AAAA"}', "NaN"])
def test_numbers_that_are_none(vault: Vault, number: str):
    body = b'{"path":"vault:write","args":{"owner":"numbers","text":"x","more":' + number.encode() + b"}}"
    answer = vault.http.post("/api/mutation", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (200, 400)
    assert vault.is_well()


@pytest.mark.parametrize(
    "path", ["/api/query", "/api/mutation", "/api/action", "/api/query_batch", "/api/run/vault/me"]
)
def test_bodies(vault: Vault, path: str):
    with RawConnection(vault.server.port) as connection:
        head = (
            f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {64 * MIB}\r\n\r\n"
        )
        answer = connection.send(head.encode()).heard_within(20)
    assert answer is not None, "it is refused before it is read"
    assert answer.startswith(b"HTTP/1.1 413")


def test_a_token_in_a_header(vault: Vault):
    answer = vault.call("query", "vault:me", bearer("x" * 100_000))
    assert (answer.status_code, answer.json()["code"]) == (431, "HeadersTooLarge")


async def test_messages_before_anybody_is_known(vault: Vault):
    """A token that is checked holds up what comes behind it, of which there may be only so much."""
    async with SyncClient(vault.server.url, greet=False) as client:
        await client.send_text(json.dumps({"type": "Event", "eventType": "x", "event": "a" * MIB}))
        await client.send_text(json.dumps({"type": "Connect", "sessionId": "x" * MIB, "connectionCount": 0}))
        assert (await client.until_ended()).startswith("1")
    async with SyncClient(vault.server.url, greet=False) as client:
        await client.send_text("[" * 1_000_000)
        assert (await client.until_ended()).startswith("1")
    assert vault.is_well()


def test_requests_that_do_not_wait_for_answers(vault: Vault):
    """Thousands in one go: they are answered in their order, by no more than the connection's own share."""
    body = b'{"path":"vault:me","args":{}}'
    head = b"POST /api/query HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: %d\r\n" % len(
        body
    )
    with RawConnection(vault.server.port) as connection:
        connection.send((head + b"\r\n" + body) * 2_000 + head + b"connection: close\r\n\r\n" + body)
        answers = connection.until_closed().raw
    assert answers.count(b"HTTP/1.1 200 OK") == answers.count(b'"value":null') == 2_001


async def test_a_message_that_is_small_only_while_it_is_compressed(tmp_path: Path):
    environment = {
        "REACTOR_WS": "websockets-sansio",
        "REACTOR_COMPRESSION": "true",
        "REACTOR_MAX_MESSAGE_BYTES": "1 MiB",
    }
    with Server("chat", tmp_path / "data", environment=environment) as server:
        address = server.url.replace("http", "ws") + "/api/sync"
        async with connect(address, compression="deflate", open_timeout=PATIENCE) as socket:
            with pytest.raises(ConnectionClosed) as closed:
                await socket.send("a" * (64 * MIB))
                await socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009
        assert server.most_memory() < 400 * MIB


async def test_queries_of_a_socket(vault: Vault):
    async with SyncClient(vault.server.url) as client:
        await client.modify(
            *({"type": "Add", "queryId": n, "udfPath": "vault:me", "args": [{"x": n}]} for n in range(10_001))
        )
        ended = await client.until_ended()
        assert ended.startswith("1"), ended
    assert vault.is_well()


async def test_many_wrong_messages_end_one_session_only(vault: Vault):
    async with SyncClient(vault.server.url) as healthy:
        number = await healthy.add("vault:me")
        for text in ("", "null", "[]", "{}", '{"type":"Nothing"}', '{"type":5}', "\x00", '{"type":"Mutation"}'):
            async with SyncClient(vault.server.url) as client:
                await client.send_text(text)
                assert (await client.until_ended()).startswith("1")
        assert healthy.results[number] is None
        assert (await healthy.mutation("vault:write", owner="healthy", text="x")).success
