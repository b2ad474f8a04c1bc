"""Whether both ends have the same: counts and digests of every table and every index."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from functools import partial
from hashlib import blake2b
from typing import TypeAlias

import msgspec

from reactor.errors import StoreError
from reactor.store.copying.ends import LAST_KEY, Reader
from reactor.store.copying.pages import first, itself, pages
from reactor.store.copying.tables import DOCUMENTS, LOG, OUTCOMES, Catalog, in_bytes

__all__ = ["Sum", "check"]

Tell: TypeAlias = Callable[[int, int], None]

_encode = msgspec.msgpack.Encoder().encode


class Sum:
    """Of rows in order: how many, and a digest of all."""

    def __init__(self) -> None:
        self.count, self._hash = 0, blake2b(digest_size=16)

    def add(self, rows: list[object]) -> None:
        """The next rows; how they are cut into pages makes no difference."""
        self.count += len(rows)
        self._hash.update(b"".join(map(_encode, rows)))

    @property
    def result(self) -> tuple[int, str]:
        """Both."""
        return self.count, self._hash.hexdigest()


async def check(source: Reader, target: Reader, tell: Tell) -> dict[str, int]:
    """Raises StoreError when the ends differ; gives how many rows each part has, by its name."""
    catalog, copied = await source.catalog(), await target.catalog()
    if catalog != copied:
        raise _differ(["tables and indexes"])
    theirs, ours = await asyncio.gather(_sums(source, catalog, tell), _sums(target, catalog, lambda rows, size: None))
    differing = [name for name in sorted(theirs.keys() | ours.keys()) if theirs.get(name) != ours.get(name)]
    if differing:
        raise _differ(differing)
    return {name: count for name, (count, _) in theirs.items()}


async def _sums(reader: Reader, catalog: Catalog, tell: Tell) -> dict[str, tuple[int, str]]:
    sums = await _documents(reader, catalog, tell)
    for name, table in (("history", LOG), ("outcomes of mutations", OUTCOMES)):
        total = sums[name] = Sum()
        async with aclosing(pages(partial(reader.page, table, upto=table.last), table.first, first)) as read:
            async for rows in read:
                total.add(list(rows))
                tell(len(rows), in_bytes(table, rows))
    names = catalog.names()
    for index in catalog.live():
        total = sums[f"index {names[index]}"] = Sum()
        async with aclosing(pages(partial(reader.entries, index, upto=LAST_KEY), b"", itself)) as read:
            async for keys in read:
                total.add(list(keys))
                tell(len(keys), sum(map(len, keys)))
    return {name: total.result for name, total in sums.items()}


async def _documents(reader: Reader, catalog: Catalog, tell: Tell) -> dict[str, Sum]:
    names = {row[0]: row[1] for row in catalog.tables}
    sums: dict[int, Sum] = {}
    async with aclosing(pages(partial(reader.page, DOCUMENTS, upto=DOCUMENTS.last), DOCUMENTS.first, first)) as read:
        async for rows in read:
            by_table: dict[int, list[object]] = {}
            for row in rows:
                by_table.setdefault(row[1], []).append(row)
            for number, some in by_table.items():
                sums.setdefault(number, Sum()).add(some)
            tell(len(rows), in_bytes(DOCUMENTS, rows))
    return {f"table {names.get(number, number)}": total for number, total in sums.items()}


def _differ(names: list[str]) -> StoreError:
    return StoreError(
        f"the copy is not equal to its source: {', '.join(names)}. The source has not changed. Copy once more with "
        "--again, and report this"
    )
