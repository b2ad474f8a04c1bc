"""Validators as JSON Schema (draft 2020-12): of arguments as they are sent, and of results in the format `json`.

Both are written as get-convex/convex-backend, crates/value/src/export.rs, reads and writes values. What JSON lacks has
a schema of its own among the components, so that every tool meets one type for it.
"""

import json
import math
import re
from base64 import b64encode
from collections.abc import Callable, Collection, Mapping
from struct import pack
from typing import Any, TypeAlias

from reactor.values.constraints import Rule
from reactor.values.kinds import Int64
from reactor.values.validators import (
    ArrayValidator,
    ConstrainedValidator,
    IdValidator,
    LiteralValidator,
    ObjectValidator,
    OptionalValidator,
    RecordValidator,
    UnionValidator,
    Validator,
)

__all__ = ["VALUES", "Schema", "argument_schema", "arguments_schema", "reference", "result_schema"]

Schema: TypeAlias = dict[str, Any]


def reference(name: str) -> Schema:
    """What stands for a schema of the components."""
    return {"$ref": f"#/components/schemas/{name}"}


_EIGHT_BYTES = r"^[A-Za-z0-9+/]{10}[AEIMQUYcgkosw048]=$"
_BASE64 = r"^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
_NAMES: Schema = {"pattern": r"^(?!\$)[ -~]{0,1024}$"}


def _wrapped(member: str, inner: Schema, description: str) -> Schema:
    properties = {member: inner}
    return {
        "type": "object",
        "properties": properties,
        "required": [member],
        "additionalProperties": False,
        "description": description,
    }


VALUES: dict[str, Schema] = {
    "Number": {
        "description": "A number. What JSON has no number for is text.",
        "anyOf": [{"type": "number"}, {"type": "string", "enum": ["NaN", "Infinity", "-Infinity"]}],
    },
    "Int64": {"type": "string", "pattern": r"^-?[0-9]{1,19}$", "description": "A 64-bit integer, in decimal digits."},
    "Bytes": {"type": "string", "contentEncoding": "base64", "pattern": _BASE64, "description": "Bytes, in base64."},
    "Int64Argument": _wrapped(
        "$integer",
        {"type": "string", "pattern": _EIGHT_BYTES},
        "A 64-bit integer: base64 of its 8 bytes in two's complement, the lowest first.",
    ),
    "BytesArgument": _wrapped(
        "$bytes", {"type": "string", "contentEncoding": "base64", "pattern": _BASE64}, "Bytes, in base64."
    ),
    "CommitTsArgument": _wrapped("$commitTs", {"type": "null"}, "Stands for the time of the commit."),
}
"""The components that stand for what JSON has no notation for."""


def arguments_schema(validator: Validator | None) -> Schema:
    """The schema of all arguments of a function; of None, where anything goes, that of any object."""
    schema = {} if validator is None else argument_schema(validator)
    return schema or {"type": "object"}


def argument_schema(validator: Validator) -> Schema:
    """The schema of a value that is sent."""
    return _ARGUMENTS.of(validator)


def result_schema(validator: Validator | None) -> Schema:
    """The schema of a value that is answered in the format `json`; of None, where anything goes, that of any value."""
    return {} if validator is None else _RESULTS.of(validator)


class _Direction:
    """One way of writing values: `plain` has the kinds without parameters, `literal` writes a literal's value."""

    def __init__(self, plain: Mapping[str, Schema], literal: Callable[[Any], Schema]) -> None:
        self._plain, self._literal = plain, literal

    def of(self, validator: Validator) -> Schema:
        if isinstance(validator, OptionalValidator):
            return self.of(validator.inner)
        if isinstance(validator, ConstrainedValidator):
            return _constrained(self.of(validator.inner), validator.kind, validator.rules)
        if isinstance(validator, ArrayValidator):
            return {"type": "array", "items": self.of(validator.element)}
        if isinstance(validator, ObjectValidator):
            return self._object(validator)
        if isinstance(validator, RecordValidator):
            return {"type": "object", "propertyNames": _NAMES, "additionalProperties": self.of(validator.value)}
        if isinstance(validator, UnionValidator):
            return self._union(validator)
        if isinstance(validator, LiteralValidator):
            return self._literal(validator.literal)
        if isinstance(validator, IdValidator):
            return {"type": "string", "description": f"The id of a document of `{validator.table}`."}
        return dict(self._plain[validator.kind])

    def _object(self, validator: ObjectValidator) -> Schema:
        required = [name for name, field in validator.fields.items() if not isinstance(field, OptionalValidator)]
        return {
            "type": "object",
            "properties": {name: self.of(field) for name, field in validator.fields.items()},
            **({"required": required} if required else {}),
            "additionalProperties": False,
        }

    def _union(self, validator: UnionValidator) -> Schema:
        texts = [member.literal for member in validator.members if isinstance(member, LiteralValidator)]
        if texts and len(texts) == len(validator.members) and all(isinstance(text, str) for text in texts):
            return {"type": "string", "enum": list(dict.fromkeys(texts))}
        # Kinds that differ in Python may be written the same way, as ids and texts are.
        members = {json.dumps(schema): schema for schema in map(self.of, validator.members)}
        if len(members) == 1:
            return next(iter(members.values()))
        return {"anyOf": list(members.values())} if members else {"not": {}}


def _sent_literal(literal: Any) -> Schema:
    if isinstance(literal, Int64):
        return _wrapped(
            "$integer", {"const": b64encode(pack("<q", literal)).decode()}, f"The 64-bit integer {literal}."
        )
    if isinstance(literal, float) and literal == 0.0 and math.copysign(1, literal) < 0:
        return _wrapped("$float", {"const": b64encode(pack("<d", literal)).decode()}, "Minus zero.")
    return {"const": literal}


def _answered_literal(literal: Any) -> Schema:
    return {"const": str(int(literal)) if isinstance(literal, Int64) else literal}


_BOTH: Mapping[str, Schema] = {
    "any": {},
    "null": {"type": "null"},
    "boolean": {"type": "boolean"},
    "string": {"type": "string"},
}
_ARGUMENTS = _Direction(
    {
        **_BOTH,
        "number": {"type": "number"},
        "bigint": reference("Int64Argument"),
        "commitTs": {"anyOf": [reference("Int64Argument"), reference("CommitTsArgument")]},
        "bytes": reference("BytesArgument"),
    },
    _sent_literal,
)
_RESULTS = _Direction(
    {
        **_BOTH,
        "number": reference("Number"),
        "bigint": reference("Int64"),
        "commitTs": reference("Int64"),
        "bytes": reference("Bytes"),
    },
    _answered_literal,
)


# Constraints

_LENGTHS = {"string": "Length", "array": "Items", "record": "Properties"}
_BOUNDS = {"gt": "exclusiveMinimum", "ge": "minimum", "lt": "exclusiveMaximum", "le": "maximum"}
_FINITE = frozenset({"whole", "multiple_of"})
"""Rules that NaN and the infinities do not keep."""

_OURS = re.compile(r"\(\?[^:=!<]|\(\?<[^=!]|\\[AZ]")
"""What Python's patterns have and those of JSON Schema lack."""


def _constrained(schema: Schema, kind: str, rules: Collection[Rule]) -> Schema:
    words: Schema = {}
    untold: list[str] = []
    names = {rule.name for rule in rules}
    for rule in rules:
        word = _keyword(rule, kind)
        if word is not None:
            words[word] = rule.operand
        elif rule.name != "whole":
            untold.append(rule.text)
    if untold:
        words["description"] = f"Also: {', '.join(untold)}."
    if kind != "number":
        return {**schema, **words}
    plain: Schema = {"type": "integer" if "whole" in names else "number", **words}
    if schema == {"type": "number"} or names & _FINITE:
        return plain
    return {"anyOf": [plain, {"type": "string", "enum": ["Infinity", "-Infinity"]}]}


def _keyword(rule: Rule, kind: str) -> str | None:
    """The keyword of JSON Schema that says the same of a value of this kind, None when there is none."""
    if rule.name == "whole" or kind in ("bigint", "bytes"):
        return None  # the last two are written as text, which has neither their size nor their length
    if rule.name in _BOUNDS:
        return _BOUNDS[rule.name]
    if rule.name in ("min_length", "max_length"):
        return rule.name[:3] + _LENGTHS[kind]
    if rule.name == "pattern":
        return None if _OURS.search(str(rule.operand)) else "pattern"
    return "multipleOf"
