"""Values as text in messages."""

from __future__ import annotations

import math
from datetime import date

import pytest
from hypothesis import given

from reactor.values import COMMIT_TS, Int64, Value
from reactor.values.rendering import MAX_TEXT, render_text, render_value

from .strategies import values


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (False, "false"),
        (1, "1.0"),
        (-0.0, "-0.0"),
        (0.1, "0.1"),
        (1e16, "1e16"),
        (1.5e-7, "1.5e-7"),
        (2**53, "9007199254740992.0"),
        (10**400, "<an int of 1329 bits>"),
        (math.nan, "NaN"),
        (-math.nan, "NaN"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        (Int64(5), "5"),
        (COMMIT_TS, "commitTs"),
        ("a", '"a"'),
        ('say "hi"\\\n\r\t\0', '"say \\"hi\\"\\\\\\n\\r\\t\\0"'),
        ("é\u200b\U0001f600\ud800", '"é\\u{200b}\U0001f600\\u{d800}"'),
        (b"\x00\x10\x83", 'b"ABCD"'),
        ([], "[]"),
        ([1, [Int64(2)]], "[1.0, [2]]"),
        ((None,), "[null]"),
        ({}, "{}"),
        ({"b": 1, "a": {"c": "d"}}, '{a: {c: "d"}, b: 1.0}'),
        ({1: True}, "{1: true}"),
        (date(2020, 1, 1), "<date>"),
    ],
)
def test_every_kind_has_its_notation(value: Value, text: str) -> None:
    assert render_value(value) == text


def test_long_values_are_cut() -> None:
    assert render_value("x" * 1_000_000) == '"' + "x" * (MAX_TEXT - 1) + "…"
    assert render_value(["ab"] * 1_000_000) == ('["ab"' + ', "ab"' * MAX_TEXT)[:MAX_TEXT] + "…"


def test_a_list_that_contains_itself_ends() -> None:
    endless: list[Value] = []
    endless.append(endless)
    assert render_value(endless) == "[" * 65 + "…" + "]" * 65


@given(values)
def test_any_value_can_be_encoded_as_a_message(value: Value) -> None:
    assert len(render_value(value).encode()) > 0


def test_text_alone() -> None:
    assert render_text("users") == '"users"'
