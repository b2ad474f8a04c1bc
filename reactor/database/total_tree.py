"""The tree over the leaves of an aggregate, so that totals of a range and changes of a leaf take logarithmic time.

A node covers the leaves from its own first one up to the first of the next node of its level. Whether a leaf begins a
node, and up to which level, follows from a hash of its document's id: one in 32 begins a node of level 1, one in 32 of
these one of level 2, and so on. So a tree depends on its leaves alone and not on the order in which they came, nothing
is ever balanced, and a write changes about one node of each level.

Nodes are entries of the same index, above its leaves: level, first leaf, totals. The leaves are what readers depend on;
nodes belong to nobody's reads, so that a live query hears of writes in its own range only.
"""

from collections.abc import Iterable
from hashlib import blake2b

from reactor.database.catalog import TableInfo
from reactor.database.derived import DerivedIndex
from reactor.database.range_totals import RangeTotals
from reactor.database.total_leaves import LEAF, number_in
from reactor.database.totals import AggregateResult, Totals
from reactor.database.transaction import Transaction
from reactor.store.seam import id_in_key
from reactor.values import successor

__all__ = ["TotalTree", "height", "totals_of"]

_BITS = 5
_PAGE = 128
_TAIL = b"\x10-\x00"
"""Ends a node's key, as an id ends that of a leaf."""

_FEW = 8
"""So many changed leaves of a range are looked up one by one; with more of them it is added up."""

_LAST = b"\xff"
_CURSOR = b"\x00"
"""Begins the entry that says up to which leaf a tree has been built."""


def height(id: str) -> int:
    """At how many levels a document's leaf begins a node."""
    bits = int.from_bytes(blake2b(id.encode(), digest_size=8).digest())
    return ((bits & -bits).bit_length() - 1) // _BITS if bits else 64 // _BITS


class _Node:
    """A node as it is stored: its key, the leaf that it begins at (without its first byte), its totals."""

    __slots__ = ("key", "start", "totals")

    def __init__(self, key: bytes) -> None:
        body = key[: -len(_TAIL)]
        size = int.from_bytes(body[-2:])
        self.key, self.start = key, body[1 : -2 - size]
        self.totals = Totals.decode(body[-2 - size : -2])


def _node_key(level: int, start: bytes, totals: Totals) -> bytes:
    stored = totals.encode()
    return b"".join([_first(level), start, stored, len(stored).to_bytes(2), _TAIL])


def _first(level: int) -> bytes:
    """The byte that entries of a level begin with; level 0 are the leaves."""
    return bytes([LEAF[0] + level])


class TotalTree:
    """One aggregate as a transaction sees it, or only as its snapshot does (`layered` False).

    Ranges and starts are those of leaves, without their first byte.
    """

    __slots__ = ("_index", "_layered", "_table", "_tx")

    def __init__(self, tx: Transaction, table: TableInfo, index: DerivedIndex, *, layered: bool = True) -> None:
        self._tx, self._table, self._index, self._layered = tx, table, index, layered

    # Reading

    async def totals(self, lower: bytes, upper: bytes) -> Totals:
        """Totals of the leaves with lower <= leaf < upper. The caller records what was read."""
        found = Totals()
        level = 0
        # The past has its leaves, but no nodes.
        while not self._tx.past:
            first = await self._node(level + 1, lower, upper)
            last = await self._node(level + 1, lower, upper, reverse=True)
            if first is None or last is None or first.start == last.start:
                break
            await self._merge(found, level, lower, first.start)
            await self._merge(found, level, last.start, upper)
            lower, upper, level = first.start, last.start, level + 1
        await self._merge(found, level, lower, upper)
        return found

    async def leaf_at(self, lower: bytes, upper: bytes, *, reverse: bool = False) -> bytes | None:
        """The first leaf of a range, or the last; None when there is none."""
        found = await self._page(0, lower, upper, reverse=reverse, limit=1)
        return found[0][1:] if found else None

    # Writing

    async def change(self, gone: bytes | None, come: bytes | None, id: str) -> None:
        """A document's leaf has changed in this transaction: bring the nodes above it up to date."""
        built = await self._built()
        leaves = [leaf[1:] if leaf is not None else None for leaf in (gone, come)]
        before, after = (leaf if leaf is not None and (built is None or leaf < built) else None for leaf in leaves)
        tall = height(id)
        for level in range(1, tall + 1):
            await self._move_start(level, before, after, built)
        await self._adjust(tall + 1, before, after, built)

    async def _move_start(self, level: int, gone: bytes | None, come: bytes | None, built: bytes | None) -> None:
        """A leaf that begins a node of this level goes, and one comes."""
        starts: set[bytes] = set()
        for leaf in (gone, come):
            neighbour = None if leaf is None else await self._node(level, b"", leaf, reverse=True)
            if neighbour is not None:
                starts.add(neighbour.start)
        if gone is not None:
            starts.discard(gone)
            await self._put(level, gone, None)
        if come is not None:
            starts.add(come)
            await self._put(level, come, Totals())  # a mark, so that its neighbour ends here
        await self._count_again(level, starts, built)

    async def _adjust(self, level: int, gone: bytes | None, come: bytes | None, built: bytes | None) -> None:
        """From this level upwards, a leaf that begins no node goes, and one comes."""
        while True:
            old = await self._covering(level, gone)
            new = await self._covering(level, come)
            if old is None and new is None:
                return  # who begins a node of a higher level begins one of this, so there is none above either
            if old is not None and new is not None and old.start == new.start:
                new = old
            starts: set[bytes] = set()
            # First what comes: it may take the place of a smallest or largest number that goes.
            if new is not None and come is not None:
                new.totals.add(number_in(come))
            if old is not None and gone is not None and not old.totals.subtract(number_in(gone)):
                starts.add(old.start)
            for node in {node.start: node for node in (old, new) if node is not None}.values():
                if node.start not in starts:
                    self._replace(level, node)
            await self._count_again(level, starts, built)
            level += 1

    async def _covering(self, level: int, leaf: bytes | None) -> _Node | None:
        return None if leaf is None else await self._node(level, b"", leaf + _LAST, reverse=True)

    async def _count_again(self, level: int, starts: Iterable[bytes], built: bytes | None) -> None:
        """Make nodes from what they cover."""
        for start in sorted(starts):
            following = await self._node(level, start + _LAST, _LAST)
            # Nodes end where the tree does, but there are leaves beyond it while it is being built.
            beyond = built if built is not None and level == 1 else _LAST
            end = beyond if following is None else following.start
            totals = Totals()
            await self._merge(totals, level - 1, start, end)
            await self._put(level, start, totals)

    async def _put(self, level: int, start: bytes, totals: Totals | None) -> None:
        node = await self._node(level, start, start + _LAST)
        if node is not None:
            self._tx.set_entry(self._index.id, node.key, there=False)
        if totals is not None:
            self._tx.set_entry(self._index.id, _node_key(level, start, totals), there=True)

    def _replace(self, level: int, node: _Node) -> None:
        self._tx.set_entry(self._index.id, node.key, there=False)
        self._tx.set_entry(self._index.id, _node_key(level, node.start, node.totals), there=True)

    # Building

    async def begin(self) -> None:
        """From here on the tree is being built: of no leaf, so far. It is complete until this is called."""
        await self._set_built(b"")

    async def extend(self, limit: int) -> int:
        """Build on over the next `limit` leaves; gives how many there were: fewer when the tree is complete."""
        leaves = [key[1:] for key in await self._page(0, await self._built() or b"", _LAST, limit=limit)]
        end = successor(leaves[-1]) if len(leaves) == limit else _LAST
        level, below = 1, leaves
        while below:
            covering = await self._covering(level, below[0])
            begin: set[bytes] = {leaf for leaf in below if height(id_in_key(leaf)) >= level}
            for leaf in begin:
                await self._put(level, leaf, Totals())  # a mark, so that its neighbour ends here
            if covering is not None:
                begin.add(covering.start)
            await self._count_again(level, begin, end)
            level, below = level + 1, sorted(begin)
        await self._set_built(end)
        return len(leaves)

    async def _built(self) -> bytes | None:
        """Up to which leaf (exclusive) the tree reaches while it is being built; None when it is complete."""
        if self._index.id not in self._table.filling:
            return None
        for key, _ in await self._tx.entries(self._table, self._index, _CURSOR, LEAF, reverse=False, limit=1):
            return key[1 : -len(_TAIL)]
        return b""  # not begun: no leaf is in it

    async def _set_built(self, end: bytes) -> None:
        before = await self._tx.entries(self._table, self._index, _CURSOR, LEAF, reverse=False, limit=1)
        for key, _ in before:
            self._tx.set_entry(self._index.id, key, there=False)
        self._tx.set_entry(self._index.id, _CURSOR + end + _TAIL, there=True)

    # Entries

    async def _node(self, level: int, lower: bytes, upper: bytes, *, reverse: bool = False) -> _Node | None:
        """The first node that begins in a range, or the last."""
        found = await self._page(level, lower, upper, reverse=reverse, limit=1)
        return _Node(found[0]) if found else None

    async def _merge(self, into: Totals, level: int, lower: bytes, upper: bytes) -> None:
        """Add the leaves (level 0), or the nodes, that begin in a range."""
        while lower < upper:
            found = await self._page(level, lower, upper, limit=_PAGE)
            for key in found:
                if level:
                    into.merge(_Node(key).totals)
                else:
                    into.add(number_in(key))
            if len(found) < _PAGE:
                return
            lower = successor(found[-1][1:])

    async def _page(self, level: int, lower: bytes, upper: bytes, *, reverse: bool = False, limit: int) -> list[bytes]:
        first = _first(level)
        lower, upper = first + lower, first + upper
        found = await self._tx.entries(
            self._table, self._index, lower, upper, reverse=reverse, limit=limit, layered=self._layered
        )
        return [key for key, _ in found]


async def totals_of(
    tx: Transaction, table: TableInfo, index: DerivedIndex, lower: bytes, upper: bytes
) -> AggregateResult:
    """Totals of a range of leaves, from what it came to before if that is known. The caller records what was read.

    Raises DeveloperError when Int64s add up to more than an Int64 holds.
    """
    changes = tx.changes_over(index, LEAF + lower, LEAF + upper)
    if not tx.past and len(changes) <= _FEW and index.id not in table.filling:
        found: RangeTotals | None = await _stored(tx, table, index, lower, upper)
        if changes:
            found = found.changed(*await _differences(tx, table, index, changes))
        if found is not None:
            return found.tell()
    return (await TotalTree(tx, table, index).totals(lower, upper)).tell()


async def _stored(tx: Transaction, table: TableInfo, index: DerivedIndex, lower: bytes, upper: bytes) -> RangeTotals:
    """Totals of a range as the snapshot has it, without what lies over that."""
    known, place = tx.known.totals, (index.id, LEAF + lower, LEAF + upper, tx.snapshot.ts)
    found = known.find(*place)
    if found is None:
        found = RangeTotals(await TotalTree(tx, table, index, layered=False).totals(lower, upper))
        known.add(*place, found)
    return found


async def _differences(
    tx: Transaction, table: TableInfo, index: DerivedIndex, changes: dict[bytes, bool]
) -> tuple[list[bytes], list[bytes]]:
    """Leaves that the snapshot lacks, and those that it has and that are gone."""
    came, went = list[bytes](), list[bytes]()
    for leaf, there in changes.items():
        end = successor(leaf)
        stored = await tx.entries(table, index, leaf, end, reverse=False, limit=1, layered=False)
        if there != bool(stored):
            (came if there else went).append(leaf)
    return came, went
