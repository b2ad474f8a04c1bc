"""The `q` of `with_index(name, lambda q: q.eq("a", 1).gt("b", 2))`: a range of one index.

Rules as Convex documents them (get-convex/convex-backend, crates/common/src/query.rs): equalities on a prefix of
the index's fields, then at most one lower and one upper bound on the next field.
"""

from typing import Any

from reactor.database.catalog import IndexInfo
from reactor.errors import DeveloperError
from reactor.values import encode_value, prefix_end

__all__ = ["IndexRange"]


class IndexRange:
    """Collects comparisons; `bounds()` turns them into a range of keys."""

    __slots__ = ("_equal", "_index", "_lower", "_table", "_upper")

    def __init__(self, table: str, index: IndexInfo) -> None:
        self._table, self._index = table, index
        self._equal: dict[str, Any] = {}
        self._lower: tuple[str, Any, bool] | None = None
        self._upper: tuple[str, Any, bool] | None = None

    def eq(self, field: str, value: Any) -> "IndexRange":
        """Only documents whose `field` equals `value` (UNSET: documents without the field)."""
        self._known(field)
        if field in self._equal:
            raise self._twice("equality", field)
        self._equal[field] = value
        return self

    def gt(self, field: str, value: Any) -> "IndexRange":
        """Only documents whose `field` sorts after `value`."""
        return self._low(field, value, inclusive=False)

    def gte(self, field: str, value: Any) -> "IndexRange":
        """Only documents whose `field` sorts at or after `value`."""
        return self._low(field, value, inclusive=True)

    def lt(self, field: str, value: Any) -> "IndexRange":
        """Only documents whose `field` sorts before `value`."""
        return self._up(field, value, inclusive=False)

    def lte(self, field: str, value: Any) -> "IndexRange":
        """Only documents whose `field` sorts at or before `value`."""
        return self._up(field, value, inclusive=True)

    def bounds(self) -> tuple[bytes, bytes]:
        """The range of keys, lower <= key < upper. Raises DeveloperError when the index cannot serve it."""
        fields = self._index.fields
        count = len(self._equal)
        if fields[:count] != tuple(self._equal) and set(fields[:count]) != set(self._equal):
            raise self._out_of_order()
        prefix = b"".join([encode_value(self._equal[field]) for field in fields[:count]])
        for bound in (self._lower, self._upper):
            if bound is not None and (count >= len(fields) or bound[0] != fields[count]):
                raise self._wrong_bound(bound[0])
        lower, upper = prefix, prefix_end(prefix)
        if self._lower is not None:
            edge = prefix + encode_value(self._lower[1])
            lower = edge if self._lower[2] else prefix_end(edge)
        if self._upper is not None:
            edge = prefix + encode_value(self._upper[1])
            upper = prefix_end(edge) if self._upper[2] else edge
        return lower, upper

    def fixed(self) -> list[Any]:
        """The values of leading fields that eq() gave, in the order of the fields."""
        return [self._equal[field] for field in self._index.fields[: len(self._equal)]]

    def _low(self, field: str, value: Any, *, inclusive: bool) -> "IndexRange":
        self._known(field)
        if self._lower is not None:
            raise self._twice("lower", field)
        self._lower = (field, value, inclusive)
        return self

    def _up(self, field: str, value: Any, *, inclusive: bool) -> "IndexRange":
        self._known(field)
        if self._upper is not None:
            raise self._twice("upper", field)
        self._upper = (field, value, inclusive)
        return self

    def _known(self, field: str) -> None:
        if field not in self._index.fields:
            raise DeveloperError(
                f"The index {self._name()} has no field `{field}`. Its fields in order: {self._fields()}.",
                code="InvalidIndexRange",
            )

    def _name(self) -> str:
        return f"{self._table}.{self._index.name}"

    def _fields(self) -> str:
        return ", ".join(f"`{field}`" for field in self._index.fields)

    def _twice(self, kind: str, field: str) -> DeveloperError:
        return DeveloperError(
            f"Already defined {kind} bound in the range of index {self._name()}; `{field}` cannot have another.",
            code="AlreadyDefinedBound",
        )

    def _out_of_order(self) -> DeveloperError:
        used = ", ".join(f"`{field}`" for field in self._equal)
        missing = next(field for field in self._index.fields if field not in self._equal)
        return DeveloperError(
            f"The range of index {self._name()} didn't use the index fields in order: it has fields "
            f"{self._fields()}, the range fixes {used}, but not `{missing}`. Fix every field before the ones "
            "you compare, or declare an index that begins with yours.",
            code="InvalidIndexRange",
        )

    def _wrong_bound(self, field: str) -> DeveloperError:
        if field in self._equal:
            return self._twice("equality", field)
        if self._lower and self._upper and self._lower[0] != self._upper[0]:
            return DeveloperError(
                f"Bounds can only be applied to a single index field; the range of {self._name()} has "
                f"`{self._lower[0]}` and `{self._upper[0]}`.",
                code="BoundsOnMultipleFields",
            )
        return DeveloperError(
            f"The range of index {self._name()} didn't use the index fields in order: it has fields "
            f"{self._fields()}, and `{field}` is bounded before the fields ahead of it are fixed with eq().",
            code="InvalidIndexRange",
        )
