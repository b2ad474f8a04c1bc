"""Bringing a part of the target to the source's state by reading both, where the log does not tell what has changed."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from functools import partial
from typing import TypeVar

from reactor.store.copying.ends import Change, Reader
from reactor.store.copying.pages import first, itself
from reactor.store.copying.tables import DOCUMENTS

__all__ = ["differing_documents", "differing_entries"]

T = TypeVar("T")
K = TypeVar("K", str, bytes)


async def differing_documents(source: Reader, target: Reader, upto: str) -> AsyncGenerator[Change, None]:
    """Changes after which both have the same documents up to an id; each must be made before the next is asked for."""
    stretches = _stretches(
        partial(source.page, DOCUMENTS, upto=upto), partial(target.page, DOCUMENTS, upto=upto), "", first
    )
    async with aclosing(stretches):
        async for there, here in stretches:
            wanted, found = {row[0]: row for row in there}, {row[0]: row for row in here}
            yield Change(
                documents=[row for id, row in wanted.items() if found.get(id) != row],
                gone=[id for id in found if id not in wanted],
            )


async def differing_entries(source: Reader, target: Reader, index: int, upto: bytes) -> AsyncGenerator[Change, None]:
    """Changes after which both have the same entries of an index up to a key."""
    stretches = _stretches(
        partial(source.entries, index, upto=upto), partial(target.entries, index, upto=upto), b"", itself
    )
    async with aclosing(stretches):
        async for there, here in stretches:
            wanted, found = set(there), set(here)
            yield Change(
                entries=[(index, key) for key in sorted(wanted - found)],
                gone_entries=[(index, key) for key in sorted(found - wanted)],
            )


async def _stretches(
    theirs: Callable[[K], Awaitable[Sequence[T]]],
    ours: Callable[[K], Awaitable[Sequence[T]]],
    after: K,
    key: Callable[[T], K],
) -> AsyncGenerator[tuple[Sequence[T], Sequence[T]], None]:
    """All of both sides, in stretches that are complete on both."""
    while True:
        there, here = await theirs(after), await ours(after)
        ends = [key(page[-1]) for page in (there, here) if page]
        if not ends:
            return
        end = min(ends)
        yield [row for row in there if key(row) <= end], [row for row in here if key(row) <= end]
        after = end
