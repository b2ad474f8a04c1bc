"""What a value is: the Python types that stand for each kind, and what to do with those that stand for none.

| kind    | Python                         |
| ------- | ------------------------------ |
| null    | None                           |
| boolean | bool                           |
| float64 | int or float: one line of numbers; an int must be one that a double holds exactly |
| int64   | Int64; in mutations also COMMIT_TS, the time of the commit, which is not known yet |
| string  | str                            |
| bytes   | bytes                          |
| array   | list (a tuple on the way out)  |
| object  | dict with str keys             |

Subclasses (an `IntEnum`, an `OrderedDict`, a NumPy float) are taken for what they derive from.
"""

from collections.abc import Callable
from typing import Any, TypeAlias, cast

from msgspec import UNSET, UnsetType

from ..errors import InvalidValue

__all__ = [
    "COMMIT_TS",
    "EXACT_INT",
    "LAST_INT64",
    "UNSET",
    "CommitTs",
    "Int64",
    "UnsetType",
    "Value",
    "exact_float",
    "kind_of",
    "plain",
    "remedy",
]

# A recursive union could be written, but whoever reads a document would have to narrow at every step.
Value: TypeAlias = Any

# `type` itself, which pyright otherwise takes for "partially unknown" when asked about Any.
kind_of = cast(Callable[[object], type[object]], type)

EXACT_INT = 2**53
"""Integers from -EXACT_INT to EXACT_INT are exact as float64; of the larger ones only some."""


class Int64(int):
    """A 64-bit signed integer, the kind that JavaScript calls bigint.

    `+ - * // %` with ints give an Int64 again, with floats a float; other operators give what they give for int.
    Raises InvalidValue outside of -2**63 … 2**63 - 1, also when arithmetic leads there.
    """

    __slots__ = ()

    def __new__(cls, value: Any = 0, /) -> "Int64":
        number = super().__new__(cls, value)
        if not -(2**63) <= number < 2**63:
            raise InvalidValue(
                f"{_shown(number)} does not fit in 64 bits: store a string, or a float if rounding is harmless"
            )
        return number

    def __repr__(self) -> str:
        return f"Int64({int(self)})"

    def __str__(self) -> str:
        return int.__repr__(self)

    def __add__(self, other: int, /) -> "Int64":
        return _kept(int.__add__(self, other))

    def __radd__(self, other: int, /) -> "Int64":
        return _kept(int.__radd__(self, other))

    def __sub__(self, other: int, /) -> "Int64":
        return _kept(int.__sub__(self, other))

    def __rsub__(self, other: int, /) -> "Int64":
        return _kept(int.__rsub__(self, other))

    def __mul__(self, other: int, /) -> "Int64":
        return _kept(int.__mul__(self, other))

    def __rmul__(self, other: int, /) -> "Int64":
        return _kept(int.__rmul__(self, other))

    def __floordiv__(self, other: int, /) -> "Int64":
        return _kept(int.__floordiv__(self, other))

    def __rfloordiv__(self, other: int, /) -> "Int64":
        return _kept(int.__rfloordiv__(self, other))

    def __mod__(self, other: int, /) -> "Int64":
        return _kept(int.__mod__(self, other))

    def __rmod__(self, other: int, /) -> "Int64":
        return _kept(int.__rmod__(self, other))

    def __neg__(self) -> "Int64":
        return Int64(int.__neg__(self))

    def __abs__(self) -> "Int64":
        return Int64(int.__abs__(self))


def _kept(result: int) -> Int64:
    # NotImplemented (the other side is a float, say) has to reach Python, which then asks the other operand.
    return Int64(result) if type(result) is int else cast(Int64, result)


class CommitTs:
    """The time of the commit, in nanoseconds since 1970, while it is not known yet. There is one, `COMMIT_TS`.

    It stands in what a mutation writes and gives back, sorts as the largest Int64, and becomes an Int64 by the commit.
    """

    __slots__ = ()

    def __new__(cls) -> "CommitTs":
        return COMMIT_TS

    def __repr__(self) -> str:
        return "ctx.db.vars.commit_ts"

    # What is copied or pickled is still the one that there is.
    def __reduce__(self) -> str:
        return "COMMIT_TS"


COMMIT_TS = object.__new__(CommitTs)
LAST_INT64 = Int64(2**63 - 1)


def exact_float(number: int) -> float:
    """The double that is exactly `number`; raises InvalidValue when there is none."""
    try:
        double = float(number)
    except OverflowError:
        double = None
    if double is None or int(double) != number:
        raise InvalidValue(
            f"{_shown(number)} is an int that a float64 cannot hold exactly: use Int64 (up to 64 bits) or a string"
        )
    return double


def _shown(number: int) -> str:
    # Python refuses to print ints of thousands of digits, and nobody wants to read them.
    return int.__repr__(number) if number.bit_length() < 200 else f"an int of {number.bit_length()} bits"


# By class name, so that neither NumPy nor pandas has to be imported to help their users.
_REMEDIES = {
    "datetime": "store milliseconds, value.timestamp() * 1000, or an ISO string, value.isoformat()",
    "date": "store an ISO string, value.isoformat()",
    "time": "store an ISO string, value.isoformat()",
    "timedelta": "store seconds, value.total_seconds()",
    "set": "store a list, sorted(value)",
    "frozenset": "store a list, sorted(value)",
    "Decimal": "store a float, float(value), or a string, str(value)",
    "Fraction": "store a float, float(value), or a string, str(value)",
    "complex": "store the list [value.real, value.imag]",
    "UUID": "store a string, str(value)",
    "bytearray": "store bytes(value)",
    "memoryview": "store bytes(value)",
    "ndarray": "store a list, value.tolist()",
    "generator": "store a list, list(value)",
    "coroutine": "was an await forgotten?",
    "UnsetType": "UNSET means 'no such field', so it may stand only as a field of an object; use None for null",
}


def remedy(value: object) -> str:
    """Names the type of something that is no value, and what to store in its place."""
    kind = type(value)
    name = kind.__name__
    return f"{name} is not a supported value: {_REMEDIES.get(name) or _remedy_by_shape(value, kind)}"


def _remedy_by_shape(value: object, kind: type) -> str:
    if hasattr(kind, "_fields"):
        return "store a dict, value._asdict(), or a list, list(value)"
    if hasattr(kind, "__dataclass_fields__"):
        return "store a dict, dataclasses.asdict(value)"
    if hasattr(kind, "__struct_fields__"):
        return "store a dict, msgspec.to_builtins(value)"
    if hasattr(kind, "model_dump"):
        return "store a dict, value.model_dump()"
    if hasattr(kind, "__members__"):
        return "store its value, member.value"
    if hasattr(kind, "item"):
        return "store a plain number, value.item()"
    if callable(value):
        return "was a call () forgotten?"
    return "use None, bool, int, float, Int64, str, bytes, list or dict"


def plain(value: Any) -> Value:
    """A value of a subclass as the built-in type it derives from; raises InvalidValue for anything else."""
    if isinstance(value, bool | Int64):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, bytes):
        return bytes(value)
    return _plain_container(value)


def _plain_container(value: Any) -> Value:
    if isinstance(value, list):
        return list(cast(list[Value], value))
    if isinstance(value, dict):
        return dict(cast(dict[str, Value], value))
    raise InvalidValue(remedy(value))
