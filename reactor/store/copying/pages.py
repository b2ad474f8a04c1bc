"""Reading from one end while the other is written."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any, TypeVar

__all__ = ["first", "itself", "pages"]

T = TypeVar("T")
K = TypeVar("K", str, int, bytes)


async def pages(
    read: Callable[[K], Awaitable[Sequence[T]]], after: K, key: Callable[[T], K]
) -> AsyncGenerator[Sequence[T], None]:
    """All pages that `read` gives, the next of which is read while one is worked on; to be closed."""
    coming = asyncio.ensure_future(read(after))
    try:
        while page := await coming:
            coming = asyncio.ensure_future(read(key(page[-1])))
            yield page
    finally:
        # It is not broken off, as that would cost the moment that it reads.
        await asyncio.gather(coming, return_exceptions=True)


def first(row: Sequence[Any]) -> Any:
    """The key of a row of a table."""
    return row[0]


def itself(key: bytes) -> bytes:
    """The key of an entry."""
    return key
