"""Many mutants against one server. Each must come to its end, and nothing may be left behind."""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Sequence

from tests.support.fuzz.mutants import close, mutant, ping
from tests.support.patience import PATIENCE, until
from tests.support.server import Server
from tests.support.sync_client import SyncClient

__all__ = ["Stuck", "checked", "play", "reduced", "round_of"]

_HANDSHAKE = "\r\n".join(
    [
        "GET /api/1.48.0/sync HTTP/1.1",
        "Host: reactor.example",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}",
        "Sec-WebSocket-Version: 13",
        "\r\n",
    ]
).encode()
_LAST = b"still there?"
_CLOSE, _PONG = 8, 10
_AT_ONCE = 24

_OWN_MISTAKES = (
    "inside of Reactor",
    "a session failed",
    "accepting a WebSocket",
    "sending to a WebSocket failed",
    "Exception in callback",
    "never retrieved",
    "never awaited",
    "Traceback",
)
"""What a server's log says of mistakes of its own; the functions that mutants call make none."""


class Stuck(AssertionError):
    """The server neither answered a client nor let it go."""


async def play(port: int, frames: Sequence[bytes], *, framed: bool) -> None:
    """Send frames and see the connection end. Sound ones must be answered: a ping behind them, or a close.

    Raises Stuck when the server does neither in time.
    """
    try:
        async with asyncio.timeout(PATIENCE):
            await _play(port, frames, framed)
    except TimeoutError:
        raise Stuck("the server neither answered nor hung up") from None
    except (OSError, asyncio.IncompleteReadError):
        return  # it hung up while we were sending; whether it lives is asked after the round


async def _play(port: int, frames: Sequence[bytes], framed: bool) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(_HANDSHAKE)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101"), head
        writer.writelines(frames)
        if framed:
            writer.write(ping(_LAST))
            await _answered(reader)
        writer.write(close())
        writer.write_eof()
        while await reader.read(65_536):
            pass
    finally:
        writer.transport.abort()


async def _answered(reader: asyncio.StreamReader) -> None:
    """Read frames up to the answer to the last ping, or up to the server's farewell."""
    while True:
        try:
            first, size = await reader.readexactly(2)
            if size > 125:
                size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8), "big")
            payload = await reader.readexactly(size)
        except asyncio.IncompleteReadError:
            return  # it hung up
        if first & 15 == _CLOSE or (first & 15 == _PONG and payload == _LAST):
            return


async def round_of(server: Server, seeds: Sequence[str]) -> int:
    """Play the mutants of these seeds, several at a time; gives the number of frames sent. Raises Stuck with the seed
    and the smallest part of the mutant that does it too."""
    waiting = iter(seeds)
    sent = 0

    async def work() -> None:
        nonlocal sent
        for seed in waiting:
            frames, framed = mutant(seed)
            try:
                await play(server.port, frames, framed=framed)
            except Stuck as stuck:
                raise Stuck(f"seed {seed!r}: {stuck}; reduced: {await _reduced_here(server, seed)}") from None
            sent += len(frames)

    async with asyncio.TaskGroup() as group:
        for _ in range(_AT_ONCE):
            group.create_task(work())
    return sent


async def _reduced_here(server: Server, seed: str) -> list[str]:
    frames, framed = mutant(seed)

    async def sticks(part: Sequence[bytes]) -> bool:
        try:
            await play(server.port, part, framed=framed)
        except Stuck:
            return True
        return False

    return [frame.hex() for frame in await reduced(frames, sticks)]


async def reduced(frames: Sequence[bytes], fails: Callable[[Sequence[bytes]], Awaitable[bool]]) -> list[bytes]:
    """As few of the frames as still fail: none of those that are left can be taken away alone."""
    left = list(frames)
    at = 0
    while at < len(left):
        without = left[:at] + left[at + 1 :]
        if await fails(without):
            left, at = without, 0
        else:
            at += 1
    return left


async def checked(server: Server, seen: int) -> int:
    """The server is as before: alive, serving others, without sessions and live queries, and it reports no mistake of
    its own behind position `seen` of its log. Gives the log's new end."""
    assert server.process is not None
    assert server.process.poll() is None, server.log[-5_000:]
    async with SyncClient(server.url) as healthy:
        query = await healthy.add("faults:healthy", text="well")
        assert healthy.results[query]["text"] == "well"
        assert (await healthy.action("faults:echo", text="hello")).result == "hello"
    await asyncio.to_thread(until, lambda: _is_at_rest(server), "the end of all sessions and live queries")
    with server.log_file.open("rb") as log:
        log.seek(seen)
        said = log.read().decode(errors="replace")
        for mistake in _OWN_MISTAKES:
            at = said.find(mistake)
            assert at < 0, said[max(0, at - 2_000) : at + 4_000]
        return log.tell()


def _is_at_rest(server: Server) -> bool:
    metrics = server.metrics()
    return metrics["reactor_sessions"] == 0 and metrics["reactor_live_queries"] == 0
