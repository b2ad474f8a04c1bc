"""What ranges of an aggregate came to, changed as their leaves change instead of being added up again."""

from collections.abc import Iterable, Sequence
from typing import Any

from reactor.database.range_cache import Change
from reactor.database.total_leaves import number_in
from reactor.database.totals import AggregateResult, Totals

__all__ = ["RangeGroups", "RangeTotals"]


class RangeTotals:
    """Totals of a range. They never change: with other leaves they are others."""

    __slots__ = ("_told", "_totals")

    def __init__(self, totals: Totals) -> None:
        self._totals = totals
        self._told: AggregateResult | None = None

    def tell(self) -> AggregateResult:
        """Rounded, and the caller's own. Raises DeveloperError as `Totals.tell` does."""
        # Rounding exact sums takes longer than finding them.
        if self._told is None:
            self._told = self._totals.tell()
        return self._told.copy()

    def changed(self, came: Iterable[bytes], went: Iterable[bytes]) -> "RangeTotals | None":
        """With leaves that came and without some that went; None when the range has to be added up again for that."""
        totals = self._totals.copy()
        return RangeTotals(totals) if totals.change(map(number_in, came), map(number_in, went)) else None

    def adjusted(self, changes: Sequence[Change]) -> "RangeTotals | None":
        """After these changes, or None as above."""
        came = [change.key for change in changes if change.came]
        return self.changed(came, [change.key for change in changes if not change.came])


class RangeGroups:
    """The values of a field in a range, in the order of a walk, each with what the keys of its leaves begin with. They
    are all that there are from `lower` to `upper`. Everything without the first byte of leaves.

    A group that comes must be seen, so the range has to be walked anew. One that goes shows itself when it is added up.
    """

    __slots__ = ("_lower", "_starts", "_upper", "values")

    def __init__(self, values: list[tuple[Any, bytes]], lower: bytes, upper: bytes) -> None:
        self.values, self._lower, self._upper = values, lower, upper
        self._starts = tuple(start for _, start in values)

    def holds(self, came: Iterable[bytes]) -> bool:
        """Whether these are still all groups after leaves came."""
        return all(leaf.startswith(self._starts, 1) for leaf in came if self._lower <= leaf[1:] < self._upper)

    def adjusted(self, changes: Sequence[Change]) -> "RangeGroups | None":
        """The same after these changes, None when there may be more groups."""
        return self if self.holds(change.key for change in changes if change.came) else None
