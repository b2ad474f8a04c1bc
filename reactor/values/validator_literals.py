"""Validators of one exact value."""

from __future__ import annotations

import math
from base64 import b64encode
from struct import pack
from typing import Any

from ..errors import InvalidValue, LoadError
from .failures import Failure, literal_mismatch
from .kinds import Int64, Value, exact_float
from .rendering import render_value
from .validator_kinds import Matcher, TableNames, Validator, is_number

__all__ = ["LiteralValidator"]


class LiteralValidator(Validator):
    """Exactly one string, number, Int64 or boolean, of the same kind."""

    __slots__ = ("literal",)
    kind = "literal"

    def __init__(self, literal: str | float | bool) -> None:
        _refuse_literal(literal)
        self.literal = literal
        super().__init__(_literal_matcher(literal))

    def explain(self, value: Value, tables: TableNames, path: str) -> Failure | None:
        return None if self.matches(value, tables) else literal_mismatch(value, self.literal, path)

    def render(self) -> str:
        return f"v.literal({render_value(self.literal)})"

    def to_json(self) -> dict[str, Any]:
        return {"type": "literal", "value": _encoded(self.literal)}


def _refuse_literal(literal: object) -> None:
    if not isinstance(literal, str | bool | int | float):
        raise LoadError(
            f"v.literal takes a string, a number, an Int64 or a boolean, not {render_value(literal)}: "
            "for null write v.null(), for several literals v.union(v.literal(…), …)"
        )
    if isinstance(literal, float) and not math.isfinite(literal):
        raise LoadError(f"v.literal does not take {render_value(literal)}: use v.number()")
    if isinstance(literal, int) and not isinstance(literal, bool | Int64):
        try:
            exact_float(literal)
        except InvalidValue as error:
            raise LoadError(f"v.literal: {error}") from None


def _literal_matcher(literal: str | float | bool) -> Matcher:
    if isinstance(literal, bool):
        return lambda value, _tables: value is literal
    if isinstance(literal, str):
        return lambda value, _tables: isinstance(value, str) and value == literal
    if isinstance(literal, Int64):
        return lambda value, _tables: isinstance(value, Int64) and value == literal
    # Numbers are equal when they sort equally, and -0.0 sorts before 0.0.
    sign = math.copysign(1.0, literal)
    return lambda value, _tables: is_number(value) and value == literal and math.copysign(1.0, value) == sign


def _encoded(literal: str | float | bool) -> Any:
    if isinstance(literal, Int64):
        return {"$integer": b64encode(pack("<q", literal)).decode()}
    if isinstance(literal, float) and str(literal) == "-0.0":
        return {"$float": b64encode(pack("<d", literal)).decode()}
    return literal
