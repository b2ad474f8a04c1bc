"""The wire that tests cut: each of its faults is one. (A fault that does nothing would prove anything.)"""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.support.link import Link
from tests.support.patience import PATIENCE, until


class Far:
    """A server that remembers what it got and answers each line with the same line."""

    def __init__(self) -> None:
        self.got: asyncio.Queue[bytes] = asyncio.Queue()
        self.served: list[asyncio.Task[None]] = []

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.served.append(asyncio.create_task(self.serve(reader, writer)))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                self.got.put_nowait(line)
                writer.write(line)
            self.got.put_nowait(b"")
        except OSError:
            self.got.put_nowait(b"broken")
        finally:
            writer.transport.abort()

    async def next(self) -> bytes:
        async with asyncio.timeout(PATIENCE):
            return await self.got.get()


Near = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_all: list[Near] = []


@pytest.fixture
async def far() -> Far:
    return Far()


@pytest.fixture
async def link(far: Far) -> AsyncIterator[Link]:
    server = await asyncio.start_server(far.accept, "127.0.0.1", 0)
    with Link(server.sockets[0].getsockname()[1]) as link:
        yield link
    server.close()
    for _, writer in _all:
        writer.transport.abort()
    _all.clear()
    await asyncio.gather(*far.served)


async def _taken(link: Link, *said: bytes) -> None:
    """Wait until the link has all of it."""
    await asyncio.to_thread(until, lambda: link.taken == sum(map(len, said)), "that the link has it")


async def _near(link: Link, *said: bytes) -> Near:
    """A connection on which something was said and answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
    _all.append((reader, writer))
    for line in said:
        writer.write(line)
        assert await _answer((reader, writer)) == line
    return reader, writer


async def _answer(near: Near) -> bytes:
    """A line, or b"" at the end, however it came."""
    async with asyncio.timeout(PATIENCE):
        try:
            return await near[0].readline()
        except OSError:
            return b""


async def test_a_cut_ends_connections_and_lets_new_ones_through(far: Far, link: Link) -> None:
    near = await _near(link, b"one\n")
    link.cut()
    assert await _answer(near) == b""
    assert [await far.next(), await far.next() in (b"", b"broken")] == [b"one\n", True]
    await _near(link, b"two\n")


async def test_what_is_held_up_arrives_when_it_is_mended(far: Far, link: Link) -> None:
    near = await _near(link, b"one\n")
    link.hold()
    near[1].write(b"two\n")
    await _taken(link, b"one\n", b"two\n")
    assert [await far.next(), far.got.empty()] == [b"one\n", True]
    link.mend()
    assert await _answer(near) == b"two\n"


async def test_an_orphans_last_words_arrive_late(far: Far, link: Link) -> None:
    near = await _near(link, b"one\n")
    link.hold()
    near[1].write(b"late\n")
    await _taken(link, b"one\n", b"late\n")
    link.orphan()
    assert await _answer(near) == b""
    assert [await far.next(), far.got.empty()] == [b"one\n", True], "the far side knows of nothing"
    link.mend()
    assert await far.next() == b"late\n"
    assert await far.next() in (b"", b"broken")


async def test_who_is_refused_is_let_in_later(far: Far, link: Link) -> None:
    near = await _near(link, b"one\n")
    link.refuse()
    assert await _answer(near) == b""
    assert await _answer(await _near(link)) == b""
    link.mend()
    await _near(link, b"two\n")


async def test_the_deaf_hear_nothing_and_do_not_know_it(far: Far, link: Link) -> None:
    listening, other = await _near(link, b"LISTEN news\n"), await _near(link, b"one\n")
    link.deafen()
    listening[1].write(b"anybody?\n")
    assert [await far.next() for _ in range(3)] == [b"LISTEN news\n", b"one\n", b"anybody?\n"]
    other[1].write(b"two\n")
    assert await _answer(other) == b"two\n"
    link.mend()
    assert await _answer(listening) == b"", "what it missed is gone, so it begins anew"


async def test_only_who_listens_loses_a_doorbell(link: Link) -> None:
    listening, other = await _near(link, b"LISTEN news\n"), await _near(link, b"one\n")
    link.cut_doorbell()
    assert await _answer(listening) == b""
    other[1].write(b"two\n")
    assert await _answer(other) == b"two\n"
