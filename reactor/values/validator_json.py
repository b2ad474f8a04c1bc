"""Validators from their serialised form, the reverse of `Validator.to_json`.

Constraints that only hints express are not part of that form: what is read back accepts as much or more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from .codec import decode_trusted
from .validator_kinds import IdValidator, Validator
from .validator_literals import LiteralValidator
from .validator_objects import ObjectValidator, OptionalValidator
from .validator_shapes import ArrayValidator, RecordValidator, UnionValidator
from .validators import v

__all__ = ["validator_from_json"]


def validator_from_json(form: Any) -> Validator:
    """The validator that a serialised form describes. Raises ValueError for what is no such form."""
    try:
        return _READERS[form["type"]](form)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no serialised validator: {form!r:.200}") from error


def _literal(form: Any) -> Validator:
    return LiteralValidator(decode_trusted(msgspec.json.encode(form["value"])))


def _object(form: Any) -> Validator:
    return ObjectValidator({name: _field(field) for name, field in form["value"].items()})


def _field(form: Any) -> Validator:
    field = validator_from_json(form["fieldType"])
    return OptionalValidator(field) if form["optional"] else field


_READERS: dict[str, Callable[[Any], Validator]] = {
    "any": lambda _: v.any(),
    "null": lambda _: v.null(),
    "number": lambda _: v.number(),
    "bigint": lambda _: v.int64(),
    "commitTs": lambda _: v.commit_ts(),
    "boolean": lambda _: v.boolean(),
    "string": lambda _: v.string(),
    "bytes": lambda _: v.bytes(),
    "id": lambda form: IdValidator(form["tableName"]),
    "literal": _literal,
    "array": lambda form: ArrayValidator(validator_from_json(form["value"])),
    "object": _object,
    "record": lambda form: RecordValidator(validator_from_json(form["keys"]), _field(form["values"])),
    "union": lambda form: UnionValidator(*map(validator_from_json, form["value"])),
}
