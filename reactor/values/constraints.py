"""Constraints that only Python hints express: bounds, lengths, patterns, whole numbers.

The serialised form and the generated types know nothing of them; checks and error texts do.
"""

import re
from collections.abc import Callable, Iterable, Sized
from operator import ge, gt, le, lt
from typing import Any, NamedTuple

from msgspec import Meta

from ..errors import LoadError
from .failures import Failure, mismatch
from .kinds import Value
from .rendering import render_text
from .validator_kinds import Matcher, TableNames, Validator
from .validator_shapes import UnionValidator

__all__ = ["WHOLE", "ConstrainedValidator", "Rule", "constrain", "rules_of"]

_NUMBERS = frozenset({"number", "bigint"})
_SIZED = frozenset({"string", "bytes", "array", "record"})


class Rule(NamedTuple):
    """One constraint: its text in messages, the validator kinds it fits, and its test of a value of such a kind.

    `name` and `operand` say the same to programs: the name that `msgspec.Meta` has for it, or "whole", and its limit.
    """

    text: str
    kinds: frozenset[str]
    holds: Callable[[Any], bool]
    name: str
    operand: float | str | None = None


def _is_whole(value: float) -> bool:
    return isinstance(value, int) or value.is_integer()


WHOLE = Rule("whole number", frozenset({"number"}), _is_whole, "whole")


class ConstrainedValidator(Validator):
    """`inner`, and every rule holds as well. Serialised it is `inner`, rendered it has the rules as a comment."""

    __slots__ = ("inner", "kind", "rules")

    def __init__(self, inner: Validator, rules: Iterable[Rule]) -> None:
        self.inner = inner
        self.rules = tuple(rules)
        self.kind = inner.kind
        super().__init__(_constrained_matcher(inner.matches, self.rules))

    def explain(self, value: Value, tables: TableNames, path: str) -> Failure | None:
        failure = self.inner.explain(value, tables, path)
        # A fault inside an array is told there; for this value as a whole, the rules belong into the text.
        if failure is not None and failure.path != path:
            return failure
        return None if failure is None and _all_hold(self.rules, value) else mismatch(value, self, path)

    def render(self) -> str:
        return f"{self.inner.render()} /* {', '.join(rule.text for rule in self.rules)} */"

    def to_json(self) -> dict[str, Any]:
        return self.inner.to_json()


def _all_hold(rules: tuple[Rule, ...], value: Value) -> bool:
    return all(rule.holds(value) for rule in rules)


def _constrained_matcher(inner: Matcher, rules: tuple[Rule, ...]) -> Matcher:
    if len(rules) == 1:
        holds = rules[0].holds
        return lambda value, tables: inner(value, tables) and holds(value)
    return lambda value, tables: inner(value, tables) and _all_hold(rules, value)


def constrain(validator: Validator, rules: Iterable[Rule]) -> Validator:
    """`validator` with further rules; in a union they go to the members they fit.

    Raises LoadError for a rule that fits nothing.
    """
    rules = tuple(rules)
    members = validator.members if isinstance(validator, UnionValidator) else (validator,)
    for rule in rules:
        if not any(member.kind in rule.kinds for member in members):
            raise LoadError(
                f"the constraint `{rule.text}` does not fit {validator.render()}: it is for {_listed(rule.kinds)}"
            )
    narrowed = [_narrowed(member, [rule for rule in rules if member.kind in rule.kinds]) for member in members]
    return UnionValidator(*narrowed) if isinstance(validator, UnionValidator) else narrowed[0]


def _narrowed(validator: Validator, rules: list[Rule]) -> Validator:
    if not rules:
        return validator
    if isinstance(validator, ConstrainedValidator):
        return ConstrainedValidator(validator.inner, (*validator.rules, *rules))
    return ConstrainedValidator(validator, rules)


def _listed(kinds: frozenset[str]) -> str:
    return ", ".join(sorted(kinds))


def rules_of(meta: Meta) -> list[Rule]:
    """The rules of a msgspec.Meta; titles, descriptions and examples are no rules. Raises LoadError for `tz`."""
    if meta.tz is not None:
        raise LoadError("the constraint `tz` is for datetime, which is no value: store milliseconds since 1970")
    bounds = (("gt", ">", gt), ("ge", ">=", ge), ("lt", "<", lt), ("le", "<=", le))
    lengths = (("min_length", ">=", ge), ("max_length", "<=", le))
    return [
        *(
            _bound(name, sign, compare, limit)
            for name, sign, compare in bounds
            if (limit := getattr(meta, name)) is not None
        ),
        *(
            _length(name, sign, compare, limit)
            for name, sign, compare in lengths
            if (limit := getattr(meta, name)) is not None
        ),
        *([] if meta.multiple_of is None else [_multiple(meta.multiple_of)]),
        *([] if meta.pattern is None else [_pattern(meta.pattern)]),
    ]


def _bound(name: str, sign: str, compare: Callable[[float, float], bool], limit: float) -> Rule:
    def holds(value: float) -> bool:
        return compare(value, limit)

    return Rule(f"{sign} {limit}", _NUMBERS, holds, name, limit)


def _length(name: str, sign: str, compare: Callable[[int, int], bool], limit: int) -> Rule:
    def holds(value: Sized) -> bool:
        return compare(len(value), limit)

    return Rule(f"length {sign} {limit}", _SIZED, holds, name, limit)


def _multiple(step: float) -> Rule:
    def holds(value: float) -> bool:
        # NaN and the infinities leave NaN, which is not 0.
        return value % step == 0

    return Rule(f"multiple of {step}", _NUMBERS, holds, "multiple_of", step)


def _pattern(pattern: str) -> Rule:
    found = re.compile(pattern).search

    def holds(value: str) -> bool:
        return found(value) is not None

    return Rule(f"pattern {render_text(pattern)}", frozenset({"string"}), holds, "pattern", pattern)
