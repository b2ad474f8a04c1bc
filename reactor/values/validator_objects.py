"""Validators of objects and their fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

from ..errors import LoadError
from .failures import Failure, extra_field, mismatch, missing_field
from .identifiers import identifier_fault
from .kinds import UNSET, Value
from .validator_kinds import Matcher, TableNames, Validator

__all__ = ["ObjectValidator", "OptionalValidator", "field_json", "require_present", "require_validator"]


class OptionalValidator(Validator):
    """A field that may be missing; `inner` says what it holds otherwise. Legal only as a field of an object."""

    __slots__ = ("inner",)
    kind = "optional"

    def __init__(self, inner: Validator) -> None:
        require_validator(inner, "the argument of v.optional")
        self.inner: Validator = inner.inner if isinstance(inner, OptionalValidator) else inner
        super().__init__(self.inner.matches)

    def explain(self, value: Value, tables: TableNames, path: str) -> Failure | None:
        return self.inner.explain(value, tables, path)

    def render(self) -> str:
        return f"v.optional({self.inner.render()})"

    def to_json(self) -> dict[str, Any]:
        """The form of `inner`: that a field is optional is said by the object it stands in."""
        return self.inner.to_json()


class ObjectValidator(Validator):
    """A dict with exactly the declared fields; those wrapped in v.optional may be missing."""

    __slots__ = ("fields",)
    kind = "object"

    fields: Mapping[str, Validator]
    """Validators by field name, sorted; optional fields are OptionalValidators."""

    def __init__(self, fields: Mapping[str, Validator]) -> None:
        self.fields = _declared(fields)
        super().__init__(_object_matcher(self.fields))

    def explain(self, value: Value, tables: TableNames, path: str) -> Failure | None:
        if not isinstance(value, dict):
            return mismatch(value, self, path)
        members = cast(dict[Any, Value], value)
        for name, field in self.fields.items():
            member = members.get(name, UNSET)
            if member is not UNSET:
                failure = field.explain(member, tables, f"{path}.{name}")
                if failure is not None:
                    return failure
            elif not isinstance(field, OptionalValidator):
                return missing_field(name, members, self, path)
        return self._explain_extra(members, path)

    def _explain_extra(self, members: dict[Any, Value], path: str) -> Failure | None:
        extra = [name for name, member in members.items() if name not in self.fields and member is not UNSET]
        return extra_field(min(extra, key=str), members, self, path) if extra else None

    def render(self) -> str:
        return "v.object({" + ", ".join(f"{name}: {field.render()}" for name, field in self.fields.items()) + "})"

    def to_json(self) -> dict[str, Any]:
        return {"type": "object", "value": {name: field_json(field) for name, field in self.fields.items()}}

    def pick(self, *names: str) -> ObjectValidator:
        """An object validator with only the named fields; raises LoadError for a name that is not declared."""
        self._require(names, "pick")
        return ObjectValidator({name: self.fields[name] for name in names})

    def omit(self, *names: str) -> ObjectValidator:
        """An object validator without the named fields; raises LoadError for a name that is not declared."""
        self._require(names, "omit")
        return ObjectValidator({name: field for name, field in self.fields.items() if name not in names})

    def partial(self) -> ObjectValidator:
        """An object validator with the same fields, all of them optional."""
        return ObjectValidator({name: OptionalValidator(field) for name, field in self.fields.items()})

    def extend(self, fields: Mapping[str, Validator]) -> ObjectValidator:
        """An object validator with more fields; one that is declared already is replaced."""
        return ObjectValidator({**self.fields, **fields})

    def _require(self, names: Iterable[str], method: str) -> None:
        for name in names:
            if name not in self.fields:
                known = ", ".join(f"`{field}`" for field in self.fields)
                raise LoadError(f"{method}: the object has no field `{name}`; its fields are {known or 'none'}")


def _object_matcher(fields: Mapping[str, Validator]) -> Matcher:
    declared = [(name, field.matches, isinstance(field, OptionalValidator)) for name, field in fields.items()]
    required = tuple((name, field) for name, field, may_miss in declared if not may_miss)
    optional = tuple((name, field) for name, field, may_miss in declared if may_miss)
    count = len(required)

    # UNSET matches nothing, so a missing field costs no test of its own.
    def matches(value: Value, tables: TableNames) -> bool:
        if type(value) is not dict or len(cast(dict[str, Value], value)) != count:
            return False
        for name, field in required:  # noqa: SIM110 - a generator would double the cost
            if not field(cast(dict[str, Value], value).get(name, UNSET), tables):
                return False
        return True

    def matches_with_optional(value: Value, tables: TableNames) -> bool:
        if type(value) is not dict:
            return False
        members = cast(dict[str, Value], value)
        for name, field in required:
            if not field(members.get(name, UNSET), tables):
                return False
        seen = count
        for name, field in optional:
            if name in members:
                if not field(members[name], tables):
                    return False
                seen += 1
        return seen == len(members)

    return matches_with_optional if optional else matches


def _declared(fields: Mapping[str, Validator]) -> dict[str, Validator]:
    if not isinstance(fields, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise LoadError(f"v.object takes a dict of field names and validators, not {type(fields).__name__}")
    for name, field in fields.items():
        fault = identifier_fault(name)
        if fault is not None:
            raise LoadError(f"v.object: the field name {name!r:.80} {fault}; for free keys use v.record(v.string(), …)")
        require_validator(field, f"the field `{name}` of v.object")
    return {name: fields[name] for name in sorted(fields)}


def field_json(field: Validator) -> dict[str, Any]:
    return {"fieldType": field.to_json(), "optional": isinstance(field, OptionalValidator)}


_BUILDERS: dict[Any, str] = {
    str: "v.string()",
    float: "v.number()",
    int: "v.number()",
    bool: "v.boolean()",
    bytes: "v.bytes()",
    list: "v.array(…)",
    dict: "v.object({…})",
    None: "v.null()",
}


def require_validator(candidate: object, what: str) -> None:
    """Raises LoadError, which names `what` the candidate was meant for, when it is no validator."""
    if not isinstance(candidate, Validator):
        raise LoadError(f"{what} is {render_candidate(candidate)}, which is no validator: {_remedy(candidate)}")


def render_candidate(candidate: object) -> str:
    """How the developer wrote it, or nearly: a class by its name, all else as Python shows it."""
    return candidate.__qualname__ if isinstance(candidate, type) else f"{candidate!r:.80}"


def _remedy(candidate: object) -> str:
    if isinstance(candidate, str | float | bool):
        return f"write v.literal({candidate!r:.80}) if it must be exactly that"
    if isinstance(candidate, type) or candidate is None:
        return f"write {_BUILDERS.get(candidate, 'a builder of `v`, such as v.string()')}"
    if callable(candidate):
        return "call the builder: v.string(), not v.string"
    return f"write {_BUILDERS.get(type(candidate), 'a builder of `v`, such as v.string()')}"


def require_present(candidate: Validator, what: str) -> Validator:
    """The candidate; raises LoadError when it is no validator, or optional where nothing can be missing."""
    require_validator(candidate, what)
    if isinstance(candidate, OptionalValidator):
        raise LoadError(
            f"{what} is {candidate.render()}: v.optional may stand only directly at a field of an object; "
            "for a value that may be null write v.nullable(…)"
        )
    return candidate
