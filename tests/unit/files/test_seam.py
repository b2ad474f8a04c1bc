"""Pieces of files on their way to what stores them."""

import tracemalloc
from collections.abc import AsyncIterator, Iterable

from hypothesis import given
from hypothesis import strategies as st

from reactor.files.seam import blocks


async def given_out(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


@given(st.lists(st.binary(max_size=40), max_size=600), st.integers(1, 3000))
async def test_blocks_are_the_same_bytes_and_large_enough(pieces: list[bytes], least: int):
    found = [block async for block in blocks(given_out(pieces), least)]
    assert b"".join(found) == b"".join(pieces)
    assert all(len(block) >= least for block in found[:-1])
    assert b"" not in found


async def test_many_small_pieces_take_no_more_memory_than_a_block():
    size = 2**18
    tracemalloc.start()
    try:
        found = [
            len(block)
            async for block in blocks(given_out(number.to_bytes(4, "big") for number in range(size // 4)), size)
        ]
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found == [size]
    assert most < 3 * size
