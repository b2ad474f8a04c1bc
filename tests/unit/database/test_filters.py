"""A query's filter: which documents pass, which changes concern who reads by it, and when two are the same."""

from typing import Any

import pytest

from reactor.database.documents import Document
from reactor.database.filters import Filter
from reactor.errors import DeveloperError
from reactor.values import encode


def document(**fields: Any) -> Document:
    return Document("id", encode(fields))


ADULTS = Filter.of(lambda q: q.field("age") >= 18)


def test_all_conditions_must_hold_in_the_order_of_their_calls() -> None:
    both = Filter.of(lambda q: q.field("age") / 2 < 30, Filter.of(lambda q: q.field("age") >= 18))
    assert both.count == 2
    assert [both.passes(document(age=age)) for age in (17, 18, 59, 60)] == [False, True, True, False]
    with pytest.raises(DeveloperError, match="Cannot div"):
        both.passes(document(age="old"))  # strings stand behind numbers, so the first condition holds
    assert not both.passes(document(age=None))


def test_a_condition_must_be_true_or_false() -> None:
    with pytest.raises(DeveloperError, match=r"Cannot use value 3.0 \(type Float64\) as a Boolean") as raised:
        Filter.of(lambda q: q.field("age")).passes(document(age=3))
    assert raised.value.code == "EvalError"
    assert Filter.of(lambda q: True).passes(document())
    assert not Filter.of(lambda q: False).passes(document())


def test_a_condition_must_be_returned() -> None:
    with pytest.raises(DeveloperError, match=r"filter\(\) returned None: return the condition"):
        Filter.of(lambda q: None)


def test_a_change_concerns_who_lets_one_of_its_versions_through() -> None:
    child, adult, odd = document(age=3), document(age=30), document(age=30, x=1)
    assert [
        ADULTS.concerns(versions) for versions in ((child,), (adult,), (child, child), (child, adult), (adult, odd))
    ] == [
        False,
        True,
        False,
        True,
        True,
    ]
    assert not ADULTS.concerns(())


def test_a_document_at_which_the_filter_fails_concerns_its_readers() -> None:
    assert Filter.of(lambda q: q.field("age") + 1 > 3).concerns((document(age="old"),))


def test_filters_are_the_same_when_they_say_the_same() -> None:
    again = Filter.of(lambda q: q.gte(q.field("age"), 18))
    assert again == ADULTS
    assert hash(again) == hash(ADULTS)
    assert Filter.of(lambda q: q.field("age") > 18) != ADULTS
    assert Filter.of(lambda q: q.field("age") >= 18, ADULTS) != ADULTS
    assert ADULTS != "age"
