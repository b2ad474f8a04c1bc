"""What the seam promises, of every store of files."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reactor.files.links import STORAGE
from reactor.files.seam import LARGEST_PIECE, FileStore, Stored
from reactor.values.ids import encode_id
from tests.integration.files.conftest import Reopen


def name(number: int) -> str:
    return encode_id(STORAGE, number.to_bytes(16, "big"))


async def pieces(content: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in content:
        yield piece


def anything(stored: Stored) -> None:
    return None


async def put(store: FileStore, number: int, *content: bytes) -> Stored:
    return await store.put(name(number), pieces(content), anything)


async def whole(store: FileStore, number: int) -> bytes | None:
    opened = await store.read(name(number))
    if opened is None:
        return None
    try:
        return b"".join([piece async for piece in opened.pieces(0, opened.size)])
    finally:
        opened.close()


async def names(store: FileStore) -> set[str]:
    return {each async for page in store.names() for each in page}


async def test_a_file_is_what_was_put(store: FileStore) -> None:
    content = bytes(range(256)) * 5000
    stored = await put(store, 1, content[:7], content[7:70_000], b"", content[70_000:])
    assert stored == Stored(len(content), hashlib.sha256(content).digest())
    assert await whole(store, 1) == content
    assert await names(store) == {name(1)}


async def test_an_empty_file_is_one(store: FileStore) -> None:
    assert await put(store, 1) == Stored(0, hashlib.sha256().digest())
    assert await whole(store, 1) == b""


async def test_a_name_without_a_file(store: FileStore) -> None:
    await put(store, 1, b"x")
    assert await store.read(name(2)) is None
    assert await store.missing([name(2), name(1), name(3)]) == [name(2), name(3)]
    await store.delete([name(2), name(1)])
    assert await names(store) == set()
    assert await store.missing([name(1)]) == [name(1)]


async def test_many_are_all_listed(store: FileStore) -> None:
    for number in range(1200):
        await put(store, number, b"%d" % number)
    assert await names(store) == {name(number) for number in range(1200)}


async def test_pieces_are_small(store: FileStore) -> None:
    await put(store, 1, b"x" * (LARGEST_PIECE * 2 + 5))
    opened = await store.read(name(1))
    assert opened is not None
    sizes = [len(piece) async for piece in opened.pieces(3, opened.size - 3)]
    opened.close()
    assert sum(sizes) == LARGEST_PIECE * 2 + 2
    assert max(sizes) <= LARGEST_PIECE


async def test_what_fails_on_the_way_leaves_nothing(store: FileStore) -> None:
    async def breaks() -> AsyncIterator[bytes]:
        yield b"x" * LARGEST_PIECE * 2
        raise ConnectionError("cut")

    with pytest.raises(ConnectionError):
        await store.put(name(1), breaks(), anything)
    assert await names(store) == set()
    assert await store.read(name(1)) is None


async def test_what_is_not_accepted_leaves_nothing(store: FileStore) -> None:
    def refuse(stored: Stored) -> None:
        raise ValueError(stored.size)

    with pytest.raises(ValueError, match="^3$"):
        await store.put(name(1), pieces([b"abc"]), refuse)
    assert await names(store) == set()


async def test_a_cancelled_put_leaves_nothing(store: FileStore) -> None:
    begun = asyncio.Event()

    async def waits() -> AsyncIterator[bytes]:
        yield b"x" * LARGEST_PIECE * 2
        begun.set()
        await asyncio.Event().wait()

    putting = asyncio.create_task(store.put(name(1), waits(), anything))
    await begun.wait()
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting
    assert await names(store) == set()


async def test_files_and_key_outlive_the_store(reopen: Reopen) -> None:
    first = reopen()
    await first.open()
    key = first.key
    await put(first, 1, b"here")
    await first.close()
    second = reopen()
    await second.open()
    assert await whole(second, 1) == b"here"
    assert second.key == key
    assert len(key) == 32
    await second.close()


async def test_many_are_put_at_once(store: FileStore) -> None:
    contents = {number: bytes([number]) * (number * 50_000) for number in range(12)}
    await asyncio.gather(*(put(store, number, content) for number, content in contents.items()))
    assert {number: await whole(store, number) for number in contents} == contents


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(cuts=st.lists(st.integers(0, 600_000), max_size=5), start=st.integers(0, 600_000), stop=st.integers(0, 600_000))
async def test_a_range_is_the_slice(store: FileStore, cuts: list[int], start: int, stop: int) -> None:
    content = b"".join(number.to_bytes(4, "big") for number in range(150_000))
    edges = [0, *sorted(cuts), len(content)]
    await put(store, 1, *(content[a:b] for a, b in pairwise(edges)))
    opened = await store.read(name(1))
    assert opened is not None
    start, stop = min(start, stop), max(start, stop)
    assert b"".join([piece async for piece in opened.pieces(start, stop - start)]) == content[start:stop]
    opened.close()
