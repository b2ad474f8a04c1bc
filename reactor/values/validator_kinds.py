"""Validators of single values: scalars and ids, and what all validators have in common.

Checking has two ways. `matches` is a closure made once, quick, and may refuse too much (an `OrderedDict`, a field that
is UNSET) but never too little. Only when it refuses, `explain` walks the value again: it decides, and gives the reason.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Protocol, TypeAlias

from ..errors import LoadError
from .failures import Failure, foreign_id, mismatch
from .identifiers import identifier_fault
from .ids import table_of
from .kinds import COMMIT_TS, UNSET, Int64, Value
from .rendering import render_text

__all__ = [
    "AnyValidator",
    "BooleanValidator",
    "BytesValidator",
    "CommitTsValidator",
    "IdValidator",
    "Int64Validator",
    "Matcher",
    "NullValidator",
    "NumberValidator",
    "StringValidator",
    "TableNames",
    "Validator",
    "is_number",
]


class TableNames(Protocol):
    """The tables that exist, by name and by the number that stands in their ids."""

    def number_of(self, name: str, /) -> int | None:
        """The table's number; None when there is no such table."""
        ...

    def name_of(self, number: int, /) -> str | None:
        """The table's name; None when there is no such table."""
        ...


Matcher: TypeAlias = Callable[[Value, TableNames], bool]


class Validator:
    """A description of values. Immutable; equal when rendered equally."""

    __slots__ = ("matches",)

    kind: str
    """The `type` of the serialised form: "string", "object", …"""

    matches: Matcher
    """The quick test: True is certain, False needs `explain`."""

    def __init__(self, matches: Matcher) -> None:
        self.matches = matches

    def check(self, value: Value, tables: TableNames) -> None:
        """Raises ValidationFailure, with the whole explanation, when `value` does not match."""
        if not self.matches(value, tables):
            failure = self.explain(value, tables, "")
            if failure is not None:
                raise failure.error()

    def accepts(self, value: Value, tables: TableNames) -> bool:
        """Whether `check` would pass."""
        return self.matches(value, tables) or self.explain(value, tables, "") is None

    def explain(self, value: Value, tables: TableNames, path: str) -> Failure | None:
        """The first thing wrong with `value`, which stands at `path`; None when it matches after all."""
        return None if self.matches(value, tables) else mismatch(value, self, path)

    def render(self) -> str:
        """The builder notation: `v.array(v.string())`."""
        raise NotImplementedError

    def to_json(self) -> dict[str, Any]:
        """The serialised form of function specs and schemas, as JSON-able Python."""
        return {"type": self.kind}

    def __repr__(self) -> str:
        return self.render()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Validator) and self.render() == other.render()

    def __hash__(self) -> int:
        return hash(self.render())


class _Scalar(Validator):
    """A kind without parameters."""

    __slots__ = ()

    notation: ClassVar[str]

    def render(self) -> str:
        return self.notation


def is_number(value: Value, _tables: TableNames | None = None) -> bool:
    """Whether a value is of kind float64: a float or an int, but neither a bool nor an Int64."""
    if type(value) is float or type(value) is int:
        return True
    return isinstance(value, int | float) and not isinstance(value, bool | Int64)


def _is_set(value: Value, _tables: TableNames) -> bool:
    return value is not UNSET


def _is_null(value: Value, _tables: TableNames) -> bool:
    return value is None


def _is_int64(value: Value, _tables: TableNames) -> bool:
    return isinstance(value, Int64)


def _is_commit_ts(value: Value, _tables: TableNames) -> bool:
    return isinstance(value, Int64) or value is COMMIT_TS


def _is_boolean(value: Value, _tables: TableNames) -> bool:
    return value is True or value is False


def _is_string(value: Value, _tables: TableNames) -> bool:
    return isinstance(value, str)


def _is_bytes(value: Value, _tables: TableNames) -> bool:
    return isinstance(value, bytes)


class AnyValidator(_Scalar):
    """Every value, but something must be there."""

    __slots__ = ()
    kind = "any"
    notation = "v.any()"

    def __init__(self) -> None:
        super().__init__(_is_set)


class NullValidator(_Scalar):
    """None."""

    __slots__ = ()
    kind = "null"
    notation = "v.null()"

    def __init__(self) -> None:
        super().__init__(_is_null)


class NumberValidator(_Scalar):
    """float64: int and float, also NaN and the infinities; neither bool nor Int64."""

    __slots__ = ()
    kind = "number"
    notation = "v.float64()"

    def __init__(self) -> None:
        super().__init__(is_number)


class Int64Validator(_Scalar):
    """Int64 only."""

    __slots__ = ()
    kind = "bigint"
    notation = "v.int64()"

    def __init__(self) -> None:
        super().__init__(_is_int64)


class CommitTsValidator(_Scalar):
    """Int64, or the placeholder of the commit's time."""

    __slots__ = ()
    kind = "commitTs"
    notation = "v.commitTs()"

    def __init__(self) -> None:
        super().__init__(_is_commit_ts)


class BooleanValidator(_Scalar):
    """True and False."""

    __slots__ = ()
    kind = "boolean"
    notation = "v.boolean()"

    def __init__(self) -> None:
        super().__init__(_is_boolean)


class StringValidator(_Scalar):
    """Any str, ids included."""

    __slots__ = ()
    kind = "string"
    notation = "v.string()"

    def __init__(self) -> None:
        super().__init__(_is_string)


class BytesValidator(_Scalar):
    """bytes."""

    __slots__ = ()
    kind = "bytes"
    notation = "v.bytes()"

    def __init__(self) -> None:
        super().__init__(_is_bytes)


class IdValidator(Validator):
    """The text of an id of one table. Whether the document exists is not asked."""

    __slots__ = ("table",)
    kind = "id"

    def __init__(self, table: str) -> None:
        fault = identifier_fault(table)
        if fault is not None:
            raise LoadError(f"v.id: the table name {table!r:.80} {fault}")
        self.table = table
        super().__init__(_id_matcher(table))

    def explain(self, value: Value, tables: TableNames, path: str) -> Failure | None:
        if self.matches(value, tables):
            return None
        number = table_of(value) if isinstance(value, str) else None
        name = None if number is None else tables.name_of(number)
        if name is None:
            return mismatch(value, self, path)
        return foreign_id(value, name, self.table, path)

    def render(self) -> str:
        return f"v.id({render_text(self.table)})"

    def to_json(self) -> dict[str, Any]:
        return {"type": "id", "tableName": self.table}


def _id_matcher(table: str) -> Matcher:
    def matches(value: Value, tables: TableNames) -> bool:
        number = table_of(value) if isinstance(value, str) else None
        return number is not None and number == tables.number_of(table)

    return matches
