"""Values as text for error messages: `{name: "Ada", score: 1.0}`.

Numbers, strings and bytes look as Rust prints them, since clients and their test suites look for that form
(get-convex/convex-backend, crates/value/src/lib.rs). What a client sent may be large, so the text is cut.
"""

import math
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from .kinds import COMMIT_TS, Int64, Value

__all__ = ["MAX_TEXT", "render_text", "render_value"]

MAX_TEXT = 16_384
"""Characters of a rendered value; the rest becomes `…`."""

_MAX_DEPTH = 64
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\0"}


def render_value(value: Value) -> str:
    """The text of any Python object: values in literal notation, everything else as `<its type>`."""
    pieces: list[str] = []
    room = MAX_TEXT
    for piece in _pieces(value, 0):
        if len(piece) > room:
            return "".join(pieces) + piece[:room] + "…"
        pieces.append(piece)
        room -= len(piece)
    return "".join(pieces)


def render_text(text: str) -> str:
    """A string in double quotes, with escapes for quotes, backslashes and what cannot be printed."""
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + "".join(_ESCAPES.get(char) or _visible(char) for char in text) + '"'


def _visible(char: str) -> str:
    return char if char.isprintable() else f"\\u{{{ord(char):x}}}"


def _pieces(value: Any, depth: int) -> Iterator[str]:
    # A handler may return a list that contains itself; the encoder reports that, this only has to end.
    if depth > _MAX_DEPTH:
        yield "…"
    elif isinstance(value, dict):
        yield from _members(cast(Mapping[Any, Any], value), depth)
    elif isinstance(value, list | tuple):
        yield from _elements(cast(Sequence[Any], value), depth)
    else:
        yield _scalar(value)


def _members(members: Mapping[Any, Any], depth: int) -> Iterator[str]:
    separator = "{"
    for name in sorted(members, key=str):
        yield f"{separator}{name}: "
        yield from _pieces(members[name], depth + 1)
        separator = ", "
    yield "}" if members else "{}"


def _elements(elements: Sequence[Any], depth: int) -> Iterator[str]:
    separator = "["
    for element in elements:
        yield separator
        yield from _pieces(element, depth + 1)
        separator = ", "
    yield "]" if elements else "[]"


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Int64):
        return int.__repr__(value)
    if isinstance(value, int | float):
        return _number(value)
    # One character more than fits, so that the caller sees that there is more.
    if isinstance(value, str):
        return render_text(str.__str__(value[: MAX_TEXT + 1]))
    if isinstance(value, bytes):
        return f'b"{b64encode(value[: MAX_TEXT + 1]).decode()}"'
    return "commitTs" if value is COMMIT_TS else f"<{type(value).__name__}>"


def _number(value: int | float) -> str:
    try:
        double = float(value)
    except OverflowError:
        return f"<an int of {int(value).bit_length()} bits>"
    if math.isnan(double):
        return "NaN"
    digits, exponent, power = repr(double).partition("e")
    return f"{digits}e{int(power)}" if exponent else digits
