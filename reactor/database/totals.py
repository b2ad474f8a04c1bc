"""What is known of a set of numbers without the numbers: how many, their exact sum, the smallest and the largest.

Sums are exact, in whole multiples of the smallest number there is. So they do not depend on the order in which numbers
came and went, and are rounded once, when somebody asks.
"""

import math
import struct
from collections.abc import Iterable
from typing import Any, TypedDict

import msgspec

from reactor.errors import DeveloperError
from reactor.values import Int64, encode_value

__all__ = ["NO_NUMBER", "AggregateResult", "Totals", "pack_number"]

_SHIFT = 1074
"""Every finite float is a whole multiple of 2 ** -1074."""

_MARK = struct.Struct(">Bd").pack
_WHOLE = struct.Struct(">Bq").pack
_READ_FLOAT = struct.Struct(">d").unpack_from
_READ_INT = struct.Struct(">q").unpack_from

_NOTHING, _INT64, _FLOAT = 1, 2, 3
_ALL_FINITE = 0, 0, 0
"""How many numbers are NaN, infinity, minus infinity."""

NO_NUMBER = bytes([_NOTHING]) + bytes(8)
"""What `pack_number` makes of everything that is no number."""


class AggregateResult(TypedDict):
    """What `ctx.db.aggregate` gives.

    `count` documents are in the range. `sum`, `min`, `max` and `mean` are those of their numbers: 0 and None where
    there are none. `sum` is correctly rounded, and an Int64 when all numbers are.
    """

    count: int
    sum: float | Int64
    min: float | Int64 | None
    max: float | Int64 | None
    mean: float | None


def pack_number(value: Any) -> bytes:
    """Nine bytes that say a number, an Int64, or neither."""
    if isinstance(value, Int64):
        return _WHOLE(_INT64, value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _MARK(_FLOAT, value)
    return NO_NUMBER


def _unpack(packed: bytes) -> float | Int64:
    return Int64(_READ_INT(packed, 1)[0]) if packed[0] == _INT64 else _READ_FLOAT(packed, 1)[0]


class _State(msgspec.Struct, array_like=True):
    """Totals as they are stored. `units` is the sum of floats in multiples of 2 ** (zeros - 1074)."""

    count: int
    int64s: int
    int64_sum: bytes
    floats: int
    units: bytes
    zeros: int
    not_finite: tuple[int, int, int]
    least: bytes
    most: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_State).decode


class Totals:
    """Totals of documents with a packed number each. Equal sets of numbers have equal totals, and equal bytes."""

    __slots__ = (
        "_int64_sum", "_int64s", "_least", "_leasts", "_most", "_mosts", "_not_finite", "_units", "count", "floats"
    )  # fmt: skip

    def __init__(self) -> None:
        self.count = 0
        self.floats = 0
        self._int64s = self._int64_sum = self._units = 0
        self._not_finite = _ALL_FINITE
        # Packed, beside the key bytes that they are compared by.
        self._least: tuple[bytes, bytes] | None = None
        self._most: tuple[bytes, bytes] | None = None
        # So many documents at least have the smallest number, and the largest. Not stored: of others' it is one.
        self._leasts = self._mosts = 0

    def add(self, packed: bytes) -> None:
        """A document comes, with this number."""
        self._count(packed, 1)
        if packed[0] != _NOTHING:
            entry = encode_value(_unpack(packed)), packed
            self._reach(entry, 1, entry, 1)

    def subtract(self, packed: bytes) -> bool:
        """A document goes. False, and nothing is sure any more, when it may have been the smallest or the largest."""
        if self._least is not None and packed == self._least[1]:
            self._leasts -= 1
            if not self._leasts:
                return False
        if self._most is not None and packed == self._most[1]:
            self._mosts -= 1
            if not self._mosts:
                return False
        self._count(packed, -1)
        return True

    def change(self, come: Iterable[bytes], gone: Iterable[bytes]) -> bool:
        """Documents with these numbers come and go. False as for `subtract`, which is rare: a new smallest or largest
        number takes the place of the one that goes."""
        for packed in come:
            self.add(packed)
        return all(map(self.subtract, gone))

    def merge(self, other: "Totals") -> None:
        """All documents of `other` come."""
        self.count += other.count
        self.floats += other.floats
        self._units += other._units
        self._int64s += other._int64s
        self._int64_sum += other._int64_sum
        if other._not_finite is not _ALL_FINITE:
            nan, plus, minus = other._not_finite
            self._not_finite = self._not_finite[0] + nan, self._not_finite[1] + plus, self._not_finite[2] + minus
        if other._least is not None and other._most is not None:
            self._reach(other._least, other._leasts, other._most, other._mosts)

    def copy(self) -> "Totals":
        """The same, to be changed apart."""
        other = Totals()
        for name in Totals.__slots__:
            setattr(other, name, getattr(self, name))
        return other

    def _reach(self, least: tuple[bytes, bytes], leasts: int, most: tuple[bytes, bytes], mosts: int) -> None:
        """Numbers come: this is the smallest of them, of so many documents at least, and this the largest."""
        if self._least is None or least < self._least:
            self._least, self._leasts = least, leasts
        elif least[1] == self._least[1]:
            self._leasts += leasts
        if self._most is None or most > self._most:
            self._most, self._mosts = most, mosts
        elif most[1] == self._most[1]:
            self._mosts += mosts

    def _count(self, packed: bytes, sign: int) -> None:
        self.count += sign
        if packed[0] == _FLOAT:
            self.floats += sign
            number: float = _READ_FLOAT(packed, 1)[0]
            if math.isfinite(number):
                whole, parts = number.as_integer_ratio()
                self._units += sign * (whole << (_SHIFT + 1 - parts.bit_length()))
            else:
                nan, plus, minus = self._not_finite
                if math.isnan(number):
                    nan += sign
                elif number > 0:
                    plus += sign
                else:
                    minus += sign
                self._not_finite = nan, plus, minus
        elif packed[0] == _INT64:
            self._int64s += sign
            self._int64_sum += sign * _READ_INT(packed, 1)[0]

    # Stored

    def encode(self) -> bytes:
        """Bytes to store."""
        units = self._units
        zeros = (units & -units).bit_length() - 1 if units else 0
        least, most = (self._least or (b"", b""))[1], (self._most or (b"", b""))[1]
        nan, plus, minus = self._not_finite
        state = _State(
            self.count, self._int64s, _bytes(self._int64_sum), self.floats, _bytes(units >> zeros), zeros,
            (nan, plus, minus), least, most,
        )  # fmt: skip
        return _encode(state)

    @classmethod
    def decode(cls, stored: bytes) -> "Totals":
        """From what `encode` gave."""
        state, totals = _decode(stored), cls()
        totals.count, totals.floats, totals._int64s = state.count, state.floats, state.int64s
        totals._int64_sum = int.from_bytes(state.int64_sum, signed=True)
        totals._units = int.from_bytes(state.units, signed=True) << state.zeros
        if any(state.not_finite):
            totals._not_finite = state.not_finite
        if state.least:
            totals._least = encode_value(_unpack(state.least)), state.least
            totals._most = encode_value(_unpack(state.most)), state.most
            totals._leasts = totals._mosts = 1
        return totals

    # Told

    def tell(self) -> AggregateResult:
        """Rounded, for people. Raises DeveloperError when Int64s add up to more than an Int64 holds."""
        total = self._sum()
        numbers = self.floats + self._int64s
        return {
            "count": self.count,
            "sum": total,
            "min": _unpack(self._least[1]) if self._least else None,
            "max": _unpack(self._most[1]) if self._most else None,
            "mean": self._mean(numbers) if numbers else None,
        }

    def _sum(self) -> float | Int64:
        if self._int64s and not self.floats:
            if not -(2**63) <= self._int64_sum < 2**63:
                raise DeveloperError(
                    f"The sum {self._int64_sum} is more than an Int64 holds. Narrow the range, or keep smaller units.",
                    code="AggregateOverflow",
                )
            return Int64(self._int64_sum)
        return self._divided(1)

    def _mean(self, numbers: int) -> float:
        return self._divided(numbers)

    def _divided(self, by: int) -> float:
        nan, plus, minus = self._not_finite
        if nan or (plus and minus):
            return math.nan
        if plus or minus:
            return math.inf if plus else -math.inf
        units = self._units + (self._int64_sum << _SHIFT)
        try:
            return units / (by << _SHIFT)  # a division of whole numbers is rounded correctly
        except OverflowError:
            return math.inf if units > 0 else -math.inf


def _bytes(number: int) -> bytes:
    return number.to_bytes(number.bit_length() // 8 + 1, signed=True)
