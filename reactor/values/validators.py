"""`v`, the builders by which developers describe arguments, results and documents.

    v.object({"title": v.string(), "author": v.id("users"), "tags": v.optional(v.array(v.string()))})

Meaning and error texts are those of get-convex/convex-backend, crates/common/src/schemas/validator.rs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from ..errors import ArgumentValidationError
from .constraints import ConstrainedValidator
from .failures import Failure, ValidationFailure
from .kinds import Int64, Value
from .rendering import render_text, render_value
from .validator_kinds import (
    AnyValidator,
    BooleanValidator,
    BytesValidator,
    CommitTsValidator,
    IdValidator,
    Int64Validator,
    NullValidator,
    NumberValidator,
    StringValidator,
    TableNames,
    Validator,
)
from .validator_literals import LiteralValidator
from .validator_objects import ObjectValidator, OptionalValidator
from .validator_shapes import ArrayValidator, RecordValidator, UnionValidator

__all__ = [
    "AnyValidator",
    "ArrayValidator",
    "BooleanValidator",
    "BytesValidator",
    "CommitTsValidator",
    "ConstrainedValidator",
    "Failure",
    "IdValidator",
    "Int64Validator",
    "LiteralValidator",
    "NullValidator",
    "NumberValidator",
    "ObjectValidator",
    "OptionalValidator",
    "RecordValidator",
    "StringValidator",
    "TableNames",
    "UnionValidator",
    "ValidationFailure",
    "Validator",
    "ValidatorBuilder",
    "only_argument",
    "render_text",
    "render_value",
    "v",
]

_ANY = AnyValidator()
_NULL = NullValidator()
_NUMBER = NumberValidator()
_INT64 = Int64Validator()
_COMMIT_TS = CommitTsValidator()
_BOOLEAN = BooleanValidator()
_STRING = StringValidator()
_BYTES = BytesValidator()


class ValidatorBuilder:
    """The methods of `v`. All raise LoadError, with the remedy, for what cannot be a validator."""

    __slots__ = ()

    def any(self) -> AnyValidator:
        """Every value; a field of this kind must be present unless it is optional."""
        return _ANY

    def null(self) -> NullValidator:
        """None."""
        return _NULL

    def number(self) -> NumberValidator:
        """int and float; neither bool nor Int64."""
        return _NUMBER

    def float64(self) -> NumberValidator:
        """The same as `number`."""
        return _NUMBER

    def int64(self) -> Int64Validator:
        """Int64, a 64-bit integer; never an int or a float."""
        return _INT64

    def bigint(self) -> Int64Validator:
        """The same as `int64`."""
        return _INT64

    def commit_ts(self) -> CommitTsValidator:
        """Int64, or `ctx.db.vars.commit_ts`, which becomes one by the commit."""
        return _COMMIT_TS

    def boolean(self) -> BooleanValidator:
        """True and False."""
        return _BOOLEAN

    def string(self) -> StringValidator:
        """Any str."""
        return _STRING

    def bytes(self) -> BytesValidator:
        """bytes."""
        return _BYTES

    def id(self, table: str) -> IdValidator:
        """An id of a document of `table`."""
        return IdValidator(table)

    def literal(self, literal: str | float | Int64) -> LiteralValidator:
        """Exactly this string, number, Int64 or boolean."""
        return LiteralValidator(literal)

    def array(self, element: Validator) -> ArrayValidator:
        """A list whose elements all match `element`."""
        return ArrayValidator(element)

    def object(self, fields: Mapping[str, Validator]) -> ObjectValidator:
        """A dict with exactly these fields."""
        return ObjectValidator(fields)

    def record(self, key: Validator, value: Validator) -> RecordValidator:
        """A dict with any number of keys that match `key` (strings or ids) and values that match `value`."""
        return RecordValidator(key, value)

    def union(self, *members: Validator) -> UnionValidator:
        """A value that matches at least one of `members`."""
        return UnionValidator(*members)

    def optional(self, inner: Validator) -> OptionalValidator:
        """A field that may be missing, but is not null; only directly as a field of an object."""
        return OptionalValidator(inner)

    def nullable(self, inner: Validator) -> UnionValidator:
        """What `inner` accepts, or null."""
        return UnionValidator(inner, _NULL)


v = ValidatorBuilder()


def only_argument(arguments: Sequence[Value]) -> dict[str, Value]:
    """The one object in the argument list of a call; raises ArgumentValidationError for any other list.

    (get-convex/convex-backend, crates/udf/src/validation.rs)
    """
    if len(arguments) != 1:
        raise ArgumentValidationError(
            "Expected to receive a single object as the function's argument. "
            f"Instead received {len(arguments)} arguments: {render_value(list(arguments))}"
        )
    if not isinstance(arguments[0], dict):
        raise ArgumentValidationError(
            f"Expected to receive an object as the function's argument. Instead received: {render_value(arguments[0])}"
        )
    return cast("dict[str, Value]", arguments[0])
