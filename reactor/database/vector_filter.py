"""The `q` of a vector search's filter: `lambda q: q.eq("genre", "x") | q.eq("genre", "y")`.

Rules as Convex documents them (get-convex/convex-backend, docs/search/vector-search.mdx, crates/vector/src): equality
on filter fields of the index, and "or" between such; there is no "and".
"""

from collections.abc import Callable, Sequence
from typing import Any

from reactor.errors import DeveloperError
from reactor.vectors.fields import filter_part

__all__ = ["VectorCondition", "VectorFilter", "asked_for"]

MOST_CONDITIONS = 64


class VectorCondition:
    """Equalities of which one has to hold; `|` joins them."""

    __slots__ = ("asked",)

    def __init__(self, asked: Sequence[tuple[str, bytes]]) -> None:
        self.asked = tuple(dict.fromkeys(asked))

    def __or__(self, other: Any) -> "VectorCondition":
        return _any((self, other))

    def __and__(self, other: Any) -> "VectorCondition":
        raise DeveloperError(
            "The filter of a vector search has no `and`. Keep what belongs together in one field of the document, and "
            "filter by that.",
            code="VectorFilterExpression",
        )

    def __bool__(self) -> bool:
        raise DeveloperError(
            "A condition of a vector search has no truth of its own: write | for or.", code="VectorFilterExpression"
        )


class VectorFilter:
    """What a filter function is given."""

    __slots__ = ("_fields", "_index")

    def __init__(self, index: str, fields: Sequence[str]) -> None:
        self._index, self._fields = index, fields

    def eq(self, field: str, value: Any, /) -> VectorCondition:
        """Only documents whose `field` equals `value`, kinds included (UNSET: documents without the field).

        Raises DeveloperError for a field that is no filter field of the index, InvalidValue for what is no value.
        """
        if field not in self._fields:
            known = ", ".join(self._fields) or "none"
            raise DeveloperError(
                f"The vector index {self._index} has no filter field {field!r:.80} (it has: {known}). Add it to "
                "filter_fields of the index in schema.py.",
                code="IncorrectFilterField",
            )
        return VectorCondition([(field, filter_part(value))])

    def or_(self, *conditions: VectorCondition) -> VectorCondition:
        """One of the conditions has to hold."""
        return _any(conditions)


def asked_for(
    index: str, fields: Sequence[str], filter: Callable[[VectorFilter], VectorCondition] | None
) -> list[tuple[int, bytes]] | None:
    """Numbers of filter fields, each with what stands for the value asked for; None without a filter.

    Raises DeveloperError for what is no condition, and for too many.
    """
    if filter is None:
        return None
    condition = filter(VectorFilter(index, fields))
    if not isinstance(condition, VectorCondition):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise _no_condition("The filter function of a vector search returned", condition)
    if len(condition.asked) > MOST_CONDITIONS:
        raise DeveloperError(
            f"The filter of a vector search has {len(condition.asked)} conditions (limit: {MOST_CONDITIONS}). Search "
            "several times with fewer, or keep what groups the values in a field of its own.",
            code="TooManyFilterConditions",
        )
    return [(fields.index(field), part) for field, part in condition.asked]


def _any(conditions: Sequence[Any]) -> VectorCondition:
    asked: list[tuple[str, bytes]] = []
    for condition in conditions:
        if not isinstance(condition, VectorCondition):
            raise _no_condition("q.or_() of a vector search's filter was given", condition)
        asked += condition.asked
    if not asked:
        raise DeveloperError("q.or_() needs at least one condition.", code="VectorFilterExpression")
    return VectorCondition(asked)


def _no_condition(what: str, given: object) -> DeveloperError:
    return DeveloperError(
        f'{what} {given!r:.80}, and not a condition such as q.eq("genre", "novel"), or several joined by |.',
        code="VectorFilterExpression",
    )
