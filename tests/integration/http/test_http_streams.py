"""Bodies that are not small or not quick: both ways, over limits, and when the client goes."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.integration.http.api import refused
from tests.integration.http.sockets import Site, open_site
from tests.support.patience import PATIENCE


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with open_site(tmp_path / "data") as site:
        yield site


async def opened(site: Site, request: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(request)
    return reader, writer


async def until(reader: asyncio.StreamReader, end: bytes) -> bytes:
    async with asyncio.timeout(PATIENCE):
        return await reader.readuntil(end)


# Streams


async def test_a_response_comes_piece_by_piece(site: Site):
    gates = [site.module.gate(f"count {n}") for n in (1, 2)]
    async with site.http.stream("GET", "/count/3") as response:
        pieces = response.aiter_text()
        assert await anext(pieces) == "0\n"
        for n, gate in enumerate(gates, 1):
            gate.set()
            assert await anext(pieces) == f"{n}\n"
        assert [piece async for piece in pieces] == []


async def test_both_ways_at_once(site: Site):
    """What is sent comes back before more of it is sent."""
    head = b"POST /mirror HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    reader, writer = await opened(site, head)
    assert (await until(reader, b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    for n in range(5):
        piece = f"piece {n}".encode()
        writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        assert await until(reader, piece + b"\r\n") == b"%x\r\n%b\r\n" % (len(piece), piece)
    writer.write(b"0\r\n\r\n")
    assert await until(reader, b"0\r\n\r\n") == b"0\r\n\r\n"
    writer.write(b"GET /text HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    assert (await until(reader, b"\r\n\r\n")).startswith(b"HTTP/1.1 200 "), "the connection serves on"
    writer.close()
    await writer.wait_closed()


async def test_a_large_body_both_ways(site: Site):
    body = bytes(range(256)) * 40_000
    assert (await site.http.post("/mirror", content=body)).content == body


async def test_a_client_that_reads_slowly_gets_everything(tmp_path: Path):
    async with open_site(tmp_path / "data", max_http_response_bytes=2**30) as site:
        reader, writer = await opened(site, b"GET /flood HTTP/1.1\r\nhost: x\r\n\r\n")
        await until(reader, b"\r\n\r\n")
        assert (await site.http.get("/text")).status_code == 200, "others are served meanwhile"
        async with asyncio.timeout(PATIENCE):
            for _ in range(200):
                assert await reader.readuntil(b"\r\n") == b"10000\r\n"
                assert await reader.readexactly(65538) == b"x" * 65536 + b"\r\n"
        writer.transport.abort()


# The client goes


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /endless HTTP/1.1\r\nhost: x\r\n\r\n",
        b"POST /endless HTTP/1.1\r\nhost: x\r\ncontent-length: 6\r\n\r\nunread",
        b"POST /endless HTTP/1.1\r\nhost: x\r\ncontent-length: 900000\r\n\r\n" + b"x" * 200_000,
    ],
    ids=["nothing sent", "a body unread", "a body half sent"],
)
@pytest.mark.parametrize("abort", [True, False], ids=["reset", "closed"])
async def test_a_stream_ends_with_its_client(site: Site, request_: bytes, abort: bool):
    reader, writer = await opened(site, request_)
    await until(reader, b"first\n")
    assert site.module.events == ["stream began"]
    if abort:
        writer.transport.abort()
    else:
        writer.close()
    await site.reached("stream ended")
    assert site.failures == [], "a client that goes is no failure"
    assert (await site.http.get("/text")).status_code == 200


async def test_a_handler_whose_client_goes_runs_to_its_end(site: Site):
    _, writer = await opened(site, b"POST /leaves HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n")
    await site.reached("leaves waits")
    writer.transport.abort()
    await site.reached("left")
    assert (await site.http.post("/notes", json={"text": "x"})).json()["notes"] == ["went on", "x"]
    assert site.failures == []


async def test_asking_whether_the_client_is_there_takes_nothing_from_the_body(site: Site):
    request = b"POST /leaves?body HTTP/1.1\r\nhost: x\r\ncontent-length: 6\r\n\r\n123456"
    _, writer = await opened(site, request)
    await site.reached("leaves waits")
    assert (await site.http.get("/text")).status_code == 200
    writer.close()
    async with asyncio.timeout(PATIENCE):
        while not site.module.events and not site.failures:
            await asyncio.sleep(0)
    assert site.module.events == ["still 6 bytes"]


async def test_a_body_that_stops_half_way(site: Site):
    _, writer = await opened(site, b"POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n12345")
    assert (await site.http.get("/text")).status_code == 200
    writer.transport.abort()
    assert (await site.http.get("/text")).status_code == 200
    assert site.failures == []


# Limits


@pytest.mark.parametrize("declared", [True, False])
async def test_a_request_that_is_too_large(tmp_path: Path, declared: bool):
    async with open_site(tmp_path / "data", max_http_request_bytes=100_000) as site:

        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(20):
                yield b"x" * 10_000

        content = b"x" * 200_000 if declared else pieces()
        response = await site.http.post("/echo", content=content)
        assert "100000 bytes" in refused(response, 413, "BodyTooLarge")
        assert len((await site.http.post("/echo", content=b"x" * 100_000)).content) == 100_000


async def test_a_response_that_is_too_large_is_refused_or_broken_off(tmp_path: Path):
    async with open_site(tmp_path / "data", max_http_response_bytes=100_000) as site:
        response = await site.http.get("/large")
        assert response.status_code == 500
        assert "larger than 100000 bytes" in response.json()["code"]
        size = 0
        with pytest.raises(httpx.RemoteProtocolError):
            async with site.http.stream("GET", "/flood") as stream:
                assert stream.status_code == 200
                async for piece in stream.aiter_bytes():
                    size += len(piece)
        assert 0 < size <= 100_000
        assert "larger than 100000 bytes" in site.failures[1]


async def test_a_failure_in_a_stream_breaks_it_off(site: Site):
    with pytest.raises(httpx.RemoteProtocolError):
        await site.http.get("/breaks")
    assert "the source dried up" in site.failures[0]
    with pytest.raises(httpx.RemoteProtocolError):
        await site.http.get("/head/short")
    assert (await site.http.get("/text")).status_code == 200


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /text\xff HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /text?\xff HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /te xt HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /text HTTP/1.1\r\nhost: x\r\nx-evil\r\n y\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx",
        b"POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"NONSENSE /text HTTP/1.1\r\nhost: x\r\n\r\n",
    ],
)
async def test_requests_that_are_none(site: Site, request_: bytes):
    answer = await site.raw(request_)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 "), answer
    assert (await site.http.get("/text")).status_code == 200
