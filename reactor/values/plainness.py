"""The quick look that spares most values a walk.

Nearly all values are documents of a few scalar fields, which msgspec reads and writes right by itself. To find that
out item by item would cost several times what msgspec needs, so all items of one nesting level are looked at
together, in loops that run inside the interpreter: the set of their types, of their names, the sum of their floats.
"""

import math
from itertools import chain
from types import NoneType
from typing import Any

from .faults import PathError
from .kinds import EXACT_INT, Int64, Value, kind_of
from .names import known_names
from .sizes import Limits

__all__ = ["PLAIN_KINDS", "is_plain", "is_plain_float"]

_CONTAINERS = frozenset({dict, list, tuple})
_NONE: frozenset[str] = frozenset()
_TRIVIAL = frozenset({NoneType, bool, str})
_SIMPLE = _TRIVIAL | {float}

PLAIN_KINDS = frozenset({NoneType, bool, int, float, str, dict, list, tuple, Int64})
"""Exact types that msgspec writes as what they are, Int64 by the encoder's hook. All others need a walk."""


def is_plain(value: Value, limits: Limits, *, outgoing: bool) -> bool:
    """True when msgspec alone treats `value` right and it keeps all limits but that of size.

    False means no more than: walk it. `outgoing` looks at floats too, since msgspec writes NaN and infinities as null,
    and -0.0 in a way that some clients read as 0. Raises PathError for more items than `limits` has bytes.
    """
    if kind_of(value) is str or (kind_of(value) is dict and _is_flat(value, limits)):
        return True
    level: list[Any] = [value]
    for _ in range(limits.max_depth + 1):
        kinds = set(map(type, level))
        if not kinds <= PLAIN_KINDS or (int in kinds and _has_wide_int(level)):
            return False
        if outgoing and float in kinds and _has_special_float(level):
            return False
        if kinds.isdisjoint(_CONTAINERS):
            return True
        children: list[Any] = []
        if dict in kinds:
            objects = [item for item in level if kind_of(item) is dict] if len(kinds) > 1 else level
            if not _all_short(objects, limits.max_fields, limits) or not known_names.issuperset(_NONE.union(*objects)):
                return False
            children += chain.from_iterable([item.values() for item in objects])
        if list in kinds or tuple in kinds:
            arrays = [item for item in level if kind_of(item) is list or kind_of(item) is tuple]
            if not _all_short(arrays, limits.max_array, limits):
                return False
            children += chain.from_iterable(arrays)
        level = children
    return False


def _is_flat(fields: Any, limits: Limits) -> bool:
    """Whether this is the commonest of all: a few scalars under known names. False means no more than: look closer."""
    if len(fields) > limits.max_fields or not known_names.issuperset(fields):
        return False
    kinds = set(map(type, fields.values()))
    if float not in kinds:
        return kinds <= _TRIVIAL
    return kinds <= _SIMPLE and all(0.0 < item < math.inf for item in fields.values() if type(item) is float)


def is_plain_float(value: float) -> bool:
    """Whether `value` is written as a JSON number: finite, and not -0.0."""
    return math.isfinite(value) and (value != 0.0 or math.copysign(1.0, value) > 0.0)


def _all_short(containers: list[Any], longest: int, limits: Limits) -> bool:
    total = sum(map(len, containers))
    if total > limits.max_bytes:
        raise PathError(f"more than {limits.max_bytes} items: split it")
    return total <= longest or max(map(len, containers)) <= longest


def _has_wide_int(items: list[Any]) -> bool:
    ints = [item for item in items if type(item) is int]
    return max(ints) > EXACT_INT or min(ints) < -EXACT_INT


def _has_special_float(items: list[Any]) -> bool:
    floats = [item for item in items if type(item) is float]
    # A sum with NaN or an infinity in it is one. (So may be a sum of finite numbers: the walk then finds nothing.)
    return not math.isfinite(sum(floats)) or (0.0 in floats and not all(map(is_plain_float, floats)))
