"""What is written as something simpler, and what is refused: with its path, its type and the remedy."""

from __future__ import annotations

import datetime
import decimal
import enum
import uuid
from collections import OrderedDict, namedtuple
from dataclasses import dataclass

import msgspec
import pytest

from reactor.values import DOCUMENT, UNSET, encode

from .samples import Colour, Level, refused


class Half(float):
    pass


class Blob(bytes):
    pass


class Names(list[str]):
    pass


@pytest.mark.parametrize(
    ("value", "raw"),
    [
        (Colour.RED, b'"red"'),
        (Level.HIGH, b"3"),
        (Half(0.5), b"0.5"),
        (Half("nan"), b'{"$float":"AAAAAAAA+H8="}'),
        (Blob(b"a"), b'{"$bytes":"YQ=="}'),
        (Names(["x"]), b'["x"]'),
        (OrderedDict(b=1, a=Colour.RED), b'{"a":"red","b":1}'),
        ({Colour.RED: 1}, b'{"red":1}'),
    ],
)
def test_subclasses_are_written_as_what_they_derive_from(value: object, raw: bytes) -> None:
    assert encode(value) == raw
    assert encode([value]) == b"[" + raw + b"]"


@dataclass
class Point:
    x: int = 1


class Row(msgspec.Struct):
    x: int = 1


class Plain(enum.Enum):
    A = "a"


Pair = namedtuple("Pair", "a b")

NOT_VALUES = [
    (datetime.datetime(2026, 1, 2), "datetime is not a supported value: store milliseconds"),
    (datetime.date(2026, 1, 2), "date is not a supported value: store an ISO string"),
    (datetime.timedelta(1), "total_seconds()"),
    ({1, 2}, "set is not a supported value: store a list, sorted(value)"),
    (frozenset("a"), "frozenset is not a supported value: store a list"),
    (decimal.Decimal("1.5"), "Decimal is not a supported value: store a float, float(value), or a string, str(value)"),
    (uuid.UUID(int=1), "UUID is not a supported value: store a string"),
    (bytearray(b"a"), "store bytes(value)"),
    (memoryview(b"a"), "store bytes(value)"),
    (1j, "complex"),
    (Point(), "Point is not a supported value: store a dict, dataclasses.asdict(value)"),
    (Row(), "msgspec.to_builtins(value)"),
    (Plain.A, "member.value"),
    (Pair(1, 2), "value._asdict()"),
    ((item for item in "ab"), "store a list, list(value)"),
    (len, "was a call () forgotten?"),
    (object(), "use None, bool, int, float, Int64, str, bytes, list or dict"),
    (UNSET, "use None for null"),
    (2**53 + 1, "9007199254740993 is an int that a float64 cannot hold exactly: use Int64"),
    (-(2**63) - 1, "use Int64 (up to 64 bits) or a string"),
    (10**400, "an int of 1329 bits"),
    ("a\ud800", "lone surrogate"),
    ({"\ud800": 1}, "not printable ASCII"),
    ({"$a": 1}, "starts with '$', which is reserved: rename it"),
    ({"é": 1}, "not printable ASCII"),
    ({"a\n": 1}, "not printable ASCII"),
    ({"x" * 1025: 1}, "1025 characters: at most 1024"),
    ({1: 2}, "the key 1 is of type int: keys of objects are strings, use str(key)"),
    ({None: 2}, "NoneType"),
]


@pytest.mark.parametrize(("value", "text"), NOT_VALUES)
def test_what_is_no_value_is_refused_with_the_remedy(value: object, text: str) -> None:
    assert text in refused(value)
    assert text in refused([b"", value])


@pytest.mark.parametrize(("value", "text"), NOT_VALUES)
def test_the_error_names_the_path(value: object, text: str) -> None:
    if value is UNSET:
        value = [UNSET]
    message = refused({"rooms": [0, {"is open": value}], "name": "x"}, where="Function a:b return value")
    assert message.startswith("Function a:b return value invalid: ")
    assert "(at .rooms[1]['is open']" in message


def test_an_int_that_python_would_not_print_is_refused() -> None:
    assert "an int of 16610 bits is an int that a float64 cannot hold exactly" in refused(10**5000)


def test_without_a_place_the_limits_name_the_subject() -> None:
    assert refused({1}, limits=DOCUMENT).startswith("Document invalid: set is not")
