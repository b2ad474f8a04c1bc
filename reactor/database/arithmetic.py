"""Arithmetic in filters: two Int64, or two numbers; 64 bits and no more.

(get-convex/convex-backend, crates/common/src/query.rs.)
"""

import math
from collections.abc import Callable
from typing import Any

from reactor.errors import DeveloperError
from reactor.values import UNSET, CommitTs, Int64
from reactor.values.rendering import render_value

__all__ = ["OPERATIONS", "kind_name", "negated", "shown"]

_NAMES: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (type(None), "Null"),
    (bool, "Boolean"),
    (Int64, "Int64"),
    (CommitTs, "CommitTs"),
    ((int, float), "Float64"),
    (str, "String"),
    (bytes, "Bytes"),
    ((list, tuple), "Array"),
    (dict, "Object"),
)


def kind_name(value: Any) -> str:
    """What kind a value is, as errors name it; of UNSET "Undefined"."""
    return next((name for types, name in _NAMES if isinstance(value, types)), "Undefined")


def negated(value: Any) -> Any:
    """A number with the other sign. Raises DeveloperError with code EvalError."""
    kind = kind_name(value)
    if kind == "Float64":
        return -float(value)
    if kind == "Int64":
        return _kept("neg", -int(value))
    raise _error(f"Cannot negate {shown(value)} (type {kind}): only numbers have an opposite.")


def shown(value: Any) -> str:
    """A value in an error, "undefined" for a missing field."""
    return "undefined" if value is UNSET else render_value(value)


def _error(text: str) -> DeveloperError:
    return DeveloperError(text, code="EvalError")


def _kept(operation: str, number: int) -> Int64:
    if not -(2**63) <= number < 2**63:
        raise _error(
            f"Cannot {operation}: the result is out of range for Int64. Use floats where they are exact enough."
        )
    return Int64(number)


def _operation(
    name: str, integers: Callable[[int, int], int], floats: Callable[[float, float], float]
) -> Callable[[Any, Any], Any]:
    def calculate(left: Any, right: Any) -> Any:
        kinds = kind_name(left), kind_name(right)
        if kinds == ("Float64", "Float64"):
            return floats(float(left), float(right))
        if kinds == ("Int64", "Int64"):
            return _kept(name, integers(int(left), int(right)))
        raise _error(
            f"Cannot {name} {shown(left)} (type {kinds[0]}) and {shown(right)} (type {kinds[1]}): both must be "
            "Int64, or both numbers."
        )

    return calculate


def _quotient(left: int, right: int) -> int:
    if right == 0:
        raise _error(f"Cannot div {left} by zero. Look for zero first: q.and_(q.neq(divisor, 0), ...).")
    whole = abs(left) // abs(right)
    return whole if (left < 0) == (right < 0) else -whole


def _remainder(left: int, right: int) -> int:
    if right == 0:
        raise _error(f"Cannot mod {left} by zero. Look for zero first: q.and_(q.neq(divisor, 0), ...).")
    rest = abs(left) % abs(right)
    return rest if left >= 0 else -rest


def _float_quotient(left: float, right: float) -> float:
    if right:
        return left / right
    return math.nan if not left or left != left else math.copysign(math.inf, left) * math.copysign(1.0, right)


def _float_remainder(left: float, right: float) -> float:
    return math.nan if not right or math.isinf(left) else math.fmod(left, right)


OPERATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "add": _operation("add", lambda a, b: a + b, lambda a, b: a + b),
    "sub": _operation("sub", lambda a, b: a - b, lambda a, b: a - b),
    "mul": _operation("mul", lambda a, b: a * b, lambda a, b: a * b),
    "div": _operation("div", _quotient, _float_quotient),
    "mod": _operation("mod", _remainder, _float_remainder),
}
"""Each takes two values and gives their result. Raises DeveloperError with code EvalError for other kinds, for division
of an Int64 by zero, and when an Int64 would leave its 64 bits."""
