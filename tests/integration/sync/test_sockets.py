"""Both sockets behind a real uvicorn: what clients do, and what attackers do."""

import asyncio
import gc
import json

import pytest
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.server import ServerProtocol

from reactor.sync.asgi_socket import AsgiSocket
from reactor.sync.connection import Connection, OutMessage, Refusal
from reactor.sync.heartbeat import PING_MESSAGE
from reactor.sync.thin_socket import ThinSocket
from tests.integration.sync.hub import UPGRADE, RawClient, RecordingPeer, Served

MIB = 1024 * 1024

thin_only = pytest.mark.parametrize("served", ["thin"], indirect=True)


def said(*texts: str) -> list[OutMessage]:
    return [OutMessage(text.encode()) for text in texts]


async def never_reading(served: Served) -> tuple[RawClient, RecordingPeer]:
    """A client whose buffers are full: the peer's backlog is above zero and stays so until the client reads."""
    client, peer = await served.open(receive_buffer=4096)
    block = OutMessage(b"x" * MIB)
    peer.connection.send([block] * 16)  # more than the kernel buffers on both sides of the loopback
    before = 0
    while peer.connection.backlog != before:  # until it stands still while a message goes round
        before = peer.connection.backlog
        client.send_frame(Opcode.TEXT, b"I do not read")
        await peer.until(b"I do not read")
    assert before > 2 * MIB
    return client, peer


async def gone(peer: RecordingPeer) -> None:
    """The peer was told of the end, and told once."""
    await peer.until("lost")
    assert peer.losses == 1
    assert peer.connection.backlog == 0


# Opening


async def test_the_hub_gets_path_and_headers(served: Served) -> None:
    url = f"ws://127.0.0.1:{served.port}//api/1%2E48.0/sync?x=1"
    async with connect(url, additional_headers={"Convex-Client": "python-0.8.1"}, origin="https://other.example"):  # type: ignore[arg-type]
        await served.hub.arrivals.get()
    [(path, headers)] = served.hub.requests
    assert path == "//api/1.48.0/sync"
    assert headers["convex-client"] == "python-0.8.1"
    assert headers["origin"] == "https://other.example"


async def test_a_refusal_is_an_http_answer(served: Served) -> None:
    body = {"code": "InvalidClientVersion", "message": "no such version"}
    served.hub.verdict = lambda connection: Refusal(400, body, {"X-Convex-Deprecation-State": "Unsupported"})
    with pytest.raises(InvalidStatus) as caught:
        await connect(served.url)
    response = caught.value.response
    assert (response.status_code, json.loads(response.body)) == (400, body)
    assert response.headers["Connection"] == "close"
    assert response.headers["Content-Type"].startswith("application/json")
    assert response.headers["X-Convex-Deprecation-State"] == "Unsupported"


async def test_a_welcome_may_bring_headers(served: Served) -> None:
    served.hub.greeting = {"X-Convex-Deprecation-State": "UpgradeRequired"}
    async with connect(served.url) as client:
        peer = await served.hub.arrivals.get()
        peer.connection.send(said("{}"))
        assert client.response is not None
        assert client.response.headers["X-Convex-Deprecation-State"] == "UpgradeRequired"
        assert await client.recv() == "{}"


async def test_a_hub_that_fails_answers_500(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    def use_too_early(connection: Connection) -> None:
        connection.send(said("{}"))

    served.hub.verdict = use_too_early
    with pytest.raises(InvalidStatus) as caught:
        await connect(served.url)
    assert caught.value.response.status_code == 500
    assert "after Listener.accept has returned" in caplog.text


@pytest.mark.parametrize(
    ("changed", "method"),
    [
        ({"Sec-WebSocket-Key": None}, "GET"),
        ({"Sec-WebSocket-Key": "short"}, "GET"),
        ({"Sec-WebSocket-Version": "12"}, "GET"),
        ({"Sec-WebSocket-Version": None}, "GET"),
        ({}, "POST"),
    ],
)
async def test_a_broken_handshake_is_refused(served: Served, changed: dict[str, str | None], method: str) -> None:
    headers = {name: value for name, value in (UPGRADE | changed).items() if value is not None}
    client = await served.connect()
    status, answer, body = await client.request(headers, method=method)
    assert status == (400 if method == "GET" else 405)
    assert await client.at_end()
    assert served.hub.requests == []
    if served.kind == "thin":
        assert json.loads(body)["code"] == "BadWebSocketHandshake"
        assert answer["sec-websocket-version"] == "13"


async def test_garbage_instead_of_a_handshake(served: Served) -> None:
    client = await served.connect()
    client.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 not HTTP\r\n\r\n")
    status, _, _ = await client.response()
    assert status == 400
    assert await client.at_end()


# Talking


async def test_texts_both_ways_in_order(served: Served) -> None:
    async with connect(served.url) as client:
        peer = await served.hub.arrivals.get()
        peer.react = lambda payload: peer.connection.send(said("first", "second", "x" * 70000))
        await client.send('{"ä": 1}')
        assert [await client.recv() for _ in range(3)] == ["first", "second", "x" * 70000]
        assert await peer.events.get() == '{"ä": 1}'.encode()
    await gone(peer)


async def test_sending_nothing(served: Served) -> None:
    client, peer = await served.open()
    peer.connection.send([])
    peer.connection.send(said("after"))
    assert await client.read_frame() == (Opcode.TEXT, b"after")


async def test_several_frames_in_one_packet(served: Served) -> None:
    client, peer = await served.open()
    for i in range(50):
        client.send_frame(Opcode.TEXT, b"%d" % i)
    assert (await peer.until(b"49")) == [b"%d" % i for i in range(50)]


async def test_one_byte_per_packet(served: Served) -> None:
    client, peer = await served.open()
    frames = [Frame(Opcode.TEXT, b"slow", fin=False), Frame(Opcode.PING, b"!"), Frame(Opcode.CONT, b"ly")]
    for byte in b"".join(frame.serialize(mask=True) for frame in frames):
        client.send(bytes((byte,)))
        await asyncio.sleep(0)
    assert await peer.until(b"slowly") == [b"slowly"]
    assert await client.read_frame() == (Opcode.PONG, b"!")


async def test_fragments_with_a_ping_between(served: Served) -> None:
    client, peer = await served.open()
    client.send_frame(Opcode.TEXT, b"a" * 100_000, fin=False)
    client.send_frame(Opcode.PING, b"alive?")
    client.send_frame(0, b"b" * 100_000)
    assert await client.read_frame() == (Opcode.PONG, b"alive?")
    assert await peer.events.get() == b"a" * 100_000 + b"b" * 100_000


async def test_17_mib_arrive_whole(served: Served) -> None:
    text = "x" * (17 * MIB)
    async with connect(served.url, compression=None) as client:
        peer = await served.hub.arrivals.get()
        await client.send(text)
        assert await peer.events.get() == text.encode()


# Breaking the rules


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x81\x02{}", 1002),
        (b"\xc1\x82\0\0\0\0{}", 1002),
        (b"\xa1\x82\0\0\0\0{}", 1002),
        (b"\x83\x80\0\0\0\0", 1002),
        (b"\x8b\x80\0\0\0\0", 1002),
        (b"\x89\xfe\x00\x7e\0\0\0\0" + b"p" * 126, 1002),
        (b"\x09\x80\0\0\0\0", 1002),
        (b"\x80\x81\0\0\0\0x", 1002),
        (b"\x01\x81\0\0\0\0x\x81\x81\0\0\0\0y", 1002),
        (b"\x88\x81\0\0\0\0x", 1002),
        (b"\x88\x82\0\0\0\0" + (1005).to_bytes(2, "big"), 1002),
        (b"\x88\x83\0\0\0\0" + (1000).to_bytes(2, "big") + b"\xff", 1007),
        (b"\x81\xff" + (33 * MIB).to_bytes(8, "big") + b"\0\0\0\0", 1009),
    ],
    ids=[
        "unmasked",
        "compressed without having agreed",
        "reserved bit",
        "unknown data opcode",
        "unknown control opcode",
        "oversized ping",
        "fragmented ping",
        "continuation of nothing",
        "message inside a message",
        "short close",
        "close code that must not be sent",
        "close reason that is not UTF-8",
        "message over the limit",
    ],
)
async def test_broken_frames_end_the_connection_and_only_that(served: Served, data: bytes, code: int) -> None:
    bystander, watching = await served.open()
    client, peer = await served.open()
    client.send(data)
    assert await client.read_close() == code
    assert await client.at_end()
    await gone(peer)
    watching.connection.send(said("still here"))
    assert await bystander.read_frame() == (Opcode.TEXT, b"still here")


@thin_only
async def test_a_message_over_the_limit_that_is_still_coming_does_not_hide_the_reason(served: Served) -> None:
    client = await connect(served.url, compression=None)
    with pytest.raises(ConnectionClosed) as caught:
        await client.send("x" * (33 * MIB))
        await client.recv()
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1009


async def test_fragments_over_the_limit(served: Served) -> None:
    client, peer = await served.open()
    client.send_frame(Opcode.TEXT, b"x" * 31 * MIB, fin=False)
    client.send_frame(0, b"x" * 2 * MIB)
    assert await client.read_close() == 1009
    await gone(peer)


async def test_binary_is_told_without_its_bytes(served: Served) -> None:
    async with connect(served.url) as client:
        peer = await served.hub.arrivals.get()
        await client.send(b"\0\1\2")
        with pytest.raises(ConnectionClosed) as caught:
            await client.recv()
    assert caught.value.rcvd is not None
    assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (1011, "InternalServerError")
    assert await peer.until("lost") == ["binary", "lost"]


async def test_a_session_that_fails_ends_alone(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    def fail(payload: bytes) -> None:
        raise ValueError("a mistake in the session")

    async with connect(served.url) as client:
        peer = await served.hub.arrivals.get()
        peer.react = fail
        await client.send("{}")
        with pytest.raises(ConnectionClosed) as caught:
            await client.recv()
    assert caught.value.rcvd is not None
    assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (1011, "InternalServerError")
    assert "a mistake in the session" in caplog.text
    await gone(peer)


# Ending


async def test_the_client_closes(served: Served) -> None:
    client, peer = await served.open()
    client.send_frame(Opcode.CLOSE, (4001).to_bytes(2, "big") + b"bye")
    assert await client.read_close() == 4001
    assert await client.at_end()
    await gone(peer)
    peer.connection.send(said("too late"))
    peer.connection.close(1000)


async def test_the_client_closes_without_code(served: Served) -> None:
    client, peer = await served.open()
    client.send_frame(Opcode.CLOSE)
    assert await client.read_close() is None
    await gone(peer)


async def test_the_server_closes_after_what_it_sent(served: Served) -> None:
    async with connect(served.url, max_size=None) as client:
        peer = await served.hub.arrivals.get()
        peer.connection.send(said("x" * 5 * MIB))
        peer.connection.close(1013, "TooManyConcurrentMutations")
        peer.connection.send(said("never sent"))
        peer.connection.close(1000, "again")
        assert len(await client.recv()) == 5 * MIB
        with pytest.raises(ConnectionClosed) as caught:
            await client.recv()
    assert caught.value.rcvd is not None
    assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (1013, "TooManyConcurrentMutations")
    await gone(peer)


async def test_closing_without_code(served: Served) -> None:
    client, peer = await served.open()
    peer.connection.close(None)
    assert await client.read_close() == (None if served.kind == "thin" else 1000)  # ASGI always has a code
    client.send_frame(Opcode.CLOSE)
    assert await client.at_end()
    await gone(peer)


async def test_closing_from_within_received_ends_the_hearing(served: Served) -> None:
    client, peer = await served.open()
    peer.react = lambda payload: peer.connection.close(1000, "enough")
    client.send_frame(Opcode.TEXT, b"one")
    client.send_frame(Opcode.TEXT, b"two")
    assert await client.read_close() == 1000
    client.send_frame(Opcode.TEXT, b"three")
    client.send_frame(Opcode.CLOSE, (1000).to_bytes(2, "big"))
    assert await client.at_end()
    assert await peer.until("lost") == [b"one", "lost"]


async def test_a_client_that_does_not_answer_the_close_is_dropped(served: Served) -> None:
    client, peer = await served.open()
    peer.connection.close(1000, "go")
    assert await client.read_close() == 1000
    if served.kind == "thin":
        assert peer.losses == 0
        served.pass_time(5)
        assert await client.at_end()
    await gone(peer)


async def test_a_client_that_breaks_the_rules_while_closing(served: Served) -> None:
    client, peer = await served.open()
    peer.connection.close(1000, "go")
    assert await client.read_close() == 1000
    client.send(b"\xff\xff\xff\xff")
    assert await client.at_end()
    await gone(peer)


async def test_a_half_open_connection_ends(served: Served) -> None:
    client, peer = await served.open()
    client.writer.write_eof()
    await gone(peer)
    assert await client.at_end()


async def test_an_abrupt_reset(served: Served) -> None:
    client, peer = await served.open()
    client.reset()
    await gone(peer)


async def test_a_reset_under_a_backlog(served: Served) -> None:
    client, peer = await never_reading(served)
    client.reset()
    await gone(peer)


async def test_the_server_stops(served: Served) -> None:
    async with connect(served.url) as client:
        peer = await served.hub.arrivals.get()
        stopping = asyncio.ensure_future(served.stop())
        with pytest.raises(ConnectionClosed) as caught:
            await client.recv()
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == (1001 if served.kind == "thin" else 1012)
    await gone(peer)
    await stopping
    assert served.server.server_state.connections == set()


# A client that never reads


async def test_the_backlog_is_what_was_sent_and_drains(served: Served) -> None:
    client, peer = await never_reading(served)
    before = peer.connection.backlog
    peer.connection.send(said("x" * MIB))
    assert MIB <= peer.connection.backlog - before <= MIB + 14
    reading = asyncio.ensure_future(client.at_end())
    await peer.until("drained")
    assert peer.connection.backlog == 0
    peer.connection.close(1000)
    client.send_frame(Opcode.CLOSE)
    assert await reading
    await gone(peer)


async def test_pings_do_not_fill_the_backlog_of_one_who_never_reads(served: Served) -> None:
    client, peer = await never_reading(served)
    before = peer.connection.backlog
    for i in range(100):
        client.send_frame(Opcode.PING, b"%d" % i)
        await asyncio.sleep(0)
    client.send_frame(Opcode.TEXT, b"pinged")
    await peer.until(b"pinged")
    served.pass_time(60)
    assert peer.connection.backlog == before
    if served.kind == "thin":
        frames = [await client.read_frame()]
        while frames[-1][0] != Opcode.PONG:
            frames.append(await client.read_frame())
        assert frames[-1] == (Opcode.PONG, b"99")
    client.reset()
    await gone(peer)


async def test_closing_one_who_never_reads(served: Served) -> None:
    client, peer = await never_reading(served)
    peer.connection.close(1013, "Overloaded")
    served.pass_time(4)
    assert peer.losses == 0
    served.pass_time(1)
    await gone(peer)
    client.reset()


# Keep-alive


async def test_a_quiet_connection_gets_a_ping(served: Served) -> None:
    client, peer = await served.open()
    served.pass_time(14)
    served.pass_time(1)
    assert await client.read_frame() == (Opcode.TEXT, PING_MESSAGE.payload)
    assert peer.connection.last_sent == served.clock.now
    if served.kind == "thin":
        assert await client.read_frame() == (Opcode.PING, b"")


@thin_only
async def test_a_pong_is_a_sign_of_life(served: Served) -> None:
    client, peer = await served.open()
    for _ in range(10):
        peer.connection.send(said("news"))
        served.pass_time(14)
        client.send_frame(Opcode.PONG)
        client.send_frame(Opcode.TEXT, b"told")
        await peer.until(b"told")
        assert peer.connection.last_heard == served.clock.now


@thin_only
async def test_one_who_only_listens_is_pinged_without_a_message(served: Served) -> None:
    client, peer = await served.open()
    served.clock.now += 10
    peer.connection.send(said("news"))
    served.pass_time(5)
    assert await client.read_frame() == (Opcode.TEXT, b"news")
    assert await client.read_frame() == (Opcode.PING, b"")


@thin_only
async def test_a_silent_client_is_closed(served: Served) -> None:
    client, peer = await served.open()
    served.pass_time(120)
    opcode, payload = await client.read_frame()
    assert (opcode, payload) == (Opcode.CLOSE, (1000).to_bytes(2, "big") + b"ClientDisconnected")
    served.pass_time(5)
    await gone(peer)


# Leaving nothing behind


async def visit(served: Served, how_to_leave: int) -> None:
    client, peer = await served.open()
    if how_to_leave == 0:
        client.send_frame(Opcode.CLOSE)
    elif how_to_leave == 1:
        client.reset()
    client.writer.close()
    await gone(peer)


@pytest.mark.asyncio(loop_factories=["uvloop"])
async def test_two_thousand_come_and_go(served: Served) -> None:
    for i in range(2000):
        await visit(served, i % 3)
    await served.stop()
    served.raw_clients.clear()
    gc.collect()
    assert served.heartbeat.watched == 0
    assert [o for o in gc.get_objects() if isinstance(o, ThinSocket | AsgiSocket | RecordingPeer)] == []


@thin_only
@pytest.mark.asyncio(loop_factories=["uvloop"])
async def test_an_upgrade_leaves_nothing_to_the_garbage_collector(served: Served) -> None:
    await visit(served, 0)  # whatever is made once is made now
    gc.collect()
    gc.disable()
    try:
        client, peer = await served.open()
        left = [o for o in gc.get_objects() if isinstance(o, HttpToolsProtocol | ServerProtocol)]
    finally:
        gc.enable()
    assert left == []
    client.reset()
    await gone(peer)
