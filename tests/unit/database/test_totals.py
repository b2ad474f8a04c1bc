"""Totals against arithmetic without rounding."""

import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.database.totals import NO_NUMBER, Totals, pack_number
from reactor.errors import DeveloperError
from reactor.values import Int64, encode_value

finite = st.floats(allow_nan=False, allow_infinity=False)
small = st.sampled_from([0.1, 0.2, 0.3, -0.1, 1e16, 1.0, -1e16, 5e-324, 0.0, -0.0, 3])
int64s = st.integers(-(2**40), 2**40).map(Int64)
numbers = st.one_of(finite, small, int64s)
others = st.sampled_from([None, "1", True, b"1", [1], {}])


def totals_of(values: list[Any]) -> Totals:
    totals = Totals()
    for value in values:
        totals.add(pack_number(value))
    return totals


def expected_sum(values: list[Any]) -> Any:
    if values and all(isinstance(value, Int64) for value in values):
        return Int64(sum(int(value) for value in values))
    exact = sum((Fraction(int(v)) if isinstance(v, Int64) else Fraction(v) for v in values), Fraction(0))
    try:
        return float(exact)
    except OverflowError:
        return math.inf if exact > 0 else -math.inf


@given(st.lists(st.one_of(numbers, others), max_size=20))
def test_what_is_told(values: list[Any]) -> None:
    told = totals_of(values).tell()
    counted = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    assert told["count"] == len(values)
    assert told["sum"] == expected_sum(counted)
    assert isinstance(told["sum"], Int64) == (bool(counted) and all(isinstance(v, Int64) for v in counted))
    assert (told["min"] is None, told["mean"] is None) == (not counted, not counted)
    if counted:
        ordered = sorted(counted, key=encode_value)
        assert encode_value(told["min"]) == encode_value(ordered[0])
        assert encode_value(told["max"]) == encode_value(ordered[-1])


@given(st.lists(numbers, max_size=12), st.lists(numbers, max_size=12), st.randoms(use_true_random=False))
def test_the_way_there_leaves_no_trace(stay: list[Any], go: list[Any], random: Any) -> None:
    """However numbers came and went, equal sets have equal bytes."""
    everything = [*stay, *go]
    random.shuffle(everything)
    totals = totals_of(everything)
    for value in go:
        if not totals.subtract(pack_number(value)):
            return  # whoever keeps totals counts again then
    assert totals.encode() == totals_of(stay).encode()


@given(st.lists(st.sampled_from([1.0, 2.0, 3.0, None]), max_size=8), st.data())
def test_what_comes_and_goes_at_once(values: list[Any], data: st.DataObject) -> None:
    """Sure or not: what is told without being asked to count again is what counting again tells."""
    parts = [values[:3], values[3:]]
    totals = Totals()
    for part in parts:
        totals.merge(Totals.decode(totals_of(part).encode()))
    before = totals.tell()
    left = list(values)
    for _ in range(3):
        come = data.draw(st.lists(st.sampled_from([0.5, 1.0, 3.0, 4.0]), max_size=2))
        gone = data.draw(st.lists(st.sampled_from(sorted(set(left), key=str)), max_size=2, unique=True)) if left else []
        copy = totals.copy()
        if not copy.change(map(pack_number, come), map(pack_number, gone)):
            break
        left += come
        for value in gone:
            left.remove(value)
        totals = copy
        assert totals.encode() == totals_of(left).encode()
    assert totals_of(values).tell() == before


def test_one_of_many_smallest_may_go() -> None:
    totals = totals_of([1.0, 1.0, 2.0, 3.0])
    assert totals.subtract(pack_number(1.0))
    assert totals.tell()["min"] == 1.0
    assert not totals.subtract(pack_number(1.0)), "it may have been the last one"
    totals = totals_of([1.0, 2.0, 3.0])
    assert totals.change([pack_number(5.0)], [pack_number(3.0)]), "another one is the largest"
    assert totals.tell() == {"count": 3, "sum": 8.0, "min": 1.0, "max": 5.0, "mean": 8 / 3}
    assert not Totals.decode(totals_of([1.0, 1.0]).encode()).subtract(pack_number(1.0)), "how many is not stored"


@given(st.lists(st.lists(st.one_of(numbers, others), max_size=5), max_size=5))
def test_parts_make_the_whole(parts: list[list[Any]]) -> None:
    whole = Totals()
    for part in parts:
        whole.merge(Totals.decode(totals_of(part).encode()))
    assert whole.encode() == totals_of([value for part in parts for value in part]).encode()


@pytest.mark.parametrize(
    ("values", "total"),
    [
        ([math.inf, 1.0], math.inf),
        ([-math.inf, 1.0], -math.inf),
        ([math.inf, -math.inf], math.nan),
        ([math.nan, 1.0], math.nan),
        ([1.7e308, 1.7e308], math.inf),
        ([-1.7e308, -1.7e308], -math.inf),
    ],
)
def test_sums_that_are_not_finite(values: list[float], total: float) -> None:
    told = Totals.decode(totals_of(values).encode()).tell()
    assert told["sum"] == pytest.approx(total, nan_ok=True)


def test_an_infinity_that_goes_is_gone() -> None:
    totals = totals_of([-math.inf, math.inf, 5.0, math.nan])
    assert not totals.subtract(pack_number(-math.inf))
    totals = totals_of([1.0, 2.0, 3.0])
    assert totals.subtract(pack_number(2.0))
    assert totals.tell() == {"count": 2, "sum": 4.0, "min": 1.0, "max": 3.0, "mean": 2.0}


def test_a_sum_beyond_int64_is_an_error() -> None:
    with pytest.raises(DeveloperError, match="more than an Int64 holds") as caught:
        totals_of([Int64(2**63 - 1), Int64(1)]).tell()
    assert caught.value.code == "AggregateOverflow"
    assert totals_of([Int64(2**63 - 1), Int64(1), 0.5]).tell()["sum"] == 2.0**63


def test_what_is_no_number_is_counted() -> None:
    assert pack_number(True) == pack_number("1") == NO_NUMBER
    assert totals_of(["1", None]).tell() == {"count": 2, "sum": 0.0, "min": None, "max": None, "mean": None}
