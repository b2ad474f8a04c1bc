"""Validators built from other validators: arrays, records and unions."""

from __future__ import annotations

from typing import Any, cast

from ..errors import LoadError
from .failures import Failure, mismatch
from .kinds import UNSET, Value
from .validator_kinds import Matcher, TableNames, Validator
from .validator_literals import LiteralValidator
from .validator_objects import field_json, require_present

__all__ = ["ArrayValidator", "RecordValidator", "UnionValidator"]


class ArrayValidator(Validator):
    """A list (or tuple) whose every element matches `element`."""

    __slots__ = ("element",)
    kind = "array"

    def __init__(self, element: Validator) -> None:
        self.element = require_present(element, "the element of v.array")
        super().__init__(_array_matcher(element.matches))

    def explain(self, value: Value, tables: TableNames, path: str) -> Failure | None:
        if not isinstance(value, list | tuple):
            return mismatch(value, self, path)
        for position, element in enumerate(cast(list[Value], value)):
            failure = self.element.explain(element, tables, f"{path}[{position}]")
            if failure is not None:
                return failure
        return None

    def render(self) -> str:
        return f"v.array({self.element.render()})"

    def to_json(self) -> dict[str, Any]:
        return {"type": "array", "value": self.element.to_json()}


def _array_matcher(element: Matcher) -> Matcher:
    def matches(value: Value, tables: TableNames) -> bool:
        if type(value) is not list and type(value) is not tuple:
            return False
        return all(element(member, tables) for member in cast(list[Value], value))

    return matches


class RecordValidator(Validator):
    """A dict whose every key matches `key` and every value `value`."""

    __slots__ = ("key", "value")
    kind = "record"

    def __init__(self, key: Validator, value: Validator) -> None:
        self.key = _key(key)
        self.value = require_present(value, "the value of v.record")
        super().__init__(_record_matcher(key.matches, value.matches))

    def explain(self, value: Value, tables: TableNames, path: str) -> Failure | None:
        if not isinstance(value, dict):
            return mismatch(value, self, path)
        for name, member in cast(dict[Any, Value], value).items():
            if member is UNSET:
                continue
            failure = self.key.explain(name, tables, f"{path}.keys()") or self.value.explain(
                member, tables, f"{path}.values()"
            )
            if failure is not None:
                return failure
        return None

    def render(self) -> str:
        return f"v.record({self.key.render()}, {self.value.render()})"

    def to_json(self) -> dict[str, Any]:
        return {"type": "record", "keys": self.key.to_json(), "values": field_json(self.value)}


def _record_matcher(key: Matcher, value: Matcher) -> Matcher:
    def matches(candidate: Value, tables: TableNames) -> bool:
        if type(candidate) is not dict:
            return False
        for name, member in cast(dict[Any, Value], candidate).items():
            if not (key(name, tables) and value(member, tables)):
                return False
        return True

    return matches


def _key(key: Validator) -> Validator:
    require_present(key, "the key of v.record")
    kinds = {member.kind for member in (key.members if isinstance(key, UnionValidator) else (key,))}
    if "literal" in kinds:
        raise LoadError("v.record does not take literal keys: declare them as fields of v.object({…})")
    if not kinds or not kinds <= {"string", "id"}:
        raise LoadError(f"keys of v.record are strings, ids or a union of those, not {key.render()}")
    return key


class UnionValidator(Validator):
    """A value that matches any of `members`, tried in order; without members it matches nothing."""

    __slots__ = ("members",)
    kind = "union"

    def __init__(self, *members: Validator) -> None:
        self.members = tuple(require_present(member, "a member of v.union or v.nullable") for member in members)
        super().__init__(_literals_matcher(self.members) or _union_matcher(self.members))

    def explain(self, value: Value, tables: TableNames, path: str) -> Failure | None:
        failures: list[Failure] = []
        for member in self.members:
            failure = member.explain(value, tables, path)
            if failure is None:
                return None
            failures.append(failure)
        return failures[0] if len(failures) == 1 else mismatch(value, self, path)

    def render(self) -> str:
        return f"v.union({', '.join(member.render() for member in self.members)})"

    def to_json(self) -> dict[str, Any]:
        return {"type": "union", "value": [member.to_json() for member in self.members]}


def _union_matcher(members: tuple[Validator, ...]) -> Matcher:
    matchers = tuple(member.matches for member in members)

    def matches(value: Value, tables: TableNames) -> bool:
        for member in matchers:  # noqa: SIM110 - a generator would double the cost
            if member(value, tables):
                return True
        return False

    return matches


def _literals_matcher(members: tuple[Validator, ...]) -> Matcher | None:
    """One set lookup for a union of string literals, the usual way to write an enumeration."""
    literals = [member.literal for member in members if isinstance(member, LiteralValidator)]
    texts = frozenset(literal for literal in literals if isinstance(literal, str))
    if len(literals) < len(members) or not all(isinstance(literal, str) for literal in literals):
        return None
    return lambda value, _tables: isinstance(value, str) and value in texts
