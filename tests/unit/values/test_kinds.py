"""Int64, and the names that values and schemas may use."""

from __future__ import annotations

import copy
import pickle

import pytest

from reactor.errors import InvalidValue
from reactor.values import UNSET, Int64, is_identifier


def test_int64_is_an_int_that_says_what_it_is() -> None:
    assert Int64(5) == 5
    assert hash(Int64(5)) == hash(5)
    assert (repr(Int64(-5)), str(Int64(-5)), f"{Int64(-5):>4}") == ("Int64(-5)", "-5", "  -5")
    assert Int64("12") == 12


def test_int64_stays_int64_under_arithmetic_with_ints() -> None:
    seven = Int64(7)
    results = [seven + 1, 1 + seven, seven - 1, 1 - seven, seven * 2, 2 * seven, seven // 2, 20 // seven]
    results += [seven % 4, 20 % seven, -seven, abs(Int64(-7)), sum([seven, seven])]
    assert results == [8, 8, 6, -6, 14, 14, 3, 2, 3, 6, -7, 7, 14]
    assert {type(result) for result in results} == {Int64}


def test_int64_with_a_float_is_a_float() -> None:
    assert type(Int64(1) + 0.5) is float
    assert type(0.5 * Int64(1)) is float
    assert type(Int64(1) / 2) is float


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**400])
def test_int64_ends_at_64_bits(number: int) -> None:
    with pytest.raises(InvalidValue, match="does not fit in 64 bits: store a string"):
        Int64(number)


def test_int64_refuses_what_python_would_not_print() -> None:
    with pytest.raises(InvalidValue, match="an int of 16610 bits does not fit"):
        Int64(10**5000)


def test_int64_arithmetic_ends_at_64_bits() -> None:
    largest = Int64(2**63 - 1)
    for overflow in (lambda: largest + 1, lambda: -largest - 2, lambda: largest * largest, lambda: abs(-largest - 1)):
        with pytest.raises(InvalidValue, match="does not fit in 64 bits"):
            overflow()


def test_int64_and_unset_can_be_copied_and_pickled() -> None:
    again = pickle.loads(pickle.dumps([Int64(5), UNSET]))
    assert type(again[0]) is Int64
    assert again[1] is UNSET
    assert type(copy.deepcopy(Int64(5))) is Int64
    assert repr(UNSET) == "UNSET"


@pytest.mark.parametrize("name", ["a", "_a", "A1_", "__1", "x" * 64])
def test_identifiers(name: str) -> None:
    assert is_identifier(name)


@pytest.mark.parametrize("name", ["", "_", "___", "1a", "a-b", "é", "a\n", "x" * 65, "$a"])
def test_no_identifiers(name: str) -> None:
    assert not is_identifier(name)
