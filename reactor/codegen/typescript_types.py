"""Validators as TypeScript types (get-convex/convex-backend, npm-packages/convex/src/cli/codegen_templates).

Names of fields and texts of literals are escaped, so whatever a schema may say gives a file that parses.
"""

import json
import math
import re
from collections.abc import Mapping

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

__all__ = ["key", "type_of"]

_PLAIN = {
    "any": "any",
    "null": "null",
    "number": "number",
    "bigint": "bigint",
    "commitTs": 'bigint | import("convex/values").CommitTsPlaceholder',
    "boolean": "boolean",
    "string": "string",
    "bytes": "ArrayBuffer",
}
_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*", re.ASCII)


def key(name: str) -> str:
    """The name of a property, in quotes where it needs them."""
    return name if _NAME.fullmatch(name) else json.dumps(name)


def type_of(validator: Validator | None) -> str:
    """The type of the values that match; `any` for None, where nothing is declared."""
    if validator is None:
        return "any"
    if isinstance(validator, OptionalValidator | ConstrainedValidator):
        return type_of(validator.inner)
    if isinstance(validator, UnionValidator):
        return " | ".join(dict.fromkeys(map(type_of, validator.members))) or "never"
    if isinstance(validator, ArrayValidator):
        return f"Array<{type_of(validator.element)}>"
    if isinstance(validator, RecordValidator):
        return f"Record<{type_of(validator.key)}, {type_of(validator.value)}>"
    if isinstance(validator, ObjectValidator):
        return _object(validator.fields)
    if isinstance(validator, IdValidator):
        return f"GenericId<{json.dumps(validator.table)}>"
    if isinstance(validator, LiteralValidator):
        return _literal(validator.literal)
    return _PLAIN[validator.kind]


def _object(fields: Mapping[str, Validator]) -> str:
    if not fields:
        return "{}"
    parts = (
        f"{key(name)}{'?' if isinstance(field, OptionalValidator) else ''}: {type_of(field)}"
        for name, field in fields.items()
    )
    return "{ " + "; ".join(parts) + " }"


def _literal(value: object) -> str:
    if isinstance(value, Int64):
        return f"{int(value)}n"
    if isinstance(value, float):
        # TypeScript has no literal types for these.
        return json.dumps(int(value) if value.is_integer() else value) if math.isfinite(value) else "number"
    return json.dumps(value)
