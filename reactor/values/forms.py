"""Other JSON forms of values, which the HTTP API and exports offer."""

import math
from typing import Any

from .kinds import UNSET, Int64, Value, exact_float, kind_of, plain
from .plainness import PLAIN_KINDS
from .writer import base64_text, float_wrapper

__all__ = ["to_clean_json", "to_export_json"]


def to_clean_json(value: Value) -> Any:
    """The `json` format of the HTTP API, as things a JSON encoder takes.

    Loses kinds: Int64 becomes a decimal string, bytes base64 text, NaN and infinities their names.
    """
    kind = kind_of(value)
    if kind is dict:
        return {name: to_clean_json(item) for name, item in value.items() if item is not UNSET}
    if kind is list or kind is tuple:
        return [to_clean_json(item) for item in value]
    if kind is float and not math.isfinite(value):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    if kind is Int64:
        return str(value)
    if kind is bytes:
        return base64_text(value)
    return value if kind in PLAIN_KINDS else to_clean_json(plain(value))


def to_export_json(value: Value) -> Any:
    """The `export_json` format: numbers are float, Int64 is int, NaN, infinities and bytes stay wrapped.

    Write it with an encoder that gives every float a point or an exponent, -0.0 included, as msgspec does.
    """
    kind = kind_of(value)
    if kind is dict:
        return {name: to_export_json(item) for name, item in value.items() if item is not UNSET}
    if kind is list or kind is tuple:
        return [to_export_json(item) for item in value]
    if kind is int:
        return exact_float(value)
    if kind is float and not math.isfinite(value):
        return float_wrapper(value)
    if kind is Int64:
        return int(value)
    if kind is bytes:
        return {"$bytes": base64_text(value)}
    return value if kind in PLAIN_KINDS else to_export_json(plain(value))
