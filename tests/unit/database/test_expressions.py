"""Filter expressions: the order of values, strict kinds, and both ways to write them."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.database.expressions import Expression, FilterBuilder
from reactor.errors import DeveloperError
from reactor.values import UNSET, Int64, compare
from tests.unit.values.strategies import values as any_value

Predicate = Callable[[FilterBuilder], Any]

DOCUMENT: dict[str, Any] = {
    "n": 3,
    "half": 0.5,
    "i": Int64(7),
    "yes": True,
    "name": "Ada",
    "none": None,
    "in": {"side": {"deep": 1}, "list": [1]},
}


def value(predicate: Predicate, document: dict[str, Any] = DOCUMENT) -> Any:
    made = predicate(FilterBuilder())
    assert isinstance(made, Expression)
    return made.evaluate(document)


@pytest.mark.parametrize(
    ("predicate", "expected"),
    [
        (lambda q: q.eq(q.field("n"), 3), True),
        (lambda q: q.eq(q.field("n"), 3.0), True),
        (lambda q: q.eq(q.field("n"), Int64(3)), False),
        (lambda q: q.eq(q.field("yes"), 1), False),
        (lambda q: q.neq(q.field("name"), "Ada"), False),
        (lambda q: q.neq(q.field("name"), "Eve"), True),
        (lambda q: q.eq("Ada", q.field("name")), True),
        (lambda q: q.eq(q.field("none"), None), True),
        (lambda q: q.eq(q.field("gone"), None), False),
        (lambda q: q.eq(q.field("gone"), UNSET), True),
        (lambda q: q.lt(q.field("gone"), None), True),
        (lambda q: q.lt(q.field("i"), -1e300), True),
        (lambda q: q.gt(q.field("name"), q.field("n")), True),
        (lambda q: q.lte(q.field("n"), 3), True),
        (lambda q: q.gte(q.field("n"), 3.5), False),
        (lambda q: q.eq(q.field("in.side.deep"), 1), True),
        (lambda q: q.eq(q.field("in.list.0"), UNSET), True),
        (lambda q: q.eq(q.field("in.side"), {"deep": 1}), True),
        (lambda q: q.eq(math.nan, math.nan), True),
        (lambda q: q.eq(-0.0, 0.0), False),
        (lambda q: q.add(q.field("n"), 0.5), 3.5),
        (lambda q: q.sub(q.field("i"), Int64(9)), Int64(-2)),
        (lambda q: q.mul(2, q.field("half")), 1.0),
        (lambda q: q.div(Int64(-7), Int64(2)), Int64(-3)),
        (lambda q: q.div(Int64(7), Int64(-2)), Int64(-3)),
        (lambda q: q.mod(Int64(-7), Int64(2)), Int64(-1)),
        (lambda q: q.mod(Int64(7), Int64(-2)), Int64(1)),
        (lambda q: q.mod(-7, 2), -1.0),
        (lambda q: q.div(1, 0), math.inf),
        (lambda q: q.div(-1, 0), -math.inf),
        (lambda q: q.div(1, -0.0), -math.inf),
        (lambda q: q.neg(q.field("n")), -3.0),
        (lambda q: q.neg(q.field("i")), Int64(-7)),
        (lambda q: q.and_(), True),
        (lambda q: q.or_(), False),
        (lambda q: q.and_(True, q.field("yes")), True),
        (lambda q: q.or_(False, q.field("yes")), True),
        (lambda q: q.not_(q.field("yes")), False),
        # Behind the one that decides nothing is looked at.
        (lambda q: q.and_(False, q.field("n")), False),
        (lambda q: q.or_(True, q.div(Int64(1), Int64(0))), True),
    ],
)
def test_what_expressions_are(predicate: Predicate, expected: Any) -> None:
    found = value(predicate)
    assert compare(found, expected) == 0
    assert type(found) is type(expected)


def test_division_without_a_result_is_not_a_number() -> None:
    assert math.isnan(value(lambda q: q.div(0, 0)))
    assert math.isnan(value(lambda q: q.mod(1, 0)))
    assert math.isnan(value(lambda q: q.mod(math.inf, 2)))


@pytest.mark.parametrize(
    ("operators", "methods"),
    [
        (lambda q: q.field("n") == 3, lambda q: q.eq(q.field("n"), 3)),
        (lambda q: q.field("n") != 3, lambda q: q.neq(q.field("n"), 3)),
        (lambda q: q.field("n") < 3, lambda q: q.lt(q.field("n"), 3)),
        (lambda q: q.field("n") <= 3, lambda q: q.lte(q.field("n"), 3)),
        (lambda q: q.field("n") > 3, lambda q: q.gt(q.field("n"), 3)),
        (lambda q: q.field("n") >= 3, lambda q: q.gte(q.field("n"), 3)),
        (lambda q: 3 < q.field("n"), lambda q: q.gt(q.field("n"), 3)),  # noqa: SIM300 - this way round is the test
        (lambda q: q.field("n") + 1, lambda q: q.add(q.field("n"), 1)),
        (lambda q: 1 + q.field("n"), lambda q: q.add(1, q.field("n"))),
        (lambda q: q.field("n") - 1, lambda q: q.sub(q.field("n"), 1)),
        (lambda q: 1 - q.field("n"), lambda q: q.sub(1, q.field("n"))),
        (lambda q: q.field("n") * 2, lambda q: q.mul(q.field("n"), 2)),
        (lambda q: 2 * q.field("n"), lambda q: q.mul(2, q.field("n"))),
        (lambda q: q.field("n") / 2, lambda q: q.div(q.field("n"), 2)),
        (lambda q: 2 / q.field("n"), lambda q: q.div(2, q.field("n"))),
        (lambda q: q.field("n") % 2, lambda q: q.mod(q.field("n"), 2)),
        (lambda q: 2 % q.field("n"), lambda q: q.mod(2, q.field("n"))),
        (lambda q: -q.field("n"), lambda q: q.neg(q.field("n"))),
        (lambda q: q.field("yes") & True, lambda q: q.and_(q.field("yes"), True)),
        (lambda q: True & q.field("yes"), lambda q: q.and_(True, q.field("yes"))),
        (lambda q: q.field("yes") | True, lambda q: q.or_(q.field("yes"), True)),
        (lambda q: True | q.field("yes"), lambda q: q.or_(True, q.field("yes"))),
        (lambda q: ~q.field("yes"), lambda q: q.not_(q.field("yes"))),
    ],
)
def test_operators_say_what_methods_say(operators: Predicate, methods: Predicate) -> None:
    q = FilterBuilder()
    assert operators(q).form == methods(q).form
    assert compare(value(operators), value(methods)) == 0


@pytest.mark.parametrize(
    ("predicate", "text"),
    [
        (lambda q: q.add(q.field("n"), q.field("i")), r"Cannot add 3.0 \(type Float64\) and 7 \(type Int64\)"),
        (lambda q: q.sub("a", 1), r'Cannot sub "a" \(type String\) and 1.0 \(type Float64\)'),
        (lambda q: q.mul(q.field("gone"), 1), r"Cannot mul undefined \(type Undefined\)"),
        (lambda q: q.div(None, [1]), r"Cannot div null \(type Null\) and \[1.0\] \(type Array\)"),
        (lambda q: q.mod(True, b"x"), r'\(type Boolean\) and b"eA==" \(type Bytes\)'),
        (lambda q: q.neg({"a": 1}), r"Cannot negate {a: 1.0} \(type Object\)"),
        (lambda q: q.neg("x"), "only numbers have an opposite"),
        (lambda q: q.div(Int64(1), Int64(0)), "Cannot div 1 by zero"),
        (lambda q: q.mod(Int64(1), Int64(0)), "Cannot mod 1 by zero"),
        (lambda q: q.add(Int64(2**63 - 1), Int64(1)), "Cannot add: the result is out of range for Int64"),
        (lambda q: q.div(Int64(-(2**63)), Int64(-1)), "result is out of range for Int64"),
        (lambda q: q.neg(Int64(-(2**63))), "result is out of range for Int64"),
        (lambda q: q.and_(1), r"Cannot use value 1.0 \(type Float64\) as a Boolean"),
        (lambda q: q.or_(q.field("gone")), r"Cannot use value undefined \(type Undefined\) as a Boolean"),
        (lambda q: q.not_(None), r"Cannot use value null \(type Null\) as a Boolean"),
    ],
)
def test_kinds_are_strict(predicate: Predicate, text: str) -> None:
    with pytest.raises(DeveloperError, match=text) as raised:
        value(predicate)
    assert raised.value.code == "EvalError"


@pytest.mark.parametrize(
    "wrong",
    [lambda q: q.field("a") and q.field("b"), lambda q: 1 < q.field("n") < 5, lambda q: not q.field("a")],
)
def test_pythons_own_words_are_refused(wrong: Predicate) -> None:
    with pytest.raises(DeveloperError, match="no truth of its own.*Write & for and") as raised:
        wrong(FilterBuilder())
    assert raised.value.code == "FilterExpression"


@pytest.mark.parametrize("path", ["", "a.", ".a", "a..b", 7, None])
def test_a_field_is_named_by_a_path(path: Any) -> None:
    with pytest.raises(DeveloperError, match="takes a path like"):
        FilterBuilder().field(path)


def test_what_is_no_value_cannot_be_compared_with() -> None:
    with pytest.raises(DeveloperError, match="set is not a supported value"):
        FilterBuilder().eq(FilterBuilder().field("a"), {1})


@given(any_value, any_value)
def test_comparisons_follow_the_order_of_values(a: Any, b: Any) -> None:
    order = compare(a, b)
    document = {"a": a}
    assert value(lambda q: q.field("a") == b, document) is (order == 0)
    assert value(lambda q: q.field("a") != b, document) is (order != 0)
    assert value(lambda q: q.field("a") < b, document) is (order < 0)
    assert value(lambda q: q.field("a") <= b, document) is (order <= 0)
    assert value(lambda q: q.field("a") > b, document) is (order > 0)
    assert value(lambda q: q.field("a") >= b, document) is (order >= 0)


@given(st.lists(any_value, min_size=2, max_size=2))
def test_different_expressions_have_different_forms(values: list[Any]) -> None:
    a, b = values
    q = FilterBuilder()
    assert (q.eq(q.field("x"), a).form == q.eq(q.field("x"), b).form) is (compare(a, b) == 0)
    assert q.eq(q.field("x"), "y").form != q.eq("x", q.field("y")).form
    assert q.and_(a, b).form != q.and_(q.and_(a), b).form
    assert q.lt(a, b).form != q.lte(a, b).form
