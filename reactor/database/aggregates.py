"""Aggregates: count, sum, smallest and largest over ranges of an index, kept with every write."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any, cast

from reactor.database.catalog import IndexInfo, TableInfo
from reactor.database.derived import DerivedIndex
from reactor.database.documents import Document
from reactor.database.index_range import IndexRange
from reactor.database.range_totals import RangeGroups
from reactor.database.total_leaves import LEAF
from reactor.database.total_tree import TotalTree, totals_of
from reactor.database.totals import AggregateResult, Totals
from reactor.database.transaction import Transaction
from reactor.errors import DeveloperError
from reactor.schema import AGGREGATE
from reactor.search.declaration import is_companion
from reactor.store.seam import id_in_key
from reactor.values import UNSET, encode_value, prefix_end
from reactor.values.field_paths import field_getter

__all__ = ["AggregateGroup", "RangeFunction", "aggregate", "check_grouping", "groups", "keep_totals"]

RangeFunction = Callable[[IndexRange], IndexRange]

_MOST_GROUPS = 1_000


class AggregateGroup(AggregateResult):
    """Totals of the documents that have `value` in the field that they are grouped by; no `value`: no such field."""

    value: Any


async def keep_totals(tx: Transaction, table: TableInfo, old: Document | None, new: Document) -> None:
    """A document of a table with aggregates was written: bring them up to date."""
    before = (old or Document(new.id, None)).derived_keys(table)
    after = new.derived_keys(table)
    for index, were, are in zip(table.derived, before, after, strict=True):
        if index.kind == AGGREGATE and were != are:
            gone, come = next(iter(were), None), next(iter(are), None)
            await TotalTree(tx, table, index).change(gone, come, new.id)


async def aggregate(
    tx: Transaction, name: str, table: TableInfo | None, index: str, range: RangeFunction | None
) -> AggregateResult:
    """Totals of a range. Raises DeveloperError without such an aggregate, and for a range that it cannot serve."""
    if table is None:
        return Totals().tell()
    info = _aggregate_of(table, index)
    lower, upper, _ = _bounds(name, info, range)
    _record(tx, info, lower, upper)
    return await totals_of(tx, table, info, lower, upper)


async def groups(
    tx: Transaction,
    name: str,
    table: TableInfo | None,
    index: str,
    range: RangeFunction | None,
    limit: int,
    reverse: bool,
) -> list[AggregateGroup]:
    """Totals of a range by the values of the field that follows those which the range fixes."""
    if table is None:
        return []
    info = _aggregate_of(table, index)
    lower, upper, fixed = _bounds(name, info, range)
    _record(tx, info, lower, upper)
    return await _Grouping(tx, table, info, fixed).groups(lower, upper, limit, reverse)


class _Grouping:
    def __init__(self, tx: Transaction, table: TableInfo, index: DerivedIndex, fixed: list[Any]) -> None:
        if len(fixed) == len(index.fields):
            raise DeveloperError(
                f"The range of aggregate {table.name}.{index.name} fixes all of its fields, and none is left to group "
                "by: take away an eq(), or use ctx.db.aggregate().",
                code="InvalidIndexRange",
            )
        self._tx, self._table, self._index = tx, table, index
        self._tree = TotalTree(tx, table, index)
        self._field = field_getter(index.fields[len(fixed)])
        self._depth, self._prefix = len(fixed), b"".join(encode_value(value) for value in fixed)

    async def groups(self, lower: bytes, upper: bytes, limit: int, reverse: bool) -> list[AggregateGroup]:
        known = self._known(lower, upper, limit, reverse)
        found = None if known is None else await self._added_up(known)
        if found is None:
            walked = await self._walk(lower, upper, limit, reverse)
            self._remember(walked, lower, upper, limit, reverse)
            found = await self._added_up(walked)
            assert found is not None, "a walk finds a leaf of each group"
        return found

    async def _added_up(self, groups: RangeGroups) -> list[AggregateGroup] | None:
        """Each group with its totals; None when one has no documents any more."""
        found: list[AggregateGroup] = []
        for value, start in groups.values:
            totals = await totals_of(self._tx, self._table, self._index, start, prefix_end(start))
            if not totals["count"]:
                return None
            group: dict[str, Any] = {**totals} if value is UNSET else {"value": _own(value), **totals}
            found.append(cast(AggregateGroup, group))
        return found

    async def _walk(self, lower: bytes, upper: bytes, limit: int, reverse: bool) -> RangeGroups:
        values: list[tuple[Any, bytes]] = []
        first, last = lower, upper
        while len(values) < limit:
            leaf = await self._tree.leaf_at(lower, upper, reverse=reverse)
            if leaf is None:
                break
            (document,) = await self._tx.load([id_in_key(leaf)])
            value = self._field(document.value())
            start = self._prefix + encode_value(value)
            values.append((value, start))
            lower, upper = (lower, start) if reverse else (prefix_end(start), upper)
        else:
            first, last = (upper, last) if reverse else (first, lower)  # what is behind the limit does not matter
        return RangeGroups(values, first, last)

    def _known(self, lower: bytes, upper: bytes, limit: int, reverse: bool) -> RangeGroups | None:
        tx, index = self._tx, self._index
        if tx.past:
            return None
        asked = self._depth, limit, reverse
        known = tx.known.groups.find(index.id, LEAF + lower, LEAF + upper, tx.snapshot.ts, asked)
        changes = tx.changes_over(index, LEAF + lower, LEAF + upper)
        came = (leaf for leaf, there in changes.items() if there)
        return known if known is not None and known.holds(came) else None

    def _remember(self, groups: RangeGroups, lower: bytes, upper: bytes, limit: int, reverse: bool) -> None:
        tx, index = self._tx, self._index
        if not tx.past and not tx.changes_over(index, LEAF + lower, LEAF + upper):
            asked = self._depth, limit, reverse
            tx.known.groups.add(index.id, LEAF + lower, LEAF + upper, tx.snapshot.ts, groups, asked)


def _own(value: Any) -> Any:
    """A value that the caller may change."""
    return deepcopy(cast(Any, value)) if isinstance(value, list | dict) else value


def check_grouping(limit: int, order: str) -> None:
    """Raises DeveloperError for a limit or an order that there is not."""
    if type(limit) is not int or not 1 <= limit <= _MOST_GROUPS:
        raise DeveloperError(
            f"`limit` of aggregate_groups() is a number of groups from 1 to {_MOST_GROUPS:,}, not {limit!r:.80}. "
            "Narrow the range for more.",
            code="QueryBuilder",
        )
    if order not in ("asc", "desc"):
        raise DeveloperError(
            f'`order` of aggregate_groups() is "asc" or "desc", not {order!r:.80}.', code="QueryBuilder"
        )


def _record(tx: Transaction, index: DerivedIndex, lower: bytes, upper: bytes) -> None:
    """Who asked depends on the leaves of the range, also where there are none."""
    scan = tx.open_scan(index, LEAF + lower, LEAF + upper, reverse=False)
    if scan is not None:
        scan.exhausted = True


def _bounds(table: str, index: DerivedIndex, range: RangeFunction | None) -> tuple[bytes, bytes, list[Any]]:
    """The leaves of a range, without their first byte, and the values that it fixes, in the order of the fields."""
    offered = IndexRange(table, IndexInfo(index.id, index.name, index.fields))
    if range is not None and range(offered) is not offered:
        raise DeveloperError(
            "The range function of an aggregate must return the range it was given, as in "
            'lambda q: q.eq("field", value).',
            code="InvalidIndexRange",
        )
    lower, upper = offered.bounds()
    return lower, upper, offered.fixed()


def _aggregate_of(table: TableInfo, name: str) -> DerivedIndex:
    index = table.searches.get(name)
    if index is not None and index.kind == AGGREGATE:
        return index
    public = [each.name for each in table.totals if each.name in table.searches and not is_companion(each.name)]
    known = ", ".join(sorted(public)) or "none"
    building = any(each.name == name for each in table.totals)
    if building:
        raise DeveloperError(
            f"Aggregate {table.name}.{name} is being built. It can be read when it is complete, and declared without "
            "staged=True.",
            code="IndexBackfillingError",
        )
    raise DeveloperError(
        f"Aggregate {table.name}.{name} not found. Aggregates of this table: {known}. Declare it in schema.py: "
        f'.aggregate("{name}", [...]).',
        code="IndexNotFound",
    )
