"""Whether one validator accepts whatever another accepts, without looking at a value.

True is certain. False means "no, or not known": whoever asks then looks at the values themselves.
"""

from __future__ import annotations

from .constraints import ConstrainedValidator
from .validator_kinds import (
    AnyValidator,
    BooleanValidator,
    CommitTsValidator,
    IdValidator,
    Int64Validator,
    StringValidator,
    Validator,
)
from .validator_literals import LiteralValidator
from .validator_objects import ObjectValidator, OptionalValidator
from .validator_shapes import ArrayValidator, RecordValidator, UnionValidator

__all__ = ["is_subset"]


class _NoTables:
    """No table exists. So a literal never passes for an id: which table an id belongs to is not known here."""

    def number_of(self, name: str) -> int | None:
        return None

    def name_of(self, number: int) -> str | None:
        return None


_NO_TABLES = _NoTables()
_TRUE, _FALSE = LiteralValidator(True), LiteralValidator(False)


def is_subset(narrow: Validator, wide: Validator) -> bool:
    """Whether `wide` certainly accepts every value that `narrow` accepts, whichever tables exist."""
    if isinstance(wide, AnyValidator) or narrow == wide:
        return True
    if isinstance(narrow, UnionValidator):
        return all(is_subset(member, wide) for member in narrow.members)
    if isinstance(wide, UnionValidator):
        return any(is_subset(narrow, member) for member in wide.members) or _is_either(narrow, wide)
    if isinstance(wide, ConstrainedValidator):
        return is_subset(narrow, wide.inner) and _follows(narrow, wide)
    if isinstance(narrow, ConstrainedValidator):
        return is_subset(narrow.inner, wide)
    if isinstance(narrow, LiteralValidator):
        return wide.matches(narrow.literal, _NO_TABLES)
    return _same_kind(narrow, wide)


def _is_either(narrow: Validator, wide: UnionValidator) -> bool:
    """Booleans are two literals, which may be told apart by a union."""
    return isinstance(narrow, BooleanValidator) and is_subset(_TRUE, wide) and is_subset(_FALSE, wide)


def _follows(narrow: Validator, wide: ConstrainedValidator) -> bool:
    """Whether the rules of `wide` hold for all that `narrow` accepts, given that its inner validator does."""
    if isinstance(narrow, LiteralValidator):
        return wide.matches(narrow.literal, _NO_TABLES)
    held = {rule.text for rule in narrow.rules} if isinstance(narrow, ConstrainedValidator) else set[str]()
    return all(rule.text in held for rule in wide.rules)


def _same_kind(narrow: Validator, wide: Validator) -> bool:
    match narrow, wide:
        case (IdValidator(), StringValidator()) | (Int64Validator(), CommitTsValidator()):
            return True
        case ArrayValidator(), ArrayValidator():
            return is_subset(narrow.element, wide.element)
        case RecordValidator(), RecordValidator():
            return is_subset(narrow.key, wide.key) and is_subset(narrow.value, wide.value)
        case ObjectValidator(), ObjectValidator():
            return _fields_fit(narrow, wide)
        case ObjectValidator(), RecordValidator():
            return all(_entry_fits(name, field, wide) for name, field in narrow.fields.items())
        case _:
            return False


def _fields_fit(narrow: ObjectValidator, wide: ObjectValidator) -> bool:
    if any(name not in wide.fields for name in narrow.fields):
        return False
    return all(_field_fits(narrow.fields.get(name), field) for name, field in wide.fields.items())


def _field_fits(narrow: Validator | None, wide: Validator) -> bool:
    """`narrow` is None for a field that is never there."""
    if isinstance(wide, OptionalValidator):
        return narrow is None or is_subset(_present(narrow), wide.inner)
    return narrow is not None and not isinstance(narrow, OptionalValidator) and is_subset(narrow, wide)


def _entry_fits(name: str, field: Validator, record: RecordValidator) -> bool:
    return is_subset(LiteralValidator(name), record.key) and is_subset(_present(field), record.value)


def _present(field: Validator) -> Validator:
    return field.inner if isinstance(field, OptionalValidator) else field
