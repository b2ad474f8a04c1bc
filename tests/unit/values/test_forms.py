"""The two other JSON forms."""

from __future__ import annotations

import math

import msgspec

from reactor.values import UNSET, Int64, to_clean_json, to_export_json

from .samples import Colour


def test_clean_json() -> None:
    value = {"a": [1, 1.5, math.nan, math.inf, -math.inf], "b": Int64(-5), "c": b"\x00\x10\x83", "d": (True, None)}
    clean = {"a": [1, 1.5, "NaN", "Infinity", "-Infinity"], "b": "-5", "c": "ABCD", "d": [True, None]}
    assert to_clean_json(value | {"e": UNSET}) == clean
    assert to_clean_json([Colour.RED]) == ["red"]


def test_export_json() -> None:
    value = {"a": [1, 1.5, -0.0, math.nan], "b": Int64(-5), "c": b"\x00\x10\x83", "d": (True, None), "e": UNSET}
    assert msgspec.json.encode(to_export_json(value)) == (
        b'{"a":[1.0,1.5,-0.0,{"$float":"AAAAAAAA+H8="}],"b":-5,"c":{"$bytes":"ABCD"},"d":[true,null]}'
    )
    assert to_export_json(Colour.RED) == "red"
